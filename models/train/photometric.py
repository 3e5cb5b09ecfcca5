"""What a camera, the weather and a codec do to a picture: uint8 RGB [288, 352, 3], a few milliseconds a frame."""

from __future__ import annotations

import cv2
import numpy as np
from light import by_night
from numpy.typing import NDArray

Image = NDArray[np.uint8]
PLACES = ("A40 Western Ave", "Oxford St/Regent St", "Camden High St", "A3 West Hill", "Tower Bridge Rd", "TfL")
WHITES, TAIL_LIGHT = ((255, 250, 225), (235, 235, 255), (205, 195, 255), (255, 225, 170)), (230, 60, 40)
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
    """A street under lamps as the feed shows it, with lights on most vehicles ([n, 5] boxes, kind last).

    The gain is turned up: what lamps light is nearly as bright as by day, and orange; the rest is black. Who is
    labelled must still be seen, or labels would say that people are where nothing is. Headlights lie on a wet road as
    streaks, and are of any colour that a camera makes of white.
    """
    warm = np.array([random.uniform(1.0, 1.4), 1.0, random.uniform(0.55, 1.0)], np.float32)
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[:, None] ** random.uniform(1.0, 1.8)
    lamps = np.clip(255 * random.uniform(0.45, 0.95) * ramp * warm, 0, 255).astype(np.uint8)
    dark = cv2.LUT(image, lamps[None])
    if random.random() < 0.6:  # no lamps in the sky, few far away
        height = len(image)
        shade = np.interp(np.arange(height), (0, height * random.uniform(0.2, 0.5)), (random.uniform(0.15, 0.8), 1.0))
        dark = (dark * shade[:, None, None]).astype(np.uint8)
    glow, wet = np.zeros_like(dark), np.zeros_like(dark)
    white = WHITES[random.integers(len(WHITES))]
    size, away = np.exp(random.uniform(-0.4, 0.7)), random.random()  # away: how much of the traffic shows its tail
    for x, y, width, height, kind in boxes:
        if kind < 2 or random.random() < 0.25:
            continue
        colour = TAIL_LIGHT if random.random() < away else white
        radius = int(np.clip(round(size * min(width, height) * random.uniform(0.06, 0.14)), 1, 6))
        for side in (-0.3, 0.3):
            at = (int(x + side * width), int(y + 0.25 * height))
            cv2.circle(glow, at, radius, colour, -1)
            cv2.line(wet, at, (at[0], at[1] + int(height * random.uniform(0.3, 1.5))), colour, radius)
    soft = cv2.GaussianBlur(glow, (0, 0), random.uniform(1.0, 5.0))
    lit = cv2.add(cv2.add(dark, soft), cv2.GaussianBlur(glow, (0, 0), 0.8))
    if random.random() < 0.5:
        streaks = cv2.GaussianBlur(wet, (0, 0), random.uniform(1.0, 2.5), sigmaY=random.uniform(2.0, 6.0))
        lit = cv2.addWeighted(lit, 1.0, streaks, random.uniform(0.2, 0.8), 0)
    return lit


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
    dark = by_night(image)
    if may_be_night and not dark and random.random() < 0.22:
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
