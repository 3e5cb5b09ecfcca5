"""The rows of where to act first, and of what has changed for good; see `api/rows.py`."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
from pydantic import ConfigDict, Field

from aggregate.unusual.verdicts import ChangeKind, State, Trend
from api.rows import FIGURE, NUMBER, TEXT, TIME
from api.unusual_rows import CLASS, REASON, STATE
from core.config import Closed
from core.records import ZoneKind

PRIORITIES_SCHEMA = pa.schema(
    {
        "rank": NUMBER,
        "zone": TEXT,
        "camera": TEXT,
        "name": TEXT,
        "kind": TEXT,
        "lat": FIGURE,
        "lon": FIGURE,
        "class": TEXT,
        "exceedance": FIGURE,
        "hours": FIGURE,
        "people_hours": FIGURE,
        "people_hours_low": FIGURE,
        "people_hours_high": FIGURE,
        "share_of_windows": FIGURE,
        "worst": TIME,
        "index": FIGURE,
        "index_low": FIGURE,
        "index_high": FIGURE,
        "trend": TEXT,
        "trend_per_week": FIGURE,
        "trend_low": FIGURE,
        "trend_high": FIGURE,
        "density_per_100m2": FIGURE,
        "coverage": FIGURE,
        "words": TEXT,
        "state": TEXT,
        "reason": TEXT,
    }
)

CHANGES_SCHEMA = pa.schema(
    {
        "zone": TEXT,
        "camera": TEXT,
        "name": TEXT,
        "lat": FIGURE,
        "lon": FIGURE,
        "class": TEXT,
        "at": TIME,
        "before": FIGURE,
        "after": FIGURE,
        "ratio": FIGURE,
        "ratio_low": FIGURE,
        "ratio_high": FIGURE,
        "days_before": NUMBER,
        "days_after": NUMBER,
        "kind": TEXT,
        "evidence": TEXT,
        "coverage": FIGURE,
        "words": TEXT,
        "state": TEXT,
        "reason": TEXT,
    }
)


class PriorityRow(Closed):
    """A place that is too busy again and again: how much, how long, how many, and which way it is going."""

    model_config = ConfigDict(populate_by_name=True)

    rank: int | None = Field(description="1 is where to act first; null where nothing can be said", examples=[1])
    zone: str = Field(description="zone id", examples=["06710:view"])
    camera: str = Field(description="camera id", examples=["06710"])
    name: str = Field(description="what the place is called", examples=["Tower Bridge Rd / Tooley St"])
    kind: ZoneKind = Field(description="what kind of place it is", examples=["pavement"])
    lat: float = Field(description="latitude of the camera, WGS84 degrees", examples=[51.5036])
    lon: float = Field(description="longitude of the camera, WGS84 degrees", examples=[-0.0780])
    series: str = Field(alias="class", description=CLASS, examples=["people"])
    exceedance: float | None = Field(
        description="how far from usual its hours above the usual range are, mean, in standard deviations of what "
        "single hours vary by there",
        examples=[2.6],
    )
    hours: float | None = Field(description="hours above the usual range", examples=[62.0])
    people_hours: float | None = Field(
        description="in those hours, the number present above the usual one, summed over the hours, less what chance "
        "alone would give: exceedance x duration x people; vehicle-hours where vehicles are asked for",
        examples=[310.0],
    )
    people_hours_low: float | None = Field(
        description="lower end of its 90 % interval: what places are ranked by, so that luck does not lead",
        examples=[220.0],
    )
    people_hours_high: float | None = Field(description="upper end of its 90 % interval", examples=[400.0])
    share_of_windows: float | None = Field(
        description="hours above the usual range, as a share of those counted, 0..1; by chance 0.05", examples=[0.1]
    )
    worst: datetime | None = Field(
        description="the hour with most above the usual number, its first instant, UTC",
        examples=["2017-03-04T17:00:00Z"],
    )
    index: float | None = Field(description="busyness index of the whole period; 1 is as usual", examples=[1.21])
    index_low: float | None = Field(description="lower end of its 90 % interval", examples=[1.09])
    index_high: float | None = Field(description="upper end of its 90 % interval", examples=[1.34])
    trend: Trend = Field(
        description="worse: ever busier against what was usual; better: ever less; neither: its interval holds no "
        "change; unknown: too few days",
        examples=["worse"],
    )
    trend_per_week: float | None = Field(description="change of the index in a week, as a share", examples=[0.06])
    trend_low: float | None = Field(description="lower end of its 90 % interval", examples=[0.02])
    trend_high: float | None = Field(description="upper end of its 90 % interval", examples=[0.1])
    density_per_100m2: float | None = Field(
        description="number present to 100 m2 in its hours above the usual range; null where not calibrated",
        examples=[14.2],
    )
    coverage: float | None = Field(description="share of the period's hours that were counted, 0..1", examples=[0.95])
    words: str = Field(
        description="the reasons, in words", examples=["Above its usual range in 62 of 640 hours counted (10 %)"]
    )
    state: State = Field(description=STATE, examples=["ok"])
    reason: str | None = Field(description=REASON, examples=[None])


class Ranked(Closed):
    """Of how many places the list was made."""

    model_config = ConfigDict(populate_by_name=True)

    series: str = Field(alias="class", description=CLASS, examples=["people"])
    places: int = Field(description="places asked for", examples=[40])
    known: int = Field(description="those that could be judged", examples=[37])
    ranked: int = Field(description="those that stand out, also where `limit` cut the list", examples=[5])
    words: str = Field(description="the same in a sentence", examples=["Nothing stands out among 37 places."])


class PrioritiesAnswer(Closed):
    """Where to act first; then the places of which nothing can be said."""

    priorities: list[PriorityRow]
    start: datetime = Field(description="first instant of the period answered, UTC", examples=["2017-02-09T00:00:00Z"])
    end: datetime = Field(description="instant before which it ends, UTC", examples=["2017-03-09T00:00:00Z"])
    looked: list[Ranked] = Field(description="how many places could be judged, of each class", examples=[[]])


class LastingChangeRow(Closed):
    """A level that changed and stayed so."""

    model_config = ConfigDict(populate_by_name=True)

    zone: str = Field(description="zone id", examples=["06710:view"])
    camera: str = Field(description="camera id", examples=["06710"])
    name: str = Field(description="what the place is called", examples=["Tower Bridge Rd / Tooley St"])
    lat: float = Field(description="latitude of the camera, WGS84 degrees", examples=[51.5036])
    lon: float = Field(description="longitude of the camera, WGS84 degrees", examples=[-0.0780])
    series: str = Field(alias="class", description=CLASS, examples=["people"])
    at: datetime | None = Field(
        description="the local midnight from which on it is different, UTC; it may be a few days off",
        examples=["2017-02-20T00:00:00Z"],
    )
    before: float | None = Field(description="mean number present before, by all hours of a day", examples=[6.2])
    after: float | None = Field(
        description="mean number present after: `before` x `ratio`, so what all places share is not in it",
        examples=[4.6],
    )
    ratio: float | None = Field(description="after / before", examples=[0.74])
    ratio_low: float | None = Field(description="lower end of its 90 % interval", examples=[0.68])
    ratio_high: float | None = Field(description="upper end of its 90 % interval", examples=[0.81])
    days_before: int | None = Field(description="days counted before, back to the change before it", examples=[40])
    days_after: int | None = Field(description="days counted after, to the change after it", examples=[17])
    kind: ChangeKind | None = Field(
        description="street_change: nothing speaks against the street; camera_drift: the camera's view, light, "
        "calibration or counter changed with it, or what else it counts changed alike, or the loop beside it did not",
        examples=["street_change"],
    )
    evidence: str | None = Field(description="what speaks for that", examples=["its vehicles did not change with it"])
    coverage: float | None = Field(description="share of the period's hours that were counted, 0..1", examples=[0.95])
    words: str = Field(
        description="what changed, in words",
        examples=["26 % fewer people than before (90 % interval 19 to 32 % fewer) from about 20 February 2017 on"],
    )
    state: State = Field(description=STATE, examples=["ok"])
    reason: str | None = Field(description=REASON, examples=[None])


class Watched(Closed):
    """Of how many places could be told whether they changed."""

    model_config = ConfigDict(populate_by_name=True)

    series: str = Field(alias="class", description=CLASS, examples=["people"])
    places: int = Field(description="places asked for", examples=[40])
    known: int = Field(description="those that could be judged", examples=[37])
    changed: int = Field(description="those that changed", examples=[2])
    words: str = Field(description="the same in a sentence", examples=["Nothing stands out among 37 places."])


class LastingChangesAnswer(Closed):
    """Every lasting change, the largest first; then the places of which nothing can be said."""

    changes: list[LastingChangeRow]
    start: datetime = Field(description="first instant of the period answered, UTC", examples=["2016-12-09T00:00:00Z"])
    end: datetime = Field(description="instant before which it ends, UTC", examples=["2017-03-09T00:00:00Z"])
    looked: list[Watched] = Field(description="how many places could be judged, of each class", examples=[[]])
