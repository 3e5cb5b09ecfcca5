"""The records of what is usual: the fitted baselines that are stored, and what they expect of a window."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from aggregate.tables import Numbers, Rows, Text, Times

ROLLING = "usual"
"""The name of the baseline that moves with time. Others are those of named reference periods ("before lockdown")."""


class BaselineState(StrEnum):
    """Whether there is something to compare with: enough of the zone's own past; little, so that zones like it speak
    too (partial pooling); not enough of either; or nothing was ever fitted for this zone, series or width of window."""

    OK = "ok"
    BORROWED = "borrowed"
    INSUFFICIENT_HISTORY = "insufficient_history"
    NONE = "none"


@dataclass(frozen=True, eq=False)
class BaselineTable(Rows):
    """What is usual in zones, one series of one zone a row, as it was fitted from the readings in [since, until).

    It is meant for what comes from `until` on, until the next one; of what came before it is known what came after.
    `weeks` is how much of the zone's own past stands behind it; `parameters` [row, parameter] are those of the model of
    that name (`aggregate/usual/model.py` lays them out), NaN where `state` is not `ok` or `borrowed`.
    """

    model: str
    reference: str
    zone: Text
    series: Text
    since: Times
    until: Times
    built_at: Times
    weeks: Numbers
    state: Text
    reason: Text
    parameters: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Expectation:
    """What is usual in windows: arrays [row, window] in the unit of the readings, NaN where it is not known.

    `expected` is the level that half of such windows exceed or fall short of by chance, `error` the standard error of
    that level itself; a single window is usual within [`low`, `high`], of which it falls out by chance one time in ten
    (90 %); `spread` is one standard deviation of single windows on the scale of `core/root_scale.py`, so that
    (stabilised(observed) - stabilised(expected)) / spread is about standard normal in usual times.
    """

    expected: Numbers
    error: Numbers
    low: Numbers
    high: Numbers
    spread: Numbers

    @property
    def mean(self) -> Numbers:
        """What such windows have on average, [row, window]: that adds up over windows and zones as `expected`, their
        middle, does not. Of a root that is normal about its middle with standard deviation s, the square is s^2 more.
        """
        return self.expected + np.square(self.spread)
