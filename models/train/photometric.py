"""What a camera, the weather and a codec do to a picture: uint8 RGB [288, 352, 3], a few milliseconds a frame."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
PLACES = ("A40 Western Ave", "Oxford St/Regent St", "Camden High St", "A3 West Hill", "Tower Bridge Rd", "TfL")
_BANK = np.random.default_rng(7).normal(0, 1, (3, 400, 500)).astype(np.float32)  # noise is drawn once and cut at random


def noisy(image: Image, sigma: float, random: np.random.Generator, grey: bool) -> Image:
    y, x = random.integers(0, 100), random.integers(0, 140)
    height, width = image.shape[:2]
    noise = _BANK[:1] if grey else _BANK
    cut = np.moveaxis(noise[:, y : y + height, x : x + width], 0, 2) * sigma
    return np.clip(image + cut, 0, 255).astype(np.uint8)


def tone(image: Image, random: np.random.Generator, strength: float) -> Image:
    """Brightness, contrast, gamma and colour balance, by one table per channel."""
    ramp = np.linspace(0, 1, 256, dtype=np.float32)
    gamma = np.exp(random.uniform(-0.5, 0.5) * strength)
    contrast, shift = 1 + random.uniform(-0.35, 0.35) * strength, random.uniform(-0.15, 0.15) * strength
    table = np.empty((1, 256, 3), np.uint8)
    for channel in range(3):
        gain = 1 + random.uniform(-0.12, 0.12) * strength
        curve = ((ramp**gamma - 0.5) * contrast + 0.5 + shift) * gain
        table[0, :, channel] = np.clip(curve * 255, 0, 255)
    return cv2.LUT(image, table)


def saturation(image: Image, factor: float) -> Image:
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return cv2.addWeighted(image, factor, grey, 1 - factor, 0)


def other_colours(image: Image, random: np.random.Generator) -> Image:
    """Hue turned, or channels exchanged: what a thing is does not hang on its colour."""
    if random.random() < 0.4:
        return np.ascontiguousarray(image[:, :, random.permutation(3)])
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
    hsv[:, :, 0] = (hsv[:, :, 0].astype(np.int16) + int(random.integers(0, 180))) % 180
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)


def coarse(image: Image, factor: float) -> Image:
    """A worse lens: fewer pixels than the frame has."""
    height, width = image.shape[:2]
    small = cv2.resize(image, (int(width * factor), int(height * factor)), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def night(image: Image, boxes: NDArray[np.float32], random: np.random.Generator) -> Image:
    """A dark street under lamps: darker, warmer or bluer, with lights on some vehicles ([n, 5] boxes, kind last)."""
    level = random.uniform(0.18, 0.55)
    tint = np.array([random.uniform(0.9, 1.25), 1.0, random.uniform(0.6, 1.1)], np.float32) * level
    dark = np.clip(image.astype(np.float32) * tint + random.uniform(0, 12), 0, 255).astype(np.uint8)
    glow = np.zeros_like(dark)
    for x, y, width, height, kind in boxes:
        if kind < 2 or random.random() < 0.35:
            continue
        colour = (255, 250, 225) if random.random() < 0.6 else (230, 60, 40)
        radius = max(1, int(min(width, height) * random.uniform(0.06, 0.14)))
        for side in (-0.3, 0.3):
            cv2.circle(glow, (int(x + side * width), int(y + 0.25 * height)), radius, colour, -1)
    soft = cv2.GaussianBlur(glow, (0, 0), random.uniform(1.0, 5.0))
    return cv2.add(cv2.add(dark, soft), cv2.GaussianBlur(glow, (0, 0), 0.8))


def rain(image: Image, random: np.random.Generator) -> Image:
    drops = np.zeros_like(image)
    slant, length = random.integers(-4, 5), int(random.integers(5, 16))
    for _ in range(int(random.integers(40, 200))):
        x, y = int(random.integers(0, image.shape[1])), int(random.integers(0, image.shape[0]))
        cv2.line(drops, (x, y), (x + int(slant), y + length), (90, 90, 95), 1)
    out = cv2.add(image, cv2.blur(drops, (2, 3)))
    if random.random() < 0.4:  # drops on the lens
        soft = cv2.GaussianBlur(out, (0, 0), 3)
        for _ in range(int(random.integers(2, 10))):
            x, y, r = random.integers(0, 352), random.integers(0, 288), int(random.integers(4, 18))
            area = (slice(max(0, y - r), y + r), slice(max(0, x - r), x + r))
            out[area] = soft[area]
    return out


def stamp(image: Image, random: np.random.Generator) -> Image:
    """Text as the feed burns it in: it is not an object."""
    out = image.copy()
    day, month, hour, minute = (int(random.integers(a, b)) for a, b in ((1, 29), (1, 13), (0, 24), (0, 60)))
    when = f"{day:02d}/{month:02d}/2019 {hour:02d}:{minute:02d}"
    for text, at in ((when, (4, 12)), (PLACES[random.integers(len(PLACES))], (4, 282))):
        if random.random() < 0.6:
            cv2.rectangle(out, (0, at[1] - 11), (7 * len(text), at[1] + 4), (0, 0, 0), -1)
        cv2.putText(
            out, text, at, cv2.FONT_HERSHEY_SIMPLEX, random.uniform(0.32, 0.42), (255, 255, 255), 1, cv2.LINE_AA
        )
    return out


def compressed(image: Image, quality: int) -> Image:
    ok, code = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(code, cv2.IMREAD_COLOR) if ok else image  # the channel order survives the round trip


def photometric(
    image: Image, boxes: NDArray[np.float32], random: np.random.Generator, feed: bool, *, may_be_night: bool = True
) -> Image:
    """One random camera, weather and codec. `feed` pictures already carry the feed's own stamp and compression."""
    if not feed and random.random() < 0.7:
        image = stamp(image, random)
    if random.random() < 0.8:
        image = tone(image, random, strength=random.uniform(0.4, 1.0))
    if random.random() < 0.35:
        image = saturation(image, random.uniform(0.0, 1.5) if random.random() < 0.8 else 0.0)
    if random.random() < 0.15:
        image = other_colours(image, random)
    if random.random() < 0.12:
        image = coarse(image, random.uniform(0.5, 0.9))
    dark = float(image.mean()) < 70
    if may_be_night and not dark and random.random() < 0.15:
        image = night(image, boxes, random)
        dark = True
    if random.random() < 0.07:
        image = rain(image, random)
    if random.random() < (0.25 if feed else 0.45):
        image = cv2.GaussianBlur(image, (0, 0), random.uniform(0.3, 1.2))
    if random.random() < 0.3 or (dark and random.random() < 0.5):
        image = noisy(image, random.uniform(1, 9), random, grey=bool(random.random() < 0.5))
    if random.random() < (0.3 if feed else 0.7):
        image = compressed(image, int(random.integers(18, 70)))
    return image
