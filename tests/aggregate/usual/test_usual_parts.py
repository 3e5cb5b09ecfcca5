"""The parts a baseline is made of, each by a known answer: the drift of all zones, effects of days, pooling."""

from __future__ import annotations

import numpy as np
import pytest

from aggregate.usual.calendar import BRIDGE, EVE, PUBLIC_HOLIDAY, SCHOOL_HOLIDAY
from aggregate.usual.drift import BELIEF, SEASON_BELIEF, day_factors, drift
from aggregate.usual.effects import SHARED_DAYS, Effects, effects_of, sundays
from aggregate.usual.model import SEASON_KNOTS, season_at
from aggregate.usual.pooling import LEAST_K, MOST_K, members, pooled


def days(first: str, number: int) -> np.ndarray:
    return np.datetime64(first, "D") + np.arange(number)


def test_the_factor_of_a_day_is_least_squares_over_the_hours_seen() -> None:
    """Twice the reference in the hours that were seen; five hours are too few to tell."""
    reference = np.random.default_rng(1).random((1, 2, 24)).astype(np.float32) + 1
    root = 2 * reference
    root[0, 0, 10:] = np.nan
    root[0, 1, 5:] = np.nan
    assert day_factors(root, reference)[0, 0] == pytest.approx(2)
    assert np.isnan(day_factors(root, reference)[0, 1])


def test_what_most_zones_do_is_the_drift_and_what_one_does_is_not() -> None:
    """Of nine zones eight are a fifth up all the time: 1 + 0.2 * 9 / (9 + BELIEF), known a day later as well."""
    factors = np.full((9, 60), 1.2, dtype=np.float32)
    factors[0] = 0.1
    found = drift(factors, days("2018-01-01", 60))
    assert found.level == pytest.approx(np.full(60, 1 + 0.2 * 9 / (9 + BELIEF)), rel=1e-5)
    assert found.lagged[1:] == pytest.approx(found.level[1:], rel=1e-5)
    assert found.lagged[0] == 1
    assert not found.season.any()


def test_the_drift_of_a_morning_knows_nothing_of_the_day() -> None:
    factors = np.ones((50, 40), dtype=np.float32)
    factors[:, 30:] = 2
    lagged = drift(factors, days("2018-01-01", 40)).lagged
    assert lagged[30] == pytest.approx(1, abs=1e-6)
    assert lagged[31] > 1.04
    assert (np.diff(lagged[30:]) > 0).all()


def test_days_that_nobody_saw_leave_the_drift_as_it_is() -> None:
    factors = np.full((9, 40), 1.3, dtype=np.float32)
    factors[:, 10:20] = np.nan
    assert np.ptp(drift(factors, days("2018-01-01", 40)).level) < 1e-5


def test_two_years_show_the_season() -> None:
    """A yearly wave of 20 %: of its swing the share that is believed; 0 at the end of the past."""
    dates = days("2018-01-01", 730)
    wave = 1 + 0.2 * np.sin(2 * np.pi * np.arange(730) / 365.25 - np.pi / 2)
    season = drift(np.tile(wave, (400, 1)).astype(np.float32), dates).season
    assert season.shape == (SEASON_KNOTS,)
    summer, winter, end = season_at(
        season[None], np.array(["2019-07-02", "2020-01-01", "2019-12-31"], "datetime64[D]")
    )[0]
    assert end == pytest.approx(0, abs=1e-6)
    assert summer - winter == pytest.approx(SEASON_BELIEF * np.log(1.2 / 0.8), rel=0.08)


def test_effects_are_medians_drawn_towards_those_of_all_zones() -> None:
    """Two zones, one holiday at half a Sunday: 0.75 of all, as one day is drawn half way to 1; (0.5 + 2 * 0.75) / 3."""
    kinds = np.zeros(14, dtype=np.uint8)
    kinds[8] = PUBLIC_HOLIDAY
    reference = np.ones((2, 14, 24), dtype=np.float32)
    root = reference.copy()
    root[:, 8] = 0.5
    found = effects_of(root, reference, kinds, np.arange(14) % 7)
    city = 1 - 0.5 * 1 / 2
    assert found.holiday == pytest.approx(np.full((2, 24), (0.5 + SHARED_DAYS * city) / (1 + SHARED_DAYS)))
    assert (found.eve == 1).all()
    assert (found.school == 1).all()


def test_a_holiday_nobody_saw_is_like_a_sunday() -> None:
    root = np.ones((3, 7, 24), dtype=np.float32)
    assert (effects_of(root, root, np.zeros(7, np.uint8), np.arange(7)).holiday == 1).all()


def test_each_kind_of_day_has_its_own_factor() -> None:
    one = np.ones((1, 24), dtype=np.float32)
    effects = Effects(one, 2 * one, 3 * one, np.stack([5 * one, 7 * one], axis=1))
    assert effects.of(EVE, weekend=False)[0, 0] == 2
    assert effects.of(BRIDGE | EVE, weekend=False)[0, 0] == 3
    assert effects.of(SCHOOL_HOLIDAY, weekend=True)[0, 0] == 7
    assert effects.of(EVE | SCHOOL_HOLIDAY, weekend=False)[0, 0] == 10


def test_a_holiday_is_compared_with_the_sunday_of_its_week() -> None:
    """Weeks that begin on a Wednesday: their Sunday is the fifth day."""
    assert sundays(14, 2).tolist() == [4] * 7 + [11] * 7


def test_a_zone_of_no_weeks_is_its_shape_and_one_of_many_is_itself() -> None:
    """Four alike, one of another shape with much behind it, one with a tenth of a week at twice the size."""
    rng = np.random.default_rng(2)
    shape = 1 + rng.random(168)
    week = np.tile(shape, (6, 1)) * (1 + 0.02 * rng.standard_normal((6, 168)))
    week[4] = shape[::-1]
    week[5] = 2 * shape * (1 + 0.3 * rng.standard_normal(168))
    behind = np.full((6, 168), 20.0)
    behind[5] = 0.1
    enough = np.array([True] * 5 + [False])
    noise = np.full(6, 0.03, dtype=np.float32)
    found = pooled(week.astype(np.float32), behind.astype(np.float32), noise, enough, members(None, 6))
    assert found.alike.tolist() == [5] * 6
    assert LEAST_K / (20 + LEAST_K) <= found.borrowed[0] <= MOST_K / (20 + MOST_K)
    assert found.borrowed[5] > 0.7
    assert found.week[4] == pytest.approx(week[4], rel=0.2)
    assert np.abs(found.week[5] / (2 * shape) - 1).mean() < np.abs(week[5] / (2 * shape) - 1).mean() / 2


def test_with_too_few_alike_nothing_is_borrowed() -> None:
    week = np.random.default_rng(2).random((2, 168)).astype(np.float32) + 1
    found = pooled(week, np.ones_like(week), np.ones(2, np.float32), np.array([True, True]), members(["a", "b"], 2))
    assert (found.week == week).all()
    assert not found.borrowed.any()


def test_groups_keep_their_order() -> None:
    assert [rows.tolist() for rows in members(["b", "a", "b"], 3)] == [[0, 2], [1]]
