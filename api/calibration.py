"""Where an operator draws zones and matches points with the map, at this machine alone: see `api/operator_guard.py`."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Protocol

from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import HTTPConnection
from starlette.responses import Response

from api.operator_guard import OperatorRoute
from api.problems import Conflict, Responses, documented
from core.judgement import Gathering, Judgement, OpenedSite, SavedSite
from core.site import Site

PREFIX = "/operations/calibrate"

router = APIRouter(prefix=PREFIX, route_class=OperatorRoute, tags=["operator"])


class CalibrationDesk(Protocol):
    """Judges and keeps what an operator says of the places that cameras look at. Every camera is named by its id."""

    def open(self, camera: str) -> OpenedSite:
        """A camera's site, a new one where it has none. Raises `NotFound`."""
        ...

    def judge(self, camera: str, site: Site) -> Judgement:
        """What is thought of a site while it is drawn. Raises `NotFound`, `NotReady`."""
        ...

    def save(self, camera: str, site: Site) -> Site:
        """Fit a site and keep it; from then on it is counted by. Returns it with its fit.

        Raises `NotFound`, `NotReady`, `CalibrationRefused`, and `Conflict` where it cannot be kept.
        """
        ...

    def gather(self, camera: str) -> Gathering:
        """Begin to make the background of a camera, or say how far it is. Raises `NotFound`."""
        ...

    def background(self, camera: str, *, keep: bool) -> bytes:
        """The background as PNG, once; with `keep` it is written beside the camera's site first.

        Raises `NotFound` where there is none, or no longer; `Conflict` where it cannot be kept.
        """
        ...


@dataclass(frozen=True)
class NoDesk:
    """Why nobody can calibrate here, and what to do about it."""

    why: str
    remedy: str


NOTHING_COUNTED = NoDesk(
    "this service answers from a store and counts no camera", "calibrate where `busyness run` runs"
)
SWITCHED_OFF = NoDesk("calibrating is switched off here", "set api.calibrate: loopback in the configuration")


async def _desk(connection: HTTPConnection) -> CalibrationDesk:
    """Raises `Conflict` where there is none."""
    desk: CalibrationDesk | NoDesk = connection.app.state.desk
    if isinstance(desk, NoDesk):
        raise Conflict(desk.why, remedy=desk.remedy)
    return desk


AtDesk = Annotated[CalibrationDesk, Depends(_desk)]

CameraId = Annotated[str, Path(description="camera id", examples=["06710"])]

FAULTS: Responses = documented(
    HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.SERVICE_UNAVAILABLE,
)  # fmt: skip


@router.get(
    "/{camera}/site", operation_id="calibration-site", summary="A camera's zones and ground, to be drawn",
    response_model=OpenedSite, responses=FAULTS,
)  # fmt: skip
def site(camera: CameraId, desk: AtDesk) -> OpenedSite:
    """The site of the camera as its file has it; of one that has no file a new site, with its configured zones.

    Only for operators, from this machine.
    """
    return desk.open(camera)


@router.post(
    "/{camera}/judge", operation_id="calibration-judge", summary="Whether a site can be, while it is drawn",
    response_model=Judgement, responses=FAULTS,
)  # fmt: skip
def judge(camera: CameraId, site: Site, desk: AtDesk) -> Judgement:
    """The fit to its points or sizes, or why there is none; its zones on the ground; a grid and the horizon.

    Nothing is kept. Only for operators, from this machine.
    """
    return desk.judge(camera, site)


@router.put(
    "/{camera}/site", operation_id="calibration-save", summary="Keep a camera's zones and ground",
    response_model=SavedSite, responses=FAULTS,
)  # fmt: skip
def save(camera: CameraId, site: Site, desk: AtDesk) -> SavedSite:
    """Fits the site and writes its file; the next clip of the camera is counted by it. What is refused changes nothing.

    Only for operators, from this machine.
    """
    return SavedSite(site=desk.save(camera, site))


@router.post(
    "/{camera}/background", operation_id="calibration-gather", summary="Have a background made",
    response_model=Gathering, responses=FAULTS,
)  # fmt: skip
def gather(camera: CameraId, desk: AtDesk) -> Gathering:
    """Begins to gather clips of the camera in memory, or says how far that is; forgotten when nobody asks any more.

    Only for operators, from this machine.
    """
    return desk.gather(camera)


@router.get(
    "/{camera}/background.png", operation_id="calibration-background", summary="The street with nobody in it, once",
    response_class=Response, responses={**FAULTS, 200: {"content": {"image/png": {}}}},
)  # fmt: skip
def background(
    camera: CameraId,
    desk: AtDesk,
    keep: Annotated[bool, Query(description="also write it beside the camera's site file", examples=[True])] = False,
) -> Response:
    """The median of many clips, without people and vehicles, as PNG. It is forgotten with this answer.

    Only for operators, from this machine.
    """
    return Response(
        desk.background(camera, keep=keep),
        media_type="image/png",
        headers={"Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "same-origin"},
    )
