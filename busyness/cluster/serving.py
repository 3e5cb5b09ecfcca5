"""`busyness serve` in a cluster: the API and the map over its store, with readings as they come from its workers."""

from __future__ import annotations

from contextlib import ExitStack

from prometheus_client import CollectorRegistry
from rich.console import Console

from aggregate.answers import Answers
from aggregate.feed import ReadingFeed
from api.app import create_app
from busyness.cluster import opening
from busyness.cluster.live import LiveReadings
from busyness.cluster.source_names import SourceNames
from busyness.cluster.traffic import TrafficMeters
from busyness.cluster.worker import Worker
from busyness.config import Config
from busyness.keeping import open_shelf, open_store
from busyness.memory import give_memory_back
from busyness.serving import WEB_DIST, answer, listen, warn_of_strangers
from busyness.wiring import about, effects_of, open_clock, usual_of
from core.clock import SystemClock
from core.kafka.bus import KafkaBus
from core.kafka.settings import KafkaConfig


def serve(config: Config, console: Console) -> None:
    """Any number of these may run. The database is waited for; without the brokers readings do not come live."""
    give_memory_back()
    clock, feed, registry = open_clock(config), ReadingFeed(), CollectorRegistry()
    with ExitStack() as opened, Worker("serve", config.worker, registry) as worker:
        opening.describe(worker, config, console)
        warn_of_strangers(config, console)
        listener = opened.enter_context(listen(config.api))
        store = worker.until_done(lambda: open_store(config, read_only=True))
        opened.callback(store.close)
        live = isinstance(clock, SystemClock) and config.folder is None
        answers = Answers(store, clock, live=live, usual=usual_of(config, store), beside=config.beside)
        if isinstance(config.bus, KafkaConfig):
            bus = KafkaBus(config.bus, opening.name_of("serve"), clock)
            opened.callback(bus.leave, opening.LEAVE_S)
            worker.needs(lambda: bus.trouble)
            registry.register(TrafficMeters(bus))
            worker.loop("live", LiveReadings(worker, bus, feed))
        app = create_app(
            answers, feed, about(config), clock, registry, ready=lambda: None, web_dist=WEB_DIST,
            source_of=SourceNames(open_shelf(config, "ingest")).of, effects=effects_of(config, store, answers),
        )  # fmt: skip
        worker.run_until_stopped(lambda: answer(app, feed, listener, console))
