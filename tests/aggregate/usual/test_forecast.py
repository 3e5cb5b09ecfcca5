"""A forecast knows the week, carries on what the last hours were like, and says how far it may be off."""

from __future__ import annotations

import numpy as np
import pytest
from usual_streets import MONDAY, WEEK, hidden, past

from aggregate.history import History
from aggregate.local_time import clock_hours
from aggregate.tables import aware
from aggregate.usual.baseline import fit
from aggregate.usual.calendar import Calendar
from aggregate.usual.carrying import AHEADS, between
from aggregate.usual.days import DayGrid
from aggregate.usual.effects import Effects
from aggregate.usual.forecast import Carry, Forecast, forecast, learn
from aggregate.usual.policy import UsualPolicy
from aggregate.usual.quantiles import deviation, median, quantiles
from aggregate.usual.signals import SIGNALS, scene, signals
from aggregate.usual.weekly import MEMORIES, profiles, running
from core.root_scale import OFFSET

PLAIN, POLICY = Calendar.plain(), UsualPolicy()
SIZES = [40.0, 60.0, 90.0, 140.0]


def persisting(weeks: int, *, carries: float = 0.9, seed: int = 2) -> History:
    """A past whose share off its week carries on from hour to hour: an AR(1) of 12 %, and 4 % of single hours."""
    rng = np.random.default_rng(seed)
    steps = weeks * 168
    off = np.zeros((len(SIZES), steps))
    for step in range(1, steps):
        off[:, step] = carries * off[:, step - 1] + np.sqrt(1 - carries**2) * 0.12 * rng.standard_normal(len(SIZES))
    root = np.sqrt(np.outer(SIZES, np.tile(WEEK, weeks)) + OFFSET) * (1 + off + 0.04 * rng.standard_normal(off.shape))
    value = np.maximum(root**2 - OFFSET, 0).astype(np.float32)
    zones = tuple(f"z{at}" for at in range(len(SIZES)))
    return History("people", zones, "UTC", MONDAY, 3600, value, np.ones(value.shape, np.uint8))


def until(history: History, step: int) -> History:
    return history.between(history.start, history.starts[step])


@pytest.fixture(scope="module")
def street() -> History:
    return persisting(20)


@pytest.fixture(scope="module")
def carry(street: History) -> Carry:
    return learn(until(street, 18 * 168), PLAIN, POLICY, horizon=30)


def ahead(street: History, carry: Carry, horizon: int, steps: range) -> Forecast:
    """Of the last of `horizon` hours, from each of these steps: [zone, origin]."""
    made = [forecast(until(street, step), None, PLAIN, horizon=horizon, policy=POLICY, carry=carry) for step in steps]
    return Forecast(*(np.stack([getattr(one, name)[:, -1] for one in made], 1) for name in ("expected", "low", "high")))


def test_the_next_hour_knows_of_the_last_and_the_next_day_of_the_week(street: History, carry: Carry) -> None:
    """Last week again is off by two draws of 12.6 %; most of the next hour's can be known, of tomorrow's hardly any."""
    steps = range(18 * 168, 20 * 168 - 24, 11)
    errors = []
    for horizon in (1, 24):
        came = street.value[:, [step + horizon - 1 for step in steps]]
        before = street.value[:, [step + horizon - 1 - 168 for step in steps]]
        told = ahead(street, carry, horizon, steps).expected
        errors.append(np.abs(told - came).sum() / np.abs(before - came).sum())
    assert errors[0] < 0.5
    assert errors[0] < errors[1] < 0.8


@pytest.mark.parametrize("horizon", [1, 24])
def test_nine_in_ten_hours_lie_in_the_interval(street: History, carry: Carry, horizon: int) -> None:
    steps = range(18 * 168, 20 * 168 - 24, 11)
    came = street.value[:, [step + horizon - 1 for step in steps]]
    told = ahead(street, carry, horizon, steps)
    assert (told.low <= told.expected).all()
    assert (told.expected <= told.high).all()
    assert 0.82 < np.mean((told.low <= came) & (came <= told.high)) < 0.96


def test_nothing_that_comes_later_is_known(street: History, carry: Carry) -> None:
    """Whatever follows an hour, what was forecast then stays."""
    step = 19 * 168 + 50
    value = street.value.copy()
    value[:, step:] = 1e6
    spoilt = History("people", street.zones, "UTC", MONDAY, 3600, value, street.clips)
    told, same = (
        forecast(until(one, step), None, PLAIN, horizon=30, policy=POLICY, carry=carry) for one in (street, spoilt)
    )
    assert (told.expected == same.expected).all()


def test_a_camera_that_goes_silent_is_expected_as_usual(street: History, carry: Carry) -> None:
    """Nothing seen for two days: what is forecast goes back to the week, and its errors grow to those of it."""
    step = 19 * 168
    silent = hidden(until(street, step), slice(step - 48, step))
    told = forecast(silent, None, PLAIN, horizon=24, policy=POLICY, carry=carry)
    truth = np.outer(SIZES, WEEK[:24])
    assert np.median(told.expected / truth) == pytest.approx(1, abs=0.1)


def test_without_anything_learnt_it_learns_here(street: History, carry: Carry) -> None:
    past_weeks = until(street, 18 * 168)
    told = forecast(past_weeks, None, PLAIN, horizon=24, policy=POLICY)
    assert told.expected.shape == (4, 24)
    again = forecast(past_weeks, None, PLAIN, horizon=24, policy=POLICY, carry=carry)
    assert told.expected == pytest.approx(again.expected, rel=1e-4)


def test_a_zone_without_a_past_has_what_is_usual_of_its_kind() -> None:
    """The fourth street was seen for two days: of the other five days its own past knows nothing, zones like it do."""
    street = hidden(past([40.0, 60.0, 90.0, 140.0], 12), slice(0, 12 * 168 - 48), 3)
    now = aware(street.end)
    baselines = fit(street, PLAIN, POLICY, until=now, built_at=now)
    alone = forecast(street, None, PLAIN, horizon=24, policy=POLICY)
    told = forecast(street, baselines, PLAIN, horizon=24, policy=POLICY)
    assert np.isnan(alone.expected[3]).all()
    assert (told.expected[:3] == alone.expected[:3]).all()
    assert told.expected[3] == pytest.approx(140 * WEEK[:24], rel=0.35)
    assert (told.low[3] < told.high[3]).all()
    with pytest.raises(ValueError, match="one baseline for each"):
        forecast(street, baselines.take(np.array([0, 1])), PLAIN, horizon=1, policy=POLICY)


def test_a_past_of_nothing_gives_nothing() -> None:
    street = hidden(past([5.0], 4), slice(None))
    told = forecast(street, None, PLAIN, horizon=3, policy=POLICY)
    assert np.isnan([told.expected, told.low, told.high]).all()
    for none in (street.between(street.start, street.start), street.take(np.array([], dtype=np.int64))):
        nothing = forecast(none, None, PLAIN, horizon=3, policy=POLICY)
        assert nothing.low.shape == (len(none.zones), 3)
        assert np.isnan(nothing.low).all()


def test_a_closed_street_is_expected_closed() -> None:
    """Zeros are counts: of a street where nobody ever is, nobody is expected, and hardly anybody at most."""
    history = past([5.0, 8.0], 8)
    value = history.value.copy()
    value[0] = 0
    told = forecast(
        History("people", history.zones, "UTC", MONDAY, 3600, value, history.clips),
        None, PLAIN, horizon=24, policy=POLICY,
    )  # fmt: skip
    assert told.expected[0] == pytest.approx(np.zeros(24), abs=0.02)
    assert (told.high[0] < 1).all()


def test_what_cannot_be_forecast_is_refused(street: History, carry: Carry) -> None:
    with pytest.raises(ValueError, match="from 1 to 168"):
        forecast(street, None, PLAIN, horizon=169, policy=POLICY)
    with pytest.raises(ValueError, match="of these 2 and 24"):
        forecast(street.take(np.array([0, 1])), None, PLAIN, horizon=24, policy=POLICY, carry=carry)
    with pytest.raises(ValueError, match="of these 4 and 40"):
        forecast(street, None, PLAIN, horizon=40, policy=POLICY, carry=carry)
    quarters = History("people", street.zones, "UTC", MONDAY, 900, street.value, street.clips)
    with pytest.raises(ValueError, match="900 s"):
        forecast(quarters, None, PLAIN, horizon=1, policy=POLICY)


def test_running_means_are_of_the_weeks_before() -> None:
    """Levels 1, 2, (none), 4 of one slot: by hand for rho 0 and 0.5."""
    weeks = np.full((1, 4 * 7, 24), np.nan, dtype=np.float32)
    weeks[0, ::7, 0] = [1, 2, np.nan, 4]
    last, half = running(weeks, (0.0, 0.5))[:, 0, ::7, 0]
    assert np.isnan([last[0], half[0]]).all()
    assert last[1:].tolist() == [1, 2, 2]
    assert half[1:].tolist() == pytest.approx([1, (0.5 * 1 + 2) / 1.5, (0.5 * 1 + 2) / 1.5])


def test_a_profile_does_not_depend_on_the_day_it_describes() -> None:
    history = past([5.0], 6)
    grid = DayGrid.of(history)
    kinds = np.zeros(42, dtype=np.uint8)
    before = profiles(grid, kinds, Effects.none(1))
    grid.root[:, 35:] = 99
    assert np.array_equal(profiles(grid, kinds, Effects.none(1)), before, equal_nan=True)
    assert before.shape == (len(MEMORIES), 1, 42, 24)


def test_signals_are_in_the_order_of_their_names() -> None:
    """One deviation of 2 at hour 3 of Wednesday of the last week, nothing else: who sees it, and of what size."""
    history = past([30.0], 12, noise=0.0)
    grid = DayGrid.of(history)
    running_means = profiles(grid, np.zeros(84, np.uint8), Effects.none(1))
    day = 11 * 7 + 2
    grid.root[0, day, 3] += 2
    ready = scene(grid, running_means, np.ones((1, 3, 24), dtype=np.float32))
    at = day * 24 + 3
    told = dict(zip(SIGNALS, signals(ready, np.array([at]), np.array([at + 24]))[0, 0].tolist(), strict=True))
    assert told["always"] == 1
    assert told["now"] == pytest.approx(2, abs=1e-4)
    assert told["far_off"] == pytest.approx(4, abs=1e-3)
    assert told["same_hour"] == pytest.approx(2, abs=1e-4)
    assert told["hours_3"] == pytest.approx(2 / 3.5, abs=1e-3)
    assert told["day"] == pytest.approx(2 / 25, abs=1e-3)
    assert told["week"] == pytest.approx(2 / 180, abs=1e-3)
    assert told["same_hour_3"] == pytest.approx(2 / 3.5, abs=1e-3)
    assert told["all_now"] == pytest.approx(2, abs=1e-4)
    assert told["before"] == pytest.approx(0, abs=1e-3)
    assert told["slow"] == pytest.approx(0, abs=1e-3)


def test_every_number_of_hours_ahead_is_made_of_one_or_two_that_are_learnt() -> None:
    share = between(np.arange(1, 169))
    assert share.sum(axis=1) == pytest.approx(np.ones(168))
    assert ((share > 0).sum(axis=1) <= 2).all()
    assert share[AHEADS[AHEADS <= 48] - 1].argmax(axis=1).tolist() == list(range(12))


def test_local_hours_go_with_the_clock_on_the_wall() -> None:
    """26 March 2017 in London: 00:00, then 02:00."""
    at = np.datetime64("2017-03-26T00:00:00", "us") + np.arange(3) * np.timedelta64(1, "h")
    assert (clock_hours(at, "Europe/London") % 24).tolist() == [0, 2, 3]


def test_an_hour_that_the_clocks_skip_is_unknown_and_a_negative_level_is_none() -> None:
    value = np.full((1, 72), 4.0, dtype=np.float32)
    value[0, 5] = -1
    start = np.datetime64("2017-03-25T00:00:00", "us")
    grid = DayGrid.of(History("people", ("a",), "Europe/London", start, 3600, value, np.ones(value.shape, np.uint8)))
    known = np.isfinite(grid.root[0, -4:])
    assert known[0].tolist() == [True] * 5 + [False] + [True] * 18
    assert known[1].tolist() == [True, False] + [True] * 22
    assert known[3].tolist() == [True] + [False] * 23
    assert str(grid.days[-4]) == "2017-03-25"


def test_quantiles_are_those_of_numpy_without_what_is_not_known() -> None:
    values = np.random.default_rng(4).random((7, 9)).astype(np.float32)
    values[values < 0.3] = np.nan
    values[3] = np.nan
    found = quantiles(values, (0.05, 0.5, 0.95), 1)
    known = [row for row in range(7) if row != 3]
    assert found[:, known] == pytest.approx(np.nanquantile(values[known], [0.05, 0.5, 0.95], axis=1), rel=1e-5)
    assert np.isnan(found[:, 3]).all()
    assert median(values[:1], 1)[0] == pytest.approx(np.nanmedian(values[0]))
    assert deviation(np.array([[-0.6745, 0.6745, np.nan]]), 1)[0] == pytest.approx(1)
