"""The poller gives what is new or changed, once, and goes on when a publisher does not."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hand_clock import HandClock
from hypothesis import given, settings
from hypothesis import strategies as st

from core.clock import AcceleratedClock
from core.errors import StoreError
from core.loops import LoopCounter, LoopReading
from ingest.feed import FetchFailed
from ingest.loop import LeftOut
from ingest.loops import poller as poller_module
from ingest.loops.poller import FeedTurn, LoopPoller

NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)


def reading(minute: int = 0, flow: float | None = 1.0, counter: str = "a") -> LoopReading:
    start = NOON + timedelta(minutes=minute)
    return LoopReading(
        counter=counter,
        series="vehicles",
        start=start,
        end=start + timedelta(minutes=1),
        flow=flow,
        reason=None if flow is not None else "broken",
    )


class Scripted:
    """A feed that answers what it is told to; an exception is raised."""

    poll_s = 60.0
    fleeting = False

    def __init__(self, *answers: Sequence[LoopReading] | Exception, name: str = "scripted") -> None:
        self.name = name
        self.answers = list(answers)
        self.left_out: Sequence[LeftOut] = ()
        self.listed = 0

    def counters(self) -> Sequence[LoopCounter]:
        self.listed += 1
        return [LoopCounter(id="a", name="A", source="test")]

    def readings(self) -> Sequence[LoopReading]:
        answer = self.answers.pop(0) if self.answers else ()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def handed_over(self) -> None:
        pass

    def forget(self) -> None:
        pass


def turn_of(turn: FeedTurn) -> list[LoopReading]:
    """A whole turn, as the poller takes it: what was given is handed over."""
    readings = turn.ask()
    turn.handed_over()
    turn.list_counters()
    return readings


def test_what_is_given_again_unchanged_is_given_once_and_what_has_changed_again() -> None:
    late = [reading(0, 1), reading(1, 2)]
    turn = FeedTurn(Scripted(late, late, [reading(0, 1), reading(1, 5)], [reading(1, None)]), HandClock(NOON))
    assert [turn_of(turn) for _ in range(4)] == [late, [], [reading(1, 5)], [reading(1, None)]]


def test_what_was_not_handed_over_is_given_again() -> None:
    turn = FeedTurn(Scripted(*[[reading(0), reading(1)]] * 4), HandClock(NOON))
    assert turn.ask() == turn.ask() == turn_of(turn) == [reading(0), reading(1)]
    assert turn.ask() == []


def test_what_is_no_longer_remembered_is_given_again() -> None:
    feed = Scripted(*([reading(minute) for minute in range(5)] for _ in range(2)))
    turn = FeedTurn(feed, HandClock(NOON), remembered=3)
    assert len(turn_of(turn)) == 5
    assert turn_of(turn) == [reading(0), reading(1)]


def test_after_another_had_the_feed_all_is_given_again() -> None:
    turn = FeedTurn(Scripted(*[[reading(0), reading(1)]] * 2), HandClock(NOON))
    assert len(turn_of(turn)) == 2
    turn.forget()
    assert len(turn_of(turn)) == 2


def test_a_failure_is_logged_once_and_asked_again_later_and_later(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    clock = HandClock(NOON)
    turn = FeedTurn(Scripted(*(FetchFailed("no answer") for _ in range(10)), [reading()]), clock)
    for _ in range(10):
        assert turn_of(turn) == []
        clock.time = turn.due
    assert turn.state.failing_since == NOON
    assert turn.state.reason == "no answer"
    assert turn_of(turn) == [reading()]
    assert turn.state.failing_since is None
    assert [record.getMessage() for record in caplog.records] == [
        "loop feed scripted: no answer",
        "loop feed scripted answers again",
    ]


def test_those_who_failed_together_come_back_each_at_a_time_of_its_own() -> None:
    """Full jitter: evenly over twice the time before, up to an hour."""
    bounds_s = [60, 120, 240, 480, 960, 1920, 3600, 3600]
    pauses_s: list[list[float]] = [[] for _ in bounds_s]
    for seed in range(300):
        clock = HandClock(NOON)
        turn = FeedTurn(Scripted(*[FetchFailed("no answer")] * len(bounds_s)), clock, random=Random(seed))
        for drawn in pauses_s:
            turn.ask()
            drawn.append((turn.due - clock.now()).total_seconds())
    for bound_s, drawn in zip(bounds_s, pauses_s, strict=True):
        assert 0 <= min(drawn) < 0.05 * bound_s
        assert 0.95 * bound_s < max(drawn) <= bound_s
        assert sum(drawn) / len(drawn) == pytest.approx(bound_s / 2, rel=0.15)


def test_a_publisher_is_left_alone_for_as_long_as_it_asks() -> None:
    clock = HandClock(NOON)
    turn = FeedTurn(Scripted(FetchFailed("busy", retry_after_s=9000)), clock)
    turn.ask()
    assert turn.due == NOON + timedelta(seconds=9000)


def test_a_mistake_of_an_adapter_does_not_end_its_feed(caplog: pytest.LogCaptureFixture) -> None:
    turn = FeedTurn(Scripted(KeyError("value"), [reading()]), HandClock(NOON))
    assert turn_of(turn) == []
    assert "a fault of this program" in caplog.text
    assert turn_of(turn) == [reading()]


def test_what_is_left_out_is_said_once_and_the_first_few_by_name(caplog: pytest.LogCaptureFixture) -> None:
    feed = Scripted()
    feed.left_out = [LeftOut(f"x.csv, line {line}", "is broken") for line in range(1, 9)]
    turn = FeedTurn(feed, HandClock(NOON))
    turn.ask()
    turn.ask()
    assert [record.getMessage() for record in caplog.records] == [
        "loop feed scripted leaves out 8: x.csv, line 1: is broken; x.csv, line 2: is broken; x.csv, line 3: is broken"
    ]
    assert turn.state.left_out == 8


def test_counters_are_listed_at_first_when_new_ones_are_met_and_daily() -> None:
    feed, clock, told = Scripted(), HandClock(NOON), []
    turn = FeedTurn(feed, clock, on_counters=told.append)

    def ask(*readings: LoopReading) -> int:
        feed.answers = [readings]
        turn_of(turn)
        return feed.listed

    assert ask(reading()) == 1
    assert ask(reading(counter="b")) == 1  # listed a moment ago
    clock.time += timedelta(minutes=15)
    assert ask(reading()) == 2  # it was met, and a file is given but once
    clock.time += timedelta(minutes=15)
    assert ask(reading()) == 2
    assert ask(reading(counter="b")) == 3
    clock.time += timedelta(days=1)
    assert ask(reading()) == 4
    assert [[one.id for one in counters] for counters in told] == [["a"]] * 4


def test_a_store_or_a_list_that_is_away_keeps_no_reading_back_and_is_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Unlisted(Scripted):
        def counters(self) -> Sequence[LoopCounter]:
            if self.listed == 3:
                self.listed += 1
                raise FetchFailed("no list", retry_after_s=900)
            return super().counters()

    def save(counters: Sequence[LoopCounter]) -> None:
        if feed.listed <= 3:
            raise StoreError("the store is away", remedy="start it")
        told.append([one.id for one in counters])

    told: list[list[str]] = []
    feed, clock = Unlisted(*([reading(minute)] for minute in range(100))), HandClock(NOON)
    turn = FeedTurn(feed, clock, on_counters=save, random=Random(3))
    for minute in range(100):
        assert turn_of(turn) == [reading(minute)]
        assert turn.state.failing_since is None
        clock.time += timedelta(minutes=1)
    assert told == [["a"]]
    assert feed.listed == 5
    assert [one.getMessage() for one in caplog.records] == [
        "loop feed scripted: its counters are not saved: the store is away. start it"
    ]


def test_counters_are_listed_only_after_their_readings_are_handed_over() -> None:
    feed = Scripted([reading()], [reading(1)])
    poller = LoopPoller([feed], AcceleratedClock(NOON, 10_000), on_counters=lambda _: listed.set())
    listed = threading.Event()
    poller.start()
    offer = poller.take(5)
    assert offer is not None
    assert list(offer.readings) == [reading()]
    assert not listed.is_set()
    assert poller.take(0.05) is None, "a feed is asked for more only when what it gave is kept"
    offer.kept.set()
    assert listed.wait(5)
    second = poller.take(5)
    poller.stop()
    assert second is not None
    assert list(second.readings) == [reading(1)]


@settings(max_examples=40, deadline=None)
@given(
    answers=st.lists(
        st.lists(st.tuples(st.integers(0, 5), st.one_of(st.none(), st.integers(0, 3).map(float))), max_size=6),
        max_size=8,
    ),
    failing=st.sets(st.integers(0, 7)),
)
def test_whoever_keeps_the_last_word_has_what_the_publisher_said_last(
    answers: list[list[tuple[int, float | None]]], failing: set[int]
) -> None:
    clock = HandClock(NOON)
    kept: dict[datetime, float | None] = {}
    said: dict[datetime, float | None] = {}
    script: list[Sequence[LoopReading] | Exception] = []
    for index, answer in enumerate(answers):
        if index in failing:
            script.append(FetchFailed("no answer"))
        else:
            readings = [reading(minute, flow) for minute, flow in answer]
            script.append(readings)
            said |= {one.start: one.flow for one in readings}
    turn = FeedTurn(Scripted(*script), clock)
    for _ in script:
        for one in turn_of(turn):
            assert one.start not in kept or kept[one.start] != one.flow
            kept[one.start] = one.flow
    assert kept == said


def test_feeds_are_asked_side_by_side_and_one_that_hangs_holds_up_nobody() -> None:
    released = threading.Event()

    class Hanging(Scripted):
        def readings(self) -> Sequence[LoopReading]:
            released.wait(5)
            return super().readings()

    quick = Scripted([reading(0)], [reading(1)], [reading(2)], name="quick")
    poller = LoopPoller([Hanging(name="hanging"), quick], AcceleratedClock(NOON, 10_000))
    given = list(itertools.islice(poller.readings(), 3))
    assert given == [reading(0), reading(1), reading(2)]
    assert [state.answered_at is not None for state in poller.states] == [False, True]
    poller.stop()
    released.set()


def test_a_poller_that_is_stopped_ends_though_nobody_takes_what_it_has() -> None:
    feed = Scripted([reading(minute) for minute in range(50)])
    poller = LoopPoller([feed], AcceleratedClock(NOON, 10_000))
    readings = poller.readings()
    next(readings)
    poller.stop()
    assert list(readings) == []
    for thread in poller._threads:
        thread.join(2)
        assert not thread.is_alive()


def test_a_feed_is_asked_by_the_process_that_has_it_and_by_no_other() -> None:
    """What comes after it went to another is let go: that one gives it, and so does this one when it is back."""
    clock = AcceleratedClock(NOON, 600)
    asked: list[str] = []

    class Asked(Scripted):
        def readings(self) -> Sequence[LoopReading]:
            asked.append(self.name)
            if len(asked) == 2:
                mine.clear()  # while it answers
            return [reading(len(asked))]

    mine = {"ours"}
    poller = LoopPoller([Asked(name="ours"), Asked(name="theirs")], clock, mine=lambda name: name in mine)
    poller.start()
    first = poller.take(5.0)
    assert first is not None
    first.kept.set()
    while mine:
        threading.Event().wait(0.01)
    assert poller.take(0.2) is None
    mine.add("ours")
    again = poller.take(5.0)
    poller.stop()
    assert list(first.readings) == [reading(1)]
    assert again is not None
    assert again.readings[0].start > NOON + timedelta(minutes=2)
    assert set(asked) == {"ours"}


def test_a_feed_that_shows_its_newest_alone_is_asked_on_while_the_bus_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poller_module, "_IN_HAND", 3)
    feed = Scripted(*([reading(minute)] for minute in range(9)))
    feed.fleeting = True
    poller = LoopPoller([feed], AcceleratedClock(NOON, 10_000))
    poller.start()
    offers = [poller.take(5.0) for _ in range(3)]
    assert poller.take(0.5) is None, "as many as fit"
    for offer in offers:
        assert offer is not None
        offer.kept.set()
    further = poller.take(5.0)
    poller.stop()
    assert [one.readings[0] for one in offers if one] == [reading(0), reading(1), reading(2)]
    assert further is not None
    assert list(further.readings) == [reading(3)]


def test_what_waits_to_be_published_is_withdrawn_when_its_feed_goes_to_another() -> None:
    feed = Scripted([reading(0)], [reading(0)])
    mine = {"scripted"}
    poller = LoopPoller([feed], AcceleratedClock(NOON, 600), mine=lambda name: name in mine)
    poller.start()
    offer = poller.take(5.0)
    assert offer is not None
    assert not offer.withdrawn.is_set()
    mine.clear()
    assert offer.withdrawn.wait(5.0)
    mine.add("scripted")
    again = poller.take(5.0)
    poller.stop()
    assert again is not None
    assert list(again.readings) == [reading(0)]
