"""Loops, counters and their readings, in the PostgreSQL store."""

# ruff: noqa: S608 - every word of the SQL is written here; what comes from outside is a bound parameter

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from aggregate.postgres_columns import LOOPS, loop_columns, loops_from
from aggregate.postgres_engine import Engine
from aggregate.postgres_parts import Parts
from aggregate.postgres_schema import LOOPS as TABLE
from aggregate.tables import LoopTable, times_of
from core.loops import LoopCounter, LoopReading

_NAMES = "counter, series, starts, ends, flow, occupancy, reason"


def save_counters(engine: Engine, counters: Sequence[LoopCounter]) -> None:
    """See `Store.save_counters`."""
    now = {counter.id: counter.model_dump_json() for counter in counters}
    if not now:
        return
    ids = sorted(now)  # in one order, so that two writers do not wait for one another
    with engine.transaction():
        engine.write(
            "INSERT INTO counters SELECT * FROM unnest(%(ids)s::text[], %(configs)s::text[]) "
            "ON CONFLICT (id) DO UPDATE SET config = excluded.config",
            {"ids": ids, "configs": [now[counter] for counter in ids]},
        )


def counters(engine: Engine) -> list[LoopCounter]:
    """See `Store.counters`."""
    return [
        LoopCounter.model_validate_json(config)
        for (config,) in engine.select("SELECT config FROM counters ORDER BY id")
    ]


def save_loops(engine: Engine, parts: Parts, readings: Sequence[LoopReading]) -> int:
    """See `Store.save_loops`."""
    last = {(reading.counter, reading.series, reading.start, reading.end): reading for reading in readings}
    if not last:
        return 0
    given = [last[key] for key in sorted(last)]
    changed = 0
    with engine.transaction():
        engine.write("CREATE TEMP TABLE IF NOT EXISTS new_loops (LIKE loops) ON COMMIT DELETE ROWS")
        for table, rows in parts.split(TABLE, times_of([reading.start for reading in given])):
            engine.put("pg_temp.new_loops", loop_columns([given[row] for row in rows.tolist()]))
            changed += engine.write(
                f"INSERT INTO {table} AS l ({_NAMES}) "
                f"SELECT {_NAMES} FROM pg_temp.new_loops ORDER BY counter, series, starts, ends "
                "ON CONFLICT (counter, series, starts, ends) DO UPDATE "
                "SET flow = excluded.flow, occupancy = excluded.occupancy, reason = excluded.reason "
                "WHERE (l.flow, l.occupancy, l.reason) "
                "IS DISTINCT FROM (excluded.flow, excluded.occupancy, excluded.reason)"
            )
            engine.write("DELETE FROM pg_temp.new_loops")
    return changed


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
    asked: dict[str, object] = {"start": start, "end": end, "offset": offset, "limit": limit}
    where = "FROM loops WHERE starts >= %(start)s AND starts < %(end)s "
    for column, names in (("counter", counters), ("series", series)):
        if names is not None:
            asked[column] = list(names)
            where += f"AND {column} = ANY(%({column})s) "
    where += "ORDER BY starts, counter, series, ends LIMIT %(limit)s OFFSET %(offset)s"
    return loops_from(engine.find(LOOPS, where, asked))


def loop_extent(engine: Engine) -> tuple[datetime, datetime] | None:
    """See `Store.loop_extent`."""
    ((first, newest),) = engine.select("SELECT min(starts), max(starts) FROM loops")
    return None if first is None else (first, newest)
