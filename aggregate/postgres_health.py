"""How cameras are, in the PostgreSQL store."""

# ruff: noqa: S608 - every word of the SQL is written here; what comes from outside is a bound parameter

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from aggregate.postgres_binary import Column, Fixed, Kind, Words
from aggregate.postgres_engine import Engine
from aggregate.tables import times_of
from core.health import HealthEvent

_TURN = 7_004
"""The advisory lock of whoever writes events: few come, and what follows from them is told from all of a camera's."""


def save_health(engine: Engine, events: Sequence[HealthEvent]) -> None:
    """See `Store.save_health`."""
    last = {(event.camera, event.since): event for event in events}
    if not last:
        return
    with engine.transaction():
        engine.select("SELECT pg_advisory_xact_lock(%(turn)s, hashtext(current_schema()))", {"turn": _TURN})
        engine.write("CREATE TEMP TABLE IF NOT EXISTS new_health (LIKE health) ON COMMIT DELETE ROWS")
        engine.put("pg_temp.new_health", _columns(list(last.values())))
        engine.write(
            "INSERT INTO health (camera, since, state, reason) "
            "SELECT camera, since, state, reason FROM pg_temp.new_health "
            "ON CONFLICT (camera, since) DO UPDATE SET state = excluded.state, reason = excluded.reason"
        )
        engine.write(_KEEP_STATES)
        engine.write("DELETE FROM pg_temp.new_health")


_KEEP_STATES = """
WITH newest AS (
    SELECT DISTINCT ON (camera) camera, since AS newest, state, reason FROM health
    WHERE camera IN (SELECT camera FROM pg_temp.new_health) ORDER BY camera, since DESC
), run AS (
    SELECT n.*, (
        SELECT min(k.since) FROM health k
        WHERE k.camera = n.camera AND k.since > coalesce((
            SELECT max(o.since) FROM health o WHERE o.camera = n.camera AND o.state <> n.state
        ), '-infinity')
    ) AS since FROM newest n
)
INSERT INTO states (camera, since, newest, state, reason) SELECT camera, since, newest, state, reason FROM run
ON CONFLICT (camera) DO UPDATE SET
    since = excluded.since, newest = excluded.newest, state = excluded.state, reason = excluded.reason
"""


def health_between(engine: Engine, start: datetime, end: datetime, cameras: Sequence[str] | None) -> list[HealthEvent]:
    """See `Store.health`."""
    chosen = "" if cameras is None else "AND c.camera = ANY(%(cameras)s)"
    # Camera by camera: the event in force is one step into the index, however many there were before it.
    rows = engine.select(
        f"""
        SELECT f.* FROM states c CROSS JOIN LATERAL (
            SELECT camera, since, state, reason FROM health h
            WHERE h.camera = c.camera AND h.since <= %(start)s ORDER BY h.since DESC LIMIT 1
        ) f WHERE true {chosen}
        UNION ALL
        SELECT camera, since, state, reason FROM health c WHERE since > %(start)s AND since < %(end)s {chosen}
        ORDER BY camera, since
        """,
        {"start": start, "end": end, "cameras": None if cameras is None else list(cameras)},
    )
    return [_event(row) for row in rows]


def health_now(engine: Engine) -> list[HealthEvent]:
    """See `Store.health_now`."""
    return [_event(row) for row in engine.select("SELECT camera, since, state, reason FROM states ORDER BY camera")]


def _event(row: tuple[Any, ...]) -> HealthEvent:
    camera, since, state, reason = row
    return HealthEvent(camera=camera, since=since, state=state, reason=reason)


def _columns(events: Sequence[HealthEvent]) -> list[Column]:
    return [
        Fixed("since", Kind.TIME, times_of([event.since for event in events])),
        Words("camera", [event.camera for event in events]),
        Words("state", [event.state.value for event in events]),
        Words("reason", [event.reason for event in events]),
    ]
