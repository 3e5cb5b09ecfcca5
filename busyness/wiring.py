"""From a configuration to the stages it describes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from aggregate.aggregator import Aggregator
from aggregate.answers import Answers
from aggregate.duckdb_store import DuckDBStore
from aggregate.feed import ReadingFeed
from aggregate.store import Store
from api.app import About
from busyness.config import Config, load_outlines
from busyness.metrics import Meters
from busyness.pipeline import Pipeline
from busyness.validation.calibrations import Calibrations
from core.bus import MemoryBus
from core.clock import AcceleratedClock, Clock, SystemClock
from core.errors import ConfigError
from core.records import Camera
from detect.counter import ClipCounter
from detect.registry import open_model
from ingest.clip import ClipOpener
from ingest.folder import FolderSource
from ingest.opener import FileOpener
from ingest.source import Source
from ingest.synthetic import SyntheticConfig, SyntheticStreet


@dataclass(frozen=True)
class Installation:
    """A wired installation: what runs, what is stored and what answers."""

    store: Store
    feed: ReadingFeed
    answers: Answers
    registry: CollectorRegistry
    model: str
    pipeline: Pipeline

    def close(self) -> None:
        """End the stages in order, then close the store."""
        self.pipeline.stop()
        self.store.close()


def open_clock(config: Config) -> Clock:
    """The machine's clock, or the accelerated one that the configuration asks for."""
    if config.clock is None or not isinstance(config.source, SyntheticConfig):
        return SystemClock()
    return AcceleratedClock(config.source.start, config.clock.speedup)


def open_store(config: Config, *, read_only: bool = False) -> DuckDBStore:
    """The store that the configuration names; its folder is made where it is missing. Raises `StoreError`."""
    return DuckDBStore.open(config.store.path, read_only=read_only)


def open_source(config: Config, clock: Clock) -> tuple[Source, ClipOpener]:
    """Where clips come from and what opens them."""
    if isinstance(config.source, SyntheticConfig):
        street = SyntheticStreet(config.source, clock)
        return street, street
    return FolderSource(config.source, config.cameras), FileOpener(config.detect.limits)


def cameras_of(config: Config) -> Sequence[Camera]:
    """The cameras that the configuration names, or those of its synthetic street."""
    if isinstance(config.source, SyntheticConfig):
        return SyntheticStreet(config.source, None).cameras
    return config.cameras


def calibrations_of(config: Config) -> Calibrations | None:
    """The calibrations of the cameras, kept beside the store; None where the store lives in memory."""
    path = config.store.path
    return None if path is None else Calibrations(path.with_suffix(".calibrations"))


def install(config: Config, source: Source, opener: ClipOpener, clock: Clock) -> Installation:
    """Wire every stage of one process to the clips of `source`. Calibrations are read once, here."""
    models = [open_model(config.detect.model) for _ in range(config.detect.workers)]
    kept = calibrations_of(config)
    calibrations = kept.current_of([camera.id for camera in source.cameras], models[0].name) if kept else {}
    counters = [
        ClipCounter(model, opener, config.detect.frames_per_clip, clock, calibrations=calibrations) for model in models
    ]
    store = open_store(config)
    store.save_cameras(source.cameras)
    feed = ReadingFeed()
    registry = CollectorRegistry()
    aggregator = Aggregator(store, config.aggregate, clock)
    pipeline = Pipeline(source, counters, aggregator, feed, MemoryBus(), Meters(registry, aggregator))
    # In a recording, and where the clock outruns the counting, the present is the newest clip.
    live = isinstance(clock, SystemClock) and not isinstance(source, FolderSource)
    answers = Answers(store, clock, live=live)
    return Installation(store, feed, answers, registry, models[0].name, pipeline)


def rebuild_readings(config: Config) -> int:
    """Derive anew every window that is stored; returns how many readings changed. Raises `StoreError`."""
    if config.store.path is None:
        raise ConfigError("rebuild needs a store on disk", remedy="set store.path")
    with closing(open_store(config)) as store:
        store.save_cameras(cameras_of(config))
        extent = store.extent()
        aggregator = Aggregator(store, config.aggregate, SystemClock())
        return aggregator.rebuild(*extent) if extent else 0


def about(config: Config) -> About:
    """What the page says of this installation."""
    return About(
        name=config.name,
        notice=config.notice,
        outlines=load_outlines(config.map.outlines) if config.map.outlines else None,
        basemap_url=config.map.basemap_url,
        basemap_attribution=config.map.basemap_attribution,
    )
