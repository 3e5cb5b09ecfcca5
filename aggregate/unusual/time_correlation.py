"""How alike the windows of one place are: what deviates now deviated a moment ago.

A queue outlasts a window, rain lasts for hours, and an expectation that is off is off for as long as it is used. A scan
that takes windows for independent finds clusters in all of that. Of standardised figures u, the correlation of windows
that lie l apart is taken as

    r(l) = passing * decay^l + lasting          (l > 0;  r(0) = 1, so the rest is noise of single windows)

with the parameters that come closest to the mean products of all places,

    r^(l) = sum of u(place, t) u(place, t + l) / number of such pairs, as a share of that at l = 0

each weighted by its number of pairs. A prior counts as `PRIOR_PAIRS` pairs at each lag beside them, so that a handful
of places does not speak for itself: `PRIOR` for a city, the city's for a part of it. Any such r is the correlation of
something: its matrices can be inverted.

Where few people are, the chance of who is there this moment outdoes what lasts; on a busy square it does not. So places
are parted by how alike their own neighbouring windows have been, and each part has its correlation
(`time_correlations`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aggregate.tables import Integers, Numbers

PRIOR_PAIRS = 200.0
MOST_LAGS = 24
MOST_SHARED = 0.95
"""Windows of one place are never taken for more alike than this: some noise is in each."""


@dataclass(frozen=True)
class TimeCorrelation:
    """`passing`, `decay`, `lasting` as in the module's r(l): 0 <= each <= 1, passing + lasting <= `MOST_SHARED`."""

    passing: float
    decay: float
    lasting: float

    def at(self, lags: Numbers) -> Numbers:
        """r of windows that lie `lags` >= 0 apart."""
        shared = self.passing * self.decay**lags + self.lasting
        return np.where(lags == 0, 1.0, shared)

    def matrix(self, windows: int) -> Numbers:
        """The correlation of that many windows in a row, [window, window]."""
        steps = np.arange(windows, dtype=np.float64)
        return self.at(np.abs(steps[:, None] - steps[None, :]))


PRIOR = TimeCorrelation(passing=0.2, decay=0.7, lasting=0.1)
"""Between the synthetic city's and that of the real camera-days."""

LEAST_IN_PART = 10
MOST_PARTS = 6
LEAST_WINDOWS = 48
"""Places are parted into up to so many parts of at least so many, by what at least so many windows say."""

_DECAYS = np.array([0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95])


def time_correlations(figures: Numbers) -> tuple[Integers, tuple[TimeCorrelation, ...]]:
    """(part [place], correlation of each part) of standardised figures [place, window], NaN where there is none.

    One part where there are fewer than `LEAST_WINDOWS` to part them by.
    """
    city = time_correlation(figures)
    if figures.shape[1] < LEAST_WINDOWS:
        return np.zeros(len(figures), dtype=np.int64), (city,)
    figure = np.nan_to_num(figures, nan=0.0)
    shared = sum((figure[:, lag:] * figure[:, :-lag]).sum(axis=1) for lag in (1, 2, 3))
    alike = shared / np.maximum(np.isfinite(figures).sum(axis=1), 1)
    parts = int(np.clip(len(alike) // LEAST_IN_PART, 1, MOST_PARTS))
    part = np.searchsorted(np.quantile(alike, np.arange(1, parts) / parts), alike)
    return part, tuple(time_correlation(figures[part == number], city) for number in range(parts))


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
