"""The busyness index: how much of what is usual there is, 1.0 where it is as usual, with its 90 % interval.

index = mean / expected, of two figures that err apart from each other: `mean` with its 90 % limits [low, high]
(`aggregate/intervals.py`), and `expected` with its standard error. The limits are those of MOVER-R (Donner & Zou 2012,
Statistical Methods in Medical Research 21, 347-359), as `aggregate/density.py` has them for a density: with
e = error / expected, z the normal quantile and g = (z e)^2

    below  = sqrt((mean - low)^2  (1 - g) + mean^2 g)        low  = (mean - below) / (1 - g) / expected
    above  = sqrt((high - mean)^2 (1 - g) + mean^2 g)        high = (mean + above) / (1 - g) / expected

They say how sure the index is, not how rare it would be in usual times: that is the usual range, or the standardised
exceedance (`aggregate.usual.baselines.Expectation`). Where hardly anybody is expected a ratio says nothing, and below
`LEAST_EXPECTED` there is none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from aggregate.density import density_per_100m2
from aggregate.tables import Numbers

LEAST_EXPECTED = 0.05
"""Of a street on which fewer than this are usually present, one in twenty clips with one person, no share is told."""


def busyness_index(
    mean: ArrayLike, low: ArrayLike, high: ArrayLike, expected: ArrayLike, error: ArrayLike
) -> tuple[Numbers, Numbers, Numbers]:
    """(index, low, high); arrays of shapes that broadcast, 0 <= low <= index <= high.

    [`low`, `high`] is the 90 % interval of `mean`, `error` the standard error of `expected`, in its unit. NaN where one
    of them is, where less than `LEAST_EXPECTED` is expected, and where that is known no better than to half of itself.
    """
    usual = np.asarray(expected, dtype=np.float64)
    level = np.where(usual >= LEAST_EXPECTED, usual, np.nan)
    # A mean on an area is a mean on what is expected: the same ratio, of 100 of its units.
    index, least, most = density_per_100m2(mean, low, high, 100.0 * level, np.asarray(error, dtype=np.float64) / level)
    return index, least, most
