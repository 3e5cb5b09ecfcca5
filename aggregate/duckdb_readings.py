"""Readings and their past, in the DuckDB store: a table for each width of window."""

# ruff: noqa: S608 - every word of the SQL is written here; what comes from outside is a bound parameter

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from aggregate.duckdb_columns import (
    edges,
    naive,
    reading_rows,
    reading_select,
    readings_from,
    span_rows,
)
from aggregate.duckdb_engine import Engine
from aggregate.duckdb_schema import readings_table
from aggregate.history import MOST_CLIPS, History, blank_history
from aggregate.tables import ReadingTable, Spans, by_width, no_readings
from core.figures import SERIES
from core.records import Window

_KEY = ("zone", "starts", "revision")
_WITHIN = "r.starts BETWEEN $first AND $last"
_SAME_KEY = "r.zone = b.zone AND r.starts = b.starts"
_SAME_REVISION = f"{_SAME_KEY} AND r.revision = b.revision"
_ALL_BUT_KEY = ", ".join(
    f"{name} = b.{name}" for name in reading_rows(no_readings(SERIES)).column_names if name not in _KEY
)


def save_readings(engine: Engine, readings: ReadingTable) -> None:
    """See `Store.save_readings`."""
    if len(readings) == 0:
        return
    if readings.series != SERIES:
        raise ValueError(f"readings are saved with all series {SERIES}, got {readings.series}")
    with engine.transaction():
        for width, rows in by_width(readings.window).items():
            _save_of_width(engine, readings_table(width), readings.take(rows))


def _save_of_width(engine: Engine, table: str, readings: ReadingTable) -> None:
    rows = reading_rows(readings)
    within = {name: time for name, time in edges(readings).items() if name != "end"}
    # Removed and written again: what an UPDATE replaces is kept in memory, column by column, until the log is written.
    engine.write(f"DELETE FROM {table} r USING batch b WHERE {_WITHIN} AND {_SAME_REVISION}", within, batch=rows)
    if readings.revision.max() > 1:
        engine.write(
            f"UPDATE {table} r SET superseded = true FROM batch b "
            f"WHERE {_WITHIN} AND {_SAME_KEY} AND r.revision < b.revision AND NOT r.superseded",
            within,
            batch=rows,
        )
    engine.write(f"INSERT INTO {table} BY NAME SELECT b.*, false AS superseded FROM batch b", batch=rows)


def current_readings(engine: Engine, spans: Spans, series: Sequence[str]) -> ReadingTable:
    """See `Store.current_readings`."""
    if len(spans) == 0:
        return no_readings(series)
    queries: list[str] = []
    within: dict[str, datetime] = {}
    for width, rows in by_width(spans.window).items():
        of_width = edges(spans.take(rows))
        within |= {f"first_{width}": of_width["first"], f"last_{width}": of_width["last"]}
        queries.append(
            f"SELECT {reading_select(series, width)} FROM {readings_table(width)} r "
            f"SEMI JOIN asked a ON r.zone = a.zone AND r.starts = a.starts AND a.width = '{width}' "
            f"WHERE r.starts BETWEEN $first_{width} AND $last_{width} AND NOT r.superseded"
        )
    return readings_from(engine.read(" UNION ALL ".join(queries), within, asked=span_rows(spans)), series)


def readings_between(
    engine: Engine,
    *,
    window: Window,
    series: Sequence[str],
    start: datetime,
    end: datetime,
    zones: Sequence[str] | None,
    as_of: datetime | None,
) -> ReadingTable:
    """See `Store.readings`."""
    wanted: dict[str, Any] = {"start": naive(start), "end": naive(end)}
    query = (
        f"SELECT {reading_select(series, window)} FROM {readings_table(window)} r "
        "WHERE r.starts >= $start AND r.starts < $end "
    )
    if zones is not None:
        wanted["zones"] = list(zones)
        query += "AND r.zone IN (SELECT unnest($zones::VARCHAR[])) "
    if as_of is None:
        query += "AND NOT r.superseded"
    else:
        wanted["as_of"] = naive(as_of)
        query += (
            "AND r.derived_at <= $as_of "
            "QUALIFY row_number() OVER (PARTITION BY r.zone, r.starts ORDER BY r.revision DESC) = 1"
        )
    return readings_from(engine.read(query, wanted), series)


def history(
    engine: Engine,
    camera_of: Mapping[str, str],
    *,
    window: Window,
    series: str,
    start: datetime,
    end: datetime,
    zones: Sequence[str],
    timezone: str,
) -> History:
    """See `Store.history`; `camera_of` gives the camera of each zone of now: what another sent is not the zone's."""
    past = blank_history(window, series, start, end, zones=zones, timezone=timezone)
    asked = pa.table(
        {
            "place": pa.array(np.arange(len(zones), dtype=np.int32)),
            "zone": pa.array(list(zones), pa.string()),
            "camera": pa.array([camera_of.get(zone) for zone in zones], pa.string()),
        }
    )
    # A batch at a time: a year of a city's quarters is some gigabytes as rows.
    batches = engine.batches(
        f"SELECT a.place, ((epoch_us(r.starts) - $first_us) // $step_us)::INTEGER AS step, "
        f"r.mean.{series}::FLOAT AS value, least(r.clips_counted, {MOST_CLIPS})::UTINYINT AS clips "
        f"FROM {readings_table(window)} r JOIN asked a ON r.zone = a.zone AND r.camera = coalesce(a.camera, r.camera) "
        "WHERE r.starts >= $start AND r.starts < $end AND NOT r.superseded AND r.clips_counted > 0",
        {
            "first_us": int(past.start.astype(np.int64)),
            "step_us": past.step_s * 1_000_000,
            "start": naive(start),
            "end": naive(end),
        },
        asked=asked,
    )
    for batch in batches:
        place, step, mean, counted = (column.to_numpy() for column in batch.columns)
        past.value[place, step] = mean
        past.clips[place, step] = counted
    return past
