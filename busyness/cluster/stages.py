"""`busyness detect` and `busyness aggregate`: a stage in a process of its own, as many as there is work for."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial

from rich.console import Console

from aggregate.aggregator import Aggregator
from busyness.cluster.aggregating import Aggregating, KeepingHealth, KeepingLoops
from busyness.cluster.consuming import Consuming
from busyness.cluster.detecting import Detecting
from busyness.cluster.duties import add_duties
from busyness.cluster.fresh_calibrations import FreshCalibrations
from busyness.cluster.known_cameras import KnownCameras
from busyness.cluster.meters import TopicMeters
from busyness.cluster.opening import started
from busyness.config import Config
from busyness.feed_metrics import ReplacedMeter
from busyness.keeping import open_store
from busyness.memory import look_seldom_for_cycles
from busyness.metrics import StoringMeters, counting_seconds
from busyness.wiring import calibrations_of, open_clock, open_counters, views_of
from core.bus import CLIPS, HEALTH, LOOPS, OBSERVATIONS
from ingest.borrowing import Borrower
from ingest.file_reader import FileReader
from ingest.source import MediaReader
from ingest.synthetic import SyntheticStreet

BATCH = 10_000
"""Observations that are stored and derived together: a transaction for many costs little more than for one."""


def detect(config: Config, console: Console) -> None:
    """Count the clips that fall to this process, `detect.workers` side by side, until it is told to stop."""
    clock = open_clock(config)
    with ExitStack() as opened, started("detect", config, clock, console) as (worker, bus, registry):
        store = worker.until_done(lambda: open_store(config, read_only=True))
        opened.callback(store.close)
        views = worker.until_done(lambda: views_of(config))
        counters = open_counters(config, open_reader(config), clock)
        for counter in counters:
            opened.callback(counter.close)
            worker.overdue.append(counter.close)
        console.print(f"  model    {counters[0].model}\n  jail     {counters[0].jail}", highlight=False, soft_wrap=True)
        cameras, seconds, topics = KnownCameras(store.cameras), counting_seconds(registry), TopicMeters(registry)
        replaced = ReplacedMeter(registry).replaced
        calibrations = FreshCalibrations(calibrations_of(config), counters[0].model)
        for number, counter in enumerate(counters):
            counter.calibrations, counter.on_lost = calibrations, replaced
            detecting = Detecting(
                worker, bus, counter, cameras=cameras, views=views, resolution=config.detect.resolution, seconds=seconds
            )
            consuming = Consuming(worker, bus, CLIPS, detecting, group="detect", meters=topics, at_once=1)
            worker.loop(f"count-{number}", consuming)
        worker.run_until_stopped()


def aggregate(config: Config, console: Console) -> None:
    """Store what falls to this process, derive its readings and announce them, until it is told to stop."""
    clock = open_clock(config)
    with ExitStack() as opened, started("aggregate", config, clock, console) as (worker, bus, registry):
        store = worker.until_done(lambda: open_store(config))
        opened.callback(store.close)
        aggregator, topics = Aggregator(store, config.aggregate, clock), TopicMeters(registry)
        aggregating = Aggregating(bus, store, aggregator, clock, StoringMeters(registry, aggregator))
        counts = Consuming(worker, bus, OBSERVATIONS, aggregating, group="aggregate", meters=topics, at_once=BATCH)
        notes = Consuming(
            worker, bus, HEALTH, KeepingHealth(store, clock), group="health", meters=topics, at_once=BATCH
        )
        loops = Consuming(worker, bus, LOOPS, KeepingLoops(store), group="loops", meters=topics, at_once=BATCH)
        for name, consuming in (("aggregate", counts), ("health", notes), ("loops", loops)):
            worker.loop(name, consuming)
        add_duties(worker, config, store, clock, registry)
        worker.loop("memory", partial(look_seldom_for_cycles, worker.stopping))
        worker.run_until_stopped()


def open_reader(config: Config) -> MediaReader:
    """Gives the bytes of clips: feeds lend them, a folder is there for all workers, a street is rendered by the child.

    Raises `ConfigError`.
    """
    if config.street is not None:
        return SyntheticStreet(config.street, None)
    if config.folder is not None:
        return FileReader(config.detect.limits.max_bytes)
    return Borrower(config.ingest.lend, config.detect.limits.max_bytes)
