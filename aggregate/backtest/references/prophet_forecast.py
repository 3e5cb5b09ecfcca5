"""Prophet, which Project Odysseus forecast London's traffic loops with, as its authors mean it to be used.

(Taylor and Letham 2018, The American Statistician 72, 37-45.) Its defaults, with daily, weekly and, from two years of
history on, yearly seasonality, as it chooses by itself, on the local clock and on all of the history. The public
holidays are those that the calendar knows, each with an effect of its own, so that it knows no fewer than we do.
Negative forecasts are zero. It has no state that a new count could move: it is fitted anew every week.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aggregate.backtest.forecaster import OnceAWeek
from aggregate.backtest.splits import WEEK_S
from aggregate.history import History
from aggregate.usual.calendar import PUBLIC_HOLIDAY, Calendar
from aggregate.usual.forecast import Forecast
from core.errors import MissingExtra

INTERVAL = 0.90
LEAST_COUNTS = 200
SEED = 20170309
SAMPLES = 300
"""For the interval: the 5th and the 95th of a hundred of these."""

Band = NDArray[np.float64]
"""[ahead, 3]: expected, low, high"""


class ProphetForecast:
    """The port `Forecaster`. `at_once` sensors are fitted at a time, each in a process of Stan's.

    Raises `MissingExtra` where Prophet is not installed.
    """

    name = "prophet"

    def __init__(self, at_once: int = 2) -> None:
        logging.getLogger("prophet.plot").setLevel(logging.CRITICAL)  # it complains of plotly as it is imported
        try:
            from cmdstanpy import disable_logging  # noqa: PLC0415 - seconds, and an extra
            from prophet import Prophet  # noqa: PLC0415
        except ImportError as error:
            raise MissingExtra("prophet", "backtest") from error
        disable_logging()
        self._prophet: Any = Prophet
        self._at_once = at_once
        self._fitting = OnceAWeek()
        self._weeks: NDArray[np.float64] = np.empty((0, 0, 3))

    def forecast(self, past: History, calendar: Calendar, horizon: int) -> Forecast:
        """From the newest of its fits, of which there is one a week."""
        week = WEEK_S // past.step_s
        if self._fitting.due(past):
            self._weeks = self._weeks_of(past, calendar, 2 * week)
        gone = self._fitting.gone(past)
        expected, low, high = np.moveaxis(self._weeks[:, gone : gone + horizon], -1, 0)
        return Forecast(expected, low, high)

    def _weeks_of(self, past: History, calendar: Calendar, horizon: int) -> NDArray[np.float64]:
        """[zone, ahead, 3]"""
        starts = past.start.astype("datetime64[us]") + np.arange(past.steps + horizon) * np.timedelta64(
            past.step_s, "s"
        )
        local = pd.DatetimeIndex(starts).tz_localize("UTC").tz_convert(past.timezone).tz_localize(None)
        holidays = _holidays(calendar, local)
        with ThreadPoolExecutor(self._at_once) as pool:
            bands = pool.map(lambda row: self._band(row, local, holidays), past.value)
            return np.stack(list(bands))

    def _band(self, counts: NDArray[np.float32], local: pd.DatetimeIndex, holidays: pd.DataFrame | None) -> Band:
        steps = len(counts)
        known = pd.DataFrame({"ds": local[:steps], "y": counts.astype(np.float64)}).dropna()
        if len(known) < LEAST_COUNTS:
            return np.full((len(local) - steps, 3), np.nan)
        model = self._prophet(interval_width=INTERVAL, uncertainty_samples=SAMPLES, holidays=holidays)
        model.fit(known, seed=SEED)
        said = model.predict(pd.DataFrame({"ds": local[steps:]}))
        band: Band = said[["yhat", "yhat_lower", "yhat_upper"]].to_numpy(dtype=np.float64)
        return np.maximum(band, 0.0)


def _holidays(calendar: Calendar, local: pd.DatetimeIndex) -> pd.DataFrame | None:
    """The calendar's public holidays as Prophet takes them; None where there are none."""
    days = np.unique(local.to_numpy().astype("datetime64[D]"))
    public = days[(calendar.kinds(days) & PUBLIC_HOLIDAY) != 0]
    if not len(public):
        return None
    return pd.DataFrame(
        {"ds": pd.DatetimeIndex(public), "holiday": [calendar.name_of(day) or "" for day in public.tolist()]}
    )
