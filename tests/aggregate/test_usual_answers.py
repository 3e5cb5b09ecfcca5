"""A window is compared with the baseline that was in force when it began, and what is not known says why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import pytest
from usual_city import MONDAY, WEEK, LevelModel, camera, level, places

from aggregate import usual_answers
from aggregate.duckdb_store import DuckDBStore
from aggregate.tables import moment
from aggregate.usual.baselines import BaselineState
from aggregate.usual.calendar import Calendar
from aggregate.usual.policy import Period
from aggregate.usual_answers import NEVER_BUILT, UsualAnswers
from core.errors import NotFound, QueryError
from core.records import Window, ZoneKind

HOUR = timedelta(hours=1)
TOWER = camera("tower", ZoneKind.PAVEMENT, ZoneKind.CARRIAGEWAY)
PARK = camera("park", ZoneKind.PAVEMENT)
HELSINKI = camera("esplanadi", ZoneKind.PAVEMENT, timezone="Europe/Helsinki")
CITY = places(TOWER, PARK, HELSINKI)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> LevelModel:
    model = LevelModel()
    monkeypatch.setattr(usual_answers, "expect", model)
    return model


@pytest.fixture
def store() -> Iterator[DuckDBStore]:
    store = DuckDBStore.open(None)
    store.save_cameras([TOWER, PARK, HELSINKI])
    yield store
    store.close()


def starting(*hours: float):
    return np.array([moment(MONDAY + timedelta(hours=one)) for one in hours])


def test_each_window_has_the_baseline_in_force_when_it_began(store, model):
    """
    tower:pavement  10|-- 20|-- 30|--      MONDAY, a week later, two weeks later
    park:pavement           21|------
    """
    for week in (0, 1, 2):
        store.save_baselines(level("tower:pavement", of=10 + 10 * week, until=MONDAY + week * WEEK))
    store.save_baselines(level("park:pavement", of=21, until=MONDAY + WEEK))
    usual = UsualAnswers(store, Calendar.plain())
    asked = starting(-1, 0, 7 * 24 - 1, 7 * 24, 20 * 24)
    told = usual.expectation(places(TOWER, PARK), "people", Window.HOUR, asked)
    np.testing.assert_array_equal(told.expectation.expected, [[10, 10, 10, 20, 30], [np.nan] * 5, [21, 21, 21, 21, 21]])
    assert told.state.tolist() == ["ok", "none", "ok"]
    assert told.reason.tolist() == [None, NEVER_BUILT, None]


def test_before_the_first_baseline_a_later_one_stands_in_and_says_so(store, model):
    """
    tower:pavement   10|------ 20|--      MONDAY, a week later: before, 10 knows what came after
    park:pavement    ?|------- 21|--      at first there was too little of a past
    """
    store.save_baselines(level("tower:pavement", of=10))
    short = level(
        "park:pavement", of=np.nan, state=BaselineState.INSUFFICIENT_HISTORY, reason="7 hours of its own past"
    )
    store.save_baselines(short)
    store.save_baselines(level("tower:pavement", of=20, until=MONDAY + WEEK))
    store.save_baselines(level("park:pavement", of=21, until=MONDAY + WEEK))
    asked = starting(-1, 1, 7 * 24)
    told = UsualAnswers(store, Calendar.plain()).expectation(places(TOWER, PARK), "people", Window.HOUR, asked)
    np.testing.assert_array_equal(told.expectation.expected[[0, 2]], [[10, 10, 20], [21, 21, 21]])
    states = told.states[:, told.segment]
    assert states[0].tolist() == ["borrowed", "ok", "ok"]
    assert states[2].tolist() == ["borrowed", "borrowed", "ok"]
    assert told.reasons[0, 0].endswith("what was counted until 2017-03-06")
    assert told.reasons[2, 1].endswith("what was counted until 2017-03-13")


def test_the_answer_is_the_same_however_the_starts_are_asked_for(store, model):
    for week in (0, 1, 2):
        store.save_baselines(level("tower:pavement", "park:pavement", of=week + 1.0, until=MONDAY + week * WEEK))
    usual = UsualAnswers(store, Calendar.plain())
    hours = starting(*range(-5, 24 * 22, 42))
    whole = usual.expectation(CITY, "people", Window.HOUR, hours)
    for step, hour in enumerate(hours):
        one = usual.expectation(CITY, "people", Window.HOUR, hour[None])
        np.testing.assert_array_equal(one.expectation.high[:, 0], whole.expectation.high[:, step])
        assert one.state.tolist() == whole.states[:, whole.segment[step]].tolist()


def test_states_and_reasons_are_those_of_their_time(store, model):
    new = level("tower:pavement", of=3, state=BaselineState.BORROWED, reason="5 days of its own past")
    store.save_baselines(new)
    store.save_baselines(level("tower:pavement", of=4, until=MONDAY + WEEK))
    short = level(
        "park:pavement", of=np.nan, state=BaselineState.INSUFFICIENT_HISTORY, reason="7 hours of its own past"
    )
    store.save_baselines(short)
    usual = UsualAnswers(store, Calendar.plain())
    told = usual.expectation(CITY, "people", Window.QUARTER, starting(1, 24 * 8))
    assert told.states[0].tolist() == ["borrowed", "ok"]
    assert told.reasons[0].tolist() == ["5 days of its own past", None]
    assert (told.states[2, 1], told.reasons[2, 1]) == ("insufficient_history", "7 hours of its own past")
    assert np.isnan(told.expectation.expected[2]).all()
    assert all("park:pavement" not in zones for zones, _, _ in model.asked)


def test_every_zone_is_told_by_the_clock_of_its_own_place(store, model):
    store.save_baselines(level("tower:pavement", "esplanadi:pavement", "park:pavement", of=2))
    UsualAnswers(store, Calendar.plain()).expectation(CITY, "people", Window.DAY, starting(0))
    assert sorted((timezone, sorted(zones)) for zones, _, timezone in model.asked) == [
        ("Europe/Helsinki", ["esplanadi:pavement"]),
        ("Europe/London", ["park:pavement", "tower:pavement"]),
    ]


@pytest.mark.parametrize("window", [Window.MINUTE, Window.FIVE_MINUTES])
def test_a_window_too_short_to_be_usual_says_so(store, model, window):
    store.save_baselines(level("tower:pavement", of=2))
    told = UsualAnswers(store, Calendar.plain()).expectation(CITY, "people", window, starting(0))
    assert set(told.state) == {"none"}
    assert told.reason[0] == f"a window of {window} is too short to be usual or not: ask for 15m, 60m, 1d"
    assert model.asked == []


def test_what_was_asked_before_is_not_reckoned_again_until_baselines_are_saved(store, model):
    store.save_baselines(level("tower:pavement", of=2))
    usual = UsualAnswers(store, Calendar.plain())
    first = usual.expectation(CITY, "people", Window.QUARTER, starting(1))
    assert usual.expectation(CITY, "people", Window.QUARTER, starting(1)) is first
    assert len(model.asked) == 1
    with pytest.raises(ValueError, match="read-only"):
        first.expectation.expected[0, 0] = 9
    store.save_baselines(level("tower:pavement", of=5))
    again = usual.expectation(CITY, "people", Window.QUARTER, starting(1))
    assert again.expectation.expected[0, 0] == 5


def test_a_named_period_is_compared_with_by_its_name_whatever_the_time(store, model):
    period = Period(name="before lockdown", start=date(2017, 1, 9), end=date(2017, 3, 5))
    store.save_baselines(level("tower:pavement", of=8, reference=period.name))
    store.save_baselines(level("tower:pavement", of=99, reference=period.name, until=MONDAY + 9 * WEEK))  # longer once
    usual = UsualAnswers(store, Calendar.plain(), [period])
    assert usual.references == ("usual", "before lockdown")
    told = usual.expectation(CITY, "people", Window.HOUR, starting(-9999, 0, 9999), "before lockdown")
    assert told.expectation.expected[0].tolist() == [8, 8, 8]
    with pytest.raises(NotFound, match="before lockdwon") as refused:
        usual.expectation(CITY, "people", Window.HOUR, starting(0), "before lockdwon")
    assert refused.value.remedy.startswith("did you mean before lockdown?")


def test_a_field_has_what_was_counted_and_what_is_usual_on_one_time_base(store, model):
    store.save_baselines(level("park:pavement", of=2))
    usual = UsualAnswers(store, Calendar.plain())
    field = usual.field(CITY, "people", Window.QUARTER, MONDAY, MONDAY + 2 * HOUR)
    assert field.history.value.shape == field.usual.expectation.expected.shape == (4, 8)
    assert field.history.zones == tuple(one.zone.id for one in CITY)
    assert np.isnan(field.history.value).all()
    np.testing.assert_array_equal(field.usual.starts, field.history.starts)
    with pytest.raises(QueryError, match="1d"):
        usual.field(CITY, "people", Window.DAY, MONDAY, MONDAY + WEEK)


def test_no_zones_no_starts_and_no_baselines_are_answered(store, model):
    usual = UsualAnswers(store, Calendar.plain())
    assert usual.expectation([], "people", Window.HOUR, starting(0)).expectation.expected.shape == (0, 1)
    none = usual.expectation(CITY, "people", Window.HOUR, starting())
    assert none.expectation.expected.shape == (4, 0)
    assert none.state.tolist() == ["none"] * 4
    assert usual.baselines(CITY, "people", MONDAY) is None


def test_the_baselines_in_force_at_a_moment_have_a_row_for_every_zone(store, model):
    store.save_baselines(level("tower:pavement", "park:pavement", of=2))
    store.save_baselines(level("park:pavement", of=3, until=MONDAY + WEEK))
    usual = UsualAnswers(store, Calendar.plain())
    for at, levels in ((MONDAY + HOUR, [2, 2]), (MONDAY + WEEK, [2, 3])):
        found = usual.baselines(CITY, "people", at)
        assert found is not None
        assert found.zone.tolist() == [one.zone.id for one in CITY]
        assert found.parameters[[0, 2], 0].tolist() == levels
        assert found.state.tolist() == ["ok", "none", "ok", "none"]
        assert np.isnan(found.parameters[[1, 3]]).all()
    assert usual.newest("people").parameters[:, 0].tolist() == [3, 2]  # which nobody has changed
