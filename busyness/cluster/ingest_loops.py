"""What an ingest process does side by side, each a loop for `Worker.loop`."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from functools import partial

from busyness.cluster.source_names import SourceNames
from busyness.cluster.worker import Worker
from busyness.sites import SitedSource
from core.bus import LOOPS, Bus
from core.clock import Clock
from core.errors import ConfigError
from core.loops import LoopReading
from core.records import Camera
from ingest.city.publishing import CityPublisher
from ingest.city.recorded import RecordedPublisher
from ingest.city.source import CitySource
from ingest.loops.poller import LoopPoller, Offer
from ingest.source import Source

log = logging.getLogger(__name__)

STEP_S = 0.2
IDLE_S = 0.5
BATCH = 500
LEND_S = 5.0
"""So long an ending process lends what it has published, so that it need not be fetched again by the next owner."""

LOOK_S = 2.0
LEARN_S = 60.0


class PublishingCity:
    """Publishes what the feeds bring; at the end it asks no more, and lends what is lent for a while longer."""

    def __init__(self, worker: Worker, city: CitySource, publisher: CityPublisher) -> None:
        self._worker = worker
        self._city = city
        self._publisher = publisher

    def __call__(self) -> None:
        self._city.start()
        try:
            while not self._worker.stopping.is_set():
                self._worker.until_done(lambda: self._publisher.step(STEP_S))
                if self._city.idle:
                    self._worker.stopping.wait(IDLE_S)
        finally:
            self._city.stop()
        self._worker.until_done(self._publisher.finish)
        ends = time.monotonic() + LEND_S
        while not self._worker.until_done(self._publisher.settle) and time.monotonic() < ends:
            time.sleep(STEP_S)


class PublishingRecorded:
    """Publishes recorded or rendered clips. When there are no more, it stays, and takes over what others leave."""

    def __init__(self, worker: Worker, source: Source, publisher: RecordedPublisher) -> None:
        self._worker = worker
        self._source = source
        self._publisher = publisher

    def __call__(self) -> None:
        threading.Thread(target=self._stop_with_the_worker, name="stop-source", daemon=True).start()
        while not self._worker.stopping.is_set():
            if not self._worker.until_done(self._publisher.step):
                self._worker.stopping.wait(IDLE_S)

    def _stop_with_the_worker(self) -> None:
        self._worker.stopping.wait()
        self._source.stop()


class PublishingLoops:
    """Publishes readings of loops and counters; those of an offer are kept once all of them are flushed."""

    def __init__(self, worker: Worker, poller: LoopPoller, bus: Bus) -> None:
        self._worker = worker
        self._poller = poller
        self._bus = bus

    def __call__(self) -> None:
        self._poller.start()
        try:
            while not self._worker.stopping.is_set():
                offer = self._poller.take(IDLE_S)
                if offer is not None:
                    self._hand_over(offer)
        finally:
            self._poller.stop()

    def _hand_over(self, offer: Offer) -> None:
        for first in range(0, len(offer.readings), BATCH):
            if not self._worker.until_done(partial(self._publish, offer, offer.readings[first : first + BATCH])):
                return
        offer.kept.set()

    def _publish(self, offer: Offer, readings: Sequence[LoopReading]) -> bool:
        """Whether they are durable: not where the offer is withdrawn."""
        if offer.withdrawn.is_set():
            return False
        for reading in readings:
            self._bus.publish(LOOPS, reading)
        self._bus.flush()
        return True


class SavingCameras:
    """Saves the cameras, all of them, while the first place is ours: one process does so for all.

    `save` keeps them, `names` of which source each is (with a city); `unlisted` gives what is said of cameras that are
    none of these.
    """

    def __init__(
        self,
        worker: Worker,
        sited: SitedSource,
        save: Callable[[Sequence[Camera]], object],
        owned: Callable[[], Collection[int]],
        *,
        city: CitySource | None = None,
        names: SourceNames | None = None,
        unlisted: Callable[[Sequence[str]], Sequence[str]] = lambda _: (),
    ) -> None:
        self._worker = worker
        self._sited = sited
        self._save = save
        self._owned = owned
        self._city = city
        self._names = names
        self._unlisted = unlisted
        self._saved: Sequence[Camera] | None = None
        self._learned_s = -LEARN_S
        self._told: Sequence[str] = ()

    def __call__(self) -> None:
        while True:
            self._worker.until_done(self.look)
            self._worker.pause(LOOK_S)

    def look(self) -> None:
        """Save the cameras if that falls to us, and they are others than when we saved them last.

        Raises `StoreError`.
        """
        if 0 not in self._owned():
            self._saved = None
            return
        if self._city is not None and time.monotonic() >= self._learned_s + LEARN_S:
            self._city.learn_paces()
            self._learned_s = time.monotonic()
        cameras = self._sited.cameras
        if not cameras or cameras is self._saved:
            return
        try:
            self._save(cameras)
        except ConfigError as error:  # two cameras of one zone: those that are saved already stay
            log.error("the cameras are not saved: %s", error)
        if self._names is not None and self._city is not None:
            listed = all(runner.listed for runner in self._city.runners)  # else some may only not be listed yet
            self._names.keep({**({} if listed else self._names.by_camera()), **self._city.sources})
        self._saved = cameras
        self._say([camera.id for camera in cameras])

    def _say(self, listed: Sequence[str]) -> None:
        if self._city is not None and not all(runner.listed for runner in self._city.runners):
            return
        unlisted = self._unlisted(listed)
        if unlisted and unlisted != self._told:
            log.warning("the configuration or a site file says something of what is no camera: %s", ", ".join(unlisted))
        self._told = unlisted


class NappingClock:
    """A clock whose sleepers look up now and then: `nap_s` of its time. Once they are `stopped`, they sleep no more."""

    def __init__(self, clock: Clock, nap_s: float, stopped: threading.Event) -> None:
        self._clock = clock
        self._nap_s = nap_s
        self._stopped = stopped
        self.now = clock.now

    def sleep(self, seconds: float) -> None:
        """Wait for so long, or until it is stopped."""
        left_s = seconds
        began = self.now()
        while left_s > 0 and not self._stopped.is_set():
            self._clock.sleep(min(left_s, self._nap_s))
            left_s = seconds - (self.now() - began).total_seconds()
