"""Readings of loops on their way to the bus: whatever fails there, all arrive, and none is taken for given before."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from fragile import Fate, Killed, LogBus
from prometheus_client import CollectorRegistry

from busyness.cluster import ingest_loops
from busyness.cluster import worker as frame
from busyness.cluster.ingest_loops import PublishingLoops
from busyness.cluster.worker import Worker
from busyness.config import WorkerConfig
from core.clock import AcceleratedClock
from core.errors import BusError, StoreError
from core.loops import LoopCounter, LoopReading
from ingest.loop import LeftOut
from ingest.loops.poller import LoopPoller

NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)
READINGS = tuple(
    LoopReading(
        counter="a",
        series="vehicles",
        start=NOON + timedelta(minutes=minute),
        end=NOON + timedelta(minutes=minute + 1),
        flow=float(minute),
    )
    for minute in range(5)
)


class Files:
    """A feed that gives what was not handed over, and notes what had arrived on the bus when it was."""

    name, poll_s, fleeting = "files", 60.0, False
    left_out: Sequence[LeftOut] = ()

    def __init__(self, bus: LogBus) -> None:
        self._bus = bus
        self._left = READINGS
        self.arrived: list[list[bytes]] = []
        self.done = threading.Event()
        self.forgotten = threading.Event()

    def counters(self) -> Sequence[LoopCounter]:
        return [LoopCounter(id="a", name="A", source="test")]

    def readings(self) -> Sequence[LoopReading]:
        return self._left

    def handed_over(self) -> None:
        if self._left:
            self.arrived.append(list(self._bus.topics.get("loops", ())))
        self._left = ()
        self.done.set()

    def forget(self) -> None:
        self._left = READINGS
        self.forgotten.set()


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.setattr(frame, "FIRST_WAIT_S", 0.001)
    monkeypatch.setattr(ingest_loops, "BATCH", 2)
    monkeypatch.setattr(ingest_loops, "IDLE_S", 0.01)
    with Worker("ingest", WorkerConfig(port=None), CollectorRegistry()) as worker:
        yield worker


def publishing(worker: Worker, feed: Files, bus: LogBus, **settings: object) -> PublishingLoops:
    poller = LoopPoller([feed], AcceleratedClock(NOON, 600), **settings)  # type: ignore[arg-type]
    return PublishingLoops(worker, poller, bus)  # type: ignore[arg-type]


def stopped_when(worker: Worker, event: threading.Event) -> None:
    def watch() -> None:
        event.wait(10)
        worker.stop()

    threading.Thread(target=watch, daemon=True).start()


def in_order(bus: LogBus) -> list[LoopReading]:
    """What consumers know in the end, by when they first heard of it."""
    return [LoopReading.model_validate_json(payload) for payload in dict.fromkeys(bus.topics.get("loops", ()))]


STEPS = [(at, after) for at in range(1, 9) for after in (False, True)]
"""Five records in batches of two, and three flushes."""


@pytest.mark.parametrize(("at", "after"), STEPS)
def test_a_broker_that_is_away_at_any_step_is_waited_for_and_nothing_counts_as_given_before_it_is_there(
    worker: Worker, at: int, after: bool
) -> None:
    bus = LogBus(Fate(at, after, error=lambda: BusError("the broker is away")))
    feed = Files(bus)
    stopped_when(worker, feed.done)
    publishing(worker, feed, bus)()
    assert feed.done.is_set()
    assert in_order(bus) == list(READINGS)
    assert len(feed.arrived) == 1
    assert len(set(feed.arrived[0])) == len(READINGS)


@pytest.mark.parametrize(("at", "after"), STEPS)
def test_a_process_may_be_killed_at_any_step_and_the_next_one_publishes_what_is_not_there(
    worker: Worker, at: int, after: bool
) -> None:
    bus = LogBus(Fate(at, after))
    first = Files(bus)
    with pytest.raises(Killed):
        publishing(worker, first, bus)()
    assert not first.done.is_set()
    bus.arrive(len(bus.on_its_way) // 2)
    bus.fate = Fate()
    second = Files(bus)
    stopped_when(worker, second.done)
    publishing(worker, second, bus)()
    assert set(in_order(bus)) == set(READINGS)


def test_a_store_that_cannot_save_counters_keeps_no_reading_from_the_bus(worker: Worker) -> None:
    asked = threading.Event()

    def save(_: object) -> None:
        asked.set()
        raise StoreError("the store is away")

    bus = LogBus()
    feed = Files(bus)
    stopped_when(worker, asked)
    publishing(worker, feed, bus, on_counters=save)()
    assert asked.is_set()
    assert in_order(bus) == list(READINGS)


def test_a_feed_that_goes_to_another_while_the_broker_is_away_is_let_go_and_given_again_when_it_is_back(
    worker: Worker,
) -> None:
    mine, away, waits = {"files"}, threading.Event(), threading.Event()
    away.set()

    class Away(LogBus):
        def flush(self) -> None:
            if away.is_set():
                self.on_its_way.clear()
                waits.set()
                raise BusError("the broker is away")
            super().flush()

    bus = Away()
    feed = Files(bus)
    publish = publishing(worker, feed, bus, mine=lambda name: name in mine)
    thread = threading.Thread(target=publish, daemon=True)
    thread.start()
    assert waits.wait(10)
    mine.clear()
    assert feed.forgotten.wait(10)
    away.clear()
    assert not feed.done.is_set()
    mine.add("files")
    stopped_when(worker, feed.done)
    thread.join(10)
    assert feed.done.is_set()
    assert in_order(bus) == list(READINGS)
    assert len(feed.arrived) == 1
