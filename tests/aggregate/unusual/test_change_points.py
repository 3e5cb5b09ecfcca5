"""Lasting changes of daily levels: found where they are, and not where nothing changed."""

from __future__ import annotations

import numpy as np
import pytest

from aggregate.unusual.change_points import (
    LEAST_DAYS,
    common_course,
    daily_levels,
    lasting_changes,
)

DAYS = 91


def noise(seed=1, days=DAYS, deviation=0.08, alike=0.0):
    random = np.random.default_rng(seed)
    y = np.zeros(days)
    for day in range(days):
        y[day] = alike * y[day - 1] + np.sqrt(1 - alike**2) * random.standard_normal()
    return deviation * y


def test_a_step_is_found_at_its_day_with_its_size():
    level = noise()
    level[40:] += np.log(0.7)
    (change,) = lasting_changes(level, usual=6.0)
    assert abs(change.day - 40) <= 1
    assert change.ratio_low < 0.7 < change.ratio_high
    assert change.after == pytest.approx(change.before * change.ratio)
    assert (change.days_before, change.days_after) == (change.day, DAYS - change.day)
    assert (change.first, change.last) == (0, DAYS)


def test_two_steps_are_two_changes():
    level = noise(2)
    level[30:60] += 0.5
    first, second = lasting_changes(level, usual=6.0)
    assert (first.day, second.day) == (30, 60)
    assert first.ratio > 1.4
    assert second.ratio < 0.75


def test_an_event_of_a_week_or_a_wild_day_is_no_change():
    level = noise(3)
    level[30:37] += 0.4
    level[70] += 5.0
    assert lasting_changes(level, usual=6.0) == ()


def test_a_change_too_small_to_act_on_is_none():
    level = noise(4, deviation=0.01)
    level[40:] += 0.05
    assert lasting_changes(level, usual=6.0) == ()


def test_days_without_a_figure_are_passed_over():
    level = noise(5)
    level[50:] -= 0.4
    level[10:20] = np.nan
    level[48:53] = np.nan
    (change,) = lasting_changes(level, usual=6.0)
    assert change.day == 53
    assert change.days_before == 38


@pytest.mark.parametrize("alike", [0.0, 0.5])
def test_where_nothing_changed_hardly_anything_is_found(alike):
    """Of 200 zones, also of such whose days are alike."""
    found = sum(bool(lasting_changes(noise(seed, alike=alike), usual=6.0)) for seed in range(200))
    assert found <= 8


def test_too_few_days_and_a_level_that_never_moves_have_none():
    assert lasting_changes(noise(days=LEAST_DAYS - 1), usual=6.0) == ()
    assert lasting_changes(np.zeros(DAYS), usual=6.0) == ()
    assert lasting_changes(np.full(DAYS, np.nan), usual=6.0) == ()


def hours(days=28):
    day, hour = np.repeat(np.arange(days), 24), np.tile(np.arange(24), days)
    return day, (day % 7) * 24 + hour, 2.0 + np.cos(2 * np.pi * (hour - 13) / 24)


def test_the_level_of_a_day_is_a_share_of_the_usual_of_the_hours_that_were_counted():
    day, week_hour, curve = hours()
    observed = np.stack([curve * 4.0, curve * 4.0])
    observed[0, day == 9] *= 1.5
    observed[1, (day == 9) & (week_hour % 24 < 10)] = np.nan  # a night that is missing is not a quiet day
    told = daily_levels(observed, day, week_hour)
    usual = 4.0 * curve[(day == 9)].sum() * (1 + 0.5 / 4)
    assert told.level[0, 9] == pytest.approx(np.log((4 * 1.5 * curve[day == 9].sum() + 0.5) / (usual + 0.5)))
    assert told.level[1, 9] == pytest.approx(0.0, abs=1e-9)
    assert told.usual[1] == pytest.approx(8.0, abs=0.2)


def test_days_of_which_less_than_half_was_counted_and_zones_without_anybody_have_no_level():
    day, week_hour, curve = hours()
    observed = np.stack([curve * 4.0, np.zeros(len(day)), np.full(len(day), np.nan)])
    observed[0, (day == 3) & (week_hour % 24 < 13)] = np.nan
    told = daily_levels(observed, day, week_hour)
    assert np.flatnonzero(np.isnan(told.level[0])).tolist() == [3]
    assert np.isnan(told.level[1:]).all()
    assert daily_levels(np.empty((2, 0)), np.empty(0, np.int64), np.empty(0, np.int64)).level.shape == (2, 0)


def test_what_all_zones_share_is_their_median_where_there_are_enough():
    level = np.tile(np.linspace(0, 1, 10), (6, 1))
    level[5] += 3.0
    level[:2, 4] = np.nan
    course = common_course(level)
    assert course[:4] == pytest.approx(level[0, :4])
    assert course[4] == 0.0  # four zones are too few
