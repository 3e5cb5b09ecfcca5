"""What is known of a camera before a clip of it is looked at, and what a look at the clip adds.

`Scene` goes into the worker that decodes and counts, `ClipReport` is all that comes out of it. Whether a clip is
counted follows from its `Scene` and its pixels alone; what `Scene` the next clip gets is decided by `ViewBook`, from
the `Sight` of this one.

Two things here are computed from pixels. A `Signature` has directions of edges and no tone; it is kept on disk. A
`Fingerprint` has the tone of large blocks, frame by frame: a person who crosses a block changes it, so it tells where
somebody was. It is of the last counted clip alone, lives in memory, and is never written anywhere.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, NonNegativeInt, PositiveInt

from core.config import Closed
from core.records import CountObservation, UtcTime

ROWS, COLUMNS = 36, 44
"""Cells of a signature over the whole picture: 8 px high and wide in 352x288."""

SIGNATURE_LENGTH = 2328
"""Characters of 6 bits, two for each cell that no caption covers: 1.7 KB."""

FINGERPRINT_FRAMES = 8
FINGERPRINT_ROWS, FINGERPRINT_COLUMNS = 9, 11
"""Blocks of a frame in a fingerprint: 24 px high and 32 px wide in 352x288."""

LOOKS_KEPT = 8
"""A view has as many looks: by day, at night, at dusk, in sun and shade, and after the camera came back a bit askew."""

EPOCHS_KEPT = 4
"""As many new views of a camera get a number; of those after them nobody can confirm any, and none is counted."""

Signature = Annotated[str, Field(pattern=rf"^[0-9A-Za-z+/]{{{SIGNATURE_LENGTH}}}$")]
"""Where in the picture edges run in which direction: see `detect/view_field.py`."""

Fingerprint = Annotated[
    str,
    Field(pattern=r"^([0-9A-Za-z+/]{2})+$", max_length=2 * FINGERPRINT_FRAMES * FINGERPRINT_ROWS * FINGERPRINT_COLUMNS),
]
"""Mean luminance of large blocks, frame by frame: see `detect/fingerprint.py`. Never to be written to a disk."""


class Shift(Closed):
    """How far a view has moved in the picture, in shares of its width and height, since its zones were drawn."""

    right: float = 0.0
    down: float = 0.0


IN_PLACE = Shift()


class Look(Closed):
    """What a view looks like at times: the mean signature of `clips` clips, the last of them of `seen_at`."""

    signature: Signature
    shift: Shift = IN_PLACE
    clips: PositiveInt = 1
    seen_at: UtcTime


class KnownView(Closed):
    """A view that a camera has shown for long. Only one that is `counted` is: the one learnt first, and those that an
    operator has confirmed. `usual` is how similar its clips are to its looks."""

    epoch: NonNegativeInt
    counted: bool
    looks: tuple[Look, ...] = Field(min_length=1, max_length=LOOKS_KEPT)
    since: UtcTime
    usual: float = Field(default=1.0, ge=-1, le=1)


class LastClip(Closed):
    """The camera's last clip that showed something new, of a view that is counted."""

    event_time: UtcTime
    fingerprint: Fingerprint


class Scene(Closed):
    """What is known of a camera's views and of its last clip.

    With no `views` a clip is counted as that of epoch 0, unless the camera's first clips left it `undecided` which view
    it is for. `away_since` is when it left the views that are counted; null while it shows one.
    """

    views: tuple[KnownView, ...] = Field(default=(), max_length=EPOCHS_KEPT + 1)
    undecided: bool = False
    away_since: UtcTime | None = None
    last: LastClip | None = None


class Sight(Closed):
    """What a clip shows of its camera, not of the street: by it the next clip is known to be new, and of this view.

    `epoch` is the known view that it shows, null where it shows none; `similarity` is that to it, or to the one most
    like it (null where none is known). `steady` is how similar the end of the clip is to its beginning, where nothing
    passes; null for a still. `fingerprint` is null where the clip shows a view that is not counted: nobody has drawn
    zones in it, and it may be a window, so nothing that follows people leaves the worker.
    """

    signature: Signature
    fingerprint: Fingerprint | None = None
    steady: float | None = Field(default=None, ge=-1, le=1)
    epoch: NonNegativeInt | None = None
    similarity: float | None = Field(default=None, ge=-1, le=1)
    shift: Shift = IN_PLACE


class ClipReport(Closed):
    """What a worker says of a clip: one observation for each zone of its camera, in their order, and what it saw of the
    camera; `sight` is None where no picture could be judged, or it is an earlier one again."""

    observations: tuple[CountObservation, ...]
    sight: Sight | None = None
