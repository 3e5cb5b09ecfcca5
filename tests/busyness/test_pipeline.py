"""The pipeline accounts for every clip once, ends when the source does, and says so when a stage dies."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from aggregate.aggregator import Aggregator
from aggregate.duckdb_store import DuckDBStore
from aggregate.feed import ReadingFeed
from aggregate.policy import AggregatePolicy
from busyness import pipeline as pipeline_module
from busyness.metrics import Meters
from busyness.pipeline import Pipeline
from core.bus import HEALTH, MemoryBus
from core.clock import SystemClock
from core.errors import SourceError
from core.figures import CLASSES
from core.records import Camera, ClipReady, CountObservation, Status, Window
from detect.counter import ClipCounter
from detect.model import Density
from detect.quality import Verdict
from ingest.city.health import HealthLog
from ingest.clip import SampledClip
from ingest.frame import Frame
from ingest.source import UnusableClip

START = datetime(2026, 3, 12, 8, tzinfo=UTC)
CAMERAS = tuple(Camera(id=name, name=name, lat=51.5, lon=-0.1, cadence_s=60) for name in ("a", "b"))


class Street:
    """Two cameras; clip number n shows n pedestrians. Every fifth clip cannot be opened."""

    cameras = CAMERAS

    def __init__(self, clips: int, breaks_at: int | None = None) -> None:
        self._clips = clips
        self._breaks_at = breaks_at

    def clips(self) -> Iterator[ClipReady]:
        for number in range(self._clips):
            if number == self._breaks_at:
                raise SourceError("the street has gone")
            for camera in CAMERAS:
                yield ClipReady(camera=camera.id, event_time=START + timedelta(minutes=number), location=str(number))

    def stop(self) -> None:
        self._clips = 0

    def open(self, clip: ClipReady, frames: int) -> SampledClip:
        number = int(clip.location)
        if number % 5 == 4:
            raise UnusableClip(Status.UNDECODABLE, "made to break")
        picture = np.full((288, 352, 3), number, np.uint8)
        return SampledClip(tuple(Frame(picture, float(n)) for n in range(frames)), 10.0, frames)


class Quiet(Street):
    """A street that goes on after its last clip, and gives no more."""

    def __init__(self, clips: int) -> None:
        super().__init__(clips)
        self.quiet = threading.Event()
        self._over = threading.Event()

    def clips(self) -> Iterator[ClipReady]:
        yield from super().clips()
        self.quiet.set()
        self._over.wait()

    def stop(self) -> None:
        super().stop()
        self._over.set()


class Reader:
    """A counting model that reads the number of pedestrians from the first pixel."""

    name = "reader@000000000000"

    def density(self, frames: Sequence[Frame]) -> Density:
        density = np.zeros((len(frames), len(CLASSES), 4, 4), np.float32)
        density[:, 0, 2, 2] = [frame.pixels[0, 0, 0] for frame in frames]
        return density


def usable(clip: SampledClip) -> Verdict:
    return Verdict(status=Status.OK, reason=None)


def pipeline(street: Street, workers: int = 3) -> Pipeline:
    clock, store = SystemClock(), DuckDBStore.open(None)
    store.save_cameras(CAMERAS)
    counters = [
        ClipCounter(Reader(), street, 3, clock, judge=lambda _: Verdict(Status.OK, None)) for _ in range(workers)
    ]
    aggregator = Aggregator(store, AggregatePolicy(), clock)
    bus, meters = MemoryBus(8), Meters(CollectorRegistry(), aggregator)
    health = HealthLog(lambda event: bus.publish(HEALTH, event))
    return Pipeline(street, counters, aggregator, store, ReadingFeed(), bus, meters, health)


def test_every_clip_is_counted_or_explained_once() -> None:
    running = pipeline(Street(20))
    seen: list[CountObservation] = []
    running.on_stored = seen.extend
    running.start()
    running.wait()
    assert len({(o.camera, o.event_time) for o in seen}) == len(seen) == 40
    assert sum(o.status is Status.UNDECODABLE for o in seen) == 8
    counted = {o.event_time: o.present.people for o in seen if o.camera == "a" and o.present is not None}
    assert counted == {START + timedelta(minutes=n): float(n) for n in range(20) if n % 5 != 4}
    assert running.trouble is None


def test_what_comes_while_clips_are_gathered_is_stored_at_once_and_the_end_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pipeline_module, "GATHER_S", 3600.0)
    running = pipeline(Street(20))
    stored: list[int] = []
    running.on_stored = lambda batch: stored.append(len(batch))
    running.start()
    running.wait()
    assert stored == [40]


def test_what_is_gathered_is_stored_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline_module, "GATHER_S", 0.05)
    running = pipeline(Quiet(3))
    stored: queue.Queue[int] = queue.Queue()
    running.on_stored = lambda batch: stored.put(len(batch))
    running.start()
    assert stored.get(timeout=10.0) >= 1, "the source has not ended, and what it gave is stored"
    running.stop(timeout_s=10.0)
    running.wait()


def test_a_pipeline_that_is_stopped_does_not_go_on_gathering(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline_module, "GATHER_S", 3600.0)
    street = Quiet(3)
    running = pipeline(street)
    before = set(threading.enumerate())
    running.start()
    assert street.quiet.wait(10.0)
    running.stop(timeout_s=10.0)
    assert set(threading.enumerate()) <= before
    running.wait()


def test_readings_are_announced_to_those_who_listen() -> None:
    running = pipeline(Street(5))
    with running.feed.subscribe() as listener:
        running.start()
        running.wait()
        readings = [r for r in listener.get(1.0) if r.series == "people" and r.window is Window.MINUTE]
    assert {r.mean for r in readings if r.camera == "a" and r.mean is not None} == {0.0, 1.0, 2.0, 3.0}
    (reason,) = [r.reason for r in readings if r.camera == "a" and r.mean is None]
    assert reason is not None
    assert reason.endswith("undecodable (1 of 1 clips)")


def test_a_stage_that_dies_stops_the_pipeline_and_says_why() -> None:
    running = pipeline(Street(20, breaks_at=3))
    running.start()
    with pytest.raises(SourceError, match="the street has gone"):
        running.wait()
    assert running.trouble == "the pipeline has stopped: the street has gone"


def test_stopping_ends_every_stage() -> None:
    running = pipeline(Street(10_000))
    running.start()
    running.stop(timeout_s=10)
    running.wait()
    assert running.trouble is None
