"""What was changed in the streets, and whether it worked. Anybody may ask; operators at this machine register."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated
from zoneinfo import ZoneInfo

import pandas as pd
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from pydantic import BeforeValidator, Field, ValidationError
from starlette.requests import HTTPConnection

from aggregate.effects.effect_answers import EffectAnswers
from aggregate.effects.register import identifier_of
from aggregate.query import expect_known
from aggregate.tables import instants
from api.formats import Table, answer, chosen, offered
from api.intervention_rows import (
    INTERVENTIONS_SCHEMA,
    EffectAnswer,
    InterventionRow,
    InterventionsAnswer,
    NewIntervention,
    effect_answer,
    intervention_row,
)
from api.operator_guard import OperatorRoute
from api.parameters import Boxed, Formatted, OfOneClass, once
from api.problems import TABLE_FAULTS, NotReady, Responses, documented
from api.room import InRoom
from api.written import as_text, members
from core.errors import QueryError
from core.interventions import Intervention, InterventionKind

PREFIX = "/v1/interventions"


class RegisteringRoute(OperatorRoute):
    """A route that changes the register."""

    remedy = (
        "register on the machine that runs busyness: by its page at the host 127.0.0.1 or localhost, or with "
        "busyness interventions CONFIG add"
    )


router = APIRouter(prefix=PREFIX, tags=["planner"])
registering = APIRouter(prefix=PREFIX, tags=["operator"], route_class=RegisteringRoute)


async def _effects(connection: HTTPConnection) -> EffectAnswers:
    """Raises `NotReady` where there is no register."""
    effects: EffectAnswers | None = connection.app.state.effects
    if effects is None:
        raise NotReady(
            "this service was started without a register of interventions", remedy="use busyness run or serve"
        )
    return effects


WithEffects = Annotated[EffectAnswers, Depends(_effects)]
Name = Annotated[
    str, Path(alias="intervention", description="id of an intervention", examples=["tooley-st-2026-05-04"])
]


def _kinds(value: object) -> object:
    return members(value, InterventionKind, "kind", "kind of intervention")


class InterventionsQuestion(Boxed, Formatted):
    """Which interventions."""

    kind: Annotated[tuple[InterventionKind, ...] | None, BeforeValidator(_kinds)] = Field(
        default=None,
        description=f"only of these kinds, comma-separated or repeated: {', '.join(InterventionKind)}; all without it",
        examples=["wider_pavement,crossing"],
        json_schema_extra=as_text,
    )


class EffectQuestion(OfOneClass):
    """Of which class."""


@router.get(
    "",
    operation_id="interventions",
    dependencies=[once],
    summary="Interventions that are registered",
    response_class=Response,
    responses=offered(InterventionsAnswer) | TABLE_FAULTS,
)
def interventions(
    request: Request, question: Annotated[InterventionsQuestion, Query()], effects: WithEffects
) -> Response:
    """What was changed, where, when and for which zones, by start. GeoJSON has a point where each was made."""
    dialect = chosen(question.format, request)
    found = effects.interventions(question.bbox, question.kind)
    frame = pd.DataFrame([one.model_dump() for one in found], columns=INTERVENTIONS_SCHEMA.names)
    frame["kind"] = pd.Series([one.kind.value for one in found], dtype=object)
    for name in ("zones", "spill_zones"):
        frame[name] = pd.Series([list(getattr(one, name)) for one in found], dtype=object)
    for name in ("start", "end", "works_from", "registered_at"):
        frame[name] = instants([getattr(one, name) for one in found])
    places = {one.id: (one.lon, one.lat) for one in found}
    return answer(Table("interventions", frame, INTERVENTIONS_SCHEMA, places, camera_column="id"), dialect)


_ASKED = documented(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE)
_CHANGED = documented(
    HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.SERVICE_UNAVAILABLE,
)  # fmt: skip
_DRAWN: Responses = {200: {"description": "The plot.", "content": {"image/svg+xml": {"schema": {"type": "string"}}}}}


@router.get(
    "/{intervention}", operation_id="intervention", summary="One intervention", response_model=InterventionRow,
    responses=_ASKED,
)  # fmt: skip
def intervention(name: Name, effects: WithEffects) -> InterventionRow:
    """What was changed, where, when and for which zones."""
    return intervention_row(effects.register.get(name))


@router.get(
    "/{intervention}/effect", operation_id="intervention-effect", dependencies=[once], summary="Did it work?",
    response_model=EffectAnswer, responses=_ASKED,
)  # fmt: skip
def effect(name: Name, question: Annotated[EffectQuestion, Query()], effects: WithEffects) -> EffectAnswer:
    """How much the intervention changed, with its 90 % interval, against similar zones where nothing was done.

    Refused, with the reason, where too little was counted, or where its zones went another way already before. Where
    nothing can be compared with, it is compared with its own past and says so.
    """
    return effect_answer(*effects.effect(name, question.series))


@router.get(
    "/{intervention}/effect.svg", operation_id="intervention-effect-plot", dependencies=[once],
    summary="Did it work, as a picture", response_class=Response, responses=_DRAWN | _ASKED,
)  # fmt: skip
def effect_plot(name: Name, question: Annotated[EffectQuestion, Query()], effects: WithEffects) -> Response:
    """Week by week what was counted and what was to be expected, and the change with its interval."""
    # Loaded when it is asked for: matplotlib takes longer than the start of the service.
    from aggregate.effects.plot import svg  # noqa: PLC0415 - see above

    found, measured = effects.effect(name, question.series)
    return Response(svg(measured, found), media_type="image/svg+xml", headers={"Cache-Control": "no-store"})


@registering.post(
    "", operation_id="intervention-add", summary="Register an intervention", response_model=InterventionRow,
    status_code=HTTPStatus.CREATED, responses=_CHANGED,
)  # fmt: skip
def add(new: NewIntervention, effects: WithEffects, room: InRoom, response: Response) -> InterventionRow:
    """Its zones have to be zones of a camera. Only for operators, from this machine."""
    places = {zone.id: camera for camera in room.answers.cameras() for zone in camera.counted_zones}
    expect_known("zone", (*new.zones, *new.spill_zones), places)
    first = places[new.zones[0]]
    if (new.lat is None) != (new.lon is None):
        raise QueryError("one of lat and lon is missing", remedy="give both, or neither")
    told = new.model_dump() | {
        "id": new.id or identifier_of(new.name, new.start.astimezone(ZoneInfo(first.timezone)), effects.register),
        "lat": first.lat if new.lat is None else new.lat,
        "lon": first.lon if new.lon is None else new.lon,
        "registered_at": room.clock.now(),
        **{name: _utc(getattr(new, name)) for name in ("start", "end", "works_from")},
    }
    try:
        made = Intervention.model_validate(told)
    except ValidationError as error:
        what = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise QueryError(what, remedy="see /docs for what an intervention is made of") from error
    effects.register.add(made)
    response.headers["Location"] = f"{PREFIX}/{made.id}"
    return intervention_row(made)


@registering.delete(
    "/{intervention}", operation_id="intervention-remove", summary="Strike an intervention",
    response_model=InterventionRow, responses=_CHANGED,
)  # fmt: skip
def remove(name: Name, effects: WithEffects) -> InterventionRow:
    """Takes it out of the register, and answers with what it was. Only for operators, from this machine."""
    return intervention_row(effects.register.remove(name))


def _utc(time: datetime | None) -> datetime | None:
    return None if time is None else time.astimezone(UTC)
