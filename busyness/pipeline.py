"""The path of a count in one process: clips are found, counted, aggregated and announced.

    source --clips--> counters (one a worker thread) --observations--> aggregator --> store, feed

Threads share an in-memory bus. The counting itself runs in native code that lets go of Python's lock, so two
workers fill two cores.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from aggregate.aggregator import Aggregator
from aggregate.feed import ReadingFeed
from busyness.metrics import Meters
from core.bus import CLIPS, OBSERVATIONS, Bus, TopicClosed
from core.errors import BusynessError
from core.records import Camera, CountObservation
from detect.counter import ClipCounter
from ingest.source import Source

log = logging.getLogger(__name__)

POLL_S = 0.2
BATCH = 200

Stored = Callable[[Sequence[CountObservation]], None]


@dataclass
class Pipeline:
    """The stages of one process and the threads they run in.

    `on_stored` is called with every batch of observations after it was written durably.
    """

    source: Source
    counters: Sequence[ClipCounter]
    aggregator: Aggregator
    feed: ReadingFeed
    bus: Bus
    meters: Meters
    on_stored: Stored = lambda _: None
    failure: BaseException | None = None
    _threads: list[threading.Thread] = field(default_factory=list)
    _stopping: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Start every stage in threads of its own."""
        cameras = {camera.id: camera for camera in self.source.cameras}
        counting = [
            self._thread(f"count-{n}", self._count, counter, cameras) for n, counter in enumerate(self.counters)
        ]
        self._threads = [
            self._thread("ingest", self._ingest),
            *counting,
            self._thread("counted", self._close_when_counted, counting),
            self._thread("aggregate", self._aggregate),
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
        self._stopping.set()
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
            except TopicClosed:  # the pipeline is being stopped, or another stage has died and said why
                self._stopping.set()
            except BaseException as error:  # a stage that dies must take the pipeline down, not leave it half alive
                self.failure = self.failure or error
                log.error("stage %s stopped: %s", name, error, exc_info=not isinstance(error, BusynessError))
                self._stopping.set()
                self.bus.close(CLIPS)
                self.bus.close(OBSERVATIONS)

        return threading.Thread(target=guarded, name=name, daemon=True)

    def _ingest(self) -> None:
        for clip in self.source.clips():
            if self._stopping.is_set():
                break
            self.bus.publish(CLIPS, clip)
            self.meters.clips_found.inc()
        self.bus.close(CLIPS)

    def _count(self, counter: ClipCounter, cameras: dict[str, Camera]) -> None:
        clips = self.bus.subscribe(CLIPS)
        while not clips.finished and not self._stopping.is_set():
            for clip in clips.poll(1, POLL_S):
                with self.meters.counting.time():
                    observations = counter.observe(cameras[clip.camera], clip)
                for observation in observations:
                    self.bus.publish(OBSERVATIONS, observation)
                clips.commit()

    def _close_when_counted(self, counting: Sequence[threading.Thread]) -> None:
        for thread in counting:
            thread.join()
        self.bus.close(OBSERVATIONS)

    def _aggregate(self) -> None:
        observations = self.bus.subscribe(OBSERVATIONS)
        while not observations.finished:
            batch = observations.poll(BATCH, POLL_S)
            if not batch:
                continue
            readings = self.aggregator.accept(batch)
            observations.commit()
            self.feed.publish(readings)
            self.meters.stored(batch)
            self.meters.readings.inc(len(readings))
            self.on_stored(batch)
