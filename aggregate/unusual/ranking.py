"""Where to act first: exceedance x duration x people, by zone, over a period of hours.

An hour is above the usual range where its z (`aggregate/unusual/exceedance.py`) is beyond c = 1.645. In such hours the
excess (observed - expected), summed, is exceedance x duration x people: people-hours. What chance alone would give is
taken off (`chance.py`): it is the more, the busier a place is, and would put busy places first however usual they are.

The total is what it was; what is not known is how much of it is chance: its interval is that. Whether a place stands
out is tested so, one-sided, with the false discovery rate held over all places asked for. Places are ranked by the
lower end of the interval: a place of which little is known does not lead by luck.

The index of the period is the ratio of the sums, with the interval of a ratio estimator over days (Cochran 1977,
Sampling Techniques, 3rd ed., chapter 6) joined with the error of the baseline. Of that, the weeks share all, and the
hours of a week a part, which is no larger than the smallest relative error of them; the rest is their own.

The trend is the least-squares slope of the days' log(index). Neighbouring days are alike, so their number n counts as
n (1 - r) / (1 + r) with r the lag-1 correlation of the residuals, r >= 0 (Santer et al. 2000, Journal of Geophysical
Research 105 D6, 7337-7356).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, stdtrit

from aggregate.tables import Integers, Mask, Numbers, Rows
from aggregate.unusual.chance import BEYOND, ByChance, by_day
from aggregate.unusual.place_field import PlaceField
from aggregate.unusual.verdicts import Trend
from core.records import INTERVAL_LEVEL

LEAST_DAYS = 5
"""Fewer days counted say nothing of how days differ."""

LEAST_TREND_DAYS = 14
"""Fewer days counted have no trend."""

_UPPER = (1 + INTERVAL_LEVEL) / 2
_TINY = 0.5  # an hour's number present that a day's log(index) can do without: the logarithm of none is none


@dataclass(frozen=True, eq=False)
class Ranking(Rows):
    """Per zone, in numbers present and hours; NaN where not known. [`..._low`, `..._high`] are 90 % intervals.

    `p` is the one-sided p-value of standing out, `worst` the position of an hour, -1 for none; `level` and `expected`
    are means of the hours known, `slope` is of log(index) to a week.
    """

    days: Integers
    hours_known: Integers
    exceedance: Numbers
    hours: Numbers
    people_hours: Numbers
    people_hours_low: Numbers
    people_hours_high: Numbers
    p: Numbers
    worst: Integers
    level: Numbers
    level_low: Numbers
    level_high: Numbers
    expected: Numbers
    expected_error: Numbers
    slope: Numbers
    slope_low: Numbers
    slope_high: Numbers


def above_range(field: PlaceField) -> Numbers:
    """The excess of hours above the usual range, [zone, hour]; 0 in others, NaN where not known."""
    above = field.exceedance() > BEYOND
    return np.where(field.known, np.where(above, field.observed - field.expected, 0.0), np.nan)


def ranked(field: PlaceField, chance: ByChance, day: Integers, week_hour: Integers) -> Ranking:
    """What is known of each zone, from its hours, each in a local `day` [hour] (from 0) and a `week_hour` (0..167)."""
    z, excess, known = field.exceedance(), above_range(field), field.known
    above = excess > 0
    hours = above.sum(axis=1)
    net = (np.nan_to_num(excess) - chance.mean).sum(axis=1)
    reach = BEYOND * chance.error
    counted = by_day(known.astype(np.float64), day)
    seen = counted > 0
    n_days = seen.sum(axis=1)
    enough = n_days >= LEAST_DAYS
    level, level_low, level_high = _ratio(field, day, seen)
    expected, error = _expected(field, week_hour)
    slope, slope_reach = _slope(by_day(field.observed, day), by_day(field.mean_expected(), day), counted)
    with np.errstate(invalid="ignore", divide="ignore"):
        exceedance = np.where(above, z, 0.0).sum(axis=1) / hours
        p = ndtr(-net / chance.error)
    worst = np.argmax(np.nan_to_num(excess), axis=1) if excess.shape[1] else np.zeros(len(excess), dtype=np.int64)
    return Ranking(
        days=n_days.astype(np.int64),
        hours_known=known.sum(axis=1).astype(np.int64),
        exceedance=np.where(hours > 0, exceedance, np.nan),
        hours=np.where(enough, hours, np.nan),
        people_hours=_where(enough, np.maximum(net, 0.0)),
        people_hours_low=_where(enough, np.maximum(net - reach, 0.0)),
        people_hours_high=_where(enough, np.maximum(net + reach, 0.0)),
        p=_where(enough, p),
        worst=np.where(hours > 0, worst, -1),
        level=_where(enough, level),
        level_low=_where(enough, level_low),
        level_high=_where(enough, level_high),
        expected=_where(enough, expected),
        expected_error=_where(enough, error),
        slope=slope,
        slope_low=slope - slope_reach,
        slope_high=slope + slope_reach,
    )


def trend_of(low: float, high: float) -> Trend:
    """Which way a place is going by the interval of its slope."""
    if np.isnan(low) or np.isnan(high):
        return Trend.UNKNOWN
    return Trend.WORSE if low > 0 else Trend.BETTER if high < 0 else Trend.NEITHER


def _where(enough: Numbers, values: Numbers) -> Numbers:
    return np.where(enough, values, np.nan)


def _ratio(field: PlaceField, day: Integers, seen: Mask) -> tuple[Numbers, Numbers, Numbers]:
    """The mean of the hours known with its interval over days, about what is expected of each."""
    observed, expected = by_day(field.observed, day), by_day(field.mean_expected(), day)
    hours, n = field.known.sum(axis=1), seen.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = observed.sum(axis=1) / expected.sum(axis=1)
        residual = np.where(seen, observed - ratio[:, np.newaxis] * expected, 0.0)
        error = np.sqrt(n / (n - 1) * (residual**2).sum(axis=1))
        reach = stdtrit(np.maximum(n - 1.0, 1.0), _UPPER) * error
        level = observed.sum(axis=1)
        return level / hours, np.maximum(level - reach, 0.0) / hours, (level + reach) / hours


def _expected(field: PlaceField, week_hour: Integers) -> tuple[Numbers, Numbers]:
    """The mean that is expected of the hours known, and its standard error."""
    hours = field.known.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = np.where(field.known & (field.expected > 0), field.error / field.expected, np.inf)
        common = relative.min(axis=1, initial=np.inf)
        common = np.where(np.isfinite(common), common, 0.0)
        shared = common[:, np.newaxis] * np.nan_to_num(field.expected)
        own = np.sqrt(np.maximum(np.nan_to_num(field.error) ** 2 - shared**2, 0.0))
        order = np.argsort(week_hour, kind="stable")
        firsts = np.unique(week_hour[order], return_index=True)[1]
        by_hour = np.add.reduceat(own[:, order], firsts, axis=1) if len(order) else own
        total = np.sqrt(shared.sum(axis=1) ** 2 + (by_hour**2).sum(axis=1))
        return np.nansum(field.mean_expected(), axis=1) / hours, total / hours


def _slope(observed: Numbers, expected: Numbers, counted: Numbers) -> tuple[Numbers, Numbers]:
    """Slope of log(index) to a week and the reach of its interval, [zone], from sums of days [zone, day]."""
    zones, days = observed.shape
    most = counted.max(axis=1, initial=0.0)[:, np.newaxis]
    used = (counted > 0) & (counted >= most / 2)
    n = used.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        y = np.log((observed + _TINY * counted) / (expected + _TINY * counted))
        weight = used.astype(np.float64)
        week = np.broadcast_to(np.arange(days) / 7.0, (zones, days))
        x = week - (weight * week).sum(axis=1, keepdims=True) / n[:, np.newaxis]
        y = np.where(used, y, 0.0)
        y = np.where(used, y - y.sum(axis=1, keepdims=True) / n[:, np.newaxis], 0.0)
        square = (weight * x**2).sum(axis=1)
        slope = (weight * x * y).sum(axis=1) / square
        residual = np.where(used, y - slope[:, np.newaxis] * x, 0.0)
        power = (residual**2).sum(axis=1)
        both = used[:, 1:] & used[:, :-1]
        neighbours = (np.where(both, residual[:, 1:] * residual[:, :-1], 0.0)).sum(axis=1)
        alike = np.clip(neighbours / power, 0.0, 0.9)
        effective = n * (1 - alike) / (1 + alike)
        freedom = np.maximum(effective - 2.0, 1.0)
        reach = stdtrit(freedom, _UPPER) * np.sqrt(power / freedom / square)
    enough = (n >= LEAST_TREND_DAYS) & (power > 0)
    return np.where(enough, slope, np.nan), np.where(enough, reach, np.nan)
