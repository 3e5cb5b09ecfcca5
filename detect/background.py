"""The street with nobody in it: a picture to draw zones on, made of many clips in memory.

    frames of clips --median--> what stands there --count, hide, count again--> nobody is seen --> PNG, once

The median of each pixel over clips shows what is there most of the time (Gloyer et al., Proc. SPIE 2421, 1995): who
passes, and who stands in fewer than half of the clips, is not in it. Frames of one clip show the same people, so what
counts is clips, and how far apart they are. Of places that are covered in a quarter of all moments, as the lane before
a traffic light is, 5 % are covered in half of 12 clips, and 0.1 % in half of 36; of places that are covered in a tenth
of them 0.05 %, and none. Clips three minutes apart are of different traffic light cycles and different customers;
twelve of them span half an hour, longer than a delivery stops.

What stays longer (parked cars, a queue that never ends, a street seller) is still in the median. So the counting model
looks at it, and where it sees a person or a vehicle the picture is blurred over 1/16 of its width: in a JamCam 22 px,
where a person in the foreground is 15 px wide and 40 px tall. That is repeated until it sees nobody; where too much
would have to be hidden, or somebody is still seen, there is no picture.

This is the one module that encodes what a camera saw, and `Background` refuses until all of that is done.
"""

from __future__ import annotations

from typing import Any, NoReturn, final

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import BackgroundRefused, PixelLeak
from core.figures import CLASSES, PEOPLE
from detect.background_limits import LEAST_CLIPS, MOST_CLIPS
from detect.model import CountingModel
from detect.scene import IN_PLACE, Shift
from ingest.clip import SampledClip
from ingest.frame import Frame, Pixels

FRAMES_LOOKED_AT = 5
"""Of a clip, to tell whether it can be used."""

FRAMES_A_CLIP = 4
MOST_STACKED_BYTES = 128 * 1024 * 1024
"""Of larger pictures fewer frames of a clip are taken."""

MOST_PX = 1280 * 720
"""Larger pictures are made smaller: no finer one is needed to point at a kerb, and an answer of the jail is bounded."""

SEEN = 0.15
"""Objects within `NEAR_CELLS`: what the model spreads over a street without anybody is below it (0.02 to 0.1)."""

NEAR_CELLS = 7
"""High and wide: 28 px of 352, what the density of one person or car is spread over."""

STRICTER = 0.9
"""Of `SEEN`, to the power of the look: by it the next look hides more of what is left."""

LOOKS = 8
AROUND, ABOVE = 1 / 64, 1 / 20
"""Of the picture's width: so much more is hidden around what is seen, and above it, for the density of a person or
vehicle lies low in it."""

BLOCKS_ACROSS = 16
MOST_HIDDEN = 0.45
"""Of the picture. Two real streets, one with parked coaches and one with a car park: 0.28 and 0.24."""

PEOPLE_LEFT, VEHICLES_LEFT = 0.5, 2.0
"""Sums over the whole picture of what the model still spreads thinly; a single one anywhere is over `SEEN`."""

_PEOPLE = np.array([name in PEOPLE for name in CLASSES])
_BAND_ROWS = 32

Mask = NDArray[np.bool_]
"""[y, x]"""

Cells = NDArray[np.float32]
"""[row, column] objects present"""


def _leak(*_: Any, **__: Any) -> NoReturn:
    raise PixelLeak(
        "a background stays in the memory of the worker that makes it, until nobody is in it",
        remedy="call `empty`, then `encoded`",
    )


@final
class Background:
    """A picture in the making: `add` clips, `empty` it of people and vehicles, then have it `encoded`, once."""

    __slots__ = ("_clips", "_emptied", "_frames", "hidden")

    def __init__(self) -> None:
        self._frames: list[Pixels] = []
        self._clips = 0
        self._emptied: Pixels | None = None
        self.hidden = 0.0
        """The share of the picture that was hidden, once it is emptied."""

    @property
    def clips(self) -> int:
        """How many clips are in it."""
        return self._clips

    def add(self, clip: SampledClip, shift: Shift = IN_PLACE) -> None:
        """Add frames of a clip whose view has moved by `shift`. Raises `BackgroundRefused` for one of another size."""
        taken = [_moved_back(_sized(frame), shift) for frame in _spread(clip)]
        if any(one.shape != first.shape for one in taken for first in self._frames[:1] or taken[:1]):
            height_px, width_px = taken[0].shape[:2]
            raise BackgroundRefused(f"a clip of {width_px}x{height_px} among clips of another size")
        self._frames += taken
        self._clips += 1

    def empty(self, model: CountingModel) -> None:
        """Take the median, and hide whom `model` still sees. Lets go of the frames.

        Raises `BackgroundRefused` for fewer than `LEAST_CLIPS`, and where somebody cannot be hidden.
        """
        if self._clips < LEAST_CLIPS:
            raise BackgroundRefused(
                f"{self._clips} clips are too few to tell what stands in the street from who passes: {LEAST_CLIPS} are "
                "needed"
            )
        frames, self._frames = self._frames, []
        self._emptied, self.hidden = _without_anybody(_median(frames), model)

    def encoded(self) -> bytes:
        """The picture as PNG, after which it is gone. Raises `PixelLeak` before it is emptied, and the second time."""
        if self._emptied is None:
            _leak()
        done, picture = cv2.imencode(".png", cv2.cvtColor(self._emptied, cv2.COLOR_RGB2BGR))
        self._emptied = None
        if not done:
            raise BackgroundRefused("the picture could not be written as PNG")
        return picture.tobytes()

    __reduce__ = __reduce_ex__ = __getstate__ = __copy__ = __deepcopy__ = _leak
    __repr__ = __str__ = __format__ = __bytes__ = __iter__ = __array__ = __buffer__ = _leak


def _spread(clip: SampledClip) -> list[Frame]:
    """Frames of a clip, evenly: as many as `MOST_STACKED_BYTES` leaves to each of `MOST_CLIPS`."""
    largest = max(min(frame.width_px * frame.height_px, MOST_PX) * 3 for frame in clip.frames)
    wanted = max(1, min(FRAMES_A_CLIP, len(clip.frames), MOST_STACKED_BYTES // (MOST_CLIPS * largest)))
    return [clip.frames[(2 * part + 1) * len(clip.frames) // (2 * wanted)] for part in range(wanted)]


def _sized(frame: Frame) -> Pixels:
    """A plain array of at most `MOST_PX`."""
    share = (MOST_PX / (frame.width_px * frame.height_px)) ** 0.5
    if share >= 1:
        return np.array(frame.pixels, subok=False)
    size = (round(frame.width_px * share), round(frame.height_px * share))
    return np.asarray(cv2.resize(frame.pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _moved_back(picture: Pixels, shift: Shift) -> Pixels:
    """The picture where its view was when its zones were drawn, by whole pixels; its edge is repeated."""
    height_px, width_px = picture.shape[:2]
    right_px, down_px = round(shift.right * width_px), round(shift.down * height_px)
    if not right_px and not down_px:
        return picture
    back = np.array([[1, 0, -right_px], [0, 1, -down_px]], dtype=np.float64)
    moved = cv2.warpAffine(
        picture, back, (width_px, height_px), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(moved, dtype=np.uint8)


def _median(frames: list[Pixels]) -> Pixels:
    """The median over frames, pixel by pixel and colour by colour (the lower one of two), a band of rows at a time."""
    middle = (len(frames) - 1) // 2
    median = np.empty_like(frames[0])
    for top in range(0, len(median), _BAND_ROWS):
        band = np.stack([frame[top : top + _BAND_ROWS] for frame in frames])
        median[top : top + _BAND_ROWS] = np.partition(band, middle, axis=0)[middle]
    return median


def _without_anybody(picture: Pixels, model: CountingModel) -> tuple[Pixels, float]:
    """The picture with everybody hidden whom the model sees, and the share of it that is hidden.

    Raises `BackgroundRefused`.
    """
    blurred = _blurred(picture)
    hidden = np.zeros(picture.shape[:2], dtype=np.bool_)
    shown = picture
    for look in range(LOOKS):
        people, vehicles = _counted(shown, hidden, model)
        near = _near(people + vehicles)
        if near.max() <= SEEN and people.sum() < PEOPLE_LEFT and vehicles.sum() < VEHICLES_LEFT:
            return shown, float(hidden.mean())
        hidden |= _around(near > SEEN * STRICTER**look, picture.shape[1], picture.shape[0])
        if hidden.mean() > MOST_HIDDEN:
            raise BackgroundRefused(
                f"people or vehicles stand there most of the time: {hidden.mean():.0%} of the picture would be hidden",
                remedy="ask again at a quieter hour",
            )
        shown = np.where(hidden[..., None], blurred, picture)
    raise BackgroundRefused(
        f"the counting model still sees somebody after {LOOKS} looks", remedy="ask again at a quieter hour"
    )


def _counted(picture: Pixels, hidden: Mask, model: CountingModel) -> tuple[Cells, Cells]:
    """People and vehicles in each cell; what it makes of the blur where all is hidden is nobody."""
    (density,) = model.density([Frame(picture.copy(), 0.0)])
    rows, columns = density.shape[1:]
    share = cv2.resize(hidden.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
    open_cells = share < 1
    return density[_PEOPLE].sum(axis=0) * open_cells, density[~_PEOPLE].sum(axis=0) * open_cells


def _near(cells: Cells) -> Cells:
    """What is within `NEAR_CELLS` around each cell."""
    window = (NEAR_CELLS, NEAR_CELLS)
    return np.asarray(cv2.boxFilter(cells, -1, window, normalize=False, borderType=cv2.BORDER_CONSTANT), np.float32)


def _around(cells: Mask, width_px: int, height_px: int) -> Mask:
    """Pixels of those cells, with what lies around and above them."""
    seen = cv2.resize(cells.astype(np.uint8), (width_px, height_px), interpolation=cv2.INTER_NEAREST)
    around, above = max(1, round(AROUND * width_px)), max(1, round(ABOVE * width_px))
    # OpenCV reads a kernel's anchor as where the pixel itself lies: near its top, what is dilated grows upwards.
    kernel = np.ones((around + above + 1, 2 * around + 1), dtype=np.uint8)
    return np.asarray(cv2.dilate(seen, kernel, anchor=(around, around)), dtype=np.bool_)


def _blurred(picture: Pixels) -> Pixels:
    """The picture as the mean colours of blocks; drawn smoothly, for the model takes edges of blocks for vehicles."""
    height_px, width_px = picture.shape[:2]
    few = (BLOCKS_ACROSS, max(1, round(BLOCKS_ACROSS * height_px / width_px)))
    small = cv2.resize(picture, few, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width_px, height_px), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
