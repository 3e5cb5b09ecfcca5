"""A camera and the loop beside it in a store: eight weeks in which a vehicle that passes is seen for 14 s."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from aggregate.duckdb_store import DuckDBStore
from aggregate.tables import FIGURES, ReadingTable, moment, text
from core.figures import SERIES
from core.loops import LoopCounter, LoopReading
from core.records import Camera, Window

START = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 56
HOURS = 24 * DAYS
END = START + timedelta(days=DAYS)
SECONDS = 14.0
CAMERA = Camera(id="c", name="High St", lat=51.5, lon=-0.1, cadence_s=240)
LOOP = LoopCounter(id="scoot:1", name="High St eastbound", lat=51.5003, lon=-0.1, source="TfL SCOOT")


def filled(drifts_from: int = DAYS, dark: range = range(0), silent: range = range(0)) -> DuckDBStore:
    """Eight weeks of both; from a day on the camera loses a quarter; in hours `dark` it fails, in `silent` the loop."""
    random = np.random.default_rng(4)
    store = DuckDBStore.open(None)
    store.save_cameras([CAMERA])
    store.save_counters([LOOP])
    hour = np.arange(HOURS)
    per_hour = random.poisson(350 + 250 * np.sin((hour % 24 - 6) / 24 * 2 * np.pi)).astype(float)
    lost = np.where(hour >= 24 * drifts_from, 0.75, 1.0)
    present = random.poisson(15 * lost * per_hour * SECONDS / 3600) / 15
    counted = np.array([at not in dark for at in hour])
    store.save_readings(readings(present, hour).take(counted))
    store.save_loops([
        LoopReading(
            counter=LOOP.id, series="vehicles", start=START + timedelta(hours=int(at)),
            end=START + timedelta(hours=int(at) + 1), flow=None if at in silent else float(flow),
            reason="the detector is faulty" if at in silent else None,
        )
        for at, flow in zip(hour, per_hour, strict=True)
    ])  # fmt: skip
    return store


def readings(present: np.ndarray, hour: np.ndarray) -> ReadingTable:
    column = SERIES.index("vehicles")
    figures = {name: np.zeros((len(hour), len(SERIES))) for name in FIGURES}
    for name, factor in (("mean", 1.0), ("low", 0.8), ("high", 1.25), ("peak", 1.5)):
        figures[name][:, column] = present * factor
    start = moment(START) + hour.astype("timedelta64[h]")
    same = text([None] * len(hour))
    nothing = {
        name: np.full(len(hour), np.nan) for name in ("area_m2", "calibration_error", "vehicles_m2", "crowded_share")
    }
    return ReadingTable(
        series=SERIES, zone=text(["c:view"] * len(hour)), camera=text(["c"] * len(hour)),
        window=text([Window.HOUR.value] * len(hour)), start=start.astype("datetime64[us]"),
        end=(start + np.timedelta64(1, "h")).astype("datetime64[us]"), **figures, **nothing,
        coverage=np.ones(len(hour)), clips_counted=np.full(len(hour), 15), clips_expected=np.full(len(hour), 15),
        state=text(["observed"] * len(hour)), reason=same, revision=np.ones(len(hour), dtype=np.int64),
        derived_at=np.full(len(hour), moment(END), dtype="datetime64[us]"),
    )  # fmt: skip
