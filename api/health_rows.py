"""The rows of the tables of how cameras are and were; see `api/rows.py`."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
from pydantic import Field

from api.rows import FIGURE, TEXT, TIME
from core.config import Closed
from core.health import CameraState

HEALTH_SCHEMA = pa.schema(
    {
        "id": TEXT,
        "name": TEXT,
        "state": TEXT,
        "since": TIME,
        "reason": TEXT,
        "last_event_time": TIME,
        "age_s": FIGURE,
        "last_counted": TIME,
    }
)

STATES_SCHEMA = pa.schema(
    {
        "camera": TEXT,
        "state": TEXT,
        "start": TIME,
        "end": TIME,
        "duration_s": FIGURE,
        "reason": TEXT,
    }
)

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
