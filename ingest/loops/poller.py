"""Asks every feed of loops as often as it has something new, each in a thread of its own, and gives what is new.

    feed -> FeedTurn (what is new or changed, when to ask again) -> a bounded queue -> readings() -> the bus

A feed that fails is asked again later, and holds up no other. Feeds give readings again, where publishers change them
for hours; what was given before, with the same figures, is not given twice as long as it is remembered. What is
forgotten is given again, which the store recognises.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.clock import Clock
from core.errors import BusynessError
from core.loops import LoopCounter, LoopReading
from ingest.feed import FetchFailed
from ingest.loop import LeftOut, LoopFeed

REMEMBERED = 200_000
"""Readings of each feed that were given: two days of a thousand counters by quarter hours, in about 40 MB."""

COUNTERS_EVERY = timedelta(days=1)
COUNTERS_LEAST = timedelta(minutes=10)
LONGEST_PAUSE_S = 3600.0
_WAITING = 20_000
_TICK_S = 1.0
_SAID_OF_LEFT_OUT = 3

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FeedState:
    """How a feed is. `failing_since` and `reason` are null while it answers."""

    name: str
    answered_at: datetime | None = None
    failing_since: datetime | None = None
    reason: str | None = None
    left_out: int = 0


class FeedTurn:
    """One feed: what of its answers is new, and when to ask it again. Its methods are called by one thread."""

    def __init__(
        self,
        feed: LoopFeed,
        clock: Clock,
        *,
        on_counters: Callable[[Sequence[LoopCounter]], None] = lambda _: None,
        remembered: int = REMEMBERED,
    ) -> None:
        self.feed = feed
        self.state = FeedState(feed.name)
        self.due = clock.now()
        self._clock = clock
        self._on_counters = on_counters
        self._remembered = remembered
        self._given: OrderedDict[int, int] = OrderedDict()
        self._counters: frozenset[str] = frozenset()
        self._counters_at: datetime | None = None
        self._failures = 0
        self._told: tuple[LeftOut, ...] = ()

    def ask(self) -> list[LoopReading]:
        """The readings that are new or changed since they were last given, oldest first; sets `due`. Never raises."""
        now = self._clock.now()
        try:
            readings = self.feed.readings()
            self._list_counters(readings, now)
        except BusynessError as error:
            self._failed(error, now)
            return []
        except Exception as error:  # an adapter's mistake must not end the feed for good
            log.exception("loop feed %s: a fault of this program", self.feed.name)
            self._failed(error, now)
            return []
        if self._failures:
            log.warning("loop feed %s answers again", self.feed.name)
        self._failures = 0
        left_out = self.feed.left_out
        self._say(left_out)
        self.state = FeedState(self.feed.name, answered_at=now, left_out=len(left_out))
        self.due = now + timedelta(seconds=self.feed.poll_s)
        return [reading for reading in readings if self._is_new(reading)]

    def forget(self) -> None:
        """What was given last has reached nobody: it is given again."""
        self._given.clear()

    def _is_new(self, reading: LoopReading) -> bool:
        key = hash((reading.counter, reading.series, reading.start, reading.end))
        says = hash((reading.flow, reading.occupancy, reading.reason))
        if self._given.get(key) == says:
            self._given.move_to_end(key)
            return False
        self._given[key] = says
        self._given.move_to_end(key)
        if len(self._given) > self._remembered:
            self._given.popitem(last=False)
        return True

    def _list_counters(self, readings: Sequence[LoopReading], now: datetime) -> None:
        """Ask for the counters where one is met that is not listed, and once a day."""
        age = None if self._counters_at is None else now - self._counters_at
        unlisted = any(reading.counter not in self._counters for reading in readings)
        if age is None or age >= COUNTERS_EVERY or (unlisted and age >= COUNTERS_LEAST):
            counters = self.feed.counters()
            self._counters = frozenset(counter.id for counter in counters)
            self._counters_at = now
            self._on_counters(counters)

    def _failed(self, error: Exception, now: datetime) -> None:
        self._failures += 1
        reason = str(error) or type(error).__name__
        if self._failures == 1:
            log.warning("loop feed %s: %s", self.feed.name, reason)
        asked = error.retry_after_s if isinstance(error, FetchFailed) else None
        pause_s = min(self.feed.poll_s * 2.0 ** min(self._failures - 1, 16), max(LONGEST_PAUSE_S, self.feed.poll_s))
        self.due = now + timedelta(seconds=max(pause_s, asked or 0.0))
        self.state = FeedState(
            self.feed.name,
            answered_at=self.state.answered_at,
            failing_since=self.state.failing_since or now,
            reason=reason,
            left_out=self.state.left_out,
        )

    def _say(self, left_out: Sequence[LeftOut]) -> None:
        """Log what could not be used, the first few by name, once."""
        if left_out and tuple(left_out) != self._told:
            shown = "; ".join(str(one) for one in left_out[:_SAID_OF_LEFT_OUT])
            log.warning("loop feed %s leaves out %d: %s", self.feed.name, len(left_out), shown)
        self._told = tuple(left_out)


class LoopPoller:
    """All feeds of an installation. `on_counters` is told a feed's counters when they are listed, by its thread.

    `mine` says whether this process asks a feed, by its name, or another one does: asked whenever the feed is due.
    """

    def __init__(
        self,
        feeds: Sequence[LoopFeed],
        clock: Clock,
        *,
        on_counters: Callable[[Sequence[LoopCounter]], None] = lambda _: None,
        mine: Callable[[str], bool] = lambda _: True,
        waiting: int = _WAITING,
    ) -> None:
        self._clock = clock
        self._mine = mine
        self._turns = [FeedTurn(feed, clock, on_counters=on_counters) for feed in feeds]
        self._queue: queue.Queue[LoopReading] = queue.Queue(maxsize=waiting)
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(turn,), name=f"loops-{turn.feed.name}", daemon=True)
            for turn in self._turns
        ]

    @property
    def states(self) -> Sequence[FeedState]:
        """How each feed is, in the order they were given."""
        return [turn.state for turn in self._turns]

    def readings(self) -> Iterator[LoopReading]:
        """New and changed readings of all feeds as they come, until `stop`. Starts the threads; iterate it once."""
        self.start()
        while not self._stopped.is_set():
            yield from self.take(1, 0.2)

    def start(self) -> None:
        """Ask from now on, in threads of its own."""
        for thread in self._threads:
            thread.start()

    def take(self, most: int, timeout_s: float) -> list[LoopReading]:
        """Readings that have come, waiting for the first of them."""
        taken: list[LoopReading] = []
        try:
            while len(taken) < most:
                taken.append(self._queue.get(block=not taken, timeout=timeout_s))
        except queue.Empty:
            pass
        return taken

    def stop(self) -> None:
        """Ask no more; `readings` ends, and the threads do once the question in hand is answered."""
        self._stopped.set()

    def _run(self, turn: FeedTurn) -> None:
        while not self._stopped.is_set():
            wait_s = (turn.due - self._clock.now()).total_seconds()
            if wait_s > 0:
                self._clock.sleep(min(wait_s, _TICK_S))
                continue
            if not self._mine(turn.feed.name):
                self._clock.sleep(_TICK_S)
                continue
            readings = turn.ask()
            if not self._mine(turn.feed.name):  # whoever asks it now gives them
                turn.forget()
                continue
            for reading in readings:
                if not self._put(reading):
                    return

    def _put(self, reading: LoopReading) -> bool:
        """Wait for room; False once the poller is stopped."""
        while not self._stopped.is_set():
            try:
                self._queue.put(reading, timeout=0.2)
            except queue.Full:
                continue
            return True
        return False
