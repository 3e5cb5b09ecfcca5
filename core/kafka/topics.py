"""The topics of a cluster as Kafka has them: what they are called, how they are kept."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

from kafka import KafkaAdminClient, errors

from core.bus import Topic
from core.kafka.settings import KafkaConfig

_LOG = logging.getLogger(__name__)

HOUR_MS = 3_600_000


def name_of(topic: Topic[Any], config: KafkaConfig) -> str:
    """What the topic is called on the brokers."""
    return f"{config.prefix}.{topic.name}"


def settings_of(topic: Topic[Any], config: KafkaConfig) -> dict[str, str]:
    """How its records are kept. Where there are several copies, one may be away and records are still taken."""
    compacted = "compact" if topic.lasting else "compact,delete"
    return {
        "cleanup.policy": compacted if topic.compacted else "delete",
        "retention.ms": "-1" if topic.lasting else str(config.retention_hours * HOUR_MS),
        "delete.retention.ms": str(7 * 24 * HOUR_MS),  # how long it is told that a record was struck
        "min.insync.replicas": str(max(1, config.replication - 1)),
    }


def make(admin: KafkaAdminClient, topic: Topic[Any], config: KafkaConfig) -> int:
    """Make the topic where there is none, with more partitions where it has too few. Returns how many it has.

    Raises `kafka.errors.KafkaError`. Partitions are never taken away; those that were added change the place of keys.
    """
    name = name_of(topic, config)
    told = {
        "num_partitions": config.partitions,
        "replication_factor": config.replication,
        "configs": settings_of(topic, config),
    }
    there = _partitions(admin, name)
    if not there:
        with suppress(errors.TopicAlreadyExistsError):  # another worker was quicker
            admin.create_topics({name: told}, timeout_ms=10_000, wait_for_metadata=True)
            _LOG.info("made the topic %s with %d partitions", name, config.partitions)
    elif there < config.partitions:
        with suppress(errors.InvalidPartitionsError):  # another worker was quicker
            admin.create_partitions({name: config.partitions}, timeout_ms=10_000)
            _LOG.warning("the topic %s had %d partitions and has %d now", name, there, config.partitions)
    return max(_partitions(admin, name), config.partitions)  # brokers hear of it one after the other


def _partitions(admin: KafkaAdminClient, name: str) -> int:
    (found,) = admin.describe_topics([name])
    return len(found["partitions"])
