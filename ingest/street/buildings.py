"""What stands along a synthetic street: house fronts, and the furniture of its pavements.

Both are drawn once into `Layers`; whatever can hide someone also leaves an `Occluder`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from ingest.street.ground import Plane
from ingest.street.layout import FAR_M, HEIGHT_PX, WIDTH_PX, Beyond, Character, Street

Colour = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Occluder:
    """Something of the backdrop that hides what is behind it: its mask inside the picture and its distance."""

    left_px: int
    top_px: int
    mask: NDArray[np.uint8]
    distance_m: float


@dataclass(eq=False)
class Layers:
    """A backdrop being painted, each [288, 352] or [288, 352, 3], 0..1."""

    albedo: Plane
    emitted: Plane
    sky: Plane
    """1 where nothing stands before the sky"""
    upright: NDArray[np.uint8]
    """not 0 where something stands on the ground"""
    occluders: list[Occluder] = field(default_factory=list)

    def stand(self, mask: NDArray[np.uint8], distance_m: float) -> None:
        """Record that what was just drawn covers `mask` and stands at this distance."""
        left, top, width, height = cv2.boundingRect(mask)
        if width < 1 or height < 1:
            return
        self.sky[mask > 0] = 0
        cv2.max(self.upright, mask, dst=self.upright)
        cut = np.ascontiguousarray(mask[top : top + height, left : left + width])
        self.occluders.append(Occluder(left, top, cut, distance_m))


@dataclass(frozen=True)
class Building:
    """A house of a row: its side of the street, its reach along it, its height and depth in metres."""

    side: int
    s0_m: float
    s1_m: float
    height_m: float
    depth_m: float


def buildings(place: Street, random: np.random.Generator) -> list[Building]:
    """The houses of both sides, or the parapet of a park or a river; none where a road crosses."""
    found: list[Building] = []
    storeys = random.uniform(2.2, 4.6)
    for side, beyond in ((-1, place.beyond_left), (1, place.beyond_right)):
        s = -6.0
        while s < FAR_M:
            end = s + random.uniform(7, 19)
            gap, room = place.junction_s_m, place.junction_half_m + 3.2
            if gap is not None and s < gap + room and end > gap - room:
                if s >= gap - room - 3:
                    s = gap + room
                    continue
                end = gap - room
            tall = max(6.0, (storeys + random.normal(0, 0.7)) * 3.3)
            deep = random.uniform(9, 16)
            if beyond is not Beyond.HOUSES:
                tall, deep = 1.0, 0.4
            found.append(Building(side, s, end, float(tall), float(deep)))
            s = end + (0.0 if random.random() < 0.85 or beyond is not Beyond.HOUSES else random.uniform(1, 5))
    return found


_WALLS = np.array([(128, 92, 72), (150, 110, 84), (176, 160, 134), (196, 186, 166), (120, 116, 110), (92, 74, 62),
                   (160, 150, 140), (112, 84, 66), (206, 200, 188)]) / 340.0  # fmt: skip
_SIGNS = np.array([(40, 44, 60), (130, 30, 32), (30, 74, 54), (170, 150, 60), (30, 60, 120), (190, 190, 185),
                   (24, 24, 26), (90, 50, 80)]) / 300.0  # fmt: skip
_PX_PER_M = 8


def _front(random: np.random.Generator, wide_m: float, tall_m: float, *, shop: bool) -> tuple[Plane, Plane]:
    """A house front [y, x, 3], top row first, and what it emits at night."""
    scale = _PX_PER_M
    width, height = max(8, int(wide_m * scale)), max(8, int(tall_m * scale))
    wall = _WALLS[random.integers(len(_WALLS))] * random.uniform(0.75, 1.05)
    base = np.ones((height, width, 3), np.float32) * wall.astype(np.float32)
    base *= 1 + 0.05 * random.standard_normal((height, width, 1)).astype(np.float32)
    glow = np.zeros_like(base)
    if tall_m < 2:  # a parapet
        base[: scale // 3] *= 1.15
        return np.clip(base, 0, 1), glow
    modern = random.random() < 0.25
    storey, bay = 3.2 * scale, random.uniform(1.6, 3.2) * scale
    glass = np.array((0.10, 0.12, 0.15)) * random.uniform(0.8, 1.6)
    frame = np.array((0.6, 0.59, 0.56)) if random.random() < 0.6 else wall * 0.7
    lit_share, ground_m = random.uniform(0.05, 0.3), 4.0 if shop else 0.6
    wide, tall = int(bay * (0.86 if modern else 0.5)), int(storey * (0.8 if modern else 0.56))
    for floor in range(int((tall_m - ground_m) / 3.2)):
        top = max(0, int(height - ground_m * scale - (floor + 1) * storey + 0.7 * scale))
        for left in np.arange(0.25 * bay, width - 0.6 * bay, bay).astype(int):
            base[top : top + tall, left : left + wide] = frame
            pane = (slice(top + 1, top + tall - 1), slice(left + 1, left + wide - 1))
            base[pane] = glass * random.uniform(0.7, 1.5)
            if random.random() < lit_share:
                glow[pane] = np.array((0.55, 0.40, 0.18)) * random.uniform(0.3, 1.0)
        if not modern:  # a string course between the storeys
            base[max(0, top - 4) : max(0, top - 3)] *= 0.85
    base[: max(2, int(0.4 * scale))] = np.clip(wall * 1.2, 0, 1)
    if shop:
        _shop(random, base, glow, bay, glass)
    return np.clip(base, 0, 1), np.clip(glow, 0, 1)


def _shop(random: np.random.Generator, base: Plane, glow: Plane, bay: float, glass: NDArray[np.float64]) -> None:
    """A shop on the ground floor: sign, letters, windows."""
    height, width = base.shape[:2]
    sign_top, window_top = max(0, int(height - 3.9 * _PX_PER_M)), max(0, int(height - 3.1 * _PX_PER_M))
    sign = _SIGNS[random.integers(len(_SIGNS))]
    base[sign_top:window_top] = sign
    base[window_top:] = glass * 0.9
    bright = random.random()
    if bright > 0.3:
        glow[sign_top:window_top] = sign * 0.35
    for left in np.arange(0, width, bay).astype(int):
        base[window_top:, left : left + 2] = sign * 0.7
        if random.random() < 0.6:  # what is on show
            high = int(random.uniform(0.3, 0.8) * (height - window_top))
            base[height - high :, left + 3 : left + 3 + int(bay / 2)] = random.uniform(0.05, 0.4, 3)
    if bright > 0.35:
        glow[window_top : height - 4] = np.array((0.42, 0.34, 0.22)) * random.uniform(0.2, 0.8)
    for index in np.flatnonzero(random.random(width // 5) < 0.6):
        base[sign_top + 2 : max(sign_top + 2, window_top - 2), index * 5 + 1 : index * 5 + 3] = 0.7


def draw_building(place: Street, building: Building, layers: Layers, random: np.random.Generator) -> None:
    """Draw the front of a house and the flank that looks at the camera."""
    front = place.facade_left_m if building.side < 0 else place.facade_right_m
    start = max(building.s0_m, 3.0)
    if building.s1_m <= start + 1:
        return
    shop = (
        place.character in (Character.HIGH_STREET, Character.JUNCTION)
        and random.random() < 0.8
        and building.height_m > 5
    )
    mask = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)
    if building.s0_m > 4:
        flank = _front(random, building.depth_m, building.height_m, shop=False)
        away = front + building.side * building.depth_m
        wall = Wall(
            (building.s0_m, front), (building.s0_m, away), building.height_m, flank[0] * np.float32(0.8), flank[1]
        )
        _hang(place, wall, layers, mask)
    face = _front(random, building.s1_m - start, building.height_m, shop=shop)
    shade = np.float32(0.9 if building.side < 0 else 1.0)
    wall = Wall((start, front), (building.s1_m, front), building.height_m, face[0] * shade, face[1])
    _hang(place, wall, layers, mask)
    x, y = place.to_world(np.array(building.s1_m), np.array(front))
    layers.stand(mask, float(np.hypot(x, y)))


@dataclass(frozen=True, eq=False)
class Wall:
    """An upright rectangle between two street points (s, d), and what it looks like: [y, x, 3], top row first."""

    start_m: tuple[float, float]
    end_m: tuple[float, float]
    height_m: float
    texture: Plane
    glow: Plane


def _hang(place: Street, wall: Wall, layers: Layers, mask: NDArray[np.uint8]) -> None:
    """Draw a wall and add it to the mask."""
    (s0, d0), (s1, d1) = wall.start_m, wall.end_m
    height = np.array([wall.height_m, wall.height_m, 0.0, 0.0])
    corners, depth = place.pixels(np.array([s0, s1, s1, s0]), np.array([d0, d1, d1, d0]), height)
    if depth.min() < 1.0:
        return
    left, top = np.maximum(np.floor(corners.min(axis=0)), 0).astype(int)
    right, bottom = np.minimum(np.ceil(corners.max(axis=0)) + 1, (WIDTH_PX, HEIGHT_PX)).astype(int)
    x, y = corners[:, 0], corners[:, 1]
    area = 0.5 * abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))
    if right <= left or bottom <= top or area < 4:
        return
    rows, columns = wall.texture.shape[:2]
    shrink = max(1.0, np.sqrt(rows * columns / area))  # a warp cannot average: first near its size in the picture
    columns, rows = max(4, int(columns / shrink)), max(4, int(rows / shrink))
    source = np.array([(0, 0), (columns, 0), (columns, rows), (0, rows)], np.float32)
    transform = cv2.getPerspectiveTransform(source, (corners - (left, top)).astype(np.float32))
    seen = np.zeros((bottom - top, right - left), np.uint8)
    cv2.fillConvexPoly(seen, np.round((corners - (left, top)) * 16).astype(np.int32), 255, cv2.LINE_8, 4)
    where = seen > 0
    size = (int(right - left), int(bottom - top))
    for target, image in ((layers.albedo, wall.texture), (layers.emitted, wall.glow)):
        small = cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA)
        drawn = cv2.warpPerspective(small, transform, size, borderMode=cv2.BORDER_REPLICATE)
        target[top:bottom, left:right][where] = drawn[where]
    mask[top:bottom, left:right][where] = 255


def far_end(place: Street, layers: Layers, random: np.random.Generator) -> None:
    """Houses and trees beyond the end of the street: a ragged band above the horizon."""
    horizon, x = place.lens.horizon_px, -10.0
    while x < WIDTH_PX + 10:
        wide, tall = random.uniform(8, 30), random.uniform(5, 26)
        bottom = int(horizon + 5)
        mask = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)
        if random.random() < 0.5:
            for _ in range(14):
                at = (int(x + random.uniform(0, wide)), int(bottom - random.uniform(0, tall)))
                cv2.circle(mask, at, int(random.uniform(2, 5)), 255, -1)
            tone = np.array((0.13, 0.16, 0.10)) * random.uniform(0.8, 1.4)
        else:
            cv2.rectangle(mask, (int(x), int(horizon - tall)), (int(x + wide), bottom), 255, -1)
            tone = np.array((0.40, 0.38, 0.36)) * random.uniform(0.6, 1.1)
        layers.albedo[mask > 0] = tone
        layers.sky[mask > 0] = 0
        x += wide * random.uniform(0.6, 1.0)
