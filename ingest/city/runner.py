"""One feed at work: its list of cameras, its word of what is new, and its cameras, each asked when it is due."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Protocol

from core.bus import TopicClosed
from core.clock import Clock
from core.health import CameraState
from core.records import Camera, ClipReady
from ingest.city.agenda import Agenda
from ingest.city.config import CityConfig
from ingest.city.known_lists import KnownLists
from ingest.city.leaving import Leaving
from ingest.city.listing import Listing
from ingest.city.newest import Newest
from ingest.city.watch import CameraWatch
from ingest.feed import Feed, FetchFailed, ListedCamera, Remembering
from ingest.known import Known

log = logging.getLogger(__name__)

LIST = "*list"  # no camera is called so
NEWEST = "*newest"
IDLE_S = 0.05
BACKLOG_S = 0.5
WORTH_CHANGING = 0.1  # a learned cadence that differs by less leaves the camera as it is
OFF_THE_LIST = "the publisher no longer lists this camera"


class City(Protocol):
    """What a runner tells of its feed."""

    @property
    def idle(self) -> bool:
        """Whether all cameras are other processes'."""
        ...

    def mine(self, camera: str) -> bool:
        """Whether this process visits this camera, or another one does."""
        ...

    def held(self, camera: str) -> bool:
        """Whether that is so at this moment: `mine` says what it was when it was last looked at."""
        ...

    def pace(self, camera: str) -> float | None:
        """The cadence of a camera as the process that visits it has learned it; None where that is not known."""
        ...

    def found(self, clip: ClipReady, content: bytes | None) -> None:
        """A clip with its bytes, or one with its fault."""
        ...

    def named(self, listed: ListedCamera, learned_s: float | None) -> Camera:
        """The camera as this installation knows it: its id, its zones; `learned_s` is its cadence, once learned."""
        ...

    def claim(self, camera: str, by: str) -> bool:
        """Whether `by`, a listed camera of a feed, may have this id: two of one id would be counted as one street."""
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

    def unknown(self) -> None:
        """A feed that cannot be asked for its cameras knows of none."""
        ...


class FeedRunner:
    """Asks one feed for its cameras and clips. `step` does the visit that is due; `run` goes on doing so.

    All of its cameras are known here; those that are the city's are visited.
    """

    def __init__(
        self,
        feed: Feed,
        config: CityConfig,
        clock: Clock,
        city: City,
        *,
        random: Random,
        lists: KnownLists,
        already: Mapping[str, Known] | None = None,
    ) -> None:
        self.feed = feed
        self.listing = Listing(feed, config, lists, random)
        self.newest = Newest(feed, config, random)
        self._leaving = Leaving(feed.name)
        self._keeps = isinstance(feed, Remembering)
        self._config = config
        self._clock = clock
        self._city = city
        self._random = random
        self._already = dict(already or {})
        self._agenda = Agenda()
        self._lock = threading.Lock()
        self._handing_over = threading.Lock()
        self._watches: dict[str, CameraWatch] = {}
        self._backlog: set[str] = set()
        self._ended = threading.Event()
        self._unbegun: list[str] = []
        self._untold = False
        self.listed = False
        self._agenda.put(LIST, clock.now())

    @property
    def cameras(self) -> Sequence[Camera]:
        """The cameras of the feed as this installation knows them; one that left the list stays."""
        with self._lock:
            return tuple(watch.camera for watch in self._watches.values())

    def run(self) -> None:
        """Until `end`; a thread of several."""
        while not self._ended.is_set():
            if not self.step():
                self._ended.wait(IDLE_S)

    def end(self) -> None:
        """Ask no more. What an answer under way brings is let go."""
        self._ended.set()

    def step(self) -> bool:
        """Do the visit that has been due longest; False where none is.

        A mistake in a visit, ours or an adapter's, ends neither the thread nor the visit: it comes again later.
        """
        key = None if self._city.idle else self._agenda.take(self._clock.now())
        if key is None:
            return False
        try:
            self._visit(key)
        except TopicClosed:  # everything is being stopped
            self.end()
        except Exception:
            log.exception("%s: the visit %s failed", self.feed.name, key)
            self._agenda.put(key, self._clock.now() + timedelta(seconds=self._config.newest_every_s))
        return True

    def _visit(self, key: str) -> None:
        if key == LIST:
            self._visit_list()
        elif key == NEWEST:
            self._visit_newest()
        else:
            self._visit_camera(key)

    @property
    def known(self) -> dict[str, Known]:
        """The newest clip of each camera, by this installation's id: what a runner that takes over has to know."""
        with self._lock:
            watches = tuple(self._watches.values())
        known: dict[str, Known] = {}
        for watch in watches:
            with watch.lock:
                if watch.known is not None:
                    known[watch.camera.id] = watch.known
        return known

    def hand_over(self, known: Mapping[str, Known]) -> None:
        """Cameras have become the city's, or are no longer. `known` is what their owners before knew of the new ones.

        What an answer under way brings of a camera that is no longer visited is let go.
        """
        with self._handing_over:
            self._already |= known
            begun = []
            for name, watch in list(self._watches.items()):
                mine = self._city.mine(watch.camera.id)
                if mine == watch.mine:
                    continue
                with watch.lock:
                    watch.mine = False
                    self._agenda.drop(name)
                    self._backlog.discard(name)
                fresh = self._watch(watch.listed, watch.camera, mine)
                with self._lock:
                    self._watches[name] = fresh
                if mine:
                    begun.append(name)
        if begun:
            self._begin(begun, self._clock.now())

    def rename(self) -> None:
        """The configuration has changed: its words hold at once for the cameras that are known. The list comes anew."""
        now = self._clock.now()
        with self._handing_over:
            self._update_all([watch.listed for watch in list(self._watches.values())], now)
        self._agenda.put(LIST, now)

    def _visit_list(self) -> None:
        now = self._clock.now()
        listed = self.listing.ask()
        self._agenda.put(LIST, now + timedelta(seconds=self.listing.pause_s))
        if listed is not None:
            self._untold = self._untold or not self.listed
            believed = (*listed, *self._leaving.stay(listed, self._on_the_list()))
            self._take(believed, now)
            self.listed = True
            self.listing.keep(believed)
        elif not self._watches:
            self._take(self._listed_before(), now)
        if self._untold:  # still so, where telling fails: the next visit tells it
            self._city.changed()
            self._untold = False
        if self._unbegun:
            self._begin(self._unbegun, now)
            self._unbegun = []

    def _on_the_list(self) -> Mapping[str, ListedCamera]:
        """The cameras that it had so far, also where another process has asked for it, or this one before a restart."""
        if not self._watches:
            return {one.camera.id: one for one in self.listing.before}
        return {name: one.listed for name, one in self._watches.items() if one.listed.withdrawn != OFF_THE_LIST}

    def _listed_before(self) -> Sequence[ListedCamera]:
        """The list cannot be had, and no camera is known: those of the list before are visited until it can."""
        before = self.listing.before
        if before:
            log.warning("%s: until then its cameras are the %d that it listed before", self.feed.name, len(before))
        else:
            self._city.unknown()
        return before

    def _take(self, listed: Sequence[ListedCamera], now: datetime) -> None:
        with self._handing_over:
            welcomed = self._welcome(listed)
            self._unbegun += welcomed
            self._untold = self._update_all(listed, now) or bool(welcomed) or self._untold

    def _welcome(self, listed: Sequence[ListedCamera]) -> list[str]:
        """Watch the cameras that were not listed before; returns their names in the list."""
        fresh: list[str] = []
        for one in listed:
            name = one.camera.id
            if name in self._watches:
                continue
            camera = self._city.named(one, None)
            if not self._city.claim(camera.id, f"{self.feed.name}/{name}"):
                continue
            watch = self._watch(one, camera, self._city.mine(camera.id))
            with self._lock:
                self._watches[name] = watch
            fresh.append(name)
        return fresh

    def _watch(self, one: ListedCamera, camera: Camera, mine: bool) -> CameraWatch:
        """What is known of a camera before its first visit."""
        known = self._already.get(camera.id)
        if mine and known is not None and known.cadence_s is not None:
            camera = self._city.named(one, known.cadence_s)
        watch = CameraWatch(one, camera, self._config, self._city.noted, self._random, mine=mine, keeps=self._keeps)
        if mine and known is not None:
            watch.resume(known, self._clock.now())
        elif mine:
            self._city.noted(camera.id, CameraState.WAITING, self._clock.now(), None)
        return watch

    def _begin(self, fresh: Sequence[str], now: datetime) -> None:
        """The first visits of new cameras, one after the other and not all in one moment.

        A feed that tells what is new is asked that first.
        """
        begun = {name: watch for name in fresh if (watch := self._watches[name]).mine}
        if isinstance(self.feed, Remembering):
            given = {name: watch.event_time for name, watch in begun.items()}
            self.feed.resume({name: newest for name, newest in given.items() if newest is not None})
        spread_s = min(self._config.newest_every_s, 60.0) / max(1, len(begun))
        head_start_s = self._config.newest_every_s if self.newest.there else 0.0
        for place, (name, watch) in enumerate(begun.items()):
            self._put(name, watch, now + timedelta(seconds=head_start_s + place * spread_s))
        if self.newest.there:
            self._agenda.put(NEWEST, now)

    def _update_all(self, listed: Sequence[ListedCamera], now: datetime) -> bool:
        """The list's newest word of every camera; returns whether any is another camera now."""
        on_list = {one.camera.id: one for one in listed}
        changed = False
        for name, watch in list(self._watches.items()):
            gone = ListedCamera(watch.listed.camera, watch.listed.location, OFF_THE_LIST)
            changed = self._update(name, watch, on_list.get(name, gone), now) or changed
        return changed

    def _update(self, name: str, watch: CameraWatch, one: ListedCamera, now: datetime) -> bool:
        with watch.lock:
            before, was_withdrawn = watch.camera, watch.listed.withdrawn
            watch.listed = one
            learned_s = watch.learned_cadence_s if watch.mine else self._city.pace(before.id)
            if learned_s is not None and abs(learned_s - before.cadence_s) <= WORTH_CHANGING * before.cadence_s:
                learned_s = before.cadence_s
            camera = self._city.named(one, learned_s)
            if camera.id != before.id and not self._city.claim(camera.id, f"{self.feed.name}/{name}"):
                camera = before
            if (camera.lat, camera.lon) != (before.lat, before.lon):
                log.warning("%s: camera %s is listed %s", self.feed.name, camera.id, _from_to(before, camera))
            watch.camera = camera
            if one.withdrawn is None and was_withdrawn is not None and watch.mine:
                watch.returned()
                self._agenda.put(name, now)
        if one.withdrawn is not None:
            self._agenda.drop(name)
            self._tell(watch, watch.withdrawn(one.withdrawn, now))
        return camera != before

    def _visit_newest(self) -> None:
        before, had, now = self.newest.told, self.newest.ask(), self._clock.now()
        if not self.newest.there:
            return
        self._agenda.put(NEWEST, now + timedelta(seconds=self.newest.pause_s))
        watches = list(self._watches.items())
        for key, watch in watches if before and not had else ():
            due = watch.awaited_at
            if due is not None and not watch.overdue(now):
                self._agenda.hasten(key, due)
        for key, watch in watches if had else ():
            if watch.listed.withdrawn is not None:
                self._tell(watch, watch.withdrawn(watch.listed.withdrawn, now))
            elif self.newest.tells(key, watch.version):
                self._agenda.hasten(key, now)
            elif self.newest.denies(key, watch.version) and not watch.overdue(now):
                with watch.lock:
                    watch.denied(now)
                patience = now + timedelta(seconds=2 * self._config.newest_every_s)
                self._agenda.postpone(key, min(patience, watch.overdue_at or patience))
            # Else it is asked when it is due: it is not in the word, or not as it was seen there, or the word is old.

    def _visit_camera(self, key: str) -> None:
        watch = self._watches[key]
        if watch.listed.withdrawn is not None or not watch.mine:
            return
        if not self._city.held(watch.camera.id):
            self._put(key, watch, self._clock.now() + timedelta(seconds=BACKLOG_S))
            return
        if key in self._backlog:
            if self._city.waits(watch.camera.id):
                self._agenda.put(key, self._clock.now() + timedelta(seconds=BACKLOG_S))
                return
            self._backlog.discard(key)
        question, newest = self.newest.question(key, watch.version), watch.event_time
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
                self._put(key, watch, now)
                return
        self.newest.answered(key, question, new=watch.event_time != newest and not self._keeps)
        self._put(key, watch, watch.due(now) + timedelta(seconds=self.newest.wait_s(key, watch.cadence_s)))

    def _failed(self, key: str, watch: CameraWatch, error: FetchFailed) -> None:
        now = self._clock.now()
        self._tell(watch, watch.failed(error, now))
        self._put(key, watch, watch.due(now, error))

    def _put(self, key: str, watch: CameraWatch, due: datetime) -> None:
        """On the agenda, unless somebody else visits the camera now."""
        with watch.lock:
            if watch.mine:
                self._agenda.put(key, due)

    def _tell(self, watch: CameraWatch, news: Iterable[ClipReady], content: bytes | None = None) -> None:
        with watch.lock:
            if self._ended.is_set() or not watch.mine:  # another runner, or process, has taken over
                return
            for clip in news:
                self._city.found(clip, None if clip.fault else content)


def _from_to(before: Camera, after: Camera) -> str:
    return f"elsewhere: {before.lat:.5f} {before.lon:.5f} before, {after.lat:.5f} {after.lon:.5f} now"
