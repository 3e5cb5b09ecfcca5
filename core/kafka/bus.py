"""The bus of a cluster, on Apache Kafka.

bus = KafkaBus(config, worker="aggregate-1", clock=clock)
records = bus.subscribe(OBSERVATIONS, group="aggregate")
while not stopping:
    batch = records.poll(1000, 0.5)
    ...
    records.commit()
bus.leave()
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from core.bus import Topic, Written
from core.clock import Clock
from core.config import Closed
from core.kafka.settings import KafkaConfig
from core.kafka.station import Station
from core.kafka.subscription import KafkaSubscription
from core.kafka.traffic import Received, Sent

_LOG = logging.getLogger(__name__)

RecordT = TypeVar("RecordT", bound=Closed)

BREATH_S = 1.0
LEAVING_S = 5.0


class KafkaBus:
    """The `Bus` of one process of a cluster; `worker` is its name, as logs and dead letters tell it.

    Nothing is opened before it is needed, and a broker that is away is waited for: `trouble` says so. Any thread may
    publish; a subscription belongs to one.
    """

    def __init__(self, config: KafkaConfig, worker: str, clock: Clock) -> None:
        self._station = Station(config, worker, clock)
        self._subscriptions: list[KafkaSubscription[Any]] = []
        self._lock = threading.Lock()
        self._left = threading.Event()
        self._breath = threading.Thread(target=self._breathe, name="kafka-breath", daemon=True)

    @property
    def trouble(self) -> str | None:
        """What it waits for; None where the brokers answered the last time that they were asked."""
        return self._station.waiting.trouble

    @property
    def sent(self) -> list[Sent]:
        """What was published, by topic."""
        return list(self._station.sent.values())

    @property
    def received(self) -> list[Received]:
        """What came, by subscription."""
        with self._lock:
            return [one.received for one in self._subscriptions]

    def publish(self, topic: Topic[RecordT], record: RecordT) -> None:
        self._station.publish(topic, (topic.written(record),))

    def publish_written(self, topic: Topic[RecordT], records: Sequence[Written[RecordT]]) -> None:
        topic.measure(records)
        self._station.publish(topic, records)

    def flush(self) -> None:
        self._station.outbox.flush()

    def subscribe(self, topic: Topic[RecordT], *, group: str | None) -> KafkaSubscription[RecordT]:
        named = None if group is None else f"{self._station.config.prefix}.{group}"
        subscription = KafkaSubscription(self._station, topic, named)
        with self._lock:
            self._subscriptions = [*(one for one in self._subscriptions if not one.finished), subscription]
            if not self._breath.is_alive() and not self._left.is_set():
                self._breath.start()
        return subscription

    def close(self, topic: Topic[RecordT]) -> None:  # noqa: ARG002 - a broker's topics have no end
        """Other processes go on publishing to it: only what was published here is made durable."""
        self.flush()

    def stop(self) -> None:
        """Nobody waits for brokers that are away any longer: publish, flush and commit raise `BusError` then."""
        self._station.waiting.stop()

    def leave(self, timeout_s: float = LEAVING_S) -> None:
        """Give up every place and the way to publish. What was not committed goes to others."""
        self.stop()
        self._left.set()
        with self._lock:
            subscriptions = list(self._subscriptions)
        for subscription in subscriptions:
            subscription.close()
        if not self._station.outbox.close(timeout_s):
            _LOG.warning("left with records that Kafka did not take; what they came from is not committed either")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    def _breathe(self) -> None:
        while not self._left.wait(BREATH_S):
            with self._lock:
                subscriptions = list(self._subscriptions)
            for subscription in subscriptions:
                try:
                    subscription.breathe()
                except Exception:  # whatever it is, the others have to be kept too, and this one meets it when it polls
                    _LOG.exception("a place could not be kept")
