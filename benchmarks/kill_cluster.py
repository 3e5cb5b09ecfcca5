"""`kill -9` of anything in a cluster, two hundred times, while it replays the real days: `make bench-kill-cluster`.

A broker of Apache Kafka, a PostgreSQL and the workers of every stage, each a process, count the 576 clips of the three
real camera-days. Something of it is killed after each short, seeded, random pause, and started again: an ingest,
detect, aggregate or serve worker with all its children, the broker, the database. When all is counted, the tables are
held against those of the same replay in one process with the embedded store; then another round begins with empty
tables and topics, until there were as many kills as asked for.

    kills           how often something was killed, in all rounds
    lost            observations that the replay in one process has and the cluster has not, in all rounds
    doubled         observations that the cluster has and the replay has not, or has twice
    different_rows  rows of observations, readings and health that are not the same in both; the two moments that a
                    machine's clock writes (`counted_at`, `derived_at`) apart

On stderr a table of what was killed how often, and of each round.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, closing
from pathlib import Path
from random import Random

from local_cluster.days import DAYS, NEEDS, Outcome, Replay, one_process, replaying
from rich.console import Console
from rich.table import Table
from services.kafka_broker import KafkaCluster
from services.postgres_server import PostgresServer

STAGES = {"ingest": 2, "detect": 2, "aggregate": 2, "serve": 1}
WEIGHTS = {"ingest": 2, "detect": 4, "aggregate": 4, "serve": 1, "broker": 1, "postgres": 1}
PAUSE_S = (0.5, 5.0)

Round = tuple[Counter[str], Outcome]
"""What was killed how often, and what the tables ended with."""


def main() -> None:
    asked = arguments()
    if not DAYS.is_dir():
        print(f"bench-kill-cluster needs {NEEDS}, which are not on this machine", file=sys.stderr)
        print(json.dumps({"name": "kill-cluster", "figures": {}, "needs": NEEDS}))
        return
    random, rounds, kills = Random(asked.seed), list[Round](), 0
    with ExitStack() as stack:
        scratch = asked.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        scratch.mkdir(parents=True, exist_ok=True)
        expected = one_process(scratch / "alone.duckdb")
        kafka = stack.enter_context(KafkaCluster(scratch / "kafka"))
        postgres = stack.enter_context(closing(PostgresServer.started()))
        while kills < asked.kills:
            name = f"round-{len(rounds)}"
            with replaying(kafka, postgres, expected, STAGES, scratch / name) as replay:
                killed = kill_again_and_again(replay, kafka, asked.kills - kills, random)
                outcome = replay.outcome()
            outcome.tell(f"{name}: {killed.total()} kills")
            rounds.append((killed, outcome))
            kills += killed.total()
    show(rounds)
    figures = {
        "kills": kills,
        "lost": sum(outcome.lost for _, outcome in rounds),
        "doubled": sum(outcome.doubled for _, outcome in rounds),
        "different_rows": sum(outcome.different_rows for _, outcome in rounds),
        "rounds": len(rounds),
        "rows": len(expected.observations) + len(expected.readings) + len(expected.health),
    }
    print(json.dumps({"name": "kill-cluster", "figures": figures}))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for logs and the embedded store; removed by default")
    return parser.parse_args()


def kill_again_and_again(replay: Replay, kafka: KafkaCluster, most: int, random: Random) -> Counter[str]:
    """Kill something after each random pause, until all is counted or there were `most` kills."""
    killed: Counter[str] = Counter()
    while killed.total() < most and replay.missing > 0:
        time.sleep(random.uniform(*PAUSE_S))
        what = random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        if what == "broker":
            kafka.kill(0)
            kafka.start(0)
        elif what == "postgres":
            replay.postgres.kill()
            replay.postgres.start()
        else:
            random.choice(replay.workers.of(what)).kill()
        killed[what] += 1
        replay.workers.start()  # what was killed; and what has ended by itself, as an orchestrator does
    return killed


def show(rounds: list[Round]) -> None:
    table = Table(title="What was killed, and what became of it")
    table.add_column("round")
    for column in (*WEIGHTS, "kills", "s", "lost", "doubled", "different rows"):
        table.add_column(column, justify="right")
    for number, (killed, outcome) in enumerate(rounds):
        found = (outcome.lost, outcome.doubled, outcome.different_rows)
        cells = (number, *(killed[what] for what in WEIGHTS), killed.total(), round(outcome.seconds), *found)
        table.add_row(*map(str, cells))
    Console(stderr=True, width=120).print(table)


if __name__ == "__main__":
    main()
