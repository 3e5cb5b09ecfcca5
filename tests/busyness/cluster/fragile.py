"""A bus, a store and a shelf that outlive the process that uses them, and a process that is killed at a step of theirs.

The bus is one log a topic. What was published and not flushed yet may or may not have arrived when the process dies, as
on a broker: a prefix of it has. What was polled and not committed is given again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic

from aggregate.duckdb_store import DuckDBStore
from core.bus import RecordT, Topic, Written
from core.shelf import Document
from core.shelf_memory import MemoryShelf


class Killed(BaseException):
    """As `kill -9`: nothing in the process hears of it."""


@dataclass
class Fate:
    """Kills at step number `at`, or fails there with `error`, before the step is done or right after."""

    at: int | None = None
    after: bool = False
    error: Callable[[], BaseException] = Killed
    steps: int = 0

    @contextmanager
    def step(self) -> Iterator[None]:
        self.steps += 1
        struck = self.steps == self.at
        if struck and not self.after:
            raise self.error()
        yield
        if struck and self.after:
            raise self.error()


@dataclass
class LogBus:
    """The bus of several processes, one after the other; at a death some of what was on its way `arrive`s."""

    fate: Fate = field(default_factory=Fate)
    topics: dict[str, list[bytes]] = field(default_factory=dict)
    committed: dict[tuple[str, str], int] = field(default_factory=dict)
    letters: list[tuple[str, int, str]] = field(default_factory=list)
    on_its_way: list[tuple[str, bytes]] = field(default_factory=list)
    closed: set[str] = field(default_factory=set)
    flushes: int = 0

    def publish(self, topic: Topic[RecordT], record: RecordT) -> None:
        with self.fate.step():
            self.on_its_way.append((topic.name, topic.payload_of(record)))

    def publish_written(self, topic: Topic[RecordT], records: Sequence[Written[RecordT]]) -> None:
        for record in records:
            with self.fate.step():
                self.on_its_way.append((topic.name, record.payload))

    def flush(self) -> None:
        with self.fate.step():
            self.arrive(len(self.on_its_way))
            self.flushes += 1

    def arrive(self, count: int) -> None:
        """So many of those on their way have arrived; the others are lost."""
        for name, payload in self.on_its_way[:count]:
            self.topics.setdefault(name, []).append(payload)
        self.on_its_way.clear()

    def subscribe(self, topic: Topic[RecordT], *, group: str | None) -> LogSubscription[RecordT]:
        return LogSubscription(self, topic, group or "")

    def close(self, topic: Topic[Any]) -> None:
        self.closed.add(topic.name)

    def records(self, topic: Topic[RecordT]) -> list[RecordT]:
        """All that has arrived."""
        return [topic.record.model_validate_json(payload) for payload in self.topics.get(topic.name, [])]


class LogSubscription(Generic[RecordT]):
    def __init__(self, bus: LogBus, topic: Topic[RecordT], group: str) -> None:
        self._bus, self._topic, self._key = bus, topic, (topic.name, group)
        self._at = bus.committed.get(self._key, 0)
        self._given: list[tuple[int, RecordT]] = []

    def poll(self, max_records: int, timeout_s: float) -> Sequence[RecordT]:
        payloads = self._bus.topics.get(self._topic.name, [])[self._at : self._at + max_records]
        records = [self._topic.record.model_validate_json(payload) for payload in payloads]
        self._given += [(self._at + number, record) for number, record in enumerate(records)]
        self._at += len(records)
        return records

    def commit(self) -> bool:
        self._bus.flush()
        with self._bus.fate.step():
            self._bus.committed[self._key] = self._at
            self._given.clear()
        return True

    def refuse(self, record: RecordT, reason: str) -> None:
        with self._bus.fate.step():
            (offset,) = [offset for offset, given in self._given if given is record]
            self._bus.letters.append((self._topic.name, offset, reason))

    def close(self) -> None:
        """Nothing is held."""

    @property
    def finished(self) -> bool:
        return self._at == len(self._bus.topics.get(self._topic.name, [])) and self._topic.name in self._bus.closed


class FragileStore:
    """A DuckDB store in memory whose transactions are steps of a fate."""

    def __init__(self, store: DuckDBStore, fate: Fate) -> None:
        self._store = store
        self._fate = fate
        self._inside = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        if self._inside:
            yield
            return
        self._inside += 1
        try:
            with self._fate.step(), self._store.transaction():
                yield
        finally:
            self._inside -= 1

    def save_loops(self, readings: Sequence[Any]) -> int:
        with self._fate.step():
            return self._store.save_loops(readings)


class FragileShelf:
    """A shelf in memory where keeping a document is a step of a fate."""

    def __init__(self, shelf: MemoryShelf, fate: Fate) -> None:
        self._shelf = shelf
        self._fate = fate

    def names(self) -> list[str]:
        return self._shelf.names()

    def get(self, name: str) -> Document | None:
        return self._shelf.get(name)

    def put(self, name: str, text: str, *, version: int | None) -> int | None:
        with self._fate.step():
            return self._shelf.put(name, text, version=version)

    def remove(self, name: str, *, version: int) -> bool:
        return self._shelf.remove(name, version=version)

    def place(self, name: str) -> str:
        return self._shelf.place(name)
