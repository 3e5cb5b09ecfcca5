"""Where counters stand, from a table beside their readings: publishers keep positions in files of their own."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, ValidationError

from core.config import Closed
from core.errors import SourceError
from core.loops import LoopCounter
from core.records import TimeZoneName
from ingest.loop import LeftOut
from ingest.loops.files import read_table, rows_of
from ingest.loops.gathering import CounterIds


class PositionsConfig(Closed):
    """A CSV with a heading, one row a counter, and which of its columns say what; lat and lon in WGS84 degrees."""

    path: Path
    id: str = "id"
    name: str | None = "name"
    lat: str = "lat"
    lon: str = "lon"
    bearing: str | None = None
    delimiter: str = Field(default=",", min_length=1, max_length=1)


def read_positions(
    config: PositionsConfig, ids: CounterIds, *, timezone: TimeZoneName, source: str
) -> tuple[dict[str, LoopCounter], tuple[LeftOut, ...]]:
    """The counters of the table by id, and the rows that are none. Raises `SourceError` where it cannot be read."""
    counters: dict[str, LoopCounter] = {}
    left_out: list[LeftOut] = []
    columns: dict[str, int] = {}
    for row in rows_of(read_table(config.path), delimiter=config.delimiter):
        if isinstance(row, LeftOut):
            left_out.append(row)
            continue
        if not columns:
            columns = {heading: index for index, heading in enumerate(row.fields)}
            wanted = (config.id, config.name, config.lat, config.lon, config.bearing)
            absent = [name for name in wanted if name is not None and name not in columns]
            if absent:
                raise SourceError(
                    f"{row.place}: there is no column {absent[0]!r} among {', '.join(row.fields)[:300]}",
                    remedy="Name the columns of positions: in the configuration as in the file's heading",
                )
            continue
        field = dict(zip(columns, row.fields, strict=False))
        try:
            counter = LoopCounter(
                id=ids.of(field.get(config.id, "")),
                name=field.get(config.name or config.id) or field[config.id],
                lat=float(field[config.lat]),
                lon=float(field[config.lon]),
                timezone=timezone,
                source=source,
                bearing_deg=float(field[config.bearing]) % 360 if config.bearing and field[config.bearing] else None,
            )
        except (KeyError, ValueError) as error:
            first = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            left_out.append(LeftOut(row.place, f"is no counter with a position: {first}"))
            continue
        if counter.id in counters and counters[counter.id] != counter:
            left_out.append(LeftOut(row.place, f"{counter.id} stands in the table already, elsewhere"))
        else:
            counters[counter.id] = counter
    return counters, tuple(left_out)
