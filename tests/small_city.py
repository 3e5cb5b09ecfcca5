"""A small city in a store: hours and days of some weeks, a place that becomes too busy, a camera that is lost.

Written as readings, without clips: what statistics and pages are made of. People and vehicles are overdispersed and
have a day and a week; the first camera is half as busy again in the evenings of its last three weeks.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from aggregate.baseline_builder import BaselineBuilder
from aggregate.duckdb_store import DuckDBStore
from aggregate.tables import FIGURES, ReadingTable, moment, text
from aggregate.usual.calendar import Calendar
from aggregate.usual.policy import UsualPolicy
from core.figures import SERIES, Figures
from core.records import Camera, CountObservation, Status, Window, Zone, ZoneKind, observation_id

START = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday, and London is on UTC
WEEKS = 10
END = START + timedelta(weeks=WEEKS)
CLIPS = 15
LOST = timedelta(days=4)
"""How long the last camera has given nothing at the end."""


def cameras(count: int = 8) -> tuple[Camera, ...]:
    return tuple(
        Camera(
            id=f"{number:05d}",
            name=f"Street {number}",
            lat=51.50 + 0.004 * (number % 4),
            lon=-0.10 + 0.006 * (number // 4),
            cadence_s=240,
            zones=(Zone(id=f"{number:05d}:path", name=f"Street {number}, pavement", kind=ZoneKind.PAVEMENT),),
        )
        for number in range(count)
    )  # fmt: skip


def stored(store: DuckDBStore, count: int = 8, seed: int = 3) -> DuckDBStore:
    """The city, and its baselines as they were built at the end of its seventh week and at the end."""
    random, places, hours = np.random.default_rng(seed), cameras(count), 24 * 7 * WEEKS
    store.save_cameras(places)
    hour = np.arange(hours)
    shape = 1 + 0.8 * np.sin((hour % 24 - 8) / 24 * 2 * np.pi) + 0.3 * ((hour // 24) % 7 < 5)
    for number, camera in enumerate(places):
        level = (2.0 + number) * shape
        level = np.where(
            (number == 0) & (hour % 24 >= 17) & (hour % 24 < 21) & (hour >= hours - 504), 1.5 * level, level
        )
        people = random.poisson(random.gamma(8, level * CLIPS / 8)) / CLIPS
        vehicles = random.poisson(random.gamma(8, 0.6 * level * CLIPS / 8)) / CLIPS
        there = (hour < hours - LOST / timedelta(hours=1)) | (number < count - 1)
        store.save_readings(_readings(camera, Window.HOUR, hour[there], people[there], vehicles[there]))
        days = there.reshape(-1, 24).all(axis=1)
        mean = [values.reshape(-1, 24).mean(axis=1)[days] for values in (people, vehicles)]
        store.save_readings(_readings(camera, Window.DAY, 24 * np.flatnonzero(days), *mean))
    # The extent of a store is that of its clips.
    store.upsert_observations([_clip(places[0], START), _clip(places[0], END - timedelta(seconds=1))])
    builder = BaselineBuilder(store, Calendar.plain(), UsualPolicy())
    for until in (START + timedelta(weeks=WEEKS - 3), END):
        builder.build(builder.plan(until), until)
    return store


def _readings(
    camera: Camera, window: Window, hour: np.ndarray, people: np.ndarray, vehicles: np.ndarray
) -> ReadingTable:
    rows, figures = len(hour), {name: np.zeros((len(hour), len(SERIES))) for name in FIGURES}
    for values, names in ((people, ("pedestrian", "people")), (vehicles, ("car", "vehicles"))):
        reach = 1.6 * np.sqrt((values + 0.1) / CLIPS)
        for series in names:
            column = SERIES.index(series)
            for name, figure in (("mean", values), ("low", np.maximum(values - reach, 0)), ("high", values + reach)):
                figures[name][:, column] = figure
            figures["peak"][:, column] = 2 * values
    start = moment(START) + hour.astype("timedelta64[h]")
    width = np.timedelta64(1 if window is Window.HOUR else 24, "h")
    nothing = {name: np.full(rows, np.nan) for name in ("area_m2", "calibration_error", "vehicles_m2", "crowded_share")}
    clips = np.full(rows, CLIPS * int(width / np.timedelta64(1, "h")))
    return ReadingTable(
        series=SERIES, zone=text([camera.zones[0].id] * rows), camera=text([camera.id] * rows),
        window=text([window.value] * rows), start=start.astype("datetime64[us]"),
        end=(start + width).astype("datetime64[us]"), **figures, **nothing, coverage=np.ones(rows), clips_counted=clips,
        clips_expected=clips, state=text(["observed"] * rows), reason=text([None] * rows),
        revision=np.ones(rows, dtype=np.int64), derived_at=np.full(rows, moment(END), dtype="datetime64[us]"),
    )  # fmt: skip


def _clip(camera: Camera, at: datetime) -> CountObservation:
    none = Figures.of([0.0] * len(SERIES))
    zone = camera.zones[0].id
    return CountObservation(
        id=observation_id(camera.id, zone, at, "m"), camera=camera.id, zone=zone, event_time=at, duration_s=10,
        status=Status.OK, frames=5, present=none, peak=none, spread=none, model="m", counted_at=at,
    )  # fmt: skip
