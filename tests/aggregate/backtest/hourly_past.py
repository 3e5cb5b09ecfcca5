"""Made-up hourly pasts with a week that repeats itself."""

from __future__ import annotations

import numpy as np

from aggregate.history import History

MONDAY = np.datetime64("2024-01-01T00:00:00", "us")
WEEK = 168


def past(weeks: float, *, zones: int = 2, drawn: bool = False, seed: int = 1, timezone: str = "UTC") -> History:
    """`weeks` from a Monday on: each zone busier than the one before, busiest in the afternoon, quiet on Sundays."""
    hours = np.arange(round(weeks * WEEK))
    week = 60 + 50 * np.sin(2 * np.pi * (hours % 24 - 9) / 24) - 30 * (hours % WEEK >= 6 * 24)
    value = np.maximum(week[None, :], 0) * np.arange(1, zones + 1)[:, None]
    if drawn:
        value = np.random.default_rng(seed).poisson(value).astype(float)
    return of(value, timezone=timezone)


def of(value: np.ndarray, *, timezone: str = "UTC", start: np.datetime64 = MONDAY) -> History:
    """A history of these values [zone, hour]."""
    value = np.asarray(value, dtype=np.float32)
    names = tuple(f"s{row}" for row in range(len(value)))
    return History("count", names, timezone, start, 3600, value, np.isfinite(value).astype(np.uint8))
