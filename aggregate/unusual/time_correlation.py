"""How alike the windows of one place are: what deviates now deviated a moment ago.

A queue outlasts a window, rain lasts for hours, and an expectation that is off is off for as long as it is used. A scan
that takes windows for independent finds clusters in all of that. Of standardised figures u, the correlation of windows
that lie l apart is taken, all over a city, as

    r(l) = passing * decay^l + lasting          (l > 0;  r(0) = 1, so the rest is noise of single windows)

with the parameters that come closest to the mean products of all places,

    r^(l) = sum of u(place, t) u(place, t + l) / number of such pairs, as a share of that at l = 0

each weighted by its number of pairs. A prior counts as `PRIOR_PAIRS` pairs at each lag beside them, so that a handful
of places does not speak for itself.

Where few people are, the chance of who is there this moment outdoes what lasts; on a busy square it does not, and one
street is both within a day. So of each figure a share h^2 is what lasts, that of figures like it (`levelling.alike`):

    correlation of windows t and v = h(t) h(v) r(t - v) / (passing + lasting)          (t != v)

The h of each kind of figures are the least squares fit of this to the products of all pairs, by alternating fits of one
kind beside the others (a factor model of rank one, as minimum residual factor analysis fits it: Harman & Jones 1966,
Psychometrika 31, 351-368), drawn towards the city's as `PRIOR_PAIRS_ALIKE` pairs at each lag would. Any such numbers
are the correlation of something: their matrices can be inverted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aggregate.tables import Integers, Numbers

PRIOR_PAIRS = 200.0
PRIOR_PAIRS_ALIKE = 50.0
MOST_LAGS = 24
NEAR_LAGS = 12
"""What lasts is told by pairs no further apart than this: of others too little is left to tell it by."""

MOST_SHARED = 0.95
"""Windows of one place are never taken for more alike than this: some noise is in each."""

ROUNDS = 6
"""Of alternating fits; each halves what is left of the error."""


@dataclass(frozen=True)
class TimeCorrelation:
    """`passing`, `decay`, `lasting` as in the module's r(l): 0 <= each <= 1, passing + lasting <= `MOST_SHARED`."""

    passing: float
    decay: float
    lasting: float

    @property
    def share(self) -> float:
        """What of a figure is not noise of its single window."""
        return self.passing + self.lasting

    def at(self, lags: Numbers) -> Numbers:
        """r of windows that lie `lags` >= 0 apart."""
        shared = self.passing * self.decay**lags + self.lasting
        return np.where(lags == 0, 1.0, shared)

    def of_what_lasts(self, lags: Numbers) -> Numbers:
        """The correlation of what is not noise of single windows, `lags` >= 0 apart."""
        return (self.passing * self.decay**lags + self.lasting) / max(self.share, 1e-9)


PRIOR = TimeCorrelation(passing=0.2, decay=0.7, lasting=0.1)
"""Between the synthetic city's and that of the real camera-days."""

_DECAYS = np.array([0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95])


def matrices(lasts: Numbers, city: TimeCorrelation) -> Numbers:
    """The correlation of the windows of each place, [place, window, window], of figures of which h `lasts`
    [place, window]."""
    steps = np.arange(lasts.shape[1], dtype=np.float64)
    alike = city.of_what_lasts(np.abs(steps[:, None] - steps[None, :]))
    correlation: Numbers = lasts[:, :, None] * lasts[:, None, :] * alike
    correlation[:, np.arange(len(steps)), np.arange(len(steps))] = 1.0
    return correlation


def what_lasts(figures: Numbers, among: Integers, city: TimeCorrelation) -> Numbers:
    """h of standardised figures [place, window], NaN where there is none, one of each number in `among`; 0 where that
    is -1."""
    known = np.isfinite(figures)
    figure = np.where(known, figures, 0.0)
    kinds, kind = int(among.max(initial=-1)) + 1, np.where(known, among, -1)
    there = kind >= 0
    alike = city.of_what_lasts(np.arange(1.0, min(figures.shape[1] - 1, NEAR_LAGS) + 1.0))
    start = np.sqrt(city.share)
    prior = PRIOR_PAIRS_ALIKE * city.share * float(np.square(alike).sum())
    of_kind = np.full(kinds, start)
    for _ in range(ROUNDS):
        h = np.where(there, np.append(of_kind, 0.0)[kind], 0.0)
        beside, weight = _beside(h * figure, alike), _beside(np.square(h), np.square(alike))
        products = np.bincount(kind[there], weights=(figure * beside)[there], minlength=kinds) + prior * start
        squares = np.bincount(kind[there], weights=weight[there], minlength=kinds) + prior
        fitted = np.maximum(products, 0.0) / np.maximum(squares, 1e-12)
        # What fits best beside the others that are too large is too small: half-way between, in logarithms, is nearer.
        of_kind = np.minimum(np.sqrt(fitted * of_kind), np.sqrt(MOST_SHARED))
    return np.where(there, np.append(of_kind, 0.0)[kind], 0.0)


def _beside(values: Numbers, weights: Numbers) -> Numbers:
    """The sum of the windows before and after each, [place, window], times the `weights` of their lags 1, 2, ..."""
    total = np.zeros_like(values)
    for lag, weight in enumerate(weights, start=1):
        total[:, lag:] += weight * values[:, :-lag]
        total[:, :-lag] += weight * values[:, lag:]
    return total


def time_correlation(scores: Numbers, prior: TimeCorrelation = PRIOR) -> TimeCorrelation:
    """The correlation in time of standardised figures [place, window], NaN where there is none."""
    known = np.isfinite(scores)
    figure = np.where(known, scores, 0.0)
    windows = scores.shape[1]
    variance = np.square(figure).sum() / max(int(known.sum()), 1)
    lags = np.arange(1, min(windows, MOST_LAGS + 1))
    if variance == 0 or len(lags) == 0:
        return prior
    pairs = np.array([(known[:, lag:] & known[:, :-lag]).sum() for lag in lags], dtype=np.float64)
    products = np.array([(figure[:, lag:] * figure[:, :-lag]).sum() for lag in lags]) / variance
    weight = pairs + PRIOR_PAIRS
    seen = (products + PRIOR_PAIRS * prior.at(lags.astype(np.float64))) / weight
    fits = [_closest(decay**lags, seen, weight) for decay in _DECAYS]
    best = int(np.argmin([loss for loss, _, _ in fits]))
    _, passing, lasting = fits[best]
    return TimeCorrelation(passing, float(_DECAYS[best]), lasting)


def _closest(shape: Numbers, seen: Numbers, weight: Numbers) -> tuple[float, float, float]:
    """(loss, passing, lasting): least squares of `seen` on passing * `shape` + lasting, neither below zero."""
    flat = np.ones_like(shape)
    candidates = [(0.0, 0.0), (_share(shape, seen, weight), 0.0), (0.0, _share(flat, seen, weight))]
    mean_shape, mean_seen = np.average(shape, weights=weight), np.average(seen, weights=weight)
    varies = (weight * np.square(shape - mean_shape)).sum()
    if varies > 0:
        passing = float((weight * (shape - mean_shape) * (seen - mean_seen)).sum() / varies)
        candidates.append((passing, float(mean_seen - passing * mean_shape)))
    allowed = [(passing, lasting) for passing, lasting in candidates if passing >= 0 and lasting >= 0]
    shrunk = [tuple(part * min(1.0, MOST_SHARED / max(sum(both), 1e-9)) for part in both) for both in allowed]
    losses = [float((weight * np.square(seen - passing * shape - lasting)).sum()) for passing, lasting in shrunk]
    least = int(np.argmin(losses))
    return losses[least], shrunk[least][0], shrunk[least][1]


def _share(shape: Numbers, seen: Numbers, weight: Numbers) -> float:
    """Least squares of `seen` on a multiple of `shape`."""
    return float((weight * shape * seen).sum() / (weight * np.square(shape)).sum())
