"""Does the clip show the view that its camera is known by? Where it does not, nothing is counted: not against the
wrong street, and not in a window that the camera happens to point at.

What stands in a clip (the median of its frames: who passes is not in it, but where traffic covers a place for half of
the clip, a few cells there change with who passes) becomes a `Signature`: in each cell of 8 px
the direction of its edges, whatever their contrast and brightness. At 40 px to a person 1.7 m tall, as people are in
the foreground of a JamCam, that is three cells a metre without any tone; EN 62676-4 asks for 25 px a metre to tell
that somebody is there at all, and for 125 to recognise them.

Set on three real camera-days (576 clips; `benchmarks/views/seen.jsonl` has what a person sees in them), 100 motorway
stills and the synthetic street; `make bench-views` repeats it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.records import REASON_LENGTH, Status
from detect.fingerprint import fingerprint_of, repeated
from detect.quality import Verdict
from detect.quality_measures import Grey
from detect.scene import COLUMNS, IN_PLACE, ROWS, Scene, Shift, Sight
from detect.view_field import VISIBLE, Field, coded, decoded, steadiness
from detect.view_match import STEADY, Placed, place
from ingest.clip import SampledClip
from ingest.frame import Frame

_CELL_PX = 8
_SIZE = (COLUMNS * _CELL_PX, ROWS * _CELL_PX)
_DENOISE_PX = 1.0  # standard deviation: compression and grain
_POOL_QUARTERS = 0.4  # a cell pools from a little beyond itself, so that half a cell's shift is not lost
_WEAK_EDGE = 3.0  # mean squared slope, in levels a pixel, at which an edge counts half: above it contrast says nothing
_SURROUND_CELLS = 5  # high and wide: what a cell has in common with those around is taken off

_SEEN = VISIBLE.astype(np.float32)


@dataclass(frozen=True)
class Watched:
    """What a look at a clip adds: whether it may be counted, as which view, and how far its zones have moved."""

    verdict: Verdict
    sight: Sight | None
    epoch: int = 0
    shift: Shift = IN_PLACE


UNWATCHED = Watched(Verdict(Status.OK), None)


def watch(clip: SampledClip, scene: Scene) -> Watched:
    """Judge a clip that shows a street: is it new, is it steady, and is it the view that may be counted?

    Follows from the two arguments alone.
    """
    greys = [grey_of(frame) for frame in clip.frames]
    fingerprint = fingerprint_of(greys)
    if scene.last is not None and repeated(scene.last.fingerprint, fingerprint):
        reason = (
            f"frozen feed: the picture of {scene.last.event_time:%Y-%m-%d %H:%M:%S} UTC again, encoded anew "
            "(what moves repeats itself block for block)"
        )
        return Watched(Verdict(Status.FROZEN, reason), None)
    signature = coded(_field(_median(greys)))
    steady = steadiness(_field(_halved(greys[0])), _field(_halved(greys[-1]))) if len(greys) > 1 else None
    placed = place(scene, decoded(signature))
    sight = Sight(
        signature=signature,
        steady=steady,
        epoch=placed.epoch,
        similarity=placed.similarity,
        shift=placed.shift,
    )
    verdict = Verdict(Status.OK)
    if sight.steady is not None and sight.steady < STEADY:
        reason = f"the camera moved during the clip: it ends elsewhere than it begins (similarity {sight.steady:.2f})"
        verdict = Verdict(Status.MOVED_VIEW, reason)
    elif not placed.counted:
        verdict = Verdict(Status.MOVED_VIEW, _why_not(placed, scene)[:REASON_LENGTH])
    else:
        sight = sight.model_copy(update={"fingerprint": fingerprint})
    return Watched(verdict, sight, placed.epoch or 0, placed.shift)


def signature_of(frames: Sequence[Frame]) -> str:
    """The signature of what stands in the frames (at least one, of any size)."""
    return coded(_field(_median([grey_of(frame) for frame in frames])))


def _why_not(placed: Placed, scene: Scene) -> str:
    if scene.undecided:
        return (
            "the camera's first clips show different views: none is counted until one of them lasts. Nothing needs to "
            "be done where it stays"
        )
    since = "" if scene.away_since is None else f" since {scene.away_since:%H:%M} UTC"
    if placed.epoch is not None:
        return (
            f"the camera shows view {placed.epoch}, which nobody has confirmed,{since or ' from this clip on'} "
            f"(similarity {placed.similarity or 0:.2f}; to the known view {placed.known:.2f}, usually "
            f"{placed.usual:.2f})"
        )
    return f"view differs from the known one{since} (similarity {placed.known:.2f}, known {placed.usual:.2f})"


def grey_of(frame: Frame) -> Grey:
    """Luminance of 352x288, whatever the frame's size and shape."""
    grey = cv2.cvtColor(np.asarray(frame.pixels), cv2.COLOR_RGB2GRAY)
    if grey.shape != _SIZE[::-1]:
        grey = cv2.resize(grey, _SIZE, interpolation=cv2.INTER_AREA)
    return np.asarray(grey, dtype=np.uint8)


def _median(pictures: Sequence[Grey]) -> Grey:
    """The median over frames, pixel by pixel (the lower one of two): an odd-even sort, which OpenCV does at once."""
    lanes = list(pictures)
    for turn in range(len(lanes)):
        for lower in range(turn % 2, len(lanes) - 1, 2):
            one, other = lanes[lower], lanes[lower + 1]
            lanes[lower] = np.asarray(cv2.min(one, other), dtype=np.uint8)
            lanes[lower + 1] = np.asarray(cv2.max(one, other), dtype=np.uint8)
    return lanes[(len(lanes) - 1) // 2]


def _halved(picture: Grey) -> Grey:
    """Half as wide and high: enough to tell whether a camera turned, in a third of the time."""
    return np.asarray(cv2.resize(picture, (_SIZE[0] // 2, _SIZE[1] // 2), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _field(picture: Grey) -> Field:
    """The directions of edges in each cell, less what the cells around have in common: see `detect/view_field.py`."""
    smooth = cv2.GaussianBlur(picture, (0, 0), _DENOISE_PX)
    along = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=1 / 8)
    along_2, down_2, both = (_pooled(cv2.multiply(*pair)) for pair in ((along, along), (down, down), (along, down)))
    strength = along_2 + down_2 + _WEAK_EDGE
    field: Field = _without_surround((along_2 - down_2) / strength) + 1j * _without_surround(2 * both / strength)
    return field


def _pooled(values: cv2.typing.MatLike) -> NDArray[np.float32]:
    """The weighted mean around the middle of each cell, from quarters of cells: quicker than pixels, and as good."""
    quarters = cv2.resize(values, (2 * COLUMNS, 2 * ROWS), interpolation=cv2.INTER_AREA)
    quarters = cv2.GaussianBlur(quarters, (0, 0), _POOL_QUARTERS)
    return np.asarray(cv2.resize(quarters, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA), dtype=np.float32)


def _without_surround(cells: NDArray[np.float32]) -> NDArray[np.float32]:
    size = (_SURROUND_CELLS, _SURROUND_CELLS)
    weight = cv2.blur(_SEEN, size)
    around = cv2.blur(cells * _SEEN, size) / np.maximum(weight, np.float32(1 / _SURROUND_CELLS**2))
    lifted: NDArray[np.float32] = ((cells - around) * _SEEN).astype(np.float32)
    return lifted
