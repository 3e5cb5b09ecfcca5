"""What the camera and the feed do to a picture: softness, noise, stamps, compression, and the feed's faults."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from ingest.frame import Pixels
from ingest.street.layout import HEIGHT_PX, WIDTH_PX

FONT = cv2.FONT_HERSHEY_DUPLEX
CARD_GREY = 128
_NOISE_PX = 512


@lru_cache(maxsize=12)
def _noise_tile(level: int) -> NDArray[np.int16]:
    """Sensor noise of standard deviation `level` / 2, [512, 512, 3]: mostly brightness, a little colour."""
    random = np.random.default_rng((41, level))
    grey = random.normal(0, 1, (_NOISE_PX, _NOISE_PX, 1))
    grey = 0.75 * grey + 0.5 * cv2.GaussianBlur(random.normal(0, 2, (_NOISE_PX, _NOISE_PX)), (0, 0), 1.0)[..., None]
    colour = random.normal(0, 0.45, (_NOISE_PX, _NOISE_PX, 3))
    return np.round((grey + colour) * level / 2).astype(np.int16)


@dataclass(frozen=True, eq=False)
class Optics:
    """How one camera renders: softness in pixels, tone and tint as a table [256, 1, 3], quality of its compression."""

    softness_px: float
    table: NDArray[np.uint8]
    quality: int


@lru_cache(maxsize=256)
def optics(seed: int) -> Optics:
    """The look of one camera: no two of a city are set alike."""
    random = np.random.default_rng((seed, 47))
    gamma, lift = random.uniform(0.88, 1.14), random.uniform(0, 14)
    levels = np.linspace(0, 1, 256)[:, None] ** gamma * random.uniform(0.93, 1.07, 3) * random.uniform(235, 262) + lift
    return Optics(
        softness_px=float(random.uniform(0.45, 0.85)),
        table=np.clip(levels, 0, 255).astype(np.uint8)[:, None, :],
        quality=int(random.integers(52, 74)),
    )


def sensor(picture: Pixels, look: Optics, noise: float, random: np.random.Generator) -> Pixels:
    """The lens's softness, the camera's tone and the sensor's noise (standard deviation in grey levels)."""
    soft = cv2.LUT(cv2.GaussianBlur(picture, (3, 3), look.softness_px), look.table)
    tile = _noise_tile(max(1, min(24, round(noise * 2))))
    y, x = int(random.integers(_NOISE_PX - HEIGHT_PX)), int(random.integers(_NOISE_PX - WIDTH_PX))
    noisy = cv2.add(soft, tile[y : y + HEIGHT_PX, x : x + WIDTH_PX], dtype=cv2.CV_8U)
    return np.asarray(noisy, np.uint8)


def compressed(picture: Pixels, quality: int) -> Pixels:
    """Through lossy compression and back, in memory: blocks and bled colours as in the feed."""
    done, code = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), (cv2.IMWRITE_JPEG_QUALITY, quality))
    if not done:
        raise ValueError("the picture could not be compressed")
    return np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR_RGB), np.uint8)


def stamped(picture: Pixels, stamp: str, name: str, number: str = "") -> Pixels:
    """Write the feed's lines over the picture, in place: time top left, place at the foot, source top right."""
    _label(picture, stamp, left_px=0, top_px=0, height_px=13)
    (wide, _), _ = cv2.getTextSize(name, FONT, 0.40, 1)
    _label(picture, name, left_px=(WIDTH_PX - wide) // 2 - 3, top_px=HEIGHT_PX - 15, height_px=15)
    if number:
        corner = picture[0:34, 262:WIDTH_PX]
        corner[:] = cv2.addWeighted(corner, 0.25, np.full_like(corner, 235), 0.75, 0)
        cv2.putText(picture, "Synthetic", (276, 15), FONT, 0.36, (30, 60, 120), 1, cv2.LINE_AA)
        cv2.putText(picture, "Street", (276, 27), FONT, 0.36, (30, 60, 120), 1, cv2.LINE_AA)
        cv2.putText(picture, number, (37, 45), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (20, 20, 20), 3, cv2.LINE_AA)
        cv2.putText(picture, number, (37, 45), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (235, 235, 235), 1, cv2.LINE_AA)
    return picture


def _label(picture: Pixels, text: str, *, left_px: int, top_px: int, height_px: int) -> None:
    (wide, _), _ = cv2.getTextSize(text, FONT, 0.40, 1)
    area = picture[top_px : top_px + height_px, max(0, left_px) : left_px + wide + 6]
    area[:] = area // 4 + 40
    cv2.putText(picture, text, (max(0, left_px) + 3, top_px + 10), FONT, 0.40, (225, 225, 225), 1, cv2.LINE_AA)


def placeholder_card(camera: str) -> Pixels:
    """The card of a camera that its operators have taken: flat grey, white words; the stamp goes on running."""
    card = np.full((HEIGHT_PX, WIDTH_PX, 3), CARD_GREY, np.uint8)
    for line, words in enumerate((f"Camera {camera} in", "use keeping London", "moving")):
        (wide, _), _ = cv2.getTextSize(words, FONT, 0.72, 2)
        cv2.putText(card, words, ((WIDTH_PX - wide) // 2, 116 + 36 * line), FONT, 0.72, (255, 255, 255), 2, cv2.LINE_AA)
    return card


def offline_card() -> Pixels:
    """The card of a camera that is not there: a crossed-out camera on grey, no stamp."""
    card = np.full((HEIGHT_PX, WIDTH_PX, 3), 140, np.uint8)
    white, grey = (255, 255, 255), (140, 140, 140)
    cv2.rectangle(card, (80, 58), (274, 206), white, -1)
    cv2.fillConvexPoly(card, np.array([(128, 60), (148, 20), (206, 20), (226, 60)], np.int32), white, cv2.LINE_AA)
    cv2.circle(card, (177, 128), 50, grey, -1, cv2.LINE_AA)
    cv2.circle(card, (177, 128), 28, white, -1, cv2.LINE_AA)
    cv2.line(card, (84, 40), (262, 222), grey, 26, cv2.LINE_AA)
    cv2.line(card, (82, 36), (264, 224), white, 13, cv2.LINE_AA)
    (wide, _), _ = cv2.getTextSize("CAMERA OFFLINE", FONT, 0.7, 2)
    cv2.putText(card, "CAMERA OFFLINE", ((WIDTH_PX - wide) // 2, 258), FONT, 0.7, white, 2, cv2.LINE_AA)
    return card


def smeared(picture: Pixels, random: np.random.Generator) -> Pixels:
    """A decoder that lost the rest of the picture: below some block row the last good row is dragged down."""
    out = picture.copy()
    row = 16 * int(random.integers(3, 10))
    step = 16 * int(random.integers(0, WIDTH_PX // 16))
    last = cv2.GaussianBlur(out[row - 1 : row], (5, 1), 1.0)
    out[row + 16 :] = last
    out[row : row + 16, step:] = last[:, step:]
    return out


def darkened(picture: Pixels) -> Pixels:
    """Almost no light: the iris has failed."""
    return cv2.convertScaleAbs(picture, alpha=0.05, beta=4)  # type: ignore[return-value]


def blurred(picture: Pixels) -> Pixels:
    """Out of focus."""
    return cv2.GaussianBlur(picture, (0, 0), 5.5)  # type: ignore[return-value]
