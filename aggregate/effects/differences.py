"""Difference in differences: how much more a place changed than its controls did.

    path[week]  = level of the place - mean level of its controls
    change      = mean of the path after - mean of it before                    (a logarithm: exp(change) is a ratio)
    noise       = standard deviation of the path around those two means, pooled

(Card & Krueger 1994, American Economic Review 84, 772-793; Angrist & Pischke 2009, Mostly Harmless Econometrics, 5.2.)
The regression of the same figures on effects of zones and weeks, with errors clustered by zone and by week (Cameron,
Gelbach & Miller 2011, Journal of Business & Economic Statistics 29, 238-249, eq. 2.11), is given beside it. Its error
is no basis for an interval where few zones were treated: their residuals add up to nothing before and after, so that
their own noise is not in it (MacKinnon & Webb 2017, Journal of Applied Econometrics 32, 233-254, section 3). The
interval comes from places where nothing happened: see `placebo.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aggregate.effects.division import divided
from aggregate.tables import Integers, Mask, Numbers, Rows


@dataclass(frozen=True, eq=False)
class Differences(Rows):
    """Units against their controls. `path` [unit, week], NaN where either is not known; the rest [unit], NaN where
    fewer than two weeks are known on one side. `reach` is sqrt(1/weeks before + 1/weeks after).
    """

    path: Numbers
    change: Numbers
    noise: Numbers
    reach: Numbers

    @property
    def ratio(self) -> Numbers:
        """The change in units of what independent weeks of this noise would give, [unit]."""
        error = self.noise * self.reach
        return divided(self.change, error, otherwise=np.nan)


def of_controls(level: Numbers, weights: Numbers) -> Numbers:
    """The mean level of each unit's controls, [unit, week], of levels [zone, week] and weights [unit, zone].

    A week in which less than half of the weight is known is not.
    """
    known = ~np.isnan(level)
    held = weights @ known.astype(np.float64)
    total = weights @ np.where(known, level, 0.0)
    enough = held >= 0.5 * np.maximum(weights.sum(axis=1, keepdims=True), 1e-12)
    return divided(total, held, otherwise=np.nan, where=enough)


def differences(level: Numbers, expected: Numbers, after: Mask) -> Differences:
    """Of units with levels [unit, week] against what their controls did [unit, week]; `after` [week]."""
    path = level - expected
    (before_mean, before_squares, before), (after_mean, after_squares, later) = (
        _moments(path[:, side]) for side in (~after, after)
    )
    known = (before >= 2) & (later >= 2)
    freedom, weeks = np.where(known, before + later - 2, 1), np.where(known, 1.0, np.nan)
    return Differences(
        path=path,
        change=(after_mean - before_mean) * weeks,
        noise=np.sqrt((before_squares + after_squares) / freedom) * weeks,
        reach=np.sqrt(1.0 / np.maximum(before, 1) + 1.0 / np.maximum(later, 1)) * weeks,
    )


def _moments(path: Numbers) -> tuple[Numbers, Numbers, Integers]:
    """Mean, sum of squares around it, and count of the known weeks, each [unit]."""
    known = ~np.isnan(path)
    count = known.sum(axis=1)
    mean = np.where(known, path, 0.0).sum(axis=1) / np.maximum(count, 1)
    squares = np.where(known, path - mean[:, None], 0.0) ** 2
    return mean, squares.sum(axis=1), count


@dataclass(frozen=True)
class Regression:
    """The coefficient of treated x after, with its error clustered by zone, by week, and by both."""

    change: float
    by_zone: float
    by_week: float
    by_both: float


def regression(level: Numbers, treated: Mask, after: Mask) -> Regression | None:
    """Of levels [zone, week] (NaN is left out) on effects of zones and weeks and treated x after.

    None where the coefficient cannot be told: nothing known of the treated on one side.
    """
    zone, week = np.nonzero(~np.isnan(level))
    outcome = level[zone, week]
    ours = (treated[zone] & after[week]).astype(np.float64)
    effects = np.concatenate([_dummies(zone, len(level)), _dummies(week, level.shape[1])[:, 1:]], axis=1)
    # What is left of the coefficient's own column once the effects are out of it (Frisch & Waugh 1933).
    solved, _, rank, _ = np.linalg.lstsq(effects, np.column_stack([ours, outcome]), rcond=None)
    rest, outcome_rest = (np.column_stack([ours, outcome]) - effects @ solved).T
    weight = float(rest @ rest)
    if weight < 1e-9:
        return None
    change = float(rest @ outcome_rest) / weight
    score = rest * (outcome_rest - change * rest)
    rows, columns = len(outcome), int(rank) + 1
    zones, weeks, both = (
        _clustered(score, cluster, rows, columns) for cluster in (zone, week, np.arange(len(outcome)))
    )
    # The three may come to less than nothing in small samples: then the larger of the two is taken.
    two_way = zones + weeks - both
    errors = np.sqrt(np.maximum([zones, weeks, two_way if two_way > 0 else max(zones, weeks)], 0.0)) / weight
    return Regression(change, *map(float, errors))


def _dummies(member: Integers, groups: int) -> Numbers:
    columns = np.zeros((len(member), groups))
    columns[np.arange(len(member)), member] = 1.0
    return columns[:, columns.any(axis=0)]


def _clustered(score: Numbers, cluster: Integers, rows: int, columns: int) -> float:
    """The middle of the sandwich, with the usual correction for few clusters, as Stata and statsmodels have it."""
    sums = np.bincount(cluster, weights=score)
    groups = len(np.unique(cluster))
    correction = groups / max(groups - 1, 1) * (rows - 1) / max(rows - columns, 1)
    return float(sums @ sums) * correction
