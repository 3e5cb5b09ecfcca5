"""The scale on which a counter's error does not grow with the count: y = sqrt(count + 3/8).

(Anscombe 1948, Biometrika 35, 246-254.) The 3/8 matters near zero, where a plain square root would take a phantom of
0.1 for a third of an error.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

OFFSET = 3 / 8


def stabilised(counts: Numbers) -> Numbers:
    """Counts (>= 0) on that scale."""
    return np.sqrt(counts + OFFSET)


def limits(counts: Numbers, reach: Numbers) -> tuple[Numbers, Numbers]:
    """Counts `reach` below and above on that scale: 0 <= low <= counts <= high; NaN where `reach` is."""
    center = stabilised(counts)
    low = np.square(np.maximum(center - reach, 0.0)) - OFFSET
    high = np.square(center + reach) - OFFSET
    # Squared again, the root of a count may be a rounding away from it.
    return np.clip(low, 0.0, counts), np.maximum(high, counts)
