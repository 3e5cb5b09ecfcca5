"""What is not usual: hotspots, anomalies, where to act first, lasting changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Any

import pyarrow as pa
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import Field

from aggregate.anomaly_answers import CELL_RESOLUTION
from aggregate.query import ReadingQuery
from aggregate.unusual.verdicts import Places
from aggregate.unusual_answers import MOST_HOURS, UnusualAnswer
from api.formats import LonLat, Outline, Table, answer, chosen, offered
from api.paging import written
from api.parameters import Boxed, Format, Formatted, OfCameras, OfKinds, OfPeriod, OfZones, from_field, once, to_field
from api.priority_rows import CHANGES_SCHEMA, PRIORITIES_SCHEMA, LastingChangesAnswer, PrioritiesAnswer
from api.problems import NAMED_FAULTS
from api.room import InRoom, Room, positions, zone_outlines
from api.unusual_rows import ANOMALIES_SCHEMA, HOTSPOTS_SCHEMA, AnomaliesAnswer, HotspotsAnswer
from api.written import Classes, Moment, as_text, as_time
from core.figures import SERIES
from core.records import Window

router = APIRouter(prefix="/v1")


class ComparedWindow(StrEnum):
    """The widths of window that places are compared by."""

    QUARTER = Window.QUARTER.value
    HOUR = Window.HOUR.value


class _OfPlaces(OfZones, OfCameras, OfKinds, Boxed, Formatted):
    """Of which places, and what is counted there."""

    classes: Classes = Field(
        default_factory=lambda: ("people",),  # a factory, because a tuple is not how it is written in OpenAPI
        alias="class",
        description=f"what is counted, comma-separated or repeated: {', '.join(SERIES)}; people without it",
        examples=["people"],
        json_schema_extra=as_text,
    )

    def query(self) -> ReadingQuery:
        """The same, as the answers are asked for them."""
        return ReadingQuery(zones=self.zone, cameras=self.camera, kinds=self.kind, bbox=self.bbox, series=self.classes)


class _OfMoment(_OfPlaces):
    """And at which time."""

    at: Moment = Field(
        default=None,
        description="a moment in the window asked for, ISO 8601 with offset; the newest window that is over without it",
        examples=["2017-03-09T08:07:00Z"],
        json_schema_extra=as_time,
    )


class HotspotsQuestion(_OfMoment):
    """Which places, and how they are put together."""

    window: ComparedWindow = Field(
        default=ComparedWindow.QUARTER, description="width of the window: 15m or 60m", examples=["15m"]
    )
    grid: Places = Field(
        default=Places.ZONES,
        description="zones: each zone is a place; cells: each H3 hexagon with all zones in it is one",
        examples=["zones"],
    )
    resolution: int = Field(
        default=CELL_RESOLUTION,
        ge=5,
        le=11,
        description="H3 resolution of the hexagons: 8 is 0.7 km2, one finer is a seventh of that",
        examples=[CELL_RESOLUTION],
    )


class AnomaliesQuestion(_OfMoment):
    """Which places, and how far to look back."""

    hours: int = Field(
        default=3,
        ge=1,
        le=MOST_HOURS,
        description="how long before `at` a region may have begun to be unusual, hours; up to 3 are looked at by "
        "quarters of an hour, more by hours",
        examples=[3],
    )


class PrioritiesQuestion(_OfPlaces, OfPeriod):
    """Which places, and of which time."""

    start: Moment = from_field("four weeks before the end without it, and at most 92 days before it")
    end: Moment = to_field("the present without it; whole hours are answered")
    limit: int = Field(default=20, ge=1, le=5_000, description="most rows of each class", examples=[20])


class ChangesQuestion(_OfPlaces, OfPeriod):
    """Which places, and of which time."""

    start: Moment = from_field("thirteen weeks before the end without it, and at most 366 days before it")
    end: Moment = to_field("the present without it; whole hours are answered")


@router.get(
    "/hotspots",
    operation_id="hotspots",
    dependencies=[once],
    tags=["planner", "analyst"],
    summary="Where it is unusual, at any time",
    response_class=Response,
    responses=offered(HotspotsAnswer) | NAMED_FAULTS,
)
def hotspots(request: Request, question: Annotated[HotspotsQuestion, Query()], room: InRoom) -> Response:
    """One row for every place and class: how it compares with what is usual there at that time of the week, whether it
    and its neighbours are unusual beyond chance (local Getis-Ord Gi* with false-discovery control), and since when.

    Places are compared with those that are asked for: ask for a city, not for a street. The least likely to be chance
    come first, places that cannot be judged last, with the reason. In GeoJSON a hexagon, or a zone whose
    ground is known, is a polygon.
    """
    dialect = chosen(question.format, request)
    found = room.answers.unusual.hotspots(
        room.answers.zones(question.query()),
        question.classes,
        at=question.at,
        window=Window(question.window.value),
        places=question.grid,
        resolution=question.resolution,
    )
    if question.grid is Places.CELLS:
        table = _shaped("hotspots", found, HOTSPOTS_SCHEMA, "cell")
    else:
        table = _table("hotspots", found, HOTSPOTS_SCHEMA, *_places(room, dialect))
    return answer(table, dialect)


@router.get(
    "/anomalies",
    operation_id="anomalies",
    dependencies=[once],
    tags=["planner", "operator"],
    summary="Regions that have been unusual together, since when and how much",
    response_class=Response,
    responses=offered(AnomaliesAnswer) | NAMED_FAULTS,
)
def anomalies(request: Request, question: Annotated[AnomaliesQuestion, Query()], room: InRoom) -> Response:
    """One row for every region of neighbouring H3 hexagons that has been too busy, or too quiet, for some time and is
    so still (expectation-based space-time scan, p <= 0.05), the least likely to be chance first.

    The whole city is scanned; with `bbox`, `camera` or `zone` only regions that reach there are told. No row means that
    nothing stands out of what could be judged; `looked` says how much that was. Where nothing could
    be judged, a row says why. In GeoJSON a region is the hull of its hexagons.
    """
    dialect = chosen(question.format, request)
    everywhere = ReadingQuery(kinds=question.kind, series=question.classes)
    found = room.answers.unusual.anomalies(
        room.answers.zones(everywhere),
        question.classes,
        at=question.at,
        hours=question.hours,
        touching={one.zone.id for one in room.answers.zones(question.query())},
    )
    return answer(_shaped("anomalies", found, ANOMALIES_SCHEMA, "id"), dialect)


@router.get(
    "/priorities",
    operation_id="priorities",
    dependencies=[once],
    tags=["planner"],
    summary="Where to act first, with the reasons in words",
    response_class=Response,
    responses=offered(PrioritiesAnswer) | NAMED_FAULTS,
)
def priorities(request: Request, question: Annotated[PrioritiesQuestion, Query()], room: InRoom) -> Response:
    """The places that are too busy again and again in [from, to): ranked by exceedance x duration x people, by the
    lower end of its interval, so that luck does not lead. Places that cannot be judged follow without a rank.

    Places that do not stand out are no rows; `looked` says how many could be judged.
    """
    dialect = chosen(question.format, request)
    zones = room.answers.zones(question.query())
    found = room.answers.unusual.priorities(
        zones, question.classes, start=question.start, end=question.end, limit=question.limit
    )
    return answer(_table("priorities", found, PRIORITIES_SCHEMA, *_places(room, dialect)), dialect)


@router.get(
    "/changes",
    operation_id="changes",
    dependencies=[once],
    tags=["planner", "operator"],
    summary="Levels that changed and stayed so: of a street, or of a camera that drifts",
    response_class=Response,
    responses=offered(LastingChangesAnswer) | NAMED_FAULTS,
)
def changes(request: Request, question: Annotated[ChangesQuestion, Query()], room: InRoom) -> Response:
    """One row for every lasting change in [from, to), the largest first: what all places share, and what repeats every
    week, is not in it. Places of which nothing can be said follow with the reason.
    """
    dialect = chosen(question.format, request)
    zones = room.answers.zones(question.query())
    found = room.answers.unusual.changes(zones, question.classes, start=question.start, end=question.end)
    return answer(_table("changes", found, CHANGES_SCHEMA, *_places(room, dialect)), dialect)


def _table(
    name: str, found: UnusualAnswer, schema: pa.Schema, points: Mapping[str, LonLat], outlines: Mapping[str, Outline]
) -> Table:
    """Rows of zones, each at its camera or on its ground."""
    members: dict[str, Any] = {"start": written(found.start), "end": written(found.end), "looked": found.looked}
    return Table(name, found.frame, schema, points, outlines, members=members)


def _shaped(name: str, found: UnusualAnswer, schema: pa.Schema, column: str) -> Table:
    """Rows of what has a shape of its own, by the id in `column`."""
    plain = _table(name, found, schema, {}, found.outlines)
    return replace(plain, camera_column=column, zone_column=column)


def _places(room: Room, dialect: Format) -> tuple[dict[str, LonLat], dict[str, Outline]]:
    """Where the cameras stand, and the zones lie whose ground is known; only GeoJSON says so."""
    cameras = room.answers.cameras() if dialect is Format.GEOJSON else []
    return positions(cameras), zone_outlines(cameras)
