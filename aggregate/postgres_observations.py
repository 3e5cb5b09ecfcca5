"""Observations in the PostgreSQL store."""

# ruff: noqa: S608 - every word of the SQL is written here; what comes from outside is a bound parameter

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter

from aggregate.newest_clips import among, perhaps_stored
from aggregate.postgres_columns import (
    CLIPS,
    OBSERVATIONS,
    clips_from,
    observation_columns,
    observations_from,
)
from aggregate.postgres_days import forget_days_of
from aggregate.postgres_engine import Engine
from aggregate.postgres_newest import hold, keep_newest
from aggregate.postgres_parameters import time_list, word_list
from aggregate.postgres_parts import Parts
from aggregate.postgres_schema import OBSERVATIONS as TABLE
from aggregate.postgres_schema import READINGS
from aggregate.store import newest_counts, supersedes
from aggregate.tables import Clips, Spans, aware, times_of
from aggregate.windows import stretches_of
from core.records import CountObservation, Window

_BY_KEY = "o.zone = a.zone AND o.event_time = a.event_time AND o.id = a.id"
_KEYS = 'unnest(%(zones)s::text[] COLLATE "C", %(times)s, %(ids)s::uuid[]) AS a (zone, event_time, id)'
_BETWEEN = "o.event_time >= %(first)s AND o.event_time <= %(last)s"
_EACH = (
    f"{_KEYS} CROSS JOIN LATERAL ("
    f"SELECT o.*, o.ctid, o.tableoid FROM observations o WHERE {_BETWEEN} AND {_BY_KEY} OFFSET 0) o"
)
"""Key by key, whatever the statistics say: see `aggregate/postgres_readings.py`."""


def upsert_observations(
    engine: Engine, parts: Parts, observations: Sequence[CountObservation]
) -> list[CountObservation]:
    """See `Store.upsert_observations`."""
    newest = newest_counts(observations)
    if not newest:
        return []
    with engine.transaction():
        held = hold(engine, sorted({observation.camera for observation in newest.values()}))
        perhaps = perhaps_stored(newest.values(), held)
        stored = _stored(engine, perhaps)
        changed = [
            observation
            for observation in newest.values()
            if observation.id not in stored or supersedes(observation, stored[observation.id])
        ]
        if changed:
            replaced = [observation for observation in changed if observation.id in stored]
            if replaced:
                engine.write(
                    f"DELETE FROM observations t USING {_EACH} WHERE t.ctid = o.ctid AND t.tableoid = o.tableoid",
                    _asked(replaced),
                )
            append(engine, parts, changed)
            forget_days_of(engine, among(perhaps, changed))
            keep_newest(engine, changed, recount=bool(replaced))
    return changed


def append(engine: Engine, parts: Parts, observations: Sequence[CountObservation]) -> None:
    """Store observations whose ids are not stored yet, in the open transaction."""
    # In the order of the key, so that what is new of a zone is side by side where it is looked for.
    observations = sorted(observations, key=attrgetter("zone", "event_time"))
    for table, rows in parts.split(TABLE, times_of([one.event_time for one in observations])):
        engine.put(table, observation_columns([observations[row] for row in rows.tolist()]))


def _stored(engine: Engine, observations: Sequence[CountObservation]) -> dict[str, CountObservation]:
    if not observations:
        return {}
    found = engine.find_lists(
        OBSERVATIONS,
        f"SELECT {OBSERVATIONS.gathered} FROM {_EACH}",
        _asked(observations),
    )
    return {observation.id: observation for observation in observations_from(found)}


def _asked(observations: Sequence[CountObservation]) -> dict[str, object]:
    times = [observation.event_time for observation in observations]
    return {
        "zones": word_list([observation.zone for observation in observations]),
        "times": time_list(times_of(times)),
        "ids": word_list([observation.id for observation in observations]),
        "first": min(times),
        "last": max(times),
    }


def observations_between(engine: Engine, zone: str, start: datetime, end: datetime) -> list[CountObservation]:
    """See `Store.observations`."""
    found = engine.find(
        OBSERVATIONS,
        "FROM observations o WHERE o.zone = %(zone)s AND o.event_time >= %(start)s AND o.event_time < %(end)s "
        "ORDER BY o.event_time, o.id",
        {"zone": zone, "start": start, "end": end},
    )
    return observations_from(found)


def clips(engine: Engine, spans: Spans) -> Clips:
    """See `Store.clips`."""
    stretches = stretches_of(spans)
    if len(stretches) == 0:
        return clips_from(CLIPS.read_lists(()))
    # Stretch by stretch, each as the key has its clips: the server would rather read a day of all zones, and sort them.
    found = engine.find_lists(
        CLIPS,
        'SELECT c.* FROM unnest(%(zones)s::text[] COLLATE "C", %(starts)s, %(ends)s) AS a (zone, first, last), '
        f"LATERAL (SELECT {CLIPS.gathered} FROM observations o WHERE o.zone = a.zone "
        "AND o.event_time >= a.first AND o.event_time < a.last "
        "AND o.event_time >= %(first)s AND o.event_time < %(last)s) c",
        {
            "zones": word_list(stretches.zone.tolist()),
            "starts": time_list(stretches.start),
            "ends": time_list(stretches.end),
            "first": aware(stretches.start.min()),
            "last": aware(stretches.end.max()),
        },
    )
    return clips_from(found)


def zones_between(engine: Engine, start: datetime, end: datetime) -> dict[str, str]:
    """See `Store.zones_between`."""
    rows = engine.select(
        "SELECT zone, min(camera) FROM observations WHERE event_time >= %(start)s AND event_time < %(end)s "
        "GROUP BY zone ORDER BY zone",
        {"start": start, "end": end},
    )
    return dict(rows)


def extent(engine: Engine, as_of: datetime | None) -> tuple[datetime, datetime] | None:
    """See `Store.extent`."""
    if as_of is None:
        query = (
            "SELECT min(n.first_time), max(n.event_time) FROM newest_clips n JOIN cameras c ON c.id = n.camera "
            "WHERE n.first_time IS NOT NULL"
        )
    else:
        query = (
            f"SELECT min(starts), max(starts) FROM {READINGS[Window.MINUTE].name} "
            "WHERE derived_at <= %(as_of)s AND camera IN (SELECT id FROM cameras)"
        )
    ((first, newest),) = engine.select(query, {"as_of": as_of})
    return None if first is None else (first, newest)
