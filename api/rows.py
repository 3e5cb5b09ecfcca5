"""The rows of every table: what each column means and its unit (for OpenAPI), and its type in Parquet.

The records describe; the rows themselves travel as data frames. A test holds the two against each other.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pyarrow as pa
from pydantic import ConfigDict, Field

from core.config import Closed
from core.health import CameraState
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
        "state": _TEXT,
        "state_since": _TIME,
        "state_reason": _TEXT,
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

HEALTH_SCHEMA = pa.schema(
    {
        "id": _TEXT,
        "name": _TEXT,
        "state": _TEXT,
        "since": _TIME,
        "reason": _TEXT,
        "last_event_time": _TIME,
        "age_s": _FIGURE,
        "last_counted": _TIME,
    }
)

STATES_SCHEMA = pa.schema(
    {
        "camera": _TEXT,
        "state": _TEXT,
        "start": _TIME,
        "end": _TIME,
        "duration_s": _FIGURE,
        "reason": _TEXT,
    }
)

LOOPS_SCHEMA = pa.schema(
    {
        "id": _TEXT,
        "name": _TEXT,
        "lat": _FIGURE,
        "lon": _FIGURE,
        "timezone": _TEXT,
        "source": _TEXT,
        "bearing_deg": _FIGURE,
    }
)

LOOP_READINGS_SCHEMA = pa.schema(
    {
        "counter": _TEXT,
        "class": _TEXT,
        "start": _TIME,
        "end": _TIME,
        "flow": _FIGURE,
        "occupancy": _FIGURE,
        "reason": _TEXT,
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
    state: CameraState | None = Field(
        description="how it is, as its feed and its clips tell; null where that was never told", examples=["live"]
    )
    state_since: datetime | None = Field(
        description="since when it is in that state, UTC", examples=["2017-03-09T06:00:00Z"]
    )
    state_reason: str | None = Field(description="why it is not live", examples=[None])


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


_STATE = (
    "waiting: not visited yet, or nothing known; live: gives figures; stale: its feed answers, with nothing new; "
    "unreachable: its feed does not answer; withdrawn: its publisher has switched it off; faulty: its clips cannot be "
    "counted; moved: it does not show the view that its zones were drawn in"
)


class HealthRow(Closed):
    """How a camera is. Null where nothing was ever told of it."""

    id: str = Field(description="camera id", examples=["06710"])
    name: str = Field(description="where it looks", examples=["Tower Bridge Rd / Tooley St"])
    state: CameraState | None = Field(description=_STATE, examples=["stale"])
    since: datetime | None = Field(description="since when it is in that state, UTC", examples=["2017-03-09T06:00:00Z"])
    reason: str | None = Field(
        description="why it is not live", examples=["the feed has given nothing new for 3 cadences"]
    )
    last_event_time: datetime | None = Field(
        description="when its newest clip began, UTC; null where none came", examples=["2017-03-09T05:55:00Z"]
    )
    age_s: float | None = Field(
        description="seconds from then to the present: now, or the newest clip of a recording", examples=[312.0]
    )
    last_counted: datetime | None = Field(
        description="when its newest counted clip began, UTC", examples=["2017-03-09T05:55:00Z"]
    )


class HealthAnswer(Closed):
    """Every camera asked for, by id."""

    health: list[HealthRow]


class StateRow(Closed):
    """A stretch of time that a camera was in one state: half-open, the next of the camera begins where it ends."""

    camera: str = Field(description="camera id", examples=["06710"])
    state: CameraState = Field(description=_STATE, examples=["unreachable"])
    start: datetime = Field(
        description="first instant, UTC; the beginning of the period asked for where it was so before",
        examples=["2017-03-09T06:00:00Z"],
    )
    end: datetime = Field(
        description="instant before which it ends, UTC; the end of the period asked for, or the present, where it "
        "went on",
        examples=["2017-03-09T07:30:00Z"],
    )
    duration_s: float = Field(description="seconds from start to end", examples=[5400.0])
    reason: str | None = Field(
        description="why it was not live: the first reason, and the last where that was another",
        examples=["no answer within 10 s"],
    )


class StatesAnswer(Closed):
    """States of cameras, by camera and start."""

    states: list[StateRow]
    start: datetime = Field(description="first instant of the period answered, UTC", examples=["2017-03-09T00:00:00Z"])
    end: datetime = Field(
        description="instant before which the period answered ends, UTC", examples=["2017-03-10T00:00:00Z"]
    )


class CameraHealthAnswer(Closed):
    """How one camera is, and was in the period [start, end)."""

    camera: str = Field(description="camera id", examples=["06710"])
    state: CameraState | None = Field(description=_STATE, examples=["unreachable"])
    since: datetime | None = Field(
        description="since when it is in that state, UTC; also where that was before the period",
        examples=["2017-03-09T06:00:00Z"],
    )
    reason: str | None = Field(description="why it is not live", examples=["no answer within 10 s"])
    newest_event_time: datetime | None = Field(
        description="when its newest clip began, UTC; null where none came", examples=["2017-03-09T05:55:00Z"]
    )
    last_counted: datetime | None = Field(
        description="when its newest counted clip began, UTC", examples=["2017-03-09T05:55:00Z"]
    )
    cadence_s: float = Field(description="seconds from one clip to the next", examples=[300.0])
    start: datetime = Field(description="first instant of the period answered, UTC", examples=["2017-03-09T00:00:00Z"])
    end: datetime = Field(
        description="instant before which the period answered ends, UTC; not after the present",
        examples=["2017-03-09T07:30:00Z"],
    )
    uptime: float | None = Field(
        description="share of the time known that it was live, 0..1; waiting is not known, and so neither up nor down; "
        "null where nothing is known of the period",
        examples=[0.8],
    )
    outages: list[StateRow] = Field(description="when it gave no figures, and why, in order", examples=[[]])


class LoopRow(Closed):
    """A loop in the road, or another counter at a fixed place."""

    id: str = Field(description="counter id", examples=["scoot:N01-111a1"])
    name: str = Field(description="where it counts", examples=["Tooley St westbound"])
    lat: float | None = Field(description="latitude, WGS84 degrees; null where not known", examples=[51.5036])
    lon: float | None = Field(description="longitude, WGS84 degrees; null where not known", examples=[-0.0780])
    timezone: str = Field(description="IANA time zone of the place", examples=["Europe/London"])
    source: str = Field(description="whose counter it is", examples=["TfL SCOOT"])
    bearing_deg: float | None = Field(
        description="direction of what it counts, degrees clockwise from north; null where not known", examples=[270.0]
    )


class LoopsAnswer(Closed):
    """Every counter asked for, by id."""

    loops: list[LoopRow]


class LoopReadingRow(Closed):
    """What passed a counter in one interval. Null is not known, never none."""

    model_config = ConfigDict(populate_by_name=True)

    counter: str = Field(description="counter id", examples=["scoot:N01-111a1"])
    series: str = Field(alias="class", description=f"what is counted: {', '.join(SERIES)}", examples=["vehicles"])
    start: datetime = Field(description="first instant of the interval, UTC", examples=["2017-03-09T08:00:00Z"])
    end: datetime = Field(description="instant before which the interval ends, UTC", examples=["2017-03-09T08:01:00Z"])
    flow: float | None = Field(description="how many passed in the interval", examples=[14.0])
    occupancy: float | None = Field(
        description="share of the interval that the loop was covered, 0..1", examples=[0.18]
    )
    reason: str | None = Field(
        description="why there is no figure, as of a loop that its publisher marks as faulty", examples=[None]
    )


class LoopReadingsAnswer(Closed):
    """A page of loop readings, in the order start, counter, class."""

    loop_readings: list[LoopReadingRow]
    count: int = Field(description="rows in this page", examples=[1])
    next: str | None = Field(
        description="address of the next page, relative to that of this one; null on the last",
        examples=["/v1/loop-readings?from=2017-03-09T08%3A00%3A00Z&to=2017-03-09T09%3A00%3A00Z&limit=1&offset=1"],
    )


def reading_row(reading: Reading) -> dict[str, Any]:
    """A reading as it stands in a table, ready for JSON."""
    fields = reading.model_dump(mode="json") | {"class": reading.series}
    return {column: fields[column] for column in READINGS_SCHEMA.names}
