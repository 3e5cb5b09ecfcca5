"""A record that cannot be handled is put aside with the reason, and holds up nobody."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from busy_street import CAMERAS, START, StreetCounter, clips_of
from fragile import LogBus, LogSubscription
from hand_clock import HandClock
from prometheus_client import CollectorRegistry

from busyness.cluster import consuming as consuming_module
from busyness.cluster import detecting as detecting_module
from busyness.cluster.consuming import Consuming, Handle, Refused
from busyness.cluster.detecting import Detecting
from busyness.cluster.known_cameras import KnownCameras
from busyness.cluster.meters import TopicMeters
from busyness.cluster.worker import Stopped, Worker
from busyness.config import WorkerConfig
from busyness.jailed_counter import CounterClosed
from busyness.metrics import counting_seconds
from core.bus import CLIPS, OBSERVATIONS
from core.errors import StoreError, Unstorable
from core.records import Camera, ClipReady, Status
from detect.resolution import ResolutionLimit
from detect.scene import ClipReport, Scene
from detect.view_book import ViewBook


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consuming_module, "PAUSE_S", 0.001)
    monkeypatch.setattr(consuming_module, "GATHER_S", 0.001)
    monkeypatch.setattr(detecting_module, "PATIENCE", (0.001, 0.001))


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def worker() -> Worker:
    return Worker("test", WorkerConfig(port=None), CollectorRegistry())


@pytest.fixture
def bus() -> LogBus:
    """Five clips of one camera, and no more."""
    bus = LogBus()
    for clip in clips_of(range(5), CAMERAS[:1]):
        bus.publish(CLIPS, clip)
    bus.flush()
    bus.close(CLIPS)
    return bus


def consume(
    worker: Worker, bus: LogBus, handle: Handle[ClipReady], registry: CollectorRegistry, *, at_once: int = 5
) -> None:
    Consuming(worker, bus, CLIPS, handle, group="g", meters=TopicMeters(registry), at_once=at_once)()


def detecting(
    worker: Worker,
    bus: LogBus,
    *,
    counter: StreetCounter | None = None,
    cameras: Callable[[], Sequence[Camera]] = lambda: CAMERAS,
    views: ViewBook | None = None,
) -> Detecting:
    return Detecting(
        worker,
        bus,
        counter or StreetCounter(HandClock(START + timedelta(days=1))),
        cameras=KnownCameras(cameras),
        views=views or ViewBook(),
        resolution=ResolutionLimit(),
        seconds=counting_seconds(CollectorRegistry()),
    )


def test_one_record_that_breaks_the_handler_is_refused_and_the_others_are_handled(
    worker: Worker, bus: LogBus, registry: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    handled: list[str] = []

    def handle(clips: Sequence[ClipReady]) -> Sequence[Refused[ClipReady]]:
        if any(clip.location == "3" for clip in clips):
            raise ZeroDivisionError("made to fail")
        handled.extend(clip.location for clip in clips)
        return ()

    consume(worker, bus, handle, registry)
    assert handled == ["0", "1", "2", "4"]
    assert bus.letters == [("clips", 3, "ZeroDivisionError: made to fail")]
    assert bus.committed == {("clips", "g"): 5}
    assert registry.get_sample_value("busyness_records_handled_total", {"topic": "clips"}) == 5
    assert registry.get_sample_value("busyness_records_refused_total", {"topic": "clips"}) == 1


def test_what_was_committed_is_let_go_before_more_is_taken(
    worker: Worker, bus: LogBus, registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands of records are a hundred megabytes."""
    seen: list[weakref.ref[ClipReady]] = []
    held: list[int] = []
    poll = LogSubscription.poll

    def watched(subscription: LogSubscription[ClipReady], *told: Any) -> Sequence[ClipReady]:
        held.append(sum(one() is not None for one in seen))
        return poll(subscription, *told)

    def handle(clips: Sequence[ClipReady]) -> Sequence[Refused[ClipReady]]:
        seen.extend(map(weakref.ref, clips))
        return ()

    monkeypatch.setattr(LogSubscription, "poll", watched)
    consume(worker, bus, handle, registry, at_once=2)
    assert (len(seen), held) == (5, [0, 0, 0])


def test_one_of_thousands_is_found_in_few_tries_and_the_others_keep_their_order(
    worker: Worker, registry: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    """One by one they would take minutes, each with a transaction of its own."""
    bus, tries, handled = LogBus(), [], []
    for clip in clips_of(range(1000), CAMERAS[:1]):
        bus.publish(CLIPS, clip)
    bus.flush()
    bus.close(CLIPS)

    def handle(clips: Sequence[ClipReady]) -> Sequence[Refused[ClipReady]]:
        tries.append(len(clips))
        if any(clip.location == "667" for clip in clips):
            raise ZeroDivisionError("made to fail")
        handled.extend(int(clip.location) for clip in clips)
        return ()

    consume(worker, bus, handle, registry, at_once=1000)
    assert handled == [number for number in range(1000) if number != 667]
    assert [offset for _, offset, _ in bus.letters] == [667]
    assert len(tries) < 50


def test_a_batch_of_nothing_but_what_breaks_the_handler_comes_to_its_end(
    worker: Worker, bus: LogBus, registry: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    """With pauses for each of thousands it would go to another worker before, again and again, and hold all up."""
    tries: list[int] = []

    def handle(clips: Sequence[ClipReady]) -> Sequence[Refused[ClipReady]]:
        tries.append(len(clips))
        raise ZeroDivisionError("made to fail")

    consume(worker, bus, handle, registry)
    assert tries == [5, 5, 5, 2, 2, 2, 1, 1, 1, 1, 3, 1, 2, 1, 1]
    assert [offset for _, offset, _ in bus.letters] == [0, 1, 2, 3, 4]
    assert bus.committed == {("clips", "g"): 5}


def test_what_the_store_does_not_take_is_refused_and_not_waited_for(
    worker: Worker, bus: LogBus, registry: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    def handle(clips: Sequence[ClipReady]) -> Sequence[Refused[ClipReady]]:
        if any(clip.location == "2" for clip in clips):
            raise Unstorable("the store does not take this: value out of range")
        return ()

    consume(worker, bus, handle, registry)
    assert bus.letters == [("clips", 2, "Unstorable: the store does not take this: value out of range")]


def test_what_the_bus_never_takes_is_refused_and_not_waited_for(
    worker: Worker, bus: LogBus, registry: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    """A count that is too large to be published would hold up its camera for good."""
    narrow = replace(CLIPS, max_bytes=10)

    def handle(clips: Sequence[ClipReady]) -> Sequence[Refused[ClipReady]]:
        for clip in clips:
            if clip.location == "2":
                narrow.payload_of(clip)
        return ()

    consume(worker, bus, handle, registry)
    assert [(topic, offset) for topic, offset, _ in bus.letters] == [("clips", 2)]
    assert "too large for the topic clips" in bus.letters[0][2]


def test_what_fails_once_is_tried_again_and_not_refused(
    worker: Worker, bus: LogBus, registry: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    tries: list[int] = []

    def handle(clips: Sequence[ClipReady]) -> Sequence[Refused[ClipReady]]:
        tries.append(len(clips))
        if len(tries) == 1:
            raise RuntimeError("this time")
        return ()

    consume(worker, bus, handle, registry)
    assert tries == [5, 5]
    assert not bus.letters


def test_a_store_that_stays_away_is_waited_for_until_the_worker_is_stopped(
    worker: Worker, bus: LogBus, registry: CollectorRegistry
) -> None:
    """Nothing is refused for it, and nothing is committed."""

    def handle(clips: Sequence[ClipReady]) -> Sequence[Refused[ClipReady]]:
        if worker.trouble is not None and "away" in worker.trouble:
            worker.stop()
        raise StoreError("the database is away")

    with pytest.raises(Stopped):
        consume(worker, bus, handle, registry)
    assert not bus.letters
    assert not bus.committed


def test_clips_of_a_camera_that_nobody_knows_are_refused_and_waited_with_once(
    worker: Worker, bus: LogBus, registry: CollectorRegistry
) -> None:
    asked: list[int] = []

    def cameras() -> Sequence[Camera]:
        asked.append(1)
        return CAMERAS[1:]

    consume(worker, bus, detecting(worker, bus, cameras=cameras), registry, at_once=1)
    assert len(bus.letters) == 5
    assert bus.letters[0][2] == "there is no camera a: add it to the sources, then replay this clip"
    assert not bus.records(OBSERVATIONS)
    assert len(asked) == 2 + 2 + 4, "the first clip is waited with for two looks more"


def test_a_camera_that_is_stored_late_is_waited_for(worker: Worker, bus: LogBus, registry: CollectorRegistry) -> None:
    looks = iter([(), (), CAMERAS])
    consume(worker, bus, detecting(worker, bus, cameras=lambda: next(looks)), registry)
    assert len(bus.records(OBSERVATIONS)) == 10
    assert not bus.letters


def test_a_clip_whose_bytes_are_broken_has_its_null_and_a_dead_letter(
    worker: Worker, registry: CollectorRegistry
) -> None:
    """It is not taken as handled: whoever replays it wants it counted."""
    bus, clips = LogBus(), clips_of(("broken", 1), CAMERAS[:1])
    for clip in clips:
        bus.publish(CLIPS, clip)
    bus.flush()
    bus.close(CLIPS)
    views = ViewBook()
    consume(worker, bus, detecting(worker, bus, views=views), registry)
    assert bus.letters == [("clips", 0, "undecodable: made to fail")]
    assert [one.status for one in bus.records(OBSERVATIONS)] == [Status.UNDECODABLE] * 2 + [Status.OK] * 2
    assert [views.handled("a", clip, "street@1") for clip in clips] == [False, True]


def test_a_clip_whose_bytes_were_gone_may_come_again(worker: Worker, registry: CollectorRegistry) -> None:
    """Lent by another process it is counted, and its null gives way."""
    bus = LogBus()
    gone = clips_of(("gone",), CAMERAS[:1])[0].model_copy(update={"content": "0" * 32})
    for clip in (gone, gone.model_copy(update={"location": "7"})):
        bus.publish(CLIPS, clip)
    bus.flush()
    bus.close(CLIPS)
    consume(worker, bus, detecting(worker, bus), registry, at_once=1)
    assert [one.status for one in bus.records(OBSERVATIONS)] == [Status.SKIPPED] * 2 + [Status.OK] * 2
    assert len({one.id for one in bus.records(OBSERVATIONS)}) == 2
    assert not bus.letters


def test_a_clip_that_comes_again_is_not_counted_again(worker: Worker, bus: LogBus) -> None:
    views, counter = ViewBook(), StreetCounter(HandClock(START + timedelta(days=1)))
    for _ in range(2):
        bus.committed.clear()
        consume(worker, bus, detecting(worker, bus, views=views, counter=counter), CollectorRegistry(), at_once=2)
    assert len(counter.seen) == 5
    assert len(bus.records(OBSERVATIONS)) == 10


def test_a_counter_that_is_closed_leaves_its_clip_to_another_worker(
    worker: Worker, bus: LogBus, registry: CollectorRegistry
) -> None:
    class Closed(StreetCounter):
        def report(self, camera: Camera, clip: ClipReady, scene: Scene | None = None) -> ClipReport:
            raise CounterClosed

    closed = Closed(HandClock(START))
    with pytest.raises(Stopped):
        consume(worker, bus, detecting(worker, bus, counter=closed), registry)
    assert not bus.committed
    assert not bus.letters
