"""Fixtures that every room uses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from services.kafka_broker import KafkaCluster
    from services.postgres_server import PostgresServer

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # also for tests that load ONNX Runtime themselves

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real clips and labels beside the project; tests that need them skip where they are absent."""
    path = ROOT.parent / "shared" / "data"
    if not path.is_dir():
        pytest.skip("needs the real clips in ../shared/data, which are not on this machine")
    return path


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaCluster]:
    """One real broker for all tests of a session, each of which has a prefix of its own; it runs when they begin."""
    from services.kafka_broker import kafka_or_skip

    with kafka_or_skip(tmp_path_factory.mktemp("kafka")) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One PostgreSQL server for all tests of a session, each of which has a schema of its own."""
    from services.postgres_server import postgres_or_skip

    with postgres_or_skip() as server:
        yield server
