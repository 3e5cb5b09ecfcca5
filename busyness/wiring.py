"""From a configuration to the stages it describes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Lock

from prometheus_client import CollectorRegistry

from aggregate.aggregator import Aggregator
from aggregate.answers import Answers
from aggregate.baseline_builder import BaselineBuilder
from aggregate.effects.effect_answers import EffectAnswers
from aggregate.effects.register import DocumentRegister
from aggregate.feed import ReadingFeed
from aggregate.postgres_config import PostgresConfig
from aggregate.store import Store
from aggregate.usual.calendar import Calendar
from aggregate.usual_answers import UsualAnswers
from api.app import About
from busyness.alarm import Alarm, Watched
from busyness.city import OpenFeeds, naming, open_city
from busyness.config import Config, MemoryBusConfig, load_outlines
from busyness.feed_metrics import AlertMeters, FeedMeters
from busyness.jailed_counter import JailedCounter
from busyness.keeping import lasts, open_shelf, open_store, register_document
from busyness.metrics import Meters
from busyness.nightly_baselines import NightlyBaselines
from busyness.pipeline import Pipeline
from busyness.reloading import TAKEN_WHILE_RUNNING
from busyness.sites import SitedSource, Sites
from busyness.validation.calibrations import Calibrations
from busyness.worker_jobs import WorkerSetup
from core.bus import CLIPS, HEALTH, MemoryBus
from core.clock import AcceleratedClock, Clock, SystemClock
from core.errors import ConfigError
from core.records import Camera
from core.shelf import Shelf
from core.site import Site
from detect.resolution import check_resolution, too_near
from detect.view_book import ViewBook
from ingest.city.health import HealthLog
from ingest.city.source import CitySource
from ingest.file_reader import FileReader
from ingest.folder import FolderSource
from ingest.loops.opening import open_feed, web_of
from ingest.loops.poller import LoopPoller
from ingest.source import MediaReader
from ingest.synthetic import SyntheticStreet

log = logging.getLogger(__name__)

_ALWAYS = datetime.min.replace(tzinfo=UTC)
_LONGEST_DAY = timedelta(hours=25)

Recorded = SyntheticStreet | FolderSource
"""A source whose clips are there already: it ends."""


@dataclass
class Installation:
    """A wired installation: what runs, what is stored, what answers; and `alarm`, where somebody is to be told.

    `sited` is where the pipeline takes its cameras from, `city` where these come from feeds; `nightly` builds what is
    usual, once it is started. On the shelf `alerts` is what was said, and what waits.
    """

    config: Config
    clock: Clock
    store: Store
    feed: ReadingFeed
    answers: Answers
    registry: CollectorRegistry
    counters: Sequence[JailedCounter]
    pipeline: Pipeline
    feeds: OpenFeeds
    sited: SitedSource
    nightly: NightlyBaselines
    alerts: Shelf
    city: CitySource | None = None
    alarm: Alarm | None = None
    _unlisted: dict[str, frozenset[str]] = field(default_factory=dict)
    _too_near: dict[str, str] = field(default_factory=dict)
    _changing: Lock = field(default_factory=Lock)
    _seeing: Lock = field(default_factory=Lock)

    @property
    def model(self) -> str:
        """Name and hash of the counting model."""
        return self.counters[0].model

    @property
    def jail(self) -> str:
        """What the processes that open clips are held to."""
        return self.counters[0].jail

    @property
    def sites(self) -> Sites:
        """What operators have said of the places that the cameras look at."""
        return self.sited.sites

    def saw(self) -> None:
        """The cameras are others now: they are saved, and counted with their own calibrations where they have one."""
        with self._seeing:  # whoever comes last has seen the newest
            cameras = self.sited.cameras
            self.store.save_cameras(cameras)
            self._say_unlisted([camera.id for camera in cameras])
            self._say_too_near(cameras)
            kept = calibrations_of(self.config)
            for counter in self.counters:
                counter.calibrations = kept.current_of([camera.id for camera in cameras], counter.model)

    def _say_unlisted(self, listed: Sequence[str]) -> None:
        """What the operator says of cameras that no feed lists, once all have: a mistyped number, so it is not used."""
        if self.city is not None and not all(runner.listed for runner in self.city.runners):
            return
        for where, unlisted in (
            ("under cameras:, and listed by no publisher", {one.id for one in self.config.cameras}.difference(listed)),
            ("with a site file, and none of the cameras", self.sites.unlisted(listed)),
        ):
            if unlisted - self._unlisted.get(where, frozenset()):
                log.warning("%s: %s", where, ", ".join(sorted(unlisted)))
            self._unlisted[where] = frozenset(unlisted)

    def _say_too_near(self, cameras: Sequence[Camera]) -> None:
        """The cameras that show people too large: they are listed, and not counted (`JailedCounter.report`)."""
        found = {
            camera.id: str(near) for camera in cameras if (near := too_near(camera, self.config.detect.resolution))
        }
        for camera, why in found.items():
            if self._too_near.get(camera) != why:
                log.warning("camera %s is not counted: %s", camera, why)
        self._too_near = found

    def reload(self, config: Config) -> None:
        """Go on with the sources, cameras, sites and alerts as they are written now; what did not change goes on.

        Raises `BusynessError` where they cannot be used: then nothing has changed.
        """
        with self._changing:
            city, before = self.city, self.config
            if bool(config.feeds) != (city is not None):
                raise ConfigError(
                    "feeds and recorded or rendered clips do not change into each other", remedy="restart"
                )
            moved = (config.sources, config.cameras) != (before.sources, before.cameras)
            if city is None and moved:
                raise ConfigError("recorded and rendered clips are read at the start", remedy="restart")
            sites = Sites.read(config, self.sites)
            check_resolution(map(sites.dressed, known_cameras(config)), before.detect.resolution)
            alarm = self.alarm if config.alerts == before.alerts else self.alarm_of(config)
            feeds = self.feeds.of(config.feeds) if moved else ()
            self.config = before.model_copy(update={name: getattr(config, name) for name in TAKEN_WHILE_RUNNING})
            self._wear(sites)
            if city is not None and moved:
                city.replace(feeds, naming(config, self.store.cameras()))
            self.tell(alarm)

    def save_site(self, site: Site) -> Path:
        """Write what an operator says of a camera's place into its file, and go on with it at once; returns the file.

        Raises `ConfigError`, and `CalibrationRefused` for what cannot be true: then nothing has changed.
        """
        with self._changing:
            sites = self.sites.having(site)
            path = sites.save(site)
            self._wear(sites)
        return path

    def _wear(self, sites: Sites) -> None:
        changed = sites.differing(self.sites)
        self.sited.sites = sites
        if changed:
            log.warning("sites taken: %s", ", ".join(changed))
            self.saw()

    def tell(self, alarm: Alarm | None) -> None:
        """From now on this alarm tells what is lost. The one before ends first: what it posts is not posted twice."""
        before, self.alarm = self.alarm, alarm
        if alarm is before:
            return
        if before is not None:
            before.stop()
        if alarm is not None:
            alarm.start()

    def alarm_of(self, config: Config) -> Alarm | None:
        """Who tells the webhooks of this configuration what is lost; None where it has none."""
        if not config.alerts.webhooks:
            return None
        now, kept = self.store.health_now, self.alerts
        return Alarm(config.alerts, self.feeds.guest, self.clock, watched=self._watched, health=now, shelf=kept)

    def source_of(self, camera: str) -> str | None:
        """The name of the feed that a camera is of; None where it is of none."""
        return self._sources().get(camera)

    def _watched(self) -> Watched:
        listed = self.city is None or all(runner.listed for runner in self.city.runners)
        return Watched(self._sources(), complete=listed)

    def _sources(self) -> Mapping[str, str]:
        if self.city is not None:
            return self.city.sources
        return {camera.id: self.config.sources[0].kind for camera in self.sited.cameras}

    def close(self) -> None:
        """End the stages in order, then close the store."""
        self.nightly.stop()
        self.pipeline.stop()
        if self.alarm is not None:
            self.alarm.stop()
        for counter in self.counters:
            counter.close()
        self.feeds.close()
        self.store.close()


def open_clock(config: Config) -> Clock:
    """The machine's clock, or the accelerated one that the configuration asks for."""
    start = config.clock and (config.clock.start or (config.street and config.street.start))
    if config.clock is None or not start:
        return SystemClock()
    return AcceleratedClock(start, config.clock.speedup, origin=config.clock.origin)


def usual_of(config: Config, store: Store) -> UsualAnswers:
    """What tells what is usual, by the configuration's calendar. Raises `ConfigError` where that cannot be read."""
    return UsualAnswers(store, Calendar.of(config.calendar), config.periods, config.usual)


def builder_of(store: Store, usual: UsualAnswers) -> BaselineBuilder:
    """What fits what is usual, by the same calendar, policy and periods as it is told."""
    return BaselineBuilder(store, usual.calendar, usual.policy, usual.periods)


def open_recorded(config: Config, clock: Clock) -> Recorded | None:
    """The synthetic street or the folder of recorded clips; None where clips come from feeds. Raises `SourceError`."""
    if config.street is not None:
        return SyntheticStreet(config.street, clock)
    if config.folder is not None:
        return FolderSource(config.folder, config.cameras)
    return None


def open_counters(config: Config, reader: MediaReader, clock: Clock) -> list[JailedCounter]:
    """A counter for each worker; their children start side by side."""
    setup = WorkerSetup(
        model=config.detect.model,
        frames_per_clip=config.detect.frames_per_clip,
        limits=config.detect.limits,
        resolution=config.detect.resolution,
        jail=config.detect.jail,
        street=config.street,
    )
    return [JailedCounter(setup, reader, clock) for _ in range(config.detect.workers)]


def known_cameras(config: Config) -> Sequence[Camera]:
    """The cameras that the configuration names, or those of its synthetic street."""
    return config.cameras if config.street is None else SyntheticStreet(config.street, None).cameras


def cameras_of(config: Config) -> Sequence[Camera]:
    """The `known_cameras` with their sites on. Raises `ConfigError`."""
    return tuple(map(Sites.read(config).dressed, known_cameras(config)))


def calibrations_of(config: Config) -> Calibrations:
    """The calibrations of the cameras, kept where the store is."""
    return Calibrations(open_shelf(config, "calibrations"))


def register_of(config: Config) -> DocumentRegister:
    """The register of interventions: the file that is named, or kept where the store is."""
    return DocumentRegister(*register_document(config))


def effects_of(config: Config, store: Store, answers: Answers) -> EffectAnswers:
    """What tells whether interventions worked. Raises `ConfigError` where the calendar cannot be read."""
    return EffectAnswers(store, register_of(config), answers.present, Calendar.of(config.calendar))


def views_of(config: Config) -> ViewBook:
    """The known views of the cameras, kept where the store is."""
    return ViewBook(open_shelf(config, "views"))


def open_loops(
    config: Config, feeds: OpenFeeds, store: Store, clock: Clock, *, mine: Callable[[str], bool] = lambda _: True
) -> LoopPoller | None:
    """The loops and counters beside the cameras; None where there are none. Raises `SourceError`, `ConfigError`.

    `mine` says which feeds this process asks, by their names; the others are another's.
    """
    if not config.loops:
        return None
    opened = []
    for loop in config.loops:
        web = web_of(loop)
        opened.append(open_feed(loop, feeds.guest(loop.name, web) if web else None, clock))
    return LoopPoller(opened, clock, on_counters=store.save_counters, mine=mine)


def install(config: Config, clock: Clock, recorded: FolderSource | None = None) -> Installation:
    """Wire every stage of one process; `recorded` takes the place of the configured sources. Raises `BusynessError`."""
    if not isinstance(config.bus, MemoryBusConfig):
        raise ConfigError(
            f"this runs all stages in one process, and bus: is {config.bus.kind}, for processes of their own",
            remedy="start busyness ingest, detect, aggregate and serve with this configuration, or remove bus:",
        )
    sites = Sites.read(config)
    check_resolution(map(sites.dressed, known_cameras(config)), config.detect.resolution)
    store, registry, feed = open_store(config), CollectorRegistry(), ReadingFeed()
    bus = MemoryBus(capacities={CLIPS.name: config.detect.workers})
    health, feed_meters = HealthLog(known=store.health_now(), now=clock.now()), FeedMeters(registry)
    feeds = OpenFeeds(
        clock,
        feed_meters.of_request,
        counted=lambda: {name: newest for name, (newest, _) in store.last_contents().items()},
    )
    source = recorded or open_recorded(config, clock) or open_city(config, clock, store, feeds, health)
    reader = FileReader(config.detect.limits.max_bytes) if isinstance(source, FolderSource) else source
    counters = open_counters(config, reader, clock)
    for counter in counters:
        counter.on_lost = feed_meters.worker_replaced
    aggregator = Aggregator(store, config.aggregate, clock)
    sited = SitedSource(source, sites)
    pipeline = Pipeline(
        sited, counters, aggregator, store, feed, bus, Meters(registry, aggregator), health,
        views=views_of(config) if isinstance(source, CitySource) else ViewBook(),  # a replay begins anew
        loops=None if isinstance(source, FolderSource) else open_loops(config, feeds, store, clock),
    )  # fmt: skip
    # In a recording, and where the clock outruns the counting, the present is the newest clip.
    live = isinstance(clock, SystemClock) and not isinstance(source, FolderSource)
    usual = usual_of(config, store)
    answers = Answers(store, clock, live=live, usual=usual, beside=config.beside)
    nightly = NightlyBaselines(builder_of(store, usual), answers.present, clock)
    city = source if isinstance(source, CitySource) else None
    installation = Installation(
        config, clock, store, feed, answers, registry, counters, pipeline, feeds, sited, nightly,
        open_shelf(config, "alerts"), city,
    )  # fmt: skip
    registry.register(AlertMeters(lambda: installation.alarm.states if installation.alarm else ()))
    health.on_event = partial(bus.publish, HEALTH)
    installation.saw()
    if city is not None:
        city.on_cameras = lambda _: installation.saw()
        feed_meters.of_city(city)
    installation.tell(installation.alarm_of(config))
    return installation


def rebuild_readings(config: Config) -> int:
    """Derive anew every window that is stored; returns how many readings changed. Raises `StoreError`."""
    if not lasts(config):
        raise ConfigError("rebuild needs a store on disk", remedy="set store.path")
    with closing(open_store(config)) as store:
        if not config.feeds:
            store.save_cameras(cameras_of(config))
        extent = store.extent()
        aggregator = Aggregator(store, config.aggregate, SystemClock())
        return aggregator.rebuild(max(extent[0], _whole_since(config)), extent[1]) if extent else 0


def _whole_since(config: Config) -> datetime:
    """Since when every window has all its observations: from what retention left of one it would come out less."""
    days = config.store.retention_days if isinstance(config.store, PostgresConfig) else None
    return _ALWAYS if days is None else open_clock(config).now() - timedelta(days=days) + _LONGEST_DAY


def about(config: Config) -> About:
    """What the page says of this installation."""
    return About(
        name=config.name,
        notice=config.notice,
        outlines=load_outlines(config.map.outlines) if config.map.outlines else None,
        basemap_url=config.map.basemap_url,
        basemap_attribution=config.map.basemap_attribution,
    )
