"""The rows of readings, cameras and zones: what each column means, its unit (for OpenAPI) and its type in Parquet.

The records describe; the rows themselves travel as data frames. A test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
from pydantic import ConfigDict, Field

from aggregate.grid import ZoneOfCamera
from aggregate.ground_figures import ground_rows
from aggregate.usual.baselines import BaselineState
from aggregate.usual_answers import UsualAnswers
from aggregate.usual_columns import usual_rows
from core.config import Closed
from core.figures import SERIES
from core.ground import GroundMethod
from core.health import CameraState
from core.records import Reading, Status, TrustState, Window, ZoneKind

TIME = pa.timestamp("us", tz="UTC")
TEXT = pa.string()
FIGURE = pa.float64()
NUMBER = pa.int64()

READINGS_SCHEMA = pa.schema(
    {
        "zone": TEXT,
        "camera": TEXT,
        "class": TEXT,
        "window": TEXT,
        "start": TIME,
        "end": TIME,
        "mean": FIGURE,
        "low": FIGURE,
        "high": FIGURE,
        "peak": FIGURE,
        "stationary_share": FIGURE,
        "area_m2": FIGURE,
        "calibration_error": FIGURE,
        "density_per_100m2": FIGURE,
        "density_low": FIGURE,
        "density_high": FIGURE,
        "crowded_share": FIGURE,
        "occupancy_share": FIGURE,
        "comfort_fruin": TEXT,
        "comfort_tfl": TEXT,
        "baseline": FIGURE,
        "baseline_low": FIGURE,
        "baseline_high": FIGURE,
        "index": FIGURE,
        "index_low": FIGURE,
        "index_high": FIGURE,
        "baseline_state": TEXT,
        "baseline_reason": TEXT,
        "coverage": FIGURE,
        "clips_counted": NUMBER,
        "clips_expected": NUMBER,
        "state": TEXT,
        "reason": TEXT,
        "revision": NUMBER,
        "derived_at": TIME,
    }
)

CAMERAS_SCHEMA = pa.schema(
    {
        "id": TEXT,
        "name": TEXT,
        "lat": FIGURE,
        "lon": FIGURE,
        "timezone": TEXT,
        "cadence_s": FIGURE,
        "width": NUMBER,
        "height": NUMBER,
        "zones": pa.list_(TEXT),
        "plane": TEXT,
        "plane_method": TEXT,
        "plane_error_m": FIGURE,
        "camera_height_m": FIGURE,
        "last_event_time": TIME,
        "last_status": TEXT,
        "last_reason": TEXT,
        "last_counted": TIME,
        "state": TEXT,
        "state_since": TIME,
        "state_reason": TEXT,
    }
)

ZONES_SCHEMA = pa.schema(
    {
        "id": TEXT,
        "camera": TEXT,
        "name": TEXT,
        "kind": TEXT,
        "polygon": pa.list_(pa.list_(FIGURE)),
        "effective_width_m": FIGURE,
        "plane": TEXT,
        "area_m2": FIGURE,
        "area_error": FIGURE,
        "length_m": FIGURE,
        "cut": TEXT,
        "lat": FIGURE,
        "lon": FIGURE,
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
    `area_m2` to `comfort_tfl` are null where the camera is not calibrated: its figures are numbers in a view, which can
    be compared with itself alone. `baseline` to `index_high` are null where nothing is known of what is usual there,
    with the reason.
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
    area_m2: float | None = Field(
        description="area of the zone on the ground, m2: what of it is near enough to be counted; null where the "
        "camera was not calibrated in every clip counted",
        examples=[412.5],
    )
    calibration_error: float | None = Field(
        description="standard error of `area_m2` as a share of it, from the calibration of the camera; the same in "
        "every window, so that it does not average out",
        examples=[0.04],
    )
    density_per_100m2: float | None = Field(
        description="`mean` to 100 m2 of the zone; null where `area_m2` is, or where it is not known within a half",
        examples=[1.55],
    )
    density_low: float | None = Field(
        description="lower end of the 90 % interval of the density, per 100 m2: from that of `mean` and from "
        "`calibration_error`",
        examples=[1.18],
    )
    density_high: float | None = Field(description="upper end of it, per 100 m2", examples=[1.93])
    crowded_share: float | None = Field(
        description="share of the zone on which more than one person stood on 4 m2 (nearer than 2 m), 0..1, mean over "
        "the clips; of people and pedestrian only, in zones that are walked in",
        examples=[0.02],
    )
    occupancy_share: float | None = Field(
        description="share of the zone that vehicles cover, 0..1, by the typical length and width of their class; of "
        "vehicles and each class of them, on carriageways and crossings only",
        examples=[None],
    )
    comfort_fruin: str | None = Field(
        description="INDICATIVE level of service of a walkway, A to F, by the area to a person (Fruin 1971); of people "
        "and pedestrian only, where the clear width of a pavement or crossing was measured",
        examples=["A"],
    )
    comfort_tfl: str | None = Field(
        description="INDICATIVE pedestrian comfort level, A+ to E (Transport for London 2010), by the people who would "
        "pass in a minute to a metre of clear width, were all who are there walking at the speed usual at that "
        "density: a camera sees density, not flow",
        examples=["A-"],
    )
    baseline: float | None = Field(
        description="number present that is usual in such a window, by time of week, holidays and season: half of them "
        "have more; also where nothing was counted; null where `baseline_state` is not ok or borrowed",
        examples=[5.2],
    )
    baseline_low: float | None = Field(
        description="lower end of the usual range of such a window: nine in ten lie within it", examples=[3.1]
    )
    baseline_high: float | None = Field(description="upper end of the usual range", examples=[7.9])
    index: float | None = Field(
        description="busyness index: `mean` over `baseline`, 1 where it is as busy as usual; null where one of them "
        "is, where hardly anybody is expected (fewer than 0.05), or that is known no better than to half of itself",
        examples=[1.23],
    )
    index_low: float | None = Field(
        description="lower end of the 90 % interval of the index, from that of `mean` and the error of `baseline`",
        examples=[0.94],
    )
    index_high: float | None = Field(description="upper end of it", examples=[1.55])
    baseline_state: BaselineState = Field(
        description="whether there is something to compare with: ok; borrowed, of zones like it, while its own past is "
        "short; insufficient_history; none, where nothing was fitted",
        examples=["ok"],
    )
    baseline_reason: str | None = Field(
        description="why the state is not ok, where the baseline is borrowed from, or why a day has no index",
        examples=[None],
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
    plane: str | None = Field(
        description="its calibration: the ground in its picture; null where it has none, and so no densities",
        examples=["06710/3f2a91bc"],
    )
    plane_method: GroundMethod | None = Field(
        description="how that is known: points matched with a map; sizes in the scene, which is weaker; rendered so",
        examples=["points"],
    )
    plane_error_m: float | None = Field(
        description="root mean square distance on the ground, m, between where the matched points are and where they "
        "should be; null where there are none",
        examples=[0.24],
    )
    camera_height_m: float | None = Field(
        description="height of the camera above the ground, m, as the calibration tells; null where it does not",
        examples=[9.6],
    )
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
    """A counted part of a camera's picture. Its outline on the ground, where known, is in the GeoJSON."""

    id: str = Field(description="zone id", examples=["06710:view"])
    camera: str = Field(description="camera id", examples=["06710"])
    name: str = Field(description="what it covers", examples=["Tower Bridge Rd / Tooley St"])
    kind: ZoneKind = Field(description="what kind of place it is", examples=["view"])
    polygon: list[list[float]] | None = Field(
        description="corners (x, y) in pixels of the camera's clips; null is the whole view. Where the camera is "
        "calibrated, it is the part that is near enough to be counted",
        examples=[None],
    )
    effective_width_m: float | None = Field(
        description="clear width that people walk in, m, where it was measured", examples=[2.8]
    )
    plane: str | None = Field(description="the calibration that the ground is known by", examples=["06710/3f2a91bc"])
    area_m2: float | None = Field(description="area on the ground, m2; null where not calibrated", examples=[412.5])
    area_error: float | None = Field(
        description="standard error of `area_m2` as a share of it, from the calibration", examples=[0.04]
    )
    length_m: float | None = Field(description="its longer extent on the ground, m", examples=[38.0])
    cut: str | None = Field(
        description="what was cut off because it is beyond the horizon or too far to count people in; null: nothing",
        examples=["31 % of it is too far to resolve people"],
    )
    lat: float = Field(description="latitude of the camera, WGS84 degrees", examples=[51.5036])
    lon: float = Field(description="longitude of the camera, WGS84 degrees", examples=[-0.0780])


class ZonesAnswer(Closed):
    """Every zone asked for, by camera."""

    zones: list[ZoneRow]


def reading_rows(
    readings: Sequence[Reading], zones: Mapping[str, ZoneOfCamera], usual: UsualAnswers
) -> list[dict[str, Any]]:
    """Readings as they stand in a table, ready for JSON; `zones` has the zones of now by id."""
    grounds = ground_rows(readings, {zone: one.zone for zone, one in zones.items()})
    rows = []
    for reading, ground, told in zip(readings, grounds, usual_rows(usual, readings, zones), strict=True):
        fields = reading.model_dump(mode="json") | {"class": reading.series} | ground | told
        rows.append({column: fields[column] for column in READINGS_SCHEMA.names})
    return rows
