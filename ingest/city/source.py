"""A whole city as one `Source`: all its feeds, fetching side by side, into one waiting room."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from random import Random

from core.clock import Clock
from core.health import CameraState
from core.records import Camera, ClipReady
from ingest.city.config import CityConfig
from ingest.city.health import HealthLog
from ingest.city.runner import FeedRunner
from ingest.city.waiting import WaitingRoom
from ingest.city.watch import Known
from ingest.feed import Feed, ListedCamera

log = logging.getLogger(__name__)

TAKE_S = 0.2

Naming = Callable[[ListedCamera], Camera]


class CitySource:
    """A `Source` and a `MediaReader`: clips of all feeds, the freshest first, each fetched once.

    `naming` makes of a listed camera the one of this installation. `already` is what was counted before a restart.
    `on_cameras` is told whenever cameras appear, move or change their cadence.
    """

    def __init__(
        self,
        feeds: Sequence[Feed],
        config: CityConfig,
        clock: Clock,
        health: HealthLog,
        *,
        naming: Naming = lambda listed: listed.camera,
        already: Mapping[str, Known] | None = None,
        on_cameras: Callable[[Sequence[Camera]], None] = lambda _: None,
        seed: int | None = None,
    ) -> None:
        self.waiting = WaitingRoom(config.waiting_mb * 1024 * 1024)
        self.health = health
        self.on_cameras = on_cameras
        self._config = config
        self._clock = clock
        self._naming = naming
        self._already = dict(already or {})
        self._random = Random(seed)  # noqa: S311 - spreads visits, keeps no secret
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._cameras: tuple[Camera, ...] = ()
        self._sources: dict[str, str] = {}
        self._running = False
        self._ending: dict[FeedRunner, threading.Event] = {}
        self.runners: tuple[FeedRunner, ...] = tuple(self._runner(feed) for feed in feeds)

    @property
    def cameras(self) -> Sequence[Camera]:
        """The cameras that the publishers have listed so far; another tuple once they have changed."""
        return self._cameras

    @property
    def sources(self) -> Mapping[str, str]:
        """The name of the feed that each camera is of, by camera; another mapping once the cameras have changed."""
        return self._sources

    def clips(self) -> Iterator[ClipReady]:
        """Start fetching, and give what was fetched until `stop`."""
        self._running = True
        for runner in self.runners:
            self._start(runner)
        while not self._stopping.is_set():
            clip = self.waiting.take(TAKE_S)
            if clip is not None:
                yield clip

    def read(self, clip: ClipReady) -> bytes:
        """The bytes of a clip that `clips` gave, once. Raises `UnusableClip` where they are gone."""
        return self.waiting.read(clip)

    def stop(self) -> None:
        """Fetch no more. What waits is let go: it is fetched again after a restart, where it is still there."""
        self._stopping.set()
        for runner in self.runners:
            self._end(runner)
        self.waiting.close()

    @property
    def trouble(self) -> Sequence[str]:
        """What is wrong with whole feeds, in words."""
        return [runner.trouble for runner in self.runners if runner.trouble]

    def found(self, clip: ClipReady, content: bytes | None) -> None:
        if content is None:
            self.waiting.put_fault(clip)
        else:
            self.waiting.put(clip, content)

    def named(self, listed: ListedCamera) -> Camera:
        return self._naming(listed)

    def replace(self, feeds: Sequence[Feed], naming: Naming) -> None:
        """The configuration has changed: go on with these feeds. One that was here before goes on where it is."""
        self._naming = naming
        running = {id(runner.feed): runner for runner in self.runners}
        for runner in self.runners:
            self._already |= runner.known
            if all(runner.feed is not feed for feed in feeds):
                self._end(runner)
        self.runners = tuple(running.get(id(feed)) or self._runner(feed) for feed in feeds)
        for runner in self.runners:
            if id(runner.feed) in running:
                runner.ask_again()
            elif self._running:
                self._start(runner)
        self.changed()

    def waits(self, camera: str) -> bool:
        return self.waiting.holds(camera)

    def noted(self, camera: str, state: CameraState, since: datetime, reason: str | None) -> None:
        self.health.note(camera, state, since, reason)

    def changed(self) -> None:
        with self._lock:
            found: dict[str, Camera] = {}
            sources: dict[str, str] = {}
            for runner in self.runners:
                for camera in runner.cameras:
                    if camera.id in found:
                        log.warning(
                            "%s: camera %s is listed by another feed too: left out", runner.feed.name, camera.id
                        )
                    found.setdefault(camera.id, camera)
                    sources.setdefault(camera.id, runner.feed.name)
            self._cameras, self._sources = tuple(found.values()), sources
            self.on_cameras(self._cameras)

    def _runner(self, feed: Feed) -> FeedRunner:
        return FeedRunner(feed, self._config, self._clock, self, random=self._random, already=self._already)

    def _end(self, runner: FeedRunner) -> None:
        ending = self._ending.pop(runner, None)
        if ending is not None:
            ending.set()

    def _start(self, runner: FeedRunner) -> None:
        ending = self._ending[runner] = threading.Event()
        for number in range(self._config.threads):
            name = f"fetch-{runner.feed.name}-{number}"
            threading.Thread(target=runner.run, args=(ending,), name=name, daemon=True).start()
