"""How many seconds a vehicle that passes the loop is present before the camera: the gain of one against the other.

By Little's law (Little 1961, Operations Research 9, 383-387) the mean number present is the flow times the mean time
that each spends there: N = q T. So T = sum(N) / sum(q) over the windows in which both are known ties the camera's mean
number present to the loop's flow, with nothing followed. It is the ratio estimator of a cluster sample (Cochran 1977,
Sampling Techniques, 3rd ed., section 9A.1, of clusters of unequal size), the clusters being local days, for windows of
one day err together:

    e_d = sum over the windows of day d of (N - T q)        se(T)^2 = D / (D - 1) * sum(e_d^2) / sum(q)^2

and its 90 % interval T exp(-+ t se / T), with Student's t of D - 1 degrees of freedom, on the scale of logarithms, for
a time is never below zero.

T is longer in a queue than on a free road, hour after hour alike. `by_hour` therefore gives one for each hour of the
day, drawn to the whole where there is little of an hour (an empirical-Bayes mean: the whole counts as much as
`PRIOR_DAYS` more days of that hour would):

    T_h = (sum_h(N) + k T) / (sum_h(q) + k),        k = PRIOR_DAYS * mean of sum_h(q) over its days
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit
from scipy.stats import rankdata

from aggregate.tables import Integers, Numbers
from core.records import INTERVAL_LEVEL

LEAST_DAYS = 5
LEAST_HOURS = 48
"""What both have to have counted together before one is held against the other."""

PRIOR_DAYS = 3.0


@dataclass(frozen=True, eq=False)
class Gain:
    """Seconds that a vehicle is present, with the 90 % interval [`low`, `high`]; `by_hour` [24] by local hour.

    `agreement` is Spearman's rank correlation of the two over the windows: 1 where they rise and fall together.
    """

    seconds: float
    low: float
    high: float
    by_hour: Numbers
    agreement: float
    days: int
    hours: int


def gain(present: Numbers, per_hour: Numbers, day: Integers, hour: Integers) -> Gain | str:
    """The gain over hourly windows, each array [window]: mean number present, vehicles an hour (NaN where not known),
    the local day's number, and the hour of the day. Where it cannot be told, why not."""
    both = ~np.isnan(present) & ~np.isnan(per_hour)
    n, q, days, hours = present[both], per_hour[both], day[both], hour[both]
    names, cluster = np.unique(days, return_inverse=True)
    if len(names) < LEAST_DAYS or len(n) < LEAST_HOURS:
        return (
            f"camera and loop have counted {len(n)} hours of {len(names)} days together: "
            f"{LEAST_HOURS} hours of {LEAST_DAYS} days are needed"
        )
    if n.sum() <= 0 or q.sum() <= 0:
        return f"the {'camera' if n.sum() <= 0 else 'loop'} has counted no vehicle in {len(n)} hours"
    ratio = n.sum() / q.sum()
    off = np.bincount(cluster, weights=n - ratio * q)
    share = float(np.sqrt(len(names) / (len(names) - 1) * np.sum(off**2)) / q.sum() / ratio)
    reach = float(stdtrit(len(names) - 1, (1 + INTERVAL_LEVEL) / 2)) * share
    return Gain(
        seconds=3600.0 * float(ratio),
        low=3600.0 * float(ratio * np.exp(-reach)),
        high=3600.0 * float(ratio * np.exp(reach)),
        by_hour=3600.0 * _by_hour(n, q, hours, days, float(ratio)),
        agreement=_rank_correlation(n, q),
        days=len(names),
        hours=len(n),
    )


def _by_hour(n: Numbers, q: Numbers, hours: Integers, days: Integers, ratio: float) -> Numbers:
    ratios = np.full(24, ratio)
    for hour in np.unique(hours):
        of_hour = hours == hour
        passed = float(q[of_hour].sum())
        prior = PRIOR_DAYS * passed / len(np.unique(days[of_hour]))
        if passed + prior > 0:
            ratios[hour] = (n[of_hour].sum() + prior * ratio) / (passed + prior)
    return ratios


def _rank_correlation(one: Numbers, other: Numbers) -> float:
    a, b = rankdata(one), rankdata(other)
    spread = float(np.std(a) * np.std(b))
    return float(np.mean((a - a.mean()) * (b - b.mean())) / spread) if spread > 0 else 0.0
