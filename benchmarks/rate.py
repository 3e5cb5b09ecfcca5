"""How many observations a second a cluster stores, with readings derived, on this machine's cores: `make bench-rate`.

A broker of Apache Kafka, a PostgreSQL that commits to its disk, and aggregate workers share the cores. A backlog of
observations (a clip a minute of each of so many cameras, played without pictures) lies in Kafka before the workers
start. The rate is that of the middle eight tenths, from Kafka to committed rows and announced readings: of minute,
five minutes, quarter, hour and day. Without a bus, the same observations go through the same aggregator into the same
PostgreSQL, one process a core, and into an embedded store on disk. Then observations are published at a steady pace,
and it is measured how long after that the reading of their minute is announced.

    postgres_obs_per_s    aggregation alone: into PostgreSQL from two processes, one a core, the database beside them
    duckdb_obs_per_s      the same into the embedded store: one process, one writer
    kafka_obs_per_s       all of the way: from Kafka, with two workers, the broker and the database beside them
    late_over_early       the rate of the last two hours of a day into PostgreSQL, as a ratio to that of its first two
    p95_latency_s         from an observation on the bus to the reading of its minute on the bus, at a tenth of the rate
    by_workers            from Kafka, observations a second with 1, 2, 4 workers
    by_partitions         with two workers, by the partitions of the topic

`--draw FILE.svg` draws the growth.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import numpy as np
from local_cluster.played import played, played_cameras
from local_cluster.workers import Workers, wait_until
from services.kafka_broker import KafkaCluster
from services.postgres_server import PostgresServer

from aggregate.aggregator import Aggregator
from aggregate.duckdb_store import DuckDBStore
from aggregate.policy import AggregatePolicy
from aggregate.postgres_config import PostgresConfig
from aggregate.postgres_store import PostgresStore
from core.bus import OBSERVATIONS, REVISIONS
from core.clock import SystemClock
from core.kafka.bus import KafkaBus
from core.kafka.settings import KafkaConfig
from core.records import Camera, CountObservation, Window

CAMERAS, MINUTES = 1000, 120
WORKERS = (1, 2, 4)
PARTITIONS = (2, 12)
USUAL_PARTITIONS = 12
BATCH = 10_000
PACED_S = 30
MIDDLE = (0.1, 0.9)
PATIENCE_S = 900.0
PROCESSES = 2
DAY_CAMERAS, DAY_MINUTES, DAY_BATCH = 200, 16 * 60, 2000

_together: Barrier


def main() -> None:
    asked = arguments()
    cameras = played_cameras(asked.cameras)
    observations = list(played(cameras, asked.minutes))
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        into_duckdb = duckdb_rate(cameras, observations, scratch / "alone.duckdb")
        print(f"embedded: {into_duckdb:.0f} observations a second", file=sys.stderr)
        kafka = stack.enter_context(KafkaCluster(scratch / "kafka", quick_start=False))
        postgres = stack.enter_context(closing(PostgresServer.started(durable=True)))
        aggregated = aggregated_rate(postgres, asked.cameras, asked.minutes)
        print(f"without a bus: {aggregated:.0f} observations a second", file=sys.stderr)
        late_over_early = day_ratio(postgres)
        print(f"late in the day: {late_over_early:.2f} of what it is in the morning", file=sys.stderr)
        runs = [(workers, USUAL_PARTITIONS) for workers in WORKERS]
        runs += [(2, partitions) for partitions in PARTITIONS if partitions != USUAL_PARTITIONS]
        rates: dict[tuple[int, int], float] = {}
        for workers, partitions in runs:
            bus = kafka.config(prefix=f"rate-{workers}-{partitions}", partitions=partitions)
            rates[workers, partitions] = backlog_rate(bus, postgres, observations, workers, scratch / bus.prefix)
            told = f"{workers} workers, {partitions} partitions: {rates[workers, partitions]:.0f} a second"
            print(told, file=sys.stderr)
        best = rates[2, USUAL_PARTITIONS]
        latency_s = paced_latency(kafka.config(prefix="paced"), postgres, cameras, best / 10, scratch / "paced")
    figures = {
        "postgres_obs_per_s": round(aggregated),
        "duckdb_obs_per_s": round(into_duckdb),
        "kafka_obs_per_s": round(best),
        "late_over_early": round(late_over_early, 2),
        "p95_latency_s": round(latency_s, 2),
        "by_workers": {str(workers): round(rates[workers, USUAL_PARTITIONS]) for workers in WORKERS},
        "by_partitions": {str(partitions): round(rates[2, partitions]) for partitions in PARTITIONS},
        "observations": len(observations),
    }
    if asked.draw is not None:
        draw(figures, asked.draw)
    print(json.dumps({"name": "rate", "figures": figures}))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cameras", type=int, default=CAMERAS)
    parser.add_argument("--minutes", type=int, default=MINUTES, help="of observations, one a minute of each camera")
    parser.add_argument("--draw", type=Path, metavar="FILE.svg", help="draw how the rate grows")
    return parser.parse_args()


def duckdb_rate(cameras: list[Camera], observations: Sequence[CountObservation], path: Path) -> float:
    """Observations a second into the embedded store, in batches like those of a worker."""
    with closing(DuckDBStore.open(path)) as store:
        store.save_cameras(cameras)
        aggregator = Aggregator(store, AggregatePolicy(), SystemClock())
        began = time.perf_counter()
        for first in range(0, len(observations), BATCH):
            aggregator.take(observations[first : first + BATCH])
        return len(observations) / (time.perf_counter() - began)


def aggregated_rate(postgres: PostgresServer, cameras: int, minutes: int) -> float:
    """Observations a second into PostgreSQL without a bus: a process a core, each with its share of the cameras."""
    stored = postgres.config()
    prepare(stored, played_cameras(cameras))
    spawning = multiprocessing.get_context("spawn")
    together = spawning.Barrier(PROCESSES)
    with ProcessPoolExecutor(PROCESSES, spawning, initializer=_meet, initargs=(together,)) as pool:
        parts = [pool.submit(_aggregate, stored, cameras, minutes, part) for part in range(PROCESSES)]
        spans = [part.result() for part in parts]
    postgres.drop(stored)
    return cameras * minutes / (max(ended for _, ended in spans) - min(began for began, _ in spans))


def day_ratio(postgres: PostgresServer) -> float:
    """The rate of the last two hours of a day, from its first clips at eight to midnight, to that of the first two."""
    stored = postgres.config()
    cameras = played_cameras(DAY_CAMERAS)
    prepare(stored, cameras)
    observations = list(played(cameras, DAY_MINUTES))
    with closing(PostgresStore.open(stored)) as store:
        aggregator = Aggregator(store, AggregatePolicy(), SystemClock())
        ends = [time.perf_counter()]
        for first in range(0, len(observations), DAY_BATCH):
            aggregator.take(observations[first : first + DAY_BATCH])
            ends.append(time.perf_counter())
    postgres.drop(stored)
    batches = 120 * DAY_CAMERAS // DAY_BATCH
    return (ends[batches] - ends[0]) / (ends[-1] - ends[-1 - batches])


def _meet(together: Barrier) -> None:
    global _together  # noqa: PLW0603 - a barrier travels to a process of a pool in no other way
    _together = together


def _aggregate(stored: PostgresConfig, cameras: int, minutes: int, part: int) -> tuple[float, float]:
    """Take the observations of a share of the cameras; when it began and ended, by the clock all processes share."""
    mine = [one for one in played(played_cameras(cameras), minutes) if int(one.camera) % PROCESSES == part]
    with closing(PostgresStore.open(stored)) as store:
        aggregator = Aggregator(store, AggregatePolicy(), SystemClock())
        _together.wait(PATIENCE_S)
        began = time.monotonic()
        for first in range(0, len(mine), BATCH):
            aggregator.take(mine[first : first + BATCH])
        return began, time.monotonic()


def backlog_rate(
    bus: KafkaConfig,
    postgres: PostgresServer,
    observations: Sequence[CountObservation],
    workers: int,
    scratch: Path,
) -> float:
    """Observations a second from a backlog into PostgreSQL, by so many workers."""
    stored = postgres.config()
    prepare(stored, played_cameras(len({one.camera for one in observations})))
    with KafkaBus(bus, "player", SystemClock()) as player:
        for observation in observations:
            player.publish(OBSERVATIONS, observation)
        player.flush()
    seen: list[tuple[float, int]] = []

    def done() -> bool:
        seen.append((time.monotonic(), counted(postgres, stored)))
        return seen[-1][1] >= len(observations)

    with Workers(configuration(bus, stored), {"aggregate": workers}, scratch):
        if not wait_until(done, PATIENCE_S, 0.25):
            raise RuntimeError(f"{seen[-1][1]} of {len(observations)} observations stored: see {scratch}")
    postgres.drop(stored)
    return middle_rate(seen, len(observations))


def middle_rate(seen: Sequence[tuple[float, int]], total: int) -> float:
    """From the first look with a tenth stored to the first with nine: without the start and the last stragglers."""
    (began, first), (ended, last) = (next(one for one in seen if one[1] >= part * total) for part in MIDDLE)
    return (last - first) / max(ended - began, 1e-3)


class Announced:
    """Listens to the readings that are announced: how long after its observation each minute's came."""

    def __init__(self, bus: KafkaBus) -> None:
        self.published: dict[tuple[str, datetime], float] = {}
        self.latencies: list[float] = []
        self._subscription = bus.subscribe(REVISIONS, group=None)
        self._ended = threading.Event()

    def listen(self) -> None:
        while not self._ended.is_set():
            for revision in self._subscription.poll(500, 0.2):
                if revision.window is Window.MINUTE:
                    began = self.published.pop((revision.zone, revision.start), None)
                    self.latencies += [] if began is None else [time.monotonic() - began]

    @contextmanager
    def listening(self) -> Iterator[None]:
        thread = threading.Thread(target=self.listen, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()


def paced_latency(
    bus: KafkaConfig, postgres: PostgresServer, cameras: list[Camera], per_s: float, scratch: Path
) -> float:
    """The 95th percentile of seconds from publishing an observation to the announcement of its minute's reading."""
    stored = postgres.config()
    prepare(stored, cameras)
    stream = played(cameras, 2 + int(per_s * PACED_S / len(cameras)))
    player = KafkaBus(bus, "player", SystemClock())
    with player, Workers(configuration(bus, stored), {"aggregate": 2}, scratch):
        announced = Announced(player)
        with announced.listening():
            player.publish(OBSERVATIONS, next(stream))
            wait_until(lambda: counted(postgres, stored) > 0, PATIENCE_S)  # the workers are there
            began = time.monotonic()
            for number, observation in zip(range(int(per_s * PACED_S)), stream, strict=False):
                time.sleep(max(0.0, began + number / per_s - time.monotonic()))
                announced.published[observation.zone, observation.event_time.replace(second=0)] = time.monotonic()
                player.publish(OBSERVATIONS, observation)
            wait_until(lambda: not announced.published, PATIENCE_S)
    return float(np.percentile(announced.latencies, 95))


def prepare(stored: PostgresConfig, cameras: list[Camera]) -> None:
    """The tables, and the cameras in them."""
    with closing(PostgresStore.open(stored)) as store:
        store.save_cameras(cameras)


def configuration(bus: KafkaConfig, stored: PostgresConfig) -> dict[str, Any]:
    return {
        "name": "Played",
        "sources": [{"kind": "synthetic"}],
        "bus": bus.model_dump(mode="json", exclude_none=True),
        "store": stored.model_dump(mode="json", by_alias=True, exclude_none=True),
        "worker": {"port": None},
    }


def counted(postgres: PostgresServer, stored: PostgresConfig) -> int:
    return int(str(postgres.execute(f"SELECT count(*) FROM {stored.schema_name}.observations")[0][0]))


def draw(figures: dict[str, Any], path: Path) -> None:
    """The rate by workers and by partitions."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), sharey=True, layout="constrained")
    for axis, (name, label) in zip(axes, (("by_workers", "workers"), ("by_partitions", "partitions")), strict=True):
        numbers = [int(one) for one in figures[name]]
        axis.plot(numbers, list(figures[name].values()), marker="o", label="from Kafka, into PostgreSQL")
        axis.axhline(figures["postgres_obs_per_s"], linestyle=":", color="0.3", label="into PostgreSQL, without a bus")
        axis.axhline(figures["duckdb_obs_per_s"], linestyle="--", color="0.5", label="into the embedded store")
        axis.set_xlabel(label)
        axis.set_xticks(numbers)
        axis.set_ylim(bottom=0)
        axis.grid(color="0.9")
    axes[0].set_ylabel("observations a second")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False)
    figure.savefig(path)
    plt.close(figure)


if __name__ == "__main__":
    main()
