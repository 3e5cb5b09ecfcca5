"""How many clips a second a detect worker counts, and how soon a count is stored: `make bench-capacity`.

The cameras of the feed double (tests/feed_double) on loopback show real clips; each has its next one ready as soon as
its last was fetched. A player fetches them in turn, lends their bytes and puts references on the bus, as an ingest
worker does (local_cluster/clip_player.py). Detect and aggregate workers, a broker of Apache Kafka and a PostgreSQL that
commits to its disk do what they do in a city, on this machine's cores. First clips are played as fast as they are
borrowed, then at a steady pace. What the double gave out is held against what is stored at the end.

    clips_per_s           stored, as fast as it goes, over the middle eight tenths
    clips_per_s_per_core  in the same span, by the processor time of the detect workers and their decoding children:
                          what a core gives that nobody else wants
    p95_latency_s         from a reference on the bus to its stored count, at a steady pace
    lost                  clips that the double gave out and that nobody counted
    doubled               counts of the same clip and zone beyond the first
    lag_left              records that the workers have not committed at the end
    cpu_ms_per_clip       processor time of the workers of each stage for a clip
    paced                 the pace that was asked for (by default half of the rate) and kept, the most clips that waited
                          at once, and the median of the latency
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from doubled_city.processes import DoubledCity
from doubled_city.recordings import DAYS, streets
from local_cluster.clip_player import ClipPlayer
from local_cluster.days import NEEDS
from local_cluster.workers import Workers, processor_s, wait_until
from services.kafka_broker import KafkaCluster
from services.postgres_server import PostgresServer

from aggregate.postgres_config import PostgresConfig
from aggregate.postgres_store import PostgresStore
from busyness.city import OpenFeeds
from busyness.config import Config
from core.bus import CLIPS, OBSERVATIONS
from core.clock import SystemClock
from core.errors import BusError
from core.kafka.bus import KafkaBus
from core.kafka.lag import lag_of
from core.kafka.settings import KafkaConfig
from core.records import ClipReady, Status
from ingest.lending.loans import Loans
from ingest.lending.server import Lender

CAMERAS, CLIPS_AT_ONCE, PACED_S = 200, 600, 30.0
STAGES = ("detect", "aggregate")
PACE_OF_RATE = 0.5
READY_MS = 1
"""From one clip of a doubled camera to its next, once it was fetched."""

MIDDLE = (0.1, 0.9)
LOOK_S = 0.5
STILL_LOOKS = 10
PATIENCE_S, COMMITTING_S = 1800.0, 10.0


class Row(NamedTuple):
    """A stored count: of which clip, and when its transaction was committed."""

    zone: str
    content: str
    status: Status
    at: datetime


@dataclass(frozen=True)
class Looks:
    """Processor seconds of the workers of each stage, and stored clips, with the times at which they were looked at."""

    at: list[float] = field(default_factory=list)
    seconds: dict[str, list[float]] = field(default_factory=lambda: {stage: [] for stage in STAGES})
    stored: list[int] = field(default_factory=list)

    def look(self, workers: Workers, stored: int) -> None:
        self.at.append(time.time())
        self.stored.append(stored)
        for stage, series in self.seconds.items():
            series.append(sum(processor_s(one.pid) for one in workers.of(stage) if one.alive))

    @property
    def still(self) -> bool:
        """Whether nothing more was stored for some looks."""
        return len(self.stored) > STILL_LOOKS and self.stored[-1] == self.stored[-1 - STILL_LOOKS]

    def between(self, stage: str, began: datetime, ended: datetime) -> float:
        """Processor seconds of a stage from one time to the other."""
        first, last = np.interp([began.timestamp(), ended.timestamp()], self.at, self.seconds[stage])
        return float(last - first)


@dataclass(frozen=True)
class Cluster:
    """The cluster while its workers are at work, and who plays clips into it."""

    workers: Workers
    postgres: PostgresServer
    bus: KafkaConfig
    stored: PostgresConfig
    player: ClipPlayer

    def play(self, clips: int, per_s: float | None = None) -> tuple[Sequence[ClipReady], Looks]:
        """Play so many clips, until all of them are stored or nothing is waiting; they, and what was seen meanwhile.

        Raises `RuntimeError` where it does not come to that.
        """
        before, looks = len(self.player.played), Looks()
        playing = threading.Thread(target=self.player.play, args=(clips, per_s), name="player", daemon=True)
        playing.start()

        def done() -> bool:
            looks.look(self.workers, self._stored())
            if any(self.workers.died()):
                return True
            if playing.is_alive():
                return False
            return looks.stored[-1] >= len(self.player.played) or (looks.still and nothing_waits(self.bus))

        ended = wait_until(done, PATIENCE_S, LOOK_S)
        if not ended or any(self.workers.died()) or len(self.player.played) < before + clips:
            told = f"{len(self.player.played)} clips were played and {self._stored()} stored"
            raise RuntimeError(f"{told}: see the logs in {self.workers.config.parent}")
        looks.look(self.workers, self._stored())
        return self.player.played[before:], looks

    def rows(self) -> list[Row]:
        """Every count that is stored; the server keeps when each transaction was committed."""
        found = self.postgres.execute(
            "SELECT zone, replace(content::text, '-', ''), status, pg_xact_commit_timestamp(xmin) "
            f"FROM {self.stored.schema_name}.observations WHERE content IS NOT NULL"
        )
        return [Row(str(zone), str(content), Status(str(said)), _moment(at)) for zone, content, said, at in found]

    def _stored(self) -> int:
        found = self.postgres.execute(f"SELECT count(DISTINCT content) FROM {self.stored.schema_name}.observations")
        return int(str(found[0][0]))


def main() -> None:
    asked = arguments()
    if not DAYS.is_dir():
        print(f"bench-capacity needs {NEEDS}, which are not on this machine", file=sys.stderr)
        print(json.dumps({"name": "capacity", "figures": {}, "needs": NEEDS}))
        return
    os.environ["BUSYNESS_LEND_TOKEN"] = secrets.token_hex()
    clock = SystemClock()
    with ExitStack() as stack:
        of_this_run = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        scratch = asked.keep or of_this_run
        scratch.mkdir(parents=True, exist_ok=True)
        double = stack.enter_context(DoubledCity(double_config(asked.cameras), scratch))
        kafka = stack.enter_context(KafkaCluster(of_this_run / "kafka", quick_start=False))
        settings = {"track_commit_timestamp": "on"}
        postgres = stack.enter_context(closing(PostgresServer.started(durable=True, settings=settings)))
        bus, stored = kafka.config(prefix="capacity", partitions=12), postgres.config()
        told = configuration(double, bus, stored, asked.threads)
        config = Config.model_validate(told)
        feeds = stack.enter_context(closing(OpenFeeds(clock)))
        (feed,) = feeds.of(config.feeds)
        cameras = feed.cameras()
        with closing(PostgresStore.open(stored)) as store:
            store.save_cameras([listed.camera for listed in cameras])
        loans = Loans(config.ingest.lend.megabytes, config.ingest.lend.keep_s, clock)
        lender = stack.enter_context(Lender(config.ingest.lend, loans))
        publisher = stack.enter_context(KafkaBus(bus, "player", clock))
        player = ClipPlayer(feed, cameras, publisher, loans, location=lender.location, clock=clock)
        workers = stack.enter_context(Workers(told, {"detect": asked.workers, "aggregate": 1}, scratch))
        cluster = Cluster(workers, postgres, bus, stored, player)
        cluster.play(asked.workers * asked.threads)  # the workers are there
        figures = measured(cluster, asked.clips, asked.per_s, asked.seconds)
        figures |= settled(cluster.rows(), {one.content for one in double.ledger().versions if one.served})
        wait_until(lambda: nothing_waits(bus), COMMITTING_S)
        figures["lag_left"] = lag(bus)
        figures |= {"cameras": asked.cameras, "detect_threads": asked.workers * asked.threads}
    print(json.dumps({"name": "capacity", "figures": figures}))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cameras", type=int, default=CAMERAS)
    parser.add_argument("--clips", type=int, default=CLIPS_AT_ONCE, help="to be played as fast as it goes")
    parser.add_argument("--per-s", type=float, help="clips a second of the steady pace; by default half of the rate")
    parser.add_argument("--seconds", type=float, default=PACED_S, help="of the steady pace")
    parser.add_argument("--workers", type=int, default=1, help="detect workers")
    parser.add_argument("--threads", type=int, default=1, help="detect.workers of each: clips that it counts at once")
    parser.add_argument("--keep", type=Path, help="a folder for logs; removed by default")
    return parser.parse_args()


def double_config(cameras: int) -> dict[str, Any]:
    """Two real streets by day; a clip stays until it was fetched, and no longer."""
    fleet = {"publisher": "tfl", "count": cameras, "cadence_s": READY_MS / 1000, "jitter_s": 0.0, "clips": streets()}
    return {"fleets": [fleet], "limits": {}, "hold_s": 0.0}


def configuration(double: DoubledCity, bus: KafkaConfig, stored: PostgresConfig, threads: int) -> dict[str, Any]:
    return {
        "name": "Doubled London",
        "sources": [double.jamcams()],
        "ingest": {"lend": {"port": 0}},
        "bus": bus.model_dump(mode="json", exclude_none=True),
        "store": stored.model_dump(mode="json", by_alias=True, exclude_none=True),
        "detect": {"workers": threads},
        "worker": {"port": None},
    }


def measured(cluster: Cluster, clips: int, per_s: float | None, seconds: float) -> dict[str, Any]:
    """The rate as fast as it goes, and the latency at a steady pace."""
    played, looks = cluster.play(clips)
    rate, began, ended = middle_rate(sorted(at for _, at in stored_spans(played, cluster.rows())))
    stored = rate * (ended - began).total_seconds()
    spent = {stage: looks.between(stage, began, ended) for stage in STAGES}
    print(f"{rate:.1f} clips a second, {stored / spent['detect']:.1f} a core", file=sys.stderr)
    pace = per_s or rate * PACE_OF_RATE
    played, _ = cluster.play(max(2, round(pace * seconds)), pace)
    spans = stored_spans(played, cluster.rows())
    median_s, p95_s = np.percentile([(at - told).total_seconds() for told, at in spans], (50, 95))
    kept = (len(played) - 1) / (played[-1].event_time - played[0].event_time).total_seconds()
    return {
        "clips_per_s": round(rate, 1),
        "clips_per_s_per_core": round(stored / spent["detect"], 1),
        "p95_latency_s": round(float(p95_s), 2),
        "cpu_ms_per_clip": {stage: round(1000 * spent[stage] / stored, 1) for stage in STAGES},
        "paced": {
            "asked_per_s": round(pace, 1),
            "clips_per_s": round(kept, 1),
            "most_waiting": most_waiting(spans),
            "median_latency_s": round(float(median_s), 2),
        },
    }


def stored_spans(played: Sequence[ClipReady], rows: Sequence[Row]) -> list[tuple[datetime, datetime]]:
    """When the reference of each clip was given to the bus, and when its count was stored; of those that were."""
    stored_at = {row.content: row.at for row in rows}
    spans = [(clip.event_time, stored_at[clip.content]) for clip in played if clip.content in stored_at]
    if len(spans) < 2:
        raise RuntimeError(f"{len(spans)} of {len(played)} clips were stored: see the workers' logs with --keep FOLDER")
    return spans


def middle_rate(times: Sequence[datetime]) -> tuple[float, datetime, datetime]:
    """How many a second, from the tenth part of `times`, which are in order, to the ninth; and from when to when."""
    first, last = (int(part * (len(times) - 1)) for part in MIDDLE)
    began, ended = times[first], times[last]
    return (last - first) / max((ended - began).total_seconds(), 1e-3), began, ended


def most_waiting(spans: Sequence[tuple[datetime, datetime]]) -> int:
    """Of half-open spans [told, stored), how many there were at once at most."""
    steps = sorted([(told, 1) for told, _ in spans] + [(at, -1) for _, at in spans])
    return max(accumulate(step for _, step in steps))


def settled(rows: Sequence[Row], given: set[str]) -> dict[str, Any]:
    """What became of the clips that the double gave out, by their content."""
    times = Counter((row.zone, row.content) for row in rows)
    counted = {row.content for row in rows if row.status is not Status.SKIPPED}
    statuses: Mapping[Status, int] = Counter(row.status for row in rows)
    return {
        "lost": len(given - counted),
        "doubled": times.total() - len(times) + len({row.content for row in rows} - given),
        "clips": len(given),
        "statuses": dict(statuses),
    }


def lag(bus: KafkaConfig) -> int:
    """Records that the workers have not committed. In this order: what was no clip any more is a count by then."""
    return lag_of(bus, CLIPS, "detect").waiting + lag_of(bus, OBSERVATIONS, "aggregate").waiting


def nothing_waits(bus: KafkaConfig) -> bool:
    """Whether everything is committed, as far as the brokers can say: one that has just started cannot."""
    try:
        return lag(bus) == 0
    except BusError:
        return False


def _moment(value: object) -> datetime:
    assert isinstance(value, datetime)
    return value


if __name__ == "__main__":
    main()
