"""The rows of every table: what each column means and its unit (for OpenAPI), and its type in Parquet.

The records describe; the rows themselves travel as data frames. A test holds the two against each other.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pyarrow as pa
from pydantic import ConfigDict, Field

from core.config import Closed
from core.records import SERIES, Reading, Status, TrustState, Window, ZoneKind

_TIME = pa.timestamp("us", tz="UTC")
_TEXT = pa.string()
_FIGURE = pa.float64()
_NUMBER = pa.int64()

READINGS_SCHEMA = pa.schema(
    {
        "zone": _TEXT,
        "camera": _TEXT,
        "class": _TEXT,
        "window": _TEXT,
        "start": _TIME,
        "end": _TIME,
        "mean": _FIGURE,
        "low": _FIGURE,
        "high": _FIGURE,
        "peak": _FIGURE,
        "stationary_share": _FIGURE,
        "coverage": _FIGURE,
        "clips_counted": _NUMBER,
        "clips_expected": _NUMBER,
        "state": _TEXT,
        "reason": _TEXT,
        "revision": _NUMBER,
        "derived_at": _TIME,
    }
)

CAMERAS_SCHEMA = pa.schema(
    {
        "id": _TEXT,
        "name": _TEXT,
        "lat": _FIGURE,
        "lon": _FIGURE,
        "timezone": _TEXT,
        "cadence_s": _FIGURE,
        "width": _NUMBER,
        "height": _NUMBER,
        "zones": pa.list_(_TEXT),
        "last_event_time": _TIME,
        "last_status": _TEXT,
        "last_reason": _TEXT,
        "last_counted": _TIME,
    }
)

ZONES_SCHEMA = pa.schema(
    {
        "id": _TEXT,
        "camera": _TEXT,
        "name": _TEXT,
        "kind": _TEXT,
        "polygon": pa.list_(pa.list_(_FIGURE)),
        "lat": _FIGURE,
        "lon": _FIGURE,
    }
)


_INTERVAL = (
    "{} end of the 90 % interval of `mean`, number present: from the spread between clips and, where it was measured, "
    "the counter's own error"
)


class ReadingRow(Closed):
    """One class of one zone in one window. Null is never zero.

    `mean`, `low`, `high` and `peak` are null exactly when `state` is `missing`. `stationary_share` is then null too,
    and also where there is no share to tell: nothing of the class was present, or no clip could tell who stood still.
    (`revision`, `derived_at`) is the version of a row: the larger pair is the newer one.
    """

    model_config = ConfigDict(populate_by_name=True)

    zone: str = Field(description="zone id", examples=["06710:view"])
    camera: str = Field(description="camera id", examples=["06710"])
    series: str = Field(alias="class", description=f"what is counted: {', '.join(SERIES)}", examples=["people"])
    window: Window = Field(description="width of the window", examples=["15m"])
    start: datetime = Field(description="first instant of the window, UTC", examples=["2017-03-09T08:00:00Z"])
    end: datetime = Field(description="instant before which the window ends, UTC", examples=["2017-03-09T08:15:00Z"])
    mean: float | None = Field(description="mean number present over the counted clips", examples=[6.4])
    low: float | None = Field(description=_INTERVAL.format("lower"), examples=[4.9])
    high: float | None = Field(description=_INTERVAL.format("upper"), examples=[7.9])
    peak: float | None = Field(description="largest number present in any sampled frame", examples=[11.2])
    stationary_share: float | None = Field(
        description="share of those present that stood still through their clip, 0..1; null where nothing was present "
        "or no clip could tell",
        examples=[0.12],
    )
    coverage: float = Field(description="share of the expected clips that were counted, 0..1", examples=[1.0])
    clips_counted: int = Field(description="clips counted in the window", examples=[3])
    clips_expected: int = Field(description="clips the camera should have given in the window", examples=[3])
    state: TrustState = Field(description="how far the reading can be trusted", examples=["observed"])
    reason: str | None = Field(description="why it is partial or missing", examples=[None])
    revision: int = Field(
        description="grows when a closed window changes; an open one changes under the same revision with a later "
        "`derived_at`, and the two together are the version; 0 where nothing came",
        examples=[1],
    )
    derived_at: datetime | None = Field(
        description="when these figures were derived, UTC; null where nothing came", examples=["2017-03-09T08:15:02Z"]
    )


class ReadingsAnswer(Closed):
    """A page of readings, in the order start, zone, class."""

    readings: list[ReadingRow]
    count: int = Field(description="rows in this page", examples=[1])
    next: str | None = Field(
        description="address of the next page, relative to that of this one; null on the last",
        examples=["/v1/readings?from=2017-03-09T08%3A00%3A00Z&to=2017-03-09T09%3A00%3A00Z&limit=1&offset=1"],
    )


class LatestAnswer(Closed):
    """The newest window of every zone."""

    readings: list[ReadingRow]


class CameraRow(Closed):
    """A fixed viewpoint and what it last sent."""

    id: str = Field(description="camera id", examples=["06710"])
    name: str = Field(description="where it looks", examples=["Tower Bridge Rd / Tooley St"])
    lat: float = Field(description="latitude, WGS84 degrees", examples=[51.5036])
    lon: float = Field(description="longitude, WGS84 degrees", examples=[-0.0780])
    timezone: str = Field(description="IANA time zone, in which its days begin", examples=["Europe/London"])
    cadence_s: float = Field(description="seconds from one clip to the next", examples=[300.0])
    width: int = Field(description="width of its clips, pixels", examples=[352])
    height: int = Field(description="height of its clips, pixels", examples=[288])
    zones: list[str] = Field(description="ids of its counted zones", examples=[["06710:view"]])
    last_event_time: datetime | None = Field(
        description="when its newest clip began, UTC; null where none came", examples=["2017-03-09T23:55:00Z"]
    )
    last_status: Status | None = Field(description="what became of that clip", examples=["ok"])
    last_reason: str | None = Field(description="why that clip was not counted, or only in part", examples=[None])
    last_counted: datetime | None = Field(
        description="when its newest counted clip began, UTC", examples=["2017-03-09T23:55:00Z"]
    )


class CamerasAnswer(Closed):
    """Every camera asked for, by id."""

    cameras: list[CameraRow]


class ZoneRow(Closed):
    """A counted part of a camera's picture, at the camera's position."""

    id: str = Field(description="zone id", examples=["06710:view"])
    camera: str = Field(description="camera id", examples=["06710"])
    name: str = Field(description="what it covers", examples=["Tower Bridge Rd / Tooley St"])
    kind: ZoneKind = Field(description="what kind of place it is", examples=["view"])
    polygon: list[list[float]] | None = Field(
        description="corners (x, y) in pixels of the camera's clips; null is the whole view", examples=[None]
    )
    lat: float = Field(description="latitude of the camera, WGS84 degrees", examples=[51.5036])
    lon: float = Field(description="longitude of the camera, WGS84 degrees", examples=[-0.0780])


class ZonesAnswer(Closed):
    """Every zone asked for, by camera."""

    zones: list[ZoneRow]


def reading_row(reading: Reading) -> dict[str, Any]:
    """A reading as it stands in a table, ready for JSON."""
    fields = reading.model_dump(mode="json") | {"class": reading.series}
    return {column: fields[column] for column in READINGS_SCHEMA.names}
