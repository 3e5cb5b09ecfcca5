"""Where things are on the synthetic street: the camera above it and the ground it looks at.

Three frames of reference, all in metres:

    world   x right, y forward, z up; the camera stands at (0, 0, height)
    street  s along the centre of the carriageway, away from the camera; d to the right of it
    map     east and north of the camera

A street may bend: `to_world` and `to_street` are exact for a centre line of constant curvature. Traffic keeps left.

                 |  pavement  |  lanes away | lanes towards |  pavement  |
    facade d  -(half+pave)  -half          0             +half       +(half+pave)
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WIDTH_PX, HEIGHT_PX = 352, 288
FAR_M = 170.0
"""Beyond this nothing is drawn but the sky and the far end of the street."""


class Character(StrEnum):
    """What kind of place it is; decides its shape, its people and its hours."""

    HIGH_STREET = "high_street"
    JUNCTION = "junction"
    ARTERIAL = "arterial"
    SIDE_STREET = "side_street"


class Beyond(StrEnum):
    """What lies behind a pavement."""

    HOUSES = "houses"
    PARK = "park"
    WATER = "water"


@dataclass(frozen=True)
class Lens:
    """A pinhole camera without distortion, looking along +y and `pitch_rad` down."""

    height_m: float
    pitch_rad: float
    focal_px: float

    def project(self, points_m: Floats) -> tuple[Floats, Floats]:
        """World points [..., 3] to pixels [..., 2] (x right, y down) and depth [...] in metres along the axis."""
        sin, cos = np.sin(self.pitch_rad), np.cos(self.pitch_rad)
        drop = self.height_m - points_m[..., 2]
        depth = points_m[..., 1] * cos + drop * sin
        scale = self.focal_px / np.maximum(depth, 0.1)
        down = drop * cos - points_m[..., 1] * sin
        pixels = np.stack((WIDTH_PX / 2 + points_m[..., 0] * scale, HEIGHT_PX / 2 + down * scale), axis=-1)
        return pixels, depth

    def ground(self, x_px: Floats, y_px: Floats) -> tuple[Floats, Floats]:
        """World x, y of the ground seen at pixels; NaN at and above the horizon."""
        sin, cos = np.sin(self.pitch_rad), np.cos(self.pitch_rad)
        right, down = (x_px - WIDTH_PX / 2) / self.focal_px, (y_px - HEIGHT_PX / 2) / self.focal_px
        fall = sin + down * cos
        reach = np.where(fall > 1e-4, self.height_m / np.maximum(fall, 1e-4), np.nan)
        return right * reach, (cos - down * sin) * reach

    @property
    def horizon_px(self) -> float:
        """The y of the horizon in pixels."""
        return float(HEIGHT_PX / 2 - self.focal_px * np.tan(self.pitch_rad))


@dataclass(frozen=True)
class Lane:
    """One lane. `along` is "s" on the main road and "d" on the crossing road; `offset_m` is its other coordinate."""

    along: str
    offset_m: float
    direction: int
    stop_m: float | None
    """Where its stop line is, in its own coordinate."""


@dataclass(frozen=True)
class Street:
    """One camera's place: lens, bend, widths and what stands on it. Everything follows from the seed."""

    character: Character
    lens: Lens
    heading_rad: float
    curvature_per_m: float
    camera_d_m: float
    half_m: float
    pavement_left_m: float
    pavement_right_m: float
    lanes_each_way: int
    junction_s_m: float | None
    junction_half_m: float
    crossing_s_m: float
    crossing_depth_m: float
    zebra: bool
    bus_stop_s_m: float | None
    parking_side: int
    beyond_left: Beyond
    beyond_right: Beyond
    lamp_tint: tuple[float, float, float]
    look_seed: int

    def to_world(self, s_m: Floats, d_m: Floats) -> tuple[Floats, Floats]:
        """Street coordinates to world x, y."""
        k = self.curvature_per_m
        if abs(k) < 1e-6:
            ahead, aside = s_m, d_m
        else:
            turn = s_m * k
            ahead, aside = (1 / k - d_m) * np.sin(turn), 1 / k - (1 / k - d_m) * np.cos(turn)
        aside = aside - self.camera_d_m
        sin, cos = np.sin(self.heading_rad), np.cos(self.heading_rad)
        return ahead * sin + aside * cos, ahead * cos - aside * sin

    def to_street(self, x_m: Floats, y_m: Floats) -> tuple[Floats, Floats]:
        """World x, y to street coordinates s, d."""
        sin, cos = np.sin(self.heading_rad), np.cos(self.heading_rad)
        ahead, aside = x_m * sin + y_m * cos, x_m * cos - y_m * sin + self.camera_d_m
        k = self.curvature_per_m
        if abs(k) < 1e-6:
            return ahead, aside
        radius = 1 / k
        away = np.hypot(ahead, radius - aside) * np.sign(radius)
        return radius * np.arctan2(ahead * np.sign(radius), (radius - aside) * np.sign(radius)), radius - away

    @property
    def facing_deg(self) -> float:
        """The compass bearing that the camera looks along."""
        return float(np.random.default_rng((self.look_seed, 3)).uniform(0, 360))

    def to_map(self, x_m: Floats, y_m: Floats) -> tuple[Floats, Floats]:
        """World x, y to metres east and north of the camera."""
        facing = np.radians(self.facing_deg)
        sin, cos = np.sin(facing), np.cos(facing)
        return x_m * cos + y_m * sin, y_m * cos - x_m * sin

    def bearing(self, s_m: Floats) -> Floats:
        """Angle of the street's direction at s in the world: 0 is +y, positive to the right. Radians."""
        return self.heading_rad + s_m * self.curvature_per_m

    def pixels(self, s_m: Floats, d_m: Floats, z_m: Floats | float = 0.0) -> tuple[Floats, Floats]:
        """Street coordinates and height to pixels [..., 2] and depth [...]."""
        x_m, y_m = self.to_world(np.asarray(s_m, float), np.asarray(d_m, float))
        return self.lens.project(np.stack((x_m, y_m, np.broadcast_to(np.asarray(z_m, float), x_m.shape)), axis=-1))

    @property
    def facade_left_m(self) -> float:
        return -self.half_m - self.pavement_left_m

    @property
    def facade_right_m(self) -> float:
        return self.half_m + self.pavement_right_m

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """Every lane that carries traffic; the outer ones first."""
        parked_left, parked_right = 2.2 * (self.parking_side < 0), 2.2 * (self.parking_side > 0)
        near, far = self.stop_lines_m
        found: list[Lane] = []
        for index in reversed(range(self.lanes_each_way)):
            share = (index + 0.5) / self.lanes_each_way
            found.append(Lane("s", -(self.half_m - parked_left) * share, 1, near))
            found.append(Lane("s", (self.half_m - parked_right) * share, -1, far))
        if self.junction_s_m is not None:
            quarter = self.junction_half_m / 2
            found.append(Lane("d", self.junction_s_m + quarter, 1, -self.half_m - 3.0))
            found.append(Lane("d", self.junction_s_m - quarter, -1, self.half_m + 3.0))
        return tuple(found)

    @property
    def stop_lines_m(self) -> tuple[float, float]:
        """s of the stop line of traffic going away, and of traffic coming."""
        near = self.crossing_s_m - self.crossing_depth_m / 2 - 1.5
        if self.junction_s_m is None:
            return near, self.crossing_s_m + self.crossing_depth_m / 2 + 1.5
        return near, self.junction_s_m + self.junction_half_m + 2.5


SODIUM, WARM_LED, WHITE_LED = (1.0, 0.66, 0.26), (1.0, 0.86, 0.62), (0.86, 0.93, 1.0)


def street(seed: int, index: int, view: int = 0) -> Street:
    """The street of camera `index`. Another `view` of it is another picture: what is seen after someone turned it."""
    random = np.random.default_rng((seed, index, view, 11))
    order = (Character.HIGH_STREET, Character.JUNCTION, Character.ARTERIAL, Character.HIGH_STREET,
             Character.JUNCTION, Character.SIDE_STREET, Character.JUNCTION, Character.ARTERIAL)  # fmt: skip
    character = order[index % len(order)] if view == 0 else order[int(random.integers(len(order)))]
    lanes_each_way = {
        Character.HIGH_STREET: 1,
        Character.JUNCTION: int(random.integers(1, 3)),
        Character.ARTERIAL: 2,
        Character.SIDE_STREET: 1,
    }[character]
    parking = character in (Character.SIDE_STREET, Character.HIGH_STREET) and random.random() < 0.75
    parking_side = (-1 if random.random() < 0.5 else 1) if parking else 0
    half = lanes_each_way * random.uniform(3.1, 3.5) + (1.6 if parking else random.uniform(0.2, 0.8))
    wide = character is Character.HIGH_STREET
    pavements = random.uniform(4.0, 7.5, 2) if wide else random.uniform(2.6, 4.8, 2)
    side = -1 if random.random() < 0.5 else 1
    height = random.uniform(6.0, 10.5)
    pitch = np.radians(random.uniform(14.0, 22.0))
    focal = random.uniform(290.0, 430.0)
    camera_d = side * (half + random.uniform(-0.6 * half, 1.2))
    heading = side * np.radians(random.uniform(1.0, 15.0))
    curvature = 0.0 if random.random() < 0.45 else float(random.uniform(-1, 1)) * 0.0028
    has_junction = character is Character.JUNCTION or (character is Character.ARTERIAL and random.random() < 0.4)
    junction_half = random.uniform(3.2, 5.2)
    junction_s = random.uniform(26.0, 40.0) if has_junction else None
    crossing_depth = random.uniform(2.8, 4.0)
    crossing_s = junction_s - junction_half - 2.0 - crossing_depth / 2 if junction_s else random.uniform(18.0, 34.0)
    bus_stop = None
    if character is not Character.SIDE_STREET and random.random() < 0.7:
        bus_stop = crossing_s + random.uniform(9, 18) + (2 * junction_half + 6 if junction_s else 0)
    beyond = random.choice((*Beyond,), 2, p=(0.8, 0.13, 0.07)) if not wide else (Beyond.HOUSES, Beyond.HOUSES)
    tint = (SODIUM, WARM_LED, WHITE_LED)[int(random.choice(3, p=(0.5, 0.3, 0.2)))]
    return Street(
        character=character,
        lens=Lens(float(height), float(pitch), float(focal)),
        heading_rad=float(heading),
        curvature_per_m=curvature,
        camera_d_m=float(camera_d),
        half_m=float(half),
        pavement_left_m=float(pavements[0]),
        pavement_right_m=float(pavements[1]),
        lanes_each_way=lanes_each_way,
        junction_s_m=None if junction_s is None else float(junction_s),
        junction_half_m=float(junction_half),
        crossing_s_m=float(crossing_s),
        crossing_depth_m=float(crossing_depth),
        zebra=not has_junction and random.random() < 0.6,
        bus_stop_s_m=bus_stop,
        parking_side=parking_side,
        beyond_left=Beyond(beyond[0]),
        beyond_right=Beyond(beyond[1]),
        lamp_tint=tint,
        look_seed=int(random.integers(1 << 31)),
    )
