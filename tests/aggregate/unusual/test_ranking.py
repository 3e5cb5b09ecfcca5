"""Where to act first: what chance gives, what is beyond it, and which way it is going."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate
from scipy.stats import norm

from aggregate.unusual.chance import BEYOND, by_chance, ordinary, strays
from aggregate.unusual.place_field import PlaceField
from aggregate.unusual.ranking import LEAST_DAYS, above_range, ranked, trend_of
from aggregate.unusual.verdicts import Trend
from core.root_scale import OFFSET, stabilised

DAYS = 28
HOURS = DAYS * 24
DAY = np.repeat(np.arange(DAYS), 24)
WEEK_HOUR = np.arange(HOURS) % 168


def city(z, expected=16.0, spread=0.3, error=0.0):
    """Zones that stray from `expected` by z spreads."""
    expected = np.broadcast_to(np.asarray(expected, dtype=float), z.shape).copy()
    observed = np.square(np.maximum(stabilised(expected) + spread * z, OFFSET**0.5)) - OFFSET
    shape = np.full_like(expected, spread)
    known = np.isfinite(z)
    parts = (observed, expected, np.full_like(expected, error), shape)
    return PlaceField(*(np.where(known, part, np.nan) for part in parts))


def ranks(field, day=DAY, week_hour=WEEK_HOUR):
    return ranked(field, by_chance(field, day), day, week_hour)


def usual(zones=20, seed=1):
    return np.random.default_rng(seed).standard_normal((zones, HOURS))


def test_what_chance_gives_is_the_integral_of_the_module():
    """2 y s m1 + s^2 m2 against the excess integrated over the normal distribution."""
    y, s = 4.0, 0.3
    exact, _ = integrate.quad(lambda z: ((y + s * z) ** 2 - y**2) * norm.pdf(z), BEYOND, 12)
    m1, m2 = strays(np.empty(0))
    assert 2 * y * s * m1 + s * s * m2 == pytest.approx(exact, rel=1e-6)


def test_how_far_hours_stray_is_learnt_from_the_side_that_nobody_asks_for():
    fallen = np.random.default_rng(2).standard_t(4, 20_000)
    m1, m2 = strays(fallen)
    assert m1 == pytest.approx(fallen[fallen > BEYOND].sum() / len(fallen))
    assert m2 > m1 > strays(np.empty(0))[0]


def test_the_excess_of_usual_hours_is_what_chance_gives():
    field = city(usual(200))
    chance = by_chance(field, DAY)
    assert chance.mean.sum() == pytest.approx(above_range(field).sum(), rel=0.08)
    net = above_range(field).sum(axis=1) - chance.mean.sum(axis=1)
    assert net.std() == pytest.approx(chance.error.mean(), rel=0.2)


def test_a_place_that_strays_further_than_others_by_itself_is_no_crowd():
    z = usual(40)
    z[:4] *= 1.6
    ranking = ranks(city(z))
    assert (ranking.p[:4] > 0.01).all()


def test_a_street_that_was_closed_says_nothing_of_chance():
    z = usual(12)
    z[3] -= 3.0
    assert ordinary(-z).tolist() == [zone != 3 for zone in range(12)]
    open_streets, all_streets = by_chance(city(usual(12)), DAY), by_chance(city(z), DAY)
    assert all_streets.mean[0].sum() == pytest.approx(open_streets.mean[0].sum(), rel=0.1)
    assert all_streets.error[0] == pytest.approx(open_streets.error[0], rel=0.2)


def test_of_usual_places_hardly_any_stands_out():
    """Also where hours stray further than their spread says."""
    for stray in (1.0, 1.4):
        ranking = ranks(city(usual(300) * stray))
        assert (ranking.p < 0.05).mean() < 0.09
        assert (ranking.p < 0.001).mean() < 0.01


def test_a_place_that_is_too_full_on_saturday_afternoons_leads():
    z = usual()
    busy = (WEEK_HOUR // 24 == 5) & (WEEK_HOUR % 24 >= 14) & (WEEK_HOUR % 24 < 18)
    z[7, busy] += 4.0
    ranking = ranks(city(z))
    assert np.argmax(ranking.people_hours_low) == 7
    assert ranking.p[7] < 1e-4
    given = above_range(city(z))[7, busy].sum()
    assert ranking.people_hours_low[7] < given < ranking.people_hours_high[7]
    assert busy[ranking.worst[7]]


def test_what_was_not_counted_adds_nothing_and_is_told():
    z = usual()
    z[3, : HOURS // 2] = np.nan
    z[4] = np.nan
    ranking = ranks(city(z))
    assert ranking.hours_known[3] == HOURS // 2
    assert ranking.days[3] == DAYS // 2
    assert ranking.days[4] == 0
    assert np.isnan(ranking.people_hours[4])
    assert np.isnan(ranking.level[4])


def test_too_few_days_have_no_figures():
    z = usual()
    z[0, 24 * (LEAST_DAYS - 1) :] = np.nan
    ranking = ranks(city(z))
    assert np.isnan(ranking.people_hours[0])
    assert np.isfinite(ranking.people_hours[1])


def test_an_empty_period_is_no_error():
    nothing = np.empty((2, 0))
    ranking = ranks(PlaceField(nothing, nothing, nothing, nothing), np.empty(0, np.int64), np.empty(0, np.int64))
    assert ranking.days.tolist() == [0, 0]
    assert ranking.worst.tolist() == [-1, -1]


def test_the_trend_of_a_place_that_gets_fuller_is_found_with_its_size():
    z = 0.3 * usual(2)
    growth = np.exp(0.05 * np.arange(HOURS) / 168)
    still = city(z, expected=20.0)
    field = PlaceField(still.observed * np.stack([growth, 1 / growth]), still.expected, still.error, still.spread)
    ranking = ranks(field)
    assert ranking.slope == pytest.approx([0.05, -0.05], abs=0.01)
    assert (ranking.slope_low < ranking.slope).all()
    assert trend_of(ranking.slope_low[0], ranking.slope_high[0]) is Trend.WORSE
    assert trend_of(ranking.slope_low[1], ranking.slope_high[1]) is Trend.BETTER
    assert trend_of(-0.01, 0.02) is Trend.NEITHER


def test_the_interval_of_a_trend_holds_none_nine_times_in_ten_though_days_are_alike():
    random = np.random.default_rng(6)
    days = np.zeros((400, DAYS))
    for day in range(DAYS):
        days[:, day] = 0.5 * (days[:, day - 1] if day else 0) + random.standard_normal(400)
    ranking = ranks(city(np.repeat(days, 24, axis=1)))
    holds = (ranking.slope_low < 0) & (ranking.slope_high > 0)
    assert 0.8 < holds.mean() < 0.97


def test_too_few_days_have_no_trend():
    z = usual()
    z[:, 13 * 24 :] = np.nan
    ranking = ranks(city(z))
    assert np.isnan(ranking.slope).all()
    assert trend_of(np.nan, np.nan) is Trend.UNKNOWN


def test_the_error_of_a_baseline_is_shared_by_weeks_and_only_in_part_by_hours():
    """Four weeks of one error: between that of hours apart from each other and that of all hours together."""
    relative = np.where(WEEK_HOUR % 24 == 12, 0.05, 0.4)
    field = city(np.zeros((1, HOURS)), expected=10.0)
    field = PlaceField(field.observed, field.expected, field.expected * relative, field.spread)
    ranking = ranks(field)
    error = ranking.expected_error[0] / ranking.expected[0]
    assert 0.05 <= error < 0.1
