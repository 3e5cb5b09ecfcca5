"""Student's t (1908, Biometrika 6, 1-25), two-sided."""

from __future__ import annotations

from scipy.special import stdtr, stdtrit


def beyond(ratio: float, freedom: float) -> float:
    """How often chance is at least this far from nothing."""
    return float(2 * stdtr(freedom, -abs(ratio)))


def quantile(level: float, freedom: float) -> float:
    """What chance stays within with probability `level`."""
    return float(stdtrit(freedom, 0.5 + level / 2))
