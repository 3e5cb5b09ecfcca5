"""Letting go of what is older than it may be kept, in the PostgreSQL store."""

# ruff: noqa: S608 - every word of the SQL is written here; what comes from outside is a bound parameter

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregate.postgres_engine import Engine
from aggregate.postgres_newest import hold_all
from aggregate.postgres_parts import Parts
from aggregate.postgres_schema import OBSERVATIONS, READINGS
from core.records import Window

SHORT_LIVED = (OBSERVATIONS, *(READINGS[window] for window in (Window.MINUTE, Window.FIVE_MINUTES, Window.QUARTER)))
"""What is let go of. Hours and days stay: baselines and effects are made of them, and they say nothing of a moment."""

_STEP = timedelta(days=1)


@dataclass(frozen=True)
class Retained:
    """What was let go of: whole months (or chunks), and single rows of the month in which the moment lies."""

    parts: int
    rows: int


def retain(engine: Engine, parts: Parts, before: datetime) -> Retained:
    """Let go of observations, and of readings of quarters and shorter, of the time before a moment. See `SHORT_LIVED`.

    Whole months go at once; of what is left of the month of that moment the older rows go. What was the newest clip of
    a camera, and so its watermark, is remembered even where nothing is left of it.
    """
    dropped = deleted = 0
    for table in SHORT_LIVED:
        dropped += parts.drop(table, before)
        with engine.transaction():
            deleted += engine.write(f"DELETE FROM {table.name} WHERE {table.time} < %(before)s", {"before": before})
    with engine.transaction():
        hold_all(engine)  # nobody stores anything older meanwhile
        _forget_first(engine, before)
        engine.write("DELETE FROM days_so_far WHERE starts < %(before)s", {"before": before})
    return Retained(dropped, deleted)


def _forget_first(engine: Engine, before: datetime) -> None:
    """Find the oldest clip of those cameras anew that had an older one."""
    asked = {"before": before}
    engine.write("UPDATE newest_clips SET first_time = NULL WHERE event_time < %(before)s", asked)
    rows = engine.select("SELECT camera, event_time FROM newest_clips WHERE first_time < %(before)s", asked)
    pending = {str(camera) for camera, _ in rows}
    last = max((newest for _, newest in rows), default=before)
    start, step = before, _STEP
    while pending and start <= last:
        found = engine.select(
            """
            UPDATE newest_clips n SET first_time = o.first FROM (
                SELECT camera, min(event_time) AS first FROM observations
                WHERE event_time >= %(start)s AND event_time < %(end)s AND camera = ANY(%(cameras)s) GROUP BY camera
            ) o WHERE n.camera = o.camera RETURNING n.camera
            """,
            {"start": start, "end": start + step, "cameras": sorted(pending)},
        )
        pending -= {camera for (camera,) in found}
        start, step = start + step, 2 * step  # most cameras have a clip on that day; few a gap of weeks
