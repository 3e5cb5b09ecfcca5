"""The path of a count in one process: clips are found, counted, aggregated and announced.

    source --clips--> counters (one a worker thread) --observations--> aggregator --> store, feed
       \\____________health____________\\__________________________________/^
    loops --readings---------------------------------------------------->/

Threads share an in-memory bus. What opens, decodes and counts a clip is a process of its own for each of them
(`busyness/jailed_counter.py`), so that two workers fill two cores.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from aggregate.aggregator import Aggregator
from aggregate.feed import ReadingFeed
from aggregate.store import Store
from busyness.jailed_counter import CounterClosed
from busyness.metrics import Meters
from busyness.turns import Turns
from core.bus import CLIPS, HEALTH, LOOPS, OBSERVATIONS, TOPICS, Bus, RecordT, Subscription, Topic, TopicClosed
from core.errors import BusynessError
from core.loops import LoopReading
from core.records import Camera, ClipReady, CountObservation
from detect.scene import ClipReport, Scene, Sight
from ingest.city.health import HealthLog
from ingest.source import Source

log = logging.getLogger(__name__)

POLL_S = 0.2
BATCH = 200
GATHER_S = 2.0
"""For so long what was counted is gathered before it is stored. A transaction costs about 0.1 s of a core, of one clip
or of fifty: written as they came, the clips of a London would spend a fifth of a core on it."""

Stored = Callable[[Sequence[CountObservation]], None]


class Counter(Protocol):
    """Counts one clip at a time; what cannot be counted it says, and never raises for a clip."""

    def report(self, camera: Camera, clip: ClipReady, scene: Scene | None) -> ClipReport:
        """One observation for each zone of the camera, and what the clip shows of it."""
        ...


class Views(Protocol):
    """Knows which views of each camera may be counted."""

    def scene_of(self, camera: str) -> Scene:
        """What is known of a camera's view before a clip of it is looked at."""
        ...

    def learn(self, camera: str, clip: ClipReady, sight: Sight) -> object:
        """Take note of what a clip showed of its camera."""
        ...


class LoopSource(Protocol):
    """Where readings of loops and counters come from."""

    def readings(self) -> Iterator[LoopReading]:
        """Readings that are new or changed, until `stop`."""
        ...

    def stop(self) -> None:
        """Give no more readings. Called by another thread."""
        ...


@dataclass
class Pipeline:
    """The stages of one process and the threads they run in.

    `views` decides which view of a camera may be counted and learns from every clip; without it all are. `on_stored` is
    called with every batch of observations after it was written durably.
    """

    source: Source
    counters: Sequence[Counter]
    aggregator: Aggregator
    store: Store
    feed: ReadingFeed
    bus: Bus
    meters: Meters
    health: HealthLog
    views: Views | None = None
    loops: LoopSource | None = None
    on_stored: Stored = lambda _: None
    failure: BaseException | None = None
    _threads: list[threading.Thread] = field(default_factory=list)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _polling: threading.Lock = field(default_factory=threading.Lock)
    _turns: Turns = field(default_factory=Turns)
    _cameras: tuple[Sequence[Camera], dict[str, Camera]] = field(default=((), {}))

    def start(self) -> None:
        """Start every stage in threads of its own."""
        counting = [self._thread(f"count-{n}", self._count, counter) for n, counter in enumerate(self.counters)]
        aggregating = [self._thread("aggregate", self._aggregate)]
        loops = [] if self.loops is None else [self._thread("loops", self._loops, self.loops)]
        self._threads = [
            self._thread("ingest", self._ingest),
            *counting,
            self._thread("counted", self._close_after, counting, OBSERVATIONS),
            *aggregating,
            self._thread("aggregated", self._close_after, aggregating, HEALTH),
            self._thread("health", self._keep, HEALTH, self.store.save_health),
            *loops,
            self._thread("looped", self._close_after, loops, LOOPS),
            self._thread("keep-loops", self._keep, LOOPS, self.store.save_loops),
        ]
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        """Until the source is exhausted and all of it is stored. Raises what stopped a stage, if anything did."""
        for thread in self._threads:
            thread.join()
        if self.failure is not None:
            raise self.failure

    def stop(self, timeout_s: float = 5.0) -> None:
        """Ask every stage to end after what it has in hand, and wait a little for it."""
        self._end_sources()
        self.bus.close(CLIPS)  # wakes a source that waits for room
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    @property
    def trouble(self) -> str | None:
        """Why the pipeline no longer works, or None while all is well."""
        return None if self.failure is None else f"the pipeline has stopped: {self.failure}"

    def _thread(self, name: str, stage: Callable[..., None], *arguments: object) -> threading.Thread:
        def guarded() -> None:
            try:
                stage(*arguments)
            except (TopicClosed, CounterClosed):  # it is being stopped, or another stage has died and said why
                self._stopping.set()
            except BaseException as error:  # a stage that dies must take the pipeline down, not leave it half alive
                self.failure = self.failure or error
                log.error("stage %s stopped: %s", name, error, exc_info=not isinstance(error, BusynessError))
                self._end_sources()
                for topic in TOPICS:
                    self.bus.close(topic)

        return threading.Thread(target=guarded, name=name, daemon=True)

    def _end_sources(self) -> None:
        self._stopping.set()
        self.source.stop()
        if self.loops is not None:
            self.loops.stop()

    def _ingest(self) -> None:
        for clip in self.source.clips():
            if self._stopping.is_set():
                break
            self.bus.publish(CLIPS, clip)
            self.meters.clips_found.inc()
        self.bus.close(CLIPS)

    def _count(self, counter: Counter) -> None:
        clips = self.bus.subscribe(CLIPS, group="detect")
        while not clips.finished and not self._stopping.is_set():
            with self._polling:
                taken = [(clip, self._turns.queue(clip.camera)) for clip in clips.poll(1, POLL_S)]
            for clip, turn in taken:
                with turn:
                    self._count_one(counter, clip)
                clips.commit()

    def _count_one(self, counter: Counter, clip: ClipReady) -> None:
        camera = self._camera(clip.camera)
        if camera is None:
            log.warning("a clip of camera %s is let go: the configuration no longer has it", clip.camera)
            return
        scene = self.views.scene_of(camera.id) if self.views else None
        with self.meters.counting.time():
            report = counter.report(camera, clip, scene)
        for observation in report.observations:
            self.bus.publish(OBSERVATIONS, observation)
        if self.views is not None and report.sight is not None:
            self.views.learn(camera.id, clip, report.sight)

    def _camera(self, name: str) -> Camera | None:
        """The camera as the source knows it now, whose list changes while it runs; None where it has left it."""
        known, by_id = self._cameras
        if known is not self.source.cameras:
            known = self.source.cameras
            by_id = {camera.id: camera for camera in known}
            self._cameras = (known, by_id)
        return by_id.get(name)

    def _loops(self, loops: LoopSource) -> None:
        for reading in loops.readings():
            self.bus.publish(LOOPS, reading)

    def _close_after(self, threads: Sequence[threading.Thread], topic: Topic[Any]) -> None:
        for thread in threads:
            thread.join()
        self.bus.close(topic)

    def _keep(self, topic: Topic[RecordT], save: Callable[[Sequence[RecordT]], object]) -> None:
        """Store what needs no derivation, in batches."""
        records = self.bus.subscribe(topic, group="store")
        while not records.finished:
            batch = self._gathered(records)
            if batch:
                save(batch)
                records.commit()

    def _gathered(self, records: Subscription[RecordT]) -> list[RecordT]:
        """What comes within a moment of the first: a transaction for many records costs little more than for one."""
        batch = list(records.poll(BATCH, POLL_S))
        until = time.monotonic() + GATHER_S
        while batch and len(batch) < BATCH and not records.finished and not self._stopping.is_set():
            left = until - time.monotonic()
            if left <= 0.0:
                break
            batch += records.poll(BATCH - len(batch), min(POLL_S, left))
        return batch

    def _aggregate(self) -> None:
        observations = self.bus.subscribe(OBSERVATIONS, group="aggregate")
        while not observations.finished:
            batch = self._gathered(observations)
            if not batch:
                continue
            readings = self.aggregator.accept(batch)
            observations.commit()
            self.feed.publish(readings)
            self.health.counted(batch)
            self.meters.stored(batch, len(readings))
            self.on_stored(batch)
