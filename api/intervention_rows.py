"""What is told of interventions and of their effect; see `api/rows.py`."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

import numpy as np
import pyarrow as pa
from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field

from aggregate.effects.effect import Change, Checks, Course, Effect, EffectState, Method, ZoneChange
from aggregate.effects.words import headline, sentences
from api.rows import FIGURE, TEXT, TIME
from api.written import EARLIEST, LATEST
from core.config import Closed
from core.interventions import Intervention, InterventionKind
from core.records import REASON_LENGTH, Identifier

INTERVENTIONS_SCHEMA = pa.schema(
    {
        "id": TEXT,
        "name": TEXT,
        "kind": TEXT,
        "zones": pa.list_(TEXT),
        "spill_zones": pa.list_(TEXT),
        "lat": FIGURE,
        "lon": FIGURE,
        "start": TIME,
        "end": TIME,
        "works_from": TIME,
        "note": TEXT,
        "registered_by": TEXT,
        "registered_at": TIME,
    }
)


class InterventionRow(Closed):
    """One change of a street, as it is registered."""

    id: str = Field(description="id of the intervention", examples=["tooley-st-2026-05-04"])
    name: str = Field(description="what it is called", examples=["Tooley St: wider north pavement"])
    kind: InterventionKind = Field(description="what was done", examples=["wider_pavement"])
    zones: list[str] = Field(description="the zones it was made for", examples=[["06710:north"]])
    spill_zones: list[str] = Field(description="zones that may feel it too, so no controls", examples=[["06710:road"]])
    lat: float = Field(description="latitude, WGS84 degrees", examples=[51.5036])
    lon: float = Field(description="longitude, WGS84 degrees", examples=[-0.0780])
    start: datetime = Field(description="when it began, UTC", examples=["2026-05-04T00:00:00Z"])
    end: datetime | None = Field(description="when it ended, UTC; null where it stays", examples=[None])
    works_from: datetime | None = Field(
        description="when the works before it began, UTC: from then to `start` is neither before nor after; null where "
        "there were none",
        examples=["2026-04-20T00:00:00Z"],
    )
    note: str | None = Field(description="what else was said of it", examples=["scheme 117"])
    registered_by: str | None = Field(description="who registered it", examples=["streets team"])
    registered_at: datetime = Field(description="when it was registered, UTC", examples=["2026-05-01T09:00:00Z"])


class InterventionsAnswer(Closed):
    """Every intervention asked for, by start and id."""

    interventions: list[InterventionRow]


def _of_this_age(time: datetime) -> datetime:
    if not EARLIEST <= time < LATEST:
        raise ValueError(f"is outside {EARLIEST:%Y}..{LATEST:%Y}")
    return time


Instant = Annotated[AwareDatetime, AfterValidator(_of_this_age)]


class NewIntervention(Closed):
    """What is to be registered. Times are ISO 8601 with an offset."""

    id: Identifier | None = Field(
        default=None, description="its id; made of name and date without it", examples=["tooley-st-2026-05-04"]
    )
    name: str = Field(
        min_length=1, max_length=200, description="what it is called", examples=["Tooley St: wider north pavement"]
    )
    kind: InterventionKind = Field(description="what was done", examples=["wider_pavement"])
    zones: tuple[Identifier, ...] = Field(
        min_length=1, max_length=200, description="the zones it was made for", examples=[["06710:north"]]
    )
    spill_zones: tuple[Identifier, ...] = Field(
        default=(), max_length=2000, description="zones that may feel it too", examples=[["06710:road"]]
    )
    lat: float | None = Field(
        default=None, ge=-90, le=90, description="latitude; that of its first zone's camera without it", examples=[51.5]
    )
    lon: float | None = Field(default=None, ge=-180, le=180, description="longitude, as `lat`", examples=[-0.078])
    start: Instant = Field(description="when it began or begins", examples=["2026-05-04T00:00:00+01:00"])
    end: Instant | None = Field(default=None, description="when it ends; null where it stays", examples=[None])
    works_from: Instant | None = Field(
        default=None, description="when the works before it began", examples=["2026-04-20T00:00:00+01:00"]
    )
    note: str | None = Field(
        default=None, max_length=REASON_LENGTH, description="anything else", examples=["scheme 117"]
    )
    registered_by: str | None = Field(default=None, max_length=200, description="by whom", examples=["streets team"])


class Verdict(StrEnum):
    """The answer in a word."""

    FEWER = "fewer"
    MORE = "more"
    NOT_TOLD = "not_told"
    NONE = "none"


class ChangeRow(Closed):
    """A change as a share of what would have been without it: -0.2 is a fifth fewer."""

    change: float = Field(description="the change", examples=[-0.2])
    low: float = Field(description="lower end of its 90 % interval", examples=[-0.25])
    high: float = Field(description="upper end of its 90 % interval", examples=[-0.15])
    p_value: float = Field(description="how often chance alone gives a change of this size", examples=[0.0004])


class ZoneChangeRow(Closed):
    """One of several zones by itself. `change` is null where it alone carries none."""

    zone: str = Field(description="zone id", examples=["06710:north"])
    change: ChangeRow | None
    reason: str | None = Field(description="why there is no change", examples=["too few similar zones"])


class ChecksRow(Closed):
    """What else was asked of the same figures. Null where it could not be."""

    trend_feigns: float | None = Field(
        description="what the trend before it, continued, would make of the change", examples=[0.01]
    )
    trend_p_value: float | None = Field(description="how often chance gives such a trend", examples=[0.6])
    placebo_places: int = Field(description="other places that were asked the same", examples=[60])
    placebo_share: float | None = Field(
        description="the share of them, this one among them, that changed as much against their own noise",
        examples=[0.016],
    )
    placebo_in_time: ChangeRow | None
    clustered_error: float | None = Field(
        description="standard error of the change's logarithm by regression, clustered by zone and week; it is too "
        "small where few zones were treated, so the interval does not rest on it",
        examples=[0.02],
    )
    synthetic_change: float | None = Field(description="the change by synthetic control", examples=[-0.19])
    synthetic_fit_error: float | None = Field(
        description="root mean square of its misfit in the weeks before, as a logarithm", examples=[0.03]
    )


class EffectWeek(Closed):
    """One week; the mean of the weeks before is 1."""

    week: int = Field(description="counted from the intervention: -1 is the last before it, 0 the first", examples=[0])
    begins: date = Field(description="local date on which it begins", examples=["2026-05-04"])
    observed: float | None = Field(description="what was counted; null where too little was", examples=[0.79])
    expected: float | None = Field(description="what would have been without it", examples=[0.98])
    low: float | None = Field(description="nine of ten weeks would have been from here by chance", examples=[0.91])
    high: float | None = Field(description="to here", examples=[1.06])


class EffectAnswer(Closed):
    """What an intervention changed of one class. Where `state` is `refused`, `reason` says why and figures are null."""

    model_config = ConfigDict(populate_by_name=True)

    intervention: str = Field(description="id of the intervention", examples=["tooley-st-2026-05-04"])
    series: str = Field(alias="class", description="what is counted", examples=["people"])
    state: EffectState = Field(
        description="measured against controls, uncontrolled (against its own past alone), or refused",
        examples=["measured"],
    )
    reason: str | None = Field(description="why it is refused or uncontrolled", examples=[None])
    verdict: Verdict = Field(
        description="fewer or more: beyond chance (p below 0.05); not_told: chance could explain it; none: refused",
        examples=["fewer"],
    )
    headline: str = Field(
        description="the answer in one sentence",
        examples=["20 % fewer people than there would have been without it (90 % interval 15 to 25 % fewer)."],
    )
    words: list[str] = Field(
        description="the answer in sentences, the headline first",
        examples=[["20 % fewer people ...", "On average 5 were present at a time, where 6.3 were to be expected; ..."]],
    )
    method: Method | None = Field(description="what the answer rests on", examples=["difference_in_differences"])
    change: ChangeRow | None
    mean_before: float | None = Field(
        description="present at a time, on average over the week, in all its zones together, before", examples=[6.4]
    )
    mean_after: float | None = Field(description="the same after", examples=[5.0])
    mean_without: float | None = Field(description="the same after as it would have been without", examples=[6.3])
    controls_change: float | None = Field(description="the share by which the controls changed", examples=[-0.03])
    weeks_before: int = Field(description="weeks before with at least half of the usual counted", examples=[16])
    weeks_after: int = Field(description="weeks after with at least half of the usual counted", examples=[8])
    coverage_before: float | None = Field(
        description="share of the usual that fell into counted hours before, 0..1", examples=[0.96]
    )
    coverage_after: float | None = Field(description="the same after", examples=[0.94])
    controls: list[str] = Field(description="the zones it was compared with", examples=[["04254:pavement"]])
    zones: list[ZoneChangeRow] = Field(
        description="each of several zones by itself; empty where there is one", examples=[[]]
    )
    checks: ChecksRow
    warnings: list[str] = Field(description="what to take care of", examples=[[]])
    weeks: list[EffectWeek] = Field(description="week by week, as the plot draws it", examples=[[]])


def intervention_row(intervention: Intervention) -> InterventionRow:
    """As it is told."""
    return InterventionRow.model_validate(intervention.model_dump())


def effect_answer(intervention: Intervention, effect: Effect) -> EffectAnswer:
    """As it is told."""
    levels, coverage = effect.levels, effect.coverage
    return EffectAnswer(
        intervention=intervention.id,
        series=effect.series,
        state=effect.state,
        reason=effect.reason,
        verdict=_verdict(effect.change),
        headline=headline(effect),
        words=list(sentences(effect)),
        method=effect.method,
        change=_change(effect.change),
        mean_before=None if levels is None else levels.before,
        mean_after=None if levels is None else levels.after,
        mean_without=None if levels is None else levels.without,
        controls_change=None if levels is None else levels.controls_change,
        weeks_before=effect.weeks_before,
        weeks_after=effect.weeks_after,
        coverage_before=None if coverage is None else coverage[0],
        coverage_after=None if coverage is None else coverage[1],
        controls=list(effect.controls),
        zones=[_zone(one) for one in effect.zones],
        checks=_checks(effect.checks),
        warnings=list(effect.warnings),
        weeks=[] if effect.course is None else _weeks(effect.course),
    )


def _verdict(change: Change | None) -> Verdict:
    if change is None:
        return Verdict.NONE
    if not change.told:
        return Verdict.NOT_TOLD
    return Verdict.FEWER if change.change < 0 else Verdict.MORE


def _change(change: Change | None) -> ChangeRow | None:
    if change is None:
        return None
    return ChangeRow(change=change.change, low=change.low, high=change.high, p_value=change.p_value)


def _zone(zone: ZoneChange) -> ZoneChangeRow:
    return ZoneChangeRow(zone=zone.zone, change=_change(zone.change), reason=zone.reason)


def _checks(checks: Checks) -> ChecksRow:
    trend = checks.trend
    return ChecksRow(
        trend_feigns=None if trend is None else trend.feigned_change,
        trend_p_value=None if trend is None else trend.p_value,
        placebo_places=checks.placebo_places,
        placebo_share=checks.placebo_share,
        placebo_in_time=_change(checks.placebo_in_time),
        clustered_error=checks.clustered_error,
        synthetic_change=checks.synthetic_change,
        synthetic_fit_error=checks.synthetic_fit_error,
    )


def _weeks(course: Course) -> list[EffectWeek]:
    figures = zip(course.observed, course.expected, course.low, course.high, strict=True)
    return [
        EffectWeek(
            week=int(number), begins=begins.astype(object),
            **{name: None if np.isnan(value) else float(value) for name, value in zip(_FIGURES, row, strict=True)},
        )
        for number, begins, row in zip(course.number, course.begins, figures, strict=True)
    ]  # fmt: skip


_FIGURES = ("observed", "expected", "low", "high")
