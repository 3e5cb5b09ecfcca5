"""Figures as normal scores: the quantiles of the normal distribution at their ranks (Blom 1958, Statistical Estimates
and Transformed Beta-Variables, Wiley):

    score = quantile((rank - 3/8) / (n + 1/4))

This is the empirical calibration of what is unusual: whatever the residuals of a city look like (skewed, heavy in the
tails, wider than their model believes), their scores are standard normal, so thresholds hold that no formula for counts
would give. What a city does as a whole is no longer seen in scores, and one wild figure is only the highest of n.

Few people make for skewed figures, many do not, so ranks are taken among figures of about the same expected level.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtri

from aggregate.tables import Integers, Numbers

LEAST_IN_STRATUM = 400
MOST_STRATA = 8


def strata(expected: Numbers) -> Integers:
    """Which figures are ranked among each other: equally many of about the same `expected` level; -1 where it is NaN.

    As many strata as leave `LEAST_IN_STRATUM` in each, at most `MOST_STRATA`, at least one.
    """
    known = np.isfinite(expected)
    many = int(np.clip(known.sum() // LEAST_IN_STRATUM, 1, MOST_STRATA))
    edges = np.quantile(expected[known], np.arange(1, many) / many) if many > 1 else np.empty(0)
    return np.where(known, np.searchsorted(edges, expected), -1)


def normal_scores(values: Numbers, among: Integers | None = None) -> Numbers:
    """Scores of `values` (any shape), ranked with those of the same number in `among` (all of them where it is None).

    Equal values have the score of their mean rank; NaN stays NaN.
    """
    flat = pd.Series(np.ravel(values))
    groups = np.zeros(flat.size, dtype=np.int64) if among is None else np.ravel(among)
    grouped = flat.groupby(groups)
    rank, count = grouped.rank().to_numpy(), grouped.transform("count").to_numpy(dtype=np.float64)
    return np.asarray(ndtri((rank - 3 / 8) / (count + 1 / 4)), dtype=np.float64).reshape(np.shape(values))
