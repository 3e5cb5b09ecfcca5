"""What can be measured of a picture to tell whether it shows the street: few features, each with a physical meaning.

Pictures are at most `ANALYSIS_WIDTH_PX` wide (`analysed` makes them so). Shares are of the picture's pixels, 0..1.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ingest.frame import Frame

Grey = NDArray[np.uint8]
"""Luminance, uint8 [height_px, width_px], 0..255."""

YCrCb = NDArray[np.uint8]
"""Luminance and colour differences, uint8 [height_px, width_px, 3]; neutral is 128 in the last two."""

ANALYSIS_WIDTH_PX = 352
"""Larger pictures are reduced to the width of a JamCam frame, so that one set of thresholds holds for every size."""

STRIPES_WIDTH_PX = 176
"""Dragged columns are looked for at half of it, where noise and recompression have averaged out."""

_TONE_LEVELS = 5  # width of a tone: JPEG and H.264 move a flat colour by about two levels either way
_RUN_SHARE = 1 / 8  # of the height: lamp posts and window edges are rarely undisturbed for longer
_RUN_STEP = np.array((1.0,))  # at most this many levels from a row to the next inside a dragged column
_TEXTURE_SPAN = 9  # px along a row
_TEXTURE_STEP = np.array((2.0,))  # mean level difference of neighbours in it, rounded: a smooth road has less
_CHANGE_LEVELS = np.array((4.0,))  # a change above the noise of recompression
_MID_GREY_LOW, _MID_GREY_HIGH = np.array((122.0, 123.0, 123.0)), np.array((138.0, 133.0, 133.0))  # Y, Cr, Cb
_LEVEL_0, _LEVEL_255 = np.array((0.0,)), np.array((255.0,))
BANNERS = (0.12, 0.92)  # stamps, logos and captions are drawn above and below this part of the height


@dataclass(frozen=True)
class Look:
    """The measurements of one frame."""

    flat: float
    tone: float
    dragged: float
    mid_grey: float
    detail: float
    brightest: float


def analysed(frame: Frame) -> YCrCb:
    """The frame in luminance and colour differences, reduced to the analysis width where it is wider."""
    picture = _at_most(np.asarray(frame.pixels), ANALYSIS_WIDTH_PX)
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb), dtype=np.uint8)


def scene(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The rows of a picture that no banner is drawn on."""
    top, bottom = (round(share * picture.shape[0]) for share in BANNERS)
    return picture[top:bottom] if bottom > top else picture


def luminance(picture: YCrCb) -> Grey:
    """The luminance of a picture, contiguous in memory."""
    return np.ascontiguousarray(picture[..., 0])


def look(picture: YCrCb) -> Look:
    """Measure one picture, as from `analysed`."""
    grey = luminance(picture)
    return Look(
        flat=flat_share(grey),
        tone=tone_share(grey),
        dragged=dragged_share(_at_most(grey, STRIPES_WIDTH_PX)),
        mid_grey=mid_grey_share(picture),
        detail=detail(grey),
        brightest=brightest(grey),
    )


def flat_share(grey: Grey) -> float:
    """The share of pixels that equal both the one below and the one to the right: a drawn card, not a lens."""
    steps = cv2.bitwise_or(*_steps(grey))
    return 1.0 - cv2.countNonZero(steps) / max(1, steps.size)


def tone_share(grey: Grey) -> float:
    """The share of the commonest tone, `_TONE_LEVELS` wide."""
    return float(np.convolve(_histogram(grey), np.ones(_TONE_LEVELS), "valid").max()) / grey.size


def dragged_share(grey: Grey) -> float:
    """The share of pixels in dragged columns: unchanged downwards for an eighth of the height, but not sideways.

    A decoder that loses the rest of a key frame fills it by repeating the last row it has, which leaves upright
    stripes. A smooth road is unchanged downwards too, but it has no stripes. `grey` is at most `STRIPES_WIDTH_PX` wide.
    """
    down, along = _steps(grey)
    rows = max(4, round(down.shape[0] * _RUN_SHARE))
    unchanged = cv2.inRange(down, _LEVEL_0, _RUN_STEP)
    runs = cv2.morphologyEx(unchanged, cv2.MORPH_OPEN, np.ones((rows, 1), np.uint8))
    textured = cv2.inRange(cv2.blur(along, (_TEXTURE_SPAN, 1)), _TEXTURE_STEP, _LEVEL_255)
    return cv2.countNonZero(cv2.bitwise_and(runs, textured)) / max(1, down.size)


def mid_grey_share(picture: YCrCb) -> float:
    """The share of pixels of the colour that a decoder starts from where it never had a picture: neutral mid-grey.

    H.264 starts at luma 128 of 16..235, which is 130 of 0..255.
    """
    mid = cv2.inRange(picture, _MID_GREY_LOW, _MID_GREY_HIGH)
    return cv2.countNonZero(mid) / max(1, mid.size)


def detail(grey: Grey) -> float:
    """The sharpness of the sharpest tenth of the scene: 90th percentile of the absolute Laplacian, in levels."""
    laplacian = cv2.convertScaleAbs(cv2.Laplacian(scene(grey), cv2.CV_16S))
    return _percentile(laplacian, 0.90)


def brightest(grey: Grey) -> float:
    """The level that 95 % of the scene stays below, 0..255."""
    return _percentile(scene(grey), 0.95)


def warmth(picture: YCrCb) -> float:
    """How far the scene is tinted towards red and away from blue: mean Cr less mean Cb, in levels; grey is 0."""
    _, red, blue, _ = cv2.mean(scene(picture))
    return red - blue


def changed_share(before: Grey, after: Grey) -> float:
    """The share of pixels that differ by `_CHANGE_LEVELS` or more between two frames of one size."""
    changed = cv2.inRange(cv2.absdiff(before, after), _CHANGE_LEVELS, _LEVEL_255)
    return cv2.countNonZero(changed) / max(1, changed.size)


def _at_most(picture: NDArray[np.uint8], width_px: int) -> NDArray[np.uint8]:
    """The picture itself, or reduced to `width_px` where it is wider; each new pixel is the mean of those it covers."""
    height_now_px, width_now_px = picture.shape[:2]
    if width_now_px <= width_px:
        return picture
    size = (width_px, max(2, round(height_now_px * width_px / width_now_px)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _steps(grey: Grey) -> tuple[cv2.typing.MatLike, cv2.typing.MatLike]:
    """The absolute level difference of every pixel to the one below, and to the one to the right."""
    here = grey[:-1, :-1]
    return cv2.absdiff(grey[1:, :-1], here), cv2.absdiff(grey[:-1, 1:], here)


def _percentile(grey: cv2.typing.MatLike, share: float) -> float:
    """The smallest level that `share` of the pixels do not exceed."""
    below = np.cumsum(_histogram(grey))
    return float(np.searchsorted(below, share * below[-1]))


def _histogram(grey: cv2.typing.MatLike) -> NDArray[np.float32]:
    """How many pixels have each level: float32 [256]."""
    return np.asarray(cv2.calcHist([grey], [0], None, [256], [0, 256]), dtype=np.float32).ravel()
