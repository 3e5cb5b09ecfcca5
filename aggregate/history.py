"""The past of many zones on one regular time base: what the statistics are made of.

zones   a | 6.4  7.1  nan  8.0 ...      one series, one width of window (`step_s`)
        b | 0.0  0.2  0.1  nan ...      nan: nothing was counted; it is never filled in here
          start ->
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aggregate.tables import Times

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
