"""Did it work: found where something was done, nothing where nothing was, and refused where it cannot be told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from effect_city import HOUR, MONDAY, WEEK, city, study, without

from aggregate.effects.effect import EffectState, Method
from aggregate.effects.measure import measure
from aggregate.effects.panel import Timing


@pytest.fixture(scope="module")
def asked():
    return city(effect=-0.2, treated=2)


@pytest.fixture(scope="module")
def answer(asked):
    return measure(asked)


def test_a_fifth_fewer_is_found_within_its_interval_and_beyond_chance(answer):
    change = answer.change
    assert answer.state is EffectState.MEASURED
    assert answer.method is Method.DIFFERENCE_IN_DIFFERENCES
    assert change.low < -0.2 < change.high < 0
    assert change.told
    assert change.change == pytest.approx(-0.2, abs=0.06)
    assert len(answer.controls) == 15
    assert not set(answer.controls) & {"zone-0", "zone-1"}
    assert (answer.weeks_before, answer.weeks_after) == (10, 6)
    assert answer.coverage == pytest.approx((1, 1))


def test_levels_say_before_after_and_what_would_have_been(answer, asked):
    before = asked.history.value[:2, : 10 * WEEK].mean() * 2
    assert answer.levels.before == pytest.approx(before, rel=0.02)
    assert answer.levels.after / answer.levels.without - 1 == pytest.approx(answer.change.change)
    assert answer.levels.after == pytest.approx(asked.history.value[:2, 10 * WEEK :].mean() * 2, rel=0.02)


def test_the_checks_agree(answer):
    checks = answer.checks
    assert not checks.trend.broken
    assert checks.placebo_places == 22
    assert checks.placebo_share == pytest.approx(1 / 23)
    assert not checks.placebo_in_time.told
    assert checks.synthetic_change == pytest.approx(-0.2, abs=0.08)
    assert 0 < checks.clustered_error < 0.1


def test_each_of_several_zones_has_a_change_of_its_own(answer):
    assert [one.zone for one in answer.zones] == ["zone-0", "zone-1"]
    assert all(one.change.low < -0.2 < one.change.high for one in answer.zones)


def test_the_course_is_the_weeks_as_they_are_drawn(answer):
    course = answer.course
    before = course.number < 0
    assert course.begins[0] == np.datetime64("2025-11-03")
    assert np.mean(np.log(course.observed[before])) == pytest.approx(0, abs=1e-9)
    apart = np.log(course.observed / course.expected)
    assert np.mean(apart[~before]) == pytest.approx(np.log1p(answer.change.change))
    assert (course.low < course.expected).all()
    assert (course.expected < course.high).all()


def test_where_nothing_was_done_nothing_is_told():
    answers = [measure(city(seed=seed, treated=1 + seed % 2)) for seed in range(20)]
    assert sum(one.change is not None and one.change.told for one in answers) <= 3
    assert sum(one.change is None for one in answers) <= 1


def test_the_order_of_the_zones_is_nothing(asked, answer):
    order = np.random.default_rng(0).permutation(24)
    shuffled = replace(
        asked, history=asked.history.take(order), treated=asked.treated[order], candidates=asked.candidates[order],
        camera=asked.camera[order], where=asked.where[order],
    )  # fmt: skip
    other = measure(shuffled)
    assert other.change.change == pytest.approx(answer.change.change)
    assert other.change.low == pytest.approx(answer.change.low)
    assert set(other.controls) == set(answer.controls)


def test_a_busier_city_and_another_unit_change_nothing(asked, answer):
    """Twice as many everywhere, as with another camera lens, is the same change."""
    doubled = replace(asked, history=replace(asked.history, value=asked.history.value * 2))
    assert measure(doubled).change.change == pytest.approx(answer.change.change, abs=1e-3)


def test_a_place_that_went_another_way_before_is_refused():
    refused = measure(city(drift=0.05, before=14))
    assert refused.state is EffectState.REFUSED
    assert refused.change is None
    assert "going another way" in refused.reason
    assert refused.course is not None


def test_a_change_that_was_there_before_is_refused():
    early = city(effect=-0.5, before=9, after=9)
    start = MONDAY + 14 * WEEK * HOUR
    refused = measure(replace(early, timing=Timing(start, start, early.timing.end)))
    assert refused.state is EffectState.REFUSED
    assert "before" in refused.reason


def test_a_trend_in_doubt_widens_the_interval():
    seen = [measure(city(drift=0.012, noise=0.06, seed=seed)) for seed in range(12)]
    widened = [one for one in seen if one.change is not None and one.checks.trend.doubtful]
    assert widened
    for one in widened:
        less = np.expm1(np.log1p(one.change.change) - one.checks.trend.feigned)
        assert one.change.low <= less <= one.change.high
        assert any("another way" in warning for warning in one.warnings)


def test_without_controls_it_is_compared_with_its_own_past_and_says_so(asked):
    alone = measure(replace(asked, candidates=np.zeros(24, dtype=bool)))
    assert alone.state is EffectState.UNCONTROLLED
    assert alone.method is Method.INTERRUPTED_TIME_SERIES
    assert alone.reason == "there is no other zone to compare with, and 5 are needed"
    assert alone.change.low < -0.2 < alone.change.high
    assert alone.warnings
    assert alone.levels.controls_change is None


def test_zones_of_quite_another_day_are_no_controls(asked):
    """The others are busy at night: nothing can be compared."""
    value = asked.history.value.copy()
    value[2:] = np.roll(value[2:], 11, axis=1)
    other = measure(replace(asked, history=replace(asked.history, value=value)))
    assert other.state is EffectState.UNCONTROLLED
    assert "were like it before" in other.reason


def shown(asked, until):
    history = asked.history.between(MONDAY, until)
    return replace(asked, history=history, timing=replace(asked.timing, end=until))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda one: replace(one, treated=np.zeros(24, dtype=bool)), "none of its zones"),
        (lambda one: shown(one, one.timing.start), "has not begun"),
        (lambda one: shown(one, one.timing.start + 9 * 24 * HOUR), "too early: it began 9 days ago"),
        (
            lambda one: replace(one, timing=replace(one.timing, end=one.timing.start + 5 * 24 * HOUR, ended=True)),
            "it lasted 5 days",
        ),
        (lambda one: without(one, np.arange(2), np.arange(7 * WEEK)), "3 weeks of 10"),
        (lambda one: without(one, np.arange(2), np.arange(10 * WEEK, 16 * WEEK)), "too little was counted since: 0"),
        (lambda one: without(one, np.arange(2), np.arange(16 * WEEK)), "0 weeks of 10"),
        (
            lambda one: replace(one, history=replace(one.history, value=one.history.value * 0.01)),
            "too little to see: on average 0.0",
        ),
    ],
)
def test_what_cannot_be_told_is_refused_with_the_reason(asked, change, reason):
    refused = measure(change(asked))
    assert refused.state is EffectState.REFUSED
    assert reason in refused.reason
    assert refused.change is None


def test_missing_hours_do_not_make_an_effect():
    """The treated zone loses its nights from the day of the change on, a control its days: nothing was done."""
    plain = city(seed=6)
    hour = np.arange(16 * WEEK)
    lost = without(plain, np.array([0]), hour[(hour >= 10 * WEEK) & (hour % 24 < 9)])
    lost = without(lost, np.array([3]), hour[(hour >= 10 * WEEK) & (hour % 24 > 15)])
    assert measure(lost).change.change == pytest.approx(measure(plain).change.change, abs=0.02)


def test_a_street_that_is_closed_is_a_fall_to_nearly_nothing():
    value = city(seed=2).history.value.copy()
    value[0, 10 * WEEK :] = 0
    found = measure(study(value, treated=1, before=10))
    assert found.change.change < -0.99


def test_few_other_zones_cannot_tell_chance():
    few = measure(city(zones=6, effect=-0.2))
    assert few.state is EffectState.UNCONTROLLED
    assert "of 5 other zones fewer than 6 have controls of their own" in few.reason
