"""How the level of all zones drifts together: weather, term, tourists, the season of the year.

A zone that drops by half has roadworks; when most of them do, it is winter. So what follows the newest weeks closely is
only what zones share: of each day the median over zones of how many times its usual week a zone's day was, smoothed.
The fewer zones there are, the less is it believed, for then works in one of them would be taken for winter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aggregate.usual.calendar import Days
from aggregate.usual.days import Roots
from aggregate.usual.model import SEASON_KNOTS, season_at, season_weights
from aggregate.usual.quantiles import median

LEAST_HOURS = 6
"""So many hours of a day tell what the day was like."""

BELIEF = 4.0
"""So many zones at its usual level stand beside those that were seen."""

SMOOTH_DAYS = 10.0
"""Standard deviation of the Gaussian by which days are smoothed; half of it where only days before may be used."""

LAG_DAYS = 14.0
"""Half-life of what was known of the level on a morning."""

SEASON_DAYS = 400
"""A past of so many days shows the season twice somewhere, and can tell what comes from what came a year ago."""

SEASON_BELIEF = 0.6
"""Of last year's season, what is expected of this one's: one year is one draw."""


@dataclass(frozen=True, eq=False)
class Drift:
    """`level` [day]: how many times its usual week all zones were, known afterwards; `lagged` [day]: as known on the
    morning of the day from days before; `season` [knot]: logarithm of the factor, 0 for the last day."""

    level: NDArray[np.float32]
    lagged: NDArray[np.float32]
    season: NDArray[np.float32]


def day_factors(root: Roots, reference: Roots) -> Roots:
    """[zone, day]: how many times `reference` each day of `root` was, both [zone, day, hour], by least squares; NaN of
    too few hours."""
    known = np.isfinite(root) & np.isfinite(reference)
    over = np.where(known, reference, 0)
    total = (over * np.where(known, root, 0)).sum(axis=2)
    square = (over * over).sum(axis=2)
    enough = known.sum(axis=2) >= LEAST_HOURS
    return np.where(enough, total / np.maximum(square, 1e-6), np.nan).astype(np.float32)


def drift(factors: Roots, days: Days) -> Drift:
    """What the zones of a group share, from their `factors` [zone, day]; NaN has no say."""
    seen = np.isfinite(factors).sum(axis=0).astype(np.float64)
    middle = np.nan_to_num(median(factors, 0), nan=1.0).astype(np.float64)
    belief = seen / (seen + BELIEF)
    count = len(days)
    apart = np.abs(np.subtract.outer(np.arange(count), np.arange(count)))
    near = np.exp(-0.5 * (apart / SMOOTH_DAYS) ** 2) * (seen > 0)
    before = np.tril(0.5 ** (apart / LAG_DAYS), -1) * (seen > 0)
    level = 1 + _mean(near, (middle - 1) * belief)
    lagged = 1 + _mean(before, (middle - 1) * belief)
    return Drift(level.astype(np.float32), lagged.astype(np.float32), _season(level, days))


def _mean(weight: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """[day]: weighted means of `values`; 0 where nothing weighs."""
    total = weight.sum(axis=1)
    mean: NDArray[np.float64] = np.divide(weight @ values, total, out=np.zeros(len(values)), where=total > 1e-9)
    return mean


def _season(level: NDArray[np.float64], days: Days) -> NDArray[np.float32]:
    if len(days) < SEASON_DAYS:
        return np.zeros(SEASON_KNOTS, dtype=np.float32)
    before, after, share = season_weights(days)
    weight = np.zeros((SEASON_KNOTS, len(days)))
    weight[before, np.arange(len(days))] += 1 - share
    weight[after, np.arange(len(days))] += share
    knots = (SEASON_BELIEF * _knots(weight, np.log(np.maximum(level, 0.05)))).astype(np.float32)
    return np.asarray(knots - season_at(knots[None], days[-1:])[0, 0], dtype=np.float32)


def _knots(weight: NDArray[np.float64], logarithm: NDArray[np.float64]) -> NDArray[np.float64]:
    knots: NDArray[np.float64] = weight @ (logarithm - logarithm.mean()) / weight.sum(axis=1)
    return knots
