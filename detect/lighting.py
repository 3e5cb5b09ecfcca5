"""Day or night, from the picture alone: a clip's time may be wrong, and a still has none.

Brightness does not tell: street cameras turn up their gain, and a lit street at night is as bright as a dull day (mean
luminance of labelled frames: night 98 to 148, day 85 to 170). Colour does. Cameras are balanced for daylight, so street
lamps and headlights tint the whole scene towards red and away from blue.

Set on 82 + 90 labelled frames (day, glare and rain against night) and on 481 clips of three real days away from
twilight (5:50 to 6:50 and 17:40 to 18:55 UTC in March): it agrees with 80 of 82, 87 of 90 and 475 of 481. It misses
two frames of day, three of dusk and six clips of the evening at 06710. Of 100 motorway stills of a summer's day it
takes two for night. Nights lit by white lamps, of which these feeds hold none, it would take for day, and some streets
of red brick for night: 7 of 24 day scenes of the synthetic street, and 3 of its 24 night scenes for day.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from core.records import Lighting
from detect.quality_measures import analysed, warmth
from ingest.frame import Frame

NIGHT_WARMTH = 5.5  # levels of Cr - Cb: real days by day up to 4.8 | by night 6.1 to 44, and six clips of 3 to 5


def lighting_of(frames: Sequence[Frame]) -> Lighting:
    """The light of a clip: that of most of its frames (at least one)."""
    return Lighting.NIGHT if median(warmth(analysed(frame)) for frame in frames) >= NIGHT_WARMTH else Lighting.DAY
