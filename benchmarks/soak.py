"""A day of a cluster in half an hour: does anything grow that should not? `make bench-soak`.

The synthetic street of configs/demo.yaml, on a clock fifty times as fast, through a whole cluster: a broker of
Apache Kafka, a PostgreSQL, and an ingest, a detect, two aggregate and a serve worker. Their memory is looked at
every ten seconds, and the size of the database beside the rows in it.

    hours               of feed time
    rss_slope_mb_per_h  the steepest of all workers: least squares over the last two thirds, MB an hour of feed time
    by_worker           the same of each worker, and its memory at the end
    bytes_per_count     how much the database grew by each observation with its readings, over the last half
    worker_deaths       workers that ended though nobody had ended them
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from local_cluster.workers import Workers, resident_mb, wait_until
from resident_memory import slope_mb_per_h
from services.kafka_broker import KafkaCluster
from services.postgres_server import PostgresServer

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "configs" / "demo.yaml"
STAGES = {"ingest": 1, "detect": 1, "aggregate": 2, "serve": 1}
SPEEDUP = 50.0
EVERY_S = 10.0
STARTING_S = 180.0


def main() -> None:
    asked = arguments()
    with ExitStack() as stack:
        scratch = asked.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        scratch.mkdir(parents=True, exist_ok=True)
        kafka = stack.enter_context(KafkaCluster(scratch / "kafka"))
        postgres = stack.enter_context(closing(PostgresServer.started()))
        stored = postgres.config()
        config = configuration()
        config["bus"] = kafka.config(prefix="soak").model_dump(mode="json", exclude_none=True)
        config["store"] = stored.model_dump(mode="json", by_alias=True, exclude_none=True)
        counting = f"SELECT count(*), pg_database_size(current_database()) FROM {stored.schema_name}.observations"
        with Workers(config, STAGES, scratch) as workers:
            table = f"SELECT 1 FROM pg_tables WHERE schemaname = '{stored.schema_name}' AND tablename = 'observations'"
            if not wait_until(lambda: bool(postgres.execute(table)), STARTING_S):
                raise RuntimeError(f"no worker has made the tables: see the logs in {scratch}")
            looks, sizes = watch(workers, asked.hours * 3600 / SPEEDUP, lambda: numbers(postgres, counting))
            deaths = sum(1 for _ in workers.died())
    slopes = {name: slope_mb_per_h(series, of_last=2 / 3) for name, series in looks.items()}
    (rows_then, bytes_then), (rows_now, bytes_now) = sizes[len(sizes) // 2], sizes[-1]
    figures = {
        "hours": asked.hours,
        "rss_slope_mb_per_h": max((slope for slope in slopes.values() if slope is not None), default=None),
        "by_worker": {name: {"mb_per_h": slopes[name], "mb": round(looks[name][-1][1])} for name in looks},
        "observations": rows_now,
        "bytes_per_count": round((bytes_now - bytes_then) / max(1, rows_now - rows_then)),
        "worker_deaths": deaths,
    }
    print(json.dumps({"name": "soak", "figures": figures}))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=24.0, help="of feed time, which goes fifty times as fast")
    parser.add_argument("--keep", type=Path, help="a folder for logs; removed by default")
    return parser.parse_args()


def configuration() -> dict[str, Any]:
    """The demo's street, on a clock that all processes agree about."""
    config: dict[str, Any] = yaml.safe_load(DEMO.read_text(encoding="utf-8"))
    (street,) = config["sources"]
    street.pop("past_weeks", None)
    now = datetime.now(UTC).replace(microsecond=0)
    clock = {"speedup": SPEEDUP, "origin": now.isoformat(), "start": street.get("start") or now.isoformat()}
    return config | {"clock": clock, "worker": {"port": None}, "api": {"port": 0}, "map": {}, "detect": {"workers": 1}}


def watch(workers: Workers, seconds: float, sizes: Any) -> tuple[dict[str, list[tuple[float, float]]], list[Any]]:
    """Hours of feed time with the memory of each worker, in MB; rows and bytes of the database with each look."""
    looks: dict[str, list[tuple[float, float]]] = {worker.log.stem: [] for worker in workers.all}
    stored = []
    began = time.monotonic()
    while (elapsed_s := time.monotonic() - began) < seconds:
        for worker in workers.all:
            if worker.alive:
                looks[worker.log.stem].append((elapsed_s * SPEEDUP / 3600, resident_mb(worker.pid)))
        stored.append(sizes())
        if len(stored) % 12 == 1:
            told = ", ".join(f"{name} {series[-1][1]:.0f} MB" for name, series in looks.items() if series)
            print(f"{elapsed_s * SPEEDUP / 3600:.1f} h: {told}; {stored[-1][0]} counts", file=sys.stderr)
        time.sleep(EVERY_S)
    return looks, stored


def numbers(postgres: PostgresServer, query: str) -> tuple[int, int]:
    ((rows, size),) = postgres.execute(query)
    return int(str(rows)), int(str(size))


if __name__ == "__main__":
    main()
