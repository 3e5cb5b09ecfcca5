"""Where is counted: the cameras, their zones, and what stands around them on the map."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from importlib.metadata import version
from typing import Annotated, Any

import pandas as pd
from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from aggregate.query import expect_known
from api.calibration import NoDesk
from api.formats import Table, answer, chosen, offered
from api.parameters import once
from api.problems import NAMED_FAULTS, TABLE_FAULTS, Responses, documented
from api.questions import CamerasQuestion, ZonesQuestion
from api.room import InRoom, positions, zone_outlines
from api.rows import CAMERAS_SCHEMA, ZONES_SCHEMA, CamerasAnswer, ZonesAnswer
from core.config import Closed
from core.errors import NotFound
from core.figures import SERIES
from core.ground import GroundPlane, ZoneGround
from core.records import Window

router = APIRouter(prefix="/v1")


class Basemap(Closed):
    """An online background for the map; without it the page draws outlines."""

    url: str = Field(
        description="address template of the tiles", examples=["https://tiles.example.org/{z}/{x}/{y}.png"]
    )
    attribution: str | None = Field(description="whom to name on the map", examples=["(c) OpenStreetMap contributors"])


class AboutAnswer(Closed):
    """What this installation is and what can be asked of it."""

    name: str = Field(description="name of the installation", examples=["London demo"])
    notice: str | None = Field(description="what a reader must know of the figures", examples=["Synthetic street"])
    classes: list[str] = Field(description="what is counted; people and vehicles are sums", examples=[list(SERIES)])
    windows: list[Window] = Field(description="widths of a reading", examples=[list(Window)])
    basemap: Basemap | None
    outlines: bool = Field(description="whether /v1/outlines has outlines to draw", examples=[True])
    calibrates: bool = Field(
        description="whether an operator at its machine can calibrate cameras, at /operations/calibrate/CAMERA",
        examples=[True],
    )
    version: str = Field(description="version of the software", examples=["0.1.0"])


class ExtentAnswer(Closed):
    """The event time of what is stored; both null where nothing is."""

    start: datetime | None = Field(description="first event time, UTC", examples=["2017-03-09T00:00:00Z"])
    end: datetime | None = Field(description="newest event time, UTC", examples=["2017-03-09T23:55:00Z"])


@router.get(
    "/about", operation_id="about", tags=["planner"], summary="What this installation is", response_model=AboutAnswer
)
async def about(room: InRoom, request: Request) -> AboutAnswer:
    """Name, notice, the classes and windows that can be asked for, and the map's background."""
    told = room.about
    basemap = None if told.basemap_url is None else Basemap(url=told.basemap_url, attribution=told.basemap_attribution)
    return AboutAnswer(
        name=told.name,
        notice=told.notice,
        classes=list(SERIES),
        windows=list(Window),
        basemap=basemap,
        outlines=told.outlines is not None,
        calibrates=not isinstance(request.app.state.desk, NoDesk),
        version=version("busyness"),
    )


_OUTLINES: Responses = {
    200: {
        "description": "A GeoJSON FeatureCollection, WGS84.",
        "content": {"application/geo+json": {"schema": {"type": "object"}}},
    }
}


@router.get(
    "/outlines",
    operation_id="outlines",
    tags=["planner"],
    summary="Outlines to draw under the cameras",
    response_class=Response,
    responses=_OUTLINES | documented(HTTPStatus.NOT_FOUND),
)
async def outlines(room: InRoom) -> Response:
    """Boroughs or districts, so that the map has a ground without any online basemap."""
    if room.about.outlines is None:
        raise NotFound(
            "this installation has no outlines", remedy="name a GeoJSON file of outlines in its configuration"
        )
    return JSONResponse(
        room.about.outlines, media_type="application/geo+json", headers={"Cache-Control": "private, max-age=3600"}
    )


@router.get(
    "/extent",
    operation_id="extent",
    tags=["analyst", "planner"],
    summary="The period that is stored",
    response_model=ExtentAnswer,
    responses=documented(HTTPStatus.SERVICE_UNAVAILABLE),
)
def extent(room: InRoom) -> ExtentAnswer:
    """First and newest event time of all cameras."""
    start, end = room.answers.extent() or (None, None)
    return ExtentAnswer(start=start, end=end)


@router.get(
    "/cameras",
    operation_id="cameras",
    dependencies=[once],
    tags=["analyst", "operator", "planner"],
    summary="Cameras and what they last sent",
    response_class=Response,
    responses=offered(CamerasAnswer) | TABLE_FAULTS,
)
def cameras(request: Request, question: Annotated[CamerasQuestion, Query()], room: InRoom) -> Response:
    """Position, cadence and zones of each camera; when it was last seen, last counted, and why not since."""
    dialect = chosen(question.format, request)
    found = room.answers.cameras(question.bbox)
    states = room.answers.camera_states().rename(columns={"camera": "id"})
    rows: list[dict[str, Any]] = [
        {
            "id": camera.id,
            "name": camera.name,
            "lat": camera.lat,
            "lon": camera.lon,
            "timezone": camera.timezone,
            "cadence_s": camera.cadence_s,
            "width": camera.width,
            "height": camera.height,
            "zones": [zone.id for zone in camera.counted_zones],
            **_calibration(camera.plane),
        }
        for camera in found
    ]
    columns = [name for name in CAMERAS_SCHEMA.names if name == "id" or name not in states.columns]
    frame = pd.DataFrame(rows, columns=columns).merge(states, on="id", how="left")[CAMERAS_SCHEMA.names]
    return answer(Table("cameras", frame, CAMERAS_SCHEMA, positions(found), camera_column="id"), dialect)


def _calibration(plane: GroundPlane | None) -> dict[str, str | float | None]:
    """What is told of a camera's ground; its homography is the operator's own business."""
    return {
        "plane": None if plane is None else plane.name,
        "plane_method": None if plane is None else plane.method.value,
        "plane_error_m": None if plane is None else plane.error_m,
        "camera_height_m": None if plane is None else plane.height_m,
    }


@router.get(
    "/zones",
    operation_id="zones",
    dependencies=[once],
    tags=["analyst", "planner"],
    summary="Zones, the parts of a picture that are counted",
    response_class=Response,
    responses=offered(ZonesAnswer) | NAMED_FAULTS,
)
def zones(request: Request, question: Annotated[ZonesQuestion, Query()], room: InRoom) -> Response:
    """Every zone with its camera, kind and polygon; a camera without zones has one, its whole view.

    Of a calibrated camera also the area on the ground, with its error and what was cut off as too far; GeoJSON has the
    outline on the ground.
    """
    dialect = chosen(question.format, request)
    known = room.answers.cameras()
    expect_known("camera", question.camera or (), {camera.id for camera in known})
    rows = [
        {
            "id": zone.id,
            "camera": camera.id,
            "name": zone.name,
            "kind": zone.kind.value,
            "polygon": None if zone.polygon is None else [list(point) for point in zone.polygon],
            "effective_width_m": zone.effective_width_m,
            **_extent(zone.ground),
            "lat": camera.lat,
            "lon": camera.lon,
        }
        for camera in known
        if question.camera is None or camera.id in question.camera
        for zone in camera.counted_zones
        if question.kind is None or zone.kind in question.kind
    ]
    frame = pd.DataFrame(rows, columns=ZONES_SCHEMA.names)
    return answer(
        Table("zones", frame, ZONES_SCHEMA, positions(known), zone_outlines(known), zone_column="id"),
        dialect,
    )


def _extent(ground: ZoneGround | None) -> dict[str, str | float | None]:
    return {
        name: None if ground is None else getattr(ground, name)
        for name in ("plane", "area_m2", "area_error", "length_m", "cut")
    }
