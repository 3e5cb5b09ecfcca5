"""All that a PostgreSQL store holds: see `aggregate.contents.Contents`."""

# ruff: noqa: S608 - every word of the SQL is written here; what comes from outside is a bound parameter

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from aggregate.contents import Kept
from aggregate.postgres_columns import OBSERVATIONS, observations_from, reading_layout, readings_from
from aggregate.postgres_engine import Engine
from aggregate.postgres_schema import LOOPS, READINGS
from aggregate.postgres_schema import OBSERVATIONS as OBSERVED
from aggregate.tables import ReadingTable
from core.figures import SERIES
from core.records import CountObservation, Window


def days(engine: Engine, kept: Kept) -> Mapping[date, int]:
    """See `Contents.days`."""
    table = READINGS[kept.window] if kept.window is not None else LOOPS if kept is Kept.LOOPS else OBSERVED
    rows = engine.select(
        f"SELECT date_trunc('day', {table.time})::date AS day, count(*) FROM {table.name} GROUP BY day ORDER BY day"
    )
    return dict(rows)


def observed(engine: Engine, start: datetime, end: datetime) -> list[CountObservation]:
    """See `Contents.observed`."""
    found = engine.find(
        OBSERVATIONS,
        "FROM observations o WHERE o.event_time >= %(start)s AND o.event_time < %(end)s",
        {"start": start, "end": end},
    )
    return observations_from(found)


def revised(engine: Engine, window: Window, start: datetime, end: datetime) -> ReadingTable:
    """See `Contents.revised`."""
    found = engine.find(
        reading_layout(SERIES, window),
        f"FROM {READINGS[window].name} r WHERE r.starts >= %(start)s AND r.starts < %(end)s",
        {"start": start, "end": end},
    )
    return readings_from(found, SERIES)


def references(engine: Engine) -> list[str]:
    """See `Contents.references`."""
    return [reference for (reference,) in engine.select("SELECT DISTINCT reference FROM baselines ORDER BY reference")]
