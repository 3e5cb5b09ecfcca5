"""What the publishers and the subscriptions of one process share: its brokers, its name, its way to publish."""

from __future__ import annotations

import threading
from typing import Any

from kafka import KafkaAdminClient, errors

from core.bus import DEAD_LETTERS, Topic
from core.clock import Clock
from core.kafka.client import admin_settings, build, passes, refusal, said
from core.kafka.dead import letter_of
from core.kafka.envelope import headers_of
from core.kafka.outbox import Outbox
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

    def publish(self, topic: Topic[Any], identity: str, key: str, payload: bytes | None) -> None:
        """Put a record on its way, or strike the one of this key (None). Raises `BusError`."""
        self.until_made(topic)
        headers = headers_of(topic, identity, self.worker, self.clock.now())
        self.outbox.put(name_of(topic, self.config), key.encode(), payload, headers)
        with self._counting:
            sent = self.sent.setdefault(topic.name, Sent(topic.name))
            sent.records += 1
            sent.bytes += len(payload or b"")

    def put_aside(self, topic: Topic[Any], came: Any, reason: str) -> None:
        """A letter about what cannot be handled; durable as all that is published. Raises `BusError`."""
        letter = letter_of(topic, came, reason, self.worker, self.clock.now())
        self.publish(DEAD_LETTERS, letter.id, letter.id, DEAD_LETTERS.payload_of(letter))

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
