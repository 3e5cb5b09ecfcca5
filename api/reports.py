"""A planner's report of a district and a period, as a page or a PDF."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import Field

from aggregate.answers import Answers
from aggregate.effects.effect_answers import EffectAnswers
from api.parameters import Boxed, OfCameras, OfKinds, OfOneClass, once
from api.problems import documented
from api.room import About, InRoom
from api.written import Day

router = APIRouter(prefix="/v1")

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""Of the page: its style and its drawings stand in it, and it asks for nothing."""


class ReportFormat(StrEnum):
    """What a report is written as."""

    HTML = "html"
    PDF = "pdf"


class ReportQuestion(OfCameras, OfKinds, Boxed, OfOneClass):
    """Of which district or cameras, which days, which class."""

    district: str | None = Field(
        default=None, min_length=1, max_length=200, description="the name of an area of the map's outlines",
        examples=["Southwark"],
    )  # fmt: skip
    first: Day = Field(
        default=None, description="first local day; four weeks before the last without it", examples=["2026-02-09"]
    )
    last: Day = Field(
        default=None, description="last local day, included; yesterday without it", examples=["2026-03-08"]
    )
    format: ReportFormat = Field(
        default=ReportFormat.HTML, description="html: a page, all in one file; pdf: A4", examples=["pdf"]
    )


@router.get(
    "/report",
    operation_id="report",
    dependencies=[once],
    tags=["planner"],
    summary="A report of a district and a period",
    response_class=Response,
    responses={
        200: {
            "description": "The report in the format asked for.",
            "content": {
                "text/html": {"schema": {"type": "string"}},
                "application/pdf": {"schema": {"type": "string", "format": "binary"}},
            },
        },
        **documented(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE),
    },
)
def report(request: Request, question: Annotated[ReportQuestion, Query()], room: InRoom) -> Response:
    """How busy it was against what is usual, where and when; where to act first; what changed; whether it worked; what
    is missing; how the figures are made and what they cannot say. At most 92 days."""
    content = made(question, room.answers, request.app.state.effects, room.about, room.clock.now())
    if question.format is ReportFormat.PDF:
        named = {"Content-Disposition": 'inline; filename="busyness-report.pdf"'}
        return Response(content, media_type="application/pdf", headers=named)
    return Response(content, media_type="text/html", headers={"Content-Security-Policy": POLICY})


def made(
    question: ReportQuestion, answers: Answers, effects: EffectAnswers | None, about: About, now: datetime
) -> bytes:
    """The report as a file. Raises `NotFound`, `QueryError`, `StoreError`."""
    # matplotlib and fpdf2 are 60 MB that most installations never need.
    from api.report.facts import gathered  # noqa: PLC0415 - see above
    from api.report.page import page  # noqa: PLC0415 - see above
    from api.report.pdf import pdf  # noqa: PLC0415 - see above
    from api.report.scope import scope_of  # noqa: PLC0415 - see above
    from api.report.writing import written  # noqa: PLC0415 - see above

    scope = scope_of(
        answers, about.outlines, series=question.series, first=question.first, last=question.last,
        district=question.district, bbox=question.bbox, cameras=question.camera, kinds=question.kind,
    )  # fmt: skip
    document = written(gathered(answers, effects, scope), about.name, now)
    return pdf(document) if question.format is ReportFormat.PDF else page(document).encode()
