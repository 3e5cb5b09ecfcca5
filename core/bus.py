"""The bus between stages: topics of closed records, delivered at least once, committed after the work is done.

Records cross it as JSON of their closed schema, in memory just as on a broker, so that what cannot be
serialised (a `Frame`) cannot travel.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from core.config import Closed
from core.health import HealthEvent
from core.loops import LoopReading
from core.records import ClipReady, CountObservation

RecordT = TypeVar("RecordT", bound=Closed)
RecordT_co = TypeVar("RecordT_co", bound=Closed, covariant=True)


@dataclass(frozen=True)
class Topic(Generic[RecordT]):
    """A named stream of one record type; records of one `key` keep their order on every bus."""

    name: str
    record: type[RecordT]
    key: Callable[[RecordT], str]


CLIPS = Topic("clips", ClipReady, key=lambda clip: clip.camera)
OBSERVATIONS = Topic("observations", CountObservation, key=lambda observation: observation.camera)
HEALTH = Topic("health", HealthEvent, key=lambda event: event.camera)
LOOPS = Topic("loops", LoopReading, key=lambda reading: reading.counter)
TOPICS: tuple[Topic[Any], ...] = (CLIPS, OBSERVATIONS, HEALTH, LOOPS)


class TopicClosed(RuntimeError):
    """A record was published to a topic after its end."""


class Subscription(Protocol[RecordT_co]):
    """One consumer's place in a topic."""

    def poll(self, max_records: int, timeout_s: float) -> Sequence[RecordT_co]:
        """Up to `max_records` records, waiting at most `timeout_s` for the first; empty where there was none."""
        ...

    def commit(self) -> None:
        """Say that everything polled so far is durably handled."""
        ...

    @property
    def finished(self) -> bool:
        """True once the topic is closed and every record has been polled."""
        ...


class Bus(Protocol):
    """Where the stages meet: in memory here, a broker in a cluster."""

    def publish(self, topic: Topic[RecordT], record: RecordT) -> None:
        """Append a record; waits while the topic is full (backpressure). Raises `TopicClosed`."""
        ...

    def subscribe(self, topic: Topic[RecordT]) -> Subscription[RecordT]:
        """A consumer; consumers of one topic share its records between them."""
        ...

    def close(self, topic: Topic[RecordT]) -> None:
        """Say that no more records will be published to this topic."""
        ...


@dataclass
class _Lane:
    capacity: int
    waiting: deque[bytes] = field(default_factory=deque)
    closed: bool = False
    changed: threading.Condition = field(default_factory=threading.Condition)


class MemoryBus:
    """The bus of one process: a bounded queue per topic, shared by its consumers. `capacities` is by topic name."""

    def __init__(self, capacity: int = 256, capacities: Mapping[str, int] | None = None) -> None:
        self._capacity = capacity
        self._capacities = capacities or {}
        self._lanes: dict[str, _Lane] = {}
        self._lock = threading.Lock()

    def _lane(self, name: str) -> _Lane:
        with self._lock:
            return self._lanes.setdefault(name, _Lane(self._capacities.get(name, self._capacity)))

    def publish(self, topic: Topic[RecordT], record: RecordT) -> None:
        if type(record) is not topic.record:
            raise TypeError(f"topic {topic.name} takes {topic.record.__name__}, got {type(record).__name__}")
        payload = record.model_dump_json().encode()
        lane = self._lane(topic.name)
        with lane.changed:
            lane.changed.wait_for(lambda: len(lane.waiting) < lane.capacity or lane.closed)
            if lane.closed:
                raise TopicClosed(f"topic {topic.name} is closed")
            lane.waiting.append(payload)
            lane.changed.notify_all()

    def subscribe(self, topic: Topic[RecordT]) -> MemorySubscription[RecordT]:
        return MemorySubscription(topic, self._lane(topic.name))

    def close(self, topic: Topic[RecordT]) -> None:
        lane = self._lane(topic.name)
        with lane.changed:
            lane.closed = True
            lane.changed.notify_all()


class MemorySubscription(Generic[RecordT]):
    """A consumer of a `MemoryBus` topic. Nothing outlives the process, so commit has nothing to write."""

    def __init__(self, topic: Topic[RecordT], lane: _Lane) -> None:
        self._topic = topic
        self._lane = lane

    def poll(self, max_records: int, timeout_s: float) -> Sequence[RecordT]:
        lane = self._lane
        with lane.changed:
            lane.changed.wait_for(lambda: bool(lane.waiting) or lane.closed, timeout=timeout_s)
            payloads = [lane.waiting.popleft() for _ in range(min(max_records, len(lane.waiting)))]
            lane.changed.notify_all()
        return [self._topic.record.model_validate_json(payload) for payload in payloads]

    def commit(self) -> None:
        return None

    @property
    def finished(self) -> bool:
        with self._lane.changed:
            return self._lane.closed and not self._lane.waiting
