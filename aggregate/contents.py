"""All that a store holds, by the day: for copying one into another, and for telling whether two are the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Protocol

import numpy as np

from aggregate.store import Store
from aggregate.tables import FIGURES, GROUND, ReadingTable
from core.records import CountObservation, Window


class Kept(StrEnum):
    """What a store has so much of that it is handled by the day."""

    OBSERVATIONS = "observations"
    MINUTES = "readings of 1m"
    FIVE_MINUTES = "readings of 5m"
    QUARTERS = "readings of 15m"
    HOURS = "readings of 60m"
    DAYS = "readings of 1d"
    LOOPS = "loop readings"

    @property
    def window(self) -> Window | None:
        """The width of these readings; None of what is no reading."""
        return _WIDTH.get(self)


_WIDTH = dict(zip((kept for kept in Kept if kept.startswith("readings")), Window, strict=True))


class Contents(Store, Protocol):
    """A store whose contents can be told apart from what answers need of them. Every method raises `StoreError`."""

    def days(self, kept: Kept) -> Mapping[date, int]:
        """How many rows there are of each day (UTC) that has some, by event time or start."""
        ...

    def observed(self, start: datetime, end: datetime) -> list[CountObservation]:
        """All observations with event time in [start, end), whatever their camera, in any order."""
        ...

    def revised(self, window: Window, start: datetime, end: datetime) -> ReadingTable:
        """All revisions of the readings of windows that begin in [start, end), in any order."""
        ...

    def references(self) -> list[str]:
        """The names of everything that there are baselines for."""
        ...


@dataclass(frozen=True)
class Digest:
    """How many rows there are, and the sum of their hashes: the same for the same rows in any order."""

    rows: int = 0
    checksum: int = 0

    def __add__(self, other: Digest) -> Digest:
        return Digest(self.rows + other.rows, (self.checksum + other.checksum) % 2**128)


def bounds(day: date) -> tuple[datetime, datetime]:
    """A day, as the half-open [start, end) in UTC."""
    start = datetime.combine(day, time(), UTC)
    return start, start + timedelta(days=1)


def parts_of_day(day: date, rows: int, at_once: int) -> Iterator[tuple[datetime, datetime]]:
    """A day in equal parts of about `at_once` rows each, of which it has so many."""
    start, _ = bounds(day)
    number = max(1, -(-rows // at_once))
    edges = [start + timedelta(days=1) * part / number for part in range(number + 1)]
    yield from pairwise(edges)


def digest(store: Contents, kept: Kept, start: datetime, end: datetime) -> Digest:
    """Of the rows in [start, end), whatever the store is: every figure counts, to its last bit."""
    if kept.window is not None:
        return _digest(_reading_rows(store.revised(kept.window, start, end)))
    if kept is Kept.LOOPS:
        return _digest(one.model_dump_json().encode() for one in store.loops(start, end).records())
    return _digest(one.model_dump_json().encode() for one in store.observed(start, end))


def _digest(rows: Iterator[bytes]) -> Digest:
    hashes = [int.from_bytes(hashlib.blake2b(row, digest_size=16).digest(), "big") for row in rows]
    return Digest(len(hashes), sum(hashes) % 2**128)


def _reading_rows(readings: ReadingTable) -> Iterator[bytes]:
    """Every row as bytes; all that is not a number is one and the same."""
    figures = [getattr(readings, name) for name in (*FIGURES, *GROUND, "coverage")]
    exact = [np.where(np.isnan(one), np.nan, one) for one in figures]
    whole = [getattr(readings, name).astype(np.int64) for name in ("clips_counted", "clips_expected", "revision")]
    times = [getattr(readings, name).astype(np.int64) for name in ("start", "end", "derived_at")]
    numbers = np.column_stack(exact)
    integers = np.column_stack([*whole, *times])
    texts = zip(readings.zone, readings.camera, readings.state, readings.reason, strict=True)
    for row, words in enumerate(texts):
        yield numbers[row].tobytes() + integers[row].tobytes() + repr(words).encode()
