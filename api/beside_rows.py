"""The rows of cameras held against their loops; see `api/rows.py`."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import pyarrow as pa
from pydantic import Field

from aggregate.beside_answers import Agreement
from api.rows import FIGURE, NUMBER, TEXT, TIME
from core.config import Closed
from core.records import Window

LOOP_CHECKS_SCHEMA = pa.schema(
    {
        "zone": TEXT,
        "camera": TEXT,
        "name": TEXT,
        "lat": FIGURE,
        "lon": FIGURE,
        "counters": pa.list_(TEXT),
        "distance_m": FIGURE,
        "start": TIME,
        "end": TIME,
        "hours": NUMBER,
        "days": NUMBER,
        "seconds": FIGURE,
        "seconds_low": FIGURE,
        "seconds_high": FIGURE,
        "agreement": FIGURE,
        "drift": FIGURE,
        "drift_low": FIGURE,
        "drift_high": FIGURE,
        "drift_since": TIME,
        "state": TEXT,
        "reason": TEXT,
        "words": TEXT,
    }
)

TRAFFIC_SCHEMA = pa.schema(
    {
        "zone": TEXT,
        "camera": TEXT,
        "window": TEXT,
        "start": TIME,
        "end": TIME,
        "present": FIGURE,
        "present_low": FIGURE,
        "present_high": FIGURE,
        "present_from": TEXT,
        "flow_per_hour": FIGURE,
        "flow_low": FIGURE,
        "flow_high": FIGURE,
        "flow_from": TEXT,
        "loop_coverage": FIGURE,
        "reason": TEXT,
    }
)


class Said(StrEnum):
    """Which of the two a figure is from."""

    CAMERA = "camera"
    LOOP = "loop"


class LoopCheckRow(Closed):
    """A zone of a camera held against the loops beside it, hour by hour of a period."""

    zone: str = Field(description="zone id", examples=["06710:view"])
    camera: str = Field(description="camera id", examples=["06710"])
    name: str = Field(description="what the zone is called", examples=["Tooley St"])
    lat: float = Field(description="latitude of the camera, WGS84 degrees", examples=[51.5036])
    lon: float = Field(description="longitude of the camera, WGS84 degrees", examples=[-0.078])
    counters: list[str] = Field(description="ids of the loops whose flows are added up", examples=[["scoot:N01-111a1"]])
    distance_m: float | None = Field(
        description="how far the farthest of them is, m; null where not known", examples=[41.0]
    )
    start: datetime = Field(description="first instant of the period, UTC", examples=["2026-01-05T00:00:00Z"])
    end: datetime = Field(description="instant before which it ends, UTC", examples=["2026-03-02T00:00:00Z"])
    hours: int = Field(description="hours in which both have counted", examples=[640])
    days: int = Field(description="local days of these hours", examples=[28])
    seconds: float | None = Field(
        description="the gain: seconds that a vehicle which passes the loop is present before the camera (mean number "
        "present over flow, by Little's law)",
        examples=[11.4],
    )
    seconds_low: float | None = Field(description="lower end of its 90 % interval, s", examples=[10.9])
    seconds_high: float | None = Field(description="upper end of it, s", examples=[12.0])
    agreement: float | None = Field(description="rank correlation of the two over the hours, -1..1", examples=[0.91])
    drift: float | None = Field(
        description="by which factor what the camera counts to one vehicle that passes has changed in the second half "
        "of the period, against the first: from `drift_since` on where that is given, else over the last seven days",
        examples=[0.78],
    )
    drift_low: float | None = Field(description="lower end of its 90 % interval", examples=[0.74])
    drift_high: float | None = Field(description="upper end of it", examples=[0.82])
    drift_since: datetime | None = Field(
        description="when the change began; null where nothing rings", examples=["2026-02-16T00:00:00Z"]
    )
    state: Agreement = Field(
        description="agrees; drifting: camera or loop has changed for itself; unlike: they do not rise and fall "
        "together; unknown: too little of both",
        examples=["agrees"],
    )
    reason: str | None = Field(description="why it is not known, or does not agree; null otherwise", examples=[None])
    words: str = Field(
        description="all of it in a sentence", examples=["a vehicle that passes the loop is seen for 11.4 s"]
    )


class LoopChecksAnswer(Closed):
    """Every zone asked for that has loops beside it, by id."""

    loop_checks: list[LoopCheckRow]


class TrafficRow(Closed):
    """Vehicles present and vehicles passing in one window. What one does not know the other says, and it is marked."""

    zone: str = Field(description="zone id", examples=["06710:view"])
    camera: str = Field(description="camera id", examples=["06710"])
    window: Window = Field(description="width of the window", examples=["60m"])
    start: datetime = Field(description="first instant of the window, UTC", examples=["2017-03-09T08:00:00Z"])
    end: datetime = Field(description="instant before which the window ends, UTC", examples=["2017-03-09T09:00:00Z"])
    present: float | None = Field(description="mean number of vehicles present", examples=[6.4])
    present_low: float | None = Field(
        description="lower end of its 90 % interval: of the reading, or of the estimate by the loop",
        examples=[5.1],
    )
    present_high: float | None = Field(description="upper end of it", examples=[7.8])
    present_from: Said | None = Field(
        description="camera: counted; loop: estimated from the flow; null: not known", examples=["camera"]
    )
    flow_per_hour: float | None = Field(description="vehicles an hour that pass", examples=[812.0])
    flow_low: float | None = Field(
        description="lower end of the 90 % interval of an estimate; null where the loop has counted", examples=[None]
    )
    flow_high: float | None = Field(description="upper end of it", examples=[None])
    flow_from: Said | None = Field(
        description="loop: counted; camera: estimated from who was present; null: not known", examples=["loop"]
    )
    loop_coverage: float = Field(
        description="share of the window that all of the loops have counted, 0..1", examples=[1.0]
    )
    reason: str | None = Field(
        description="why a figure is estimated or null; null where both have counted", examples=[None]
    )


class TrafficAnswer(Closed):
    """The windows of one zone, in order."""

    traffic: list[TrafficRow]
