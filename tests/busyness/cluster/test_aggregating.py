"""What an aggregate worker makes of what comes: the store's tables, and revisions as those who watch get them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest
from announced import announced
from busy_street import CAMERAS, START, StreetCounter, clips_of
from hand_clock import HandClock
from prometheus_client import CollectorRegistry

from aggregate.aggregator import Aggregator
from aggregate.duckdb_store import DuckDBStore
from aggregate.feed import ReadingFeed
from aggregate.health import outages, state_ranges, uptime
from aggregate.policy import AggregatePolicy
from busyness.cluster.aggregating import Aggregating, KeepingHealth, KeepingLoops
from busyness.cluster.live import LiveReadings
from busyness.cluster.worker import Stopped, Worker
from busyness.config import WorkerConfig
from busyness.metrics import StoringMeters
from core.bus import REVISIONS, MemoryBus, Subscription
from core.health import CameraState, HealthEvent
from core.loops import LoopReading
from core.records import CountObservation, Window
from core.revisions import ReadingRevision
from ingest.city.source import NOT_WATCHED

CLOCK = HandClock(START + timedelta(days=1))


@pytest.fixture
def store() -> Iterator[DuckDBStore]:
    with closing(DuckDBStore.open(None)) as opened:
        opened.save_cameras(CAMERAS)
        yield opened


def observations(*pictures: int | str) -> list[CountObservation]:
    """Of the left zone of the first camera."""
    counter = StreetCounter(CLOCK)
    reports = [counter.report(CAMERAS[0], clip) for clip in clips_of(pictures, CAMERAS[:1])]
    return [report.observations[0] for report in reports]


def aggregating(store: DuckDBStore, bus: MemoryBus) -> Aggregating:
    aggregator = Aggregator(store, AggregatePolicy(), CLOCK)
    return Aggregating(bus, store, aggregator, CLOCK, StoringMeters(CollectorRegistry(), aggregator))


def polled(revisions: Subscription[ReadingRevision]) -> list[ReadingRevision]:
    return list(revisions.poll(1000, 0.0))


def test_what_changed_is_announced_as_it_is_stored(store: DuckDBStore) -> None:
    bus = MemoryBus()
    revisions = bus.subscribe(REVISIONS, group=None)
    handle = aggregating(store, bus)
    assert handle(observations(3, 5)) == []
    said = polled(revisions)
    assert {one.window for one in said} == set(Window)
    hour = next(one for one in said if one.window is Window.HOUR)
    assert hour.series["people"].mean == 4.0
    assert hour.reason == "window still open: 2 of 15 clips so far"
    assert {reading.series: reading.mean for reading in hour.readings()}["people"] == 4.0


def test_what_was_stored_already_is_announced_again_and_nothing_else_happens(store: DuckDBStore) -> None:
    """The worker before may have been stopped between storing and announcing."""
    bus = MemoryBus()
    handle, counts = aggregating(store, bus), observations(3, 5, 7)
    handle(counts[:2])
    revisions, before = bus.subscribe(REVISIONS, group=None), store.health_now()
    polled(revisions)
    handle(counts[:2])
    again = polled(revisions)
    assert {one.window for one in again} == set(Window)
    assert {one.revision for one in again} == {1}
    assert next(one for one in again if one.window is Window.HOUR).series["people"].mean == 4.0
    assert store.health_now() == before
    handle(counts[2:])
    assert {one.start for one in polled(revisions) if one.window is Window.MINUTE} == {START + timedelta(minutes=8)}


def test_observations_from_the_future_are_put_aside_with_the_reason(store: DuckDBStore) -> None:
    bus = MemoryBus()
    late = observations(3)[0]
    early = HandClock(START - timedelta(days=1))
    aggregator = Aggregator(store, AggregatePolicy(), early)
    handle = Aggregating(bus, store, aggregator, early, StoringMeters(CollectorRegistry(), aggregator))
    (refused,) = handle([late])
    assert refused.record == late
    assert "from the future" in refused.reason
    assert store.extent() is None


def test_a_window_of_news_and_of_what_came_again_is_announced_once(store: DuckDBStore) -> None:
    bus = MemoryBus()
    handle, counts = aggregating(store, bus), observations(3, 5, 7)
    handle(counts[:2])
    revisions = bus.subscribe(REVISIONS, group=None)
    polled(revisions)
    handle(counts)
    said = polled(revisions)
    assert len({one.place for one in said}) == len(said)
    assert next(one for one in said if one.window is Window.HOUR).series["people"].mean == 5.0


def test_revisions_are_valid_records_of_the_whole_table(store: DuckDBStore) -> None:
    """They are written without being examined: what is written is what would have passed."""
    taken = Aggregator(store, AggregatePolicy(), CLOCK).take(observations(3, "broken", 5))
    built = announced(taken.changed)
    assert [reading for one in built for reading in one.readings()] == taken.changed.records()
    assert any(one.series["people"].mean is None for one in built)


def note(minutes: float, state: CameraState, reason: str | None = "said so") -> HealthEvent:
    return HealthEvent(camera="a", since=START + timedelta(minutes=minutes), state=state, reason=reason)


def test_notes_of_feeds_and_what_clips_say_make_one_history(store: DuckDBStore) -> None:
    """A feed that is stuck, the clip after it, and the feed's notes again: after a crash they come twice."""
    bus, keeping = MemoryBus(), KeepingHealth(store, CLOCK)
    handle, counts = aggregating(store, bus), observations(3, 5, 7)
    handle(counts[:1])
    stale = note(2, CameraState.STALE)
    keeping([stale])
    assert store.health_now() == [stale]
    handle(counts[1:])
    live = HealthEvent(camera="a", since=counts[1].event_time, state=CameraState.LIVE)
    assert store.health_now() == [live]
    keeping([stale])
    handle(counts)
    assert store.health_now() == [live], "what comes again is no news"
    assert [event.state.value for event in store.health(START, START + timedelta(days=1))] == ["live", "stale", "live"]


def test_the_time_that_nobody_watched_is_no_uptime(store: DuckDBStore) -> None:
    """A clip, then nobody for twenty hours, of which the ingest worker says so when it starts; it comes twice."""
    bus, keeping = MemoryBus(), KeepingHealth(store, CLOCK)
    aggregating(store, bus)(observations(3))
    unwatched = note(10, CameraState.WAITING, NOT_WATCHED)
    for _ in range(2):
        keeping([unwatched])
    assert store.health_now() == [unwatched]
    ranges = state_ranges(store.health(START, START + timedelta(hours=20), ["a"]), START, START + timedelta(hours=20))
    assert (ranges[-1].state, ranges[-1].reason) == (CameraState.WAITING, NOT_WATCHED)
    assert ranges[-1].start == unwatched.since
    assert outages(ranges) == ()
    assert uptime(ranges) == 1.0, "of what is known: the first ten minutes"


def test_the_same_note_is_one_event(store: DuckDBStore) -> None:
    keeping = KeepingHealth(store, CLOCK)
    for _ in range(2):
        keeping([note(1, CameraState.UNREACHABLE, "timeout 1"), note(2, CameraState.UNREACHABLE, "timeout 2")])
    assert [event.reason for event in store.health(START, START + timedelta(days=1))] == ["timeout 1"]


def test_loops_are_stored_once(store: DuckDBStore) -> None:
    reading = LoopReading(counter="7", series="vehicles", start=START, end=START + timedelta(minutes=5), flow=12)
    keeping = KeepingLoops(store)
    for _ in range(2):
        assert keeping([reading]) == ()
    assert store.loops(START, START + timedelta(days=1)).records() == [reading]


def test_who_watches_gets_readings_from_the_revisions(store: DuckDBStore) -> None:
    bus, feed = MemoryBus(), ReadingFeed()
    worker = Worker("serve", WorkerConfig(port=None), CollectorRegistry())
    live = LiveReadings(worker, bus, feed)
    worker.loop("live", live)
    seen: list[str] = []

    def watch() -> None:
        with feed.subscribe() as watching:
            while not seen:
                aggregating(store, bus)(observations(3))  # whenever it begins to listen
                seen.extend(reading.zone for reading in watching.get(0.05))

    worker.run_until_stopped(watch)
    assert set(seen) == {"a:left"}


def test_a_bus_that_refuses_does_not_end_what_answers(caplog: pytest.LogCaptureFixture) -> None:
    worker = Worker("serve", WorkerConfig(port=None), CollectorRegistry())

    class Broken(MemoryBus):
        def subscribe(self, topic, *, group):  # type: ignore[no-untyped-def]
            worker.stop()
            raise ZeroDivisionError("made to fail")

    with pytest.raises(Stopped):
        LiveReadings(worker, Broken(), ReadingFeed())()
    assert "answers go on from what is stored" in caplog.text
