"""What the workers of a cluster have in common at their start: the bus, the store, and what they are refused for."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry
from rich.console import Console

from busyness.cluster.traffic import TrafficMeters
from busyness.cluster.worker import Worker
from busyness.config import Config, DuckDBConfig
from busyness.keeping import told
from busyness.memory import give_memory_back
from core.clock import Clock
from core.errors import ConfigError
from core.kafka.bus import KafkaBus
from core.kafka.settings import KafkaConfig

LEAVE_S = 2.0
"""How long what was published may take to arrive once the loops have ended; where it mattered, it has arrived."""


def bus_of(config: Config) -> KafkaConfig:
    """The brokers. Raises `ConfigError` where the stages of this configuration cannot be processes of their own."""
    if not isinstance(config.bus, KafkaConfig):
        raise ConfigError(
            "the stages are processes of their own over Kafka, and this configuration has none",
            remedy="set bus: {kind: kafka, servers: [HOST:PORT]}, or run them all in one: busyness run CONFIG",
        )
    if isinstance(config.store, DuckDBConfig):
        raise ConfigError(
            "several processes cannot write an embedded store",
            remedy="set store: {kind: postgres, url: postgresql://USER@HOST/DATABASE}",
        )
    return config.bus


def name_of(stage: str) -> str:
    """What this process is called in logs, at the brokers and in dead letters."""
    return f"{stage}-{socket.gethostname()}-{os.getpid()}"


@contextmanager
def started(
    stage: str, config: Config, clock: Clock, console: Console
) -> Iterator[tuple[Worker, KafkaBus, CollectorRegistry]]:
    """A worker at the bus: what it could not send or commit within its time at the end stays for another.

    Raises `ConfigError`.
    """
    give_memory_back()
    brokers, registry = bus_of(config), CollectorRegistry()
    bus = KafkaBus(brokers, name_of(stage), clock)
    with Worker(stage, config.worker, registry) as worker:
        worker.needs(lambda: bus.trouble)
        worker.overdue.append(bus.stop)
        registry.register(TrafficMeters(bus))
        describe(worker, config, console)
        try:
            yield worker, bus, registry
        finally:
            bus.leave(LEAVE_S)


def describe(worker: Worker, config: Config, console: Console) -> None:
    """The start-up list of a worker."""
    bus = config.bus
    console.print(f"{config.name}: {worker.name}", style="bold", markup=False, highlight=False)
    for what, value in (
        ("bus", f"{', '.join(bus.servers)}, topics {bus.prefix}.*" if isinstance(bus, KafkaConfig) else None),
        ("store", told(config)),
        ("asked", None if worker.port is None else f"http://{config.worker.host}:{worker.port}/readyz, /metrics"),
    ):
        if value is not None:
            console.print(f"  {what:<8} {value}", highlight=False, markup=False, soft_wrap=True)
