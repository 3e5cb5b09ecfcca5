"""Cameras held against the loops beside them, and both on one time base."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BeforeValidator, Field

from api.beside_rows import LOOP_CHECKS_SCHEMA, TRAFFIC_SCHEMA, LoopChecksAnswer, TrafficAnswer
from api.formats import Table, answer, chosen, offered
from api.parameters import Boxed, Formatted, OfCameras, OfPeriod, from_field, once, to_field
from api.problems import NAMED_FAULTS
from api.room import InRoom, positions
from api.written import Moment, as_text, parse_zone
from core.records import Window

router = APIRouter(prefix="/v1")


class LoopChecksQuestion(OfCameras, Boxed, Formatted, OfPeriod):
    """Of which cameras, over which time."""

    start: Moment = from_field("eight weeks before the end without it, and at most 366 days before it")
    end: Moment = to_field("the present without it")


class TrafficQuestion(Formatted, OfPeriod):
    """Of which zone, over which time."""

    zone: Annotated[tuple[str, ...], BeforeValidator(parse_zone)] = Field(
        description="zone id", examples=["06710:view"], json_schema_extra=as_text
    )
    window: Window = Field(default=Window.HOUR, description="width of the windows: 15m or 60m", examples=["60m"])
    start: Moment = from_field("a day before the end without it, and at most 366 days before it")
    end: Moment = to_field("the present without it")


@router.get(
    "/loop-checks",
    operation_id="loop_checks",
    dependencies=[once],
    tags=["analyst", "operator"],
    summary="Cameras against their loops",
    response_class=Response,
    responses=offered(LoopChecksAnswer) | NAMED_FAULTS,
)
def loop_checks(request: Request, question: Annotated[LoopChecksQuestion, Query()], room: InRoom) -> Response:
    """Whether what each camera counts keeps to what passes the loops beside it, and how many seconds a vehicle is seen.

    The second half of the period is held against the first, day by day: `drifting` is the alarm that camera or loop
    has changed for itself, since when and by how much.
    """
    dialect = chosen(question.format, request)
    frame = room.answers.beside.checks(question.start, question.end, cameras=question.camera, bbox=question.bbox)
    points = positions(room.answers.cameras())
    return answer(Table("loop_checks", frame, LOOP_CHECKS_SCHEMA, points), dialect)


@router.get(
    "/traffic",
    operation_id="traffic",
    dependencies=[once],
    tags=["analyst"],
    summary="Vehicles present and passing, of camera and loops together",
    response_class=Response,
    responses=offered(TrafficAnswer) | NAMED_FAULTS,
)
def traffic(request: Request, question: Annotated[TrafficQuestion, Query()], room: InRoom) -> Response:
    """One row for every window that begins in [from, to) of a zone that has loops beside it.

    Where one of the two has not counted, the other stands in for it by what they had in common in the eight weeks
    before: `present_from` and `flow_from` say so, and the interval is that of the estimate. Nothing of this is ever put
    into readings.
    """
    dialect = chosen(question.format, request)
    frame = room.answers.beside.traffic(question.zone[0], question.window, question.start, question.end)
    return answer(Table("traffic", frame, TRAFFIC_SCHEMA, positions(room.answers.cameras())), dialect)
