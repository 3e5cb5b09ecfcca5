"""The port of whatever forecasts: ours and the references, judged alike."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from aggregate.backtest.splits import WEEK_S
from aggregate.history import History
from aggregate.tables import Times
from aggregate.usual.calendar import Calendar
from aggregate.usual.forecast import Forecast


class Forecaster(Protocol):
    """Forecasts every zone of a past. It is asked in order of time and may keep what it has learnt."""

    @property
    def name(self) -> str:
        """What it is called in tables."""
        ...

    def forecast(self, past: History, calendar: Calendar, horizon: int) -> Forecast:
        """The `horizon` steps that follow the end of `past`: [zone, ahead], NaN where it cannot tell."""
        ...


def following(past: History, horizon: int) -> Times:
    """When the steps after the end of `past` begin."""
    return past.end + np.arange(horizon) * np.timedelta64(past.step_s, "s")


class OnceAWeek:
    """When what was fitted to a past has to be fitted anew: a week later, and whenever time has jumped."""

    def __init__(self) -> None:
        self._fitted_at: int | None = None

    def due(self, past: History) -> bool:
        """Whether it is time; then this is the past that it is fitted to."""
        week = WEEK_S // past.step_s
        due = self._fitted_at is None or not self._fitted_at <= past.steps < self._fitted_at + week
        self._fitted_at = past.steps if due else self._fitted_at
        return due

    def gone(self, past: History) -> int:
        """Steps since then."""
        return past.steps - (self._fitted_at or 0)
