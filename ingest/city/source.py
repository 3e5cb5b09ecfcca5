"""A whole city as one `Source`: all its feeds, fetching side by side, into one waiting room.

Where several processes share a city, each has its places (`core.ownership`): it lists every camera, and visits those of
its places. `look` says what has changed hands.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random

from core.clock import Clock
from core.health import CameraState
from core.ownership import AllOwned, Ownership, place_of
from core.records import Camera, ClipReady
from core.shelf_memory import MemoryShelf
from ingest.city.config import CityConfig
from ingest.city.health import HealthLog
from ingest.city.known_lists import KnownLists
from ingest.city.progress import Progress
from ingest.city.runner import FeedRunner
from ingest.city.waiting import WaitingRoom
from ingest.feed import Feed, ListedCamera
from ingest.known import Known

log = logging.getLogger(__name__)

TAKE_S = 0.2
PAUSE_S = 15.0
"""While processes share their places anew, for a moment nobody has any; most come back to where they were."""

NOT_WATCHED = "nobody watched this camera: busyness was not running"

Naming = Callable[[ListedCamera, float | None], Camera]
"""What this installation calls a listed camera, whose learned cadence is given once it is known."""


def as_listed(listed: ListedCamera, learned_s: float | None) -> Camera:
    """The camera as its publisher lists it."""
    return listed.camera if learned_s is None else listed.camera.model_copy(update={"cadence_s": learned_s})


class CitySource:
    """A `Source` and a `MediaReader`: clips of all feeds, the freshest first, each fetched once.

    `naming` makes of a listed camera the one of this installation. `already` is what was counted before a restart, and
    `before` the cameras that were known then: they stay until every feed has given its list. `lists` are the lists of
    before: a feed that cannot give its own goes on with that.
    `on_cameras` is told whenever cameras appear, move or change their cadence.

    One process of several has its `ownership`, and `progress` is what goes from owner to owner in place of `already`;
    `on_share` is told which part of all places is its own whenever that changes.
    """

    def __init__(
        self,
        feeds: Sequence[Feed],
        config: CityConfig,
        clock: Clock,
        health: HealthLog,
        *,
        naming: Naming = as_listed,
        before: Sequence[Camera] = (),
        already: Mapping[str, Known] | None = None,
        lists: KnownLists | None = None,
        on_cameras: Callable[[Sequence[Camera]], None] = lambda _: None,
        ownership: Ownership | None = None,
        progress: Progress | None = None,
        on_share: Callable[[float], None] = lambda _: None,
        monotonic: Callable[[], float] = time.monotonic,
        seed: int | None = None,
    ) -> None:
        self.waiting = WaitingRoom(config.waiting_mb * 1024 * 1024)
        self.health = health
        self.on_cameras = on_cameras
        self.on_share = on_share
        self._ownership = ownership or AllOwned()
        self._places = self._ownership.places
        self._monotonic = monotonic
        self._paused_s: float | None = None
        self._progress = progress
        self._owned = self._ownership.owned() if progress is None else frozenset[int]()
        self._paces: dict[str, float] = {}
        self._config = config
        self._clock = clock
        self._naming = naming
        self._lists = lists or KnownLists(MemoryShelf())
        self._already = dict(already or {})
        self._random = Random(seed)  # noqa: S311 - spreads visits, keeps no secret
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._before = self._cameras = tuple(before)
        self._sources: dict[str, str] = {}
        self._claims: dict[str, str] = {}
        self._refused: set[tuple[str, str]] = set()
        self._running = False
        self.runners: tuple[FeedRunner, ...] = tuple(self._runner(feed) for feed in feeds)

    @property
    def cameras(self) -> Sequence[Camera]:
        """The cameras that the publishers list; another tuple once they have changed."""
        return self._cameras

    @property
    def sources(self) -> Mapping[str, str]:
        """The name of the feed that each camera is of, by camera; another mapping once the cameras have changed."""
        return self._sources

    @property
    def owned(self) -> frozenset[int]:
        """The places whose cameras are visited."""
        return self._owned

    def look(self) -> bool:
        """Take over what is ours now, and let go of what is not any more; returns whether clips may be published.

        Where nothing is ours, most of it may come back within a moment: until then nothing is visited, and nothing may
        be published. Of a camera that is let go nothing is found any more. Raises `StoreError` where the progress of
        the owner before cannot be had: then what was to be taken over is looked at again.
        """
        owned = self._ownership.owned()
        lost, gained = self._owned - owned, owned - self._owned
        if lost and not owned:
            self._paused_s = self._monotonic() if self._paused_s is None else self._paused_s
            if self._monotonic() - self._paused_s < PAUSE_S:
                return False
        self._paused_s = None
        if lost:
            self.lose(lost)
        if gained:
            known = {} if self._progress is None else self._progress.take(gained)
            self._hand_over(self._owned | gained, known)
            self._say_unwatched(gained)
        return True

    def lose(self, places: Iterable[int]) -> None:
        """These places are somebody else's. Where they are ours after all, the next `look` takes them over anew."""
        lost = frozenset(places)
        if self._progress is not None:
            self._progress.drop(lost)
        self._hand_over(self._owned - lost, {})
        self.waiting.forget({camera.id for camera in self._cameras if self.mine(camera.id)})

    def learn_paces(self) -> None:
        """Read how fast the cameras of the other processes are; whoever saves all cameras has to know.

        Raises `StoreError`.
        """
        if self._progress is not None:
            known = self._progress.everybodys()
            self._paces = {camera: one.cadence_s for camera, one in known.items() if one.cadence_s is not None}

    def start(self) -> None:
        """Begin to fetch, in threads of its own, until `stop`."""
        self._running = not self._stopping.is_set()
        self._say_unwatched(self._owned)
        for runner in self.runners:
            self._start(runner)

    def clips(self) -> Iterator[ClipReady]:
        """Start fetching, and give what was fetched until `stop`."""
        self.start()
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
            runner.end()
        self.waiting.close()

    @property
    def list_failures(self) -> Mapping[str, int]:
        """By feed, how often in a row its list of cameras was asked for in vain."""
        return {runner.feed.name: runner.listing.failures for runner in self.runners}

    @property
    def newest_behind(self) -> Mapping[str, int]:
        """By feed, of how many cameras it does not tell what is new, though they have it."""
        return {runner.feed.name: runner.newest.behind for runner in self.runners}

    @property
    def idle(self) -> bool:
        return not self._owned or self._paused_s is not None or not self._ownership.owned()

    def mine(self, camera: str) -> bool:
        return place_of(camera, self._places) in self._owned

    def held(self, camera: str) -> bool:
        return place_of(camera, self._places) in self._ownership.owned()

    def pace(self, camera: str) -> float | None:
        return self._paces.get(camera)

    def found(self, clip: ClipReady, content: bytes | None) -> None:
        if content is None:
            self.waiting.put_fault(clip)
        else:
            self.waiting.put(clip, content)

    def named(self, listed: ListedCamera, learned_s: float | None) -> Camera:
        return self._naming(listed, learned_s)

    def claim(self, camera: str, by: str) -> bool:
        with self._lock:
            owner = self._claims.setdefault(camera, by)
            if owner != by and (camera, by) not in self._refused:
                self._refused.add((camera, by))
                log.warning("camera %s is that of %s: %s, which has the same id, is not counted", camera, owner, by)
            return owner == by

    def replace(self, feeds: Sequence[Feed], naming: Naming) -> None:
        """The configuration has changed: go on with these feeds. One that was here before goes on where it is.

        What `naming` says of known cameras holds at once. The cameras of a feed that was exchanged stay as they are
        until its successor has given its list.
        """
        self._naming = naming
        staying = {id(runner.feed): runner for runner in self.runners if any(runner.feed is feed for feed in feeds)}
        for runner in self.runners:
            if id(runner.feed) not in staying:
                runner.end()
            self._already |= runner.known
        names = {runner.feed.name for runner in staying.values()}
        with self._lock:
            self._claims = {camera: by for camera, by in self._claims.items() if by.partition("/")[0] in names}
            self._refused.clear()
            kept = {feed.name for feed in feeds}
            self._before = tuple(one for one in self._cameras if self._sources.get(one.id) in (None, *kept))
            self.runners = tuple(staying.get(id(feed)) or self._runner(feed) for feed in feeds)
        for runner in self.runners:
            if id(runner.feed) in staying:
                runner.rename()
                continue
            log.warning("%s: what is new of it holds as soon as it has given its list of cameras", runner.feed.name)
            if self._running:
                self._start(runner)
        self.changed()

    def waits(self, camera: str) -> bool:
        return self.waiting.holds(camera)

    def noted(self, camera: str, state: CameraState, since: datetime, reason: str | None) -> None:
        self.health.note(camera, state, since, reason)

    def changed(self) -> None:
        with self._lock:
            found = {camera.id: camera for runner in self.runners for camera in runner.cameras}
            sources = {camera.id: runner.feed.name for runner in self.runners for camera in runner.cameras}
            if not all(runner.listed for runner in self.runners):
                found = {camera.id: camera for camera in self._before} | found
                sources = {camera: name for camera, name in self._sources.items() if camera in found} | sources
            self._cameras, self._sources = tuple(found.values()), sources
            self.waiting.forget(found.keys())
            self.on_cameras(self._cameras)

    def unknown(self) -> None:
        """Cameras that were known before and cannot be visited say why, once it is known that they are no other feed's.

        Where there are several such feeds, nobody knows of which of them they are.
        """
        blind = [runner for runner in self.runners if not runner.cameras and not runner.listed]
        if any(runner.listing.trouble is None for runner in blind):  # it was not asked yet
            return
        watched = {camera.id for runner in self.runners for camera in runner.cameras}
        lost = [camera.id for camera in self._before if camera.id not in watched]
        if len(blind) == 1:
            with self._lock:
                self._sources = {**self._sources, **dict.fromkeys(lost, blind[0].feed.name)}
        reason = "; ".join(runner.listing.trouble or "" for runner in blind)
        for camera in filter(self.mine, lost):
            self.noted(camera, CameraState.UNREACHABLE, self._clock.now(), reason)

    def _say_unwatched(self, places: Iterable[int]) -> None:
        """Of the cameras of these places, which are watched from now on: how long nobody did, where that was long.

        For as long as a camera that brings nothing would not be called stale it makes no difference. What each has
        brought last stands until the next was due.
        """
        now, places = self._clock.now(), frozenset(places)
        for camera in self._cameras:
            known = self._already.get(camera.id)
            newest = None if known is None or place_of(camera.id, self._places) not in places else known.newest
            if newest is not None and (now - newest).total_seconds() > self._config.stale_after * camera.cadence_s:
                since = newest + timedelta(seconds=camera.cadence_s)
                self.noted(camera.id, CameraState.WAITING, since, NOT_WATCHED)

    def _hand_over(self, owned: frozenset[int], known: Mapping[str, Known]) -> None:
        """Less to ask for at once, more only once it is known what was asked for before."""
        share = len(owned) / self._places
        if len(owned) < len(self._owned):
            self.on_share(share)
        self._owned = owned
        self._already |= known
        for runner in self.runners:
            runner.hand_over(known)
        self.on_share(share)

    def _runner(self, feed: Feed) -> FeedRunner:
        return FeedRunner(
            feed, self._config, self._clock, self, random=self._random, lists=self._lists, already=self._already
        )

    def _start(self, runner: FeedRunner) -> None:
        for number in range(self._config.threads):
            name = f"fetch-{runner.feed.name}-{number}"
            threading.Thread(target=runner.run, name=name, daemon=True).start()
