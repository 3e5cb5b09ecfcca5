"""Is it up, is it ready, how is it doing."""

from __future__ import annotations

from http import HTTPStatus
from typing import Literal

from fastapi import APIRouter
from pydantic import Field

from api.problems import NotReady, documented
from api.room import InRoom
from core.config import Closed

router = APIRouter()


class Health(Closed):
    """Nothing more to say than that it is well."""

    status: Literal["ok"] = Field(default="ok", description="always ok: anything else is a problem", examples=["ok"])


@router.get("/healthz", operation_id="healthz", tags=["operator"], summary="Is the process up?", response_model=Health)
async def healthz() -> Health:
    """Answers as long as the process can answer at all; asks nothing of the store."""
    return Health()


@router.get(
    "/readyz",
    operation_id="readyz",
    tags=["operator"],
    summary="Can it answer?",
    response_model=Health,
    responses=documented(HTTPStatus.SERVICE_UNAVAILABLE),
)
def readyz(room: InRoom) -> Health:
    """Asks the store a small question and the pipeline whether it is alive; 503 with the reason if either is not."""
    room.answers.extent()
    reason = room.ready()
    if reason is not None:
        raise NotReady(reason, remedy="wait and ask again; if it stays, look into the log of the pipeline")
    return Health()
