"""Which camera is lying: how each is, how it was, and why."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from aggregate.health_answers import CameraHealth, states_frame
from api.formats import Table, answer, chosen, offered
from api.health_rows import (
    HEALTH_SCHEMA,
    STATES_SCHEMA,
    CameraHealthAnswer,
    HealthAnswer,
    StateRow,
    StatesAnswer,
)
from api.paging import written
from api.parameters import Format, once
from api.problems import NAMED_FAULTS, TABLE_FAULTS
from api.questions import CameraHealthQuestion, HealthQuestion, StatesQuestion
from api.room import InRoom, Room, positions

router = APIRouter(prefix="/v1")


@router.get(
    "/health",
    operation_id="health",
    dependencies=[once],
    tags=["operator"],
    summary="How every camera is",
    response_class=Response,
    responses=offered(HealthAnswer) | TABLE_FAULTS,
)
def health(request: Request, question: Annotated[HealthQuestion, Query()], room: InRoom) -> Response:
    """One row a camera: its state, since when and why, and how old its newest clip is."""
    dialect = chosen(question.format, request)
    frame = room.answers.health.now(question.bbox, question.state)
    return answer(Table("health", frame, HEALTH_SCHEMA, _points(room, dialect), camera_column="id"), dialect)


@router.get(
    "/states",
    operation_id="states",
    dependencies=[once],
    tags=["analyst", "operator"],
    summary="How cameras were in a period",
    response_class=Response,
    responses=offered(StatesAnswer) | NAMED_FAULTS,
)
def states(request: Request, question: Annotated[StatesQuestion, Query()], room: InRoom) -> Response:
    """One row for every stretch of time that a camera was in a state, in the order camera, start.

    The rows of a camera follow each other without a gap and cover [from, to), which ends at the present. Neighbouring
    stretches are of different states. Before anything was known of a camera it is `waiting`.
    """
    dialect = chosen(question.format, request)
    found = room.answers.health.states(
        question.start, question.end, cameras=question.camera, bbox=question.bbox, states=question.state
    )
    members = {"start": written(found.start), "end": written(found.end)}
    return answer(Table("states", found.frame, STATES_SCHEMA, _points(room, dialect), members=members), dialect)


@router.get(
    "/cameras/{camera}/health",
    operation_id="camera_health",
    dependencies=[once],
    tags=["operator"],
    summary="How one camera is, and when it was out",
    response_class=Response,
    responses=offered(CameraHealthAnswer) | NAMED_FAULTS,
)
def camera_health(
    request: Request,
    camera: Annotated[str, Path(description="camera id", examples=["06710"])],
    question: Annotated[CameraHealthQuestion, Query()],
    room: InRoom,
) -> Response:
    """Its state with since when and why, its uptime in [from, to), and its outages as a list.

    As CSV, Parquet or GeoJSON: the outages as a table.
    """
    dialect = chosen(question.format, request)
    found = room.answers.health.of(camera, question.start, question.end)
    if dialect is Format.JSON:
        return Response(_told(found).model_dump_json(), media_type="application/json", headers={"Vary": "Accept"})
    frame = states_frame((camera, one) for one in found.outages)
    return answer(Table(f"outages-{camera}", frame, STATES_SCHEMA, positions([found.camera])), dialect)


def _told(found: CameraHealth) -> CameraHealthAnswer:
    return CameraHealthAnswer(
        camera=found.camera.id,
        state=found.state,
        since=found.since,
        reason=found.reason,
        newest_event_time=found.newest_event_time,
        last_counted=found.last_counted,
        cadence_s=found.camera.cadence_s,
        start=found.start,
        end=found.end,
        uptime=found.uptime,
        outages=[
            StateRow(
                camera=found.camera.id,
                state=one.state,
                start=one.start,
                end=one.end,
                duration_s=one.duration.total_seconds(),
                reason=one.reason,
            )
            for one in found.outages
        ],
    )


def _points(room: Room, dialect: Format) -> dict[str, Any]:
    """Where the cameras stand; only GeoJSON says so."""
    return positions(room.answers.cameras()) if dialect is Format.GEOJSON else {}
