"""How many were there: readings of a period, and the newest ones."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from aggregate.query import ReadingQuery
from api.formats import Table, answer, chosen, offered
from api.parameters import LatestQuestion, ReadingsQuestion
from api.problems import documented
from api.room import InRoom, positions
from api.rows import READINGS_SCHEMA, LatestAnswer, ReadingsAnswer

router = APIRouter(prefix="/v1")

_FAULTS = documented(
    HTTPStatus.NOT_FOUND, HTTPStatus.NOT_ACCEPTABLE, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE
)


@router.get(
    "/readings",
    operation_id="readings",
    tags=["analyst", "planner"],
    summary="Readings of a period",
    response_class=Response,
    responses=offered(ReadingsAnswer) | _FAULTS,
)
def readings(request: Request, question: Annotated[ReadingsQuestion, Query()], room: InRoom) -> Response:
    """One row for every zone, class and window that begins in [from, to), in the order start, zone, class.

    A window of which nothing came is a row too: `state` missing, null figures and the reason. Long answers come in
    pages: follow `next` (JSON, GeoJSON) or the `Link` header (every format) until there is none.
    """
    dialect = chosen(question.format, request)
    frame = room.answers.readings(
        ReadingQuery(
            zones=question.zone,
            cameras=question.camera,
            series=question.classes,
            bbox=question.bbox,
            start=question.start,
            end=question.end,
            window=question.window,
            as_of=question.as_of,
            limit=question.limit + 1,  # one more than asked tells whether another page follows
            offset=question.offset,
        )
    )
    page = frame.head(question.limit)
    following = _page_after(request, question) if len(frame) > len(page) else None
    points = positions(room.answers.cameras())
    members = {"count": len(page), "next": following}
    return answer(Table("readings", page, READINGS_SCHEMA, points, members=members, next=following), dialect)


def _page_after(request: Request, question: ReadingsQuestion) -> str:
    """The absolute address of the page that follows: the same question, further on."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in ("limit", "offset")]
    place = [("limit", str(question.limit)), ("offset", str(question.offset + question.limit))]
    return f"{request.url_for('readings')}?{urlencode(kept + place)}"


@router.get(
    "/latest",
    operation_id="latest",
    tags=["analyst", "operator", "planner"],
    summary="The newest reading of every zone",
    response_class=Response,
    responses=offered(LatestAnswer) | _FAULTS,
)
def latest(request: Request, question: Annotated[LatestQuestion, Query()], room: InRoom) -> Response:
    """One row for every zone and class. A camera that has gone quiet is missing with its reason, not its old figure."""
    dialect = chosen(question.format, request)
    frame = room.answers.latest(question.window, question.classes, bbox=question.bbox, cameras=question.camera)
    return answer(Table("readings", frame, READINGS_SCHEMA, positions(room.answers.cameras())), dialect)
