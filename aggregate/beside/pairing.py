"""Which loops count what a camera sees: as an operator has said, or those that lie near."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot
from typing import Self

from pydantic import Field, PositiveFloat, model_validator

from aggregate.grid import ZoneOfCamera
from core.config import Closed
from core.ground import LocalFrame
from core.loops import LoopCounter
from core.records import Camera, Identifier, ZoneKind

WITH_TRAFFIC = (ZoneKind.CARRIAGEWAY, ZoneKind.VIEW)
"""The kinds of zone whose vehicles a loop counts as they pass."""


LEAST_M_PER_DEGREE = 110_500.0
"""A degree of latitude is nowhere shorter (110.57 km at the equator)."""


class LoopPair(Closed):
    """The counters that, added up, count the vehicles that a zone shows: one for each lane or direction."""

    zone: Identifier
    counters: tuple[Identifier, ...] = Field(min_length=1, max_length=50)


class BesidePolicy(Closed):
    """Which loops are held against which zones. `pairs` go before nearness; a zone named there has no others."""

    reach_m: PositiveFloat = Field(default=75.0, le=1000, description="counters within so many metres of a zone")
    pairs: tuple[LoopPair, ...] = Field(default=(), max_length=10_000)

    @model_validator(mode="after")
    def _once(self) -> Self:
        seen: set[str] = set()
        for pair in self.pairs:
            if pair.zone in seen:
                raise ValueError(f"zone {pair.zone!r} stands in two pairs: name all of its counters in one")
            seen.add(pair.zone)
        return self


@dataclass(frozen=True)
class Pairing:
    """A zone and the counters beside it, by id. `distance_m` is that of the farthest; null where an operator named
    them and one has no position."""

    zone: ZoneOfCamera
    counters: tuple[str, ...]
    distance_m: float | None


def pairings(cameras: Sequence[Camera], counters: Sequence[LoopCounter], policy: BesidePolicy) -> list[Pairing]:
    """The zones that have counters beside them, by zone id.

    Of a zone that no operator has paired it is every counter within reach of its middle on the ground or, where that is
    not known, of its camera. A counter of a pair that is not (or no longer) listed is still named: without it there is
    no sum.
    """
    by_id = {counter.id: counter for counter in counters}
    northwards = sorted((one for one in counters if one.lat is not None), key=_lat)
    said = {pair.zone: pair.counters for pair in policy.pairs}
    found: list[Pairing] = []
    for camera in cameras:
        for zone in camera.counted_zones:
            frame = LocalFrame(*_middle(camera, zone.ground.outline if zone.ground else None))
            if zone.id in said:
                away = [_away_m(frame, by_id.get(counter)) for counter in said[zone.id]]
                known = [distance for distance in away if distance is not None]
                farthest = max(known) if len(known) == len(away) else None
                found.append(Pairing(ZoneOfCamera(zone, camera), said[zone.id], farthest))
            elif zone.kind in WITH_TRAFFIC:
                distances = {one.id: _away_m(frame, one) for one in _level_with(northwards, frame.lat, policy.reach_m)}
                near = {name: away for name, away in distances.items() if away is not None and away <= policy.reach_m}
                if near:
                    found.append(Pairing(ZoneOfCamera(zone, camera), tuple(sorted(near)), max(near.values())))
    return sorted(found, key=lambda one: one.zone.zone.id)


def _middle(camera: Camera, outline: Sequence[tuple[float, float]] | None) -> tuple[float, float]:
    """(lat, lon) of a zone."""
    if outline is None:
        return camera.lat, camera.lon
    return sum(lat for _, lat in outline) / len(outline), sum(lon for lon, _ in outline) / len(outline)


def _level_with(northwards: Sequence[LoopCounter], lat: float, reach_m: float) -> Sequence[LoopCounter]:
    """Those of counters sorted by latitude that lie no farther north or south than within reach: of a city's thousands,
    a few for each of its thousands of zones."""
    reach = reach_m / LEAST_M_PER_DEGREE
    return northwards[bisect_left(northwards, lat - reach, key=_lat) : bisect_right(northwards, lat + reach, key=_lat)]


def _lat(counter: LoopCounter) -> float:
    return float("nan") if counter.lat is None else counter.lat


def _away_m(frame: LocalFrame, counter: LoopCounter | None) -> float | None:
    if counter is None or counter.lat is None or counter.lon is None:
        return None
    return hypot(*frame.metres(counter.lat, counter.lon))
