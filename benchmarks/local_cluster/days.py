"""The three real camera-days through a cluster, held against the same replay in one process with the embedded store."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from services.kafka_broker import KafkaCluster
from services.postgres_server import PostgresServer

from aggregate.duckdb_store import DuckDBStore
from aggregate.postgres_config import PostgresConfig
from aggregate.postgres_store import PostgresStore
from busyness.config import DuckDBConfig, load_config
from busyness.replaying import replay
from local_cluster.tables import Tables
from local_cluster.workers import Workers, wait_until

ROOT = Path(__file__).resolve().parents[2]
LONDON = ROOT / "configs" / "london.yaml"
DAYS = ROOT.parent / "shared" / "data" / "jamcam" / "days"
NEEDS = "the real camera-days in ../shared/data/jamcam/days"
STARTING_S, SETTLING_S = 120.0, 300.0


@dataclass
class Outcome:
    """What a cluster's tables ended with, held against what was expected."""

    different: Mapping[str, list[tuple[Any, ...]]]
    lost: int
    doubled: int
    seconds: float

    @property
    def different_rows(self) -> int:
        return sum(map(len, self.different.values()))

    def tell(self, name: str) -> None:
        """Which rows differ, on stderr; the first ten of each table."""
        told = ", ".join(f"{len(keys)} {table}" for table, keys in self.different.items() if keys) or "none"
        print(f"{name}: {self.seconds:.0f} s, different rows: {told}", file=sys.stderr)
        for table, keys in self.different.items():
            for key in sorted(map(str, keys))[:10]:
                print(f"  {table} {key}", file=sys.stderr)


@dataclass
class Replay:
    """A cluster that is replaying the days."""

    workers: Workers
    postgres: PostgresServer
    stored: PostgresConfig
    expected: Tables
    began: float = field(default_factory=time.monotonic)

    @property
    def counted(self) -> int:
        """Observations that are stored."""
        return _number(self.postgres, f"SELECT count(*) FROM {self.stored.schema_name}.observations")

    @property
    def missing(self) -> int:
        """Observations that are still to be stored."""
        return len(self.expected.observations) - self.counted

    def outcome(self, within_s: float = SETTLING_S) -> Outcome:
        """What is stored once it is what was expected, or is still not after `within_s`."""
        with closing(PostgresStore.open(self.stored)) as store:
            wait_until(lambda: not any(self.expected.different(Tables.of(store)).values()), within_s, 3.0)
            found = Tables.of(store)
        twice = f"SELECT count(*) - count(DISTINCT id) FROM {self.stored.schema_name}.observations"
        return Outcome(
            different=self.expected.different(found),
            lost=len(self.expected.observations.keys() - found.observations.keys()),
            doubled=_number(self.postgres, twice) + len(found.observations.keys() - self.expected.observations.keys()),
            seconds=time.monotonic() - self.began,
        )


def one_process(path: Path) -> Tables:
    """What the replay gives that nothing happens to, in one process with the embedded store in `path`."""
    if not path.exists():
        config = load_config(LONDON).model_copy(update={"store": DuckDBConfig(path=path)})
        replay(config, DAYS, Console(stderr=True, quiet=True))
    with closing(DuckDBStore.open(path, read_only=True)) as store:
        return Tables.of(store)


@contextmanager
def replaying(
    kafka: KafkaCluster, postgres: PostgresServer, expected: Tables, stages: Mapping[str, int], scratch: Path
) -> Iterator[Replay]:
    """A cluster with its own topics and tables, at work; its workers are ended on the way out."""
    stored = postgres.config()
    config = {
        **yaml.safe_load(LONDON.read_text(encoding="utf-8")),
        "sources": [{"kind": "folder", "path": str(DAYS)}],
        "bus": kafka.config(prefix=scratch.name).model_dump(mode="json", exclude_none=True),
        "store": stored.model_dump(mode="json", by_alias=True, exclude_none=True),
        "detect": {"workers": 1},
        "worker": {"port": None},
        "api": {"port": 0},
        "map": {},  # its files lie beside the other configuration
    }
    there = f"SELECT 1 FROM pg_tables WHERE schemaname = '{stored.schema_name}' AND tablename LIKE 'observations%'"
    with Workers(config, stages, scratch) as workers:
        if not wait_until(lambda: bool(postgres.execute(there)), STARTING_S):
            raise RuntimeError(f"no worker has made the tables: see the logs in {scratch}")
        yield Replay(workers, postgres, stored, expected)


def _number(postgres: PostgresServer, query: str) -> int:
    return int(str(postgres.execute(query)[0][0]))
