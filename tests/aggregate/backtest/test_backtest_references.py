"""What forecasts have to beat does what its name says."""

from __future__ import annotations

import numpy as np
import pytest
from hourly_past import WEEK, of, past

from aggregate.backtest.references import open_reference
from aggregate.backtest.references.exponential_smoothing import ExponentialSmoothing, Smoothing
from aggregate.backtest.references.seasonal_naive import SeasonalNaive
from aggregate.usual.calendar import Calendar
from core.errors import QueryError
from core.root_scale import stabilised

PLAIN = Calendar.plain()


def test_naive_says_what_was_counted_a_week_before() -> None:
    history = past(5, drawn=True)
    made = SeasonalNaive().forecast(history, PLAIN, WEEK)
    np.testing.assert_array_equal(made.expected, history.value[:, -WEEK:])


def test_naive_asks_earlier_weeks_where_the_last_was_not_counted_and_says_nothing_where_none_was() -> None:
    value = past(4).value.copy()
    value[0, -WEEK : -WEEK + 3] = np.nan
    value[1] = np.nan
    made = SeasonalNaive().forecast(of(value), PLAIN, 24)
    np.testing.assert_array_equal(made.expected[0, :3], value[0, -2 * WEEK : -2 * WEEK + 3])
    assert np.isnan(made.expected[1]).all()


def test_states_go_on_as_statsmodels_smooths() -> None:
    """The states after taking in counts one by one are those of statsmodels over all of them with the same a and g."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    values = stabilised(past(6, zones=1, drawn=True).value[0].astype(np.float64))
    first = np.array([0.2, 0.1])
    level, season = 8.0, np.linspace(-1, 1, WEEK)
    model = ETSModel(
        values, error="add", seasonal="add", seasonal_periods=WEEK, initialization_method="known",
        initial_level=level, initial_seasonal=season,
    )  # fmt: skip
    known = model.smooth(np.concatenate((first, [level], season[::-1])) if model.k_params > 2 else first)
    states = Smoothing(0, *(np.array([one]) for one in (0.2, 0.1, 1.0, level)), season[None, :].copy())
    one_ahead = []
    for value in values:
        one_ahead.append(states.ahead(1)[0][0, 0])
        states.take_in(np.array([value]))
    np.testing.assert_allclose(one_ahead, known.fittedvalues, rtol=1e-8)
    np.testing.assert_allclose(states.ahead(30)[0][0], known.forecast(30), rtol=1e-8)


def test_smoothing_follows_a_week_and_a_new_level() -> None:
    """Of a street that repeats itself it is right; after a fall to half it comes near within a week."""
    history = past(20, zones=2, drawn=True)
    made = ExponentialSmoothing().forecast(history, PLAIN, WEEK)
    expected = past(21, zones=2).value[:, -WEEK:]
    assert np.abs(made.expected - expected).mean() / expected.mean() < 0.08
    assert ((made.low <= made.expected) & (made.expected <= made.high)).all()


def test_smoothing_does_without_missing_counts_and_says_nothing_of_a_sensor_without_a_past() -> None:
    value = past(12, zones=3, drawn=True).value.copy()
    value[0, 300:420], value[0, -5:] = np.nan, np.nan
    value[1, : -2 * WEEK] = np.nan
    made = ExponentialSmoothing().forecast(of(value), PLAIN, 24)
    assert np.isfinite(made.expected[[0, 2]]).all()
    assert np.isnan(made.expected[1]).all()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")  # of Prophet's own
def test_prophet_forecasts_a_street_that_repeats_itself() -> None:
    pytest.importorskip("prophet", reason="needs the extra backtest")
    history = past(12, zones=2, drawn=True)
    made = open_reference("prophet").forecast(history, PLAIN, WEEK)
    expected = past(13, zones=2).value[:, -WEEK:]
    assert np.abs(made.expected - expected).mean() / expected.mean() < 0.25
    assert (made.low <= made.high).all()


def test_a_reference_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(QueryError, match="naive, prophet, ets"):
        open_reference("arima")
