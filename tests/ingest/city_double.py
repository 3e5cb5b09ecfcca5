"""A publisher in memory, driven by a clock that tests move: what `ingest/city` is proved with."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from hand_clock import HandClock

from core.health import HealthEvent
from core.records import Camera, ClipReady
from core.shelf_memory import MemoryShelf
from ingest.city.config import CityConfig
from ingest.city.health import HealthLog
from ingest.city.known_lists import KnownLists
from ingest.city.source import CitySource
from ingest.feed import FetchFailed, ListedCamera, Media, Version

START = datetime(2026, 3, 12, 8, 0, tzinfo=UTC)


@dataclass
class Publisher:
    """A `Feed`: `cameras` places that publish a clip every `cadence_s`, `lag_s` after it was filmed.

    `fault` may raise or change what is answered: it is asked at every fetch with the camera's id.
    """

    clock: HandClock
    names: Sequence[str] = ("a", "b", "c")
    cadence_s: float = 240.0
    lag_s: float = 20.0
    lists_newest: bool = False
    tells_time: bool = True
    fault: Callable[[str], None] = lambda _: None
    frozen: dict[str, int] = field(default_factory=dict)
    withdrawn: dict[str, str] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    fetches: list[tuple[datetime, str]] = field(default_factory=list)
    name: str = "double"
    choice: str = "all"
    lat: float = 51.5

    def number(self, camera: str) -> int:
        """The number of the clip that is published now; cameras take turns within a cadence."""
        turn_s = self.cadence_s * self.names.index(camera) / len(self.names)
        elapsed_s = (self.clock.now() - START).total_seconds() - self.lag_s - turn_s
        return self.frozen.get(camera, math.floor(elapsed_s / self.cadence_s))

    def filmed(self, camera: str, number: int) -> datetime:
        turn_s = self.cadence_s * self.names.index(camera) / len(self.names)
        return START + timedelta(seconds=turn_s + number * self.cadence_s)

    def version(self, camera: str) -> Version:
        number = self.number(camera)
        return Version(f"{camera}-{number}", self.filmed(camera, number) if self.tells_time else None)

    def cameras(self) -> Sequence[ListedCamera]:
        self.fault("*list")
        return [
            ListedCamera(
                Camera(id=name, name=name, lat=self.lat, lon=-0.1, cadence_s=300.0), f"https://double/{name}",
                self.withdrawn.get(name),
            )
            for name in self.names if name not in self.hidden
        ]  # fmt: skip

    def newest(self) -> Mapping[str, Version] | None:
        self.fault("*newest")
        return {name: self.version(name) for name in self.names} if self.lists_newest else None

    def fetch(self, listed: ListedCamera, known: Version | None) -> Media | None:
        camera = listed.camera.id
        self.fetches.append((self.clock.now(), camera))
        self.fault(camera)
        version = self.version(camera)
        if version.same(known):
            return None
        return Media(f"{camera} {self.number(camera)}".encode(), version.modified, version)


@dataclass
class Run:
    """A city over a publisher, stepped by hand: everything that came out of it, in order."""

    publisher: Publisher
    config: CityConfig = field(default_factory=CityConfig)
    already: dict = field(default_factory=dict)
    before: Sequence[Camera] = ()
    known: Sequence[HealthEvent] = ()
    lists: KnownLists = field(default_factory=lambda: KnownLists(MemoryShelf()))
    clips: list[ClipReady] = field(default_factory=list)
    events: list[HealthEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = self.publisher.clock
        self.city = CitySource(
            [self.publisher], self.config, self.clock, HealthLog(self.events.append, self.known, self.clock.now()),
            before=self.before, already=self.already, lists=self.lists, seed=1,
        )  # fmt: skip

    def go(self, seconds: float, tick_s: float = 5.0) -> None:
        """Let the time pass, doing every visit that falls due; clips are taken, and their bytes read, at once."""
        end = self.clock.now() + timedelta(seconds=seconds)
        while self.clock.now() < end:
            while any(runner.step() for runner in self.city.runners):
                pass
            while (clip := self.city.waiting.take(0)) is not None:
                if clip.fault is None:
                    self.city.read(clip)
                self.clips.append(clip)
            self.clock.time += timedelta(seconds=tick_s)

    def counted(self, camera: str) -> list[ClipReady]:
        return [clip for clip in self.clips if clip.camera == camera and clip.fault is None]

    def faults(self, camera: str) -> list[ClipReady]:
        return [clip for clip in self.clips if clip.camera == camera and clip.fault is not None]


def failing(*cameras: str, message: str = "double answered 503", retry_after_s: float | None = None):
    """A fault: these cameras (or `*list`, `*newest`) answer with an error."""

    def fault(camera: str) -> None:
        if camera in cameras:
            raise FetchFailed(message, retry_after_s=retry_after_s)

    return fault


def at_random(share: float, seed: int):
    """A fault: this share of all fetches fails."""
    random = Random(seed)

    def fault(camera: str) -> None:
        if random.random() < share:
            raise FetchFailed("double hung up")

    return fault
