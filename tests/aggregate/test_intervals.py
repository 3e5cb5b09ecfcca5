"""The interval of the mean covers the truth as often as it says, for counts as streets give them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.special import gammaincinv

from aggregate.intervals import (
    PRIOR_DISPERSION,
    counter_error,
    counter_reach,
    dispersion,
    garwood,
    joined,
    mean_interval,
)
from core.records import INTERVAL_LEVEL

Z_90 = 1.6448536269514722


def spread(counts: np.ndarray) -> np.ndarray:
    """Sample variance between the clips of each row; zero for a single clip, where it is ignored."""
    return counts.var(axis=1, ddof=1) if counts.shape[1] > 1 else np.zeros(len(counts))


@pytest.mark.parametrize(
    ("total", "low", "high"),
    [
        # 90 % limits of a Poisson mean: Garwood (1936), table; the same in Pearson & Hartley, Biometrika Tables, 40
        (0, 0.0, 2.996),
        (1, 0.0513, 4.744),
        (2, 0.355, 6.296),
        (5, 1.970, 10.513),
        (10, 5.425, 16.962),
        (50, 38.965, 63.287),
    ],
)
def test_known_limits_of_a_poisson_mean(total: int, low: float, high: float) -> None:
    found_low, found_high = garwood(total, 0.90)
    assert found_low == pytest.approx(low, abs=6e-4)
    assert found_high == pytest.approx(high, abs=6e-4)


def test_fractional_totals_lie_between_their_neighbours() -> None:
    low, high = garwood(np.array([2.0, 2.5, 3.0]), 0.90)
    assert (np.diff(low) > 0).all()
    assert (np.diff(high) > 0).all()


def test_limits_do_not_depend_on_what_else_is_asked_for() -> None:
    """To the last bit what each of them gives alone, whether solved or added up."""
    totals = np.array([[0.0, 2.5, 0.0], [1e-7, 2.5, 300.0], [0.3, 0.7, 1e5]])
    together = np.stack(garwood(totals, 0.90))
    alone = [[garwood(total, 0.90) for total in row] for row in totals.tolist()]
    assert together.tobytes() == np.moveaxis(np.array(alone), -1, 0).tobytes()


@given(total=st.floats(1e-6, 1e5), level=st.sampled_from([INTERVAL_LEVEL, 0.95]))
@example(total=0.5, level=INTERVAL_LEVEL)  # where the series begins and where it ends, for either limit
@example(total=4095.0, level=INTERVAL_LEVEL)
@example(total=4096.0, level=INTERVAL_LEVEL)
def test_limits_are_the_quantiles_as_they_are_solved_for(total: float, level: float) -> None:
    """What is added up in a series is what solving gives, far beyond the decimals that readings keep."""
    low, high = garwood(total, level)
    tail = (1.0 - level) / 2.0
    assert low == pytest.approx(gammaincinv(total, tail), rel=1e-14, abs=1e-12)
    assert high == pytest.approx(gammaincinv(total + 1.0, 1.0 - tail), rel=1e-14, abs=1e-12)


@pytest.mark.parametrize("total", [5e-324, 1e-300, 1e-12, 1e-3])
def test_next_to_nothing_has_the_limits_of_nothing(total: float) -> None:
    low, high = garwood(total, INTERVAL_LEVEL)
    assert 0.0 <= low <= total
    assert high == pytest.approx(garwood(0.0, INTERVAL_LEVEL)[1], rel=1e-3)


def test_nothing_is_known_of_a_total_that_is_not_known() -> None:
    """And no limit of another total is taken for its own."""
    _, high = garwood(np.array([2.0, np.nan, 7.0]), 0.90)
    assert np.isnan(high).tolist() == [False, True, False]
    assert np.isnan(garwood(np.full(2, np.nan), 0.90)[1]).all()


def test_an_empty_street_is_not_a_certain_zero() -> None:
    """No one in 12 clips: up to -ln(0.05) * 1.4 / 12 may be there on average; no one in one clip says much less."""
    low, high = mean_interval([0.0, 0.0], [0.0, 0.0], [12, 1], 0.90)
    assert low.tolist() == [0.0, 0.0]
    assert high == pytest.approx(-np.log(0.05) * PRIOR_DISPERSION / np.array([12, 1]), rel=1e-9)


def test_more_clips_and_less_spread_narrow_the_interval() -> None:
    low, high = mean_interval([4.0, 4.0, 4.0], [4.0, 4.0, 16.0], [3, 12, 12], 0.90)
    width = high - low
    assert width[1] < width[0]
    assert width[1] < width[2]


def test_a_single_clip_rests_on_the_prior() -> None:
    """Its variance is unknown: whatever is passed for it changes nothing."""
    assert dispersion([5.0], [0.0], [1], 0.9) == dispersion([5.0], [99.0], [1], 0.9)
    low, high = mean_interval([5.0], [0.0], [1], 0.90)
    poisson_low, poisson_high = garwood(5.0, 0.90)
    assert low[0] < poisson_low
    assert high[0] > poisson_high


def test_a_single_clip_gives_more_for_more_without_a_step_at_zero() -> None:
    """One object more in the clip never lowers a limit, and next to nothing says next to the same as nothing."""
    mean = np.concatenate([[0.0], np.geomspace(1e-6, 50, 500)])
    low, high = mean_interval(mean, np.zeros_like(mean), np.ones_like(mean), 0.90)
    assert (np.diff(low) >= 0).all()
    assert (np.diff(high) >= 0).all()
    assert high[1] == pytest.approx(high[0], rel=1e-4)
    assert high[0] == pytest.approx(4.194, abs=1e-3)


@settings(max_examples=50)
@given(
    mean=st.just(0.0) | st.floats(1e-6, 500),  # figures are kept to six decimals
    variance=st.floats(0, 1e5),
    clips=st.integers(1, 288),
    level=st.floats(0.5, 0.99),
)
def test_limits_hold_the_mean_and_are_never_negative(mean: float, variance: float, clips: int, level: float) -> None:
    low, high = mean_interval([mean], [variance], [clips], level)
    assert 0 <= low[0] <= mean <= high[0]
    assert high[0] > 0
    assert np.isfinite(high[0])


@settings(max_examples=50)
@given(mean=st.floats(0, 500), parts=st.tuples(*[st.floats(0, 1)] * 2), reach=st.tuples(*[st.floats(0, 1e3)] * 2))
def test_two_errors_are_never_narrower_than_either(
    mean: float, parts: tuple[float, float], reach: tuple[float, float]
) -> None:
    """And hold the mean, and do not go below zero, whatever the spread and the counter's reach."""
    spread_low, spread_high = mean * parts[0], mean + 100 * parts[1]
    below, above = np.array([min(reach[0], mean)]), np.array([reach[1]])
    (low,), (high,) = joined(np.array([mean]), (np.array([spread_low]), np.array([spread_high])), (below, above))
    assert 0 <= low <= min(spread_low, mean - below[0] + 1e-9)
    assert high >= max(spread_high, mean + above[0] - 1e-9)


def test_an_unknown_error_of_the_counter_leaves_the_spread() -> None:
    unknown = np.array([np.nan])
    low, high = joined(np.array([5.0]), (np.array([3.0]), np.array([8.0])), (unknown, unknown))
    assert (low[0], high[0]) == pytest.approx((3, 8))


@pytest.mark.parametrize(
    ("clips", "ratio"), [(1, PRIOR_DISPERSION), *((n, ratio) for n in (2, 3, 6, 12, 96) for ratio in (1.4, 3.0))]
)
def test_coverage_is_near_its_level_for_overdispersed_clips(ratio: float, clips: int) -> None:
    """Negative-binomial clips of variance/mean `ratio`: the 90 % interval holds the true mean in 85 to 98 % of days.

    Where fewer than six objects are expected in all clips together the discreteness of counts makes exact limits
    wider; there it is at most 99.5 %. One clip cannot tell its dispersion: it is held to its level at the prior's.
    """
    rng = np.random.default_rng(20170309)
    for true_mean in (0.3, 1.0, 3.0, 8.0, 20.0):
        lowest = 0.88 if clips == 1 else 0.85
        counts = rng.negative_binomial(true_mean / (ratio - 1), 1 / ratio, size=(3000, clips))
        low, high = mean_interval(counts.mean(axis=1), spread(counts), np.full(3000, clips), INTERVAL_LEVEL)
        coverage = ((low <= true_mean) & (true_mean <= high)).mean()
        highest = 0.98 if true_mean * clips >= 6 else 0.995
        assert lowest <= coverage <= highest, f"mean {true_mean}, {clips} clips: {coverage:.3f}"


@pytest.mark.parametrize("sqrt_error", [0.2, 1.0])
def test_what_clips_err_by_together_reaches_from_their_mean_as_it_does_from_each(sqrt_error: float) -> None:
    """Clips of 9 that share all of their error reach as far as each of them does; those that share half, half as far on
    the scale of the root."""
    mean = np.array([[9.0]])
    high, low = (np.square(np.sqrt(mean + 3 / 8) + sign * Z_90 * sqrt_error) - 3 / 8 for sign in (1, -1))
    error = counter_error(mean, high)
    below, above = counter_reach(mean, error)
    assert mean + above == pytest.approx(high)
    assert mean - below == pytest.approx(low)
    below, above = counter_reach(mean, 0.5 * error)
    assert above == pytest.approx(np.square(np.sqrt(9.375) + 0.5 * Z_90 * sqrt_error) - 9.375)
    assert below == pytest.approx(9.375 - np.square(np.sqrt(9.375) - 0.5 * Z_90 * sqrt_error))


def test_a_counter_may_have_missed_someone_where_it_counted_nobody_and_nothing_is_known_from_nothing() -> None:
    below, above = counter_reach(np.array([0.0, 4.0]), np.array([0.8, np.nan]))
    assert below[0] == 0
    assert above[0] > 0
    assert np.isnan([below[1], above[1]]).all()
