"""Forecasts are of every held-out hour once a horizon, and from nothing that came later."""

from __future__ import annotations

import numpy as np
import pytest
from hourly_past import WEEK, of, past

from aggregate.backtest.backtest import HORIZONS, Horizon, backtest
from aggregate.backtest.forecaster import OnceAWeek
from aggregate.backtest.sensors import judged_sensors
from aggregate.backtest.splits import Split, splits
from aggregate.history import History
from aggregate.usual.calendar import Calendar
from aggregate.usual.forecast import Forecast
from core.errors import QueryError


class Watching:
    """Forecasts the number of hours it was given, and keeps them."""

    name = "watching"

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def forecast(self, past: History, calendar: Calendar, horizon: int) -> Forecast:
        self.asked.append((past.steps, horizon))
        known = np.full((len(past.zones), horizon), float(past.steps))
        return Forecast(known, known, known)


def test_each_held_out_hour_is_forecast_once_a_horizon_from_what_came_before() -> None:
    parts = splits(past(30), weeks=2, stretches=2)
    trial = backtest(past(30), Calendar.plain(), parts, Watching())
    steps = np.concatenate([np.arange(part.begin, part.end) for part in parts])
    begins = np.repeat([part.begin for part in parts], WEEK)
    for at, horizon in enumerate(HORIZONS):
        made_at = begins + (steps - begins) // horizon * horizon
        np.testing.assert_array_equal(trial.expected[at, 0], made_at)
        np.testing.assert_array_equal(trial.lead[at], steps - made_at + 1)
    np.testing.assert_array_equal(trial.targets, past(30).starts[steps])
    np.testing.assert_array_equal(trial.observed, past(30).value[:, steps])


def test_a_forecaster_is_asked_in_order_of_time_and_for_no_more_than_is_held_out() -> None:
    watching = Watching()
    backtest(past(12), Calendar.plain(), [Split(8 * WEEK, 9 * WEEK)], watching, horizons=[Horizon.DAY_AHEAD])
    assert watching.asked == [(8 * WEEK + 24 * day, 24) for day in range(7)]


def test_what_was_fitted_is_fitted_anew_after_a_week_and_after_a_jump() -> None:
    weekly, history = OnceAWeek(), past(10)
    at = [0, 1, 167, 168, 169, 700, 701, 3]
    due = [weekly.due(history.between(history.start, history.starts[step + 2])) for step in at]
    assert due == [True, False, False, True, False, True, False, True]


def test_sensors_without_a_past_or_held_out_counts_are_not_judged() -> None:
    value = np.ones((4, 20 * WEEK))
    value[1, : 12 * WEEK] = np.nan  # began too late
    value[2, 16 * WEEK :] = np.nan  # was gone when it was to be judged
    assert judged_sensors(of(value), [Split(12 * WEEK, 20 * WEEK)]).tolist() == [0, 2, 3]
    assert judged_sensors(of(value), [Split(16 * WEEK, 20 * WEEK)]).tolist() == [0, 1, 3]
    with pytest.raises(QueryError, match="none of 1 sensors"):
        judged_sensors(of(value[2:3]), [Split(16 * WEEK, 20 * WEEK)])


def test_the_lot_falls_the_same_at_every_call() -> None:
    history, part = of(np.ones((40, 20 * WEEK))), [Split(12 * WEEK, 20 * WEEK)]
    first = judged_sensors(history, part, 7)
    assert len(first) == 7
    np.testing.assert_array_equal(first, judged_sensors(history, part, 7))
