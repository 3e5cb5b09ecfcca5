"""A small city in a store, and what is planted in it: twelve cameras a kilometre apart, of which the usual is known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from aggregate.duckdb_store import DuckDBStore
from aggregate.grid import ZoneOfCamera
from aggregate.store import Store
from aggregate.tables import FIGURES, GROUND, Numbers, ReadingTable, Times, moment, text
from aggregate.usual.baselines import ROLLING, BaselineState, BaselineTable, Expectation
from aggregate.usual.calendar import Calendar
from core.figures import SERIES
from core.ground import ZoneGround
from core.records import Camera, Window, Zone, ZoneKind

NOW = datetime(2017, 4, 21, 18, 0, 30, tzinfo=UTC)
"""A Friday."""

FIRST = datetime(2017, 3, 6, tzinfo=UTC)
LEVEL = 8.0
SPREAD = 0.3
"""On the root scale."""

EVENT, SATURDAYS, CLOSED, DIRTY, GONE, NEW = "c5", "c2", "c9", "c10", "c11", "c12"
"""Cameras: of the event of today and its neighbours; too full on Saturdays; a street that was closed; a lens that got
dirty; one that is out today; one without a past."""

GROUND_OF_C2 = ZoneGround(
    plane="c2/0123abcd", area_m2=80.0, area_error=0.05, length_m=20.0,
    outline=((-0.1, 51.5), (-0.0998, 51.5), (-0.0998, 51.5002), (-0.1, 51.5002)), most_px_per_m=30.0,
    least_px_per_m=8.0, cut=None,
)  # fmt: skip


def cameras() -> list[Camera]:
    found = []
    for number in range(1, 13):
        row, column = divmod(number - 1, 4)
        ground = GROUND_OF_C2 if number == 2 else None
        zone = Zone(id=f"c{number}:pavement", name="Pavement", kind=ZoneKind.PAVEMENT, ground=ground)
        lat, lon = 51.5 + 0.009 * row, -0.1 + 0.0144 * column
        found.append(Camera(id=f"c{number}", name=f"Street {number}", lat=lat, lon=lon, zones=(zone,)))
    return found


def city() -> tuple[Store, list[ZoneOfCamera]]:
    """Six weeks and a half of hours, and two days of quarters, of people and vehicles."""
    store = DuckDBStore.open(None)
    known = cameras()
    store.save_cameras(known)
    zones = sorted((ZoneOfCamera(zone, one) for one in known for zone in one.counted_zones), key=lambda o: o.zone.id)
    hours = int((NOW - FIRST) / timedelta(hours=1))
    for window, start, width, steps in (
        (Window.HOUR, FIRST, timedelta(hours=1), hours),
        (Window.QUARTER, FIRST + timedelta(hours=hours - 48), timedelta(minutes=15), 192),
    ):
        store.save_readings(_readings(zones, window, start, width, steps))
    for series in ("people", "vehicles"):
        store.save_baselines(_baselines(zones, series))
    return store, zones


def one_level(
    baselines: BaselineTable, window: Window, starts: Times, timezone: str, calendar: Calendar
) -> Expectation:
    """Stands in for `aggregate.usual.baseline.expect`: the same level at every hour."""
    level = np.full((len(baselines), len(starts)), LEVEL)
    return Expectation(level, level / 20, level * 0.7, level * 1.4, np.full_like(level, SPREAD))


def _baselines(zones: Sequence[ZoneOfCamera], series: str) -> BaselineTable:
    rows = len(zones)
    known = [one.camera.id != NEW for one in zones]
    return BaselineTable(
        model="level/1",
        reference=ROLLING,
        zone=text([one.zone.id for one in zones]),
        series=text([series] * rows),
        since=np.full(rows, moment(FIRST - timedelta(weeks=8))),
        until=np.full(rows, moment(FIRST)),
        built_at=np.full(rows, moment(FIRST)),
        weeks=np.full(rows, 8.0),
        state=text([BaselineState.OK if one else BaselineState.INSUFFICIENT_HISTORY for one in known]),
        reason=text([None if one else "16 hours of its own past, 3 weeks are needed" for one in known]),
        parameters=np.zeros((rows, 1), dtype=np.float32),
    )


def _readings(
    zones: Sequence[ZoneOfCamera], window: Window, start: datetime, width: timedelta, steps: int
) -> ReadingTable:
    random = np.random.default_rng(11)
    starts = moment(start) + np.arange(steps) * np.timedelta64(width)
    people, vehicles = (
        np.square(np.maximum(np.sqrt(LEVEL + 0.375) + SPREAD * random.standard_normal((len(zones), steps)), 0.62))
        - 0.375
        for _ in range(2)
    )
    day = (starts.astype("datetime64[D]") - np.datetime64("2017-03-06")).astype(int)
    hour = (starts - starts.astype("datetime64[D]")) // np.timedelta64(1, "h")
    row = {one.camera.id: place for place, one in enumerate(zones)}
    today = day == 46
    around = [row["c1"], row["c5"], row["c6"], row["c9"]]
    people[np.ix_(around, np.flatnonzero(today & (hour >= 15)))] *= 2.2
    people[row[SATURDAYS], (day % 7 == 5) & (hour >= 12) & (hour < 17)] *= 2.0
    people[row[CLOSED], day >= 20] *= 0.6
    people[row[DIRTY], day >= 25] *= 0.65
    vehicles[row[DIRTY], day >= 25] *= 0.65
    gone = np.zeros(people.shape, dtype=bool)
    gone[row[GONE], today] = True
    gone[row[NEW], : steps - round(timedelta(hours=16) / width)] = True
    zone, step = np.nonzero(~gone)
    return _table(zones, window, width, zone, starts[step], people[zone, step], vehicles[zone, step])


def _table(zones, window, width, zone, starts, people: Numbers, vehicles: Numbers) -> ReadingTable:
    rows = len(zone)
    mean = np.zeros((rows, len(SERIES)))
    for series, values in (("people", people), ("pedestrian", people), ("vehicles", vehicles), ("car", vehicles)):
        mean[:, SERIES.index(series)] = values
    figures = dict.fromkeys(FIGURES, mean) | {"low": 0.8 * mean, "high": 1.2 * mean}
    clips = round(width / timedelta(minutes=5))
    return ReadingTable(
        series=SERIES,
        zone=text([one.zone.id for one in zones])[zone],
        camera=text([one.camera.id for one in zones])[zone],
        window=text([window.value] * rows),
        start=starts,
        end=starts + np.timedelta64(width),
        **(figures | {"stationary_share": np.full_like(mean, np.nan)}),
        **{name: np.full(rows, np.nan) for name in GROUND},
        coverage=np.ones(rows),
        clips_counted=np.full(rows, clips),
        clips_expected=np.full(rows, clips),
        state=text(["observed"] * rows),
        reason=text([None] * rows),
        revision=np.ones(rows, dtype=np.int64),
        derived_at=starts + np.timedelta64(width),
    )
