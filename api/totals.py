"""Sums over groups of zones, with what is missing in them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import pyarrow as pa
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import ConfigDict, Field

from aggregate.query import MAX_ROWS, ReadingQuery
from aggregate.totals import Grouping, addable, totals
from api.formats import Table, answer, chosen, offered
from api.parameters import Boxed, Compared, Counted, Formatted, OfKinds, OfPeriod, OfZones, from_field, once, to_field
from api.problems import NAMED_FAULTS
from api.room import InRoom
from api.rows import FIGURE, NUMBER, TEXT, TIME
from api.written import Moment
from core.config import Closed
from core.errors import QueryError
from core.records import TrustState, Window

router = APIRouter(prefix="/v1")

TOTALS_SCHEMA = pa.schema(
    {
        "group": TEXT,
        "class": TEXT,
        "window": TEXT,
        "start": TIME,
        "end": TIME,
        "counted": FIGURE,
        "counted_low": FIGURE,
        "counted_high": FIGURE,
        "baseline": FIGURE,
        "index": FIGURE,
        "index_low": FIGURE,
        "index_high": FIGURE,
        "zones": NUMBER,
        "zones_counted": NUMBER,
        "missing": pa.list_(TEXT),
        "baseline_missing": FIGURE,
        "coverage": FIGURE,
        "clips_counted": NUMBER,
        "clips_expected": NUMBER,
        "state": TEXT,
        "reason": TEXT,
    }
)


class TotalsQuestion(Counted, OfZones, OfKinds, Boxed, Compared, Formatted, OfPeriod):
    """Of which zones, added up how, over which time."""

    by: Grouping = Field(
        default=Grouping.ALL,
        description="what is added up: all zones asked for, those of each camera, of each kind",
        examples=["kind"],
    )
    start: Moment = from_field("a day before the end without it")
    end: Moment = to_field("the present without it")


class TotalRow(Closed):
    """One class of a group of zones in one window. `counted` is of the zones that were counted, never of the others."""

    model_config = ConfigDict(populate_by_name=True)

    group: str = Field(description="all, a camera's id, or a kind of zone", examples=["pavement"])
    series: str = Field(alias="class", description="what is counted", examples=["people"])
    window: Window = Field(description="width of the window", examples=["60m"])
    start: datetime = Field(description="first instant of the window, UTC", examples=["2017-03-09T08:00:00Z"])
    end: datetime = Field(description="instant before which the window ends, UTC", examples=["2017-03-09T09:00:00Z"])
    counted: float | None = Field(
        description="mean number present in the zones that were counted, added up; null where none was", examples=[41.2]
    )
    counted_low: float | None = Field(description="lower end of its 90 % interval", examples=[36.0])
    counted_high: float | None = Field(description="upper end of it", examples=[46.9])
    baseline: float | None = Field(
        description="what is there on average in usual windows of the zones that were counted; null where it is not "
        "known of one of them",
        examples=[38.0],
    )
    index: float | None = Field(
        description="`counted` over `baseline`: comparable whichever zones are missing", examples=[1.08]
    )
    index_low: float | None = Field(description="lower end of its 90 % interval", examples=[0.95])
    index_high: float | None = Field(description="upper end of it", examples=[1.23])
    zones: int = Field(description="zones in the group", examples=[12])
    zones_counted: int = Field(description="of these, zones with a figure in this window", examples=[11])
    missing: list[str] = Field(description="ids of the others", examples=[["06710:north"]])
    baseline_missing: float | None = Field(
        description="what is usual in those that are missing: an expectation, never part of `counted`; null where it "
        "is not known, or none is missing",
        examples=[3.1],
    )
    coverage: float = Field(description="mean share of the expected clips that were counted, 0..1", examples=[0.87])
    clips_counted: int = Field(description="clips counted in all zones together", examples=[156])
    clips_expected: int = Field(description="clips expected in all zones together", examples=[180])
    state: TrustState = Field(
        description="observed: every zone is; missing: none has a figure; partial: between them", examples=["partial"]
    )
    reason: str | None = Field(
        description="what is missing, and why; null where the state is observed",
        examples=["1 zone missing: 06710:north: no clip received"],
    )


class TotalsAnswer(Closed):
    """The sums asked for, in the order start, group, class."""

    totals: list[TotalRow]


@router.get(
    "/totals",
    operation_id="totals",
    dependencies=[once],
    tags=["analyst", "planner"],
    summary="Sums over zones, with what is missing in them",
    response_class=Response,
    responses=offered(TotalsAnswer) | NAMED_FAULTS,
)
def sums(request: Request, question: Annotated[TotalsQuestion, Query()], room: InRoom) -> Response:
    """One row for every group, class and window that begins in [from, to).

    A zone that was not counted is named and left out of `counted`, not taken for empty: compare windows by `index`,
    which holds what was counted against what is usual in those very zones.
    """
    dialect = chosen(question.format, request)
    end = question.end or room.answers.present() + timedelta(microseconds=1)
    query = ReadingQuery(
        zones=question.zone,
        cameras=question.camera,
        kinds=question.kind,
        series=question.classes,
        bbox=question.bbox,
        start=question.start or end - timedelta(days=1),
        end=end,
        window=question.window,
        reference=question.reference,
        limit=MAX_ROWS,
    )
    if room.answers.row_count(query) > MAX_ROWS:
        raise QueryError(f"more than {MAX_ROWS} readings would be added up", remedy="ask for a shorter period")
    zones = room.answers.zones(query)
    readings = addable(room.answers.readings(query), zones, room.answers.usual, question.reference)
    frame = totals(readings, zones, question.by)
    return answer(Table("totals", frame, TOTALS_SCHEMA, {}, camera_column="group"), dialect)
