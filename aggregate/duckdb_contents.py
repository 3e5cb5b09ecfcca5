"""All that a DuckDB store holds: see `aggregate.contents.Contents`."""

# ruff: noqa: S608 - every word of the SQL is written here; what comes from outside is a bound parameter

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from aggregate.contents import Kept
from aggregate.duckdb_columns import naive, observation_select, observations_from, reading_select, readings_from
from aggregate.duckdb_engine import Engine
from aggregate.duckdb_schema import readings_table
from aggregate.tables import ReadingTable
from core.figures import SERIES
from core.records import CountObservation, Window


def days(engine: Engine, kept: Kept) -> Mapping[date, int]:
    """See `Contents.days`."""
    if kept.window is not None:
        table, time = readings_table(kept.window), "starts"
    else:
        table, time = ("loops", "starts") if kept is Kept.LOOPS else ("observations", "event_time")
    rows = engine.read(f"SELECT {time}::DATE AS day, count(*) AS rows FROM {table} GROUP BY day ORDER BY day")
    return dict(zip(rows["day"].to_pylist(), rows["rows"].to_pylist(), strict=True))


def observed(engine: Engine, start: datetime, end: datetime) -> list[CountObservation]:
    """See `Contents.observed`."""
    rows = engine.read(
        f"SELECT {observation_select()} FROM observations WHERE event_time >= $start AND event_time < $end",
        {"start": naive(start), "end": naive(end)},
    )
    return observations_from(rows)


def revised(engine: Engine, window: Window, start: datetime, end: datetime) -> ReadingTable:
    """See `Contents.revised`."""
    rows = engine.read(
        f"SELECT {reading_select(SERIES, window)} FROM {readings_table(window)} r "
        "WHERE r.starts >= $start AND r.starts < $end",
        {"start": naive(start), "end": naive(end)},
    )
    return readings_from(rows, SERIES)


def references(engine: Engine) -> list[str]:
    """See `Contents.references`."""
    rows = engine.read("SELECT DISTINCT reference FROM baselines ORDER BY reference")
    return [str(reference) for reference in rows["reference"].to_pylist()]
