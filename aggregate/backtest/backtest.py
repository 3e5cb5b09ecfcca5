"""Forecasts of held-out weeks, each from what was known then and from nothing else.

Every held-out hour is forecast once for each horizon: from the hour before it, from the midnight before it, from the
beginning of its week (rolling origins: Tashman 2000, International Journal of Forecasting 16, 437-450). So the errors
of two forecasters, or of two horizons, are of the very same hours.

horizon  one hour   0->1 1->2 2->3 ...                       origin -> hours forecast
         a day      0->[1 .. 24]           24->[25 .. 48]
         a week     0->[1 .. 168]
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from aggregate.backtest.forecaster import Forecaster
from aggregate.backtest.splits import Split
from aggregate.history import History
from aggregate.tables import Times
from aggregate.usual.calendar import Calendar

Predicted = NDArray[np.float32]
"""[horizon, zone, target]"""


class Horizon(IntEnum):
    """How many hours ahead the last of a forecast is, and how many hours there are from one forecast to the next."""

    ONE_HOUR = 1
    DAY_AHEAD = 24
    WEEK_AHEAD = 168


HORIZONS = tuple(Horizon)


@dataclass(frozen=True, eq=False)
class Trial:
    """What one forecaster said of the held-out hours `targets` of `zones`, and what was `observed` [zone, target].

    `expected`, `low`, `high`: [horizon, zone, target], in the order of `horizons`; `lead` [horizon, target] is how many
    hours before a target's end its forecast was made. `elapsed_s` is the time that forecasting and fitting took.
    """

    forecaster: str
    zones: tuple[str, ...]
    horizons: tuple[Horizon, ...]
    targets: Times
    observed: NDArray[np.float32]
    expected: Predicted
    low: Predicted
    high: Predicted
    lead: NDArray[np.int64]
    elapsed_s: float


def backtest(
    history: History,
    calendar: Calendar,
    splits: Sequence[Split],
    forecaster: Forecaster,
    *,
    horizons: Sequence[Horizon] = HORIZONS,
    progress: Callable[[int, int], None] | None = None,
) -> Trial:
    """What `forecaster` says of the held-out steps of an hourly `history`.

    `progress` is told how many of all held-out steps are done. `splits` are in order of time and do not overlap.
    """
    targets = np.concatenate([np.arange(split.begin, split.end) for split in splits])
    shape = (len(horizons), len(history.zones), len(targets))
    expected, low, high = (np.full(shape, np.nan, dtype=np.float32) for _ in range(3))
    lead = np.zeros((len(horizons), len(targets)), dtype=np.int64)
    began, done = time.perf_counter(), 0
    for split in splits:
        first = done
        for origin in range(split.begin, split.end):
            due = [at for at, horizon in enumerate(horizons) if (origin - split.begin) % horizon == 0]
            if due:
                longest = min(max(horizons[at] for at in due), split.end - origin)
                made = forecaster.forecast(_until(history, origin), calendar, longest)
                for at in due:
                    ahead = min(horizons[at], longest)
                    here = slice(first + origin - split.begin, first + origin - split.begin + ahead)
                    expected[at, :, here] = made.expected[:, :ahead]
                    low[at, :, here], high[at, :, here] = made.low[:, :ahead], made.high[:, :ahead]
                    lead[at, here] = np.arange(1, ahead + 1)
            done += 1
            if progress:
                progress(done, len(targets))
    return Trial(
        forecaster.name, history.zones, tuple(horizons), history.starts[targets], history.value[:, targets],
        expected, low, high, lead, time.perf_counter() - began,
    )  # fmt: skip


def _until(history: History, origin: int) -> History:
    """What was known when step `origin` began: a view."""
    return History(
        history.series, history.zones, history.timezone, history.start, history.step_s,
        history.value[:, :origin], history.clips[:, :origin],
    )  # fmt: skip
