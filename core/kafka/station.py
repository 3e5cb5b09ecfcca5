"""What the publishers and the subscriptions of one process share: its brokers, its name, its way to publish."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from kafka import KafkaAdminClient, errors

from core.bus import DEAD_LETTERS, RecordT, Topic, Written
from core.clock import Clock
from core.kafka.client import admin_settings, build, passes, refusal, said
from core.kafka.dead import letter_of
from core.kafka.envelope import headers_of
from core.kafka.outbox import Outbox, Post
from core.kafka.settings import KafkaConfig
from core.kafka.topics import make, name_of
from core.kafka.traffic import Sent
from core.kafka.waiting import Waiting


class Station:
    """One process at its brokers. Nothing is opened before it is needed; any thread may use it."""

    def __init__(self, config: KafkaConfig, worker: str, clock: Clock) -> None:
        self.config = config
        self.worker = worker
        self.clock = clock
        self.waiting = Waiting()
        self.outbox = Outbox(config, worker, self.waiting)
        self.sent: dict[str, Sent] = {}
        self._partitions: dict[str, int] = {}
        self._lock = threading.Lock()
        self._counting = threading.Lock()

    def publish(self, topic: Topic[RecordT], records: Sequence[Written[RecordT]]) -> None:
        """Put records on their way. Raises `BusError`."""
        self._put(topic, records, [one.payload for one in records])

    def strike(self, topic: Topic[Any], key: str) -> None:
        """Take the record of this key, which is its identity too, out of a compacted topic. Raises `BusError`."""
        self._put(topic, [Written(key, key, b"")], [None])

    def _put(self, topic: Topic[Any], records: Sequence[Written[Any]], values: Sequence[bytes | None]) -> None:
        self.until_made(topic)
        headers = headers_of(topic, [one.identity for one in records], self.worker)
        posts = [Post(one.key.encode(), value, told) for one, value, told in zip(records, values, headers, strict=True)]
        self.outbox.put(name_of(topic, self.config), posts)
        with self._counting:
            sent = self.sent.setdefault(topic.name, Sent(topic.name))
            sent.records += len(records)
            sent.bytes += sum([len(one.payload) for one in records])

    def put_aside(self, topic: Topic[Any], came: Any, reason: str) -> None:
        """A letter about what cannot be handled; durable as all that is published. Raises `BusError`."""
        letter = letter_of(topic, came, reason, self.worker, self.clock.now())
        self.publish(DEAD_LETTERS, [DEAD_LETTERS.written(letter)])

    def until_made(self, topic: Topic[Any]) -> None:
        """The topic is there; waits for the brokers. Raises `BusError`."""
        attempt = 0
        while not self.made(topic):
            self.waiting.pause(self.waiting.trouble or "no broker answers", attempt)
            attempt += 1

    def made(self, topic: Topic[Any]) -> bool:
        """Whether the topic is there, or could be made now. Raises `BusError` where it never can be."""
        if topic.name in self._partitions:
            return True
        with self._lock:
            try:
                admin = build(KafkaAdminClient, admin_settings(self.config, self.worker))
                try:
                    self._partitions[topic.name] = make(admin, topic, self.config)
                finally:
                    admin.close()
            except (errors.KafkaError, OSError) as error:
                if not passes(error):
                    raise refusal(error, self.config) from error
                self.waiting.ill(f"no broker of {', '.join(self.config.servers)} answers: {said(error)}")
                return False
        self.waiting.well()
        return True

    def places(self, topic: Topic[Any]) -> int:
        """How many partitions the topic has. Raises `BusError`."""
        self.until_made(topic)
        return self._partitions[topic.name]
