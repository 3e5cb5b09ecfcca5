"""Who comes to the synthetic street in one clip: queues and free traffic, parked cars, cyclists, people.

The hours of the day and the weekday set the expected numbers (`ingest.street.hours`); a clip draws from them with more
spread than Poisson's, because real streets come in waves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

import numpy as np

from ingest.street.crowd import Crowd, Motion, Mover, gathered
from ingest.street.hours import Expected, expected
from ingest.street.layout import Lane, Street
from ingest.street.solid import Solid
from ingest.street.vehicles import VARIANTS, solid

Span = tuple[float, float]

LONGEST_QUEUE = 16
MAIN_ROAD_M: Span = (-8.0, 155.0)
CROSSING_ROAD_M: Span = (-48.0, 48.0)
PAVEMENT_M: Span = (-10.0, 92.0)
BAY_WIDTH_M = 2.2
HEADWAY_M = 4.0


class Green(Enum):
    """Who may go, for the length of a clip."""

    MAIN = "main"
    CROSSING_ROAD = "crossing_road"
    WALKERS = "walkers"


def crowd(place: Street, local: datetime, seed: tuple[int, ...]) -> Crowd:
    """Everyone in the clip that begins at this local time. The first two numbers of the seed are the camera's own."""
    random = np.random.default_rng((*seed, 23))
    here = expected(place, local)
    wave = float(random.gamma(5.0, 1 / 5.0))
    green = _green(place, here, random)
    movers = list(_parked(place, np.random.default_rng((*seed[:2], local.toordinal() * 12 + local.hour // 2, 29))))
    bus = _bus_at_stop(place, here, random)
    movers += [] if bus is None else [bus]
    for index, lane in enumerate(place.lanes):
        stop = None if green is (Green.MAIN if lane.along == "s" else Green.CROSSING_ROAD) else lane.stop_m
        if bus is not None and index == 0 and stop is None:  # the outer lane away waits behind the bus
            stop = bus.at_m - 6.5
        movers += _Lane(place, lane, here, wave, random).traffic(stop)
    movers += _cyclists(place, here.cyclists * wave, random)
    per_m = here.walkers_per_m * float(random.gamma(4.0, 1 / 4.0))
    movers += _strollers(place, per_m, random)
    movers += _at_crossing(place, per_m, green, random)
    movers += _at_bus_stop(place, per_m, random)
    return gathered(movers, random)


def _green(place: Street, here: Expected, random: np.random.Generator) -> Green:
    draw = random.random()
    if place.junction_s_m is not None:
        return Green.MAIN if draw < 0.5 else Green.CROSSING_ROAD if draw < 0.8 else Green.WALKERS
    return Green.WALKERS if draw < min(0.45, 0.08 + here.walkers_per_m * 3) else Green.MAIN


def _body(kind: str, random: np.random.Generator) -> Solid:
    return solid(kind, int(random.integers(VARIANTS)))


@dataclass(frozen=True)
class _Lane:
    """The traffic of one lane. u is the coordinate along the direction of travel."""

    place: Street
    lane: Lane
    here: Expected
    wave: float
    random: np.random.Generator

    @property
    def ends_u(self) -> Span:
        first, last = MAIN_ROAD_M if self.lane.along == "s" else CROSSING_ROAD_M
        return (first, last) if self.lane.direction > 0 else (-last, -first)

    @property
    def flows_per_s(self) -> dict[str, float]:
        share = self.wave / 3600 * (1.0 if self.lane.along == "s" else 0.55)
        return {kind: flow * share for kind, flow in self.here.flow_per_h.items()}

    def traffic(self, stop_m: float | None) -> list[Mover]:
        """A queue before a red light with arrivals behind it, or a queue that sets off, or free flow."""
        low, high = self.ends_u
        speed, flow = self.random.uniform(6.5, 11.0), sum(self.flows_per_s.values())
        if flow <= 0:
            return []
        setting_off = stop_m is None and self.random.random() < 0.25
        front = self.lane.direction * (stop_m if stop_m is not None else self.lane.stop_m or 0.0)
        queued = (stop_m is not None or setting_off) and low < front < high
        movers, tail = self._queue(front, speed, flow, setting_off) if queued else ([], high)
        gap_m = max(3.0, speed / flow - 7.0)
        u = tail - self.random.exponential(gap_m)
        while u > low - speed * 10:
            mover, length = self._vehicle(speed)
            u -= length / 2
            if queued:
                tail -= length / 2
                mover = replace(mover, motion=Motion.ARRIVING, reach_m=max(0.5, tail - u))
                tail -= length / 2 + 2.0
            movers.append(replace(mover, at_m=self.lane.direction * u))
            u = min(u, tail) - length / 2 - HEADWAY_M - self.random.exponential(gap_m)
        return movers

    def _queue(self, front_u: float, speed: float, flow: float, setting_off: bool) -> tuple[list[Mover], float]:
        """Those who wait, first to last, and where the last one ends."""
        movers: list[Mover] = []
        waiting = min(LONGEST_QUEUE, int(self.random.poisson(flow * self.random.uniform(5, 45))))
        for position in range(waiting):
            mover, length = self._vehicle(speed if setting_off else 0.0)
            if front_u - length / 2 < self.ends_u[0] - 6:
                break
            mover = replace(mover, at_m=self.lane.direction * (front_u - length / 2))
            if setting_off:
                mover = replace(mover, motion=Motion.DEPARTING, delay_s=0.5 + 1.1 * position)
            movers.append(mover)
            front_u -= length + self.random.uniform(1.2, 2.8)
        return movers, front_u

    def _vehicle(self, speed: float) -> tuple[Mover, float]:
        """Somebody of this lane's mix, not yet placed along it, and the length of the vehicle."""
        flows = np.array(list(self.flows_per_s.values()))
        kind = list(self.flows_per_s)[int(self.random.choice(len(flows), p=flows / flows.sum()))]
        body = _body(kind, self.random)
        sway = self.random.choice((-0.9, 0.9)) if kind == "motorcycle" else self.random.normal(0, 0.12)
        offset = self.lane.offset_m + float(sway)
        return Mover(kind, self.lane.along == "d", 0.0, offset, self.lane.direction, speed, body=body), body.length_m


def _bus_at_stop(place: Street, here: Expected, random: np.random.Generator) -> Mover | None:
    draw = random.random()
    if place.bus_stop_s_m is None or draw > min(0.3, here.flow_per_h["bus"] / 140):
        return None
    offset = -place.half_m + 1.45 + BAY_WIDTH_M * (place.parking_side < 0)
    return Mover("bus", False, place.bus_stop_s_m, offset, 1.0, body=_body("bus", random))


def _parked(place: Street, random: np.random.Generator) -> Iterator[Mover]:
    """Parked cars and vans."""
    if place.parking_side == 0:
        return
    share = random.uniform(0.45, 0.95)
    kept_clear = [(place.crossing_s_m, 6.0)]
    if place.junction_s_m is not None:
        kept_clear.append((place.junction_s_m, place.junction_half_m + 5))
    if place.bus_stop_s_m is not None and place.parking_side < 0:
        kept_clear.append((place.bus_stop_s_m, 10.0))
    offset, direction = place.parking_side * (place.half_m - 1.05), -float(place.parking_side)
    for s in np.arange(4.0, 118.0, 6.0):
        kind = "van" if random.random() < 0.17 else "car"
        body, at = _body(kind, random), float(s + random.normal(0, 0.3))
        if random.random() < share and all(abs(s - middle) > reach for middle, reach in kept_clear):
            yield Mover(kind, False, at, offset, direction, body=body, lamps_on=False)


def _cyclists(place: Street, mean: float, random: np.random.Generator) -> Iterator[Mover]:
    for _ in range(int(random.poisson(mean))):
        side = -1 if random.random() < 0.5 else 1
        offset = side * (place.half_m - 0.9 - BAY_WIDTH_M * (place.parking_side == side)) + random.normal(0, 0.2)
        speed, at = random.uniform(3.6, 6.5), random.uniform(-10, 80)
        yield Mover("cyclist", False, at, offset, -float(side), speed, body=_body("cyclist", random))


def _strollers(place: Street, per_m: float, random: np.random.Generator) -> Iterator[Mover]:
    """People on the pavements of both roads."""
    busier = random.uniform(0.7, 1.3)
    length = PAVEMENT_M[1] - PAVEMENT_M[0]
    yield from _groups(per_m * busier * length, False, PAVEMENT_M, (place.facade_left_m, -place.half_m), random)
    yield from _groups(per_m * (2 - busier) * length, False, PAVEMENT_M, (place.half_m, place.facade_right_m), random)
    if place.junction_s_m is None:
        return
    for edge, outer in ((place.junction_half_m, 2.8), (-place.junction_half_m - 2.8, 2.8)):
        strip = (place.junction_s_m + edge, place.junction_s_m + edge + outer)
        for along in ((-40.0, -place.half_m - 1), (place.half_m + 1, 40.0)):
            yield from _groups(per_m * 18, True, along, strip, random)


def _groups(mean: float, across: bool, along: Span, strip: Span, random: np.random.Generator) -> Iterator[Mover]:
    """People alone and in groups over a strip, some of them standing."""
    low, high = strip[0] + 0.35, strip[1] - 0.35
    left = int(random.poisson(mean))
    while left > 0:
        size = min(left, int(random.choice((1, 2, 3, 4), p=(0.66, 0.25, 0.06, 0.03))))
        at, offset = random.uniform(*along), random.uniform(low, high)
        direction = 1.0 if random.random() < 0.5 else -1.0
        speed = 0.0 if random.random() < 0.10 else float(np.clip(random.normal(1.3, 0.22), 0.7, 2.0))
        for member in range(size):
            beside = float(np.clip(offset + 0.62 * member, low, high))
            facing = random.uniform(-3, 3) if speed == 0 else random.normal(0, 0.08)
            yield Mover("pedestrian", across, at + random.normal(0, 0.25), beside, direction, speed, facing_rad=facing)
        left -= size


def _at_crossing(place: Street, per_m: float, green: Green, random: np.random.Generator) -> Iterator[Mover]:
    """People on the crossing, and when it is not their turn, a few who go all the same and some who wait."""
    walk = green is Green.WALKERS
    half, depth = place.half_m, place.crossing_depth_m
    for _ in range(int(random.poisson(per_m * (34 if walk else 3)))):
        direction = 1.0 if random.random() < 0.5 else -1.0
        gone = random.uniform(-3.0, 2 * half) if walk else random.uniform(0.2, 1.5)
        reach = 2 * half - gone + random.uniform(0.8, 2.0)
        offset = place.crossing_s_m + random.uniform(-0.5, 0.5) * (depth - 0.5)
        speed = random.uniform(1.0, 1.7)
        yield Mover("pedestrian", True, direction * (gone - half), offset, direction, speed, reach_m=reach)
    for _ in range(0 if walk else int(random.poisson(per_m * 12))):
        side = 1.0 if random.random() < 0.5 else -1.0
        at = side * (half + random.uniform(0.3, 1.4))
        offset = place.crossing_s_m + random.uniform(-0.6, 0.6) * depth
        yield Mover("pedestrian", True, at, offset, -side, facing_rad=random.normal(0, 0.4))


def _at_bus_stop(place: Street, per_m: float, random: np.random.Generator) -> Iterator[Mover]:
    if place.bus_stop_s_m is None:
        return
    for _ in range(int(random.poisson(per_m * 26))):
        at = place.bus_stop_s_m + random.uniform(-4.0, 5.0)
        offset = -place.half_m - random.uniform(0.5, 2.0)
        yield Mover("pedestrian", False, at, offset, -1.0, facing_rad=random.uniform(-1.2, 1.2))
