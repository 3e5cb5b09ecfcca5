"""`busyness cameras`: which cameras a configuration has, and how each has been."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

import httpx
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from busyness.city import OpenFeeds, naming
from busyness.config import Config
from busyness.keeping import begun, lasts, open_store, told
from busyness.running import ask
from busyness.sites import Sites
from busyness.wiring import cameras_of, open_clock
from core.clock import Clock
from core.config import Closed
from core.errors import BusynessError, ConfigError, NotFound, StoreError
from core.health import HealthEvent
from core.records import Camera
from ingest.camera_id import CameraIds
from ingest.feed import Feed, FetchFailed, ListedCamera
from ingest.fetch.guard import shown

ASK_S = 2.0


@dataclass(frozen=True)
class Place:
    """A camera as this installation names it, the feed that has it, and how that lists it."""

    camera: Camera
    feed: Feed
    listed: ListedCamera


class Trouble(Closed):
    """A source whose list of cameras cannot be had, and why."""

    source: str
    trouble: str


@dataclass(frozen=True)
class Places:
    """The cameras that the publishers list now, and which publishers give no list."""

    found: Sequence[Place]
    troubles: Sequence[Trouble]

    def select(self, names: Sequence[str]) -> list[Place]:
        """The cameras that are named, as the publisher or the operator calls them; all of them where none is.

        Raises `NotFound` for a name that is none.
        """
        if not names:
            return list(self.found)
        by_id = {place.camera.id: place for place in self.found}
        try:
            return [by_id[name] for name in known(names, list(by_id))]
        except NotFound as error:
            if not self.troubles:
                raise
            sources = ", ".join(trouble.source for trouble in self.troubles)
            raise NotFound(f"{error.message} among those listed; the list of {sources} cannot be had") from error

    def tell_troubles(self, *, as_json: bool, notes: Console) -> None:
        """Say which lists cannot be had: a line each."""
        for trouble in self.troubles:
            told = f"{trouble.source}: its list of cameras cannot be had: {trouble.trouble}"
            notes.print(told, style="red", markup=False, highlight=False)
            if as_json:
                sys.stdout.write(trouble.model_dump_json() + "\n")


@contextmanager
def open_places(config: Config, clock: Clock, *, share: float = 1.0) -> Iterator[Places]:
    """The cameras of all feeds, which can be asked until the end of the block, at a share of their limits."""
    with closing(OpenFeeds(clock)) as feeds:
        if share < 1.0:
            feeds.hold(share)
        named, sites = naming(config, ()), Sites.read(config)
        found: list[Place] = []
        troubles: list[Trouble] = []
        for feed in feeds.of(config.feeds):
            try:
                found += [Place(sites.dressed(named(listed, None)), feed, listed) for listed in feed.cameras()]
            except FetchFailed as error:
                troubles.append(Trouble(source=feed.name, trouble=str(error)))
        yield Places(found, troubles)


def show_list(config: Config, names: Sequence[str], *, as_json: bool, console: Console, notes: Console) -> bool:
    """Every camera with its zones: those written in the configuration, or those that its publishers list now.

    Returns whether every list could be had. Raises `NotFound` for a name that is none.
    """
    if not config.feeds:
        by_id = {camera.id: camera for camera in cameras_of(config)}
        wanted = known(names, list(by_id)) if names else list(by_id)
        _show([(by_id[name], None) for name in wanted], as_json=as_json, console=console)
        return True
    with open_places(config, open_clock(config)) as places:
        places.tell_troubles(as_json=as_json, notes=notes)
        chosen = [(place.camera, place) for place in places.select(names)]
        if chosen or not places.troubles:
            _show(chosen, as_json=as_json, console=console)
        return not places.troubles


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


def health(config: Config, names: Sequence[str]) -> list[HealthEvent]:
    """How each camera is now, as the running installation says or, where none runs, its store.

    Raises `StoreError`, which says what to start where nothing has run yet, `ConfigError` where nothing is kept, and
    `NotFound` for a name that is none.
    """
    events = _ask(config)
    if events is None:
        if not lasts(config):
            raise ConfigError(
                "no installation answers, and this one keeps nothing", remedy="start busyness run, or set store.path"
            )
        if not begun(config):
            raise StoreError(
                f"no installation answers, and none has run yet: there is no {told(config)}",
                remedy="start it: busyness run CONFIG. `busyness cameras CONFIG --check` asks the cameras themselves",
            )
        with closing(open_store(config, read_only=True)) as store:
            events = store.health_now()
    if not names:
        return events
    wanted = known(names, [event.camera for event in events])
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


def known(names: Sequence[str], ids: Sequence[str]) -> list[str]:
    """The ids that names stand for. Raises `NotFound` for a name that is none."""
    by_name = CameraIds(ids)
    found = []
    for name in names:
        known_id = by_name.find(name)
        if known_id is None:
            raise NotFound(f"there is no camera {name!r}", remedy="busyness cameras CONFIG lists them")
        found.append(known_id)
    return found


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
