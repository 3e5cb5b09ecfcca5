"""A worker's place in a topic: records come in, its place is kept while it works, and its work is committed.

    poll --> in hand --> commit: what it led to is durable, then the offset
               |   +---- refuse: a dead letter, durable before the offset too
               +-------- while it takes long, `breathe` takes part in the life of the group, without taking records

When the group shares its places anew, a worker keeps what stays its own, in hand or not. Of what went to another it
commits nothing: the other is given it again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any, Generic, TypeVar

from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition, errors
from kafka.structs import MemberState

from core.bus import Topic
from core.config import Closed
from core.errors import BusError
from core.kafka.client import open_consumer, passes, refusal, said, take_part
from core.kafka.envelope import Poison, record_of
from core.kafka.station import Station
from core.kafka.topics import name_of
from core.kafka.traffic import Received

_LOG = logging.getLogger(__name__)

RecordT = TypeVar("RecordT", bound=Closed)

SLOW_S = 2.0
"""Work that takes longer than this is not waited for when the group shares its places anew."""

PATIENCE_S = 900.0
"""Who has not polled for so long is taken for stuck: others take its work."""

PROBE_S = 5.0
"""How often an idle worker makes sure that there is still a broker."""

LAG_S = 1.0
"""How often a busy one reckons how far it is behind."""

_TURN_MS = 50
_COMMIT_MS = 5_000
_PROBE_MS = 2_000
_LEAVING_MS = 2_000


class _Places(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """What the group gives and takes. Called by kafka-python's own thread while ours waits for it, lock in hand."""

    def __init__(self, subscription: KafkaSubscription[Any]) -> None:
        self._subscription = subscription

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """All are taken, always; which come back is said next, and they come back as they were."""

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._subscription.keep_only(set(assigned))

    def on_partitions_lost(self, _lost: Iterable[TopicPartition]) -> None:
        self._subscription.keep_only(set())


class KafkaSubscription(Generic[RecordT]):
    """A consumer of one topic, in a group or by itself. One thread works with it; `breathe`, `close` are for any."""

    def __init__(self, station: Station, topic: Topic[RecordT], group: str | None) -> None:
        self._station = station
        self._topic = topic
        self._group = group
        self._name = name_of(topic, station.config)
        self._lock = threading.RLock()
        self._consumer: KafkaConsumer | None = None
        self._closed = False
        self._next: dict[TopicPartition, OffsetAndMetadata] = {}
        self._done: dict[TopicPartition, int] = {}
        self._in_hand: list[tuple[list[RecordT], list[Any]]] = []
        self._lost = False
        self._polled_at = time.monotonic()
        self._heard_at = time.monotonic()
        self._probed_at = 0.0
        self._reckoned_at = 0.0
        self.received = Received(topic.name, group)

    def poll(self, max_records: int, timeout_s: float) -> Sequence[RecordT]:
        ends = time.monotonic() + timeout_s
        with self._lock:
            self._polled_at = time.monotonic()
            came = self._come(max_records, ends)
            records = self._read(came)
            if came and not self._in_hand:
                self.commit()  # nothing but poison: nobody else will say that it is dealt with
            self._polled_at = time.monotonic()
        return records

    def commit(self) -> bool:
        if self._group is None:
            self._let_go()
            return True
        self._station.outbox.flush()
        with self._lock:
            attempt = 0
            while self._next and not self._committed():
                self._station.waiting.pause("it does not take what was done", attempt)
                attempt += 1
            self._let_go()
            kept, self._lost = not self._lost, False
            self.received.commits += 1
        return kept

    def refuse(self, record: RecordT, reason: str) -> None:
        came = self._as_it_came(record)
        _LOG.error("%s: a record is put with the dead letters: %s", self._where(came), reason)
        self.received.refused += 1
        self._station.put_aside(self._topic, came, reason)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._drop()

    @property
    def finished(self) -> bool:
        return self._closed

    def breathe(self) -> None:
        """Keep the place of a worker that is busy, and let the group share its places anew meanwhile."""
        if not self._lock.acquire(blocking=False):
            return  # it is polling
        try:
            idle_s = time.monotonic() - self._polled_at
            if self._group is not None and SLOW_S < idle_s < PATIENCE_S:
                self._turn()
        except (errors.KafkaError, OSError) as error:
            self._station.waiting.ill(said(error))  # the worker meets it when it polls
        finally:
            self._lock.release()

    def keep_only(self, places: set[TopicPartition]) -> None:
        """These are the places it has now."""
        self._done = {place: offset for place, offset in self._done.items() if place in places}
        gone = [place for place in self._next if place not in places]
        for place in gone:
            del self._next[place]
        if gone:
            self._lost = True
            self.received.lost += 1
            _LOG.warning("%s: %d places went to another worker with work in hand", self._name, len(gone))
        self.received.shared += 1
        self.received.places = len(places)

    def _come(self, max_records: int, ends: float) -> dict[TopicPartition, list[Any]]:
        """What there is, by place."""
        consumer = self._opened()
        left_s = max(0.0, ends - time.monotonic())
        if consumer is None:
            self._rest(left_s)
            return {}
        self._listen(consumer)
        try:
            came: dict[TopicPartition, list[Any]] = consumer.poll(int(left_s * 1000), max_records)
            if not came and consumer.group_metadata().state == MemberState.REBALANCING:
                self._turn()
        except (errors.KafkaError, OSError) as error:
            self._bear(error)
            self._rest(min(left_s, 0.1))
            return {}
        except UnicodeDecodeError as error:  # a header's name; kafka-python does not say of which record
            self._bear(errors.CorruptRecordError(str(error)))
            return {}
        if came:
            self._heard()
        return came

    def _opened(self) -> KafkaConsumer | None:
        """The consumer; None where no broker answers yet. Raises `BusError`."""
        if self._closed:
            raise BusError(f"the subscription of {self._name} is closed")
        if self._consumer is None and self._station.made(self._topic):
            station = self._station
            try:
                self._consumer = open_consumer(station.config, station.worker, self._group, self._name, _Places(self))
            except (errors.KafkaError, OSError) as error:
                self._bear(error)
        return self._consumer

    def _bear(self, error: BaseException) -> None:
        """Wait for what passes. Raises `BusError` where it will not: the next poll begins anew."""
        if not passes(error):
            self._drop()
            raise refusal(error, self._station.config) from error
        self._station.waiting.ill(said(error))

    def _drop(self) -> None:
        """Leave the group; what is in hand goes to another."""
        consumer, self._consumer = self._consumer, None
        self.keep_only(set())
        if consumer is not None:
            consumer.close(autocommit=False, timeout_ms=_LEAVING_MS)

    def _rest(self, seconds: float) -> None:
        self._station.waiting.rest(seconds)

    def _listen(self, consumer: KafkaConsumer) -> None:
        """Make sure now and then that there is a broker, and how far behind we are.

        Where nobody says so in time we poll all the same: other brokers may have something, and polling finds out who
        leads now.
        """
        now = time.monotonic()
        probe = now - max(self._heard_at, self._probed_at) >= PROBE_S
        if not probe and now - self._reckoned_at < LAG_S:
            return
        try:
            places = consumer.assignment()
            if probe:
                self._probed_at = now
                ends = consumer.end_offsets(list(places or {TopicPartition(self._name, 0)}), timeout_ms=_PROBE_MS)
                self._heard()
            else:
                ends = {place: consumer.highwater(place) for place in places}
            self._reckoned_at = now
            self.received.lag = sum(
                self._behind(consumer, place, ends[place]) for place in places if ends[place] is not None
            )
            self.received.places = len(places)
        except (errors.KafkaError, OSError) as error:
            self._bear(error)

    def _heard(self) -> None:
        self._heard_at = time.monotonic()
        self._station.waiting.well()

    def _behind(self, consumer: KafkaConsumer, place: TopicPartition, end: int) -> int:
        """How many records of a place are not committed."""
        done = self._done.get(place)
        if done is None:
            done = consumer.position(place, timeout_ms=_TURN_MS)
        return 0 if done is None else max(0, end - done)

    def _read(self, came: dict[TopicPartition, list[Any]]) -> list[RecordT]:
        """The records among what came; the rest goes to the dead letters.

        Raises `BusError`; then nothing has come, and comes again.
        """
        records: list[RecordT] = []
        kept: list[Any] = []
        try:
            for raw in (raw for raws in came.values() for raw in raws):
                try:
                    records.append(record_of(self._topic, raw))
                    kept.append(raw)
                except Poison as poison:
                    self._poisoned(raw, poison)
        except BaseException:
            for place, raws in came.items():
                self._put_back(place, raws)
            raise
        for place, raws in came.items():
            self._next[place] = OffsetAndMetadata(raws[-1].offset + 1, "", raws[-1].leader_epoch)
            self._done.setdefault(place, raws[0].offset)
        if records:
            self._in_hand.append((records, kept))
            self.received.records += len(records)
            self.received.bytes += sum(len(raw.value) for raw in kept)
        return records

    def _poisoned(self, raw: Any, poison: Poison) -> None:
        _LOG.error("%s: poison: %s", self._where(raw), poison)
        if self._group is not None:  # who only listens leaves it to those whose work it is
            self._station.put_aside(self._topic, raw, str(poison))
        self.received.refused += 1

    def _put_back(self, place: TopicPartition, raws: list[Any]) -> None:
        """What was taken comes again with the next poll."""
        if self._consumer is not None:
            self._consumer.seek(place, raws[0].offset)

    def _let_go(self) -> None:
        """Nothing is in hand any more."""
        self._done |= {place: reached.offset for place, reached in self._next.items()}
        self._next.clear()
        self._in_hand.clear()

    def _as_it_came(self, record: RecordT) -> Any:
        for records, raws in self._in_hand:
            for one, raw in zip(records, raws, strict=True):
                if one is record:
                    return raw
        raise ValueError(f"this record was not polled here since the last commit: {self._topic.identity(record)}")

    def _committed(self) -> bool:
        """Whether what is in hand is committed, or was lost; if not, it may be in a while. Raises `BusError`."""
        consumer = self._opened()
        if consumer is None:
            return False
        try:
            try:
                consumer.commit(dict(self._next), timeout_ms=_COMMIT_MS)
            except (errors.RebalanceInProgressError, errors.CommitFailedError):
                self._turn()  # what stays ours can be committed after it
                return not self._next
        except (errors.KafkaError, OSError) as error:
            self._bear(error)
            return False
        self._station.waiting.well()
        return True

    def _turn(self) -> None:
        """Take part in the life of the group, and take no records."""
        if self._consumer is not None:
            take_part(self._consumer, _TURN_MS, self._station.waiting)

    def _where(self, raw: Any) -> str:
        return f"{self._name}/{raw.partition}/{raw.offset}"
