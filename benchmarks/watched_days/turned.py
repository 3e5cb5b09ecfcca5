"""Real clips as they would be, had their camera been turned or zoomed for an hour, and come back.

learnt ............ | turned ............ | back ......
                      noticed at clip 1     counted again at clip 1
                                new view
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.records import Camera, ClipReady, Status
from detect.view_book import ViewBook
from ingest.clip import SampledClip
from ingest.decode import open_media
from ingest.decode_limits import DecodeLimits
from ingest.frame import Frame
from watched_days.deciding import Decided, decided

Move = tuple[float, float, float, float]
"""Scale, degrees, px right, px down; of a picture of 352x288."""

MOVES: dict[str, Move] = {
    "turned by 60 px": (1.0, 0.0, 60.0, 0.0),
    "turned by 100 px": (1.0, 0.0, -100.0, 0.0),
    "tilted by 50 px": (1.0, 0.0, 0.0, 50.0),
    "zoomed in by 1.15": (1.15, 0.0, 0.0, 0.0),
    "zoomed in by 1.3": (1.3, 0.0, 0.0, 0.0),
    "zoomed out by 0.85": (0.85, 0.0, 0.0, 0.0),
    "rolled by 6 degrees": (1.0, 6.0, 0.0, 0.0),
}

LEARNT_CLIPS = 12
AWAY = timedelta(minutes=60)
BACK_CLIPS = 6


@dataclass(frozen=True)
class Excursion:
    """What was made of a camera that showed another view for an hour, and came back.

    `noticed` is the first clip of the other view that was not counted for it, `resumed` the first that was counted of
    the known one, from 1 on; None for none. `counted` are the clips that were counted of the other view.
    """

    noticed: int | None
    counted: int
    became_a_view: bool
    resumed: int | None


class Turned:
    """Opens recorded clips, those of some times as a camera shows them that was moved."""

    def __init__(self, move: Move, times: Iterable[datetime]) -> None:
        self._move = move
        self._times = set(times)

    def open(self, clip: ClipReady, frames: int) -> SampledClip:
        opened = open_media(Path(clip.location), frames, DecodeLimits())
        if clip.event_time not in self._times:
            return opened
        turned = tuple(Frame(moved(frame, *self._move), frame.offset_s) for frame in opened.frames)
        return SampledClip(turned, opened.duration_s, opened.decoded_frames, opened.decode_errors)


def moved(frame: Frame, scale: float, degrees: float, right: float, down: float) -> NDArray[np.uint8]:
    """The frame as the camera would show it once turned; what comes into view mirrors what was there."""
    height, width = frame.height_px, frame.width_px
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, scale)
    matrix[:, 2] += (right, down)
    turned = cv2.warpAffine(np.asarray(frame.pixels), matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(turned, dtype=np.uint8)


def excursions(camera: Camera, clips: Sequence[ClipReady], move: Move) -> list[Excursion]:
    """Of one camera, from its first clip on and from the middle, if its view was learnt by then.

    `clips` are those in which a person saw the known street.
    """
    found = []
    for first in (0, len(clips) // 2):
        learning = clips[first : first + LEARNT_CLIPS]
        rest = clips[first + LEARNT_CLIPS :]
        away = [clip for clip in rest if clip.event_time < rest[0].event_time + AWAY]
        back = rest[len(away) : len(away) + BACK_CLIPS]
        book, opener = ViewBook(), Turned(move, [clip.event_time for clip in away])
        *_, last = decided(camera, learning, opener, book)
        if last.status is Status.OK:
            turned = list(decided(camera, away, opener, book))
            found.append(excursion(turned, list(decided(camera, back, opener, book))))
    return found


def excursion(turned: Sequence[Decided], back: Sequence[Decided]) -> Excursion:
    """From what was decided on the clips of the other view, and on those of the known one after it; neither is none."""
    return Excursion(
        noticed=_first(turned, Status.MOVED_VIEW),
        counted=sum(one.status is Status.OK for one in turned),
        became_a_view=len(back[0].scene.views) > len(turned[0].scene.views),
        resumed=_first(back, Status.OK),
    )


def _first(those: Sequence[Decided], status: Status) -> int | None:
    return next((number for number, one in enumerate(those, 1) if one.status is status), None)
