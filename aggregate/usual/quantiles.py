"""Medians and quantiles of what is known along an axis: NaN has no say, and is the answer where all are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Some = NDArray[np.float32] | NDArray[np.float64]


def quantiles(values: Some, levels: Sequence[float], axis: int) -> Floats:
    """[level, ...]: type 7 of Hyndman and Fan (1996, The American Statistician 50, 361-365), as numpy has it.

    Sorted once for all levels, which is an order of magnitude faster than `np.nanquantile` on many short rows.
    """
    ordered = np.sort(np.moveaxis(np.asarray(values, dtype=np.float32), axis, 0), axis=0)  # NaN comes last
    number = np.isfinite(ordered).sum(axis=0)
    found = np.full((len(levels), *number.shape), np.nan, dtype=np.float32)
    if not len(ordered):
        return found
    for at, level in enumerate(levels):
        place = level * np.maximum(number - 1, 0)
        before = np.floor(place).astype(np.int64)
        after = np.minimum(before + 1, np.maximum(number - 1, 0))
        low = np.take_along_axis(ordered, before[None], axis=0)[0]
        high = np.take_along_axis(ordered, after[None], axis=0)[0]
        found[at] = low + (place - before).astype(np.float32) * (high - low)
    return found


def median(values: Some, axis: int) -> Floats:
    """The median along one axis."""
    middle: Floats = quantiles(values, (0.5,), axis)[0]
    return middle


def deviation(values: Some, axis: int) -> Floats:
    """A robust standard deviation around zero: the median of the absolute values over that of a normal distribution."""
    return np.asarray(median(np.abs(values), axis) / np.float32(0.6745))
