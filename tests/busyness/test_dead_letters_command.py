"""An operator looks at what could not be handled, sends it again, and drops it: against a real broker."""

from __future__ import annotations

import itertools
import json
import time
from pathlib import Path

import pytest
from bus_records import clip
from rich.console import Console
from services.kafka_broker import KafkaCluster
from typer.testing import CliRunner

from busyness.command import app
from busyness.config import Config, MemoryBusConfig
from busyness.dead_letters import Action, Asked, answer
from core.bus import CLIPS
from core.clock import SystemClock
from core.errors import ConfigError, NotFound
from core.kafka.bus import KafkaBus
from core.kafka.outbox import Post
from core.kafka.settings import KafkaConfig
from core.kafka.subscription import KafkaSubscription
from core.records import ClipReady
from ingest.synthetic import SyntheticConfig

PREFIXES = (f"letters{number}" for number in itertools.count())
STREET = SyntheticConfig(cameras=1)


@pytest.fixture
def brokers(kafka: KafkaCluster) -> KafkaConfig:
    return kafka.config(next(PREFIXES))


def config_file(folder: Path, brokers: KafkaConfig) -> Path:
    path = folder / "town.yaml"
    path.write_text(
        f"name: town\nsources: [{{kind: synthetic, cameras: 1}}]\n"
        f"bus: {{kind: kafka, servers: ['{brokers.servers[0]}'], prefix: {brokers.prefix}, partitions: 4}}\n",
        encoding="utf-8",
    )
    return path


def next_clip(records: KafkaSubscription[ClipReady]) -> ClipReady:
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        for record in records.poll(1, 0.5):
            return record
    raise AssertionError("nothing came")


def run(*words: object) -> str:
    done = CliRunner().invoke(app, ["dead-letters", *map(str, words)], catch_exceptions=False, env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.service
@pytest.mark.timeout(240)
def test_a_letter_is_seen_sent_again_and_gone(brokers: KafkaConfig, tmp_path: Path) -> None:
    """What is sent again is the record as it came, headers and all: the next worker takes it."""
    path = config_file(tmp_path, brokers)
    with KafkaBus(brokers, "detect-1", SystemClock()) as bus:
        for number in range(3):
            bus.publish(CLIPS, clip(number))
        bus.flush()
        records = bus.subscribe(CLIPS, group="detect")
        for _ in range(3):
            records.refuse(next_clip(records), "camera 00001.06710 is unknown")
            assert records.commit()
        listed = [json.loads(line) for line in run(path, "--json").splitlines()]
        assert [(one["topic"], one["worker"]) for one in listed] == [("clips", "detect-1")] * 3
        assert "payload" not in listed[0]
        assert "camera 00001.06710 is unknown" in run(path)
        assert run(path, "list", "--topic", "loops").startswith("0 dead letters")
        first, second, third = (one["id"] for one in listed)
        shown = run(path, "show", first)
        assert clip(0).location in shown
        assert "ce_type" in shown
        assert "sent 1 records" in run(path, "replay", first)
        assert next_clip(records) == clip(0)
        assert records.commit()
        assert "dropped 1 letters" in run(path, "drop", second)
        assert [json.loads(line)["id"] for line in run(path, "--json").splitlines()] == [third]
        assert "dropped 1 letters" in run(path, "drop", "--all")
        assert run(path, "--json") == ""


@pytest.mark.service
@pytest.mark.timeout(240)
def test_what_is_not_whole_cannot_be_sent_again(brokers: KafkaConfig, tmp_path: Path) -> None:
    """It is said, the command fails, and the letter stays."""
    path = config_file(tmp_path, brokers)
    with KafkaBus(brokers, "detect-1", SystemClock()) as bus:
        station = bus._station
        station.until_made(CLIPS)
        station.outbox.put(f"{brokers.prefix}.clips", [Post(b"a", b"x" * 70_000, [])])
        bus.flush()
        records = bus.subscribe(CLIPS, group="detect")
        ends = time.monotonic() + 20
        while not records.received.refused and time.monotonic() < ends:
            records.poll(1, 0.5)
    done = CliRunner().invoke(app, ["dead-letters", str(path), "replay", "--all"], env={"COLUMNS": "200"})
    assert done.exit_code == 1
    assert "cannot be sent again" in done.output
    (letter,) = (json.loads(line) for line in run(path, "--json").splitlines())
    assert letter["whole"] is False
    assert "it is of 70000 bytes" in letter["reason"]


@pytest.mark.service
@pytest.mark.timeout(240)
def test_what_is_asked_for_has_to_be_there(brokers: KafkaConfig) -> None:
    config = Config(name="town", sources=(STREET,), bus=brokers)
    with pytest.raises(NotFound, match="there is no dead letter 'clips/1/2'"):
        answer(config, Asked(Action.SHOW, ("clips/1/2",)), Console(quiet=True), as_json=False)
    with pytest.raises(ConfigError, match="name their ids, or say --all"):
        answer(config, Asked(Action.DROP), Console(quiet=True), as_json=False)


def test_one_process_has_no_dead_letters() -> None:
    config = Config(name="town", sources=(STREET,), bus=MemoryBusConfig())
    with pytest.raises(ConfigError, match="dead letters are kept on Kafka"):
        answer(config, Asked(), Console(quiet=True), as_json=False)
