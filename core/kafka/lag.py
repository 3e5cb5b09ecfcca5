"""How far a group is behind: what waits in a topic that it has not committed. Asked of the brokers, by anybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, OffsetAndMetadata, TopicPartition, errors

from core.bus import Topic
from core.errors import BusError
from core.kafka.client import admin_settings, build, consumer_settings, passes, refusal, said
from core.kafka.settings import KafkaConfig
from core.kafka.topics import name_of

_ASKING_MS = 10_000


@dataclass(frozen=True)
class PlaceLag:
    """One partition: where it begins and ends, and what the group has committed; None where nothing yet."""

    partition: int
    begins: int
    ends: int
    committed: int | None

    @property
    def waiting(self) -> int:
        """How many records the group has not committed, of those that are still there."""
        return self.ends - max(self.begins, self.begins if self.committed is None else self.committed)


@dataclass(frozen=True)
class Lag:
    """How far a group is behind in a topic."""

    topic: str
    group: str
    places: tuple[PlaceLag, ...]

    @property
    def waiting(self) -> int:
        return sum(place.waiting for place in self.places)


def lag_of(config: KafkaConfig, topic: Topic[Any], group: str, worker: str = "lag") -> Lag:
    """How far `group` (as it was named to `subscribe`) is behind. Raises `BusError`."""
    full = f"{config.prefix}.{group}"
    try:
        places, begins, ends = _extent(config, topic, worker)
        admin = build(KafkaAdminClient, admin_settings(config, worker))
        try:
            found: dict[TopicPartition, OffsetAndMetadata] = admin.list_group_offsets({full: places}).get(full, {})
        finally:
            admin.close()
    except (errors.KafkaError, OSError) as error:
        if not passes(error):
            raise refusal(error, config) from error
        raise BusError(
            f"no broker of {', '.join(config.servers)} answers: {said(error)}", remedy="start them"
        ) from error
    committed = {place: found[place].offset for place in places if place in found and found[place].offset >= 0}
    return Lag(
        topic.name,
        group,
        tuple(PlaceLag(place.partition, begins[place], ends[place], committed.get(place)) for place in sorted(places)),
    )


def _extent(
    config: KafkaConfig, topic: Topic[Any], worker: str
) -> tuple[list[TopicPartition], dict[TopicPartition, int], dict[TopicPartition, int]]:
    """The topic's partitions, where each begins, and where it ends."""
    name = name_of(topic, config)
    consumer = build(KafkaConsumer, consumer_settings(config, worker, None))
    try:
        places = [TopicPartition(name, number) for number in sorted(consumer.partitions_for_topic(name) or ())]
        begins = consumer.beginning_offsets(places, timeout_ms=_ASKING_MS) if places else {}
        ends = consumer.end_offsets(places, timeout_ms=_ASKING_MS) if places else {}
        return places, begins, ends
    finally:
        consumer.close(autocommit=False)
