"""What was noted of days, in the DuckDB store."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from aggregate.day_so_far import DaysSoFar
from aggregate.duckdb_columns import text_from, times_from
from aggregate.duckdb_engine import Engine
from aggregate.moments import NUMBERS
from aggregate.tables import times_of
from core.records import CountObservation

_TIME = pa.timestamp("us")


def note_days(engine: Engine, days: DaysSoFar) -> None:
    """See `Store.note_days`."""
    if len(days) == 0:
        return
    moments = pa.FixedSizeListArray.from_arrays(pa.array(days.moments.reshape(-1)), NUMBERS)
    rows = pa.table(
        {
            "zone": pa.array(days.zone, pa.string()),
            "camera": pa.array(days.camera, pa.string()),
            "starts": pa.array(days.start, _TIME),
            "through": pa.array(days.through, _TIME),
            "moments": moments,
        }
    )
    with engine.transaction():
        forget_days(engine, days.zone.tolist())
        engine.write("INSERT INTO days_so_far BY NAME SELECT * FROM batch", batch=rows)


def days_so_far(engine: Engine, zones: Sequence[str]) -> DaysSoFar:
    """See `Store.days_so_far`."""
    rows = engine.read(
        "SELECT zone, camera, starts, through, moments FROM days_so_far SEMI JOIN asked USING (zone)",
        asked=pa.table({"zone": pa.array(zones, pa.string())}),
    )
    return DaysSoFar(
        zone=text_from(rows, "zone"),
        camera=text_from(rows, "camera"),
        start=times_from(rows, "starts"),
        through=times_from(rows, "through"),
        moments=rows["moments"].combine_chunks().flatten().to_numpy().astype(np.int64).reshape(-1, NUMBERS),
    )


def forget_days(engine: Engine, zones: Sequence[str]) -> None:
    """See `Store.forget_days`."""
    rows = pa.table({"zone": pa.array(zones, pa.string())})
    with engine.transaction():
        engine.write("DELETE FROM days_so_far WHERE zone IN (SELECT zone FROM batch)", batch=rows)


def forget_days_of(engine: Engine, observations: Sequence[CountObservation]) -> None:
    """Let go of what was noted of a time in which one of `observations` is, which have just been stored."""
    if not observations:
        return
    rows = pa.table(
        {
            "zone": pa.array([one.zone for one in observations], pa.string()),
            "event_time": pa.array(times_of([one.event_time for one in observations]), _TIME),
        }
    )
    engine.write(
        "DELETE FROM days_so_far d USING batch b "
        "WHERE d.zone = b.zone AND b.event_time >= d.starts AND b.event_time < d.through",
        batch=rows,
    )
