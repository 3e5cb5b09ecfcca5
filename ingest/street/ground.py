"""The ground of a synthetic street: asphalt, paving, kerbs, markings, coloured from street coordinates."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ingest.street.layout import FAR_M, HEIGHT_PX, WIDTH_PX, Beyond, Street

Plane = NDArray[np.float32]
Where = NDArray[np.bool_]

WHITE, YELLOW, RED = ((0.84, 0.84, 0.82), (0.74, 0.61, 0.18), (0.56, 0.15, 0.15))
FINE = 2
"""The ground is painted this many times finer than the picture, so that markings vanish into grey with distance."""


def ground_coordinates(place: Street, fine: int = 1) -> tuple[Plane, Plane]:
    """Street coordinates s, d [y, x] of the ground at every pixel; NaN where there is none."""
    ys, xs = np.mgrid[0 : HEIGHT_PX * fine, 0 : WIDTH_PX * fine].astype(np.float64)
    x_m, y_m = place.lens.ground((xs + 0.5) / fine, (ys + 0.5) / fine)
    x_m[~(y_m < FAR_M * 1.6)] = np.nan
    s_m, d_m = place.to_street(x_m, y_m)
    return s_m.astype(np.float32), d_m.astype(np.float32)


def ground(place: Street, random: np.random.Generator) -> Plane:
    """Colours [288, 352, 3], 0..1; a plain grey where there is no ground."""
    s, d = ground_coordinates(place, FINE)
    seen = ~np.isnan(s)
    colours = np.full((*s.shape, 3), 0.5, np.float32)
    surface = _Surface(place, s[seen], d[seen], random)
    surface.pave()
    surface.mark_road()
    surface.mark_junction()
    surface.mark_stops()
    colours[seen] = np.clip(surface.colours, 0, 1)
    return cv2.resize(colours, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_AREA).astype(np.float32)


class _Surface:
    """The pixels of the ground in a row, with their coordinates and their colours so far."""

    def __init__(self, place: Street, s: Plane, d: Plane, random: np.random.Generator) -> None:
        self.place, self.s, self.d, self.random = place, s, d, random
        self.aside = np.abs(d)
        self.coarse, self.fine = self._noise(9.0), self._noise(1.2)
        self.worn = np.clip(0.74 + 0.25 * self.fine, 0.3, 0.95)
        self.on_road = self._road()
        near, far = place.stop_lines_m
        self.clear = (s < near - 0.2) | (s > far + 0.2)  # where lanes are marked
        if place.junction_s_m is not None:
            self.clear &= np.abs(s - place.junction_s_m) > place.junction_half_m + 0.5
        self.colours = np.empty((len(s), 3), np.float32)

    def _noise(self, size_m: float) -> Plane:
        """Value noise over the ground, about -1..1."""
        table = cv2.GaussianBlur(self.random.uniform(-1, 1, (256, 256)).astype(np.float32), (0, 0), 0.8) * 2.2
        u, v = (self.s * (4 / size_m)).astype(np.int32) & 255, (self.d * (4 / size_m)).astype(np.int32) & 255
        found: Plane = table[u, v]
        return found

    def _road(self) -> Where:
        place = self.place
        road: Where = self.aside < place.half_m
        if place.junction_s_m is not None:
            corner = 4.0
            over, past = self.aside - place.half_m, np.abs(self.s - place.junction_s_m) - place.junction_half_m
            rounded = (over < corner) & (past < corner) & (np.hypot(corner - over, corner - past) > corner)
            road = road | (past < 0) | rounded
        return road

    def mark(self, where: Where, colour: tuple[float, float, float]) -> None:
        """Paint on the carriageway, worn as everything on it."""
        at = np.flatnonzero(where & self.on_road)
        worn = self.worn[at, None]
        self.colours[at] = self.colours[at] * (1 - worn) + np.array(colour, np.float32) * worn

    def pave(self) -> None:
        place, s, d, random = self.place, self.s, self.d, self.random
        grey, stone = random.uniform(0.27, 0.37), random.uniform(0.40, 0.52)
        road = grey + 0.02 * self.coarse + 0.012 * self.fine
        for lane in place.lanes:  # tyres polish two tracks in each lane
            beside = (d if lane.along == "s" else s) - np.float32(lane.offset_m)
            road *= 1 + 0.06 * np.exp(-((np.abs(beside) - 0.8) ** 2) / 0.12)
        self.colours[:] = road[:, None] * np.array((1.0, 1.0, 1.02), np.float32)
        slabs = stone + 0.02 * self.coarse + 0.02 * self.fine
        slabs -= 0.05 * ((np.mod(s, 0.9) < 0.05) | (np.mod(d, 0.6) < 0.04))
        off = ~self.on_road
        self.colours[off] = slabs[off, None] * np.array((1.02, 1.0, 0.95), np.float32)
        for side, beyond, edge in (
            (-1, place.beyond_left, place.facade_left_m),
            (1, place.beyond_right, place.facade_right_m),
        ):
            out = off & (side * d > side * edge)
            if beyond is not Beyond.HOUSES:
                tone = (0.20, 0.25, 0.11) if beyond is Beyond.PARK else (0.36, 0.40, 0.42)
                shade = 1 + 0.12 * self.coarse[out] + 0.08 * self.fine[out]
                self.colours[out] = shade[:, None] * np.array(tone, np.float32)
        kerb = (np.abs(self.aside - place.half_m - 0.12) < 0.14) & off
        self.colours[kerb] = min(0.72, stone + 0.12)
        for _ in range(int(random.integers(3, 9))):  # where someone dug
            at_s, at_d = random.uniform(3, 60), random.uniform(-place.half_m, place.half_m)
            long, wide = random.uniform(0.8, 7), random.uniform(0.4, 1.2)
            patch = (np.abs(s - at_s) < long) & (np.abs(d - at_d) < wide) & self.on_road
            self.colours[patch] *= np.float32(random.uniform(0.85, 1.08))

    def mark_road(self) -> None:
        """Lane lines, kerb lines and parking bays."""
        place, s, half = self.place, self.s, self.place.half_m
        dashes = self.clear & (np.mod(s, 6.0) < 2.6)
        if place.lanes_each_way > 1:
            self.mark(self.clear & (np.abs(self.aside - 0.12) < 0.06), WHITE)
            for lane in range(1, place.lanes_each_way):
                self.mark(dashes & (np.abs(self.aside - half * lane / place.lanes_each_way) < 0.08), WHITE)
        else:
            self.mark(dashes & (self.aside < 0.08), WHITE)
        kept_clear = self.clear if place.parking_side == 0 else self.clear & (self.d * place.parking_side < 0)
        line = RED if self.random.random() < 0.4 else YELLOW
        for inset in (0.3, 0.55):
            self.mark(kept_clear & (np.abs(self.aside - half + inset) < 0.06), line)
        if place.parking_side:
            bay = np.abs(self.d * place.parking_side - half + 2.1) < 0.06
            self.mark(self.clear & bay & (np.mod(s, 1.2) < 0.6), WHITE)

    def mark_junction(self) -> None:
        """Stop lines, the crossing, and what belongs to a crossing road."""
        place, s, d, half = self.place, self.s, self.d, self.place.half_m
        near, far = place.stop_lines_m
        self.mark((np.abs(s - near) < 0.2) & (d < 0), WHITE)
        self.mark((np.abs(s - far) < 0.2) & (d > 0), WHITE)
        crossing, reach = np.abs(s - place.crossing_s_m), place.crossing_depth_m / 2
        if place.zebra:
            self.mark((crossing < reach) & (np.mod(d, 1.3) < 0.65), WHITE)
        else:
            self.mark((np.abs(crossing - reach) < 0.1) & (np.mod(d, 0.7) < 0.28), WHITE)
        tactile = (crossing < reach) & (np.abs(self.aside - half - 0.9) < 0.6) & ~self.on_road
        self.colours[tactile] = (0.55, 0.43, 0.34)
        if place.junction_s_m is None:
            return
        beyond, side = s - place.junction_s_m, place.junction_half_m
        self.mark((self.aside > half + 1.5) & (np.abs(beyond) < 0.08) & (np.mod(d, 6.0) < 2.6), WHITE)
        self.mark((np.abs(d + half + 3.0) < 0.2) & (beyond > 0) & (beyond < side), WHITE)
        self.mark((np.abs(d - half - 3.0) < 0.2) & (beyond < 0) & (beyond > -side), WHITE)
        if self.random.random() < 0.6:  # a yellow box
            inside = (self.aside < half - 0.2) & (np.abs(beyond) < side)
            edge = (np.abs(self.aside - half + 0.3) < 0.1) | (np.abs(np.abs(beyond) - side + 0.1) < 0.1)
            mesh = (np.mod(s + d, 2.2) < 0.16) | (np.mod(s - d, 2.2) < 0.16)
            self.mark(inside & (edge | mesh), YELLOW)

    def mark_stops(self) -> None:
        """The box of the bus stop, and arrows before the stop line."""
        place, s, d, half = self.place, self.s, self.d, self.place.half_m
        if place.bus_stop_s_m is not None:
            inset = 2.2 if place.parking_side < 0 else 0.0
            span = np.abs(s - place.bus_stop_s_m + 2)
            outer, inner = -half + 0.3 + inset, -half + 3.0 + inset
            long = (np.abs(d - inner) < 0.08) | (np.abs(d - outer) < 0.08)
            self.mark((span < 9) & long & (np.mod(s, 1.4) < 0.9), YELLOW)
            self.mark((np.abs(span - 9) < 0.12) & (d < inner) & (d > outer), YELLOW)
        if self.random.random() < 0.5:
            tip = place.stop_lines_m[0] - 6.0
            for lane in place.lanes:
                if lane.along == "s" and lane.direction > 0:
                    beside, back = np.abs(d - lane.offset_m), tip - s
                    head = (back > 0) & (back < 1.2) & (beside < 0.45 * back)
                    self.mark(head | ((back >= 1.2) & (back < 4.0) & (beside < 0.09)), WHITE)
