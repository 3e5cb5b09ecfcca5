"""Baselines made by hand, of a model that expects one level at every hour, and zones to ask about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from aggregate.grid import ZoneOfCamera
from aggregate.tables import moment, text
from aggregate.usual.baselines import ROLLING, BaselineState, BaselineTable, Expectation
from core.records import Camera, Window, Zone, ZoneKind

MONDAY = datetime(2017, 3, 6, tzinfo=UTC)
WEEK = timedelta(weeks=1)


def camera(name: str, *kinds: ZoneKind, timezone: str = "Europe/London") -> Camera:
    zones = tuple(Zone(id=f"{name}:{kind}", name=kind, kind=kind) for kind in kinds)
    return Camera(id=name, name=name, lat=51.5, lon=-0.1, timezone=timezone, zones=zones)


def places(*cameras: Camera) -> list[ZoneOfCamera]:
    return [ZoneOfCamera(zone, one) for one in cameras for zone in one.counted_zones]


def level(
    *zones: str, of: float, until: datetime = MONDAY, series: str = "people", reference: str = ROLLING,
    state: BaselineState = BaselineState.OK, reason: str | None = None, since: datetime | None = None,
) -> BaselineTable:  # fmt: skip
    """Baselines that expect the level `of` of each zone."""
    rows = len(zones)
    return BaselineTable(
        model="level/1",
        reference=reference,
        zone=text(zones),
        series=text([series] * rows),
        since=np.full(rows, moment(since or until - 8 * WEEK)),
        until=np.full(rows, moment(until)),
        built_at=np.full(rows, moment(until + timedelta(hours=3))),
        weeks=np.full(rows, 8.0),
        state=text([state.value] * rows),
        reason=text([reason] * rows),
        parameters=np.full((rows, 2), of, dtype=np.float32),
    )


class LevelModel:
    """Stands in for `aggregate.usual.baseline.expect`, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Sequence[str], int, str]] = []

    def __call__(self, baselines: BaselineTable, window: Window, starts, timezone: str, calendar) -> Expectation:
        self.asked.append((baselines.zone.tolist(), len(starts), timezone))
        expected = np.repeat(baselines.parameters[:, :1].astype(float), len(starts), axis=1)
        return Expectation(expected, expected / 20, expected * 0.7, expected * 1.4, np.full_like(expected, 0.3))
