"""Readings and their past, in the PostgreSQL store: a table for each width of window."""

# ruff: noqa: S608 - every word of the SQL is written here; what comes from outside is a bound parameter

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np

from aggregate.history import MOST_CLIPS, History, blank_history
from aggregate.postgres_binary import Kind
from aggregate.postgres_columns import reading_columns, reading_layout, readings_from
from aggregate.postgres_engine import Engine
from aggregate.postgres_found import Field, Layout
from aggregate.postgres_parameters import time_list, word_list
from aggregate.postgres_parts import Parts
from aggregate.postgres_schema import READINGS, Parted, readings_table
from aggregate.tables import FIGURES, GROUND, Integers, ReadingTable, Spans, aware, by_width, joined, no_readings
from core.figures import SERIES
from core.records import Window

_ZONES_AT_ONCE = 500
_DAYS_AT_ONCE = timedelta(days=31)
_KEYS_AT_ONCE = 20_000
"""What a server gathers in one row, of which it has no more than a gigabyte: some 20 MB."""
_KEYS = 'unnest(%(zones)s::text[] COLLATE "C", %(starts)s) WITH ORDINALITY AS a (zone, starts, place)'
_BY_KEY = "r.zone = a.zone AND r.starts = a.starts AND r.starts >= %(first)s AND r.starts <= %(last)s"


def _each(table: str, chosen: str = "") -> str:
    """The rows `r` of a table that are of the keys `a`, looked up key by key: OFFSET forbids every other plan.

    What is newest is in no statistics yet. The server takes it for one row, and would compare thousands with thousands.
    """
    return f"CROSS JOIN LATERAL (SELECT r.*, r.ctid, r.tableoid FROM {table} r WHERE {_BY_KEY} {chosen} OFFSET 0) r"


_REVISIONS = Layout(
    (
        Field("place", "a.place", Kind.INTEGER),
        Field("revision", "r.revision", Kind.INTEGER),
        Field("superseded", "r.superseded", Kind.BOOLEAN),
    ),
    {},
)
"""Of readings called `r`, and keys called `a`."""


def save_readings(engine: Engine, parts: Parts, readings: ReadingTable) -> None:
    """See `Store.save_readings`."""
    if len(readings) == 0:
        return
    if readings.series != SERIES:
        raise ValueError(f"readings are saved with all series {SERIES}, got {readings.series}")
    with engine.transaction():
        for width, rows in by_width(readings.window).items():
            _save_of_width(engine, parts, READINGS[Window(width)], readings.take(rows))


def _save_of_width(engine: Engine, parts: Parts, table: Parted, readings: ReadingTable) -> None:
    known = engine.find_lists(
        _REVISIONS,
        f"SELECT {_REVISIONS.gathered} FROM {_KEYS} {_each(table.name)}",
        _asked(readings),
    )
    row, stored = known.integers("place") - 1, known.integers("revision")
    replaced = np.zeros(len(readings), dtype=bool)
    replaced[row[stored == readings.revision[row]]] = True
    revised = (stored < readings.revision[row]) & ~known.flags("superseded")
    if revised.any():
        _supersede(engine, table, readings.take(row[revised]), stored[revised])
    if replaced.any():
        _replace(engine, table, readings.take(replaced))
    append(engine, parts, table, readings.take(~replaced))


def append(engine: Engine, parts: Parts, table: Parted, readings: ReadingTable) -> None:
    """Store readings of one width whose revisions are not stored yet, in the open transaction."""
    for name, rows in parts.split(table, readings.start):
        engine.put(name, reading_columns(readings if len(rows) == len(readings) else readings.take(rows)))


def _supersede(engine: Engine, table: Parted, readings: ReadingTable, older: Integers) -> None:
    """Say of `older` revisions, one a reading, that there is a later one."""
    engine.write(
        f"UPDATE {table.name} t SET superseded = true "
        'FROM unnest(%(zones)s::text[] COLLATE "C", %(starts)s, %(older)s::bigint[]) AS a (zone, starts, revision) '
        f"{_each(table.name, 'AND r.revision = a.revision')} WHERE t.ctid = r.ctid AND t.tableoid = r.tableoid",
        {**_asked(readings), "older": older.tolist()},
    )


def _replace(engine: Engine, table: Parted, readings: ReadingTable) -> None:
    """Write rows anew in their place: a page that has room for them keeps its entries in the indexes."""
    engine.write(f"CREATE TEMP TABLE IF NOT EXISTS new_{table.name} (LIKE {table.name}) ON COMMIT DELETE ROWS")
    engine.put(f"pg_temp.new_{table.name}", reading_columns(readings))
    engine.write(
        f"INSERT INTO {table.name} SELECT * FROM pg_temp.new_{table.name} "
        f"ON CONFLICT (zone, starts, revision) DO UPDATE SET {_ANEW}"
    )
    engine.write(f"DELETE FROM pg_temp.new_{table.name}")


_ANEW = ", ".join(
    f"{name} = excluded.{name}"
    for name in (
        "camera",
        "ends",
        *FIGURES,
        *GROUND,
        "coverage",
        "clips_counted",
        "clips_expected",
        "state",
        "reason",
        "derived_at",
        "superseded",
    )
)


def current_readings(engine: Engine, spans: Spans, series: Sequence[str]) -> ReadingTable:
    """See `Store.current_readings`."""
    found = [
        _current_of_width(engine, width, spans.take(rows[first : first + _KEYS_AT_ONCE]), series)
        for width, rows in by_width(spans.window).items()
        for first in range(0, len(rows), _KEYS_AT_ONCE)
    ]
    if not found:
        return no_readings(series)
    return found[0] if len(found) == 1 else joined(found)


def _current_of_width(engine: Engine, width: str, spans: Spans, series: Sequence[str]) -> ReadingTable:
    layout = reading_layout(series, width)
    found = engine.find_lists(
        layout,
        f"SELECT {layout.gathered} FROM {_KEYS} {_each(readings_table(width), 'AND NOT r.superseded')}",
        _asked(spans),
    )
    return readings_from(found, series)


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
    where = "r.starts >= %(start)s AND r.starts < %(end)s"
    if zones is not None:
        where += " AND r.zone = ANY(%(zones)s)"
    table = readings_table(window)
    if as_of is None:
        rows = f"FROM {table} r WHERE {where} AND NOT r.superseded"
    else:
        rows = (
            f"FROM (SELECT DISTINCT ON (zone, starts) * FROM {table} r WHERE {where} AND r.derived_at <= %(as_of)s "
            "ORDER BY zone, starts, revision DESC) r"
        )
    asked = {"start": start, "end": end, "zones": None if zones is None else list(zones), "as_of": as_of}
    return readings_from(engine.find(reading_layout(series, window), rows, asked), series)


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
    step = np.timedelta64(past.step_s, "s").astype("timedelta64[us]")
    layout = Layout(
        (
            Field("place", "a.place", Kind.INTEGER),
            Field("start", "r.starts", Kind.TIME),
            Field("mean", f"r.mean[{SERIES.index(series) + 1}]", Kind.FLOAT),
            Field("clips", f"least(r.clips_counted, {MOST_CLIPS})", Kind.INTEGER),
        ),
        {},
    )
    # Zone by zone, a month and some zones at a time: a year of a city's quarters is some gigabytes as rows.
    for begin, until in _stretches(start, end):
        for some in range(0, len(zones), _ZONES_AT_ONCE):
            part = zones[some : some + _ZONES_AT_ONCE]
            found = engine.find_lists(
                layout,
                f"SELECT {layout.gathered} "
                'FROM unnest(%(zones)s::text[] COLLATE "C", %(cameras)s::text[]) WITH ORDINALITY '
                f"AS a (zone, camera, place) JOIN {readings_table(window)} r "
                "ON r.zone = a.zone AND r.camera = coalesce(a.camera, r.camera) "
                "WHERE r.starts >= %(start)s AND r.starts < %(end)s AND NOT r.superseded AND r.clips_counted > 0 "
                "GROUP BY a.place",
                {
                    "zones": word_list(part),
                    "cameras": [camera_of.get(zone) for zone in part],
                    "start": begin,
                    "end": until,
                },
            )
            place = some + found.integers("place") - 1, ((found.times("start") - past.start) // step).astype(np.int64)
            past.value[place] = found.numbers("mean")
            past.clips[place] = found.integers("clips")
    return past


def _stretches(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    while start < end:
        until = min(end, start + _DAYS_AT_ONCE)
        yield start, until
        start = until


def _asked(rows: ReadingTable | Spans) -> dict[str, object]:
    """The keys of windows of one width, and what narrows the look-up to a few months."""
    return {"zones": word_list(rows.zone.tolist()), "starts": time_list(rows.start), **_edges(rows)}


def _edges(rows: ReadingTable | Spans) -> dict[str, object]:
    return {"first": aware(rows.start.min()), "last": aware(rows.start.max())}
