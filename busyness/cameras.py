"""`busyness cameras`: which cameras a configuration has, what each gives at this moment, and how each has been."""

from __future__ import annotations

import json
import queue
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime

import httpx
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from busyness.city import OpenFeeds, naming
from busyness.config import Config
from busyness.jailed_counter import JailedCounter
from busyness.keeping import lasts, open_store
from busyness.progress import progress_bar
from busyness.running import ask
from busyness.sites import Sites
from busyness.wiring import cameras_of, open_clock, open_counters, views_of
from core.clock import Clock
from core.config import Closed
from core.errors import BusynessError, ConfigError, NotFound
from core.health import HealthEvent
from core.records import Camera, ClipFault, ClipReady, CountObservation, Status
from ingest.camera_id import CameraIds
from ingest.feed import Feed, FetchFailed, ListedCamera
from ingest.fetch.guard import shown

FETCHING = 8
ASK_S = 2.0


@dataclass(frozen=True)
class Place:
    """A camera as this installation names it, the feed that has it, and how that lists it."""

    camera: Camera
    feed: Feed
    listed: ListedCamera


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


@contextmanager
def places(config: Config, clock: Clock, notes: Console) -> Iterator[list[Place]]:
    """The cameras that the publishers list now. A feed that gives no list is said, and left out."""
    with closing(OpenFeeds(clock)) as feeds:
        named, sites = naming(config, ()), Sites.read(config)
        found: list[Place] = []
        for feed in feeds.of(config.feeds):
            try:
                found += [Place(sites.dressed(named(listed, None)), feed, listed) for listed in feed.cameras()]
            except FetchFailed as error:
                notes.print(f"{feed.name}: {error}", style="red", markup=False, highlight=False)
        yield found


def select(found: Sequence[Place], names: Sequence[str]) -> list[Place]:
    """The cameras that are named, as the publisher or the operator calls them; all of them where none is."""
    if not names:
        return list(found)
    by_id = {place.camera.id: place for place in found}
    return [by_id[name] for name in _known(names, list(by_id))]


def show_list(config: Config, names: Sequence[str], *, as_json: bool, console: Console, notes: Console) -> None:
    """Every camera with its zones: those written in the configuration, or those that its publishers list now."""
    if not config.feeds:
        _show([(camera, None) for camera in cameras_of(config)], as_json=as_json, console=console)
        return
    with places(config, open_clock(config), notes) as found:
        chosen = [(place.camera, place) for place in select(found, names)]
        _show(chosen, as_json=as_json, console=console)


def _where(location: str) -> str:
    """Where a camera's media are, for people and logs: of an address without the query, which may hold a key."""
    return shown(location) if "://" in location else location


def _show(found: Sequence[tuple[Camera, Place | None]], *, as_json: bool, console: Console) -> None:
    if as_json:
        for camera, place in found:
            told = {} if place is None else {
                "source": place.feed.name, "location": _where(place.listed.location),
                "withdrawn": place.listed.withdrawn,
            }  # fmt: skip
            sys.stdout.write(json.dumps(camera.model_dump(mode="json") | told) + "\n")
        return
    table = Table(title=f"{len(found)} cameras")
    for heading in ("camera", "name", "lat", "lon", "zones", "source", ""):
        table.add_column(heading, overflow="fold")
    for camera, place in found:
        zones = ", ".join(zone.id for zone in camera.counted_zones)
        source = ("", "") if place is None else (place.feed.name, place.listed.withdrawn or "")
        words = (camera.id, camera.name, f"{camera.lat:.5f}", f"{camera.lon:.5f}", zones, *source)
        table.add_row(*map(escape, words))
    console.print(table)


def check(config: Config, names: Sequence[str], *, as_json: bool, console: Console, notes: Console) -> None:
    """Fetch and count the newest clip of every camera, or of those named, once. Nothing is stored.

    Raises `NotFound` for a name that is none, `ConfigError` where clips do not come from feeds.
    """
    if not config.feeds:
        raise ConfigError(
            "these cameras have no feed that could be asked",
            remedy="--check is for feeds; busyness replay counts a folder",
        )
    clock = open_clock(config)
    looks: list[Look] = []
    with places(config, clock, notes) as found, _Desk(config, clock) as desk, progress_bar(notes) as progress:
        chosen = select(found, names)
        task = progress.add_task("cameras", total=len(chosen))
        with ThreadPoolExecutor(FETCHING) as pool:
            for done in as_completed([pool.submit(desk.look, place) for place in chosen]):
                looks.append(done.result())
                progress.advance(task)
                if as_json:
                    sys.stdout.write(looks[-1].model_dump_json() + "\n")
                    sys.stdout.flush()
    if not as_json:
        console.print(_looks_table(sorted(looks, key=lambda look: (look.status is Status.OK, look.camera))))


def health(config: Config, names: Sequence[str]) -> list[HealthEvent]:
    """How each camera is now, as the running installation says or, where none runs, its store. Raises `StoreError`."""
    events = _ask(config)
    if events is None:
        if not lasts(config):
            raise ConfigError(
                "no installation answers, and this one keeps nothing", remedy="start it, or set store.path"
            )
        with closing(open_store(config, read_only=True)) as store:
            events = store.health_now()
    if not names:
        return events
    wanted = _known(names, [event.camera for event in events])
    return [event for event in events if event.camera in wanted]


def show_health(events: Sequence[HealthEvent], *, as_json: bool, console: Console) -> None:
    """One line a camera, those in trouble first."""
    if as_json:
        for event in events:
            sys.stdout.write(event.model_dump_json() + "\n")
        return
    states = Counter(event.state.value for event in events)
    table = Table(
        title=", ".join(f"{number} {state}" for state, number in states.most_common()) or "nothing is known yet"
    )
    for heading in ("camera", "state", "since (UTC)", "reason"):
        table.add_column(heading, overflow="fold")
    for event in sorted(events, key=lambda event: (event.state == "live", event.state, event.camera)):
        since = f"{event.since:%Y-%m-%d %H:%M:%S}"
        table.add_row(event.camera, event.state.value, since, escape(event.reason or ""))
    console.print(table)


def show_views(config: Config, names: Sequence[str], *, as_json: bool, console: Console) -> None:
    """The lasting views of the cameras named: what is counted, and what waits for an operator."""
    book = views_of(config)
    table = Table(title="lasting views")
    for heading in ("camera", "view", "since (UTC)", "last seen (UTC)", "clips", "counted"):
        table.add_column(heading)
    for name in _known(names, book.cameras) if names else book.cameras:
        for epoch in book.epochs(name):
            counted = "as it was learnt" if epoch.number == 0 else f"confirmed by {epoch.confirmed_by}"
            told = counted if epoch.counted else "no: --confirm-view"
            if as_json:
                line = {"camera": name, "view": epoch.number, "counted": epoch.counted} | epoch.model_dump(
                    mode="json", include={"since", "seen_at", "clips", "confirmed_by", "confirmed_at"}
                )
                sys.stdout.write(json.dumps(line) + "\n")
            times = (f"{moment:%Y-%m-%d %H:%M}" for moment in (epoch.since, epoch.seen_at))
            table.add_row(escape(name), str(epoch.number), *times, str(epoch.clips), escape(told))
    if not as_json:
        console.print(table)


def confirm_view(config: Config, names: Sequence[str], epoch: int, by: str, clock: Clock) -> None:
    """Say that the zones of a camera fit one of its new views: from its next clip on it is counted.

    Raises `NotFound` for a view that the camera has not, `ConfigError` where not one camera is named.
    """
    if len(names) != 1:
        raise ConfigError("a view is confirmed of one camera", remedy="busyness cameras CONFIG CAMERA --confirm-view N")
    book = views_of(config)
    (camera,) = _known(names, book.cameras)
    book.leave_word(camera, epoch, by, clock.now())


def _known(names: Sequence[str], ids: Sequence[str]) -> list[str]:
    """The ids that names stand for. Raises `NotFound` for a name that is none."""
    known = CameraIds(ids)
    found = []
    for name in names:
        known_id = known.find(name)
        if known_id is None:
            raise NotFound(f"there is no camera {name!r}", remedy="busyness cameras CONFIG lists them")
        found.append(known_id)
    return found


class _Desk:
    """Looks at cameras, many at a time; they share the counters."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._clock = clock
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
        return self._held.pop((clip.camera, clip.event_time))

    def look(self, place: Place) -> Look:
        clip = self._fetched(place)
        counter = self._free.get()
        try:
            observations = counter.report(place.camera, clip).observations
        finally:
            self._free.put(counter)
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


def _ask(config: Config) -> list[HealthEvent] | None:
    """What the installation that runs with this configuration says; None where none answers."""
    answer = ask(config, "/v1/health", {"format": "json"}, timeout_s=ASK_S)
    if answer is None:
        return None
    try:
        rows = answer.raise_for_status().json()["health"]
    except (httpx.HTTPError, ValueError, KeyError):
        return None
    try:
        return [
            HealthEvent(camera=r["id"], since=r["since"], state=r["state"], reason=r["reason"])
            for r in rows
            if r["state"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise BusynessError(
            f"{answer.url} answers, but not as busyness does: {error}", remedy="what listens there?"
        ) from error
