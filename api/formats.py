"""One table, four dialects: JSON for programs, CSV for spreadsheets, Parquet for analysis, GeoJSON for maps.

Text dialects are written in chunks while they are sent, so an answer costs the memory of its frame and little more.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from fastapi import Request
from fastapi.responses import Response, StreamingResponse
from pyarrow.csv import WriteOptions, write_csv

from api.json_rows import iso, json_list, json_rows, time_units
from api.parameters import Format
from api.problems import NotAcceptable, Responses

MEDIA_TYPES: Mapping[Format, str] = {
    Format.JSON: "application/json",
    Format.CSV: "text/csv",
    Format.PARQUET: "application/vnd.apache.parquet",
    Format.GEOJSON: "application/geo+json",
}
CHUNK_ROWS = 10_000
_CSV = WriteOptions(include_header=False, quoting_style="needed")

LonLat = tuple[float, float]
Outline = tuple[LonLat, ...]


@dataclass(frozen=True)
class Table:
    """Rows to be sent. `frame` has the columns of `schema`; `points` gives (lon, lat) by camera id.

    `outlines` gives the corners of the zones whose ground is known, by zone id: their rows are polygons instead.
    `camera_column` and `zone_column` name the columns that lead to the place of a row; `members` stand beside the rows
    in JSON and GeoJSON; `next` is the address of the page that follows.
    """

    name: str
    frame: pd.DataFrame
    schema: pa.Schema
    points: Mapping[str, LonLat]
    outlines: Mapping[str, Outline] = field(default_factory=dict)
    camera_column: str = "camera"
    zone_column: str = "zone"
    members: Mapping[str, Any] = field(default_factory=dict)
    next: str | None = None


def offered(json_model: Any) -> Responses:
    """The 200 response of a route that gives a table, for OpenAPI."""
    return {
        200: {
            "model": json_model,
            "description": "The table in the format asked for; `Link` leads to the next page where there is one.",
            "content": {
                MEDIA_TYPES[Format.CSV]: {
                    "schema": {"type": "string", "description": "one line a row, empty cells for null"}
                },
                MEDIA_TYPES[Format.PARQUET]: {
                    "schema": {"type": "string", "format": "binary", "description": "typed columns, times in UTC"}
                },
                MEDIA_TYPES[Format.GEOJSON]: {
                    "schema": {
                        "type": "object",
                        "description": "a FeatureCollection: a feature a row, its columns as properties; a point where "
                        "the camera stands, or the polygon of a zone whose ground is known",
                    }
                },
            },
        }
    }


def chosen(asked: Format | None, request: Request) -> Format:
    """The format asked for by parameter, else the best that the Accept header takes. Raises `NotAcceptable`."""
    if asked is not None:
        return asked
    accept = request.headers.get("accept", "").strip()
    if not accept:
        return Format.JSON
    best, best_quality = Format.JSON, 0.0
    for dialect, media_type in MEDIA_TYPES.items():
        quality = _quality(accept, media_type)
        if quality > best_quality:
            best, best_quality = dialect, quality
    if best_quality == 0.0:
        raise NotAcceptable(
            f"no format of this table is among those accepted ({accept[:200]!r})",
            remedy=f"accept one of {', '.join(MEDIA_TYPES.values())}, or say format={'|'.join(Format)}",
        )
    return best


def _quality(accept: str, media_type: str) -> float:
    """How much `media_type` is wanted, 0..1: the most specific range of the header counts (RFC 9110, 12.5.1)."""
    ranges = {"*/*": 0, f"{media_type.partition('/')[0]}/*": 1, media_type: 2}
    found, quality = -1, 0.0
    for part in accept.lower().split(","):
        name, *options = (piece.strip() for piece in part.split(";"))
        if ranges.get(name, -1) > found:
            found, quality = ranges[name], 1.0
            for option in options:
                if option.startswith("q="):
                    quality = _number(option[2:])
    return quality


def _number(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 0.0


def answer(table: Table, dialect: Format) -> Response:
    """The response that carries `table`."""
    headers = {"Vary": "Accept"}
    if table.next is not None:
        headers["Link"] = f'<{table.next}>; rel="next"'
    if dialect is not Format.JSON:
        headers["Content-Disposition"] = f'attachment; filename="{table.name}.{dialect}"'
    media_type = MEDIA_TYPES[dialect]
    match dialect:
        case Format.JSON:
            return StreamingResponse(_json(table), media_type=media_type, headers=headers)
        case Format.GEOJSON:
            return StreamingResponse(_geojson(table), media_type=media_type, headers=headers)
        case Format.CSV:
            return StreamingResponse(_csv(table), media_type=media_type, headers=headers)
        case Format.PARQUET:
            return Response(_parquet(table), media_type=media_type, headers=headers)


def _chunks(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The frame piece by piece."""
    for first in range(0, len(frame), CHUNK_ROWS):
        yield frame.iloc[first : first + CHUNK_ROWS]


def _json(table: Table) -> Iterator[str | memoryview]:
    yield f'{{"{table.name}":['
    separator, units = "", time_units(table.frame)
    for chunk in _chunks(table.frame):
        yield separator
        yield json_list(chunk, units)
        separator = ","
    yield f"]{_members(table)}}}"


def _geojson(table: Table) -> Iterator[str]:
    yield '{"type":"FeatureCollection","features":['
    separator = ""
    # A place is written once, however many rows are of it.
    points = {camera: _geometry("Point", position) for camera, position in table.points.items()}
    polygons = {zone: _geometry("Polygon", [_ring(outline)]) for zone, outline in table.outlines.items()}
    frame = table.frame.drop(columns=["lat", "lon"], errors="ignore")
    units = time_units(frame)
    for chunk in _chunks(frame):
        places = [points.get(camera, "null") for camera in chunk[table.camera_column]]
        if polygons:
            zones = chunk[table.zone_column]
            places = [polygons.get(zone, place) for zone, place in zip(zones, places, strict=True)]
        features = (
            f'{{"type":"Feature","geometry":{place},"properties":{row}}}'
            for place, row in zip(places, json_rows(chunk, units), strict=True)
        )
        yield separator + ",".join(features)
        separator = ","
    yield f"]{_members(table)}}}"


def _geometry(kind: str, coordinates: object) -> str:
    return json.dumps({"type": kind, "coordinates": coordinates}, separators=(",", ":"))


def _ring(outline: Outline) -> list[LonLat]:
    """Closed, and counterclockwise, as the outer ring of a polygon is (RFC 7946, 3.1.6)."""
    corners = [(round(lon, 7), round(lat, 7)) for lon, lat in outline]  # to the centimetre
    corners += corners[:1] if corners[0] != corners[-1] else []
    lon0, lat0 = corners[0]  # near it, so that no digits of an area far smaller than the globe are lost
    near = [(lon - lon0, lat - lat0) for lon, lat in corners]
    twice = sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairwise(near))
    return corners if twice >= 0 else corners[::-1]


def _members(table: Table) -> str:
    return "".join(f",{json.dumps(name)}:{json.dumps(value)}" for name, value in table.members.items())


def _csv(table: Table) -> Iterator[bytes]:
    yield (",".join(table.schema.names) + "\n").encode()
    nested = [column.name for column in table.schema if pa.types.is_list(column.type)]
    units = time_units(table.frame)
    for chunk in _chunks(table.frame):
        flat = chunk.assign(
            **{name: chunk[name].map(json.dumps, na_action="ignore") for name in nested},
            **{name: pd.Series(iso(chunk[name], unit), chunk.index, dtype=object) for name, unit in units.items()},
        )
        sink = io.BytesIO()
        write_csv(pa.Table.from_pandas(flat, preserve_index=False), sink, _CSV)
        yield sink.getvalue()


def _parquet(table: Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(table.frame, schema=table.schema, preserve_index=False), sink)
    return sink.getvalue()
