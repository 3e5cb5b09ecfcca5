"""What is newest of each camera, kept by the writer: a year of a city need not be searched for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pyarrow as pa

from aggregate.duckdb_columns import naive
from aggregate.duckdb_engine import Engine
from aggregate.newest_clips import NewestClip, advanced
from core.records import CountObservation

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
    kept = {row["camera"]: NewestClip(**_each_time(row, _aware)) for row in stored.to_pylist()}
    now = advanced(kept, observations, recount=recount)
    rows = pa.Table.from_pylist([_each_time(vars(one), naive) for one in now.newest.values()], schema=_TYPES)
    engine.write("INSERT OR REPLACE INTO newest_clips BY NAME SELECT * FROM batch", batch=rows)
    if now.taken_back:  # seldom enough to look for the count before
        engine.write(
            """
            UPDATE newest_clips n
            SET last_counted = (SELECT max(event_time) FROM observations WHERE camera = n.camera AND status = 'ok')
            FROM batch b WHERE n.camera = b.camera
            """,
            batch=pa.table({"camera": sorted(now.taken_back)}),
        )


def _each_time(row: Mapping[str, Any], turned: Callable[[datetime], datetime]) -> dict[str, Any]:
    return {name: turned(value) if isinstance(value, datetime) else value for name, value in row.items()}


def _aware(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC)


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
