"""How many were there: readings of a period, and the newest ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from aggregate.answers import Answers
from aggregate.query import ReadingQuery
from api.formats import LonLat, Outline, Table, answer, chosen, offered
from api.paging import page_after
from api.parameters import Format, once
from api.problems import NAMED_FAULTS
from api.questions import LatestQuestion, ReadingsQuestion
from api.room import InRoom, Room, positions, zone_outlines
from api.rows import READINGS_SCHEMA, LatestAnswer, ReadingsAnswer

router = APIRouter(prefix="/v1")


@router.get(
    "/readings",
    operation_id="readings",
    dependencies=[once],
    tags=["analyst", "planner"],
    summary="Readings of a period",
    response_class=Response,
    responses=offered(ReadingsAnswer) | NAMED_FAULTS,
)
def readings(request: Request, question: Annotated[ReadingsQuestion, Query()], room: InRoom) -> Response:
    """One row for every zone, class and window that begins in [from, to), in the order start, zone, class.

    A window of which nothing came is a row too: `state` missing, null figures and the reason. Long answers come in
    pages: follow `next` (JSON, GeoJSON) or the `Link` header (every format) until there is none. Both are relative to
    the address of this page and fix the period, so that what arrives meanwhile moves no row to another page.
    """
    dialect = chosen(question.format, request)
    query = ReadingQuery(
        zones=question.zone,
        cameras=question.camera,
        series=question.classes,
        bbox=question.bbox,
        kinds=question.kind,
        start=question.start,
        end=question.end,
        window=question.window,
        as_of=question.as_of,
        reference=question.reference,
        limit=question.limit + 1,  # one more than asked tells whether another page follows
        offset=question.offset,
    )
    frame = room.answers.readings(query)
    page = frame.head(question.limit)
    following = None
    if len(frame) > len(page):
        closed = _closed(query, room.answers)
        edges = {"from": closed.start, "to": closed.end, "as_of": closed.as_of}
        following = page_after(request, edges, question.limit, question.offset + question.limit)
    members = {"count": len(page), "next": following}
    points, polygons = _places(room, dialect)
    return answer(Table("readings", page, READINGS_SCHEMA, points, polygons, members=members, next=following), dialect)


def _places(room: Room, dialect: Format) -> tuple[dict[str, LonLat], dict[str, Outline]]:
    """Where the cameras stand, and the zones lie whose ground is known; only GeoJSON says so."""
    cameras = room.answers.cameras() if dialect is Format.GEOJSON else []
    return positions(cameras), zone_outlines(cameras)


def _closed(query: ReadingQuery, answers: Answers) -> ReadingQuery:
    """The same question with both edges of its period, as they are now; there is at least one row."""
    start, end = query.start, query.end
    if start is None:
        first = answers.readings(replace(query, limit=1, offset=0))
        start = first["start"].iloc[0].to_pydatetime()
    if end is None:
        last = answers.readings(replace(query, limit=1, offset=answers.row_count(query) - 1))
        end = last["end"].iloc[0].to_pydatetime()
    return replace(query, start=start, end=end)


@router.get(
    "/latest",
    operation_id="latest",
    dependencies=[once],
    tags=["analyst", "operator", "planner"],
    summary="The newest reading of every zone",
    response_class=Response,
    responses=offered(LatestAnswer) | NAMED_FAULTS,
)
def latest(request: Request, question: Annotated[LatestQuestion, Query()], room: InRoom) -> Response:
    """One row for every zone and class. A camera that has gone quiet is missing with its reason, not its old figure."""
    dialect = chosen(question.format, request)
    frame = room.answers.latest(
        question.window,
        question.classes,
        bbox=question.bbox,
        cameras=question.camera,
        kinds=question.kind,
        reference=question.reference,
    )
    return answer(Table("readings", frame, READINGS_SCHEMA, *_places(room, dialect)), dialect)
