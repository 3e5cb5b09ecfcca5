"""Fifty forced rebalances and a rolling restart of three brokers, while a cluster works: `make bench-rebalance`.

Three brokers with three copies of every record, and workers of every stage, count the three real camera-days. All the
while members join the groups of the detect and aggregate workers, take records, commit nothing and leave again: each
time the group divides its partitions anew, twice. Each round ends with the brokers restarted one after the other. As
`make bench-kill-cluster` does, the tables are then held against those of one process; rounds go on until there were as
many rebalances as asked for.

    rebalances       how often a member joined or left
    worker_deaths    workers that ended though nobody had ended them
    different_rows   rows that are not the same in both, in all rounds
    longest_stall_s  the longest time in which nothing was stored while there was something to be stored
    broker_restarts  how often a broker was stopped and started again
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from random import Random

from local_cluster.days import DAYS, NEEDS, Outcome, Replay, one_process, replaying
from services.kafka_broker import KafkaCluster
from services.postgres_server import PostgresServer

from core.bus import CLIPS, OBSERVATIONS
from core.clock import SystemClock
from core.errors import BusError
from core.kafka.bus import KafkaBus
from core.kafka.settings import KafkaConfig

BROKERS = 3
STAGES = {"ingest": 1, "detect": 2, "aggregate": 2}
GROUPS = ((CLIPS, "detect"), (OBSERVATIONS, "aggregate"))
STAY_S, AWAY_S = (0.5, 2.0), (1.0, 4.0)


class Stalls:
    """Watches how long nothing is stored while there is something to be stored."""

    def __init__(self, replay: Replay) -> None:
        self.longest_s = 0.0
        self._replay = replay
        self._ended = threading.Event()

    @contextmanager
    def watching(self) -> Iterator[None]:
        thread = threading.Thread(target=self._watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    def _watch(self) -> None:
        counted, since = 0, time.monotonic()
        while not self._ended.wait(0.25):
            now, counted_now = time.monotonic(), self._replay.counted
            if counted_now != counted:
                if counted:  # the first is waited for while the workers start
                    self.longest_s = max(self.longest_s, now - since)
                counted, since = counted_now, now


def main() -> None:
    asked = arguments()
    if not DAYS.is_dir():
        print(f"bench-rebalance needs {NEEDS}, which are not on this machine", file=sys.stderr)
        print(json.dumps({"name": "rebalance", "figures": {}, "needs": NEEDS}))
        return
    random, rebalances, restarts, deaths, longest_s = Random(asked.seed), 0, 0, 0, 0.0
    outcomes: list[Outcome] = []
    with ExitStack() as stack:
        scratch = asked.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        scratch.mkdir(parents=True, exist_ok=True)
        expected = one_process(scratch / "alone.duckdb")
        kafka = stack.enter_context(KafkaCluster(scratch / "kafka", brokers=BROKERS))
        postgres = stack.enter_context(closing(PostgresServer.started()))
        while rebalances < asked.rebalances:
            name = f"round-{len(outcomes)}"
            with replaying(kafka, postgres, expected, STAGES, scratch / name) as replay:
                stalls = Stalls(replay)
                with stalls.watching():
                    rebalances += join_and_leave(replay, kafka.config(prefix=name), asked.rebalances, random)
                    for broker in range(BROKERS):
                        kafka.restart(broker)
                        restarts += 1
                    outcomes.append(replay.outcome())
                deaths += sum(1 for _ in replay.workers.died())
                longest_s = max(longest_s, stalls.longest_s)
            outcomes[-1].tell(f"{name}: {rebalances} rebalances so far, longest stall {longest_s:.1f} s")
    figures = {
        "rebalances": rebalances,
        "worker_deaths": deaths,
        "different_rows": sum(outcome.different_rows for outcome in outcomes),
        "longest_stall_s": round(longest_s, 1),
        "broker_restarts": restarts,
        "lost": sum(outcome.lost for outcome in outcomes),
        "doubled": sum(outcome.doubled for outcome in outcomes),
    }
    print(json.dumps({"name": "rebalance", "figures": figures}))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rebalances", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for logs and the embedded store; removed by default")
    return parser.parse_args()


def join_and_leave(replay: Replay, config: KafkaConfig, most: int, random: Random) -> int:
    """Join a group and leave it again, until most of the days is counted; how often it was divided anew by that."""
    rebalances = 0
    while rebalances < most and replay.missing > len(replay.expected.observations) // 5:
        time.sleep(random.uniform(*AWAY_S))
        topic, group = random.choice(GROUPS)
        bus = KafkaBus(config, "a guest", SystemClock())
        with suppress(BusError):
            guest = bus.subscribe(topic, group=group)
            ends = time.monotonic() + random.uniform(*STAY_S)
            while time.monotonic() < ends:
                guest.poll(5, 0.2)
            rebalances += 2
        bus.leave()
    return rebalances


if __name__ == "__main__":
    main()
