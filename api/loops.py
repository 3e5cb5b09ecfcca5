"""What loops in the road and other counters say, beside the cameras."""

from __future__ import annotations

from typing import Annotated

import pandas as pd
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api.formats import LonLat, Table, answer, chosen, offered
from api.loop_rows import LOOP_READINGS_SCHEMA, LOOPS_SCHEMA, LoopReadingsAnswer, LoopsAnswer
from api.paging import page_after
from api.parameters import Format, once
from api.problems import NAMED_FAULTS, TABLE_FAULTS
from api.questions import LoopReadingsQuestion, LoopsQuestion
from api.room import InRoom, Room

router = APIRouter(prefix="/v1")


@router.get(
    "/loops",
    operation_id="loops",
    dependencies=[once],
    tags=["analyst"],
    summary="Loops and other counters",
    response_class=Response,
    responses=offered(LoopsAnswer) | TABLE_FAULTS,
)
def loops(request: Request, question: Annotated[LoopsQuestion, Query()], room: InRoom) -> Response:
    """Where each stands and whose it is. One whose position is not known has none in GeoJSON, and is in no box."""
    dialect = chosen(question.format, request)
    found = room.answers.loops.counters(question.bbox)
    frame = pd.DataFrame([counter.model_dump() for counter in found], columns=LOOPS_SCHEMA.names)
    figures = frame.astype(dict.fromkeys(("lat", "lon", "bearing_deg"), "float64"))
    return answer(Table("loops", figures, LOOPS_SCHEMA, _points(room, dialect), camera_column="id"), dialect)


@router.get(
    "/loop-readings",
    operation_id="loop_readings",
    dependencies=[once],
    tags=["analyst"],
    summary="What passed loops and other counters",
    response_class=Response,
    responses=offered(LoopReadingsAnswer) | NAMED_FAULTS,
)
def loop_readings(request: Request, question: Annotated[LoopReadingsQuestion, Query()], room: InRoom) -> Response:
    """One row for every counter, class and interval that is stored and begins in [from, to), by start, counter, class.

    Flows count what passed; readings of cameras count what was present: the two are not the same unit. Long answers
    come in pages, as those of /v1/readings do.
    """
    dialect = chosen(question.format, request)
    start, end = room.answers.loops.period(question.start, question.end)
    frame = room.answers.loops.readings(
        start,
        end,
        counters=question.counter,
        series=question.classes,
        limit=question.limit + 1,  # one more than asked tells whether another page follows
        offset=question.offset,
    )
    page = frame.head(question.limit)
    following = None
    if len(frame) > len(page):
        edges = {"from": start, "to": end}
        following = page_after(request, edges, question.limit, question.offset + question.limit)
    members = {"count": len(page), "next": following}
    table = Table(
        "loop_readings",
        page,
        LOOP_READINGS_SCHEMA,
        _points(room, dialect),
        camera_column="counter",
        members=members,
        next=following,
    )
    return answer(table, dialect)


def _points(room: Room, dialect: Format) -> dict[str, LonLat]:
    """Where the counters stand, those of which it is known; only GeoJSON says so."""
    if dialect is not Format.GEOJSON:
        return {}
    return {
        counter.id: (counter.lon, counter.lat)
        for counter in room.answers.loops.counters()
        if counter.lon is not None and counter.lat is not None
    }
