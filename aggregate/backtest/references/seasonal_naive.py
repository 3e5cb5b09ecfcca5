"""The same hour last week: what anybody would say who looked at the counts once.

(Seasonal naive; Hyndman and Athanasopoulos 2021, Forecasting: Principles and Practice, 3rd edition, section 5.2.) Where
that hour was not counted, the week before is asked, and so on for `WEEKS`.
"""

from __future__ import annotations

import numpy as np

from aggregate.backtest.splits import WEEK_S
from aggregate.history import History
from aggregate.usual.calendar import Calendar
from aggregate.usual.forecast import Forecast

WEEKS = 8


class SeasonalNaive:
    """The port `Forecaster`; gives no interval."""

    name = "naive"

    def forecast(self, past: History, calendar: Calendar, horizon: int) -> Forecast:  # noqa: ARG002 - the port's
        """The newest count of each hour of the week; NaN where there is none in `WEEKS` weeks."""
        week = WEEK_S // past.step_s
        expected = np.full((len(past.zones), horizon), np.nan)
        ahead = np.arange(horizon)
        for weeks in range(1, WEEKS + -(-horizon // week)):
            back = past.steps + ahead - weeks * week
            asked = (back >= 0) & (back < past.steps)
            found = past.value[:, back[asked]]
            expected[:, asked] = np.where(np.isnan(expected[:, asked]), found, expected[:, asked])
        nothing = np.full_like(expected, np.nan)
        return Forecast(expected, nothing, nothing)
