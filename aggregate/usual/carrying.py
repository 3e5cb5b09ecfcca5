"""How deviations carry on: learnt from the past by least absolute deviations, for some hours ahead, by zone and hour.

Of an hour `ahead` of each hour of the past, the deviation from the running profile is told by the `signals` that were
known then:

    u[t + ahead] = w[ahead, zone, hour] . signals(t, t + ahead) + e

with e of least absolute size, for what is wanted is the median (Koenker and Bassett 1978, Econometrica 46, 33-50), by
iteratively reweighted least squares. The newest weeks say most. w is learnt in three steps, each from what the one
before left over and drawn towards nothing: of all zones and hours, then by zone, then by hour of the day, and for the
next hour by zone and hour together. So a zone of two weeks has what all zones have, and one of a year is itself.

Profiles are made of what lies a week and more back (`aggregate/usual/weekly.py`), so u is what was not known; and a
residual e is that of weights learnt without its weeks. So they are residuals of forecasts, and their quantiles the
limits of intervals (cross-conformal prediction: Vovk 2015, Annals of Mathematics and Artificial Intelligence 74, 9-28).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aggregate.tables import Integers, Mask, Numbers
from aggregate.usual.days import HOURS, WEEK_HOURS, Roots
from aggregate.usual.quantiles import quantiles
from aggregate.usual.signals import MOST_OFF, SIGNALS, Scene, restlessness, signals
from core.records import INTERVAL_LEVEL

AHEADS = np.array([1, 2, 3, 4, 6, 9, 13, 18, 24, 25, 36, 48, 60, 84, 108, 132, 156])
"""Hours ahead for which it is learnt. Between two of one day ahead, weights and limits are drawn straight; farther days
have one each."""

MOST_AHEAD = 168

HALF_LIFE_WEEKS = 20.0
LEARNT_WEEKS = 60
FIRST_WEEKS = 3
"""The first weeks of a past are not learnt from: their profiles are of a week or two."""

MOST_ROWS_NEXT, MOST_ROWS = 400_000, 100_000
"""So many hours of all zones are learnt from for the next hour, and for hours farther on."""

ZONE_PRIOR, HOUR_PRIOR, ZONE_HOUR_PRIOR = 500.0, 500.0, 150.0
"""How many hours of no difference stand beside those of a zone, of an hour of the day, of an hour in a zone."""

NEIGHBOUR_HOURS = 0.6
"""How much the hours before and after say of an hour."""

ROUNDS = 3
LEAST_RESIDUAL = 0.3
"""Residuals below this weigh as this one."""

RIDGE = 0.01

FOLDS, FOLD_WEEKS = 4, 3
"""Residuals for the tails are of weights that had not seen them: each block of weeks, in turns, is left out."""

TAIL_WEEKS = 26
PARTS = 4
"""Parts of the day, of six hours each, that have tails of their own."""
PRIOR_TAIL = 200.0
"""So many hours of all zones stand beside a zone's own in its tails."""

Weights = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Carried:
    """`weights` [ahead, zone, hour, signal]; `tails` [ahead, zone, part, 2]: between which multiples of `restlessness`
    what happens lies off the forecast nine times in ten. `ahead` as in `AHEADS`, `hour` and `part` of the hour to come.
    """

    weights: Weights
    tails: Weights


def between(aheads: Integers) -> Weights:
    """[hours ahead, place in `AHEADS`]: how much of each makes what holds for so many hours ahead."""
    day = -(-AHEADS // HOURS)
    found = np.zeros((len(aheads), len(AHEADS)), dtype=np.float32)
    for row, ahead in enumerate(aheads):
        places = np.flatnonzero(day == min(-(-int(ahead) // HOURS), day[-1]))
        for place in places:
            found[row, place] = np.interp(ahead, AHEADS[places], places == place)
    return found


def learnt(past: Scene, horizon: int) -> Carried:
    """From a scene, for up to `horizon` hours ahead; of what lies beyond there are zeros."""
    zones = len(past.level)
    weights = np.zeros((len(AHEADS), zones, HOURS, len(SIGNALS)), dtype=np.float32)
    tails = np.zeros((len(AHEADS), zones, PARTS, 2), dtype=np.float32)
    used = between(np.arange(1, horizon + 1)).any(axis=0)
    for place in np.flatnonzero(used):
        origin, target = _pairs(past, int(AHEADS[place]))
        weights[place], tails[place] = _one(past, origin, target, next_hour=place == 0)
    return Carried(weights, tails)


def _pairs(past: Scene, ahead: int) -> tuple[Integers, Integers]:
    """Hours of the grid to learn from, so spaced that all hours of the week come up."""
    last = int(past.grid.column[-1])
    first = max(FIRST_WEEKS * WEEK_HOURS, last - LEARNT_WEEKS * WEEK_HOURS)
    most = MOST_ROWS_NEXT if ahead == 1 else MOST_ROWS
    stride = max(1, -(-len(past.level) * max(last - first, 0) // most))
    while np.gcd(stride, WEEK_HOURS) > 1:
        stride += 1
    origin = np.arange(last - ahead, first, -stride)[::-1]
    return origin, origin + ahead


def _one(past: Scene, origin: Integers, target: Integers, *, next_hour: bool) -> tuple[Weights, Weights]:
    """weights [zone, hour, signal] and tails [zone, part, 2] of one number of hours ahead."""
    zones = len(past.level)
    if not len(origin):
        return np.zeros((zones, HOURS, len(SIGNALS)), np.float32), np.zeros((zones, PARTS, 2), np.float32)
    x, u, hour = signals(past, origin, target), past.deviation[:, target], target % HOURS
    known = np.isfinite(u)
    u = np.where(known, np.clip(u, -MOST_OFF, MOST_OFF), 0)
    says = _says(past, target, known)
    weeks_ago = (target[-1] - target) // WEEK_HOURS
    fold = weeks_ago // FOLD_WEEKS % FOLDS

    left, parts = u, []
    for _ in range(ROUNDS):
        weight = says / np.maximum(np.abs(left), np.float32(LEAST_RESIDUAL))
        parts = [_equations(x, u, np.where(fold == one, weight, 0), hour) for one in range(FOLDS)]
        whole = _sum_of(parts)
        weights = _solution(whole, next_hour=next_hour)
        left = u - _told(x, weights, hour)
    for one, part in enumerate(parts):
        unseen = _solution(whole.less(part), next_hour=next_hour)
        here = fold == one
        left[:, here] = (u - _told(x, unseen, hour))[:, here]
    recent = weeks_ago < TAIL_WEEKS
    left = left / restlessness(past, origin)
    return weights, _tails(np.where(known, left, np.nan)[:, recent], hour[recent])


@dataclass(frozen=True, eq=False)
class Equations:
    """Normal equations of least squares: `squares` [zone, hour, signal, signal] and `products` [zone, hour, signal]."""

    squares: Numbers
    products: Numbers

    def less(self, other: Equations) -> Equations:
        """Without what is in others."""
        return Equations(self.squares - other.squares, self.products - other.products)

    def left_by(self, weights: Numbers) -> Equations:
        """Of what `weights` [..., signal] leave over."""
        told = np.matmul(self.squares, np.broadcast_to(weights, self.products.shape)[..., None])[..., 0]
        return Equations(self.squares, self.products - told)

    def over(self, axis: int | tuple[int, ...]) -> Equations:
        """Of all zones, or hours, or both together."""
        return Equations(self.squares.sum(axis=axis), self.products.sum(axis=axis))

    def with_neighbours(self, axis: int) -> Equations:
        """Each hour with some of the hours next to it."""
        squares, products = (
            sums + NEIGHBOUR_HOURS * (np.roll(sums, 1, axis=axis) + np.roll(sums, -1, axis=axis))
            for sums in (self.squares, self.products)
        )
        return Equations(squares, products)

    def solved(self, prior: float) -> Numbers:
        """[..., signal]: drawn to zero as if `prior` hours, in the mean of all of these, had told of no deviation."""
        wide = self.products.shape[-1]
        total = self.squares.reshape(-1, wide, wide).sum(axis=0)
        # The first signal is always 1: its square sums the weights.
        mean = total / max(float(total[0, 0]), 1e-9) + RIDGE * np.eye(wide)
        solved: Numbers = np.linalg.solve(self.squares + prior * mean, self.products[..., None])[..., 0]
        return solved


def _equations(x: Weights, u: Roots, weight: Roots, hour: Integers) -> Equations:
    zones, _, wide = x.shape
    squares, products = np.zeros((zones, HOURS, wide, wide)), np.zeros((zones, HOURS, wide))
    used = weight.any(axis=0)
    for at in range(HOURS):
        here = np.flatnonzero(used & (hour == at))
        weighted = (x[:, here] * weight[:, here, None]).transpose(0, 2, 1)
        squares[:, at] = np.matmul(weighted, x[:, here])
        products[:, at] = np.matmul(weighted, u[:, here, None])[..., 0]
    return Equations(squares, products)


def _sum_of(parts: list[Equations]) -> Equations:
    return Equations(
        np.sum([part.squares for part in parts], axis=0), np.sum([part.products for part in parts], axis=0)
    )


def _solution(equations: Equations, *, next_hour: bool) -> Weights:
    """[zone, hour, signal]: of all, then what a zone adds to it, then an hour, then an hour in a zone."""
    everybody = equations.over((0, 1)).solved(1.0)
    weights = (everybody + equations.left_by(everybody).over(1).solved(ZONE_PRIOR))[:, None]
    weights = weights + equations.left_by(weights).over(0).with_neighbours(0).solved(HOUR_PRIOR)
    if next_hour:
        weights = weights + equations.left_by(weights).with_neighbours(1).solved(ZONE_HOUR_PRIOR)
    return weights.astype(np.float32)


def _says(past: Scene, target: Integers, known: Mask) -> Roots:
    """[zone, pair]: how much an hour says, 0 where it is not known: half as much at an age of `HALF_LIFE_WEEKS`; and as
    much more as a deviation of one is more of a count then, so that it is the error in counts which is least. But for
    its age, 1 on average of the known hours of a zone."""
    counts = np.where(known, past.level[:, target] * past.scale[:, target], 0)
    mean = counts.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    age = ((target[-1] - target) / WEEK_HOURS).astype(np.float32)
    return np.asarray(counts / np.maximum(mean, 1e-6)[:, None] * np.float32(0.5) ** (age / np.float32(HALF_LIFE_WEEKS)))


def _told(x: Weights, weights: Weights, hour: Integers) -> Roots:
    """[zone, pair]"""
    told = np.empty(x.shape[:2], dtype=np.float32)
    for at in range(HOURS):
        here = hour == at
        told[:, here] = np.matmul(x[:, here], weights[:, at, :, None])[..., 0]
    return told


def _tails(left: Roots, hour: Integers) -> Weights:
    """[zone, part, 2], drawn towards those of all zones."""
    tails = np.zeros((len(left), PARTS, 2), dtype=np.float32)
    levels = ((1 - INTERVAL_LEVEL) / 2, (1 + INTERVAL_LEVEL) / 2)
    for part in range(PARTS):
        here = left[:, hour * PARTS // HOURS == part]
        number = np.isfinite(here).sum(axis=1)[:, None]
        pooled = np.nan_to_num(quantiles(here.reshape(1, -1), levels, 1)[:, 0])
        own = np.nan_to_num(quantiles(here, levels, 1).T)
        tails[:, part] = (number * own + PRIOR_TAIL * pooled) / (number + PRIOR_TAIL)
    return tails
