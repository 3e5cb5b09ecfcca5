"""The bus between stages: topics of closed records, delivered at least once, committed after the work is done.

    publish --> topic, by key in order --> poll --> work, durable --> commit
                                            +-- malformed ---> DEAD_LETTERS, by the bus itself
                                            +-- refuse ------>

Records cross it as JSON of their closed schema, in memory just as on a broker, so that what cannot be
serialised (a `Frame`) cannot travel. In memory it is here; on Apache Kafka in `core/kafka`.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from core.config import Closed
from core.errors import Unpublishable
from core.health import HealthEvent
from core.letters import LETTER_LENGTH, DeadLetter
from core.loops import LoopReading
from core.records import ClipReady, CountObservation
from core.revisions import ReadingRevision

_LOG = logging.getLogger(__name__)
RecordT = TypeVar("RecordT", bound=Closed)


class Written(NamedTuple, Generic[RecordT]):
    """A record as it travels: its key, its identity (see `Topic`), and its JSON.

    `Topic.written` makes it of a record. Who has thousands of records in columns may write them all at once
    (`aggregate/revisions.py`); whoever takes them from the bus holds each against its closed schema all the same.
    """

    key: str
    identity: str
    payload: bytes


@dataclass(frozen=True)
class Topic(Generic[RecordT]):
    """A named stream of one record type; records of one `key` keep their order on every bus.

    `identity` is the same for a record and for whatever repeats it. `version` is that of its schema
    (`core/schemas/NAME.vVERSION.json`). Of a `compacted` topic what has a newer record of its key goes, sooner or
    later; of every topic what is older than the bus keeps records, but of a `lasting` one nothing goes for its age.
    A record is of at most `max_bytes` as JSON: no picture fits.
    """

    name: str
    record: type[RecordT]
    key: Callable[[RecordT], str]
    identity: Callable[[RecordT], str]
    version: int = 1
    compacted: bool = False
    lasting: bool = False
    max_bytes: int = 65_536

    def payload_of(self, record: RecordT) -> bytes:
        """The record as it travels. Raises `TypeError` for one of another topic, `Unpublishable` if it is too big."""
        return self.written(record).payload

    def written(self, record: RecordT) -> Written[RecordT]:
        """A record, ready to travel. Raises `TypeError` for one of another topic, `Unpublishable` if it is too big."""
        if type(record) is not self.record:
            raise TypeError(f"topic {self.name} takes {self.record.__name__}, got {type(record).__name__}")
        payload = record.model_dump_json().encode()
        written: Written[RecordT] = Written(self.key(record), self.identity(record), payload)
        self.measure((written,))
        return written

    def measure(self, records: Iterable[Written[RecordT]]) -> None:
        """Raises `Unpublishable` where one of them is too big."""
        for record in records:
            if len(record.payload) > self.max_bytes:
                raise Unpublishable(
                    f"a record of {len(record.payload)} bytes is too large for the topic {self.name}, which takes "
                    f"{self.max_bytes}: {record.identity}",
                    remedy="look for what it carries that is no figure",
                )


CLIPS = Topic(
    "clips",
    ClipReady,
    key=lambda clip: clip.camera,
    identity=lambda clip: f"{clip.camera}/{clip.event_time.isoformat()}/{clip.content or 'fault'}",
)
OBSERVATIONS = Topic(
    "observations", CountObservation, key=lambda observation: observation.camera, identity=lambda one: one.id
)
HEALTH = Topic(
    "health",
    HealthEvent,
    key=lambda event: event.camera,
    identity=lambda event: f"{event.camera}/{event.since.isoformat()}",
)
LOOPS = Topic(
    "loops",
    LoopReading,
    key=lambda reading: reading.counter,
    identity=lambda one: f"{one.counter}/{one.series}/{one.start.isoformat()}/{one.end.isoformat()}",
)
REVISIONS = Topic(
    "revisions",
    ReadingRevision,
    key=lambda revision: revision.place,
    identity=lambda revision: f"{revision.place}/{revision.revision}",
    compacted=True,
)
DEAD_LETTERS = Topic(
    "dead-letters",
    DeadLetter,
    key=lambda letter: letter.id,
    identity=lambda letter: letter.id,
    compacted=True,
    lasting=True,
    max_bytes=8 * LETTER_LENGTH,  # each character of a payload may take six, and there is what says where it is from
)
TOPICS: tuple[Topic[Any], ...] = (CLIPS, OBSERVATIONS, HEALTH, LOOPS)
"""What a pipeline of one process speaks over. A cluster has `REVISIONS` and `DEAD_LETTERS` beside them."""


class TopicClosed(RuntimeError):
    """A record was published to a topic after its end."""


class Subscription(Protocol[RecordT]):
    """One consumer's place in a topic."""

    def poll(self, max_records: int, timeout_s: float) -> Sequence[RecordT]:
        """Up to `max_records` records, waiting at most `timeout_s` for the first; empty where there was none."""
        ...

    def commit(self) -> bool:
        """Say that everything polled so far is durably handled.

        What was published on the same bus before is made durable first: what a record led to is never lost with it.
        False where the place, or a part of it, was lost meanwhile: what was polled there is given to another consumer
        of the group as well, and to handle it again must change nothing. Raises `BusError`.
        """
        ...

    def refuse(self, record: RecordT, reason: str) -> None:
        """Put a record that `poll` gave, and that cannot be handled, with the dead letters; `commit` then passes it."""
        ...

    def close(self) -> None:
        """Give the place up; what was polled and not committed goes to another consumer."""
        ...

    @property
    def finished(self) -> bool:
        """True once the topic is closed and every record has been polled; never on a broker, whose topics stay."""
        ...


class Bus(Protocol):
    """Where the stages meet: in memory here, a broker in a cluster."""

    def publish(self, topic: Topic[RecordT], record: RecordT) -> None:
        """Append a record; waits while the topic is full (backpressure). Raises `TopicClosed`, `BusError`.

        It is durable after the next `flush` or `commit`.
        """
        ...

    def publish_written(self, topic: Topic[RecordT], records: Sequence[Written[RecordT]]) -> None:
        """`publish` many, in their order, that are written already. Where it raises, some may have been published."""
        ...

    def flush(self) -> None:
        """Returns when all that was published is durable. Raises `BusError` where some of it cannot be."""
        ...

    def subscribe(self, topic: Topic[RecordT], *, group: str | None) -> Subscription[RecordT]:
        """A consumer; those of one `group` share the topic's records between them, each group gets all of them.

        With None it gets what is published from now on, whoever else does, and there is nothing to commit.
        """
        ...

    def close(self, topic: Topic[RecordT]) -> None:
        """Say that no more records will be published to this topic."""
        ...


_NOBODY_YET = ""


@dataclass
class _Lane:
    """What waits in one topic, for each group that reads it; for the first to come before there is one."""

    capacity: int
    waiting: dict[str, deque[bytes]] = field(default_factory=lambda: {_NOBODY_YET: deque()})
    closed: bool = False
    changed: threading.Condition = field(default_factory=threading.Condition)

    def joined(self, group: str) -> deque[bytes]:
        with self.changed:
            if group not in self.waiting:
                self.waiting[group] = self.waiting.pop(_NOBODY_YET, deque())
            return self.waiting[group]

    def listening(self) -> tuple[str, deque[bytes]]:
        """A group of its own, of who listens from now on; a topic that is only listened to keeps nothing for others."""
        with self.changed:
            if not self.waiting.get(_NOBODY_YET, True):
                del self.waiting[_NOBODY_YET]
            name = f"listener {next(_NUMBERS)}"
            self.waiting[name] = deque()
            return name, self.waiting[name]

    def left(self, listener: str) -> None:
        with self.changed:
            self.waiting.pop(listener, None)
            self.changed.notify_all()


_NUMBERS = count()


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
        self.publish_written(topic, (topic.written(record),))

    def publish_written(self, topic: Topic[RecordT], records: Sequence[Written[RecordT]]) -> None:
        topic.measure(records)
        lane = self._lane(topic.name)
        with lane.changed:
            for record in records:
                lane.changed.wait_for(
                    lambda: lane.closed or all(len(queue) < lane.capacity for queue in lane.waiting.values())
                )
                if lane.closed:
                    raise TopicClosed(f"topic {topic.name} is closed")
                for queue in lane.waiting.values():
                    queue.append(record.payload)
                lane.changed.notify_all()

    def flush(self) -> None:
        """Nothing outlives the process."""

    def subscribe(self, topic: Topic[RecordT], *, group: str | None) -> MemorySubscription[RecordT]:
        lane = self._lane(topic.name)
        if group is None:
            return MemorySubscription(topic, lane, *lane.listening())
        return MemorySubscription(topic, lane, None, lane.joined(group))

    def close(self, topic: Topic[RecordT]) -> None:
        lane = self._lane(topic.name)
        with lane.changed:
            lane.closed = True
            lane.changed.notify_all()


class MemorySubscription(Generic[RecordT]):
    """A consumer of a `MemoryBus` topic. Nothing outlives the process, so commit has nothing to write."""

    def __init__(self, topic: Topic[RecordT], lane: _Lane, listener: str | None, waiting: deque[bytes]) -> None:
        self._topic = topic
        self._lane = lane
        self._listener = listener
        self._waiting = waiting

    def poll(self, max_records: int, timeout_s: float) -> Sequence[RecordT]:
        lane, waiting = self._lane, self._waiting
        with lane.changed:
            lane.changed.wait_for(lambda: bool(waiting) or lane.closed, timeout=timeout_s)
            payloads = [waiting.popleft() for _ in range(min(max_records, len(waiting)))]
            lane.changed.notify_all()
        return [self._topic.record.model_validate_json(payload) for payload in payloads]

    def commit(self) -> bool:
        return True

    def refuse(self, record: RecordT, reason: str) -> None:
        _LOG.error("a record of %s is put aside: %s: %s", self._topic.name, reason, self._topic.identity(record))

    def close(self) -> None:
        if self._listener is not None:
            self._lane.left(self._listener)

    @property
    def finished(self) -> bool:
        with self._lane.changed:
            return self._lane.closed and not self._waiting
