"""What is usual in zones: fitted from their past, and told of any window.

    history --DayGrid--> levels --> what is left over --> BaselineTable --> Expectation
                         week_fit.py  spreads.py                         telling.py

What a few strange weeks did does not move it. What most zones share, as the season, it follows within weeks; what one
zone does alone, within months.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from aggregate.history import History
from aggregate.tables import Integers, Mask, Numbers, Text, Times, moment, text
from aggregate.usual.baselines import ROLLING, BaselineState, BaselineTable, Expectation
from aggregate.usual.calendar import Calendar
from aggregate.usual.days import HOURS, WEEK, DayGrid, Roots
from aggregate.usual.model import NAME, SIZE, WeekModel
from aggregate.usual.policy import UsualPolicy
from aggregate.usual.pooling import LEAST_ALIKE
from aggregate.usual.quantiles import median
from aggregate.usual.spreads import spreads
from aggregate.usual.telling import nothing, quarter_levels, told
from aggregate.usual.week_fit import WeekFit, week_fit
from core.records import Window

HOUR_S, QUARTER_S = 3600, 900

LEAST_SLOTS = 0.5
"""Of the hours of the week, so many have to be known for a week of its own: a camera may be blind at night."""

MEDIAN_ERROR = 1.25
"""By how much the standard error of a median is above that of a mean, of normal values: sqrt(pi / 2)."""


def fit(
    history: History,
    calendar: Calendar,
    policy: UsualPolicy,
    *,
    until: datetime,
    built_at: datetime,
    groups: Sequence[str] | None = None,
    quarters: History | None = None,
    reference: str = ROLLING,
) -> BaselineTable:
    """The baselines of the zones of an hourly `history`, from what it holds before `until`: one row a zone.

    `groups`: of each zone what it is alike with (a zone's kind), for a new one borrows from its own; without it all are
    alike. `quarters`: the same zones by 15 minutes, of the last weeks, tells how single quarters spread; without it
    that is worked out from the clips of an hour. Raises `ValueError` where the steps are not an hour and a quarter.
    """
    _check(history, quarters)
    end = moment(until)
    past = history.between(end - np.timedelta64(policy.history_weeks * WEEK, "D"), end)
    zones = len(past.zones)
    hours = np.isfinite(past.value).sum(axis=1)
    weeks = hours / (WEEK * HOURS)
    parameters = np.full((zones, SIZE), np.nan, dtype=np.float32)
    state, reason = _nothing_yet(zones, hours, policy)
    if (hours >= policy.least_hours).any():
        grid = DayGrid.of(past)
        enough = (weeks >= policy.least_weeks) & (_slots_seen(grid) >= LEAST_SLOTS)
        fitted = week_fit(grid, _weights(past, grid), calendar, policy, enough=enough, groups=groups)
        state, reason = _states(hours, enough, fitted, policy)
        usable = np.isin(state, (BaselineState.OK.value, BaselineState.BORROWED.value))
        parameters[usable] = _model(past, grid, fitted, quarters, calendar).packed()[usable]
    return BaselineTable(
        model=NAME,
        reference=reference,
        zone=text(past.zones),
        series=text([past.series] * zones),
        since=np.full(zones, past.start, dtype="datetime64[us]"),
        until=np.full(zones, end, dtype="datetime64[us]"),
        built_at=np.full(zones, moment(built_at), dtype="datetime64[us]"),
        weeks=weeks,
        state=state,
        reason=reason,
        parameters=parameters,
    )


def expect(baselines: BaselineTable, window: Window, starts: Times, timezone: str, calendar: Calendar) -> Expectation:
    """What is usual in windows of this width that begin at `starts` (UTC): arrays [row, start].

    Windows of one and five minutes are NaN: too short to compare. Raises `ValueError` where the baselines are of a
    model of another name.
    """
    if len(baselines) == 0 or len(starts) == 0:
        return nothing(len(baselines), len(starts))
    if baselines.model != NAME:
        raise ValueError(
            f"baselines of model {baselines.model!r} cannot be read as {NAME!r}: they have to be built anew"
        )
    return told(WeekModel.unpacked(baselines.parameters), window, starts, timezone, calendar)


def _check(history: History, quarters: History | None) -> None:
    if history.step_s != HOUR_S:
        raise ValueError(f"a baseline is fitted from hours, got steps of {history.step_s} s")
    if quarters is not None and (quarters.step_s != QUARTER_S or quarters.zones != history.zones):
        raise ValueError(f"quarters are steps of {QUARTER_S} s of the same zones, got steps of {quarters.step_s} s")


def _slots_seen(grid: DayGrid) -> Numbers:
    """[zone]: of the hours of the week the share that was ever seen."""
    by_week = np.isfinite(grid.root).reshape(len(grid.root), -1, WEEK * HOURS)
    share: Numbers = by_week.any(axis=1).mean(axis=1)
    return share


def _weights(past: History, grid: DayGrid) -> Roots:
    """[zone, day, hour]: how much an hour says. Half as many clips as usual say nearly all; fewer say as much less."""
    usual = _usual_clips(past)
    share = np.minimum(past.clips / np.maximum(usual[:, None] / 2, 1), 1).astype(np.float32)
    return grid.laid_out(share)


def _usual_clips(past: History) -> Roots:
    """[zone]: how many clips stand behind an hour that has any."""
    return np.nan_to_num(median(np.where(past.clips > 0, past.clips, np.nan).astype(np.float32), 1), nan=1.0)


def _model(past: History, grid: DayGrid, fitted: WeekFit, quarters: History | None, calendar: Calendar) -> WeekModel:
    zones = len(past.zones)
    plain = np.zeros((zones, 2), dtype=np.float32)
    effects = fitted.effects
    model = WeekModel(
        week=fitted.week, holiday=effects.holiday, eve=effects.eve, bridge=effects.bridge, school=effects.school,
        season=fitted.season, spread=np.zeros((zones, 3, HOURS), np.float32), error=_errors(fitted),
        tails=np.zeros((zones, 3, 2), np.float32), quarter=plain, day=plain,
    )  # fmt: skip
    off = None if quarters is None else _off(model, quarters, calendar)
    borrowed = fitted.drawn.borrowed * fitted.drawn.distance
    around = spreads(
        grid, fitted.expected, leverage=fitted.leverage, shape_error=borrowed, clips_an_hour=_usual_clips(past),
        quarters=off,
    )  # fmt: skip
    return WeekModel(
        week=model.week, holiday=model.holiday, eve=model.eve, bridge=model.bridge, school=model.school,
        season=model.season, spread=around.spread, error=model.error,
        tails=around.tails, quarter=around.quarter, day=around.day,
    )  # fmt: skip


def _off(model: WeekModel, quarters: History, calendar: Calendar) -> Roots:
    """[zone, quarter]: how far single quarters were off their level, on the root scale."""
    level, _ = quarter_levels(model, quarters.starts, quarters.timezone, calendar)
    return np.asarray(np.sqrt(np.maximum(quarters.value, 0) + np.float32(0.375)) - level, dtype=np.float32)


def _errors(fitted: WeekFit) -> Roots:
    """[zone, 2]: see `WeekModel.error`. What weeks tell of their mean; what is borrowed, and how the city drifts."""
    from_weeks = MEDIAN_ERROR / np.sqrt(np.maximum(fitted.behind, 0.5))
    from_others = np.hypot(fitted.drawn.borrowed * fitted.drawn.distance, fitted.drift_error)
    return np.stack([from_weeks, from_others], axis=1).astype(np.float32)


def _nothing_yet(zones: int, hours: Integers, policy: UsualPolicy) -> tuple[Text, Text]:
    state = text([BaselineState.INSUFFICIENT_HISTORY.value] * zones)
    return state, text([_too_little(int(seen), policy) for seen in hours])


def _states(hours: Integers, enough: Mask, fitted: WeekFit, policy: UsualPolicy) -> tuple[Text, Text]:
    state, reason = _nothing_yet(len(hours), hours, policy)
    for row, seen in enumerate(hours):
        if enough[row]:
            state[row], reason[row] = BaselineState.OK.value, None
        elif seen >= policy.least_hours and fitted.drawn.alike[row] >= LEAST_ALIKE:
            state[row] = BaselineState.BORROWED.value
            reason[row] = (
                f"{_weeks(int(seen))} of its own past; "
                f"the shape of the week is that of {fitted.drawn.alike[row]} zones like it"
            )
        elif seen >= policy.least_hours:
            reason[row] = f"{_too_little(int(seen), policy)}, and too few zones like it have a past to borrow from"
    return state, reason


def _too_little(hours: int, policy: UsualPolicy) -> str:
    return f"{_weeks(hours)} of its own past, {policy.least_weeks:g} weeks are needed"


def _weeks(hours: int) -> str:
    """A length in words: hours below two days, days below two weeks."""
    if hours < 2 * HOURS:
        return f"{hours} hours"
    if hours < 2 * WEEK * HOURS:
        return f"{hours / HOURS:.0f} days"
    return f"{hours / HOURS / WEEK:.1f} weeks"
