"""How single hours, quarters and days spread around what is usual of them.

Judged on the newest half year of what was left over, by medians and quantiles, so that a few events do not widen what
is usual. The spread of an hour is kept by kind of day and hour, each of few weeks drawn towards a share of the level
that the zone has all over; the tails by zone, drawn towards those of all zones.

What was left over of a past is less than what comes will be off: the level was drawn to it, and errs itself. Of a
level to which each week gave the share h, the one has the variance sigma^2 (1 - h), the other sigma^2 (1 + h) (for a
mean of n weeks h = 1 / n, see Draper & Smith 1998, Applied Regression Analysis, 3rd ed., sections 3.1 and 8.1; with
k = sigma^2 / tau^2 weeks' worth of what is borrowed, as in `pooling.py`, h = 1 / (n + k)). So what was left over counts

    sqrt((1 + h) / (1 - h))

times what it was: 1.06 of half a year, 1.4 of three weeks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aggregate.intervals import PRIOR_DISPERSION
from aggregate.usual.calendar import weekdays
from aggregate.usual.days import HOURS, DayGrid, Roots
from aggregate.usual.model import day_types
from aggregate.usual.quantiles import deviation, median, quantiles
from core.records import INTERVAL_LEVEL

RECENT_DAYS = 182
LEAST_DAY_HOURS = 18
"""A day of fewer hours is not compared with whole ones."""

PRIOR_HOURS = 12.0
"""So many hours of the zone's general spread count beside those of a kind of day and hour."""

PRIOR_TAIL = 400.0
"""So many hours of all zones count beside a zone's own in its tails; a day counts as twenty-four."""

MOST_LEVERAGE = 0.5
"""Of two weeks: what fewer leave over says next to nothing, however it is multiplied."""

LEAST_SPREAD = 0.05
"""On the root scale; a mean over many clips of a street that never changes."""

_TAILS = ((1 - INTERVAL_LEVEL) / 2, (1 + INTERVAL_LEVEL) / 2)
_NORMAL_TAILS = np.array([-1.645, 1.645], dtype=np.float32)
_OFFSET = np.float32(0.375)


@dataclass(frozen=True, eq=False)
class Spreads:
    """See `aggregate.usual.model.WeekModel` for each."""

    spread: Roots
    tails: Roots
    quarter: Roots
    day: Roots


def spreads(
    grid: DayGrid,
    expected: Roots,
    *,
    leverage: NDArray[np.float32],
    shape_error: NDArray[np.float32],
    clips_an_hour: NDArray[np.float32],
    quarters: Roots | None,
) -> Spreads:
    """`expected` [zone, day, hour]; `leverage` [zone]: see `WeekFit`; `shape_error` [zone]: by which share a level is
    off for being borrowed; `clips_an_hour` [zone]: how many clips usually stand behind an hour; `quarters` [zone,
    quarter]: what single quarters were off their level, on the root scale, where that is known."""
    usual, wider = expected[:, -RECENT_DAYS:], ahead_of_past(leverage)
    off: Roots = np.asarray(wider[:, None, None] * (grid.root[:, -RECENT_DAYS:] - usual), dtype=np.float32)
    root = usual + off
    types = day_types(weekdays(grid.days[-RECENT_DAYS:]))
    spread = hourly_spread(off, usual, types)
    hour_tails = _tails(off / spread[:, types], hours_each=1)
    day, day_tails = _days(root, usual, shape_error)
    typical = np.median(spread.reshape(len(spread), -1), axis=1)
    apart = None if quarters is None else wider[:, None] * quarters
    quarter, quarter_tails = _quarters(apart, typical, clips_an_hour, hour_tails)
    return Spreads(spread, np.stack([hour_tails, quarter_tails, day_tails], axis=1), quarter, day)


def ahead_of_past(leverage: NDArray[np.float32]) -> NDArray[np.float32]:
    """[zone]: how many times further off windows to come are than those that a level was made of were."""
    share = np.clip(leverage, 0, np.float32(MOST_LEVERAGE))
    return np.asarray(np.sqrt((1 + share) / (1 - share)), dtype=np.float32)


def hourly_spread(off: Roots, usual: Roots, types: NDArray[np.int64]) -> Roots:
    """[zone, kind of day, hour] of what hours [zone, day, hour] were `off` what was `usual`, by the kinds of days."""
    zones = len(off)
    share = deviation((off / np.maximum(usual, np.float32(0.3))).reshape(zones, -1), 1)
    share = np.where(np.isfinite(share), share, np.nanmedian(share) if np.isfinite(share).any() else 0.2)
    found = np.empty((zones, 3, HOURS), dtype=np.float32)
    for kind in range(3):
        here = off[:, types == kind]
        number = np.isfinite(here).sum(axis=1)
        own = np.nan_to_num(deviation(here, 1)) if here.shape[1] else np.zeros((zones, HOURS), np.float32)
        level = median(usual[:, types == kind], 1) if here.shape[1] else np.ones((zones, HOURS), np.float32)
        general = share[:, None] * np.nan_to_num(level, nan=1.0)
        found[:, kind] = (number * own**2 + PRIOR_HOURS * general**2) / (number + PRIOR_HOURS)
    # What hours next to each other say of each other.
    found = 0.5 * found + 0.25 * np.roll(found, 1, axis=2) + 0.25 * np.roll(found, -1, axis=2)
    return np.asarray(np.maximum(np.sqrt(found), np.float32(LEAST_SPREAD)))


def _tails(standard: Roots, hours_each: int) -> Roots:
    """[zone, 2]: the ends of the middle nine tenths of [zone, ...], drawn towards those of all zones."""
    flat = standard.reshape(len(standard), -1)
    number = np.isfinite(flat).sum(axis=1)[:, None] * hours_each
    own = quantiles(flat, _TAILS, 1).T
    some = number[:, 0] > 0
    pooled = np.median(own[some], axis=0) if some.any() else _NORMAL_TAILS
    return np.asarray((number * np.nan_to_num(own) + PRIOR_TAIL * pooled) / (number + PRIOR_TAIL), dtype=np.float32)


def _days(root: Roots, usual: Roots, shape_error: NDArray[np.float32]) -> tuple[Roots, Roots]:
    """(bias and spread of days [zone, 2], their tails [zone, 2]): days are compared over the hours that were seen. What
    is borrowed may be off in all hours of a day alike, of which the few days of its own past tell nothing."""
    known = np.isfinite(root) & np.isfinite(usual)
    hours = known.sum(axis=2)
    enough = hours >= LEAST_DAY_HOURS
    divisor = np.where(enough, hours, np.nan).astype(np.float32)
    seen = np.sqrt(np.where(known, root * root, 0).sum(axis=2) / divisor)
    level = np.sqrt(np.where(known, usual * usual, 0).sum(axis=2) / divisor)
    ratio = seen / np.maximum(level, np.float32(0.1))
    bias = median(ratio, 1)
    city = float(np.nanmedian(bias)) if np.isfinite(bias).any() else 1.0
    number = enough.sum(axis=1)
    bias = (number * np.nan_to_num(bias) + 7 * city) / (number + 7)
    off = ratio - bias[:, None]
    own = deviation(off, 1)
    shared = float(np.nanmedian(own)) if np.isfinite(own).any() else 0.1
    spread = np.maximum((number * np.nan_to_num(own) + 7 * shared) / (number + 7), 0.01)
    tails = _tails(off / spread[:, None], hours_each=HOURS)
    spread = np.hypot(spread, shape_error)
    return np.stack([bias, spread], axis=1).astype(np.float32), tails


def _quarters(
    quarters: Roots | None, typical: Roots, clips_an_hour: NDArray[np.float32], hour_tails: Roots
) -> tuple[Roots, Roots]:
    """(what a quarter's spread is made of [zone, 2], tails [zone, 2])

    Without quarters to look at: an hour of n clips has a quarter of the variance, of counts of a clip, that a quarter
    of n / 4 has; on the root scale a single clip's is phi / 4 (`aggregate/intervals.py`), so 3 phi / (4 n) is added.
    """
    more = 3 * PRIOR_DISPERSION / (4 * np.maximum(clips_an_hour, 1))
    tails = hour_tails
    if quarters is not None:
        number = np.isfinite(quarters).sum(axis=1)
        seen = np.maximum(np.nan_to_num(deviation(quarters, 1)) ** 2 - typical**2, 0)
        more = (number * seen + PRIOR_TAIL * more) / (number + PRIOR_TAIL)
        tails = _tails(quarters / np.sqrt(typical**2 + more)[:, None], hours_each=1)
    return np.stack([np.ones_like(more), more], axis=1).astype(np.float32), tails
