"""What chance gives, and who may stand for whom."""

from __future__ import annotations

import numpy as np
import pytest
from effect_city import city
from scipy.stats import t

from aggregate.effects.differences import differences
from aggregate.effects.matching import LEAST_CONTROLS, controls, shape_distance
from aggregate.effects.panel import build
from aggregate.effects.placebo import Chance, allowed, apart_m, chance_of, in_time, places, size_of_groups
from aggregate.effects.pre_trend import slopes, trend
from aggregate.tables import text


def test_p_values_and_reach_are_those_of_students_t_of_the_spread():
    chance = Chance(np.array([1.0, -2.0, 0.5]), spread=1.5, freedom=9)
    assert chance.p_value(-3.0) == pytest.approx(2 * t.sf(2.0, 9))
    assert chance.reach(0.9) == pytest.approx(1.5 * (1 + 1 / np.sqrt(20)) * t.ppf(0.95, 9))
    assert chance.share_beyond(1.5) == pytest.approx(2 / 4)


def test_the_spread_is_the_root_mean_square_and_never_below_one():
    wide = chance_of(np.array([3.0, -3.0, 4.0, -4.0, 3.0, 4.0, np.nan]), 2)
    assert wide is not None
    assert wide.spread == pytest.approx(np.sqrt(75 / 6))
    assert wide.freedom == 2
    narrow = chance_of(np.full(8, 0.1), 1)
    assert narrow is not None
    assert narrow.spread == 1.0
    assert chance_of(np.array([1.0] * 5 + [np.nan] * 9), 1) is None


def test_groups_are_a_zone_and_its_nearest_of_the_pool():
    asked = city(zones=8)
    panel = build(asked.history, asked.timing)
    pool = np.array([False] + [True] * 7)
    groups = places(panel, panel.take(np.array([0])), pool, asked.where, 3)
    assert groups.shape == (7, 8)
    assert not groups[:, 0].any()
    assert (groups.sum(axis=1) == 3).all()
    of_last = groups[groups[:, 7] & ~groups[:, 4]]
    assert np.flatnonzero(of_last[0]).tolist() in ([5, 6, 7], [6, 7, 5])
    assert (size_of_groups(3, 60), size_of_groups(30, 60), size_of_groups(2, 3)) == (3, 10, 1)


def test_a_camera_that_sees_a_place_gives_it_no_controls():
    groups = np.array([[True, False, False, False], [False, False, True, False]])
    pool = np.array([True, True, True, False])
    free = allowed(groups, pool, text(["a", "a", "b", "c"]))
    assert free.tolist() == [[False, False, True, False], [True, True, False, False]]


def test_metres_between_places():
    london, paris = np.array([[51.5, -0.12]]), np.array([[51.5, -0.12], [51.51, -0.12], [51.5, -0.10]])
    assert apart_m(london, paris)[0] == pytest.approx([0, 1112, 1384], abs=2)
    assert apart_m(np.array([[0.0, 179.9]]), np.array([[0.0, -179.9]]))[0, 0] == pytest.approx(22239, rel=1e-3)


def test_controls_are_the_nearest_in_shape_and_path_and_too_few_are_none():
    asked = city(zones=30, seed=4)
    panel = build(asked.history, asked.timing)
    ours = panel.take(np.array([0]))
    weights = controls(ours, panel, asked.candidates[None, :])
    assert weights.sum() == pytest.approx(1)
    assert sorted(weights[0]) == pytest.approx([0.0] * 15 + [1 / 15] * 15)
    few = asked.candidates & (np.arange(30) <= LEAST_CONTROLS - 1)
    assert not controls(ours, panel, few[None, :]).any()


def test_hellingers_distance_by_hand():
    """Of (1, 0) and (1/2, 1/2): sqrt(1 - sqrt(1/2)); of nothing in common: 1."""
    apart = shape_distance(np.array([[1.0, 0.0]]), np.array([[0.5, 0.5], [0.0, 1.0], [1.0, 0.0]]))
    assert apart[0] == pytest.approx([np.sqrt(1 - np.sqrt(0.5)), 1, 0])


def test_the_placebo_in_time_is_the_last_third_of_the_weeks_before():
    """By hand: of six weeks before, 0 0 0 0 | 3 3: a change of 3; the weeks after play no part."""
    path = np.array([[0.0, 0.1, -0.1, 0.0, 3.0, 3.0, 99.0, 99.0]])
    found = differences(path, np.zeros_like(path), np.arange(8) >= 6)
    assert in_time(found, np.arange(8) < 6).change == pytest.approx([3.0])


def test_slopes_are_those_of_least_squares():
    weeks = np.arange(-8.0, 0)
    path = np.random.default_rng(1).normal(size=(3, 8))
    path[1, 2] = np.nan
    path[2, 3:] = np.nan
    slope, error = slopes(path, weeks)
    for row in (0, 1):
        known = ~np.isnan(path[row])
        fitted, covariance = np.polyfit(weeks[known], path[row, known], 1, cov=True)
        assert slope[row] == pytest.approx(fitted[0])
        assert error[row] == pytest.approx(np.sqrt(covariance[0, 0]))
    assert np.isnan(slope[2])


def test_a_trend_is_told_by_what_it_would_feign():
    """A place that gains 0.02 a week; means after and before are 9 weeks apart, so the trend feigns 0.18."""
    number = np.arange(-12, 6)
    rng = np.random.default_rng(7)
    others = rng.normal(0, 0.03, (30, 18))
    found = trend(0.02 * number + rng.normal(0, 1e-4, 18), others, number, number >= 0, 1)
    assert found is not None
    assert found.feigned == pytest.approx(0.18, abs=0.005)
    assert found.broken
    flat = trend(others[0], others[1:], number, number >= 0, 1)
    assert flat is not None
    assert not flat.broken
    assert trend(np.full(18, np.nan), others, number, number >= 0, 1) is None
