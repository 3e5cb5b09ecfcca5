"""Whatever ends a worker, and at whatever moment: nothing is lost, nothing is doubled, revisions reach their topic.

Each example kills workers at drawn steps of publishing, flushing, committing, keeping views and storing, right before
or right after the step is done, and starts them again. At the end the store is the one of a run that nobody disturbed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Any

import pytest
from announced import announced
from busy_street import CAMERAS, START, StreetCounter, clips_of
from fragile import Fate, FragileShelf, FragileStore, Killed, LogBus
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from aggregate.aggregator import Aggregator
from aggregate.duckdb_store import DuckDBStore
from aggregate.policy import AggregatePolicy
from aggregate.store import supersedes
from busyness.cluster import consuming as consuming_module
from busyness.cluster import worker as worker_module
from busyness.cluster.aggregating import Aggregating
from busyness.cluster.consuming import Consuming, Handle
from busyness.cluster.detecting import Detecting
from busyness.cluster.known_cameras import KnownCameras
from busyness.cluster.meters import TopicMeters
from busyness.cluster.worker import Worker
from busyness.config import WorkerConfig
from busyness.metrics import StoringMeters, counting_seconds
from core.bus import CLIPS, OBSERVATIONS, REVISIONS, RecordT, Topic
from core.errors import BusError, BusynessError, StoreError
from core.figures import SERIES
from core.records import ClipReady, CountObservation, Window
from core.shelf_memory import MemoryShelf
from detect.resolution import ResolutionLimit
from detect.view_book import ViewBook

Deaths = Sequence[tuple[Fate, int]]

EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
PICTURES = (0, 1, 2, 2, 3, 4, "away", "away", 5, 5, "broken", 6, 7)

"""What a camera shows, clip by clip: the same number again is the last clip encoded anew."""


def shown() -> list[ClipReady]:
    """Clips of these pictures, so far apart that the first view has lasted before another is shown."""
    return clips_of(PICTURES, every=timedelta(minutes=10))


class Ticking:
    """A clock of which no two moments are the same: a clip that is counted again has another `counted_at`."""

    def __init__(self) -> None:
        self.ticks = 0

    def now(self) -> datetime:
        self.ticks += 1
        return START + timedelta(days=1, milliseconds=self.ticks)

    def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody waits by this clock")


@dataclass
class City:
    """What outlives the processes, and how to start one of them."""

    at_once: int = 20
    bus: LogBus = field(default_factory=LogBus)
    shelf: MemoryShelf = field(default_factory=MemoryShelf)
    clock: Ticking = field(default_factory=Ticking)

    def detect(self, fate: Fate) -> None:
        worker, registry = a_worker("detect")
        detecting = Detecting(
            worker,
            self.bus,
            StreetCounter(self.clock),
            cameras=KnownCameras(lambda: CAMERAS),
            views=ViewBook(FragileShelf(self.shelf, fate)),
            resolution=ResolutionLimit(),
            seconds=counting_seconds(registry),
        )
        self.consume(worker, CLIPS, detecting, fate)

    def aggregate(self, store: DuckDBStore, fate: Fate) -> None:
        worker, registry = a_worker("aggregate")
        fragile: Any = FragileStore(store, fate)
        aggregator = Aggregator(fragile, AggregatePolicy(), self.clock)
        aggregating = Aggregating(self.bus, fragile, aggregator, self.clock, StoringMeters(registry, aggregator))
        self.consume(worker, OBSERVATIONS, aggregating, fate)

    def consume(self, worker: Worker, topic: Topic[RecordT], handle: Handle[RecordT], fate: Fate) -> None:
        self.bus.fate = fate
        meters = TopicMeters(CollectorRegistry())
        Consuming(worker, self.bus, topic, handle, group="group", meters=meters, at_once=self.at_once)()

    def publish(self, topic: Topic[RecordT], records: Sequence[RecordT]) -> None:
        """All there is of a topic."""
        for record in records:
            self.bus.publish(topic, record)
        self.bus.flush()
        self.bus.close(topic)

    def again_and_again(self, stage: Callable[[Fate], None], deaths: Deaths) -> None:
        """A stage to its end, started again after each death; of what was on its way then so much has arrived."""
        for fate, arrived in deaths:
            try:
                stage(fate)
            except Killed:
                self.bus.arrive(arrived)
        stage(Fate())

    @property
    def counts(self) -> dict[str, dict[str, Any]]:
        """The newest count of each zone of each clip, but for when it was made."""
        newest: dict[str, CountObservation] = {}
        for one in self.bus.records(OBSERVATIONS):
            if one.id not in newest or supersedes(one, newest[one.id]):
                newest[one.id] = one
        return {name: one.model_dump(exclude={"counted_at"}) for name, one in newest.items()}


@pytest.fixture(autouse=True, scope="module")
def hurried() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker_module, "FIRST_WAIT_S", 0.001)
        patch.setattr(consuming_module, "GATHER_S", 0.001)
        yield


def a_worker(name: str) -> tuple[Worker, CollectorRegistry]:
    registry = CollectorRegistry()
    return Worker(name, WorkerConfig(port=None), registry), registry


@cache
def undisturbed() -> City:
    city = City()
    city.publish(CLIPS, shown())
    city.detect(Fate())
    return city


def failures(last_step: int) -> st.SearchStrategy[Deaths]:
    """Where and how often a worker dies, and how much of what it had published and not flushed has arrived then."""
    fate = st.builds(Fate, at=st.integers(1, last_step), after=st.booleans())
    return st.lists(st.tuples(fate, st.integers(0, 5)), min_size=1, max_size=4)


def test_the_street_is_counted_as_it_is_shown() -> None:
    """What the others are held against."""
    counts = [one for one in undisturbed().bus.records(OBSERVATIONS) if one.zone == "a:left"]
    assert [one.status.value for one in counts] == [
        "ok", "ok", "ok", "frozen", "ok", "ok", "moved_view", "moved_view", "ok", "frozen", "undecodable", "ok", "ok",
    ]  # fmt: skip
    assert [one.present.people for one in counts if one.present is not None] == [0, 1, 2, 3, 4, 5, 6, 7]


def test_a_detect_worker_killed_at_each_of_its_steps_loses_and_doubles_nothing() -> None:
    """Every step of a handful of clips, and nothing that was on its way arrives."""
    clips = clips_of((0, 0, 1, "broken", 2), CAMERAS[:1])
    whole = City(at_once=1)
    whole.publish(CLIPS, clips)
    steps = Fate()
    whole.detect(steps)
    for at in range(1, steps.steps + 1):
        for after in (False, True):
            city = City(at_once=1)
            city.publish(CLIPS, clips)
            city.again_and_again(city.detect, [(Fate(at=at, after=after), 0)])
            assert city.counts == whole.counts, f"killed {'after' if after else 'at'} step {at}"


@given(deaths=failures(120))
@settings(max_examples=25, deadline=None, derandomize=True, phases=[Phase.generate])
def test_a_detect_worker_killed_at_any_step_counts_each_clip_as_if_nothing_had_happened(deaths: Deaths) -> None:
    """Also those that are told from the clip before alone: that one is looked at again."""
    city = City(at_once=1)
    city.publish(CLIPS, shown())
    city.again_and_again(city.detect, deaths)
    assert city.counts == undisturbed().counts
    broken = {number for number, clip in enumerate(shown()) if clip.location == "broken"}
    assert {offset for _, offset, _ in city.bus.letters} == broken


def counted() -> list[CountObservation]:
    """One zone of each camera."""
    return [one for one in undisturbed().bus.records(OBSERVATIONS) if one.zone.endswith(":left")]


@given(at=st.integers(1, 120), after=st.booleans(), error=st.sampled_from((BusError, StoreError)))
@settings(max_examples=10, deadline=None, derandomize=True, phases=[Phase.generate])
def test_what_is_away_for_a_moment_is_waited_for(at: int, after: bool, error: type[BusynessError]) -> None:
    city = City(at_once=1)
    city.publish(CLIPS, shown())
    city.detect(Fate(at=at, after=after, error=lambda: error("away for a moment")))
    assert city.counts == undisturbed().counts


def aggregated(deaths: Deaths, at_once: int, repeats: Sequence[int]) -> None:
    """The tables of an aggregate worker that is killed, and given some observations twice, are those of one that is
    not; and all of its readings are announced."""
    observations = counted()
    again = [observations[number % len(observations)] for number in repeats]
    city = City(at_once)
    city.publish(OBSERVATIONS, [*observations, *again])
    with closing(DuckDBStore.open(None)) as store:
        store.save_cameras(CAMERAS)
        city.again_and_again(partial(city.aggregate, store), deaths)
        kept = tables(store)
        assert kept == undisturbed_tables()
        newest = {revision.place: revision for revision in city.bus.records(REVISIONS)}
        for place, reading in kept["readings"].items():
            said = newest.pop(place).model_dump(exclude={"derived_at", "reason"})  # it may have been open then
            assert said == {name: value for name, value in reading.items() if name != "reason"}
        assert not newest, "and nothing else is announced"


@given(deaths=failures(25), at_once=st.integers(8, 20), repeats=st.lists(st.integers(0, 60), max_size=8))
@settings(max_examples=2, deadline=None, derandomize=True, phases=[Phase.generate])
def test_an_aggregate_worker_killed_at_any_step_leaves_the_tables_of_one_that_was_not(
    deaths: Deaths, at_once: int, repeats: list[int]
) -> None:
    aggregated(deaths, at_once, repeats)


@pytest.mark.slow
@pytest.mark.timeout(600)
@given(deaths=failures(150), at_once=st.integers(1, 30), repeats=st.lists(st.integers(0, 60), max_size=8))
@settings(max_examples=60, deadline=None, derandomize=True, phases=[Phase.generate])
def test_an_aggregate_worker_killed_at_many_more_steps(deaths: Deaths, at_once: int, repeats: list[int]) -> None:
    aggregated(deaths, at_once, repeats)


def tables(store: DuckDBStore) -> dict[str, Any]:
    """The tables, but for when something was counted and derived."""
    zones = [zone.id for camera in CAMERAS for zone in camera.counted_zones]
    ever = {"start": EVER[0], "end": EVER[1]}
    readings = [
        revision for window in Window for revision in announced(store.readings(window=window, series=SERIES, **ever))
    ]
    return {
        "observations": [one.model_dump() for zone in zones for one in store.observations(zone, *EVER)],
        "readings": {one.place: one.model_dump(exclude={"derived_at"}) for one in readings},
        "health": store.health(*EVER),
    }


@cache
def undisturbed_tables() -> dict[str, Any]:
    city = City()
    city.publish(OBSERVATIONS, counted())
    with closing(DuckDBStore.open(None)) as store:
        store.save_cameras(CAMERAS)
        city.aggregate(store, Fate())
        return tables(store)
