"""Does a camera still count as it did beside its loop? A control chart of their daily ratio.

r_d is the logarithm of what the camera counted on day d over what the loop says should have been present, by the gain
of each hour in the days of reference. Both change with the traffic alike, so r_d stays about zero until one of them
changes for itself: a view that has slipped, a dirty lens, another model, a dead loop. A small lasting change is found
soonest by the cumulative sums of Page (1954, Biometrika 41, 100-115), tabular in both directions (Montgomery 2013,
Introduction to Statistical Quality Control, 7th ed., section 9.1):

    z_d = (r_d - median) / sigma        C+ = max(0, C+ + z_d - K)        C- = max(0, C- - z_d - K)        alarm: C > H

with the median and sigma (1.4826 times the median absolute deviation, so that an odd day does not hide what follows) of
the reference days, and K = 1/2, which is best for a change of one sigma. sigma is estimated from some 28 days, and days
are a little alike, so that the chart alone would ring for one camera in five in a quarter of a year without any change
at the textbook's H = 5, and for one in eight at H = 8. Such alarms are of changes that nobody would act on: with H = 8,
and nothing said of a change of less than `LEAST_CHANGE`, three in a thousand ring, of days that vary by 8 % (simulated;
tests/aggregate/beside/test_beside.py). The change is dated to the day after the sum was last zero, as is usual.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from aggregate.tables import Integers, Numbers
from core.records import INTERVAL_LEVEL

ALLOWANCE = 0.5
LIMIT = 8.0
LEAST_CHANGE = 0.10
LEAST_SIGMA = 0.02
"""Days that agree to the last percent by chance must not make the next one an alarm."""

LEAST_REFERENCE_DAYS = 14
LEAST_OF_A_DAY = 6
"""Hours of a day that both have to have counted for it to be a day of the chart."""


@dataclass(frozen=True)
class Drift:
    """By which factor what the camera counts to a vehicle that passes has changed from day `since` on (a day's number),
    with its 90 % interval; `alarm` where the chart says that this is no chance."""

    ratio: float
    low: float
    high: float
    since: int
    alarm: bool


def daily_ratio(present: Numbers, per_hour: Numbers, day: Integers, hour: Integers, by_hour: Numbers) -> Numbers:
    """r [day]: see the module; NaN for days with less than `LEAST_OF_A_DAY` hours of both. `by_hour` in seconds."""
    should = by_hour[hour] / 3600.0 * per_hour
    both = ~np.isnan(present) & ~np.isnan(should)
    days = int(day.max()) + 1 if len(day) else 0
    counted, due, hours = (
        np.bincount(day[both], weights=values[both], minlength=days)
        for values in (present, should, np.ones_like(present))
    )
    known = (hours >= LEAST_OF_A_DAY) & (counted > 0) & (due > 0)
    return np.log(np.where(known, counted, np.nan)) - np.log(np.where(known, due, np.nan))


def drift(ratios: Numbers, reference_days: int) -> Drift | str:
    """What has changed after the first `reference_days` of `ratios` [day]; where it cannot be told, why not."""
    reference = ratios[:reference_days]
    reference = reference[~np.isnan(reference)]
    later = np.flatnonzero(~np.isnan(ratios[reference_days:])) + reference_days
    if len(reference) < LEAST_REFERENCE_DAYS:
        return f"{len(reference)} days to compare with, {LEAST_REFERENCE_DAYS} are needed"
    if len(later) == 0:
        return "no day after those that are compared with"
    center = float(np.median(reference))
    sigma = max(1.4826 * float(np.median(np.abs(reference - center))), LEAST_SIGMA)
    since, alarm = _chart((ratios[later] - center) / sigma)
    changed = ratios[later[since:]]
    apart = float(np.mean(changed) - np.mean(reference))
    error = np.sqrt(_variance(reference, sigma) / len(reference) + _variance(changed, sigma) / len(changed))
    freedom = max(len(reference) + len(changed) - 2, 1)
    reach = float(stdtrit(freedom, (1 + INTERVAL_LEVEL) / 2) * error)
    ratio = float(np.exp(apart))
    return Drift(
        ratio=ratio,
        low=ratio * float(np.exp(-reach)),
        high=ratio * float(np.exp(reach)),
        since=int(later[since]),
        alarm=alarm and abs(apart) >= np.log1p(LEAST_CHANGE),
    )


def _chart(scores: Numbers) -> tuple[int, bool]:
    """Where the change that the chart tells now begins, as a position in `scores`, and whether it rings.

    Without an alarm it is the last seven days that are compared.
    """
    sums, begins = [0.0, 0.0], [0, 0]
    ringing: int | None = None
    for position, score in enumerate(scores):
        for side, signed in enumerate((score, -score)):
            sums[side] = max(0.0, sums[side] + signed - ALLOWANCE)
            if sums[side] == 0.0:
                begins[side] = position + 1
        ringing = next((begins[side] for side in (0, 1) if sums[side] > LIMIT), None)
    return (max(0, len(scores) - 7), False) if ringing is None else (ringing, True)


def _variance(values: Numbers, sigma: float) -> float:
    """Of days; where there are few, not less than what the reference days vary by."""
    return max(float(np.var(values, ddof=1)) if len(values) > 1 else 0.0, sigma**2)
