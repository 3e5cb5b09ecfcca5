"""A past laid out by local days, for streets live by the clock on the wall.

history   step ->                     days      hour 0 1 2 ... 23
zone a    7.1 6.8 nan 5.9 ...         zone a    day 0
                                                day 1
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aggregate.history import History
from aggregate.local_time import clock_hours
from aggregate.tables import Integers
from aggregate.usual.calendar import Days
from core.root_scale import OFFSET

Roots = NDArray[np.float32]
"""Levels on the scale of `core/root_scale.py`."""

HOURS = 24
WEEK = 7
WEEK_HOURS = WEEK * HOURS


@dataclass(frozen=True, eq=False)
class DayGrid:
    """`root[zone, day, hour]`, the levels of a history on the root scale, NaN where there is none: whole weeks of local
    days, which begin with `first` (days since 1970). `column` is the hour of the grid in which a step of the history
    lies, those `ahead` of it too.

    An hour that the clocks skip is NaN; of the two that they repeat the later one stands for both.
    """

    first: int
    root: Roots
    column: Integers

    @classmethod
    def of(cls, history: History, ahead: int = 0) -> DayGrid:
        """The days of an hourly history and of so many hours after it."""
        steps = history.steps + ahead
        starts = history.start.astype("datetime64[us]") + np.arange(steps) * np.timedelta64(history.step_s, "s")
        hours = clock_hours(starts, history.timezone)
        last = int(hours[-1]) // HOURS
        weeks = -(-(last + 1 - int(hours[0]) // HOURS) // WEEK)
        first = last + 1 - weeks * WEEK
        column = hours - first * HOURS
        # A level below zero is none.
        level = np.where(history.value >= 0, history.value, np.float32(np.nan))
        return cls(first, _laid_out(np.sqrt(level + np.float32(OFFSET)), column, weeks, np.nan), column)

    def laid_out(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """[zone, day, hour] of what there is of each step of the history, [zone, step]; 0 where there is no step."""
        return _laid_out(values, self.column, self.root.shape[1] // WEEK, 0.0)

    @property
    def days(self) -> Days:
        """The local days of the grid."""
        return (self.first + np.arange(self.root.shape[1])).astype("datetime64[D]")


def _laid_out(values: NDArray[np.float32], column: Integers, weeks: int, nothing: float) -> NDArray[np.float32]:
    found = np.full((len(values), weeks * WEEK_HOURS), nothing, dtype=np.float32)
    found[:, column[: values.shape[1]]] = values
    return found.reshape(len(values), weeks * WEEK, HOURS)
