"""What is usual is found from a past, stays where it is while a street is strange, and says when it cannot be told."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from usual_streets import MONDAY, WEEK, hidden, past, times

from aggregate.history import History
from aggregate.tables import Times, aware
from aggregate.usual.baseline import expect, fit
from aggregate.usual.baselines import BaselineTable, Expectation
from aggregate.usual.calendar import Calendar, CalendarConfig
from aggregate.usual.model import NAME, SIZE, WeekModel
from aggregate.usual.policy import UsualPolicy
from core.records import Window
from core.root_scale import OFFSET, stabilised

PLAIN, POLICY = Calendar.plain(), UsualPolicy()
SIZES = [2.0, 8.0, 30.0, 5.0, 12.0]
HOUR = np.timedelta64(1, "h")


def fitted(
    history: History, *, calendar: Calendar = PLAIN, policy: UsualPolicy = POLICY, **more: object
) -> BaselineTable:
    until = aware(history.end)
    return fit(history, calendar, POLICY, until=until, built_at=until, **more)  # type: ignore[arg-type]


def next_week(history: History) -> Times:
    return history.end + np.arange(168) * HOUR


def told(history: History, table: BaselineTable | None = None, window: Window = Window.HOUR) -> Expectation:
    return expect(table or fitted(history), window, next_week(history), history.timezone, PLAIN)


def test_the_week_of_a_street_is_found() -> None:
    """Half a year of noise of 8 % of the root: each of 168 hours is known to some 3 % of the root, 6 % of the count."""
    history = past(SIZES, 26)
    table = fitted(history)
    assert set(table.state) == {"ok"}
    assert table.weeks.tolist() == [26.0] * 5
    truth = np.outer(SIZES, WEEK)
    assert told(history, table).expected == pytest.approx(truth, rel=0.3)
    assert np.mean(told(history, table).expected / truth) == pytest.approx(1, abs=0.01)


def test_its_error_and_spread_are_those_of_the_past() -> None:
    """Of the root: noise of 8 % an hour; and of its level, what the errors themselves turn out to be."""
    history = past(SIZES, 26)
    usual, truth = told(history), np.outer(SIZES, WEEK)
    assert np.median(usual.spread / stabilised(truth)) == pytest.approx(0.08, rel=0.1)
    standard = (usual.expected - truth) / usual.error
    assert 0.5 < standard.std() < 1.3


def test_the_usual_range_holds_nine_in_ten_hours_and_the_exceedance_is_standard() -> None:
    history = past(SIZES, 27)
    before = history.between(history.start, history.end - 168 * HOUR)
    usual, came = told(before), history.value[:, -168:]
    assert 0.85 < np.mean((came >= usual.low) & (came <= usual.high)) < 0.95
    standard = (stabilised(came.astype(float)) - stabilised(usual.expected)) / usual.spread
    assert abs(standard.mean()) < 0.15
    assert 0.85 < standard.std() < 1.15


@pytest.mark.parametrize("weeks", [3, 4, 8])
def test_a_young_baseline_does_not_call_usual_hours_unusual(weeks: int) -> None:
    """What three weeks left over is less than what comes is off: taken as it was, 19 % of usual hours lay beyond 1.645
    on either side."""
    history = past([2.0 + at for at in range(24)], weeks + 1, seed=weeks)
    before = history.between(history.start, history.end - 168 * HOUR)
    usual, came = told(before), history.value[:, -168:]
    standard = (stabilised(came.astype(float)) - stabilised(usual.expected)) / usual.spread
    assert 0.03 < np.mean(standard > 1.645) < 0.07
    assert 0.03 < np.mean(standard < -1.645) < 0.07
    assert 0.86 < np.mean((came >= usual.low) & (came <= usual.high)) < 0.93


@pytest.mark.parametrize("scale", [0.5, 4.0])
def test_a_month_of_works_does_not_move_what_is_usual(scale: float) -> None:
    """The last four weeks of one of five zones at half, or four times, its level: a plain mean of weeks by their age
    would be off by 15 %, or by 90 %."""
    history = past(SIZES, 40)
    strange = times(history, scale, 36 * 168, 40 * 168, row=2)
    moved = told(strange).expected[2] / told(history).expected[2]
    assert abs(np.median(moved) - 1) < 0.12
    assert told(strange).expected[[0, 1, 3, 4]] == pytest.approx(told(history).expected[[0, 1, 3, 4]], rel=0.05)


def test_event_days_do_not_move_what_is_usual() -> None:
    history = past(SIZES, 20)
    strange = history
    for week in (3, 9, 18):
        strange = times(strange, 6.0, week * 168 + 24, week * 168 + 48)
    assert told(strange).expected[0] == pytest.approx(told(history).expected[0], rel=0.12)


def test_what_all_zones_do_is_followed_within_weeks() -> None:
    """All forty zones a third busier since six weeks: a season, not works."""
    history = past([10.0 + at for at in range(40)], 30)
    value = history.value.copy()
    value[:, 24 * 168 :] *= np.float32(1.33)
    busier = History("people", history.zones, "UTC", MONDAY, 3600, value, history.clips)
    assert np.median(told(busier).expected / told(history).expected) == pytest.approx(1.33, abs=0.08)


def test_what_was_not_seen_has_no_say() -> None:
    """A third of the hours missing at random, and a fortnight of nothing: the same week."""
    history = past(SIZES, 26)
    gone = np.random.default_rng(3).random(history.steps) < 0.33
    gone[10 * 168 : 12 * 168] = True
    holed = hidden(history, gone)
    assert fitted(holed).weeks[0] < 18
    assert told(holed).expected == pytest.approx(told(history).expected, rel=0.2)


def test_a_camera_that_is_blind_at_night_says_nothing_of_nights() -> None:
    history = past([5.0], 12)
    night = np.tile(np.arange(24) < 6, history.steps // 24)
    usual = told(hidden(history, night))
    assert np.isnan(usual.expected[0]).tolist() == (np.arange(168) % 24 < 6).tolist()
    assert np.isfinite(told(hidden(history, night), window=Window.DAY).expected).all()


def test_the_usual_range_of_days_holds_for_a_zone_that_borrows() -> None:
    """Four days of its own past tell little of how far a borrowed level is off, in all hours of a day alike: the range
    that these four left held three days in four."""
    held = []
    for seed in range(6):
        history = past([*SIZES] * 4, 27, seed=seed)
        before = hidden(history, slice(0, 26 * 168 - 96), slice(0, 5)).between(history.start, history.end - 168 * HOUR)
        days = before.end + np.arange(7) * 24 * HOUR
        usual = expect(fitted(before), Window.DAY, days, "UTC", PLAIN)
        came = history.value[:5, -168:].reshape(5, 7, 24).mean(axis=2)
        held.append((came >= usual.low[:5]) & (came <= usual.high[:5]))
    assert 0.84 < np.mean(held) < 0.97


def test_a_new_zone_borrows_the_week_of_zones_like_it() -> None:
    """Three days of a zone among five of the same week: its level is its own, its shape theirs, its error larger."""
    history = hidden(past([*SIZES, 20.0], 26), slice(0, 26 * 168 - 72), 5)
    table = fitted(history)
    assert table.state.tolist() == ["ok"] * 5 + ["borrowed"]
    assert table.reason[5] == "3 days of its own past; the shape of the week is that of 5 zones like it"
    usual = told(history, table)
    assert np.median(usual.expected[5] / (20.0 * WEEK)) == pytest.approx(1, abs=0.1)
    assert (usual.error[5] / usual.expected[5]).mean() > 2 * (usual.error[2] / usual.expected[2]).mean()


def test_a_new_zone_with_nobody_like_it_says_so() -> None:
    history = hidden(past([5.0, 20.0], 26), slice(0, 26 * 168 - 72), 1)
    table = fitted(history)
    assert table.state.tolist() == ["ok", "insufficient_history"]
    assert table.reason[1] == (
        "3 days of its own past, 3 weeks are needed, and too few zones like it have a past to borrow from"
    )
    assert np.isnan(table.parameters[1]).all()
    assert np.isnan(told(history, table).expected[1]).all()


@pytest.mark.parametrize(("hours", "said"), [(0, "0 hours"), (20, "20 hours")])
def test_hardly_any_past_is_insufficient(hours: int, said: str) -> None:
    history = past(SIZES, 4)
    steps = np.arange(history.steps) < history.steps - hours
    table = fitted(hidden(history, steps))
    assert set(table.state) == {"insufficient_history"}
    assert table.reason[0] == f"{said} of its own past, 3 weeks are needed"


def test_no_past_at_all_is_insufficient() -> None:
    history = past(SIZES, 4)
    table = fit(
        history, PLAIN, POLICY, until=datetime(2017, 6, 1, tzinfo=UTC), built_at=datetime(2018, 6, 1, tzinfo=UTC)
    )
    assert set(table.state) == {"insufficient_history"}
    assert table.parameters.shape == (5, SIZE)


def test_groups_are_shapes_of_their_own() -> None:
    """Pavements are busy by day, a night street by night: a new one of either takes after its own kind."""
    history = past([10.0] * 8, 12)
    value = history.value.copy()
    value[4:] = np.roll(value[4:], 12, axis=1)
    nights = History("people", history.zones, "UTC", MONDAY, 3600, value, history.clips)
    fresh = hidden(nights, slice(0, 12 * 168 - 48), [0, 4])
    table = fitted(fresh, groups=["pavement"] * 4 + ["night"] * 4)
    assert table.state.tolist() == ["borrowed", *["ok"] * 3] * 2
    assert "3 zones like it" in table.reason[0]
    usual = told(fresh, table).expected
    assert usual[0] == pytest.approx(10 * WEEK, rel=0.25)
    assert usual[4] == pytest.approx(10 * np.roll(WEEK, 12), rel=0.25)


def test_public_holidays_have_a_level_of_their_own() -> None:
    """Two years in England whose holidays are at half the level of Sundays: Easter Monday 2020 is expected so too."""
    calendar = Calendar.of(CalendarConfig(country="GB", subdivision="ENG"))
    history = past(SIZES, 114, noise=0.03)
    days = history.starts.astype("datetime64[D]")
    kinds = calendar.kinds(days)
    value = history.value.copy()
    sunday = np.outer(SIZES, np.tile(WEEK[144:], history.steps // 24)).astype(np.float32)
    value[:, kinds & 1 > 0] = 0.5 * sunday[:, kinds & 1 > 0]
    table = fitted(History("people", history.zones, "UTC", MONDAY, 3600, value, history.clips), calendar=calendar)
    monday = np.datetime64("2020-04-13T00:00:00", "us") + np.arange(24) * HOUR
    usual = expect(table, Window.HOUR, monday, "UTC", calendar).expected
    assert np.median(usual / (0.5 * np.outer(SIZES, WEEK[144:]))) == pytest.approx(1, abs=0.1)
    assert np.median(expect(table, Window.HOUR, monday, "UTC", PLAIN).expected / np.outer(SIZES, WEEK[:24])) > 0.9


def test_weeks_are_those_of_the_local_clock() -> None:
    """The street of another time zone is the same street: its Monday midnight is at 14:00 UTC of Sunday."""
    history = past(SIZES, 10)
    value = np.roll(history.value, -10, axis=1)
    local = History("people", history.zones, "Australia/Brisbane", MONDAY, 3600, value, history.clips)
    at = np.array([np.datetime64("2018-04-01T14:00:00", "us")])
    usual = expect(fitted(local), Window.HOUR, at, "Australia/Brisbane", PLAIN)
    assert usual.expected[:, 0] == pytest.approx(np.array(SIZES) * WEEK[0], rel=0.2)


def test_a_day_is_the_mean_of_its_hours_and_varies_less() -> None:
    """Hours vary apart from each other here, so a day's root varies by about 8 % / sqrt(24) of itself."""
    history = past(SIZES, 26)
    table = fitted(history)
    days = next_week(history)[::24]
    usual = expect(table, Window.DAY, days, "UTC", PLAIN)
    truth = np.outer(SIZES, WEEK).reshape(5, 7, 24).mean(axis=2)
    assert usual.expected == pytest.approx(truth, rel=0.06)
    assert np.median(usual.spread / stabilised(truth)) < 0.04


def test_quarters_lie_between_their_hours_and_vary_more() -> None:
    history = past(SIZES, 26)
    table = fitted(history)
    starts = next_week(history)[0] + np.arange(4 * 168) * np.timedelta64(15, "m")
    quarter = expect(table, Window.QUARTER, starts, "UTC", PLAIN)
    hour = expect(table, Window.HOUR, next_week(history), "UTC", PLAIN)
    assert quarter.expected.reshape(5, 168, 4).mean(axis=2) == pytest.approx(hour.expected, rel=0.15)
    assert (quarter.spread.reshape(5, 168, 4).mean(axis=2) > hour.spread).all()


def test_quarters_that_were_seen_tell_how_they_vary() -> None:
    """Quarters with 20 % of the root on top of their hours: the spread becomes that, whatever the clips promise."""
    history = past(SIZES, 26)
    root = np.sqrt(np.repeat(history.value[:, -8 * 168 :], 4, axis=1) + OFFSET)
    root *= 1 + 0.2 * np.random.default_rng(8).standard_normal(root.shape)
    value = (root**2 - OFFSET).astype(np.float32)
    start = history.end - 8 * 168 * HOUR
    quarters = History("people", history.zones, "UTC", start, 900, value, np.full(value.shape, 3, np.uint8))
    starts = history.end + np.arange(4 * 168) * np.timedelta64(15, "m")
    usual = expect(fitted(history, quarters=quarters), Window.QUARTER, starts, "UTC", PLAIN)
    assert np.median(usual.spread / stabilised(usual.expected)) == pytest.approx(0.21, abs=0.04)


def test_minutes_are_too_short_to_compare() -> None:
    history = past(SIZES, 6)
    for window in (Window.MINUTE, Window.FIVE_MINUTES):
        assert np.isnan(told(history, window=window).expected).all()


def test_only_what_came_before_is_looked_at() -> None:
    history = past(SIZES, 20)
    early = history.between(history.start, history.end - 5 * 168 * HOUR)
    until = aware(early.end)
    late = fit(history, PLAIN, POLICY, until=until, built_at=until)
    assert (late.parameters == fitted(early).parameters).all()


def test_an_hour_of_few_clips_says_less() -> None:
    """The last ten weeks were counted by one clip an hour and are twice as high: they weigh a sixth."""
    history = times(past([10.0], 20), 2.0, 10 * 168, 20 * 168)
    clips = history.clips.copy()
    clips[:, 10 * 168 :] = 1
    clips[:, : 10 * 168] = 12
    # Twelve are usual in most hours, so that one is few.
    few = History("people", history.zones, "UTC", MONDAY, 3600, history.value, np.where(clips == 1, 1, clips))
    assert np.median(told(few).expected) <= np.median(told(history).expected)


def test_rows_say_whose_they_are_and_of_when() -> None:
    history = past(SIZES, 6)
    table = fitted(history, reference="before lockdown")
    assert (table.model, table.reference) == (NAME, "before lockdown")
    assert table.zone.tolist() == list(history.zones)
    assert set(table.series) == {"people"}
    assert (table.since == history.start).all()
    assert (table.until == history.end).all()
    assert table.reason.tolist() == [None] * 5


def test_parameters_are_packed_and_unpacked_alike() -> None:
    parameters = np.random.default_rng(1).random((3, SIZE)).astype(np.float32)
    assert (WeekModel.unpacked(parameters).packed() == parameters).all()
    with pytest.raises(ValueError, match=str(SIZE)):
        WeekModel.unpacked(parameters[:, 1:])


def test_steps_that_are_no_hours_are_refused() -> None:
    history = past(SIZES, 4)
    odd = History("people", history.zones, "UTC", MONDAY, 900, history.value, history.clips)
    with pytest.raises(ValueError, match="900 s"):
        fitted(odd)
    with pytest.raises(ValueError, match="quarters are steps"):
        fitted(history, quarters=history)


def test_baselines_of_another_model_are_not_read() -> None:
    table = fitted(past(SIZES, 4))
    other = BaselineTable(**{**vars(table), "model": "other"})
    with pytest.raises(ValueError, match="built anew"):
        expect(other, Window.HOUR, np.array([MONDAY]), "UTC", PLAIN)
