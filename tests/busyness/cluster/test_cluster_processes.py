"""The stages as processes over a real broker and a real database: killed at random, they leave the tables of one
process; what is away they wait for; told to stop they end in order."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from announced import announced
from processes import _MAIN, Processes, until
from recorded_street import record
from services.kafka_broker import KafkaCluster
from services.postgres_server import PostgresServer

from aggregate.duckdb_store import DuckDBStore
from aggregate.postgres_config import PostgresConfig
from aggregate.postgres_store import PostgresStore
from aggregate.store import Store
from core.bus import CLIPS, OBSERVATIONS, REVISIONS
from core.figures import SERIES
from core.kafka.lag import lag_of
from core.kafka.settings import KafkaConfig
from core.records import Window

pytestmark = [pytest.mark.service, pytest.mark.timeout(600)]

EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
CLIPS_OF_EACH = 25
PREFIXES = count()


class Recorded:
    """A recorded street, and its configuration for one process and for a cluster."""

    def __init__(self, folder: Path, kafka: KafkaCluster, store: PostgresConfig, clips: int) -> None:
        self.folder, self.store = folder, store
        self.bus: KafkaConfig = kafka.config(prefix=f"street-{next(PREFIXES)}-{time.time_ns() % 1_000_000}")
        self.cameras = record(folder / "clips", cameras=2, clips=clips)
        self.clips = clips
        source = f"name: Recorded street\nsources: [{{kind: folder, path: {folder / 'clips'}}}]\ncameras:\n"
        source += "".join(
            f"  - {{id: {one}, name: {one}, lat: 51.5, lon: -0.1, cadence_s: 300}}\n" for one in self.cameras
        )
        self.embedded = folder / "embedded.yaml"
        self.embedded.write_text(f"{source}store: {{path: {folder / 'embedded.duckdb'}}}\n")
        self.cluster = folder / "cluster.yaml"
        self.cluster.write_text(
            f"{source}"
            f"bus: {{kind: kafka, servers: [{', '.join(self.bus.servers)}], prefix: {self.bus.prefix}, partitions: 4, "
            "session_timeout_s: 6}\n"
            f"store: {{kind: postgres, url: {store.url}, schema: {store.schema_name}}}\n"
            "detect: {workers: 1}\napi: {port: 0}\n"
        )

    def replay(self) -> dict[str, Any]:
        """What one process makes of it."""
        command = [sys.executable, "-c", _MAIN, "replay", str(self.folder / "clips"), "--config", str(self.embedded)]
        subprocess.run(command, check=True, capture_output=True)
        with closing(DuckDBStore.open(self.folder / "embedded.duckdb", read_only=True)) as store:
            return tables(store, self.cameras)

    def counted(self) -> int:
        """How many clips have their observation."""
        with closing(PostgresStore.open(self.store)) as store:
            return sum(len(store.observations(f"{camera}:view", *EVER)) for camera in self.cameras)

    def tables(self) -> dict[str, Any]:
        with closing(PostgresStore.open(self.store)) as store:
            return tables(store, self.cameras)

    def until_counted(self, clips: int) -> None:
        until(lambda: self.counted() >= clips, lambda: f"{clips} clips are counted, and not {self.counted()}")

    def until_idle(self) -> None:
        """Nothing waits any more."""
        until(lambda: lag_of(self.bus, CLIPS, "detect").waiting == 0, lambda: "no clips wait")
        until(lambda: lag_of(self.bus, OBSERVATIONS, "aggregate").waiting == 0, lambda: "no observations wait")


def tables(store: Store, cameras: list[str]) -> dict[str, Any]:
    """The tables, but for when something was counted and derived."""
    readings = [
        revision
        for window in Window
        for revision in announced(store.readings(window=window, series=SERIES, start=EVER[0], end=EVER[1]))
    ]
    return {
        "observations": [
            one.model_dump(exclude={"counted_at"})
            for camera in cameras
            for one in store.observations(f"{camera}:view", *EVER)
        ],
        "readings": {one.place: one.model_dump(exclude={"derived_at"}) for one in readings},
        "health": store.health(*EVER),
    }


@pytest.fixture
def street(tmp_path: Path, kafka: KafkaCluster, postgres_server: PostgresServer) -> Recorded:
    return Recorded(tmp_path, kafka, postgres_server.config(), CLIPS_OF_EACH)


@pytest.fixture
def processes(street: Recorded) -> Iterator[Processes]:
    started = Processes(street.folder, street.cluster)
    yield started
    started.close()


def test_workers_that_are_killed_at_random_leave_the_tables_of_one_process(
    street: Recorded, processes: Processes
) -> None:
    """And each ends with 0 within ten seconds of SIGTERM."""
    whole = street.replay()
    running = [processes.start(stage) for stage in ("ingest", "detect", "detect", "aggregate")]
    chance = random.Random(20170309)
    for stage in running:
        stage.until_ready()
    for counted in sorted(chance.sample(range(1, 2 * CLIPS_OF_EACH), 8)):
        street.until_counted(counted)
        victim = chance.randrange(len(running))
        running[victim].kill()
        running[victim] = processes.start(running[victim].name)
    street.until_counted(2 * CLIPS_OF_EACH)
    street.until_idle()
    assert street.tables() == whole
    assert [one["status"].value for one in whole["observations"]].count("frozen") == 2, "told from the clip before"
    for stage in running:
        stage.until_ready()
        code, seconds = stage.end()
        assert (code, seconds < 10) == (0, True), f"{stage.name}: {stage.log.read_text()}"


def test_a_database_and_a_broker_that_are_away_are_waited_for_and_said(
    street: Recorded, processes: Processes, kafka: KafkaCluster, postgres_server: PostgresServer
) -> None:
    postgres_server.stop()
    running = {stage: processes.start(stage) for stage in ("ingest", "detect", "aggregate")}
    try:
        for stage in running.values():
            stage.until_it_cannot_work("cannot be reached")
    finally:
        postgres_server.start()
    for stage in running.values():
        stage.until_ready()
    kafka.kill()
    try:
        for stage in running.values():
            stage.until_it_cannot_work("")
    finally:
        kafka.start()
    for stage in running.values():
        stage.until_ready()
    street.until_counted(2 * CLIPS_OF_EACH)
    assert all(stage.process.poll() is None for stage in running.values()), "none has died"


def test_serve_answers_from_the_database_and_tells_readings_as_they_change(
    street: Recorded, processes: Processes
) -> None:
    serve = processes.start("serve")
    for stage in ("ingest", "aggregate"):
        processes.start(stage)
    serve.until_ready()
    with urlopen(f"{serve.api}/v1/live?window=60m&class=people", timeout=60) as live:
        live.readline()
        processes.start("detect")
        said = next(line for line in live if line.startswith(b"data:"))
    rows = json.loads(said.removeprefix(b"data:"))["readings"]
    assert {row["camera"] for row in rows} <= set(street.cameras)
    street.until_counted(2 * CLIPS_OF_EACH)
    street.until_idle()
    with urlopen(
        f"{serve.api}/v1/readings?window=60m&class=people&from=2026-03-12T08:00:00Z&to=2026-03-12T09:00:00Z"
    ) as answer:
        (first, second) = json.load(answer)["readings"]
    assert first["mean"] is not None
    assert second["mean"] is not None
    with urlopen(f"{serve.api}/metrics") as answer:
        assert f'topic="{REVISIONS.name}"' in answer.read().decode()
    code, seconds = serve.end()
    assert (code, seconds < 10) == (0, True)
