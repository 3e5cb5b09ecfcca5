"""What readings are compared with: references, how levels have changed against them, and the hours to come."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import Field

from aggregate.comparisons import Comparison, Grain, compare
from aggregate.forecast_answers import MOST_HOURS
from aggregate.query import ReadingQuery
from aggregate.references import references as references_frame
from api.formats import LonLat, Table, answer, chosen, offered
from api.parameters import (
    Boxed,
    Compared,
    Format,
    Formatted,
    OfCameras,
    OfClasses,
    OfKinds,
    OfPeriod,
    OfZones,
    from_field,
    once,
    to_field,
)
from api.problems import NAMED_FAULTS, documented
from api.room import InRoom, Room, positions
from api.usual_rows import COMPARISONS_SCHEMA, FORECASTS_SCHEMA, ComparisonsAnswer, ForecastsAnswer, ReferencesAnswer
from api.written import Moment

router = APIRouter(prefix="/v1")

RECENT = timedelta(days=28)


class _Places(OfZones, OfCameras, OfKinds, Boxed, OfClasses):
    """Of which zones and classes."""

    def query(self) -> ReadingQuery:
        """The same, as the answers are asked for them."""
        return ReadingQuery(zones=self.zone, cameras=self.camera, kinds=self.kind, bbox=self.bbox, series=self.classes)


class ReferencesQuestion(OfClasses):
    """Of which classes."""


class ComparisonsQuestion(_Places, Compared, Formatted, OfPeriod):
    """Which zones, in which time, against what, by which part of the week."""

    by: Grain = Field(
        default=Grain.WEEK,
        description="which parts of the week are told apart: none (week), its days, the hours of a day, or the 168 "
        "hours of a week",
        examples=["hour"],
    )
    start: Moment = from_field("28 days before the end without it, and at most 366 days before it")
    end: Moment = to_field("the present without it")


class ForecastsQuestion(_Places, Formatted):
    """Of which zones how many hours."""

    hours: int = Field(
        default=24, ge=1, le=MOST_HOURS, description="how many hours, from the present one", examples=[24]
    )


@router.get(
    "/references",
    operation_id="references",
    dependencies=[once],
    tags=["analyst", "planner"],
    summary="What readings can be compared with",
    response_model=ReferencesAnswer,
    responses=documented(HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE),
)
def references(question: Annotated[ReferencesQuestion, Query()], room: InRoom) -> Response:
    """The usual and the named periods, and of how many zones each is known. A night makes the next one."""
    frame = references_frame(room.answers.usual, question.classes)
    rows = frame.to_json(orient="records", date_format="iso", date_unit="s")
    return Response(f'{{"references":{rows}}}', media_type="application/json")


@router.get(
    "/comparisons",
    operation_id="comparisons",
    dependencies=[once],
    tags=["analyst", "planner"],
    summary="How busy it has been, against what is usual or a named period",
    response_class=Response,
    responses=offered(ComparisonsAnswer) | NAMED_FAULTS,
)
def comparisons(request: Request, question: Annotated[ComparisonsQuestion, Query()], room: InRoom) -> Response:
    """One row for every zone, class and part of the week: the level in [from, to) over that of the reference.

    Holidays, season and time of week are in the level that the reference expects; days, not hours, are what the
    interval is made of. Where too little was counted the row says so instead of a figure.
    """
    dialect = chosen(question.format, request)
    end = (question.end or room.answers.present()).replace(minute=0, second=0, microsecond=0)
    start = (question.start or end - RECENT).replace(minute=0, second=0, microsecond=0)
    asked = Comparison(series=question.classes, start=start, end=end, reference=question.reference, grain=question.by)
    frame = compare(room.answers.usual, room.answers.zones(question.query()), asked)
    return answer(Table("comparisons", frame, COMPARISONS_SCHEMA, _points(room, dialect)), dialect)


@router.get(
    "/forecasts",
    operation_id="forecasts",
    dependencies=[once],
    tags=["analyst", "planner"],
    summary="The hours to come",
    response_class=Response,
    responses=offered(ForecastsAnswer) | NAMED_FAULTS,
)
def forecasts(request: Request, question: Annotated[ForecastsQuestion, Query()], room: InRoom) -> Response:
    """One row for every class, zone and hour from the present one on, with a 90 % interval; of 40 zones at most.

    The first question about a zone takes some seconds: how its days carry on is learnt then, and kept for a week.
    """
    dialect = chosen(question.format, request)
    query, answers = question.query(), room.answers
    frame = answers.forecasts.forecast(answers.zones(query), query.series, question.hours, answers.present())
    return answer(Table("forecasts", frame, FORECASTS_SCHEMA, _points(room, dialect)), dialect)


def _points(room: Room, dialect: Format) -> dict[str, LonLat]:
    """Where the cameras stand; only GeoJSON says so."""
    return positions(room.answers.cameras()) if dialect is Format.GEOJSON else {}
