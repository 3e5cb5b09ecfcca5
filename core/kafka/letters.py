"""The dead letters of a cluster: to look at, to send again, to drop.

A letter is kept until it is struck; what it holds can be sent again once what was wrong is mended.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

from kafka import KafkaConsumer, TopicPartition, errors

from core.bus import CLIPS, DEAD_LETTERS, HEALTH, LOOPS, OBSERVATIONS, REVISIONS, Topic
from core.clock import Clock
from core.errors import BusError, NotFound
from core.kafka.client import build, consumer_settings, passes, refusal, said
from core.kafka.dead import payload_of
from core.kafka.envelope import Came, Poison, record_of
from core.kafka.outbox import Post
from core.kafka.settings import KafkaConfig
from core.kafka.station import Station
from core.kafka.topics import name_of
from core.letters import DeadLetter

_LOG = logging.getLogger(__name__)

_BY_NAME: dict[str, Topic[Any]] = {topic.name: topic for topic in (CLIPS, OBSERVATIONS, HEALTH, LOOPS, REVISIONS)}
_ASKING_MS = 10_000
_SILENCE = 5


class DeadLetters:
    """The letters of one cluster, for an operator. Brokers that do not answer are an error, not waited for."""

    def __init__(self, config: KafkaConfig, worker: str, clock: Clock) -> None:
        self._config = config
        self._worker = worker
        self._station = Station(config, worker, clock)

    def all(self) -> list[DeadLetter]:
        """Those that are there now, the oldest first. Raises `BusError`."""
        if not self._station.made(DEAD_LETTERS):
            raise BusError(self._station.waiting.trouble or "no broker answers", remedy="start the brokers")
        try:
            consumer = build(KafkaConsumer, consumer_settings(self._config, self._worker, None))
            try:
                found = self._read(consumer)
            finally:
                consumer.close(autocommit=False)
        except (errors.KafkaError, OSError) as error:
            if passes(error):
                raise BusError(f"Kafka does not answer: {said(error)}", remedy="start the brokers") from error
            raise refusal(error, self._config) from error
        return sorted(found.values(), key=lambda letter: (letter.at, letter.id))

    def get(self, name: str) -> DeadLetter:
        """The letter of this id. Raises `NotFound`, `BusError`."""
        for letter in self.all():
            if letter.id == name:
                return letter
        raise NotFound(f"there is no dead letter {name!r}", remedy="busyness dead-letters CONFIG lists them")

    def replay(self, letter: DeadLetter) -> None:
        """Publish what it holds to its topic again, as it came, and strike it. Raises `BusError`.

        It is struck once the record is durable: a crash between the two sends it twice, which changes nothing.
        """
        topic = _BY_NAME.get(letter.topic)
        if topic is None:
            raise BusError(f"the letter {letter.id} is of {letter.topic!r}, which is no topic of this version")
        try:
            payload = payload_of(letter)
        except ValueError as error:
            raise BusError(str(error), remedy="drop it: what it is of will come again, or is lost") from error
        headers = [(name, value.encode()) for name, value in letter.headers.items()]
        self._station.until_made(topic)
        self._station.outbox.put(name_of(topic, self._config), [Post((letter.key or "").encode(), payload, headers)])
        self._station.outbox.flush()
        self.drop([letter])

    def drop(self, letters: Iterable[DeadLetter]) -> None:
        """Strike letters; what they hold is gone with them. Raises `BusError`."""
        for letter in letters:
            self._station.strike(DEAD_LETTERS, letter.id)
        self._station.outbox.flush()

    def close(self) -> None:
        self._station.waiting.stop()
        self._station.outbox.close(5.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self, consumer: KafkaConsumer) -> dict[str, DeadLetter]:
        """The topic from its beginning to where it ended when this was asked."""
        name = name_of(DEAD_LETTERS, self._config)
        places = [TopicPartition(name, number) for number in consumer.partitions_for_topic(name) or ()]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        ends = consumer.end_offsets(places, timeout_ms=_ASKING_MS)
        found: dict[str, DeadLetter] = {}
        silent = 0
        while any(consumer.position(place, timeout_ms=_ASKING_MS) < ends[place] for place in places):
            came = consumer.poll(1_000)
            silent = 0 if came else silent + 1
            if silent > _SILENCE:
                raise errors.KafkaTimeoutError("the dead letters cannot be read to their end")
            for raws in came.values():
                for raw in raws:
                    _take(raw, found)
        return found


def _take(raw: Came, found: dict[str, DeadLetter]) -> None:
    if raw.value is None:
        found.pop((raw.key or b"").decode(errors="replace"), None)
        return
    try:
        letter = record_of(DEAD_LETTERS, raw)
    except Poison as poison:
        _LOG.error("what stands at %d/%d of the dead letters is none: %s", raw.partition, raw.offset, poison)
        return
    found[letter.id] = letter
