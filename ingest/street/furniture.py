"""The furniture of a synthetic street: lamp posts, signals, beacons, bins, the bus shelter and trees."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ingest.street.buildings import Colour, Layers
from ingest.street.layout import FAR_M, HEIGHT_PX, WIDTH_PX, Beyond, Street


@dataclass(frozen=True, order=True)
class Item:
    """One piece: where it stands in street coordinates, and what it is."""

    s_m: float
    d_m: float
    kind: str


def lamp_posts(place: Street) -> tuple[Item, ...]:
    """Lamp posts along both kerbs, by turns."""
    random = np.random.default_rng((place.look_seed, 2))
    step, start = random.uniform(22, 32), random.uniform(6, 20)
    found = []
    for index, s in enumerate(np.arange(start, FAR_M, step / 2)):
        if place.junction_s_m is None or abs(s - place.junction_s_m) > place.junction_half_m + 1.5:
            found.append(Item(float(s), (-1 if index % 2 else 1) * (place.half_m + 0.55), "lamp"))
    return tuple(found)


def furnish(place: Street, layers: Layers, random: np.random.Generator) -> None:
    """Draw everything, far things first."""
    items = [*lamp_posts(place), *_at_crossing(place), *_planted(place, random)]
    if place.bus_stop_s_m is not None:
        items.append(Item(place.bus_stop_s_m, -place.half_m - 2.4, "shelter"))
    bare = random.random() < 0.5
    for item in sorted(items, reverse=True):
        if item.s_m >= 4:
            _Drawing(place, item, layers).draw(random, bare=bare)


def _at_crossing(place: Street) -> list[Item]:
    near, far = place.stop_lines_m
    kerb = place.half_m + 0.5
    if place.zebra:
        return [Item(near, -kerb, "beacon"), Item(far, kerb, "beacon")]
    return [Item(near, -kerb, "signal"), Item(near + 0.5, kerb, "signal"), Item(far, kerb, "signal")]


def _planted(place: Street, random: np.random.Generator) -> list[Item]:
    found, leafy = [], random.random() < 0.5
    for s in np.arange(random.uniform(15, 24), 120, random.uniform(9, 16)):
        if place.junction_s_m is not None and abs(s - place.junction_s_m) < place.junction_half_m + 4:
            continue
        for side, beyond in ((-1, place.beyond_left), (1, place.beyond_right)):
            if leafy and random.random() < 0.6:
                found.append(Item(float(s), side * (place.half_m + 1.2), "tree"))
            elif random.random() < 0.25:
                found.append(Item(float(s), side * (place.half_m + 1.0), "bin"))
            if beyond is Beyond.PARK and random.random() < 0.8:
                edge = place.facade_left_m if side < 0 else place.facade_right_m
                found.append(Item(float(s) + 2, edge + side * random.uniform(4, 25), "tree"))
    return found


class _Drawing:
    """One item being drawn into the layers."""

    def __init__(self, place: Street, item: Item, layers: Layers) -> None:
        self.place, self.item, self.layers = place, item, layers
        _, depth = place.pixels(np.array(item.s_m), np.array(item.d_m))
        self.scale = place.lens.focal_px / max(float(depth), 1.0)
        self.mask = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)

    def _at(self, z_m: float, shift_m: float = 0.0) -> NDArray[np.float64]:
        return self.place.pixels(np.array(self.item.s_m), np.array(self.item.d_m + shift_m), z_m)[0]

    def _bar(self, z0: float, z1: float, wide: float, tone: Colour, shift: float = 0.0) -> None:
        low, high = self._at(z0, shift), self._at(z1, shift)
        half = max(0.35, wide * self.scale / 2)
        quad = [(low[0] - half, low[1]), (low[0] + half, low[1]), (high[0] + half, high[1]), (high[0] - half, high[1])]
        points = np.round(np.array(quad) * 16).astype(np.int32)
        cv2.fillConvexPoly(self.layers.albedo, points, tone, cv2.LINE_AA, 4)
        cv2.fillConvexPoly(self.layers.emitted, points, (0, 0, 0), cv2.LINE_AA, 4)
        cv2.fillConvexPoly(self.mask, points, 255, cv2.LINE_8, 4)

    def _spot(self, z: float, radius: float, tone: Colour, shine: Colour, shift: float = 0.0) -> None:
        centre = self._at(z, shift)
        at, size = (int(centre[0] * 16), int(centre[1] * 16)), max(9, int(radius * self.scale * 16))
        cv2.circle(self.layers.albedo, at, size, tone, -1, cv2.LINE_AA, 4)
        cv2.circle(self.layers.emitted, at, size, shine, -1, cv2.LINE_AA, 4)
        cv2.circle(self.mask, at, size, 255, -1, cv2.LINE_8, 4)

    def draw(self, random: np.random.Generator, *, bare: bool) -> None:
        kind, inward = self.item.kind, -float(np.sign(self.item.d_m))
        if kind == "lamp":
            self._bar(0, 8.2, 0.16, (0.12, 0.13, 0.14))
            self._bar(8.1, 8.25, 1.2, (0.14, 0.15, 0.16), inward * 0.6)
            red, green, blue = self.place.lamp_tint
            self._spot(8.05, 0.16, (0.6, 0.59, 0.56), (red, green, blue), inward * 1.1)
        elif kind == "signal":
            self._bar(0, 2.2, 0.12, (0.09, 0.09, 0.10))
            self._bar(2.1, 3.3, 0.42, (0.03, 0.03, 0.04))
            if self.item.d_m < 0:
                self._spot(3.05, 0.1, (0.8, 0.08, 0.05), (0.7, 0.05, 0.03))
        elif kind == "beacon":
            for step in range(6):
                tone = (0.75, 0.75, 0.73) if step % 2 else (0.04, 0.04, 0.04)
                self._bar(step * 0.45, step * 0.45 + 0.45, 0.12, tone)
            self._spot(2.85, 0.2, (0.7, 0.38, 0.05), (0.6, 0.32, 0.03))
        elif kind == "bin":
            self._bar(0, 1.05, 0.55, (0.06, 0.07, 0.07))
        elif kind == "shelter":
            self._bar(0.4, 2.2, 0.9, (0.20, 0.25, 0.28), -0.5)
            self._bar(0, 2.5, 0.12, (0.12, 0.13, 0.15))
            self._bar(2.35, 2.55, 1.6, (0.18, 0.19, 0.21))
        else:
            self._tree(random, bare=bare)
        x, y = self.place.to_world(np.array(self.item.s_m), np.array(self.item.d_m))
        self.layers.stand(self.mask, float(np.hypot(x, y)))

    def _tree(self, random: np.random.Generator, *, bare: bool) -> None:
        height = random.uniform(5.5, 9.0)
        self._bar(0, height * 0.6, 0.26, (0.14, 0.11, 0.09))
        crown = self._at(height * 0.74)
        if bare:
            for _ in range(30):
                self._branch(self._at(height * random.uniform(0.4, 0.6)), random, height)
            return
        green = np.array((0.12, 0.16, 0.06)) * random.uniform(0.7, 1.3) * (1, random.uniform(0.9, 1.15), 1)
        leaves = int(np.clip(self.scale * height * 6, 30, 700))
        turn, reach = random.uniform(0, 2 * np.pi, leaves), np.sqrt(random.uniform(0, 1, leaves))
        for angle, share in zip(turn, reach, strict=True):
            x = crown[0] + np.cos(angle) * share * 0.27 * height * self.scale * random.uniform(0.8, 1.15)
            up = np.sin(angle) * share * 0.30 * height
            tone = green * (0.75 + 0.5 * (up / (0.3 * height) + 1) / 2) * random.uniform(0.6, 1.4)
            size = max(9, int(random.uniform(0.10, 0.32) * self.scale * 16))
            at = (int(x * 16), int((crown[1] - up * self.scale) * 16))
            cv2.circle(self.layers.albedo, at, size, tone.tolist(), -1, cv2.LINE_AA, 4)
            cv2.circle(self.layers.emitted, at, size, (0, 0, 0), -1, cv2.LINE_AA, 4)
            cv2.circle(self.mask, at, size, 255, -1, cv2.LINE_8, 4)

    def _branch(self, start: NDArray[np.float64], random: np.random.Generator, height: float) -> None:
        """A forked twig; too thin to hide anyone."""
        at, angle = start, random.uniform(-1.2, 1.2)
        for _ in range(3):
            long = random.uniform(0.08, 0.16) * height * self.scale
            to = at + np.array((np.sin(angle), -np.cos(angle))) * long
            first, last = ((int(point[0] * 16), int(point[1] * 16)) for point in (at, to))
            cv2.line(self.layers.albedo, first, last, (0.16, 0.14, 0.12), 1, cv2.LINE_AA, 4)
            at, angle = to, angle + random.uniform(-0.7, 0.7)
