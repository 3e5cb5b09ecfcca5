"""Weeks of zones, compared with each zone's own usual week before the intervention.

    hours before   the usual week: mean of each hour of the week, 168 figures a zone
    week w         level = log(all that was present in its observed hours / what is usual in the same hours)

So an hour that is missing is missing above and below the fraction: a week whose nights were lost does not look busy.
Weeks are counted from the intervention, local midnight to local midnight, so that each holds every day of the week
once:

    works_from        start
    -3 | -2 | -1 |xxxxxxx| 0 | 1 | 2        x: of neither; the part of a day in which it began is of neither too

Logarithms, because what changes a street changes it by a share of what it was (Angrist & Pischke 2009, Mostly Harmless
Econometrics, 5.2.1); of whole weeks, because single hours hold too few people for a logarithm, and because hours of
one day are not independent (Bertrand, Duflo & Mullainathan 2004, Quarterly Journal of Economics 119, 249-275: series
are best collapsed).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aggregate.effects.division import divided
from aggregate.history import History
from aggregate.local_time import clock_hours
from aggregate.tables import Integers, Mask, Numbers, Rows, Times
from aggregate.usual.calendar import Days, weekdays

DAYS, HOURS = 7, 24
SLOTS = DAYS * HOURS
WORKING_DAYS = 5

LEAST_OBSERVED = 0.5
"""The share of what is usual in a week that has to fall into observed hours."""

HALF = 0.5
"""Added to both sides of the fraction: an empty week is a fall to nearly nothing and no infinity."""

MOST_WEEKS = 26
"""On either side: what is farther away says little of what would have been without the intervention."""


@dataclass(frozen=True)
class Timing:
    """When it was: `before_until` <= `start`, UTC, datetime64[us]. Nothing at or after `end` is looked at; `ended` says
    that the intervention was over then, and not only what is stored.
    """

    before_until: np.datetime64
    start: np.datetime64
    end: np.datetime64
    ended: bool = False


@dataclass(frozen=True, eq=False)
class Panel(Rows):
    """Zones, one a row. `week` [week] numbers the weeks as above, `begins` [week] are the local dates they begin on.

    `observed` [zone, week] is the sum over the week's observed hours of what was present in each, `usual` the sum of
    what is usual in the same hours, `whole` that of all its hours; `profile` [zone, 168] is the usual week from Monday
    midnight on, local time, NaN where nothing tells.
    """

    observed: Numbers
    usual: Numbers
    whole: Numbers
    profile: Numbers
    calendar: Weeks

    @property
    def after(self) -> Mask:
        """Whether each week is one after the intervention, [week]."""
        return self.calendar.number >= 0

    @property
    def level(self) -> Numbers:
        """log(observed / usual), [zone, week]; NaN where too little of the week was observed."""
        return levels(self.observed, self.usual, self.whole)

    @property
    def coverage(self) -> Numbers:
        """The share of the usual week that fell into observed hours, 0..1, [zone, week]."""
        return coverage(self.usual, self.whole)

    @property
    def present(self) -> Numbers:
        """How many were present on average in the usual week, [zone]."""
        return mean_present(self.profile)

    @property
    def shape(self) -> Numbers:
        """How the usual week is spread over the hours of working days and of Saturday and Sunday, [zone, 48], sum 1."""
        return shape_of(self.profile)

    def together(self, groups: NDArray[np.bool_]) -> Panel:
        """Groups of zones as if each were one zone: what was present in all of them, `groups` [group, zone].

        An hour that is missing in one of them is missing for that zone alone.
        """
        members = groups.astype(np.float64)
        known = ~np.isnan(self.profile)
        summed = members @ np.where(known, self.profile, 0.0)
        return Panel(
            observed=members @ self.observed,
            usual=members @ self.usual,
            whole=members @ self.whole,
            profile=np.where(members @ known > 0, summed, np.nan),
            calendar=self.calendar,
        )


@dataclass(frozen=True, eq=False)
class Weeks:
    """Of a panel: `number` counts from the intervention, negative before it; each `begins` on this local date."""

    number: Integers
    begins: Days

    def __len__(self) -> int:
        return len(self.number)


def levels(observed: Numbers, usual: Numbers, whole: Numbers) -> Numbers:
    """The logarithm of what was observed as a share of what is usual; NaN below `LEAST_OBSERVED`."""
    enough = coverage(usual, whole) >= LEAST_OBSERVED
    return np.where(enough, np.log((observed + HALF) / (usual + HALF)), np.nan)


def coverage(usual: Numbers, whole: Numbers) -> Numbers:
    """The share of what is usual that fell into observed hours; 0 where nothing is."""
    return divided(usual, whole, otherwise=0.0)


def mean_present(profile: Numbers) -> Numbers:
    """The mean of usual weeks [zone, 168]; NaN where nothing is known."""
    known = ~np.isnan(profile)
    return _mean(np.where(known, profile, 0.0).sum(axis=1), known.sum(axis=1).astype(np.float64))


def shape_of(profile: Numbers) -> Numbers:
    """Usual weeks [zone, 168] as shares of working days' and weekends' hours, [zone, 48]; zeros where none is known."""
    parts = _by_kind_of_day(np.where(np.isnan(profile), 0.0, profile))
    total = parts.sum(axis=1, keepdims=True)
    return divided(parts, total, otherwise=0.0)


def build(history: History, timing: Timing, off_days: Days | None = None) -> Panel:
    """The panel of an hourly history; the local dates of `off_days` (public holidays) are left out of everything.

    Raises `ValueError` for a history of another step.
    """
    if history.step_s != 3600:
        raise ValueError(f"a panel is made of hours, got steps of {history.step_s} s")
    day, slot = _local(history.starts, history.timezone)
    edges = _local_dates(timing, history.timezone)
    week = _week_of(day, edges)
    off = np.zeros(0, dtype="datetime64[D]") if off_days is None else off_days
    columns = np.flatnonzero(
        (np.abs(week + HALF) < MOST_WEEKS + HALF) & (history.starts < timing.end) & ~np.isin(day, off)
    )
    week, slot = week[columns], slot[columns]
    numbers = np.unique(week)
    value = history.value[:, columns].astype(np.float64)
    profile = usual_week(value[:, week < 0], slot[week < 0])
    known = ~np.isnan(value) & ~np.isnan(profile[:, slot])
    expected = np.where(np.isnan(profile), 0.0, profile)
    begins = np.where(numbers < 0, *edges) + (numbers * DAYS).astype("timedelta64[D]")
    return Panel(
        observed=_by_week(np.where(known, value, 0.0), week, numbers),
        usual=_by_week(np.where(known, expected[:, slot], 0.0), week, numbers),
        whole=_whole(expected, begins, off),
        profile=profile,
        calendar=Weeks(numbers, begins),
    )


def _whole(profile: Numbers, begins: Days, off_days: Days) -> Numbers:
    """The sum of all hours of each week, [zone, week], whether the history reaches over it or not."""
    days = begins[:, None] + np.arange(DAYS)
    of_day = profile.reshape(len(profile), DAYS, HOURS).sum(axis=2)
    whole: Numbers = (of_day[:, weekdays(days)] * ~np.isin(days, off_days)).sum(axis=2)
    return whole


def usual_week(value: Numbers, slot: Integers) -> Numbers:
    """The mean of each hour of the week, [zone, 168], of values [zone, step] in the slots [step] 0..167.

    An hour in which nothing was ever observed is as that hour of the other working days, or of the other weekend day.
    """
    total, count = _sums(value, slot)
    alike = _mean(_by_kind_of_day(total), _by_kind_of_day(count))
    kind = np.arange(SLOTS) % HOURS + HOURS * (np.arange(SLOTS) >= WORKING_DAYS * HOURS)
    return np.where(count > 0, _mean(total, count), alike[:, kind])


def _sums(value: Numbers, slot: Integers) -> tuple[Numbers, Numbers]:
    """Sum and count of what is known in each slot of the week, [zone, 168]."""
    total, count = np.zeros((len(value), SLOTS)), np.zeros((len(value), SLOTS))
    if len(slot):
        order = np.argsort(slot, kind="stable")
        held, first = np.unique(slot[order], return_index=True)
        sorted_value = value[:, order]
        known = ~np.isnan(sorted_value)
        total[:, held] = np.add.reduceat(np.where(known, sorted_value, 0.0), first, axis=1)
        count[:, held] = np.add.reduceat(known, first, axis=1, dtype=np.float64)
    return total, count


def _by_kind_of_day(of_week: Numbers) -> Numbers:
    """Sums of the hours of working days, then of weekends, [zone, 48], of those of the week, [zone, 168]."""
    days = of_week.reshape(len(of_week), DAYS, HOURS)
    return np.concatenate([days[:, :WORKING_DAYS].sum(axis=1), days[:, WORKING_DAYS:].sum(axis=1)], axis=1)


def _mean(total: Numbers, count: Numbers) -> Numbers:
    return divided(total, count, otherwise=np.nan)


def _by_week(value: Numbers, week: Integers, numbers: Integers) -> Numbers:
    """Sums of the steps of each week, [zone, week]; the steps are in the order of time."""
    if not len(numbers):
        return np.zeros((len(value), 0))
    return np.add.reduceat(value, np.searchsorted(week, numbers), axis=1)


def _local(starts: Times, timezone: str) -> tuple[Days, Integers]:
    """The local date and the hour of the local week (0 is Monday from midnight) of each step."""
    hours = clock_hours(starts, timezone)
    day = (hours // HOURS).astype("datetime64[D]")
    return day, weekdays(day) * HOURS + hours % HOURS


def _local_dates(timing: Timing, timezone: str) -> tuple[np.datetime64, np.datetime64]:
    """The local date before whose midnight all is before it, and from whose midnight on all is after it."""
    edges = pd.DatetimeIndex([timing.before_until, timing.start]).tz_localize("UTC").tz_convert(timezone)
    last, first = edges.tz_localize(None).to_numpy().astype("datetime64[us]")
    whole = first.astype("datetime64[D]")
    return last.astype("datetime64[D]"), whole if whole == first else whole + np.timedelta64(1, "D")


def _week_of(day: Days, edges: tuple[np.datetime64, np.datetime64]) -> Integers:
    """The number of the week each local date is of; beyond all weeks where it is of neither."""
    last, first = edges
    before, after = (day - last).astype(np.int64), (day - first).astype(np.int64)
    neither = np.int64(10 * MOST_WEEKS)
    return np.where(before < 0, before // DAYS, np.where(after >= 0, after // DAYS, neither))
