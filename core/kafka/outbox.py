"""What is published: held until the brokers have it for good, sent again in order where they did not take it.

    put --> sent --> on all replicas in sync --> let go, from the oldest on
             +-- not taken ---> it and all later ones of its key are sent again

kafka-python's producer resends by itself, in order and each record once, as long as it can. What is left are the
moments in which it has to forget what it was about to do (its brokers lost its session): it says so of the records
concerned, and they are still here.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from kafka import KafkaProducer, errors

from core.errors import BusError
from core.kafka.client import build, opened, passes, producer_settings, refusal, said
from core.kafka.envelope import Headers
from core.kafka.partitioning import foresee
from core.kafka.settings import KafkaConfig
from core.kafka.waiting import Waiting

_LOG = logging.getLogger(__name__)

HELD_BYTES = 32 * 1024 * 1024
"""As much may be on its way; who publishes more waits."""

_PARCEL_BYTES = 500
"""What one record on its way takes beside its payload."""

_LOOK_S = 1.0

STUCK_S = 20.0
"""A producer that has brought nothing to its end for so long, though something is waited for, is exchanged.

After outages of several brokers kafka-python's was seen to send nothing any more, without an error. What it had is sent
again."""


class Post(NamedTuple):
    """What one record is on the brokers. Without a value it strikes the one of its key."""

    key: bytes
    value: bytes | None
    headers: Headers


@dataclass(slots=True)
class _Parcel:
    number: int
    topic: str
    post: Post
    bytes: int
    sent: Any  # a kafka FutureRecordMetadata

    @property
    def taken(self) -> bool:
        return bool(self.sent.succeeded())


class Outbox:
    """One process's way to publish. Any thread may use it."""

    def __init__(
        self,
        config: KafkaConfig,
        worker: str,
        waiting: Waiting,
        *,
        held_bytes: int = HELD_BYTES,
        open_producer: Callable[..., Any] = KafkaProducer,
    ) -> None:
        self._config = config
        self._open = lambda: build(open_producer, producer_settings(config, worker))
        self._waiting = waiting
        self._held_bytes = held_bytes
        self._lock = threading.RLock()
        self._producer: Any = None
        self._parcels: deque[_Parcel] = deque()
        self._bytes = 0
        self._number = 0
        self._moved_at = time.monotonic()
        self._closed = False

    @property
    def held(self) -> int:
        """How many records are on their way."""
        return len(self._parcels)

    def put(self, topic: str, posts: Sequence[Post]) -> None:
        """Send records, in their order; waits while too much is on its way.

        Raises `BusError` where the brokers refuse what is published, or nobody waits for them any longer; the first of
        the records may have been sent by then.
        """
        foresee([post.key for post in posts])
        begin = 0
        while begin < len(posts):
            with self._lock:
                self._check()
                self._let_go()  # where that fails, what is left is not sent: who publishes tries again, with all of it
                if not self._parcels:
                    self._moved_at = time.monotonic()
                while begin < len(posts) and self._bytes <= self._held_bytes:
                    self._take(topic, posts[begin])
                    begin += 1
                full = self._bytes > self._held_bytes
                middle = self._parcels[len(self._parcels) // 2] if full else None
            if middle is not None:
                self._await(middle)

    def _take(self, topic: str, post: Post) -> None:
        self._number += 1
        parcel = _Parcel(self._number, topic, post, _PARCEL_BYTES + len(post.key) + len(post.value or b""), None)
        parcel.sent = self._send(parcel)
        self._parcels.append(parcel)
        self._bytes += parcel.bytes

    def flush(self) -> None:
        """Returns when all that was put is durable. Raises `BusError` where it cannot be."""
        with self._lock:
            self._check()
            last = self._parcels[-1] if self._parcels else None
        if last is not None:
            self._await(last, hurry=True)

    def close(self, timeout_s: float) -> bool:
        """Give what is on its way some time to arrive. False where some of it may not have."""
        ends = time.monotonic() + timeout_s
        with self._lock:
            producer, self._producer = self._producer, None
            self._closed = True
        if producer is None:
            return True
        _end(producer, max(0.0, ends - time.monotonic()))
        return all(parcel.taken for parcel in self._parcels)

    def _check(self) -> None:
        if self._closed:
            raise BusError("the bus is closed")

    def _send(self, parcel: _Parcel) -> Any:
        attempt = 0
        while True:
            if self._producer is None:
                self._producer = opened(self._open, self._config, self._waiting)
            try:
                return self._producer.send(parcel.topic, parcel.post.value, parcel.post.key, parcel.post.headers)
            except (errors.KafkaError, OSError) as error:
                if not passes(error):
                    raise refusal(error, self._config) from error
                self._waiting.pause(f"the topic {parcel.topic} cannot be reached: {said(error)}", attempt)
                attempt += 1

    def _await(self, parcel: _Parcel, *, hurry: bool = False) -> None:
        """Until this record, and all before it, are durable."""
        while True:
            self._look(parcel, hurry=hurry)
            with self._lock:
                self._check()
                self._let_go()
                if not self._parcels or self._parcels[0].number > parcel.number:
                    self._waiting.well()
                    return
            if self._waiting.stopped:
                raise BusError(f"stopped while {self.held} records were on their way to Kafka")

    def _look(self, parcel: _Parcel, *, hurry: bool) -> None:
        """Wait a moment for a record to be taken, or refused."""
        producer = self._producer
        try:
            if hurry and producer is not None:
                producer.flush(timeout=_LOOK_S)  # what is gathering goes out now
            parcel.sent.get(timeout=_LOOK_S)
        except errors.KafkaError:
            if not parcel.sent.is_done:
                self._waiting.ill(f"{self.held} records are on their way to {', '.join(self._config.servers)}")
                self._exchange_stuck(producer)

    def _exchange_stuck(self, producer: Any) -> None:
        """A closed producer fails what it had: then all of it is sent again, by another one."""
        with self._lock:
            if producer is None or self._producer is not producer or time.monotonic() - self._moved_at < STUCK_S:
                return
            _LOG.warning("the way to Kafka is stuck: it is opened anew")
            self._moved_at = time.monotonic()
            self._replace_producer()

    def _let_go(self) -> None:
        """Of what has arrived with all before it nothing needs to be kept."""
        parcels, held = self._parcels, len(self._parcels)
        while parcels and parcels[0].taken:
            self._bytes -= parcels.popleft().bytes
        if len(parcels) < held:
            self._moved_at = time.monotonic()
        if parcels and parcels[0].sent.failed():  # not "is done": it may have been taken since it was looked at
            self._send_again()

    def _send_again(self) -> None:
        """What was not taken, and whatever was published with the same keys after it, so that each stays in order.

        Raises `BusError` where waiting does not help. It is sent again all the same: it is wanted whenever somebody
        has done something about it.
        """
        attempt = 0
        while failed := self._failed():
            error = failed[0].sent.exception
            if passes(error):
                self._waiting.pause(f"{len(failed)} records were not taken: {said(error)}", attempt)
            attempt += 1
            behind: set[tuple[str, bytes]] = set()
            refused = {parcel.number for parcel in failed}
            again = deque[_Parcel]()
            for parcel in self._parcels:
                if parcel.number in refused:
                    behind.add((parcel.topic, parcel.post.key))
                if (parcel.topic, parcel.post.key) in behind:
                    again.append(parcel)
            _LOG.warning("%d records are sent to Kafka again: %s", len(again), said(error))
            if not passes(error):
                self._replace_producer()
            for parcel in again:
                parcel.sent = self._send(parcel)
            self._parcels = again
            self._bytes = sum(parcel.bytes for parcel in again)
            if not passes(error):
                raise refusal(error, self._config) from error

    def _replace_producer(self) -> None:
        """kafka-python's takes nothing any more once it was refused something. What it had is decided by that."""
        producer, self._producer = self._producer, None
        if producer is not None:
            _end(producer, 0.0)

    def _failed(self) -> list[_Parcel]:
        """Those that were not taken, once the fate of all is known."""
        for parcel in self._parcels:
            while not parcel.sent.is_done:
                self._look(parcel, hurry=True)
                if self._waiting.stopped:
                    raise BusError(f"stopped while {self.held} records were on their way to Kafka")
        return [parcel for parcel in self._parcels if parcel.sent.failed()]


def _end(producer: Any, timeout_s: float) -> None:
    try:
        producer.close(timeout=timeout_s)
    except errors.KafkaError:  # it could not finish, and has not ended itself either
        producer._sender.force_close()
