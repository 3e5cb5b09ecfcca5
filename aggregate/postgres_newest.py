"""What is newest of each camera, in the PostgreSQL store, and whose turn it is to write of a camera.

Readings are derived from all that is stored of their windows, so of two processes that write of one camera the second
has to see what the first has stored. Kafka gives a camera to one worker at a time, but one that has lost it may not
know that yet. So whoever writes of cameras holds their rows here until its transaction ends, in the order of their
names, so that nobody waits for one another; who writes of other cameras is not held up, and readers are not either.

Nothing more than the row tells that an observation is new: it is, where it is later than the camera's newest.
"""

# ruff: noqa: S608 - every word of the SQL is written here; what comes from outside is a bound parameter

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import pandas as pd
import pyarrow as pa

from aggregate.newest_clips import NewestClip, advanced
from aggregate.postgres_binary import Column, Words, identifiers
from aggregate.postgres_columns import times
from aggregate.postgres_engine import Engine
from core.records import CountObservation

_TIME = pa.timestamp("us", tz="UTC")
_COLUMNS = (
    "camera, event_time, counted_at, replace(id::text, '-', ''), status, reason, last_counted, "
    "replace(content::text, '-', ''), content_time, content_counted_at"
)


def hold(engine: Engine, cameras: Sequence[str]) -> Mapping[str, NewestClip]:
    """Hold these cameras until the open transaction ends; what is newest of each of them."""
    missing = [camera for camera in cameras if camera not in engine.held]
    if missing:
        asked = {"cameras": sorted(missing)}
        engine.write(
            'INSERT INTO newest_clips (camera) SELECT camera FROM unnest(%(cameras)s::text[] COLLATE "C") a (camera) '
            "WHERE NOT EXISTS (SELECT 1 FROM newest_clips n WHERE n.camera = a.camera) ORDER BY camera "
            "ON CONFLICT DO NOTHING",
            asked,
        )
        _hold(engine, "WHERE camera = ANY(%(cameras)s)", asked)
    return {camera: engine.held[camera] for camera in cameras}


def hold_all(engine: Engine) -> Mapping[str, NewestClip]:
    """Hold every camera of which something is stored until the open transaction ends; what is newest of each."""
    _hold(engine, "WHERE NOT camera = ANY(%(cameras)s)", {"cameras": list(engine.held)})
    return engine.held


def _hold(engine: Engine, chosen: str, asked: Mapping[str, Sequence[str]]) -> None:
    rows = engine.select(f"SELECT {_COLUMNS} FROM newest_clips {chosen} ORDER BY camera FOR NO KEY UPDATE", asked)
    engine.held.update({row[0]: NewestClip(*row) for row in rows})


def keep_newest(engine: Engine, observations: Sequence[CountObservation], *, recount: bool) -> None:
    """Note the newest clip, count and content of cameras that are held, and that these have just been stored of.

    `recount`: some of the observations have replaced others.
    """
    now = advanced(engine.held, observations, recount=recount)
    first: dict[str, datetime] = {}
    for one in observations:
        before = first.get(one.camera)
        if before is None or one.event_time < before:
            first[one.camera] = one.event_time
    engine.write("CREATE TEMP TABLE IF NOT EXISTS now_newest (LIKE newest_clips) ON COMMIT DELETE ROWS")
    engine.put("pg_temp.now_newest", _columns(list(now.newest.values()), first))
    engine.write(
        """
        UPDATE newest_clips n SET
            first_time = least(n.first_time, b.first_time), event_time = b.event_time, counted_at = b.counted_at,
            id = b.id, status = b.status, reason = b.reason, last_counted = b.last_counted, content = b.content,
            content_time = b.content_time, content_counted_at = b.content_counted_at
        FROM pg_temp.now_newest b WHERE n.camera = b.camera
        """
    )
    engine.write("DELETE FROM pg_temp.now_newest")
    engine.held.update(now.newest)
    if now.taken_back:  # seldom enough to look for the count before
        cameras = {"cameras": sorted(now.taken_back)}
        engine.write(
            """
            UPDATE newest_clips n SET last_counted = (
                SELECT max(event_time) FROM observations WHERE camera = n.camera AND status = 'ok'
            )
            WHERE camera = ANY(%(cameras)s)
            """,
            cameras,
        )
        _hold(engine, "WHERE camera = ANY(%(cameras)s)", cameras)


def _columns(newest: Sequence[NewestClip], first: Mapping[str, datetime]) -> list[Column]:
    return [
        Words("camera", [one.camera for one in newest]),
        times("first_time", [first[one.camera] for one in newest]),
        times("event_time", [one.event_time for one in newest]),
        times("counted_at", [one.counted_at for one in newest]),
        identifiers("id", [one.id for one in newest]),
        Words("status", [one.status for one in newest]),
        Words("reason", [one.reason for one in newest]),
        times("last_counted", [one.last_counted for one in newest]),
        identifiers("content", [one.content for one in newest]),
        times("content_time", [one.content_time for one in newest]),
        times("content_counted_at", [one.content_counted_at for one in newest]),
    ]


def watermarks(engine: Engine, cameras: Sequence[str] | None) -> dict[str, datetime]:
    """See `Store.watermarks`. Whoever asks inside a transaction is about to write of these cameras, and holds them."""
    if engine.writing:
        held = hold_all(engine) if cameras is None else hold(engine, cameras)
        return {camera: newest.event_time for camera, newest in held.items() if newest.event_time is not None}
    chosen = "" if cameras is None else "AND camera = ANY(%(cameras)s)"
    rows = engine.select(
        f"SELECT camera, event_time FROM newest_clips WHERE event_time IS NOT NULL {chosen}",
        {"cameras": None if cameras is None else list(cameras)},
    )
    return dict(rows)


def last_contents(engine: Engine) -> Mapping[str, tuple[datetime, str]]:
    """See `Store.last_contents`."""
    rows = engine.select(
        "SELECT camera, content_time, replace(content::text, '-', '') FROM newest_clips WHERE content IS NOT NULL"
    )
    return {camera: (time, content) for camera, time, content in rows}


def camera_states(engine: Engine) -> pd.DataFrame:
    """See `Store.camera_states`."""
    rows = engine.select(
        "SELECT camera, event_time, status, reason, last_counted FROM newest_clips "
        "WHERE event_time IS NOT NULL ORDER BY camera"
    )
    camera, event_time, status, reason, last_counted = zip(*rows, strict=True) if rows else ((),) * 5
    table = pa.table(
        {
            "camera": pa.array(camera, pa.string()),
            "last_event_time": pa.array(event_time, _TIME),
            "last_status": pa.array(status, pa.string()),
            "last_reason": pa.array(reason, pa.string()),
            "last_counted": pa.array(last_counted, _TIME),
        }
    )
    states: pd.DataFrame = table.to_pandas()
    return states
