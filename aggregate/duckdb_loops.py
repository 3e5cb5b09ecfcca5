"""Loops, counters and their readings, in the DuckDB store."""

# ruff: noqa: S608 - every word of the SQL is written here; what comes from outside is a bound parameter

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from aggregate.duckdb_columns import loop_rows, loops_from, naive
from aggregate.duckdb_engine import Engine
from aggregate.tables import LoopTable
from core.loops import LoopCounter, LoopReading

_SAME_KEY = "l.counter = b.counter AND l.series = b.series AND l.starts = b.starts AND l.ends = b.ends"


def save_counters(engine: Engine, counters: Sequence[LoopCounter]) -> None:
    """See `Store.save_counters`."""
    now = {counter.id: counter.model_dump_json() for counter in counters}
    if not now:
        return
    rows = pa.table({"id": pa.array(list(now), pa.string()), "config": pa.array(list(now.values()), pa.string())})
    with engine.transaction():
        engine.write("INSERT OR REPLACE INTO counters SELECT id, config FROM batch", batch=rows)


def counters(engine: Engine) -> list[LoopCounter]:
    """See `Store.counters`."""
    rows = engine.read("SELECT config FROM counters ORDER BY id")
    return [LoopCounter.model_validate_json(config) for config in rows["config"].to_pylist()]


def save_loops(engine: Engine, readings: Sequence[LoopReading]) -> int:
    """See `Store.save_loops`."""
    last = {(reading.counter, reading.series, reading.start, reading.end): reading for reading in readings}
    if not last:
        return 0
    starts = [reading.start for reading in last.values()]
    within = {"first": naive(min(starts)), "last": naive(max(starts))}
    with engine.transaction():
        changed = engine.read(
            f"""
            SELECT b.* FROM asked b LEFT JOIN (FROM loops WHERE starts BETWEEN $first AND $last) l ON {_SAME_KEY}
            WHERE l.counter IS NULL OR l.flow IS DISTINCT FROM b.flow OR l.occupancy IS DISTINCT FROM b.occupancy
               OR l.reason IS DISTINCT FROM b.reason
            """,
            within,
            asked=loop_rows(list(last.values())),
        )
        if len(changed):
            engine.write(
                f"DELETE FROM loops l USING batch b WHERE l.starts BETWEEN $first AND $last AND {_SAME_KEY}",
                within,
                batch=changed,
            )
            engine.write("INSERT INTO loops BY NAME SELECT * FROM batch", batch=changed)
    return len(changed)


def loops_between(
    engine: Engine,
    start: datetime,
    end: datetime,
    *,
    counters: Sequence[str] | None,
    series: Sequence[str] | None,
    limit: int | None,
    offset: int,
) -> LoopTable:
    """See `Store.loops`."""
    wanted: dict[str, Any] = {"start": naive(start), "end": naive(end), "offset": offset}
    query = "SELECT * FROM loops WHERE starts >= $start AND starts < $end "
    for column, names in (("counter", counters), ("series", series)):
        if names is not None:
            wanted[column] = list(names)
            query += f"AND {column} IN (SELECT unnest(${column}::VARCHAR[])) "
    query += "ORDER BY starts, counter, series, ends "
    if limit is not None:
        wanted["limit"] = limit
        query += "LIMIT $limit "
    return loops_from(engine.read(query + "OFFSET $offset", wanted))


def loop_extent(engine: Engine) -> tuple[datetime, datetime] | None:
    """See `Store.loop_extent`."""
    row = engine.read("SELECT min(starts) AS first, max(starts) AS newest FROM loops").to_pylist()[0]
    if row["first"] is None:
        return None
    return row["first"].replace(tzinfo=UTC), row["newest"].replace(tzinfo=UTC)
