"""What is newest of each camera, kept by the writer: a year of a city need not be searched for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pyarrow as pa

from aggregate.duckdb_columns import naive
from aggregate.duckdb_engine import Engine
from core.records import CountObservation, Status

_TIME = pa.timestamp("us")
_TYPES = pa.schema(
    {
        "camera": pa.string(),
        "event_time": _TIME,
        "counted_at": _TIME,
        "id": pa.string(),
        "status": pa.string(),
        "reason": pa.string(),
        "last_counted": _TIME,
        "content": pa.string(),
        "content_time": _TIME,
        "content_counted_at": _TIME,
    }
)


def keep_newest(engine: Engine, observations: Sequence[CountObservation], *, recount: bool) -> None:
    """Note the newest clip, count and content of the cameras that have just been stored, in the open transaction.

    `recount`: some of the observations have replaced others.
    """
    cameras = {observation.camera for observation in observations}
    stored = engine.read(
        "SELECT * FROM newest_clips WHERE camera IN (SELECT unnest($cameras::VARCHAR[]))", {"cameras": sorted(cameras)}
    )
    newest: dict[str, dict[str, Any]] = {row["camera"]: row for row in stored.to_pylist()}
    taken_back: set[str] = set()
    for one in observations:
        kept = newest.setdefault(one.camera, {"camera": one.camera})
        event_time, counted_at = naive(one.event_time), naive(one.counted_at)
        if "id" not in kept or (event_time, counted_at, one.id) >= (kept["event_time"], kept["counted_at"], kept["id"]):
            clip = {"id": one.id, "status": one.status.value, "reason": one.reason}
            kept.update(clip, event_time=event_time, counted_at=counted_at)
        if one.status is Status.OK:
            kept["last_counted"] = max(event_time, kept.get("last_counted") or event_time)
        elif recount and event_time == kept.get("last_counted"):
            taken_back.add(one.camera)
        if one.content is not None:
            content = (event_time, counted_at, one.content)
            if not kept.get("content") or content > (
                kept["content_time"],
                kept["content_counted_at"],
                kept["content"],
            ):
                kept.update(content=one.content, content_time=event_time, content_counted_at=counted_at)
    rows = pa.Table.from_pylist(list(newest.values()), schema=_TYPES)
    engine.write("INSERT OR REPLACE INTO newest_clips BY NAME SELECT * FROM batch", batch=rows)
    if taken_back:  # seldom enough to look for the count before
        engine.write(
            """
            UPDATE newest_clips n
            SET last_counted = (SELECT max(event_time) FROM observations WHERE camera = n.camera AND status = 'ok')
            FROM batch b WHERE n.camera = b.camera
            """,
            batch=pa.table({"camera": sorted(taken_back)}),
        )


def last_contents(engine: Engine) -> Mapping[str, tuple[datetime, str]]:
    """See `Store.last_contents`."""
    rows = engine.read("SELECT camera, content_time, content FROM newest_clips WHERE content IS NOT NULL")
    return {row["camera"]: (row["content_time"].replace(tzinfo=UTC), row["content"]) for row in rows.to_pylist()}


def camera_states(engine: Engine) -> pd.DataFrame:
    """See `Store.camera_states`."""
    rows = engine.read(
        "SELECT camera, event_time AS last_event_time, status AS last_status, reason AS last_reason, last_counted "
        "FROM newest_clips ORDER BY camera"
    )
    states: pd.DataFrame = rows.to_pandas()
    for name in ("last_event_time", "last_counted"):
        states[name] = states[name].astype("datetime64[us]").dt.tz_localize("UTC")
    return states
