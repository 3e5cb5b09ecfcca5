"""Several processes that share a publisher's cameras, stepped by hand: their ownership, their shelf and their bus.

Whatever a process does to the shelf or the bus can be made to fail, or to be its last act.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from city_double import START, Publisher
from hand_clock import HandClock

from core.bus import CLIPS
from core.errors import BusError, StoreError
from core.health import HealthEvent
from core.ownership import place_of
from core.records import Camera, ClipReady
from core.shelf import Document
from core.shelf_memory import MemoryShelf
from ingest.city.config import CityConfig
from ingest.city.health import HealthLog
from ingest.city.known_lists import KnownLists
from ingest.city.progress import Progress
from ingest.city.publishing import CityPublisher
from ingest.city.source import CitySource
from ingest.feed import ListedCamera, Media, Version
from ingest.known import Known
from ingest.lending.loans import Loans


class Died(BaseException):
    """A process was killed in the middle of something."""


@dataclass
class HandOwnership:
    """Owns what a test says."""

    places: int
    held: set[int] = field(default_factory=set)

    def owned(self) -> frozenset[int]:
        return frozenset(self.held)

    def close(self) -> None:
        self.held.clear()


@dataclass
class ShelfOfOne:
    """The shelf of all, as one process reaches it. What is put may be there although the process hears of nothing."""

    world: World
    process: Process

    def names(self) -> list[str]:
        return self.world.shelf.names()

    def get(self, name: str) -> Document | None:
        self.world.trouble(self.process)
        return self.world.shelf.get(name)

    def put(self, name: str, text: str, *, version: int | None) -> int | None:
        self.world.trouble(self.process)
        kept = self.world.shelf.put(name, text, version=version)
        if kept is not None:
            self.world.written(name, text)
        self.world.trouble(self.process)
        return kept


@dataclass
class BusOfOne:
    """The bus of all, as one process reaches it: what is published is there at once."""

    world: World
    process: Process

    def publish(self, topic: Any, record: Any) -> None:
        self.world.trouble(self.process)
        if topic is CLIPS:
            clip, process = ClipReady.model_validate_json(record.model_dump_json()), self.process
            self.world.arrived(Published(self.world.clock.now(), process.number, clip, process.owns(clip.camera)))
        else:
            self.world.notes.append(record)

    def flush(self) -> None:
        self.world.trouble(self.process)


@dataclass(frozen=True)
class Fetch:
    """Bytes of a clip went to a process, which had been told this much of the camera when it took it over.

    `term` counts how often the camera had changed hands, in fact or on the shelf.
    """

    at: datetime
    process: int
    camera: str
    content: bytes
    known: Known | None
    term: int


@dataclass
class Published:
    """A record on the bus. `owned` says whether its publisher had the camera at that moment."""

    at: datetime
    process: int
    clip: ClipReady
    owned: bool
    counted: bool = False


@dataclass
class ToldPublisher(Publisher):
    """A publisher as one process sees it, which tells of what it gives."""

    on_given: Callable[[str, bytes], None] = lambda *_: None

    def fetch(self, listed: ListedCamera, known: Version | None) -> Media | None:
        media = super().fetch(listed, known)
        if media is not None:
            self.on_given(listed.camera.id, media.content)
        return media


class Process:
    """One ingest process, without its threads."""

    def __init__(self, world: World, number: int) -> None:
        self.number = number
        self.alive = True
        self.ownership = HandOwnership(world.places)
        self.publisher = ToldPublisher(world.clock, **world.publisher)
        self.publisher.on_given = lambda camera, content: world.given(self, camera, content)
        self.loans = Loans(world.megabytes, 600.0, world.clock)
        self._world = world
        progress = Progress(ShelfOfOne(world, self), world.places)
        health = HealthLog()
        self.city = CitySource(
            [self.publisher], world.config, world.clock, health,
            ownership=self.ownership, progress=progress, before=world.before, lists=KnownLists(world.lists),
            monotonic=lambda: world.clock.now().timestamp(), seed=number,
        )  # fmt: skip
        self.out = CityPublisher(
            self.city, BusOfOne(world, self), progress, self.loans, lambda name: f"http://{number}/clips/{name}"
        )
        health.on_event = self.out.note
        self.city.on_cameras = self.out.tell_paces

    def owns(self, camera: str) -> bool:
        return place_of(camera, self._world.places) in self.ownership.held

    def known(self, camera: str) -> Known | None:
        return self.city._already.get(camera)

    def round(self) -> None:
        """All that is due now: first its fetching threads', then its publishing thread's."""
        for _ in range(3):
            while any(runner.step() for runner in self.city.runners):
                pass
            self.publish()

    def publish(self) -> None:
        """What its publishing thread does between two waits."""
        with suppress(StoreError, BusError):
            self.out.step(0.0)


@dataclass
class World:
    """The clock, the shelf and the bus of all processes; and a worker that borrows what they lend."""

    publisher: dict[str, Any] = field(default_factory=dict)
    places: int = 4
    megabytes: int = 64
    config: CityConfig = field(default_factory=CityConfig)
    trouble: Callable[[Process], None] = lambda _: None
    meanwhile: Callable[[Process], None] = lambda _: None
    borrows: float = 1.0
    seed: int = 0
    clock: HandClock = field(default_factory=lambda: HandClock(START))
    before: Sequence[Camera] = ()
    shelf: MemoryShelf = field(default_factory=MemoryShelf)
    lists: MemoryShelf = field(default_factory=MemoryShelf)
    processes: list[Process] = field(default_factory=list)
    published: list[Published] = field(default_factory=list)
    notes: list[HealthEvent] = field(default_factory=list)
    fetches: list[Fetch] = field(default_factory=list)
    terms: list[tuple[datetime, int, int | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self._unread: list[Published] = []
        self._writers: dict[str, list[str]] = {}

    @property
    def living(self) -> list[Process]:
        return [process for process in self.processes if process.alive]

    @property
    def records(self) -> list[Published]:
        """What is on the bus, without what was missed."""
        return [one for one in self.published if one.clip.fault is None]

    def add(self) -> Process:
        self.processes.append(Process(self, len(self.processes)))
        return self.processes[-1]

    def give(self, place: int, process: Process | None, *, unheard: bool = False) -> None:
        """The place changes hands; None: for a while it is nobody's. `unheard` by those that had it until then."""
        for other in self.processes:
            if not unheard:
                other.ownership.held.discard(place)
        if process is not None:
            process.ownership.held.add(place)
        self.terms.append((self.clock.now(), place, None if process is None else process.number))

    def share_out(self) -> None:
        """Every place is somebody's who lives, and nobody else thinks that it is his."""
        for place in range(self.places):
            owner = next((number for _, of, number in reversed(self.terms) if of == place), None)
            if owner is None or not self.processes[owner].alive:
                self.give(place, self.random.choice(self.living))
            else:
                for other in self.processes:
                    if other.number != owner:
                        other.ownership.held.discard(place)

    def kill(self, process: Process) -> None:
        process.alive = False
        for place in tuple(process.ownership.held):
            self.give(place, None)

    def given(self, process: Process, camera: str, content: bytes) -> None:
        place = place_of(camera, self.places)
        term = sum(1 for _, of, _ in self.terms if of == place)
        term += len(self._writers.get(f"{place}-of-{self.places}", ()))
        self.fetches.append(Fetch(self.clock.now(), process.number, camera, content, process.known(camera), term))
        self.meanwhile(process)

    def arrived(self, record: Published) -> None:
        self._unread.append(record)
        self.published.append(record)

    def written(self, name: str, text: str) -> None:
        writers, writer = self._writers.setdefault(name, []), json.loads(text)["owner"]
        if writers[-1:] != [writer]:
            writers.append(writer)

    def go(self, seconds: float, each: Callable[[], None] = lambda: None, tick_s: float = 5.0) -> None:
        end = self.clock.now() + timedelta(seconds=seconds)
        while self.clock.now() < end:
            each()
            for process in self.living:
                self._round(process)
            self._count()
            self.clock.time += timedelta(seconds=tick_s)

    def _round(self, process: Process) -> None:
        try:
            process.round()
        except Died:
            self.kill(process)

    def _count(self) -> None:
        """The worker takes the clips in their order, as many as it has time for."""
        while self._unread and self.random.random() < self.borrows:
            record = self._unread.pop(0)
            lender = self.processes[record.process]
            if record.clip.fault is None and lender.alive:
                record.counted = lender.loans.ask(record.clip.content or "") is not None
