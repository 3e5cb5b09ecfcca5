"""How cameras are, in the DuckDB store."""

# ruff: noqa: S608 - every word of the SQL is written here; what comes from outside is a bound parameter

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from aggregate.duckdb_columns import health_from, health_rows, naive
from aggregate.duckdb_engine import Engine
from core.health import HealthEvent


def save_health(engine: Engine, events: Sequence[HealthEvent]) -> None:
    """See `Store.save_health`."""
    last = {(event.camera, event.since): event for event in events}
    if not last:
        return
    rows = health_rows(list(last.values()))
    times = [since for _, since in last]
    with engine.transaction():
        engine.write(
            "DELETE FROM health USING batch b WHERE health.since BETWEEN $first AND $last "
            "AND health.camera = b.camera AND health.since = b.since",
            {"first": naive(min(times)), "last": naive(max(times))},
            batch=rows,
        )
        engine.write("INSERT INTO health BY NAME SELECT * FROM batch", batch=rows)
        _keep_states(engine, rows)


def health_between(engine: Engine, start: datetime, end: datetime, cameras: Sequence[str] | None) -> list[HealthEvent]:
    """See `Store.health`."""
    wanted: dict[str, Any] = {"start": naive(start), "end": naive(end)}
    chosen = ""
    if cameras is not None:
        wanted["cameras"] = list(cameras)
        chosen = "AND camera IN (SELECT unnest($cameras::VARCHAR[]))"
    rows = engine.read(
        f"""
        SELECT camera, max(since) AS since, max_by(state, since) AS state,
               max_by({{'said': reason}}, since).said AS reason  -- in a struct, because max_by passes over nulls
        FROM health WHERE since <= $start {chosen} GROUP BY camera
        UNION ALL
        SELECT camera, since, state, reason FROM health WHERE since > $start AND since < $end {chosen}
        ORDER BY camera, since
        """,
        wanted,
    )
    return health_from(rows)


def health_now(engine: Engine) -> list[HealthEvent]:
    """See `Store.health_now`."""
    return health_from(engine.read("SELECT camera, since, state, reason FROM states ORDER BY camera"))


def _keep_states(engine: Engine, events: pa.Table) -> None:
    """Bring the kept states up to date with events that have just been stored, in the open transaction."""
    # One event after the newest is what comes almost always, and is told without looking back.
    ahead = engine.read(
        """
        SELECT camera, CASE WHEN s.state = b.state THEN s.since ELSE b.since END AS since, b.since AS newest,
               b.state, b.reason
        FROM (SELECT *, count(*) OVER (PARTITION BY camera) AS events FROM asked) b LEFT JOIN states s USING (camera)
        WHERE b.events = 1 AND (s.newest IS NULL OR b.since > s.newest)
        """,
        asked=events,
    )
    engine.write("INSERT OR REPLACE INTO states SELECT camera, since, newest, state, reason FROM batch", batch=ahead)
    told = set(ahead["camera"].to_pylist())
    others = [camera not in told for camera in events["camera"].to_pylist()]
    if any(others):
        engine.write(_LOOK_BACK, batch=events.filter(pa.array(others)))


_LOOK_BACK = """
WITH known AS (
    SELECT * FROM health WHERE camera IN (SELECT camera FROM batch)
), newest AS (
    SELECT camera, max(since) AS newest, max_by(state, since) AS state, max_by({'said': reason}, since).said AS reason
    FROM known GROUP BY camera
), other AS (
    SELECT k.camera, max(k.since) AS until FROM known k JOIN newest n USING (camera)
    WHERE k.state <> n.state GROUP BY k.camera
)
INSERT OR REPLACE INTO states
SELECT n.camera, min(k.since) AS since, n.newest, n.state, n.reason
FROM newest n JOIN known k USING (camera) LEFT JOIN other o USING (camera)
WHERE o.until IS NULL OR k.since > o.until
GROUP BY n.camera, n.newest, n.state, n.reason
"""
