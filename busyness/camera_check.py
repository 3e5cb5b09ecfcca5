"""`busyness cameras --check`: what each camera gives at this moment, fetched and counted once; nothing is stored."""

from __future__ import annotations

import queue
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from busyness.cameras import Place, open_places
from busyness.config import Config
from busyness.jailed_counter import JailedCounter
from busyness.progress import progress_bar
from busyness.wiring import open_clock, open_counters, views_of
from core.clock import Clock
from core.config import Closed
from core.errors import ConfigError
from core.records import ClipFault, ClipReady, CountObservation, Status
from ingest.feed import FetchFailed

FETCHING = 8

SHARE = 0.5
"""Of every limit of a source (`web.requests_per_minute`, `web.concurrency`) this much is used: an installation may run
beside it, which asks the same hosts and knows nothing of it."""


class Look(Closed):
    """What a camera gave when it was looked at: counted, or why not. `age_s` is from its event time to then."""

    camera: str
    name: str
    source: str
    status: Status
    reason: str | None
    event_time: datetime | None
    age_s: float | None
    size_bytes: int | None
    people: float | None
    vehicles: float | None

    @property
    def had(self) -> bool:
        """Whether the publisher gave a clip, counted or not, or says himself that there is none."""
        return self.event_time is not None or self.status is Status.WITHDRAWN


def check(config: Config, names: Sequence[str], *, as_json: bool, console: Console, notes: Console) -> bool:
    """Fetch and count the newest clip of every camera, or of those named, once. Nothing is stored.

    A camera is counted as the installation would count its next clip: by the views that are known of it, and what
    operators have said of them. Returns whether every list could be had, and every camera that was asked. Raises
    `NotFound` for a name that is none, `ConfigError` where clips do not come from feeds, and `StoreError` where the
    views cannot be read: without them a camera that looks into a window would be counted.
    """
    if not config.feeds:
        raise ConfigError(
            "these cameras have no feed that could be asked",
            remedy="--check is for feeds; busyness replay counts a folder",
        )
    clock = open_clock(config)
    with open_places(config, clock, share=SHARE) as places:
        places.tell_troubles(as_json=as_json, notes=notes)
        looks = _looks(config, clock, places.select(names), as_json=as_json, notes=notes)
    if not as_json and looks:
        console.print(_looks_table(sorted(looks, key=lambda look: (look.status is Status.OK, look.camera))))
    return not places.troubles and all(look.had for look in looks)


def _looks(config: Config, clock: Clock, chosen: Sequence[Place], *, as_json: bool, notes: Console) -> list[Look]:
    """A look at each of these cameras, in the order in which they answered; in JSON each is written as it comes."""
    looks: list[Look] = []
    if not chosen:
        return looks
    with _Desk(config, clock) as desk, progress_bar(notes) as progress, ThreadPoolExecutor(FETCHING) as pool:
        task = progress.add_task("cameras", total=len(chosen))
        for done in as_completed([pool.submit(desk.look, place) for place in chosen]):
            looks.append(done.result())
            progress.advance(task)
            if as_json:
                sys.stdout.write(looks[-1].model_dump_json() + "\n")
                sys.stdout.flush()
    return looks


class _Desk:
    """Looks at cameras, many at a time; they share the counters."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._clock = clock
        self._views = views_of(config)
        self._held: dict[tuple[str, datetime], bytes] = {}
        self._counters = open_counters(config, self, clock)
        self._free: queue.Queue[JailedCounter] = queue.Queue()
        for counter in self._counters:
            self._free.put(counter)

    def __enter__(self) -> _Desk:
        return self

    def __exit__(self, *_: object) -> None:
        for counter in self._counters:
            counter.close()

    def read(self, clip: ClipReady) -> bytes:
        return self._held[clip.camera, clip.event_time]

    def look(self, place: Place) -> Look:
        clip = self._fetched(place)
        scene = self._views.foreseen(place.camera.id).scene()
        counter = self._free.get()
        try:
            observations = counter.report(place.camera, clip, scene).observations
        finally:
            self._free.put(counter)
            self._held.pop((clip.camera, clip.event_time), None)
        first = observations[0]
        age_s = None if clip.fault else (self._clock.now() - clip.event_time).total_seconds()
        return Look(
            camera=place.camera.id, name=place.camera.name, source=place.feed.name,
            status=first.status, reason=first.reason, event_time=None if clip.fault else clip.event_time, age_s=age_s,
            size_bytes=clip.size_bytes,
            people=_sum("people", observations), vehicles=_sum("vehicles", observations),
        )  # fmt: skip

    def _fetched(self, place: Place) -> ClipReady:
        listed, now = place.listed, self._clock.now()
        clip = ClipReady(camera=place.camera.id, event_time=now, location=listed.location)
        if listed.withdrawn is not None:
            fault = ClipFault.of(Status.WITHDRAWN, listed.withdrawn)
            return clip.model_copy(update={"fault": fault})
        try:
            media = place.feed.fetch(listed, None)
        except FetchFailed as error:
            return clip.model_copy(update={"fault": ClipFault.of(error.status, str(error))})
        if media is None:
            fault = ClipFault.of(Status.UNREACHABLE, "the publisher says that there is nothing new")
            return clip.model_copy(update={"fault": fault})
        found = clip.model_copy(
            update={"event_time": media.event_time or now, "size_bytes": len(media.content), "etag": media.version.etag}
        )
        self._held[found.camera, found.event_time] = media.content
        return found


def _sum(series: str, observations: Sequence[CountObservation]) -> float | None:
    """Over the zones of a camera; None where it was not counted."""
    figures = [one.present.get(series) for one in observations if one.present is not None]
    return sum(figures) if figures else None


def _looks_table(looks: Sequence[Look]) -> Table:
    statuses = Counter(look.status.value for look in looks)
    table = Table(title=", ".join(f"{number} {status}" for status, number in statuses.most_common()))
    for heading in ("camera", "name", "age", "people", "vehicles", "status"):
        table.add_column(
            heading, overflow="fold", justify="right" if heading in ("age", "people", "vehicles") else "left"
        )
    for look in looks:
        figures = ["" if figure is None else f"{figure:.1f}" for figure in (look.people, look.vehicles)]
        age = "" if look.age_s is None else f"{look.age_s / 60:.1f} min"
        told = look.status.value + (f": {look.reason}" if look.reason else "")
        table.add_row(escape(look.camera), escape(look.name), age, *figures, escape(told))
    return table
