"""The interval of the mean number present, from the spread between clips.

Counts in clips are non-negative, mostly small, often all zero, and vary more than a Poisson count because people
come in groups and vehicles in platoons. So the total of n clips, T, is taken as overdispersed Poisson (quasi-Poisson,
McCullagh & Nelder 1989, section 6.2): var(T) = phi * E(T), and T / phi gets the exact limits of Garwood (1936,
Biometrika 28, 437-442)

    low  = phi * chi2(alpha / 2;     2 * T / phi)     / (2 * n)
    high = phi * chi2(1 - alpha / 2; 2 * T / phi + 2) / (2 * n)

where chi2(p; df) is the quantile. These never go below zero and say something for an empty street: no one in n clips
has the limits [0, -ln(alpha / 2) * phi / n].

A few clips say little about phi = s^2 / mean. It is therefore moderated (Smyth 2004, Statistical Applications in
Genetics and Molecular Biology 3(1), 3): `PRIOR_DISPERSION` counts as if it had been seen with `PRIOR_FREEDOM` degrees
of freedom beside the n - 1 of the clips; and as phi is still estimated, it is widened by the squared ratio of the
quantiles of Student's t and the normal distribution at these degrees of freedom. phi is never below 1: the mean over
the frames of a clip is smoother than a count, which is no reason to trust it more.

A single clip has no spread, so nothing is estimated from it and nothing is widened: phi is `PRIOR_DISPERSION`, whatever
was counted. Its interval says how far one look can be off on a street of that dispersion, not how much this one varies.

With these two numbers the simulated coverage of the 90 % interval is 87 to 98 % for negative-binomial clips of
variance/mean 1.4 and 3, 2 to 96 clips and means of 0.3 to 20, and up to 99 % where fewer than six objects are expected
in all clips together (tests/aggregate/test_intervals.py): exact limits of a discrete count are never too narrow. One
clip covers 91 to 99 % at variance/mean 1.4; where a street varies more than the prior it covers less (76 % at
variance/mean 3 and a mean of 20), which no formula can tell from one clip.

All of that is the street's own variation. The counter errs too. What it errs by from clip to clip is in their spread,
but clips of one camera are counted past the same railings and under the same lamps: that part of their errors is shared
and does not average out, however many clips there are. On the scale on which the counter's error does not grow with the
count (`core/root_scale.py`) it is a share of the whole (`core.figures.Shares`, measured where the error was), and
reaches from the mean to

    (sqrt(mean + 3/8) -+ e)^2 - 3/8,    e = the mean over clips of share * (sqrt(high + 3/8) - sqrt(present + 3/8))

A single clip has no spread: its error counts as a whole, as does that of clips whose share is not known. The two
sources, independent of each other, are added as standard errors are, below and above apart:

    low  = max(0, mean - sqrt((mean - low between clips)^2 + (counter's reach below)^2))

Clips whose counter's error is not known have no say in its reach; where none has one, only the spread between clips is
left.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.polynomial import Chebyshev, Polynomial
from numpy.typing import ArrayLike
from scipy.special import gammaincinv, ndtri, stdtrit

from aggregate.tables import Numbers
from core.root_scale import limits, stabilised

PRIOR_DISPERSION = 1.4
PRIOR_FREEDOM = 4.0


_SERIES_FROM, _SERIES_TO = 0.5, 4096.0
_DEGREE = 24
_SMALLEST = 5e-13


def _gamma_quantile(probability: float, shape: Numbers) -> Numbers:
    """x with P(shape, x) = probability: half of the quantile of chi2 with twice as many degrees of freedom.

    Solving for it takes as long as all else of a reading. But at one probability it is z of the normal distribution and
    little more, a + z * sqrt(a) + (z^2 - 1) / 3 + ..., which goes on in powers of 1 / sqrt(a) (Cornish & Fisher 1938,
    Revue de l'Institut international de statistique 5, 307-320). So what is left of it is solved for at the nodes of a
    Chebyshev series, once, and added up: to 1e-12 the same. Solved for is what lies outside of the series.
    """
    known = (shape >= _SERIES_FROM) & (shape <= _SERIES_TO)
    quantile = np.empty_like(shape)
    root = np.sqrt(shape[known])
    quantile[known] = root * (root + ndtri(probability)) + _rest_of_quantile(probability)(1.0 / root)
    quantile[~known] = gammaincinv(shape[~known], probability)
    return quantile


@lru_cache(maxsize=16)
def _rest_of_quantile(probability: float) -> Polynomial:
    """Of 1 / sqrt(shape), what has to be added to shape + z * sqrt(shape)."""

    def rest(inverse: Numbers) -> Numbers:
        root = 1.0 / inverse
        found: Numbers = gammaincinv(root**2, probability) - root * (root + ndtri(probability))
        return found

    series = Chebyshev.interpolate(rest, _DEGREE, domain=[_SERIES_TO**-0.5, _SERIES_FROM**-0.5])
    return series.convert(kind=Polynomial, domain=series.domain, window=series.window)  # adds up in half the time


def garwood(total: ArrayLike, level: float) -> tuple[Numbers, Numbers]:
    """Exact two-sided limits of a Poisson mean of which `total` (>= 0, may be fractional) was counted."""
    counted = np.asarray(total, dtype=np.float64)
    tail = (1.0 - level) / 2.0
    # Shape 0 has no quantile, nor has a number that is next to it; the lower limit of nothing counted is zero.
    low = np.zeros_like(counted)
    some = counted > 0
    low[some] = _gamma_quantile(tail, np.maximum(counted[some], _SMALLEST))
    return low, _gamma_quantile(1.0 - tail, counted + 1.0)


def dispersion(mean: ArrayLike, variance: ArrayLike, clips: ArrayLike, level: float) -> Numbers:
    """phi of n clips with this mean and sample variance (ddof 1; ignored where n is 1), small samples corrected.

    `PRIOR_DISPERSION` itself where the clips leave no trace of it: of one clip, and where none counted anything.
    """
    center, spread, count = (np.asarray(values, dtype=np.float64) for values in (mean, variance, clips))
    freedom = count - 1.0
    ratio = np.divide(spread, center, out=np.zeros_like(center), where=center > 0)
    moderated = (freedom * ratio + PRIOR_FREEDOM * PRIOR_DISPERSION) / (freedom + PRIOR_FREEDOM)
    tail = (1.0 - level) / 2.0
    distinct, place = np.unique(freedom, return_inverse=True)  # windows hold few different numbers of clips
    widening = ((stdtrit(distinct + PRIOR_FREEDOM, 1.0 - tail) / ndtri(1.0 - tail)) ** 2)[place]
    # Only the prior is left there: nothing was estimated, so there is no error of an estimate to widen for.
    estimated = (center > 0) & (freedom > 0)
    return np.where(estimated, np.maximum(1.0, moderated) * widening, PRIOR_DISPERSION)


def joined(mean: Numbers, between: tuple[Numbers, Numbers], reach: tuple[Numbers, Numbers]) -> tuple[Numbers, Numbers]:
    """Limits (low, high) of `mean` from the spread `between` clips (their limits) and the counter's `reach` below and
    above it (>= 0; NaN where it is not known); arrays of one shape, 0 <= low <= mean <= high."""
    below, above = (np.nan_to_num(part, nan=0.0) for part in reach)
    low = np.maximum(0.0, mean - np.hypot(mean - between[0], below))
    high = mean + np.hypot(between[1] - mean, above)
    # A rounding must not make it narrower than the spread alone.
    return np.minimum(low, between[0]), np.maximum(high, between[1])


def mean_interval(mean: ArrayLike, variance: ArrayLike, clips: ArrayLike, level: float) -> tuple[Numbers, Numbers]:
    """Limits (low, high) of the mean number present over n clips; arrays of one shape, 0 <= low <= mean <= high.

    `mean`: mean present over the clips; `variance`: sample variance between clips; `clips`: n >= 1.
    """
    center = np.asarray(mean, dtype=np.float64)
    count = np.asarray(clips, dtype=np.float64)
    phi = dispersion(center, variance, count, level)
    low, high = garwood(center * count / phi, level)
    return np.minimum(low * phi / count, center), np.maximum(high * phi / count, center)


def counter_error(present: Numbers, high: Numbers) -> Numbers:
    """How far the upper limit of a clip's count reaches on the scale on which a counter's error does not grow."""
    return stabilised(high) - stabilised(present)


def counter_reach(mean: Numbers, shared: Numbers) -> tuple[Numbers, Numbers]:
    """How far below and above `mean` the counter may have erred in all of its clips together; NaN where `shared` is.

    `shared`: the mean over the clips of what of their `counter_error` they share.
    """
    low, high = limits(mean, shared)
    return mean - low, high - mean
