"""What comes next: a forecast of hours ahead with 90 % intervals, from the last hours seen and what is usual.

    root[t + ahead] = profile + scale * weights . signals
    low, high       = profile + scale * (weights . signals + restlessness * tails)

    running profiles      weekly.py      what the hour of the week was, over several memories, holidays apart
    signals               signals.py     how far the last hours, days and weeks were off it, here and everywhere
    weights and tails     carrying.py    how such deviations carry on, and how far they are missed, learnt from the past

For each number of hours ahead this is learnt anew, not stepped through, for errors of steps add up (a direct forecast;
Taieb and others 2012, Expert Systems with Applications 39, 7067-7083). It follows a street faster than a baseline does:
what is usual should not move with a month of works, what comes tomorrow does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aggregate.history import History
from aggregate.tables import Numbers
from aggregate.usual.baseline import expect
from aggregate.usual.baselines import BaselineTable
from aggregate.usual.calendar import Calendar, weekdays
from aggregate.usual.carrying import MOST_AHEAD, PARTS, Carried, between, learnt
from aggregate.usual.days import HOURS, WEEK, DayGrid, Roots
from aggregate.usual.effects import Effects
from aggregate.usual.model import day_types
from aggregate.usual.policy import UsualPolicy
from aggregate.usual.signals import restlessness, scene, signals
from aggregate.usual.spreads import RECENT_DAYS, hourly_spread
from aggregate.usual.weekly import MIDDLE, profiles, running_effects
from core.records import Window
from core.root_scale import OFFSET

HOUR_S = 3600

SEEN_WEEKS = 66
"""Weeks of the past that a forecast looks at, once it has learnt: enough for a year ago and the longest memory."""


@dataclass(frozen=True, eq=False)
class Forecast:
    """Of each zone the hours to come: arrays [zone, ahead] in the unit of the history, NaN where nothing can be said.

    Half of such hours exceed `expected`; nine in ten lie within [`low`, `high`].
    """

    expected: Numbers
    low: Numbers
    high: Numbers


@dataclass(frozen=True, eq=False)
class Carry:
    """What was learnt of `zones` for up to `horizon` hours ahead; `scale` [zone, kind of day, hour]."""

    zones: tuple[str, ...]
    horizon: int
    effects: Effects
    scale: Roots
    carried: Carried


def learn(history: History, calendar: Calendar, policy: UsualPolicy, *, horizon: int = MOST_AHEAD) -> Carry:
    """From an hourly past how deviations carry on, up to `horizon` hours (168 at most): once a week is often enough.

    Costs a few seconds for forty zones, and some 150 bytes of memory for each of their hours. Zones learn from each
    other, so give those of a city together, some hundreds at most. Raises `ValueError` for steps that are no hours.
    """
    _check(history, horizon)
    past = _newest(history, policy.history_weeks)
    grid = DayGrid.of(past)
    kinds = calendar.kinds(grid.days)
    effects = running_effects(grid, kinds)
    running = profiles(grid, kinds, effects)
    recent = slice(-RECENT_DAYS, None)
    level = running[MIDDLE][:, recent]
    scale = hourly_spread(grid.root[:, recent] - level, level, day_types(weekdays(grid.days[recent])))
    return Carry(history.zones, horizon, effects, scale, learnt(scene(grid, running, scale), horizon))


def forecast(
    history: History,
    baselines: BaselineTable | None,
    calendar: Calendar,
    *,
    horizon: int,
    policy: UsualPolicy,
    carry: Carry | None = None,
) -> Forecast:
    """The `horizon` hours (168 at most) that follow the last step of an hourly `history`.

    `baselines`, a row for each zone, serve hours of which the zone's own past says nothing; without `carry` it is
    learnt here, from `history`. Raises `ValueError` for steps that are no hours and for what was learnt of other zones.
    """
    _check(history, horizon)
    own = _own(history, calendar, policy, carry, horizon)
    return own if baselines is None else _filled(own, history, baselines, calendar)


def _own(history: History, calendar: Calendar, policy: UsualPolicy, carry: Carry | None, horizon: int) -> Forecast:
    """From the zones' own past; NaN where that says nothing of an hour."""
    if history.value.size == 0:
        return Forecast(*(np.full((len(history.zones), horizon), np.nan) for _ in range(3)))
    learned = carry or learn(history, calendar, policy, horizon=horizon)
    if learned.zones != history.zones or learned.horizon < horizon:
        raise ValueError(
            f"what was learnt is of {len(learned.zones)} zones and {learned.horizon} hours ahead, "
            f"not of these {len(history.zones)} and {horizon}"
        )
    return _made(_newest(history, SEEN_WEEKS), calendar, learned, horizon)


def _check(history: History, horizon: int) -> None:
    if history.step_s != HOUR_S:
        raise ValueError(f"forecasts are made from hours, got steps of {history.step_s} s")
    if not 1 <= horizon <= MOST_AHEAD:
        raise ValueError(f"a forecast reaches from 1 to {MOST_AHEAD} hours ahead, not {horizon}")


def _newest(history: History, weeks: int) -> History:
    return history.between(history.end - np.timedelta64(weeks * WEEK, "D"), history.end)


def _made(past: History, calendar: Calendar, learned: Carry, horizon: int) -> Forecast:
    grid = DayGrid.of(past, ahead=horizon)
    running = profiles(grid, calendar.kinds(grid.days), learned.effects)
    ready = scene(grid, running, learned.scale)
    origin, target = grid.column[past.steps - 1], grid.column[past.steps :]
    aheads = np.arange(1, horizon + 1)
    share, hour = between(aheads), target % HOURS
    known = signals(ready, np.full(horizon, origin), target)
    weights = np.einsum("la,azlp->zlp", share, learned.carried.weights[:, :, hour])
    tails = np.einsum("la,azlt->zlt", share, learned.carried.tails[:, :, hour * PARTS // HOURS])
    tails *= restlessness(ready, np.full(1, origin))[..., None]
    level, scale = ready.level[:, target], ready.scale[:, target]
    off = (known * weights).sum(axis=2)
    expected, low, high = (
        _counts(level + scale * (off + more))
        for more in (0, np.minimum(tails[..., 0], 0), np.maximum(tails[..., 1], 0))
    )
    return Forecast(expected, low, high)


def _filled(own: Forecast, history: History, baselines: BaselineTable, calendar: Calendar) -> Forecast:
    """What is usual, where a zone's own past says nothing."""
    if tuple(baselines.zone) != history.zones:
        raise ValueError("a forecast takes one baseline for each of its zones, in their order")
    ahead = np.arange(own.expected.shape[1]) * np.timedelta64(HOUR_S, "s")
    usual = expect(baselines, Window.HOUR, history.end + ahead, history.timezone, calendar)
    lacking = np.isnan(own.expected)
    return Forecast(
        np.where(lacking, usual.expected, own.expected),
        np.where(lacking, usual.low, own.low),
        np.where(lacking, usual.high, own.high),
    )


def _counts(root: Roots) -> Numbers:
    return np.asarray(np.maximum(np.square(np.maximum(root, 0)) - OFFSET, 0), dtype=np.float64)
