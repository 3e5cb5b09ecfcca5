"""What an ingest process does beside fetching: who saves the cameras, who rests when nothing is left to publish."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from busyness.cluster.ingest_loops import NappingClock, PublishingRecorded, SavingCameras
from busyness.cluster.ingesting import given_up_when_stopped
from busyness.cluster.worker import Stopped, Worker
from busyness.config import WorkerConfig
from busyness.sites import SitedSource, Sites
from core.clock import AcceleratedClock
from core.errors import BusError, ConfigError
from core.records import Camera, ClipReady

START = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)


class Cameras:
    """A source of cameras that a test sets."""

    def __init__(self, *names: str) -> None:
        self.cameras: Sequence[Camera] = tuple(Camera(id=name, name=name, lat=51.5, lon=-0.1) for name in names)
        self.stopped = threading.Event()

    def clips(self) -> Iterator[ClipReady]:
        return iter(())

    def stop(self) -> None:
        self.stopped.set()


@pytest.fixture
def worker() -> Iterator[Worker]:
    with Worker("ingest", WorkerConfig(port=None), CollectorRegistry()) as worker:
        yield worker


def test_the_cameras_are_saved_by_the_owner_of_the_first_place_whenever_they_change(worker: Worker) -> None:
    source, owned = Cameras("a", "b"), {1, 2}
    saved: list[list[str]] = []

    def save(cameras: Sequence[Camera]) -> None:
        saved.append([camera.id for camera in cameras])

    saving = SavingCameras(worker, SitedSource(source, Sites()), save, lambda: owned)
    saving.look()
    assert saved == []
    owned.add(0)
    saving.look()
    saving.look()
    assert saved == [["a", "b"]]
    source.cameras = Cameras("a", "b", "c").cameras
    saving.look()
    assert saved[1:] == [["a", "b", "c"]]
    owned.discard(0)
    saving.look()
    owned.add(0)
    saving.look()
    assert len(saved) == 3, "another one may have saved others meanwhile"


def test_a_list_that_is_not_there_yet_takes_nothing_away(worker: Worker) -> None:
    saved: list[object] = []
    SavingCameras(worker, SitedSource(Cameras(), Sites()), saved.append, lambda: {0}).look()
    assert saved == []


def test_cameras_that_cannot_be_saved_are_said_once(worker: Worker, caplog: pytest.LogCaptureFixture) -> None:
    def refuse(_: object) -> None:
        raise ConfigError("zone 'x' belongs to camera a and to camera b")

    saving = SavingCameras(
        worker, SitedSource(Cameras("a"), Sites()), refuse, lambda: {0}, unlisted=lambda _: ["4711"]
    )  # fmt: skip
    with caplog.at_level(logging.WARNING):
        saving.look()
        saving.look()
    assert caplog.text.count("zone 'x' belongs") == 1
    assert caplog.text.count("what is no camera: 4711") == 1


def test_when_all_is_published_the_process_stays_and_looks_after_what_others_leave(worker: Worker) -> None:
    source, steps = Cameras("a"), []

    class Publisher:
        def step(self) -> int:
            steps.append(time.monotonic())
            if len(steps) == 3:
                worker.stop()
            return 5 if len(steps) == 1 else 0

    PublishingRecorded(worker, source, Publisher())()  # type: ignore[arg-type]
    assert len(steps) == 3
    assert source.stopped.wait(2), "who waits for a clip is woken"


def test_who_sleeps_by_a_slow_clock_is_woken_when_it_is_stopped() -> None:
    stopped = threading.Event()
    clock = NappingClock(AcceleratedClock(START, 1.0), 0.02, stopped)
    began = time.monotonic()
    clock.sleep(0.05)
    assert time.monotonic() - began >= 0.05
    threading.Timer(0.05, stopped.set).start()
    clock.sleep(timedelta(hours=1).total_seconds())
    assert time.monotonic() - began < 2


def test_who_is_stopped_while_brokers_are_waited_for_ends(worker: Worker) -> None:
    class Waiting:
        closed = threading.Event()

        @property
        def places(self) -> int:
            assert self.closed.wait(5)
            raise BusError("stopped while waiting for Kafka")

        def owned(self) -> frozenset[int]:
            return frozenset()

        def close(self) -> None:
            self.closed.set()

    ownership = Waiting()
    threading.Timer(0.05, worker.stop).start()
    with pytest.raises(Stopped), given_up_when_stopped(worker, ownership):
        worker.until_done(lambda: ownership.places)
