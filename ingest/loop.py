"""The port of loops and counters: what a publisher says passed them. One adapter a file, in `ingest/loops`.

A feed says what its publisher has published by now, when it is asked. When to ask, what of it is new and what a failure
means is not its business: `ingest.loops.poller` decides that for all of them alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from core.loops import LoopCounter, LoopReading


@dataclass(frozen=True)
class LeftOut:
    """Something published that became no reading, and why. `place` is the file or address, and the line in it."""

    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


class LoopFeed(Protocol):
    """A publisher's loops or counters. One thread asks it, so what it remembers needs no lock."""

    @property
    def name(self) -> str:
        """What the source is called in messages and metrics, as in `tfl_scoot`; unique in an installation."""
        ...

    @property
    def poll_s(self) -> float:
        """Seconds from one question to the next: no more often does the publisher have something new."""
        ...

    @property
    def fleeting(self) -> bool:
        """Whether the publisher shows its newest figures alone: what is not asked for in time is gone."""
        ...

    def counters(self) -> Sequence[LoopCounter]:
        """The counters that the publisher lists, ids unique. Raises `FetchFailed`.

        Where there is no list of them, those that have been read so far.
        """
        ...

    def readings(self) -> Sequence[LoopReading]:
        """What is published and was not handed over yet, oldest first, one for each counter, series and interval.

        Readings that were handed over may be among them: the publisher may have changed them. What cannot be a
        reading is in `left_out`, and never a zero. Raises `FetchFailed` where nothing could be had at all.
        """
        ...

    def handed_over(self) -> None:
        """What the last `readings()` gave is durable. Without this word it is given again."""
        ...

    def forget(self) -> None:
        """Another process may have asked meanwhile: nothing is known of what has been handed over."""
        ...

    @property
    def left_out(self) -> Sequence[LeftOut]:
        """What the last `readings()` could not use, in the order it was met."""
        ...
