"""The vehicles of the synthetic street, each class in many variants."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ingest.street.layout import Floats
from ingest.street.light import reflectance
from ingest.street.solid import CLEAR, HEADLIGHT, RUBY, TAILLIGHT, TYRE, Solid, SolidBuilder, ring

PAINTS = reflectance([
    (18, 19, 22), (22, 22, 24), (28, 30, 36), (46, 49, 54), (70, 73, 78), (105, 108, 112), (150, 152, 155),
    (188, 190, 192), (215, 216, 215), (222, 222, 220), (30, 38, 66), (42, 60, 104), (110, 20, 22), (150, 28, 26),
    (70, 60, 48), (36, 62, 48), (170, 150, 90), (18, 18, 20),
])  # fmt: skip
VAN_PAINTS = reflectance([
    (220, 220, 218), (226, 226, 224), (205, 206, 206), (170, 172, 174), (60, 64, 70), (40, 60, 110), (200, 170, 40),
    (24, 26, 30),
])  # fmt: skip
LOAD_PAINTS = reflectance([
    (222, 222, 220), (205, 207, 208), (40, 80, 150), (190, 40, 36), (40, 110, 70), (230, 190, 60), (110, 112, 116),
])  # fmt: skip
COACH_PAINTS = reflectance([(222, 222, 220), (200, 200, 204), (210, 190, 60), (30, 60, 120), (24, 110, 80)])
LONDON_RED = reflectance((186, 26, 28))
GLASS = reflectance((36, 42, 50))
LAMP_SIGN, PALE_ROOF, DESTINATION = (
    reflectance((230, 178, 50)),
    reflectance((210, 210, 205)),
    reflectance((215, 158, 38)),
)

VARIANTS = 96
"""Different bodies of one class; `solid` makes each of them once."""


@lru_cache(maxsize=7 * VARIANTS)
def solid(kind: str, variant: int) -> Solid:
    """The body of one variant of a class (its rider, if it has one, is a figure)."""
    random = np.random.default_rng((sum(kind.encode()), variant, 3))
    return _MAKERS[kind](random)


def _car(random: np.random.Generator) -> Solid:
    b = SolidBuilder()
    taxi = random.random() < 0.22
    tall = 1.78 if taxi else random.choice((1.42, 1.47, 1.5, 1.68))
    length = 4.6 if taxi else random.uniform(3.8, 4.8)
    half = 0.88 if taxi else random.uniform(0.84, 0.93)
    paint = PAINTS[0] if taxi and random.random() < 0.85 else PAINTS[random.integers(len(PAINTS))]
    front, rear, belt = length / 2, -length / 2, 0.56 * tall + 0.06
    hatch = random.random() < 0.6 or tall > 1.6
    bonnet = front - random.uniform(0.85, 1.15)
    boot = rear + (0.12 if hatch else 0.7)
    b.frustum((rear, front, half, 0.2), (rear + 0.08, front - 0.12, half - 0.02, belt), paint, paint)
    b.wheels((front - 0.8, rear + 0.75), half - 0.02, 0.31)
    b.frustum((boot, bonnet, half - 0.06, belt), (boot + 0.35, bonnet - 0.75, half - 0.24, tall), GLASS, paint)
    b.ends(rear, front, half, 0.66)
    slope = (bonnet - 0.25, bonnet - 0.62)  # the sky in the upper windscreen
    z0, z1 = belt + (tall - belt) * 0.45, belt + (tall - belt) * 0.92
    wide, narrow = half - 0.28, half - 0.34
    screen = [(slope[0], -wide, z0), (slope[0], wide, z0), (slope[1], narrow, z1), (slope[1], -narrow, z1)]
    b.face(screen, (1, 0, 0.9), GLASS * random.uniform(1.5, 4.0))
    for side in (-1, 1):
        b.strip(side, half - 0.01, (rear + 0.1, front - 0.1), (0.2, 0.34), TYRE * 1.5)
    for side in (-1, 1):  # the pillar between the doors
        low, high = side * (half - 0.05), side * (half - 0.22)
        b.face([(-0.05, low, belt), (0.1, low, belt), (0.05, high, tall), (-0.08, high, tall)], (0, side, 0.3), paint)
    if taxi:
        b.panel(1, bonnet - 0.7, (-0.2, 0.2), (tall, tall + 0.1), LAMP_SIGN)
    return b.done(length, 2 * half, tall)


def _van(random: np.random.Generator) -> Solid:
    b = SolidBuilder()
    tall = random.uniform(1.95, 2.6)
    length = random.uniform(4.8, 6.0)
    half = random.uniform(0.95, 1.02)
    paint = VAN_PAINTS[random.integers(len(VAN_PAINTS))]
    front, rear = length / 2, -length / 2
    b.frustum((rear, front, half, 0.25), (rear, front - 0.25, half, 1.15), paint, paint)
    b.wheels((front - 0.9, rear + 0.95), half - 0.02, 0.34)
    b.frustum(
        (rear, front - 0.35, half, 1.15), (rear + 0.06, front - 1.35, half - 0.1, tall), paint, paint, front=GLASS
    )
    for side in (-1, 1):
        b.strip(side, half - 0.05, (front - 1.75, front - 0.85), (1.2, 1.75), GLASS)
    if random.random() < 0.7:
        for r in (-0.72, 0.08):
            b.panel(-1, rear, (r, r + 0.64), (1.25, 1.75), GLASS)
    b.ends(rear, front, half, 0.75)
    return b.done(length, 2 * half, tall)


def _truck(random: np.random.Generator) -> Solid:
    b = SolidBuilder()
    length = random.choice((7.2, 8.4, 10.0, 14.5), p=(0.4, 0.3, 0.2, 0.1))
    half, tall = 1.23, random.uniform(3.0, 3.9)
    cab = VAN_PAINTS[random.integers(len(VAN_PAINTS))]
    load = LOAD_PAINTS[random.integers(len(LOAD_PAINTS))]
    front, rear = length / 2, -length / 2
    low = random.random() < 0.25  # a tipper or flatbed
    b.part_f_m = rear / 2
    b.frustum((rear, front - 2.1, half - 0.1, 0.7), (rear, front - 2.1, half - 0.1, 1.05), TYRE, TYRE)
    b.frustum((rear, front - 2.2, half, 1.05), (rear, front - 2.2, half, 2.0 if low else tall), load, load * 0.92)
    b.wheels((rear + 1.1, rear + 2.3), half - 0.02, 0.48)
    b.part_f_m = front
    b.frustum((front - 2.0, front, half, 0.45), (front - 2.0, front - 0.1, half, 1.6), cab, cab)
    b.frustum(
        (front - 2.0, front - 0.1, half, 1.6), (front - 1.9, front - 0.35, half - 0.08, 2.75), cab, cab, front=GLASS
    )
    b.wheels((front - 1.2,), half - 0.02, 0.48)
    for side in (-1, 1):
        b.strip(side, half, (front - 1.3, front - 0.5), (1.65, 2.35), GLASS)
    b.ends(rear, front, half, 0.9)
    return b.done(float(length), 2 * half, float(max(tall, 2.75)))


def _bus(random: np.random.Generator) -> Solid:
    b = SolidBuilder()
    double = random.random() < 0.7
    half = 1.26
    length, tall = (10.9, 4.35) if double else (random.choice((10.2, 12.0)), 3.2)
    red = double or random.random() < 0.4
    paint = LONDON_RED if red else COACH_PAINTS[random.integers(len(COACH_PAINTS))]
    roof = PALE_ROOF if random.random() < 0.6 else paint
    front, rear = length / 2, -length / 2
    b.frustum((rear, front, half, 0.28), (rear + 0.1, front - 0.12, half - 0.05, tall), paint, roof)
    b.wheels((front - 2.5, rear + 2.6), half - 0.02, 0.48)
    for side in (-1, 1):
        b.strip(side, half, (rear + 0.9, front - 0.5), (1.25, 2.05), GLASS)
        if double:
            b.strip(side, half - 0.03, (rear + 0.5, front - 0.4), (2.95, 3.7), GLASS)
            if random.random() < 0.5:
                advert = COACH_PAINTS[random.integers(len(COACH_PAINTS))]
                b.strip(side, half - 0.02, (rear + 2, front - 3), (2.2, 2.75), advert)
    b.panel(1, front, (-1.1, 1.1), (1.05, 2.1), GLASS)
    if double:
        b.panel(1, front - 0.08, (-1.1, 1.1), (2.85, 3.75), GLASS)
        b.panel(-1, rear + 0.08, (-0.9, 0.9), (2.95, 3.7), GLASS)
    b.panel(1, front - 0.04, (-0.8, 0.8), (2.25, 2.6), DESTINATION)
    b.panel(-1, rear, (-0.9, 0.9), (1.4, 2.0), GLASS)
    b.ends(rear, front, half, 0.72)
    return b.done(float(length), 2 * half, tall)


def _motorcycle(random: np.random.Generator) -> Solid:
    b = SolidBuilder()
    paint = PAINTS[random.integers(len(PAINTS))]
    for f in (-0.68, 0.68):
        _wheel(b, f, 0.3, TYRE, filled=True)
    b.frustum((-0.6, 0.55, 0.17, 0.35), (-0.75, 0.4, 0.15, 0.8), TYRE * 1.4, paint * 0.8)
    b.frustum((0.2, 0.75, 0.2, 0.6), (0.25, 0.55, 0.3, 1.05), paint, paint)
    if random.random() < 0.45:  # the rider delivers: a box behind
        box = LOAD_PAINTS[random.integers(len(LOAD_PAINTS))]
        b.frustum((-1.05, -0.5, 0.26, 0.85), (-1.05, -0.5, 0.26, 1.35), box, box)
    b.panel(1, 0.72, (-0.12, 0.12), (0.72, 0.95), CLEAR, lamp=HEADLIGHT)
    b.panel(-1, -0.78, (-0.1, 0.1), (0.62, 0.76), RUBY, lamp=TAILLIGHT)
    return b.done(2.0, 0.75, 1.65)


def _bicycle(random: np.random.Generator) -> Solid:
    b = SolidBuilder()
    paint = PAINTS[random.integers(len(PAINTS))]
    for f in (-0.52, 0.52):
        _wheel(b, f, 0.34, TYRE * 1.3, filled=False)
    b.face([(-0.52, 0, 0.34), (0.0, 0, 0.3), (0.42, 0, 0.8), (-0.2, 0, 0.8)], (0, 0, 0), paint, line=True)
    b.face(
        [(0.52, 0, 0.34), (0.4, 0, 0.98), (0.38, 0.24, 1.0), (0.38, -0.24, 1.0), (0.4, 0, 0.98)],
        (0, 0, 0),
        TYRE,
        line=True,
    )
    b.panel(1, 0.45, (-0.04, 0.04), (0.85, 0.92), CLEAR, lamp=HEADLIGHT)
    return b.done(1.75, 0.6, 1.7)


def _wheel(b: SolidBuilder, f: float, radius: float, colour: Floats, *, filled: bool) -> None:
    b.face(ring(f, 0.0, radius), (0, 0, 0), colour, line=not filled)
    if filled:  # seen from the front a wheel is a narrow upright
        b.face([(f, -0.07, 0), (f, 0.07, 0), (f, 0.07, 2 * radius), (f, -0.07, 2 * radius)], (0, 0, 0), colour)
    else:
        b.face([(f, 0, 0), (f, 0, 2 * radius)], (0, 0, 0), colour, line=True)


_MAKERS = {"car": _car, "van": _van, "truck": _truck, "bus": _bus, "motorcycle": _motorcycle, "cyclist": _bicycle}
