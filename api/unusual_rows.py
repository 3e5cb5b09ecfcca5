"""The rows of what is unusual: hotspots, anomalies, priorities, changes; see `api/rows.py`."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
from pydantic import ConfigDict, Field

from aggregate.unusual.verdicts import State, Verdict
from api.rows import FIGURE, NUMBER, TEXT, TIME
from core.config import Closed
from core.figures import SERIES

NAMES = pa.list_(TEXT)

HOTSPOTS_SCHEMA = pa.schema(
    {
        "zone": TEXT,
        "camera": TEXT,
        "cell": TEXT,
        "zones": NAMES,
        "name": TEXT,
        "lat": FIGURE,
        "lon": FIGURE,
        "class": TEXT,
        "start": TIME,
        "end": TIME,
        "mean": FIGURE,
        "baseline": FIGURE,
        "index": FIGURE,
        "index_low": FIGURE,
        "index_high": FIGURE,
        "exceedance": FIGURE,
        "gi_z": FIGURE,
        "p_value": FIGURE,
        "q_value": FIGURE,
        "verdict": TEXT,
        "confidence": FIGURE,
        "since": TIME,
        "windows": NUMBER,
        "coverage": FIGURE,
        "state": TEXT,
        "reason": TEXT,
    }
)

ANOMALIES_SCHEMA = pa.schema(
    {
        "id": TEXT,
        "class": TEXT,
        "direction": TEXT,
        "since": TIME,
        "until": TIME,
        "places": NAMES,
        "zones": NAMES,
        "lat": FIGURE,
        "lon": FIGURE,
        "radius_m": FIGURE,
        "observed": FIGURE,
        "expected": FIGURE,
        "ratio": FIGURE,
        "ratio_low": FIGURE,
        "ratio_high": FIGURE,
        "p_value": FIGURE,
        "words": TEXT,
        "state": TEXT,
        "reason": TEXT,
    }
)

CLASS = f"what is counted: {', '.join(SERIES)}"
STATE = (
    "whether the row has figures: ok; borrowed: what is usual is known from places like it, for want of a past of its "
    "own; missing: nothing was counted; insufficient_history: the past is too short to compare with; none: nothing was "
    "ever fitted for it; too_few_places: too few to tell what is chance"
)
REASON = "why it has none, or less than it should"
LAT = "latitude, WGS84 degrees: of the camera, or of the middle of the hexagon"
LON = "longitude, WGS84 degrees: of the camera, or of the middle of the hexagon"


class HotspotRow(Closed):
    """One class of one place in one window, compared with what is usual there. Null is not known, never zero."""

    model_config = ConfigDict(populate_by_name=True)

    zone: str | None = Field(description="zone id; null with grid=cells", examples=["06710:view"])
    camera: str | None = Field(description="its camera's id; null with grid=cells", examples=["06710"])
    cell: str | None = Field(description="id of the H3 hexagon; null with grid=zones", examples=[None])
    zones: list[str] = Field(
        description="ids of the zones whose figures are in the row: of a hexagon, those that were counted",
        examples=[["06710:view"]],
    )
    name: str = Field(description="what the place is called", examples=["Tower Bridge Rd / Tooley St"])
    lat: float = Field(description=LAT, examples=[51.5036])
    lon: float = Field(description=LON, examples=[-0.0780])
    series: str = Field(alias="class", description=CLASS, examples=["people"])
    start: datetime = Field(description="first instant of the window, UTC", examples=["2017-03-09T08:00:00Z"])
    end: datetime = Field(description="instant before which the window ends, UTC", examples=["2017-03-09T08:15:00Z"])
    mean: float | None = Field(description="mean number present; of a hexagon, the sum over its zones", examples=[12.4])
    baseline: float | None = Field(description="the number usual there at that time", examples=[6.1])
    index: float | None = Field(
        description="busyness index: mean / baseline; 1 is as usual; null where one of them is, where fewer than 0.05 "
        "are usual, or where that is known no better than to half of itself",
        examples=[2.03],
    )
    index_low: float | None = Field(description="lower end of its 90 % interval", examples=[1.48])
    index_high: float | None = Field(description="upper end of its 90 % interval", examples=[2.71])
    exceedance: float | None = Field(
        description="how far from usual, in standard deviations of what single windows vary by there: in 90 of 100 "
        "usual windows between -1.6 and 1.6",
        examples=[3.1],
    )
    gi_z: float | None = Field(
        description="local Getis-Ord Gi* of the exceedances: of the place together with its neighbours",
        examples=[3.4],
    )
    p_value: float | None = Field(
        description="how often chance alone gives a place so far from usual, in either direction: by its Gi* and by "
        "its own exceedance, joined",
        examples=[0.0007],
    )
    q_value: float | None = Field(
        description="the same with regard to how many places were looked at: of all places with a value up to this "
        "one, at most this share is expected to be chance (false discovery rate)",
        examples=[0.02],
    )
    verdict: Verdict = Field(
        description="too_busy, too_quiet: the place, or it and its neighbours together, beyond chance, and the place "
        "itself is on that side of usual; usual: what there is may be chance; unknown: no figures",
        examples=["too_busy"],
    )
    confidence: float | None = Field(
        description="0.9, 0.95 or 0.99: 1 - q_value, at least; null where the verdict is usual or unknown",
        examples=[0.95],
    )
    since: datetime | None = Field(
        description="since when it has been so, UTC, not looking back more than twelve hours; null where it is not",
        examples=["2017-03-09T07:15:00Z"],
    )
    windows: int | None = Field(description="for how many windows, this one included", examples=[4])
    coverage: float | None = Field(
        description="share of the expected clips that were counted, 0..1; of a hexagon, of all its zones",
        examples=[1.0],
    )
    state: State = Field(description=STATE, examples=["ok"])
    reason: str | None = Field(description=REASON, examples=[None])


class Looked(Closed):
    """Of how many places could be spoken, one class of one window: nothing unusual is not the same as nothing known."""

    model_config = ConfigDict(populate_by_name=True)

    series: str = Field(alias="class", description=CLASS, examples=["people"])
    places: int = Field(description="places asked for", examples=[40])
    known: int = Field(description="those with a figure and something to compare it with", examples=[37])
    too_busy: int = Field(description="those that are too busy", examples=[3])
    too_quiet: int = Field(description="those that are too quiet", examples=[0])
    index: float | None = Field(
        description="all known places together: the sum of their means / the sum of their baselines. Gi* compares "
        "places with what is usual there, so that a whole city may be unusual at once; this says so",
        examples=[1.07],
    )
    index_low: float | None = Field(description="lower end of its 90 % interval", examples=[1.02])
    index_high: float | None = Field(description="upper end of its 90 % interval", examples=[1.12])
    words: str = Field(
        description="the same in a sentence",
        examples=["3 busier than usual among 37 places; 3 more cannot be judged."],
    )


class HotspotsAnswer(Closed):
    """Every place asked for, the least likely to be chance first, then those of which nothing can be said."""

    hotspots: list[HotspotRow]
    start: datetime = Field(description="first instant of the window answered, UTC", examples=["2017-03-09T08:00:00Z"])
    end: datetime = Field(description="instant before which it ends, UTC", examples=["2017-03-09T08:15:00Z"])
    looked: list[Looked] = Field(description="how many places could be judged, of each class", examples=[[]])


class AnomalyRow(Closed):
    """A region in which more, or fewer, are about than usual, since some time, beyond chance."""

    model_config = ConfigDict(populate_by_name=True)

    id: str | None = Field(
        description="names the region, direction and beginning; null where nothing can be said", examples=["3f2a91bc"]
    )
    series: str = Field(alias="class", description=CLASS, examples=["people"])
    direction: Verdict = Field(
        description="too_busy, too_quiet; unknown where nothing can be said", examples=["too_busy"]
    )
    since: datetime | None = Field(description="when it began, UTC", examples=["2017-03-09T07:15:00Z"])
    until: datetime = Field(description="the end of what was looked at, UTC", examples=["2017-03-09T08:15:00Z"])
    places: list[str] = Field(description="ids of its H3 hexagons", examples=[["88195da49bfffff"]])
    zones: list[str] = Field(description="ids of the zones in them", examples=[["06710:view"]])
    lat: float | None = Field(description="latitude of its middle, WGS84 degrees", examples=[51.5036])
    lon: float | None = Field(description="longitude of its middle, WGS84 degrees", examples=[-0.0780])
    radius_m: float | None = Field(description="distance, m, in which all of its cameras stand", examples=[640.0])
    observed: float | None = Field(description="mean number present in it, all zones together", examples=[61.0])
    expected: float | None = Field(description="the number usual there at that time", examples=[33.5])
    ratio: float | None = Field(description="observed / expected", examples=[1.82])
    ratio_low: float | None = Field(description="lower end of its 90 % interval", examples=[1.44])
    ratio_high: float | None = Field(description="upper end of its 90 % interval", examples=[2.31])
    p_value: float | None = Field(
        description="how often chance alone gives a region so unusual anywhere in what was looked at", examples=[0.004]
    )
    words: str = Field(
        description="what it is, in words",
        examples=[
            "82 % more people than usual (90 % interval 44 to 131 % more) since Thu 9 Mar 2017 07:15, at High St"
        ],
    )
    state: State = Field(description=STATE, examples=["ok"])
    reason: str | None = Field(description=REASON, examples=[None])


class Scanned(Closed):
    """What was looked at, one class: no region is not the same as nothing known."""

    model_config = ConfigDict(populate_by_name=True)

    series: str = Field(alias="class", description=CLASS, examples=["people"])
    places: int = Field(description="hexagons with zones in them", examples=[24])
    known: int = Field(description="those with figures and something to compare them with", examples=[22])
    words: str = Field(
        description="the same in a sentence", examples=["2 regions busier than usual among 22 hexagons."]
    )


class AnomaliesAnswer(Closed):
    """Every region found, the least likely to be chance first."""

    anomalies: list[AnomalyRow]
    start: datetime = Field(description="first instant looked at, UTC", examples=["2017-03-09T05:15:00Z"])
    end: datetime = Field(description="instant before which that ends, UTC", examples=["2017-03-09T08:15:00Z"])
    looked: list[Scanned] = Field(description="how many places could be judged, of each class", examples=[[]])
