"""Everything that a report tells, asked of the answers that the API gives: nothing is worked out for it alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from aggregate.answers import Answers
from aggregate.comparisons import Comparison, compare
from aggregate.effects.effect import Effect
from aggregate.effects.effect_answers import EffectAnswers
from aggregate.grid import ZoneOfCamera
from aggregate.level_change import LevelChange, level_change
from aggregate.local_time import local_hours
from aggregate.query import MAX_ROWS, ReadingQuery
from aggregate.tables import Numbers
from aggregate.totals import Grouping, addable, totals
from aggregate.usual_answers import UsualAnswers
from core.errors import NotFound, QueryError
from core.interventions import Intervention
from core.records import Window

MOST_DAYS = 92
RANKED = 10
MOST_HOURLY = timedelta(days=7)
_CHUNK = 200


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What a report is of: zones, by what they are called together, one series, and whole hours [start, end)."""

    place: str
    zones: tuple[ZoneOfCamera, ...]
    series: str
    start: datetime
    end: datetime
    outlines: Mapping[str, Any] | None = None


@dataclass(frozen=True, eq=False)
class Facts:
    """`whole` [1, 1]: all zones together; `days`, `hours`: `aggregate.totals.TOTAL_COLUMNS` by local day, and by hour
    of the last week; `places`: `aggregate.comparisons.COMPARISON_COLUMNS` by zone; `week` [weekday, hour]: what was
    counted over what is usual, NaN where nothing was; `priorities`, `changes` as /v1/priorities and /v1/changes have
    them; `effects` of the interventions whose zones are among these; `cameras`: camera, name, coverage (0..1), lost_h,
    why."""

    scope: Scope
    whole: LevelChange
    days: pd.DataFrame
    hours: pd.DataFrame
    places: pd.DataFrame
    week: Numbers
    priorities: pd.DataFrame
    changes: pd.DataFrame
    effects: tuple[tuple[Intervention, Effect], ...]
    cameras: pd.DataFrame


def gathered(answers: Answers, effects: EffectAnswers | None, scope: Scope) -> Facts:
    """Raises `QueryError` for a scope with no zone in it or of too long a period, and as the answers do."""
    if not scope.zones:
        raise QueryError(
            f"no counted zone is in {scope.place}", remedy="/v1/zones lists them; name a district, cameras or a bbox"
        )
    if scope.end - scope.start > timedelta(days=MOST_DAYS):
        raise QueryError(f"a report is of {MOST_DAYS} days at most", remedy="ask for a part of the period")
    if scope.end <= scope.start:
        raise NotFound("nothing is stored of that period", remedy="give another: /v1/extent has what is stored")
    zones, period = list(scope.zones), {"start": scope.start, "end": scope.end}
    asked = Comparison(series=(scope.series,), start=scope.start, end=scope.end)
    whole, week = _levels(answers.usual, scope)
    return Facts(
        scope=scope,
        whole=whole,
        days=_totals(answers, scope, Window.DAY),
        hours=_totals(answers, scope, Window.HOUR, scope.end - MOST_HOURLY),
        places=compare(answers.usual, zones, asked),
        week=week.ratio.reshape(7, 24),
        priorities=answers.unusual.priorities(zones, (scope.series,), **period, limit=RANKED).frame,
        changes=answers.unusual.changes(zones, (scope.series,), **period).frame,
        effects=() if effects is None else _effects(effects, scope),
        cameras=_cameras(answers, scope),
    )


def _totals(answers: Answers, scope: Scope, window: Window, not_before: datetime | None = None) -> pd.DataFrame:
    zones = list(scope.zones)
    query = ReadingQuery(
        zones=tuple(one.zone.id for one in zones), series=(scope.series,), window=window,
        start=max(scope.start, not_before or scope.start), end=scope.end, limit=MAX_ROWS,
    )  # fmt: skip
    return totals(addable(answers.readings(query), zones, answers.usual), zones, Grouping.ALL)


def _levels(usual: UsualAnswers, scope: Scope) -> tuple[LevelChange, LevelChange]:
    """All zones together as one place: what was counted against what is usual in the very same zones and hours, over
    the whole period [1, 1], and by hour of the week [1, 168] from Monday midnight. Errors of what is usual are those of
    single zones, independent of each other."""
    counted, expected, variance = (np.zeros(0),) * 3
    starts = np.empty(0, dtype="datetime64[us]")
    for zones in _chunks(scope.zones):
        field = usual.field(zones, scope.series, Window.HOUR, scope.start, scope.end)
        level, error = field.usual.expectation.mean, field.usual.expectation.error
        both = ~np.isnan(field.history.value) & ~np.isnan(level)
        sums = [np.where(both, values, 0.0).sum(axis=0) for values in (field.history.value, level, np.square(error))]
        if not len(starts):
            starts, (counted, expected, variance) = field.history.starts, sums
        else:
            counted, expected, variance = counted + sums[0], expected + sums[1], variance + sums[2]
    local = local_hours(starts, scope.zones[0].camera.timezone)
    known = np.where(expected > 0, 1.0, np.nan)
    together = [(values * known)[None] for values in (counted, expected, np.sqrt(variance))]
    whole = level_change(*together, day=local.day, level=local.week_hour, cell=np.zeros_like(local.day), cells=1)
    return whole, level_change(*together, day=local.day, level=local.week_hour, cell=local.week_hour, cells=168)


def _chunks(zones: Sequence[ZoneOfCamera]) -> list[list[ZoneOfCamera]]:
    """Of one time zone each, and few enough for their hours to fit into memory."""
    found = []
    for timezone in sorted({one.camera.timezone for one in zones}):
        held = [one for one in zones if one.camera.timezone == timezone]
        found += [held[first : first + _CHUNK] for first in range(0, len(held), _CHUNK)]
    return found


def _effects(effects: EffectAnswers, scope: Scope) -> tuple[tuple[Intervention, Effect], ...]:
    """Of those that had begun by the end of the period and were made for a zone of it."""
    ours = {one.zone.id for one in scope.zones}
    begun = [one for one in effects.interventions() if ours.intersection(one.zones) and one.start < scope.end]
    return tuple((one, effects.measured(one, scope.series)) for one in begun)


def _cameras(answers: Answers, scope: Scope) -> pd.DataFrame:
    """How much of each camera there is, and how long it gave nothing, the least first."""
    ids = tuple(dict.fromkeys(one.camera.id for one in scope.zones))
    query = ReadingQuery(
        cameras=ids, series=(scope.series,), window=Window.DAY, start=scope.start, end=scope.end, limit=MAX_ROWS
    )
    rows = answers.readings(query)
    covered = rows.groupby("camera")["coverage"].mean()
    found = []
    for one in {one.camera.id: one.camera for one in scope.zones}.values():
        health = answers.health.of(one.id, scope.start, scope.end)
        lost = health.outages
        hours = (
            sum((stretch.duration.total_seconds() for stretch in lost), 0.0) / 3600
            if health.uptime is not None
            else np.nan
        )
        longest = max(lost, key=lambda stretch: stretch.duration, default=None)
        found.append({
            "camera": one.id, "name": one.name, "coverage": float(covered.get(one.id, 0.0)), "lost_h": hours,
            "why": None if longest is None else longest.reason or longest.state.value,
        })  # fmt: skip
    return pd.DataFrame(found).sort_values(["coverage", "camera"], ignore_index=True)
