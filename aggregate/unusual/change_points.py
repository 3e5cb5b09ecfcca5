"""Levels that change and stay so: change points of daily levels, without what is usual in a week or common to a city.

The level of a day is log(counted / usual of the hours counted), where usual is the zone's own mean by hour of the week
in the period: a day of which the nights are missing is compared with days without nights. What all zones share (a
holiday, the weather, the season) is the day's median over the zones, where there are at least `LEAST_OTHERS`; it is
taken off. A single wild day is drawn in to three standard deviations from the running median of two weeks: a mean would
follow it (Fearnhead & Rigaill 2019, Journal of the American Statistical Association 114, 169-183).

Change points of the mean are those of PELT (Killick, Fearnhead & Eckley 2012, Journal of the American Statistical
Association 107, 1590-1598; `ruptures`, Truong, Oudre & Vayatis 2020, Signal Processing 167, 107299): the least sum of
squares plus a penalty for each. The penalty is 3 v log(n) a change (Zhang & Siegmund 2007, Biometrics 63, 22-32: BIC
for change points, whose places are searched for too), v being the long-run variance of days that are alike, for with
that of single days every slow week would be a change (Shi, Gallagher, Lund & Killick 2022, Computational Statistics &
Data Analysis 170, 107433). With r the lag-1 correlation of neighbouring days, and d^2 half the variance of their
differences, which is robust and hardly sees changes,

    v = d^2 (1 + r) / (1 - r)^2,        for d^2 = s^2 (1 - r) and v = s^2 (1 + r) / (1 - r)

At first events are found: what stands apart for less than `LEAST_SEGMENT_DAYS` is taken out, for a mean of two weeks
would follow a week of it. Then the segments, and r of the days about their means, are found in turns, from r = 0 on. Of
zones without a change, 0 to 3 % are said to have one where r is 0.5 or less (91 and 182 days), 11 % where it is 0.7; a
step of two and a half standard deviations in the middle of 91 days is found in 100, 93 and 75 % for r = 0, 0.3 and 0.5.

A change counts where its interval holds no `1`, it is at least `LEAST_CHANGE`, and lasts `LEAST_SEGMENT_DAYS` on either
side. The interval is that of two means with the days' long-run variance; that the place was searched for is not in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import stdtrit

from aggregate.tables import Integers, Numbers
from core.records import INTERVAL_LEVEL

LEAST_SEGMENT_DAYS = 14
"""What does not last two weeks on either side is an event, not a change."""

LEAST_EVENT_DAYS = 3
"""What stands apart for less is drawn in, not taken out."""

LEAST_DAYS = 2 * LEAST_SEGMENT_DAYS
"""Fewer days counted can hold no change."""

LEAST_CHANGE = 0.1
"""Smaller changes, as a share, are nobody's business to act on."""

LEAST_OTHERS = 5
"""Fewer zones have no common course that one of them would not be a large part of."""

LEAST_USUAL = 3.0
"""A day on which fewer object-hours are usual has no level: a few passers-by more would double it."""

PENALTY = 3.0
PASSES = 3

_WEEK_HOURS = 168
_HALF_WINDOW = 7
_WILD = 3.0
_MOST_ALIKE = 0.8
_UPPER = (1 + INTERVAL_LEVEL) / 2
_MAD_TO_SD = 1.4826


@dataclass(frozen=True)
class Change:
    """A lasting change of one zone. `day` is the first day that is different; it is between the days [`first`, `last`)
    in which nothing else changed. `before`, `after` are mean numbers present by all hours of a week; `ratio` = after /
    before with its 90 % interval."""

    day: int
    first: int
    last: int
    before: float
    after: float
    ratio: float
    ratio_low: float
    ratio_high: float
    days_before: int
    days_after: int


@dataclass(frozen=True, eq=False)
class DailyLevels:
    """`level` [zone, day], logarithms of shares of the usual, NaN where too little was counted; `usual` [zone] is the
    mean number present by all hours of a week."""

    level: Numbers
    usual: Numbers


def daily_levels(observed: Numbers, day: Integers, week_hour: Integers) -> DailyLevels:
    """Of hourly levels [zone, hour], each hour in the local `day` [hour] (from 0) and `week_hour` [hour] (0..167)."""
    zones, days = len(observed), int(day[-1]) + 1 if len(day) else 0
    if days == 0:
        return DailyLevels(np.empty((zones, 0)), np.full(zones, np.nan))
    known = np.isfinite(observed)
    order = np.argsort(week_hour, kind="stable")
    present, first = np.unique(week_hour[order], return_index=True)
    total = np.zeros((zones, _WEEK_HOURS))
    count = np.zeros((zones, _WEEK_HOURS))
    total[:, present] = np.add.reduceat(np.where(known, observed, 0.0)[:, order], first, axis=1)
    count[:, present] = np.add.reduceat(known[:, order].astype(np.float64), first, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        profile = total / count
        usual = np.nansum(profile, axis=1) / np.isfinite(profile).sum(axis=1)
        starts = np.searchsorted(day, np.arange(days))
        counted = np.add.reduceat(np.where(known, observed, 0.0), starts, axis=1)
        expected = np.add.reduceat(np.where(known, profile[:, week_hour], 0.0), starts, axis=1)
        hours = np.add.reduceat(known.astype(np.float64), starts, axis=1)
        # Half a typical day's hours; half an object-hour on either side keeps an empty day's logarithm finite.
        enough = (hours >= np.max(hours, axis=1, keepdims=True) / 2) & (expected >= LEAST_USUAL)
        level = np.where(enough, np.log((counted + 0.5) / (expected + 0.5)), np.nan)
    return DailyLevels(level, usual)


def common_course(level: Numbers) -> Numbers:
    """What all zones share, [day]: the median of the levels [zone, day], 0 where too few zones have one."""
    there = np.isfinite(level).sum(axis=0)
    middle = np.zeros(level.shape[1])
    for day in np.flatnonzero(there >= LEAST_OTHERS):
        column = level[:, day]
        middle[day] = np.median(column[np.isfinite(column)])
    return middle


def lasting_changes(level: Numbers, usual: float) -> tuple[Change, ...]:
    """The lasting changes of one zone's `level` [day], less the common course, in order; none where there are too few
    days."""
    days = np.flatnonzero(np.isfinite(level))
    if len(days) < LEAST_DAYS:
        return ()
    y = _tamed(level[days])
    single = _half_variance(y)
    if single == 0.0:
        return ()
    apart = _segments(y, PENALTY * np.log(len(y)) * single, least=LEAST_EVENT_DAYS)
    lasts = np.concatenate([np.full(b - a, b - a >= LEAST_SEGMENT_DAYS) for a, b in pairwise(apart)])
    y, days = y[lasts], days[lasts]
    if len(y) < LEAST_DAYS:
        return ()
    edges = _segments(y, PENALTY * np.log(len(y)) * single, least=LEAST_SEGMENT_DAYS)
    for _ in range(PASSES):
        variance = _long_run(y, edges, single)
        edges = _segments(y, PENALTY * np.log(len(y)) * variance, least=LEAST_SEGMENT_DAYS)
    variance = _long_run(y, edges, single)
    changes = [_change(y, days, edges[k : k + 3], variance, usual) for k in range(len(edges) - 2)]
    return tuple(change for change in changes if _matters(change))


def _tamed(y: Numbers) -> Numbers:
    """Wild days drawn in to `_WILD` standard deviations from the running median of two weeks."""
    padded = np.pad(y, _HALF_WINDOW, mode="reflect")
    running: Numbers = np.median(sliding_window_view(padded, 2 * _HALF_WINDOW + 1), axis=1)
    reach = _WILD * _MAD_TO_SD * np.median(np.abs(y - running))
    return np.clip(y, running - reach, running + reach) if reach > 0 else y


def _half_variance(y: Numbers) -> float:
    """Half the variance of the differences of neighbouring days, by the median of their absolute values."""
    steps = np.diff(y)
    return float((_MAD_TO_SD * np.median(np.abs(steps - np.median(steps)))) ** 2 / 2)


def _segments(y: Numbers, penalty: float, *, least: int) -> list[int]:
    """0, the positions at which the mean changes, and the length; no segment shorter than `least`."""
    from ruptures import KernelCPD  # noqa: PLC0415 - loaded when somebody asks, not at the start of `busyness run`

    if len(y) < 2 * least:
        return [0, len(y)]
    found = KernelCPD(kernel="linear", min_size=least).fit(y.reshape(-1, 1)).predict(pen=penalty)
    return [0, *(int(edge) for edge in found)]


def _long_run(y: Numbers, edges: list[int], half_variance: float) -> float:
    """The long-run variance of days, by the lag-1 correlation about the means of their segments.

    A mean takes some of the correlation with it, (1 + 3 r) / n of it (Kendall 1954, Biometrika 41, 403-404), that many
    times over.
    """
    residual = np.concatenate([y[a:b] - y[a:b].mean() for a, b in pairwise(edges)])
    power = float((residual**2).sum())
    seen = float((residual[1:] * residual[:-1]).sum()) / power if power > 0 else 0.0
    alike = float(np.clip(seen + (1 + 3 * seen) * (len(edges) - 1) / len(y), 0.0, _MOST_ALIKE))
    return half_variance * (1 + alike) / (1 - alike) ** 2


def _change(y: Numbers, days: Integers, edges: list[int], variance: float, usual: float) -> Change:
    """The change at the middle one of three neighbouring edges."""
    first, at, last = edges
    before, after = y[first:at], y[at:last]
    step = float(after.mean() - before.mean())
    error = float(np.sqrt(variance * (1 / len(before) + 1 / len(after))))
    reach = float(stdtrit(len(before) + len(after) - 2, _UPPER)) * error
    level = usual * float(np.exp(before.mean()))
    return Change(
        day=int(days[at]),
        first=int(days[first]),
        last=int(days[last - 1]) + 1,
        before=level,
        after=level * float(np.exp(step)),
        ratio=float(np.exp(step)),
        ratio_low=float(np.exp(step - reach)),
        ratio_high=float(np.exp(step + reach)),
        days_before=len(before),
        days_after=len(after),
    )


def _matters(change: Change) -> bool:
    surely = change.ratio_low > 1 or change.ratio_high < 1
    return surely and abs(change.ratio - 1) >= LEAST_CHANGE
