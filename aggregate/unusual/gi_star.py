"""Where unusual places lie together: the local statistic of Getis and Ord.

    Gi* = (sum of x over i and its neighbours - W mean) / (s sqrt((n W - W^2) / (n - 1)))

(Ord & Getis 1995, Geographical Analysis 27, 286-306, equation 14 with weights of one), where W is how many places are
in the sum, i itself among them, mean and s^2 = sum(x^2) / n - mean^2 those of all n places. It is how many standard
deviations the sum is from that of W places drawn at random: above where a neighbourhood is busier than the city's other
places are, measured against their own usual times; below where it is quieter. What the whole city does cancels out.

Gi* is about normal for many neighbours and is not for few, where it has the tails of x: on skewed figures a nominal
1 in 10,000 is several times that. So `gi_star` takes x as normal scores (`normal_scores.py`): sums of them are as good
as normal for any W, in the far tails that many tests ask for too, and one wild figure does not paint its neighbourhood.
The q-values are those of Benjamini and Hochberg (`false_discovery.py`); `benchmarks/scan_null.py` measures both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from aggregate.tables import Integers, Numbers
from aggregate.unusual.cells import NOBODY
from aggregate.unusual.false_discovery import benjamini_hochberg
from aggregate.unusual.normal_scores import normal_scores

NEAR_M = 1500.0
NEAR_PLACES = 12
"""Neighbourhoods of a city reach as far, and hold as many places, as this."""

LEAST_PLACES = 8
"""Fewer places with a figure have no city to be held against."""


@dataclass(frozen=True, eq=False)
class GiStar:
    """[place]: `z` is Gi*, `p` its two-sided p-value, `q` that with false discoveries controlled. NaN where the place
    itself has no figure, where its neighbourhood is everything, and everywhere with fewer than `LEAST_PLACES`."""

    z: Numbers
    p: Numbers
    q: Numbers


def gi_star(z: Numbers, neighbours: Integers) -> GiStar:
    """Gi* of exceedances `z` [place] in neighbourhoods [place, rank] as `cells.neighbours` gives them.

    Places without a figure (NaN) are left out: they are neither neighbours nor part of the city.
    """
    enough = np.isfinite(z).sum() >= LEAST_PLACES
    statistic = getis_ord(normal_scores(z), neighbours) if enough else np.full(len(z), np.nan)
    p = 2.0 * ndtr(-np.abs(statistic))
    return GiStar(statistic, p, benjamini_hochberg(p))


def getis_ord(x: Numbers, neighbours: Integers) -> Numbers:
    """The statistic of figures `x` [place] as they are; NaN where a place has none, or its neighbourhood is all."""
    known = np.isfinite(x)
    count = int(known.sum())
    if count < 2:
        return np.full(len(x), np.nan)
    mean, deviation = x[known].mean(), x[known].std()
    member = (neighbours != NOBODY) & known[neighbours]
    weight = member.sum(axis=1).astype(np.float64)
    total = np.where(member, x[neighbours], 0.0).sum(axis=1)
    error = deviation * np.sqrt(np.maximum(count * weight - weight**2, 0.0) / (count - 1))
    held = known & (error > 0)
    return np.where(held, (total - weight * mean) / np.where(held, error, 1.0), np.nan)
