"""The rows of the tables of loops and other counters; see `api/rows.py`."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
from pydantic import ConfigDict, Field

from api.rows import FIGURE, TEXT, TIME
from core.config import Closed
from core.figures import SERIES

LOOPS_SCHEMA = pa.schema(
    {
        "id": TEXT,
        "name": TEXT,
        "lat": FIGURE,
        "lon": FIGURE,
        "timezone": TEXT,
        "source": TEXT,
        "bearing_deg": FIGURE,
    }
)

LOOP_READINGS_SCHEMA = pa.schema(
    {
        "counter": TEXT,
        "class": TEXT,
        "start": TIME,
        "end": TIME,
        "flow": FIGURE,
        "occupancy": FIGURE,
        "reason": TEXT,
    }
)


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
