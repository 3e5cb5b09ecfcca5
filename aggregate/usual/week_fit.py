"""The usual week of many zones, fitted: levels that a few strange weeks do not move.

    days -> drift of all zones -> effects of holidays -> own week, robust -> drawn towards zones alike
            drift.py              effects.py             here                pooling.py

Levels are M-estimates with Tukey's biweight (Beaton and Tukey 1974, Technometrics 16, 147-185) of the weeks of a past,
each weighted by its age and by the clips behind it, begun at medians, from which the scale is, and reweighted twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aggregate.tables import Integers, Mask
from aggregate.usual.calendar import PUBLIC_HOLIDAY, SUNDAY, Calendar, weekdays
from aggregate.usual.days import HOURS, WEEK, DayGrid, Roots
from aggregate.usual.drift import Drift, day_factors, drift
from aggregate.usual.effects import Effects, effects_of
from aggregate.usual.policy import UsualPolicy
from aggregate.usual.pooling import Pooled, members, pooled
from aggregate.usual.quantiles import median

BIWEIGHT = 4.685
"""In robust standard deviations, from where on a week does not count at all: 95 % as efficient as a mean."""

ROUNDS = 2
"""Of reweighting; begun at medians, more change little."""

OF_MEDIANS = np.array([1, 1, 1.41, 2.14, 1.38, 1.38, 1.28, 1.23, 1.20], dtype=np.float32)
"""By how much a standard deviation is above what absolute deviations from the median of so many normal values say, by
the median of all of them together; 1 + 1.5 / n of more than eight. (As those of Croux & Rousseeuw 1992, Computational
Statistics 1, 411-428, are of each sample by itself; simulated.)"""

LEAST_NOISE = 0.02
"""No zone repeats itself closer than to this share of its level."""

LEAST_LEVEL = 0.3
"""On the root scale: nothing is compared with less."""

CHUNK = 128
"""Zones at once: what is sorted and weighted of a year stays small."""


@dataclass(frozen=True, eq=False)
class WeekFit:
    """`week` [zone, weekday, hour], on the root scale, as usual at the end of the past. `behind` [zone]: how many weeks
    stand behind an hour of it, weighted. `leverage` [zone]: the share of it that each of them made. `drift_error`
    [zone]: by how much, as a share, the level of all zones was off what was known of it a day before. `expected` [zone,
    day, hour]: what was usual on each day of the past, by a drift as it was known that morning."""

    week: Roots
    behind: NDArray[np.float32]
    leverage: NDArray[np.float32]
    drawn: Pooled
    effects: Effects
    season: Roots
    drift_error: NDArray[np.float32]
    expected: Roots


def week_fit(
    grid: DayGrid,
    weight: Roots,
    calendar: Calendar,
    policy: UsualPolicy,
    *,
    enough: Mask,
    groups: Sequence[str] | None,
) -> WeekFit:
    """`weight` [zone, day, hour]: how much each hour says, by its clips; `enough` [zone], `groups`: see `pooled`."""
    zones, days, _ = grid.root.shape
    kinds, weekday = calendar.kinds(grid.days), weekdays(grid.days)
    public = (kinds & PUBLIC_HOLIDAY) > 0
    of_group = members(groups, zones)

    plain = np.where((kinds == 0)[None, :, None], grid.root, np.float32(np.nan))
    first = _every_week(_medians(plain), days)
    drifts = _drifts(day_factors(plain, first), grid, of_group)
    level = _of_zones(drifts, of_group, zones, lambda one: one.level)
    lagged = _of_zones(drifts, of_group, zones, lambda one: one.lagged)

    still = grid.root / level[:, :, None]
    effects = effects_of(still, first, kinds, weekday)
    for day, factor in effects.by_day(kinds, weekday):
        still[:, day] /= factor
    still[:, public] = np.nan
    level_of, behind, alike_weeks, noise = _robust(still, weight, policy.half_life_weeks)
    drawn = pooled(level_of, behind, noise, enough, of_group)

    week = drawn.week.reshape(zones, WEEK, HOURS)
    expected = _every_week(week, days)
    expected[:, public] = (week[:, (SUNDAY - weekday[0]) % WEEK] * effects.holiday)[:, None]
    for day, factor in effects.by_day(kinds, weekday):
        expected[:, day] *= factor
    expected *= lagged[:, :, None]
    return WeekFit(
        week=(week * level[:, -1, None, None])[:, np.argsort(weekday[:WEEK])],
        behind=drawn.behind,
        leverage=_leverage(alike_weeks, drawn.worth),
        drawn=drawn,
        effects=effects,
        season=_of_zones(drifts, of_group, zones, lambda one: one.season),
        drift_error=np.sqrt(np.mean(np.square(lagged / level - 1), axis=1)),
        expected=expected,
    )


def _every_week(week: Roots, days: int) -> Roots:
    """[zone, day, hour] from [zone, day of the week, hour]."""
    return np.asarray(week.reshape(len(week), WEEK, HOURS)[:, np.arange(days) % WEEK])


def _medians(plain: Roots) -> Roots:
    """[zone, day of the week, hour]: the medians over all weeks of [zone, day, hour]."""
    by_week = plain.reshape(len(plain), -1, WEEK, HOURS)
    parts = [median(by_week[at : at + CHUNK], 1) for at in range(0, len(plain), CHUNK)]
    return np.concatenate(parts)


def _drifts(factors: Roots, grid: DayGrid, groups: tuple[Integers, ...]) -> list[Drift]:
    return [drift(factors[rows], grid.days) for rows in groups]


def _of_zones(
    drifts: Sequence[Drift], groups: tuple[Integers, ...], zones: int, what: Callable[[Drift], Roots]
) -> Roots:
    """[zone, ...]: of each zone what its group has."""
    found = np.empty((zones, *what(drifts[0]).shape), dtype=np.float32)
    for one, rows in zip(drifts, groups, strict=True):
        found[rows] = what(one)
    return found


def _robust(still: Roots, weight: Roots, half_life_weeks: float) -> tuple[Roots, Roots, Roots, NDArray[np.float32]]:
    """Of [zone, day, hour] the level of each slot [zone, slot], how many weeks stand behind it, what number of weeks of
    one weight they are as good as (Kish 1965, Survey Sampling, section 11.7), and the noise of single weeks [zone] as a
    share of the level."""
    zones, days, _ = still.shape
    weeks = days // WEEK
    age = np.float32(0.5) ** (np.arange(weeks - 1, -1, -1, dtype=np.float32) / np.float32(half_life_weeks))
    shape = (zones, weeks, WEEK * HOURS)
    level, behind, alike = (np.empty((zones, WEEK * HOURS), dtype=np.float32) for _ in range(3))
    noise = np.empty(zones, dtype=np.float32)
    for at in range(0, zones, CHUNK):
        rows = slice(at, at + CHUNK)
        values = still.reshape(shape)[rows]
        known = np.isfinite(values)
        base = np.where(known, weight.reshape(shape)[rows], 0) * age[:, None]
        filled = np.where(known, values, 0)
        center = median(values, 1)
        own = np.abs(values - center[:, None]) / np.maximum(center[:, None], np.float32(LEAST_LEVEL))
        single = np.nan_to_num(median(own.reshape(len(own), -1), 1)) / 0.6745
        noise[rows] = np.maximum(single * _of_medians(known.sum(axis=1)), LEAST_NOISE)
        for _ in range(ROUNDS):
            reach = BIWEIGHT * noise[rows, None, None] * np.maximum(center[:, None], np.float32(LEAST_LEVEL))
            share = np.square(np.maximum(1 - np.square((values - center[:, None]) / reach), 0))
            kept = base * np.where(known, share, 0)
            total = kept.sum(axis=1)
            # Where nothing is near the center any more, it stays.
            center = np.divide((kept * filled).sum(axis=1), total, out=center, where=total > 0)
        level[rows], behind[rows] = center, base.sum(axis=1)
        alike[rows] = np.square(behind[rows]) / np.maximum(np.square(base).sum(axis=1), np.float32(1e-9))
    return level, behind, alike, noise


def _leverage(weeks: Roots, worth: NDArray[np.float32]) -> NDArray[np.float32]:
    """[zone]: 1 / (n + k) on the average over the hours of the week that were seen, of n `weeks` [zone, slot] and what
    is borrowed, `worth` k of them [zone]."""
    seen = weeks > 0
    share = np.where(seen, 1 / (np.where(seen, weeks, 1) + worth[:, None]), 0).sum(axis=1)
    return np.asarray(share / np.maximum(seen.sum(axis=1), 1), dtype=np.float32)


def _of_medians(weeks: Integers) -> NDArray[np.float32]:
    """[zone]: see `OF_MEDIANS`; `weeks` [zone, slot]: of how many weeks each slot is known."""
    typical = median(np.where(weeks > 0, weeks, np.nan).astype(np.float32), 1)
    number = np.nan_to_num(typical, nan=1.0).astype(np.int64)
    few = OF_MEDIANS[np.minimum(number, len(OF_MEDIANS) - 1)]
    return np.where(number < len(OF_MEDIANS), few, 1 + 1.5 / number).astype(np.float32)
