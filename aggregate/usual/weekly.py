"""What the same hour of the week was before: running profiles, each from days that lie a week and more back.

For every slot, an hour of a weekday, exponentially weighted means of its past weeks (Brown 1963, Smoothing,
Forecasting and Prediction, chapter 7), of several memories. With gaps they are ratios of two sums

    mean[w] = sum_j rho^j m[w-j] x[w-j] / sum_j rho^j m[w-j]        j = 1, 2, ...;  m is 1 where x is known, else 0

so that what was not observed has no say. A mean of weeks before w serves all of week w: from whichever hour of the
seven days before a forecast is made, it knew what the mean is made of.

Public holidays are no part of them; other days of a kind of their own are once their effect is taken out
(`aggregate/usual/effects.py`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aggregate.usual.calendar import PUBLIC_HOLIDAY, weekdays
from aggregate.usual.days import HOURS, WEEK, DayGrid, Roots
from aggregate.usual.effects import Effects, Kinds, effects_of, sundays

MEMORIES = (0.0, 0.65, 0.88, 0.97)
"""rho by week: last week alone, about two weeks, six weeks, half a year."""
MIDDLE = 2
"""Of `MEMORIES`, the one from which deviations are told."""


def running(ordinary: Roots, memories: tuple[float, ...] = MEMORIES) -> NDArray[np.float32]:
    """Of `ordinary` [zone, day, hour] the running means [memory, zone, day, hour], each day's from those before."""
    zones, days, _ = ordinary.shape
    weeks = ordinary.reshape(zones, days // WEEK, WEEK * HOURS)
    known = np.isfinite(weeks)
    filled = np.where(known, weeks, np.float32(0))
    means = np.empty((len(memories), *weeks.shape), dtype=np.float32)
    for at, rho in enumerate(memories):
        total = np.zeros((zones, WEEK * HOURS), dtype=np.float32)
        weight = np.zeros_like(total)
        for week in range(weeks.shape[1]):
            with np.errstate(invalid="ignore", divide="ignore"):
                means[at, :, week] = total / weight
            here = known[:, week]
            # A week without a count leaves the mean as it is, and last week's is the last one there was.
            keep = np.where(here, np.float32(rho), np.float32(1))
            total = keep * total + filled[:, week]
            weight = keep * weight + here
    return means.reshape(len(memories), zones, days, HOURS)


def profiles(grid: DayGrid, kinds: Kinds, effects: Effects) -> NDArray[np.float32]:
    """What each day of a grid was to be expected to be: [memory, zone, day, hour], NaN where nothing came before."""
    weekday = weekdays(grid.days)
    public = (kinds & PUBLIC_HOLIDAY) > 0
    ordinary = grid.root.copy()
    for day, factor in effects.by_day(kinds, weekday):
        ordinary[:, day] /= factor
    ordinary[:, public] = np.nan
    means = running(ordinary)
    means[:, :, public] = means[:, :, sundays(len(kinds), int(weekday[0]))[public]] * effects.holiday[:, None]
    for day, factor in effects.by_day(kinds, weekday):
        means[:, :, day] *= factor
    return means


def running_effects(grid: DayGrid, kinds: Kinds) -> Effects:
    """The effects of the days of a grid, in terms of the running mean of its ordinary ones."""
    plain = np.where((kinds == 0)[None, :, None], grid.root, np.float32(np.nan))
    return effects_of(grid.root, running(plain, MEMORIES[MIDDLE : MIDDLE + 1])[0], kinds, weekdays(grid.days))
