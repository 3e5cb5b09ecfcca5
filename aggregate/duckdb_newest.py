"""What is newest of each camera, kept by the writer: a year of a city need not be searched for it."""

# ruff: noqa: S608 - every word of the SQL is written here; what comes from outside is a bound parameter

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from aggregate.duckdb_engine import Engine
from aggregate.newest_clips import NewestClip, advanced
from aggregate.tables import times_of
from core.records import CountObservation

_TIME = pa.timestamp("us")
_WHENEVER = datetime.min.replace(tzinfo=UTC)
_NAMES = [field.name for field in fields(NewestClip)]
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


def newest_clips(engine: Engine, cameras: Iterable[str]) -> dict[str, NewestClip]:
    """What is kept of these cameras; those without observations are absent."""
    rows = engine.read(
        f"SELECT {', '.join(_NAMES)} FROM newest_clips SEMI JOIN asked USING (camera)",
        asked=_asked(cameras),
    )
    columns = [_aware(column) if column.type == _TIME else column.to_pylist() for column in rows.columns]
    return {values[0]: NewestClip(*values) for values in zip(*columns, strict=True)}


def keep_newest(
    engine: Engine, kept: Mapping[str, NewestClip], observations: Sequence[CountObservation], *, recount: bool
) -> None:
    """Note the newest clip, count and content of the cameras that have just been stored, in the open transaction.

    `kept` was theirs before, `recount`: some of the observations have replaced others.
    """
    now = advanced(kept, observations, recount=recount)
    # Column by column: every batch brings a row of every camera.
    newest = [vars(one) for one in now.newest.values()]
    rows = pa.table([_column([one[field.name] for one in newest], field.type) for field in _TYPES], schema=_TYPES)
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


def _asked(cameras: Iterable[str]) -> pa.Table:
    return pa.table({"camera": pa.array(cameras, pa.string())})


def _aware(times: pa.ChunkedArray) -> list[datetime | None]:
    naive = times.to_numpy().astype("datetime64[us]").tolist()
    return [None if time is None else time.replace(tzinfo=UTC) for time in naive]


def _column(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if kind != _TIME:
        return pa.array(values, kind)
    absent = np.array([time is None for time in values])
    return pa.array(times_of([time or _WHENEVER for time in values]), kind, mask=absent)


def watermarks(engine: Engine, cameras: Sequence[str] | None) -> dict[str, datetime]:
    """See `Store.watermarks`."""
    asked = None if cameras is None else _asked(cameras)
    wanted = "" if asked is None else "SEMI JOIN asked USING (camera)"
    rows = engine.read(f"SELECT camera, event_time FROM newest_clips {wanted}", asked=asked)
    newest = pd.DatetimeIndex(rows["event_time"].to_numpy()).tz_localize(UTC).to_pydatetime()
    return dict(zip(rows["camera"].to_pylist(), newest.tolist(), strict=True))


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
