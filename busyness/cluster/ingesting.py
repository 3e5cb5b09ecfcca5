"""`busyness ingest`: one of the processes that share the cameras of an installation.

    feeds --> waiting room --> lent, promised --> clips
    folder, street ----------------------------> clips         of the cameras that are ours
    loops -------------------------------------> loops         of the feeds that are ours
    lists --> cameras                                          by the owner of the first place, for all

Who owns which cameras, the group of all ingest processes says; how far each camera has got, the shelf. Both are asked
before anything is published, so that whoever is cut off, or killed, is followed by another without a gap or a double.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry
from rich.console import Console

from aggregate.store import Store
from busyness.city import OpenFeeds, lists_of, naming
from busyness.cluster.ingest_loops import (
    NappingClock,
    PublishingCity,
    PublishingLoops,
    PublishingRecorded,
    SavingCameras,
)
from busyness.cluster.ingest_meters import IngestMeters
from busyness.cluster.opening import bus_of, name_of, started
from busyness.cluster.source_names import SourceNames
from busyness.cluster.worker import Worker
from busyness.config import Config, load_config
from busyness.keeping import open_shelf, open_store
from busyness.reloading import TAKEN_WHILE_RUNNING, watching
from busyness.sites import SitedSource, Sites
from busyness.wiring import Recorded, known_cameras, open_clock, open_loops, open_recorded
from core.bus import Bus
from core.clock import Clock, SystemClock
from core.errors import ConfigError
from core.kafka.ownership import KafkaOwnership
from core.ownership import Ownership, place_of
from core.shelf import Shelf
from detect.resolution import check_resolution
from ingest.city.health import HealthLog
from ingest.city.progress import SHELF, Progress
from ingest.city.publishing import CityPublisher
from ingest.city.recorded import RecordedPublisher
from ingest.city.source import CitySource
from ingest.folder import FolderSource
from ingest.known import Known
from ingest.lending.loans import Loans
from ingest.lending.server import Lender
from ingest.source import Source

AT_ONCE = 64
"""Recorded clips that are published together."""

NAP_S = 0.5
LOOK_S = 0.2


@dataclass(frozen=True)
class Shared:
    """What the ingest processes of an installation have in common, as one of them reaches it."""

    bus: Bus
    store: Store
    ownership: Ownership
    progress: Shelf
    names: SourceNames


def ingest(path: Path, console: Console) -> None:
    """Find the clips of the cameras that fall to this process, until it is told to stop."""
    config = load_config(path)
    clock = open_clock(config)
    with ExitStack() as opened, started("ingest", config, clock, console) as (worker, bus, registry):
        ownership = KafkaOwnership(bus_of(config), name_of("ingest"), clock)
        opened.callback(ownership.close)
        worker.needs(lambda: ownership.trouble)
        with given_up_when_stopped(worker, ownership):
            worker.until_done(lambda: ownership.places)
        store = worker.until_done(lambda: open_store(config))
        opened.callback(store.close)
        names = SourceNames(open_shelf(config, "ingest"))
        shared = Shared(bus, store, ownership, open_shelf(config, SHELF), names)
        ingesting = Ingesting(config, clock, shared, registry=registry, worker=worker, opened=opened)
        with watching(path, config, ingesting.reload):
            worker.run_until_stopped()
        ownership.close()  # others go on at once, while the rest here comes to its end


@contextmanager
def given_up_when_stopped(worker: Worker, ownership: Ownership) -> Iterator[None]:
    """Within it brokers are waited for; who stops the worker ends the wait."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(LOOK_S):
            if worker.stopping.is_set():
                ownership.close()
                return

    threading.Thread(target=watch, name="starting", daemon=True).start()
    try:
        yield
    finally:
        over.set()


class Ingesting:
    """The sources of one process, as loops of its worker; what it opens is closed with `opened`.

    `city` is where clips of feeds come from, and `lender` what lends them; None where they are recorded or rendered.
    """

    def __init__(
        self,
        config: Config,
        clock: Clock,
        shared: Shared,
        *,
        registry: CollectorRegistry,
        worker: Worker,
        opened: ExitStack,
    ) -> None:
        """Raises `BusynessError`."""
        self._config = config
        self._clock = clock
        self._shared = shared
        self._worker = worker
        self._opened = opened
        self._meters = IngestMeters(registry)
        sites, ownership = Sites.read(config), shared.ownership
        check_resolution(map(sites.dressed, known_cameras(config)), config.detect.resolution)
        self._feeds = OpenFeeds(clock, self._meters.feeds.of_request)
        opened.callback(self._feeds.close)
        self._feeds.hold(0.0)  # nothing is asked before it is known what is ours
        self._progress = Progress(shared.progress, ownership.places)
        self._meters.places(ownership.owned)
        nap_s = NAP_S * (config.clock.speedup if config.clock else 1.0)
        recorded = open_recorded(config, NappingClock(clock, nap_s, worker.stopping))
        self.city: CitySource | None = None
        self.lender: Lender | None = None
        if recorded is None:
            source: Source = self._open_city()
        else:
            source = recorded
            self._add_recorded(recorded)
        self._sited = SitedSource(source, sites)
        self._add_cameras()
        if not isinstance(recorded, FolderSource):
            self._add_loops()

    def reload(self, config: Config) -> None:
        """Go on with the sources, cameras and sites as they are written now; what did not change goes on.

        Raises `BusynessError` where they cannot be used: then nothing has changed.
        """
        before = self._config
        moved = (config.sources, config.cameras) != (before.sources, before.cameras)
        if moved and (self.city is None or not config.feeds):
            raise ConfigError("recorded and rendered clips are read at the start", remedy="restart")
        sites = Sites.read(config, self._sited.sites)
        check_resolution(map(sites.dressed, known_cameras(config)), before.detect.resolution)
        stored = self._shared.store.cameras() if moved else ()
        feeds = self._feeds.of(config.feeds) if moved else ()
        self._config = before.model_copy(update={name: getattr(config, name) for name in TAKEN_WHILE_RUNNING})
        self._sited.sites = sites
        if self.city is not None and moved:
            self.city.replace(feeds, naming(config, stored))

    def _open_city(self) -> CitySource:
        """All feeds as one source, which goes on where the owners before had got to."""
        config, shared = self._config, self._shared
        lend = config.ingest.lend
        loans = Loans(lend.megabytes, lend.keep_s, SystemClock())  # workers do not live by the clock of a demo
        lender = self._opened.enter_context(Lender(lend, loans))
        before, health = self._worker.until_done(shared.store.cameras), HealthLog()
        counted = self._worker.until_done(shared.store.last_contents)  # by a single process, before there was a cluster
        city = CitySource(
            self._feeds.of(config.feeds), config.ingest, self._clock, health,
            naming=naming(config, before), before=before, ownership=shared.ownership, progress=self._progress,
            already={camera: Known(*newest) for camera, newest in counted.items()},
            on_share=self._feeds.hold, lists=lists_of(config),
        )  # fmt: skip
        publisher = CityPublisher(
            city, shared.bus, self._progress, loans, lender.location, on_published=self._meters.published
        )
        health.on_event, city.on_cameras = publisher.note, publisher.tell_paces
        self._meters.city(city, loans)
        self._worker.loop("clips", PublishingCity(self._worker, city, publisher))
        self.city, self.lender = city, lender
        return city

    def _add_recorded(self, source: Recorded) -> None:
        publisher = RecordedPublisher(
            source, self._shared.bus, self._progress, self._shared.ownership,
            at_once=AT_ONCE if isinstance(source, FolderSource) else 1,
            on_share=self._feeds.hold, on_published=self._meters.published,
        )  # fmt: skip
        self._worker.loop("clips", PublishingRecorded(self._worker, source, publisher))

    def _add_cameras(self) -> None:
        shared = self._shared
        saving = SavingCameras(
            self._worker, self._sited, shared.store.save_cameras, shared.ownership.owned,
            city=self.city, names=shared.names, unlisted=self._unlisted,
        )  # fmt: skip
        self._worker.loop("cameras", saving)

    def _add_loops(self) -> None:
        ownership = self._shared.ownership

        def mine(name: str) -> bool:
            return place_of(name, ownership.places) in ownership.owned()

        loops = open_loops(self._config, self._feeds, self._shared.store, self._clock, mine=mine)
        if loops is not None:
            self._worker.loop("loops", PublishingLoops(self._worker, loops, self._shared.bus))

    def _unlisted(self, listed: Sequence[str]) -> Sequence[str]:
        """What the operator says something of, and is none of the cameras: a mistyped number, most often."""
        named = {camera.id for camera in self._config.cameras}.difference(listed)
        return sorted(named | self._sited.sites.unlisted(listed))
