"""Which part of the cameras is one process's own: places that a consumer group shares, held like a lease.

    owned --- a commit of the group went through ---> owned for another session
      +------ none did for so long -----------------> nothing: another process has it by now

The places are the partitions of the clips' topic, whose records are never read for this. A place is given to a process
only once the one before has given it up, or has not been heard of for a session; and a process that has not heard of
its group for as long owns nothing. So no two think that they own the same place, whatever network lies between.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition, errors

from core.bus import CLIPS
from core.clock import Clock
from core.errors import BusynessError
from core.kafka.client import open_consumer, opened, passes, refusal, said, take_part
from core.kafka.settings import KafkaConfig
from core.kafka.station import Station
from core.kafka.topics import name_of

_LOG = logging.getLogger(__name__)

BEAT_S = 0.5
"""How often a process takes part in the life of its group."""

_REFUSED_S = 5.0

_RENEWALS = 4
"""How often in a session the lease is renewed."""


class KafkaOwnership(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """An `Ownership` of a share of the places, kept by a thread of its own. `group` is whose places are shared."""

    def __init__(
        self,
        config: KafkaConfig,
        worker: str,
        clock: Clock,
        group: str = "ingest",
        *,
        on_change: Callable[[frozenset[int]], None] = lambda _: None,
    ) -> None:
        self._config = config
        self._worker = worker
        self._station = Station(config, worker, clock)
        self._group = f"{config.prefix}.{group}"
        self._name = name_of(CLIPS, config)
        self._on_change = on_change
        self._lock = threading.Lock()
        self._held: frozenset[int] = frozenset()
        self._until = 0.0
        self._told: frozenset[int] = frozenset()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kafka-ownership", daemon=True)
        self._thread.start()

    @property
    def trouble(self) -> str | None:
        """What it waits for; None where all is well."""
        return self._station.waiting.trouble

    @property
    def places(self) -> int:
        """How many partitions there are; it waits for the brokers the first time. Raises `BusError`."""
        return self._station.places(CLIPS)

    def owned(self) -> frozenset[int]:
        with self._lock:
            return self._held if time.monotonic() < self._until else frozenset()

    def close(self) -> None:
        self._closing.set()
        self._station.waiting.stop()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def on_partitions_revoked(self, _revoked: Iterable[TopicPartition]) -> None:
        """Nothing is its own while places are shared anew. Called by kafka-python's own thread."""
        self._hold(())

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """They count once a commit has shown that the group knows it."""
        self._hold(assigned)

    def on_partitions_lost(self, _lost: Iterable[TopicPartition]) -> None:
        self._hold(())

    def _hold(self, places: Iterable[TopicPartition]) -> None:
        with self._lock:
            self._held = frozenset(place.partition for place in places)
            self._until = 0.0

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                consumer = self._joined()
                try:
                    while not self._closing.is_set():
                        self._beat(consumer)
                        self._tell()
                finally:
                    self._hold(())
                    consumer.close(autocommit=False, timeout_ms=2_000)
            except BusynessError as error:  # whoever is refused may be let in later
                self._station.waiting.ill(str(error))
                self._closing.wait(_REFUSED_S)
            except Exception as error:  # whatever it is: who owns nothing for good, and says nothing, is worse
                _LOG.exception("the places are given up, and asked for anew")
                self._station.waiting.ill(f"{type(error).__name__}: {error}")
                self._closing.wait(_REFUSED_S)
            finally:
                self._tell()

    def _joined(self) -> KafkaConsumer:
        """A member of the group, once the brokers answer. Raises `BusError`, `ConfigError`."""
        self._station.until_made(CLIPS)
        return opened(
            lambda: open_consumer(self._config, self._worker, self._group, self._name, self),
            self._config,
            self._station.waiting,
        )

    def _beat(self, consumer: KafkaConsumer) -> None:
        """Take part in the life of the group; renew the lease when it is time."""
        try:
            take_part(consumer, int(BEAT_S * 1000), self._station.waiting)
            self._renew(consumer)
        except (errors.KafkaError, OSError) as error:
            if not passes(error):
                raise refusal(error, self._config) from error
            self._station.waiting.ill(said(error))
            self._closing.wait(BEAT_S)

    def _renew(self, consumer: KafkaConsumer) -> None:
        """A commit goes through only where the group counts us in, with these places, at that moment."""
        session_s = self._config.session_timeout_s
        asked = time.monotonic()
        with self._lock:
            held, left_s = self._held, self._until - asked
        if not held or left_s > session_s * (1 - 1 / _RENEWALS):
            if not held:
                self._station.waiting.well()
            return
        lease = {TopicPartition(self._name, place): OffsetAndMetadata(0, "", -1) for place in held}
        consumer.commit(lease, timeout_ms=int(session_s * 1000 / _RENEWALS))
        with self._lock:
            if self._held == held:
                self._until = asked + session_s
        self._station.waiting.well()

    def _tell(self) -> None:
        now = self.owned()
        if now != self._told:
            _LOG.info("%s owns %d places now", self._worker, len(now))
            self._told = now
            self._on_change(now)
