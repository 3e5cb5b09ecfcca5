"""Exponential smoothing of the hours of the week: ETS(A,N,A) with 168 seasons, fitted by statsmodels.

y^[t] = l[t-1] + s[t-168],  l[t] = l[t-1] + a e[t],  s[t] = s[t-168] + g e[t],  e[t] = y[t] - y^[t]

(Hyndman, Koehler, Ord and Snyder 2008, Forecasting with Exponential Smoothing, section 2.5.) Counts are smoothed on the
scale of `core/root_scale.py`, where their spread does not grow with them, which suits it better than as they are.
Once a week a and g are fitted anew to the last `FIT_WEEKS`; every hour the states take in the newest count, as they
would in a service.

As it is fitted, by the error of one step, its level runs after every hour, and a day ahead it is worse than last week
again. So there are two: that one tells of the next hour, and one whose level may only move slowly (a <= `SLOW`, g
fitted) of days ahead, which suits these far better than any other setting we found.

It cannot do without a count: in the weeks it is fitted to, a missing one is filled with the median of its hour of the
week (in here, nowhere else), later the states go on without it.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aggregate.backtest.forecaster import OnceAWeek
from aggregate.backtest.splits import WEEK_S
from aggregate.history import History
from aggregate.usual.calendar import Calendar
from aggregate.usual.forecast import Forecast
from core.root_scale import OFFSET, stabilised

FIT_WEEKS = 16
LEAST_WEEKS = 3
LEAST_OBSERVED = 0.3
"""Of the hours it is fitted to."""
SLOW = 0.01
Z90 = 1.6449

Numbers = NDArray[np.float64]


@dataclass
class Smoothing:
    """The states of many zones after step `at`: level [zone], seasons [zone, 168] by step modulo 168.

    `sigma` is the standard deviation of one-step errors. All NaN for a zone that could not be fitted.
    """

    at: int
    alpha: Numbers
    gamma: Numbers
    sigma: Numbers
    level: Numbers
    season: Numbers

    def take_in(self, value: Numbers) -> None:
        """The counts of one step of all zones, on the root scale; NaN moves nothing."""
        here = self.at % self.season.shape[1]
        error = np.nan_to_num(value - self.level - self.season[:, here], nan=0.0)
        self.level += self.alpha * error
        self.season[:, here] += self.gamma * error
        self.at += 1

    def ahead(self, horizon: int) -> tuple[Numbers, Numbers]:
        """Mean and standard deviation [zone, ahead] of what follows (Hyndman and others 2008, table 6.1)."""
        steps = np.arange(horizon)
        mean = self.level[:, None] + self.season[:, (self.at + steps) % self.season.shape[1]]
        weeks = steps // self.season.shape[1]
        alpha, gamma = self.alpha[:, None], self.gamma[:, None]
        share = 1 + alpha**2 * steps + gamma * weeks * (2 * alpha + gamma)
        return mean, self.sigma[:, None] * np.sqrt(share)


class ExponentialSmoothing:
    """The port `Forecaster`."""

    name = "ets"

    def __init__(self) -> None:
        self._fitting = OnceAWeek()
        self._states: tuple[Smoothing, Smoothing] | None = None

    def forecast(self, past: History, calendar: Calendar, horizon: int) -> Forecast:  # noqa: ARG002 - the port's
        """From the states after the newest count."""
        states = self._states
        if self._fitting.due(past) or states is None:
            week = WEEK_S // past.step_s
            states = self._states = _fitted(past, week, fastest=1.0), _fitted(past, week, fastest=SLOW)
        for one in states:
            while one.at < past.steps:
                one.take_in(stabilised(past.value[:, one.at].astype(np.float64)))
        (mean, spread), (later, wider) = (one.ahead(horizon) for one in states)
        mean[:, 1:], spread[:, 1:] = later[:, 1:], wider[:, 1:]
        low, high = (np.square(np.maximum(mean + z * spread, 0.0)) - OFFSET for z in (-Z90, Z90))
        expected = np.square(np.maximum(mean, 0.0)) - OFFSET
        return Forecast(np.maximum(expected, 0.0), np.maximum(low, 0.0), np.maximum(high, 0.0))


def _fitted(past: History, week: int, *, fastest: float) -> Smoothing:
    """The states at the end of a past, of a fit in which a is at most `fastest`."""
    zones, steps = len(past.zones), past.steps
    alpha, gamma, sigma, level = np.full((4, zones), np.nan)
    states = Smoothing(steps, alpha, gamma, sigma, level, season=np.full((zones, week), np.nan))
    for zone, counts in enumerate(past.value[:, -FIT_WEEKS * week :].astype(np.float64)):
        known = np.flatnonzero(np.isfinite(counts))
        own = counts[known[0] :] if len(known) else counts[:0]  # a new sensor begins with its first count
        if len(own) >= LEAST_WEEKS * week and np.isfinite(own).mean() >= LEAST_OBSERVED:
            _fit_zone(states, zone, stabilised(own), fastest)
    return states


def _filled(values: Numbers, week: int) -> Numbers:
    """Missing values become the median of their hour of the week, and of all where that was never counted."""
    by_hour = pd.Series(values).groupby(np.arange(len(values)) % week).transform("median").to_numpy()
    return np.where(np.isnan(values), np.where(np.isnan(by_hour), np.nanmedian(values), by_hour), values)


def _fit_zone(states: Smoothing, zone: int, values: Numbers, fastest: float) -> None:
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel  # noqa: PLC0415 - a heavy library

    week = states.season.shape[1]
    filled = _filled(values, week)
    bounds = {"smoothing_level": (1e-4, min(fastest, 0.9999))}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the search for a and g: where it stops, it stops near the best
        fitted = ETSModel(
            filled, error="add", seasonal="add", seasonal_periods=week, initialization_method="heuristic", bounds=bounds
        ).fit(disp=False, start_params=[min(0.1, fastest / 2), 0.1])
    states.alpha[zone], states.gamma[zone] = fitted.alpha, fitted.gamma
    counted = np.isfinite(values)  # what was filled in errs less than what was counted
    states.sigma[zone], states.level[zone] = float(np.std(fitted.resid[counted])), fitted.level[-1]
    states.season[zone] = np.roll(np.asarray(fitted.season)[-week:], states.at % week)
