"""What docs/operations.md says of a lost database: a backup, and Kafka's records once more, give the same tables."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from announced import announced
from kafka import KafkaAdminClient
from processes import Processes, until
from services.kafka_broker import KafkaCluster
from services.postgres_server import PostgresServer, binaries

from aggregate.postgres_config import PostgresConfig
from aggregate.postgres_store import PostgresStore
from core.bus import HEALTH, OBSERVATIONS
from core.clock import SystemClock
from core.errors import BusError
from core.figures import SERIES, Figures
from core.health import CameraState, HealthEvent
from core.kafka.bus import KafkaBus
from core.kafka.lag import lag_of
from core.records import Camera, CountObservation, Status, Window, observation_id

pytestmark = [pytest.mark.service, pytest.mark.timeout(300)]

START = datetime(2026, 3, 12, 8, tzinfo=UTC)
CADENCE = timedelta(minutes=4)
CAMERAS = tuple(Camera(id=f"c{n}", name=f"c{n}", lat=51.5, lon=-0.1, cadence_s=240) for n in range(3))
LOST = Camera(id="lost", name="lost", lat=51.5, lon=-0.1, cadence_s=240)
"""Of which there are notes alone: counts say how cameras are too, and between two topics Kafka keeps no order."""

EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
GROUPS = ("aggregate", "health", "loops")


class City:
    """A cluster's broker and database, and its aggregate worker."""

    def __init__(self, folder: Path, kafka: KafkaCluster, server: PostgresServer) -> None:
        self.server = server
        self.bus = kafka.config(prefix=f"restored-{os.getpid()}", partitions=4)
        self.store: PostgresConfig = server.config()
        self.config = folder / "cluster.yaml"
        self.config.write_text(
            "name: Restored\nsources: [{kind: tfl_jamcam, name: tfl}]\nworker: {port: 0}\n"
            f"bus: {{kind: kafka, servers: [{', '.join(self.bus.servers)}], prefix: {self.bus.prefix}, "
            f"partitions: {self.bus.partitions}, session_timeout_s: 6}}\n"
            f"store: {{kind: postgres, url: {self.store.url}, schema: {self.store.schema_name}}}\n"
        )
        self.dump = folder / "busyness.dump"
        self.processes = Processes(folder, self.config)

    def save_cameras(self) -> None:
        """As `ingest` does."""
        with closing(PostgresStore.open(self.store)) as store:
            store.save_cameras([*CAMERAS, LOST])

    def publish(self, clips: range) -> None:
        """What `detect` counts of these clips of each camera, and what `ingest` notes of the cameras."""
        with KafkaBus(self.bus, "detect", SystemClock()) as bus:
            for number in clips:
                at = START + number * CADENCE
                for camera in CAMERAS:
                    bus.publish(OBSERVATIONS, counted(camera, at, number))
                state = CameraState.LIVE if number % 2 else CameraState.STALE
                bus.publish(HEALTH, HealthEvent(camera=LOST.id, since=at, state=state, reason="made up"))
            bus.flush()

    def aggregate(self) -> None:
        """Run the worker until nothing waits."""
        worker = self.processes.start("aggregate")
        worker.until_ready()
        until(self._all_is_stored, worker.log.read_text)
        assert worker.end()[0] == 0

    def _all_is_stored(self) -> bool:
        try:
            topics = ((OBSERVATIONS, "aggregate"), (HEALTH, "health"))
            return not any(lag_of(self.bus, topic, group).waiting for topic, group in topics)
        except BusError:  # a broker that has never had a group before makes room for it first
            return False

    def deliver_everything_again(self) -> None:
        admin = KafkaAdminClient(bootstrap_servers=list(self.bus.servers))
        admin.delete_groups([f"{self.bus.prefix}.{group}" for group in GROUPS])
        admin.close()

    def run(self, program: str, *arguments: str) -> None:
        """One of PostgreSQL's programs."""
        programs = binaries()
        assert programs is not None
        where = f"--dbname={self.server.url()}"
        subprocess.run([programs / program, where, *arguments], check=True, capture_output=True)

    def tables(self) -> dict[str, Any]:
        """The tables, but for when something was derived and which revision it is."""
        with closing(PostgresStore.open(self.store)) as store:
            readings = [
                revision.model_dump(exclude={"derived_at", "revision"})
                for window in Window
                for revision in announced(store.readings(window=window, series=SERIES, start=EVER[0], end=EVER[1]))
            ]
            return {
                "cameras": store.cameras(),
                "health": store.health(*EVER),
                "readings": {(one["zone"], one["window"], one["start"]): one for one in readings},
                **{one.id: store.observations(one.counted_zones[0].id, *EVER) for one in CAMERAS},
            }


def counted(camera: Camera, at: datetime, number: int) -> CountObservation:
    zone, figures = camera.counted_zones[0].id, Figures.of([number / 7 + place for place in range(len(SERIES))])
    return CountObservation(
        id=observation_id(camera.id, zone, at, "street@1"), camera=camera.id, zone=zone, event_time=at, duration_s=10,
        status=Status.OK, frames=6, present=figures, peak=figures, spread=figures, model="street@1", counted_at=at,
    )  # fmt: skip


@pytest.fixture
def city(tmp_path: Path, kafka: KafkaCluster, postgres_server: PostgresServer) -> Iterator[City]:
    city = City(tmp_path, kafka, postgres_server)
    yield city
    city.processes.close()
    postgres_server.drop(city.store)


def test_a_backup_and_a_replay_give_the_tables_that_were_lost(city: City) -> None:
    """An old backup, and none at all: Kafka has every count, and what is stored already changes nothing."""
    city.save_cameras()
    city.publish(range(12))
    city.aggregate()
    city.run("pg_dump", "--format=custom", f"--file={city.dump}", f"--schema={city.store.schema_name}")
    city.publish(range(12, 20))
    city.aggregate()
    undisturbed = city.tables()
    assert len(undisturbed["c1"]) == 20

    city.server.drop(city.store)
    city.run("pg_restore", "--exit-on-error", str(city.dump))
    assert len(city.tables()["c1"]) == 12
    city.deliver_everything_again()
    city.aggregate()
    assert city.tables() == undisturbed

    city.server.drop(city.store)
    city.save_cameras()
    city.deliver_everything_again()
    city.aggregate()
    assert city.tables() == undisturbed
