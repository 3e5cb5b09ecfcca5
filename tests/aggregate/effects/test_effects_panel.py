"""Weeks of zones: what is counted against what is usual in the same hours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from effect_city import HOUR, MONDAY, WEEK, city, without
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregate.effects.panel import HALF, MOST_WEEKS, Timing, build, usual_week
from aggregate.history import History


def history(value, start=MONDAY, timezone="Europe/London", step_s=3600):
    shown = np.atleast_2d(np.asarray(value, dtype=np.float32))
    names = tuple(f"z{row}" for row in range(len(shown)))
    return History("people", names, timezone, start, step_s, shown, (~np.isnan(shown)).astype(np.uint8))


def at(weeks, *, begin=MONDAY, end=None, ended=False):
    start = begin + weeks * WEEK * HOUR
    return Timing(start, start, start + 100 * WEEK * HOUR if end is None else end, ended)


def test_a_week_is_counted_against_the_usual_of_the_same_hours():
    """By hand: two weeks of 2 before, so 2 is usual; a week of 1 after is log((168 + 1/2) / (336 + 1/2))."""
    panel = build(history(np.r_[np.full(2 * WEEK, 2.0), np.ones(WEEK)]), at(2))
    assert panel.calendar.number.tolist() == [-2, -1, 0]
    assert panel.level[0] == pytest.approx([0, 0, np.log((WEEK + HALF) / (2 * WEEK + HALF))])
    assert panel.present == pytest.approx([2.0])
    assert panel.coverage[0] == pytest.approx([1, 1, 1])
    assert panel.calendar.begins.astype(str).tolist() == ["2025-11-03", "2025-11-10", "2025-11-17"]


@settings(max_examples=30, deadline=None)
@given(st.sets(st.integers(0, 4 * WEEK - 1), max_size=300))
def test_what_is_missing_does_not_make_a_week_quiet(missing):
    """Without noise every week is as usual, whatever hours of it were lost; with less than half it is unknown."""
    day = np.arange(24) + 1.0
    value = np.tile(day, 28)
    value[sorted(missing)] = np.nan
    panel = build(history(value), at(3))
    level, coverage = panel.level[0], panel.coverage[0]
    assert np.isnan(level).tolist() == (coverage < 0.5).tolist()
    assert np.abs(level[coverage >= 0.5]).max(initial=0) < 1e-6


def test_an_hour_never_seen_is_as_that_of_other_working_days():
    value = np.tile(np.arange(24.0), 7)
    value[:24] = np.nan  # every Monday
    profile = usual_week(value[None, :], np.arange(WEEK))
    assert profile[0, :24] == pytest.approx(np.arange(24.0))
    alone = np.full(WEEK, np.nan)
    alone[5] = 3.0
    profile = usual_week(alone[None, :], np.arange(WEEK))
    assert profile[0, [5, 29, 101]] == pytest.approx([3, 3, 3])
    assert np.isnan(profile[0, [4, 125]]).all()


def test_hours_are_those_of_the_local_clock():
    """Something that is there at 8 local time only is usual through a change of the clock (29 March 2026)."""
    begin = np.datetime64("2026-03-02T00", "us")
    utc = begin + np.arange(6 * WEEK) * HOUR
    summer = utc >= np.datetime64("2026-03-29T01")
    local_hour = (np.arange(6 * WEEK) + summer) % 24
    panel = build(history(np.where(local_hour == 8, 7.0, 0.0), start=begin), at(2, begin=begin))
    assert np.nanmax(np.abs(panel.level[0])) < 1e-9
    assert np.flatnonzero(panel.profile[0]).tolist() == [8 + 24 * day for day in range(7)]


def test_the_time_of_the_works_and_the_day_it_began_are_of_neither():
    value = np.ones(6 * WEEK)
    value[2 * WEEK : 3 * WEEK + 34] = 9.0  # works for a week, then the rest of Monday and ten hours more
    start = MONDAY + (3 * WEEK + 34) * HOUR
    timing = Timing(MONDAY + 2 * WEEK * HOUR, start, MONDAY + 6 * WEEK * HOUR)
    panel = build(history(value), timing)
    assert panel.calendar.number.tolist() == [-2, -1, 0, 1, 2]
    assert panel.calendar.begins[2] == np.datetime64("2025-11-26")
    assert np.abs(panel.level[0]).max() < 1e-9


def test_nothing_after_the_end_and_nothing_far_away_is_looked_at():
    panel = build(history(np.ones(60 * WEEK)), at(30, end=MONDAY + 32 * WEEK * HOUR))
    assert (panel.calendar.number.min(), panel.calendar.number.max()) == (-MOST_WEEKS, 1)
    assert build(history(np.ones(70 * WEEK)), at(30)).calendar.number.max() == MOST_WEEKS - 1


def test_public_holidays_are_left_out():
    value = np.ones(4 * WEEK)
    value[24:48] = 50.0
    assert build(history(value), at(2)).level[0][0] > 0.5
    panel = build(history(value), at(2), np.array(["2025-11-04"], dtype="datetime64[D]"))
    assert np.abs(panel.level[0]).max() < 1e-9


def test_a_week_that_has_only_begun_is_not_a_week_yet():
    panel = build(history(np.ones(4 * WEEK + 60)), at(3))
    assert panel.calendar.number.tolist() == [-3, -2, -1, 0, 1]
    assert panel.coverage[0][-1] == pytest.approx(60 / WEEK)
    assert np.isnan(panel.level[0]).tolist() == [False] * 4 + [True]


def test_zones_together_are_one_that_lost_a_part():
    asked = city(zones=3, treated=1)
    lost = without(asked, np.array([1]), np.arange(2 * WEEK))
    panel = build(lost.history, lost.timing)
    both = panel.together(np.array([[True, True, False]]))
    assert both.present[0] == pytest.approx(panel.present[:2].sum())
    assert both.coverage[0, 0] == pytest.approx(panel.present[0] / panel.present[:2].sum(), rel=1e-3)
    assert both.observed[0] == pytest.approx(panel.observed[0] + panel.observed[1])


def test_steps_other_than_hours_are_refused():
    with pytest.raises(ValueError, match="900 s"):
        build(history(np.ones(10), step_s=900), at(1))


def test_nothing_stored_gives_no_weeks():
    empty = replace(history(np.ones(4)), value=np.zeros((1, 0), np.float32), clips=np.zeros((1, 0), np.uint8))
    panel = build(empty, at(1))
    assert panel.level.shape == (1, 0)
    assert np.isnan(panel.present).all()
