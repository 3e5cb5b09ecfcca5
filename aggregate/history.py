"""The past of many zones on one regular time base: what the statistics are made of.

zones   a | 6.4  7.1  nan  8.0 ...      one series, one width of window (`step_s`)
        b | 0.0  0.2  0.1  nan ...      nan: nothing was counted; it is never filled in here
          start ->
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from aggregate.tables import Times, moment
from aggregate.windows import WIDTH_S
from core.figures import SERIES
from core.records import Window

MOST_CLIPS = int(np.iinfo(np.uint8).max)
"""As many clips, or more, stand behind a value that says so many."""

Levels = NDArray[np.float32]
"""Means of windows, [zone, step]. Single precision: a year of a city is 96 million of them."""


@dataclass(frozen=True, eq=False)
class History:
    """One `series` of `zones`, whose clock is `timezone`: `value[zone, step]` in step number `step`, of `step_s`
    seconds, NaN where nothing was observed. `clips[zone, step]` is how many clips stand behind a value: 0 where there
    is none, 255 stands for more too; 1 of a counter that counts all the time.
    """

    series: str
    zones: tuple[str, ...]
    timezone: str
    start: np.datetime64
    step_s: int
    value: Levels
    clips: NDArray[np.uint8]

    def __post_init__(self) -> None:
        if self.value.shape != self.clips.shape or self.value.ndim != 2 or len(self.value) != len(self.zones):
            raise ValueError(
                f"a history has value and clips [zone, step] of {len(self.zones)} zones, "
                f"got {self.value.shape} and {self.clips.shape}"
            )

    @property
    def steps(self) -> int:
        return int(self.value.shape[1])

    @property
    def starts(self) -> Times:
        """When each step begins, UTC, naive datetime64[us]."""
        ahead = np.arange(self.steps, dtype=np.int64) * self.step_s
        starts: Times = self.start.astype("datetime64[us]") + ahead.astype("timedelta64[s]")
        return starts

    @property
    def end(self) -> np.datetime64:
        """The end of the last step."""
        end: np.datetime64 = self.start.astype("datetime64[us]") + np.timedelta64(self.steps * self.step_s, "s")
        return end

    def between(self, start: np.datetime64, end: np.datetime64) -> History:
        """The steps that begin in [start, end), as views of the same memory."""
        first, last = np.searchsorted(self.starts, [start, end])
        return History(
            self.series, self.zones, self.timezone, self.starts[first] if first < self.steps else self.end, self.step_s,
            self.value[:, first:last], self.clips[:, first:last],
        )  # fmt: skip

    def take(self, rows: NDArray[np.int64]) -> History:
        """The zones of these positions."""
        return History(
            self.series, tuple(self.zones[row] for row in rows), self.timezone, self.start, self.step_s,
            self.value[rows], self.clips[rows],
        )  # fmt: skip


def blank_history(
    window: Window, series: str, start: datetime, end: datetime, *, zones: Sequence[str], timezone: str
) -> History:
    """The windows that begin in [start, end) with nothing in them, for a store to fill in.

    Raises `ValueError` where there is no such series, or no window of that width begins at `start`.
    """
    if window not in WIDTH_S or start.timestamp() % WIDTH_S[window] or series not in SERIES:
        raise ValueError(f"no history of {series} by {window} begins at {start}: no such series, or no such window")
    first, step_s = moment(start), WIDTH_S[window]
    steps = max(0, -(-int((moment(end) - first) / np.timedelta64(1, "us")) // (step_s * 1_000_000)))
    shape = len(zones), steps
    value, clips = np.full(shape, np.nan, dtype=np.float32), np.zeros(shape, dtype=np.uint8)
    return History(series, tuple(zones), timezone, first, step_s, value, clips)
