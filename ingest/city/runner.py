"""One feed at work: its list of cameras, its word of what is new, and its cameras, each asked when it is due."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Protocol

from core.clock import Clock
from core.health import CameraState
from core.records import Camera, ClipReady
from ingest.city.agenda import Agenda
from ingest.city.config import CityConfig
from ingest.city.watch import CameraWatch, Known
from ingest.feed import Feed, FetchFailed, ListedCamera

log = logging.getLogger(__name__)

LIST = "*list"  # no camera is called so
NEWEST = "*newest"
IDLE_S = 0.05
BACKLOG_S = 0.5
WORTH_CHANGING = 0.1  # a learned cadence that differs by less leaves the camera as it is
OFF_THE_LIST = "the publisher no longer lists this camera"


class City(Protocol):
    """What a runner tells of its feed."""

    def found(self, clip: ClipReady, content: bytes | None) -> None:
        """A clip with its bytes, or one with its fault."""
        ...

    def named(self, listed: ListedCamera) -> Camera:
        """The camera as this installation knows it: its id, its zones."""
        ...

    def waits(self, camera: str) -> bool:
        """Whether a clip of this camera waits to be counted."""
        ...

    def noted(self, camera: str, state: CameraState, since: datetime, reason: str | None) -> None:
        """How a camera is."""
        ...

    def changed(self) -> None:
        """The cameras are others than before."""
        ...


class FeedRunner:
    """Asks one feed for its cameras and clips. `step` does the visit that is due; `run` goes on doing so."""

    def __init__(
        self,
        feed: Feed,
        config: CityConfig,
        clock: Clock,
        city: City,
        *,
        random: Random,
        already: Mapping[str, Known] | None = None,
    ) -> None:
        self.feed = feed
        self.trouble: str | None = None
        self._config = config
        self._clock = clock
        self._city = city
        self._random = random
        self._already = dict(already or {})
        self._agenda = Agenda()
        self._lock = threading.Lock()
        self._watches: dict[str, CameraWatch] = {}
        self._list_failures = 0
        self._tells_newest = True
        self._backlog: set[str] = set()
        self._agenda.put(LIST, clock.now())

    @property
    def cameras(self) -> Sequence[Camera]:
        """The cameras of the feed as this installation knows them; one that left the list stays."""
        with self._lock:
            return tuple(watch.camera for watch in self._watches.values())

    def run(self, stopping: threading.Event) -> None:
        """Until `stopping`; a thread of several."""
        while not stopping.is_set():
            if not self.step():
                stopping.wait(IDLE_S)

    def step(self) -> bool:
        """Do the visit that has been due longest; False where none is."""
        key = self._agenda.take(self._clock.now())
        if key is None:
            return False
        if key == LIST:
            self._visit_list()
        elif key == NEWEST:
            self._visit_newest()
        else:
            self._visit_camera(key)
        return True

    @property
    def known(self) -> dict[str, Known]:
        """The newest clip of each camera, by this installation's id: what a runner that takes over has to know."""
        with self._lock:
            watches = tuple(self._watches.values())
        return {watch.camera.id: watch.known for watch in watches if watch.known is not None}

    def ask_again(self) -> None:
        """Ask for the list now: the configuration has changed."""
        self._agenda.put(LIST, self._clock.now())

    def _visit_list(self) -> None:
        try:
            listed = self.feed.cameras()
        except FetchFailed as error:
            self._list_failures += 1
            self.trouble = f"{self.feed.name}: its list of cameras cannot be had: {error}"
            log.warning("%s", self.trouble)
            ceiling_s = min(self._config.least_visit_s * 2.0**self._list_failures, self._config.list_every_s)
            wait_s = max(self._random.uniform(0, ceiling_s), error.retry_after_s or 0.0, 1.0)
            self._agenda.put(LIST, self._clock.now() + timedelta(seconds=wait_s))
            return
        self._list_failures, self.trouble = 0, None
        now = self._clock.now()
        if self._take_in(listed, now):
            self._city.changed()
        self._agenda.put(LIST, now + timedelta(seconds=self._config.list_every_s))
        if self._tells_newest:
            self._agenda.put(NEWEST, now)

    def _take_in(self, listed: Sequence[ListedCamera], now: datetime) -> bool:
        """Watch what is listed; returns whether the cameras are others than before."""
        on_list = {one.camera.id: one for one in listed}
        fresh = [one for one in listed if one.camera.id not in self._watches]
        self._welcome(fresh, now)
        changed = bool(fresh)
        for key, watch in self._watches.items():
            gone = ListedCamera(watch.listed.camera, watch.listed.location, OFF_THE_LIST)
            changed = self._update(key, watch, on_list.get(key, gone), now) or changed
        return changed

    def _welcome(self, fresh: Sequence[ListedCamera], now: datetime) -> None:
        """Cameras that were not listed before. They start one after the other, not all in one moment."""
        spread_s = min(self._config.newest_every_s, 60.0) / max(1, len(fresh))
        # A feed that tells what is new is asked that first.
        head_start_s = self._config.newest_every_s if self._tells_newest else 0.0
        for place, one in enumerate(fresh):
            watch = CameraWatch(one, self._city.named(one), self._config, self._city.noted, self._random)
            known = self._already.get(watch.camera.id)
            if known is not None:
                watch.resume(known)
            self._city.noted(watch.camera.id, CameraState.WAITING, now, None)
            with self._lock:
                self._watches[one.camera.id] = watch
            self._agenda.put(one.camera.id, now + timedelta(seconds=head_start_s + place * spread_s))

    def _update(self, key: str, watch: CameraWatch, one: ListedCamera, now: datetime) -> bool:
        """The list's newest word of a camera; returns whether it is another camera now."""
        with watch.lock:
            before, was_withdrawn = watch.camera, watch.listed.withdrawn
            watch.listed = one
            camera = self._city.named(one)
            if (camera.lat, camera.lon) != (before.lat, before.lon):
                log.warning("%s: camera %s is listed %s", self.feed.name, camera.id, _from_to(before, camera))
            learned_s = watch.learned_cadence_s
            if learned_s is not None and abs(learned_s - camera.cadence_s) > WORTH_CHANGING * camera.cadence_s:
                camera = camera.model_copy(update={"cadence_s": learned_s})
            watch.camera = camera
            if one.withdrawn is None and was_withdrawn is not None:
                watch.returned()
                self._agenda.put(key, now)
        if one.withdrawn is not None:
            self._agenda.drop(key)
            self._tell(watch, watch.withdrawn(one.withdrawn, now))
        return camera != before

    def _visit_newest(self) -> None:
        try:
            newest = self.feed.newest()
        except FetchFailed as error:
            log.warning("%s: what is new cannot be had, so its cameras are asked one by one: %s", self.feed.name, error)
            wait_s = max(self._config.newest_every_s * self._random.uniform(1, 3), error.retry_after_s or 0.0)
            self._agenda.put(NEWEST, self._clock.now() + timedelta(seconds=wait_s))
            return
        now = self._clock.now()
        if newest is None:
            self._tells_newest = False
            return
        patience = now + timedelta(seconds=2 * self._config.newest_every_s)
        for key, watch in list(self._watches.items()):
            if watch.listed.withdrawn is not None:
                continue
            version = newest.get(key)
            if version is None:
                # Nothing is published of it, says the list; the camera itself is asked when it is due.
                continue
            if version.same(watch.version):
                self._tell(watch, watch.unchanged(now))
                self._agenda.postpone(key, patience)
            else:
                self._agenda.hasten(key, now)
        self._agenda.put(NEWEST, now + timedelta(seconds=self._config.newest_every_s))

    def _visit_camera(self, key: str) -> None:
        watch = self._watches[key]
        if watch.listed.withdrawn is not None:
            return
        if key in self._backlog:
            if self._city.waits(watch.camera.id):
                self._agenda.put(key, self._clock.now() + timedelta(seconds=BACKLOG_S))
                return
            self._backlog.discard(key)
        try:
            media = self.feed.fetch(watch.listed, watch.version)
        except FetchFailed as error:
            self._failed(key, watch, error)
            return
        except Exception as error:  # an adapter's mistake must not end its thread: the camera says so
            log.exception("%s: fetching camera %s failed", self.feed.name, key)
            self._failed(key, watch, FetchFailed(f"fetching failed: {type(error).__name__}: {error}"))
            return
        now = self._clock.now()
        if media is None:
            self._tell(watch, watch.unchanged(now))
        else:
            self._tell(watch, watch.arrived(media, now), media.content)
            if media.more:  # nothing of a backlog may be skipped: the next one when this one has gone to be counted
                self._backlog.add(key)
                self._agenda.put(key, now)
                return
        self._agenda.put(key, watch.due(now))

    def _failed(self, key: str, watch: CameraWatch, error: FetchFailed) -> None:
        now = self._clock.now()
        self._tell(watch, watch.failed(error, now))
        self._agenda.put(key, watch.due(now, error))

    def _tell(self, watch: CameraWatch, news: Iterable[ClipReady], content: bytes | None = None) -> None:
        with watch.lock:
            for clip in news:
                self._city.found(clip, None if clip.fault else content)


def _from_to(before: Camera, after: Camera) -> str:
    return f"elsewhere: {before.lat:.5f} {before.lon:.5f} before, {after.lat:.5f} {after.lon:.5f} now"
