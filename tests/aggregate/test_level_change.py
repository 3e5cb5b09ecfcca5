"""The change of level: known answers, and an interval that holds what it says."""

from __future__ import annotations

import numpy as np
import pytest

from aggregate.level_change import level_change

HOURS_OF_A_DAY = 6


def one_zone(counted: list[float], expected: list[float], error: float = 0.0, **where: list[int]):
    day = np.array(where.get("day", range(len(counted))))
    cell, one_of_all = np.array(where.get("cell", [0] * len(counted))), np.array(where.get("level", [0] * len(counted)))
    level = np.array([expected], dtype=float)
    return level_change(
        np.array([counted], dtype=float),
        level,
        np.full_like(level, error),
        day=day,
        level=one_of_all,
        cell=cell,
        cells=int(cell.max()) + 1,
    )


def test_the_ratio_of_three_days_and_its_interval_by_hand():
    """R = 12/12; r = -2, 0, 2; s^2 = 3/2 * 8 / 12^2 = 1/12; t(2, 95 %) = 2.919986."""
    change = one_zone([2, 4, 6], [4, 4, 4])
    assert (change.ratio, change.counted, change.expected) == (1, 4, 4)
    reach = 2.919986 * np.sqrt(1 / 12)
    assert change.low == pytest.approx(1 - reach, abs=1e-6)
    assert change.high == pytest.approx(1 + reach, abs=1e-6)
    assert (change.hours, change.days) == (3, 3)


def test_hours_of_a_day_are_one_piece_of_evidence():
    """Each of three days in two hours that say the same: the interval is that of three days, not of six hours."""
    once = one_zone([2, 4, 6], [4, 4, 4])
    twice = one_zone([2, 2, 4, 4, 6, 6], [4] * 6, day=[0, 0, 1, 1, 2, 2])
    assert twice.low == pytest.approx(once.low)
    assert (twice.hours, twice.days) == (6, 3)


def test_an_hour_that_one_side_does_not_know_is_in_neither_sum():
    change = one_zone([2, np.nan, 6, 8], [4, 4, np.nan, 4])
    assert change.ratio == pytest.approx(10 / 8)
    assert (change.hours, change.days, change.expected) == (2, 2, 4)


def test_the_error_of_the_baseline_does_not_average_out():
    exact, unsure = one_zone([4] * 9, [4] * 9), one_zone([4] * 9, [4] * 9, error=0.4)
    assert (exact.low, exact.high) == (1, 1)
    assert unsure.high - 1 == pytest.approx(1.859548 * 0.1, abs=1e-6)  # t(8, 95 %), 0.4 of 4


def test_levels_err_apart_but_for_what_all_of_them_share():
    """Two levels, 4 and 8, known to 0.4 and 1: they share at most 10 %, and the second has sqrt(1 - 0.64) = 0.6 of its
    own in each of its three hours: m^2 + (3 * 0.6)^2 / 36^2 = 0.01 + 0.0025."""
    counted = np.array([[4, 8] * 3], dtype=float)
    change = level_change(
        counted, counted, np.array([[0.4, 1] * 3]), day=np.array([0, 0, 1, 1, 2, 2]), level=np.array([0, 1] * 3),
        cell=np.zeros(6, int), cells=1,
    )  # fmt: skip
    assert change.high[0, 0] - 1 == pytest.approx(2.919986 * np.sqrt(0.0125), abs=1e-6)


def test_parts_of_the_week_are_told_apart_and_what_was_not_counted_is_null():
    change = one_zone([2, 8, np.nan, 4, 8, np.nan], [4] * 6, day=[0, 0, 0, 1, 1, 1], cell=[0, 1, 2, 0, 1, 2])
    np.testing.assert_array_equal(change.ratio, [[0.75, 2, np.nan]])
    np.testing.assert_array_equal(change.hours, [[2, 2, 0]])
    assert np.isnan(change.counted[0, 2])
    assert np.isnan(change.low[0, 2])


def test_one_day_has_a_ratio_and_no_interval():
    change = one_zone([2, 3], [4, 4], day=[0, 0])
    assert change.ratio == pytest.approx(0.625)
    assert np.isnan(change.low)
    assert np.isnan(change.high)


def test_nothing_at_all_is_null():
    nothing = np.empty((2, 0))
    change = level_change(
        nothing, nothing, nothing, day=np.empty(0, int), level=np.empty(0, int), cell=np.empty(0, int), cells=3
    )
    assert np.isnan(change.ratio).all()
    assert change.ratio.shape == (2, 3)


def test_nine_in_ten_intervals_hold_the_true_change():
    """Days that are busier or quieter as a whole, hours overdispersed around them, a fifth of them missing."""
    rng = np.random.default_rng(6)
    days, hours, true, runs = 28, HOURS_OF_A_DAY, 0.8, 1500
    usual = np.tile(rng.uniform(2, 12, hours), days)
    busy = rng.gamma(25, 1 / 25, (runs, days)).repeat(hours, axis=1)
    counted = rng.negative_binomial(4, 4 / (4 + true * usual * busy)).astype(float)
    counted[rng.random(counted.shape) < 0.2] = np.nan
    expected = np.broadcast_to(usual, counted.shape)
    day = np.arange(days).repeat(hours)
    change = level_change(
        counted, expected, np.zeros_like(counted), day=day, level=day, cell=np.zeros_like(day), cells=1
    )
    held = (change.low <= true) & (true <= change.high)
    assert held.mean() == pytest.approx(0.9, abs=0.025)
