"""Made-up pasts with a known week: what the tests of what is usual look at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aggregate.history import History
from core.root_scale import OFFSET

MONDAY = np.datetime64("2018-01-01T00:00:00", "us")

DAY = 0.4 + np.exp(-(((np.arange(24) - 13) / 4.5) ** 2)) + 0.5 * np.exp(-(((np.arange(24) - 18) / 2) ** 2))
WEEK = np.concatenate([DAY] * 5 + [0.7 * DAY, 0.5 * np.roll(DAY, 2)])
"""[hour of the week]: how busy, in terms of the mean."""


def week_roots(sizes: NDArray[np.float64], weeks: int) -> NDArray[np.float64]:
    """[zone, step]: the true levels on the root scale, in steps from Monday 1 January 2018 on."""
    return np.sqrt(np.outer(sizes, np.tile(WEEK, weeks)) + OFFSET)


def past(
    sizes: list[float], weeks: int, *, seed: int = 5, noise: float = 0.08, clips: int = 12, timezone: str = "UTC"
) -> History:
    """An hourly past of zones of these mean levels, whose roots vary by a share `noise` of themselves."""
    root = week_roots(np.array(sizes), weeks)
    drawn = root * (1 + noise * np.random.default_rng(seed).standard_normal(root.shape))
    value = np.maximum(drawn**2 - OFFSET, 0).astype(np.float32)
    zones = tuple(f"z{at}" for at in range(len(sizes)))
    return History("people", zones, timezone, MONDAY, 3600, value, np.full(value.shape, clips, np.uint8))


def hidden(history: History, steps: NDArray[np.bool_] | slice, rows: object = slice(None)) -> History:
    """The same past, with nothing observed in some steps of some zones."""
    value, clips = history.value.copy(), history.clips.copy()
    value[rows, steps], clips[rows, steps] = np.nan, 0
    return History(
        history.series, history.zones, history.timezone, history.start, history.step_s, value, clips
    )  # fmt: skip


def times(history: History, scale: float, since: int, until: int, row: int = 0) -> History:
    """The same past, with the steps [since, until) of one zone so many times what they were."""
    value = history.value.copy()
    value[row, since:until] *= np.float32(scale)
    return History(
        history.series, history.zones, history.timezone, history.start, history.step_s, value, history.clips
    )  # fmt: skip
