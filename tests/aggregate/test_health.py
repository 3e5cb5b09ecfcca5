"""From health events to outages: known days by hand, and what holds for every day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from street_counts import TOWER, StoppedClock, counted

from aggregate.answers import Answers
from aggregate.duckdb_store import DuckDBStore
from aggregate.health import TROUBLE, UNKNOWN, StateRange, outages, state_ranges, uptime
from core.errors import NotFound, QueryError
from core.health import CameraState, HealthEvent
from core.records import REASON_LENGTH

NOON = datetime(2017, 3, 9, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def event(minutes: float, state: str, reason: str | None = None) -> HealthEvent:
    explained = state in ("live", "waiting")
    return HealthEvent(
        camera="a", since=at(minutes), state=CameraState(state), reason=reason if explained else reason or f"is {state}"
    )


def drawn(ranges: tuple[StateRange, ...]) -> list[tuple[float, float, str, str | None]]:
    """(from, to, state, reason), in minutes after noon."""
    return [
        (
            (one.start - NOON) / timedelta(minutes=1),
            (one.end - NOON) / timedelta(minutes=1),
            one.state.value,
            one.reason,
        )
        for one in ranges
    ]


def test_a_day_by_hand() -> None:
    """-5 live . . 0 [ live 10 unreachable 20 live 30 faulty . . 60 ) 70 live"""
    events = [event(-5, "live"), event(10, "unreachable"), event(20, "live"), event(30, "faulty"), event(70, "live")]
    ranges = state_ranges(events, at(0), at(60))
    assert drawn(ranges) == [
        (0, 10, "live", None),
        (10, 20, "unreachable", "is unreachable"),
        (20, 30, "live", None),
        (30, 60, "faulty", "is faulty"),
    ]
    assert drawn(outages(ranges)) == [drawn(ranges)[1], drawn(ranges)[3]]
    assert uptime(ranges) == pytest.approx(20 / 60)


def test_neighbours_of_one_state_are_one_range_with_its_first_and_its_last_reason() -> None:
    events = [
        event(0, "unreachable", "no answer"),
        event(5, "unreachable", "503"),
        event(9, "unreachable", "no route"),
        event(10, "stale", "nothing new"),
        event(15, "stale", "nothing new"),
        event(20, "live"),
        event(25, "live"),
    ]
    assert drawn(state_ranges(events, at(0), at(30))) == [
        (0, 10, "unreachable", "no answer; in the end: no route"),
        (10, 20, "stale", "nothing new"),
        (20, 30, "live", None),
    ]
    assert drawn(state_ranges(events, at(6), at(7))) == [(6, 7, "unreachable", "503")]


def test_what_is_not_known_is_neither_up_nor_down() -> None:
    assert drawn(state_ranges([], at(0), at(60))) == [(0, 60, "waiting", UNKNOWN)]
    assert uptime(state_ranges([], at(0), at(60))) is None
    ranges = state_ranges([event(30, "waiting"), event(40, "live"), event(50, "moved")], at(0), at(60))
    assert drawn(ranges)[0] == (0, 40, "waiting", UNKNOWN)
    assert uptime(ranges) == 0.5
    assert drawn(outages(ranges)) == [(50, 60, "moved", "is moved")]


def test_an_empty_period_has_no_ranges() -> None:
    assert state_ranges([event(0, "live")], at(5), at(5)) == state_ranges([event(0, "live")], at(5), at(4)) == ()
    assert uptime(()) is None


def test_an_event_at_the_start_counts_and_one_at_the_end_does_not() -> None:
    events = [event(-9, "faulty"), event(0, "live"), event(60, "faulty")]
    assert drawn(state_ranges(events, at(0), at(60))) == [(0, 60, "live", None)]


STATES = st.sampled_from([state.value for state in CameraState])
EVENTS = st.lists(
    st.builds(event, st.integers(-20, 80), STATES, st.none() | st.text(min_size=1, max_size=REASON_LENGTH)),
    max_size=12,
)


@given(EVENTS, st.data())
def test_any_order_and_any_repeats_give_the_same_ranges(events: list[HealthEvent], data: st.DataObject) -> None:
    ranges = state_ranges(events, at(0), at(60))
    again = data.draw(
        st.permutations([*events, *data.draw(st.lists(st.sampled_from(events)) if events else st.just([]))])
    )
    assert state_ranges(iter(again), at(0), at(60)) == ranges


@given(EVENTS)
def test_ranges_are_in_order_without_gap_or_overlap_and_cover_the_period(events: list[HealthEvent]) -> None:
    ranges = state_ranges(events, at(0), at(60))
    assert ranges[0].start == at(0)
    assert ranges[-1].end == at(60)
    for one, following in pairwise(ranges):
        assert one.end == following.start
        assert one.state is not following.state, "neighbours of one state are one range"
    assert all(one.start < one.end for one in ranges)
    assert all(one.reason and len(one.reason) <= REASON_LENGTH for one in outages(ranges))


@given(EVENTS, st.integers(1, 59))
def test_the_state_at_a_moment_does_not_depend_on_the_period_asked_for(events: list[HealthEvent], cut: int) -> None:
    """Where the events of the same time agree: cut in two, a period has the same states."""
    whole = state_ranges(events, at(0), at(60))
    parts = [*state_ranges(events, at(0), at(cut)), *state_ranges(events, at(cut), at(60))]

    def state_at(ranges: list[StateRange], minute: float) -> CameraState:
        return next(one.state for one in ranges if one.start <= at(minute) < one.end)

    assert [state_at(list(whole), m + 0.5) for m in range(60)] == [state_at(parts, m + 0.5) for m in range(60)]


@given(EVENTS)
def test_uptime_is_a_share_of_what_is_known(events: list[HealthEvent]) -> None:
    ranges = state_ranges(events, at(0), at(60))
    share = uptime(ranges)
    known = {one.state for one in ranges} - {CameraState.WAITING}
    assert (share is None) == (not known)
    if share is not None:
        assert 0 <= share <= 1
        assert (share == 1) == (not known & set(TROUBLE))


def test_the_present_of_a_recorded_day_is_not_before_its_newest_event() -> None:
    """Nothing was counted after the camera was lost: its outage is of the past all the same, and not of the future."""
    store = DuckDBStore.open(None)
    store.save_cameras([TOWER])
    store.upsert_observations([counted(at(0))])
    tower = [
        one.model_copy(update={"camera": "tower"})
        for one in (event(-60, "live"), event(5, "faulty"), event(35, "live"))
    ]
    store.save_health(tower)
    answers = Answers(store, StoppedClock())
    health = answers.health.of("tower", at(-10))
    assert (health.start, health.end) == (at(-10), at(35))
    assert [(one.start, one.end) for one in health.outages] == [(at(5), at(35))]
    assert health.uptime == 15 / 45
    assert (health.state, health.since, health.last_counted) == (CameraState.LIVE, at(35), at(0))
    assert answers.health.now()["age_s"].tolist() == [35 * 60]
    row = answers.camera_states().iloc[0]
    assert row[["state", "state_reason"]].tolist() == ["live", None]
    assert row["state_since"] == pd.Timestamp(at(35))
    store.close()


def test_too_long_a_past_is_refused_with_a_remedy() -> None:
    store = DuckDBStore.open(None)
    store.save_cameras([TOWER])
    answers = Answers(store, StoppedClock(at(0)), live=True)
    with pytest.raises(QueryError, match=r"more than 366 days\. ask for a part of it"):
        answers.health.of("tower", at(0) - timedelta(days=367))
    with pytest.raises(QueryError, match=r"more than 31 days\. ask for a part of it"):
        answers.health.states(at(0) - timedelta(days=32))
    with pytest.raises(NotFound, match="did you mean tower"):
        answers.health.of("towr")
    assert answers.health.states().frame["state"].tolist() == ["waiting"]
    store.close()
