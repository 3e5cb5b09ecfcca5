"""Asks every feed of loops as often as it has something new, each in a thread of its own, and gives what is new.

    feed -> FeedTurn (what is new or changed, when to ask again) -> Offer -> the bus -> handed over -> its counters

A feed that fails is asked again later, and holds up no other. Feeds give readings again, where publishers change them
for hours; what was handed over before, with the same figures, is not given twice as long as it is remembered. What was
not handed over, or is forgotten, is given again, which the store recognises. A feed is asked for more only after what
it gave is handed over, but for one that shows its newest alone; its counters are listed and saved only then, so that
nothing of that keeps a reading back.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from core.clock import Clock
from core.errors import BusynessError
from core.loops import LoopCounter, LoopReading
from ingest.feed import FetchFailed
from ingest.fetch.retry import backoff_s
from ingest.loop import LeftOut, LoopFeed

REMEMBERED = 200_000
"""Readings of each feed that were handed over: two days of a thousand counters by quarter hours, in about 40 MB."""

COUNTERS_EVERY = timedelta(days=1)
COUNTERS_LEAST = timedelta(minutes=10)
LONGEST_PAUSE_S = 3600.0
_TICK_S = 1.0
_LOOK_S = 0.2
_IN_HAND = 20_000
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
    """One feed: what of its answers is new, and when to ask it again. Its methods are called by one thread.

        ask() -> readings -> durable -> handed_over() -> list_counters()

    `ask` gives again what no `handed_over` has followed.
    """

    def __init__(
        self,
        feed: LoopFeed,
        clock: Clock,
        *,
        on_counters: Callable[[Sequence[LoopCounter]], None] = lambda _: None,
        remembered: int = REMEMBERED,
        random: Random | None = None,
    ) -> None:
        self.feed = feed
        self.state = FeedState(feed.name)
        self.due = clock.now()
        self._clock = clock
        self._on_counters = on_counters
        self._remembered = remembered
        self._random = random or Random()  # noqa: S311 - jitter, not a secret
        self._given: OrderedDict[int, int] = OrderedDict()
        self._offered: dict[int, int] = {}
        self._failures = 0
        self._listed: frozenset[str] = frozenset()
        self._met: set[str] = set()
        self._listed_at: datetime | None = None
        self._list_after = clock.now()
        self._list_failures = 0
        self._told: tuple[LeftOut, ...] = ()

    def ask(self) -> list[LoopReading]:
        """The readings that are new or changed since they were handed over, oldest first; sets `due`. Never raises."""
        now = self._clock.now()
        self._offered = {}
        try:
            readings = self.feed.readings()
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
        self._met.update(reading.counter for reading in readings)
        return [reading for reading in readings if self._is_new(reading)]

    def handed_over(self) -> None:
        """What `ask` gave is durable: it is not given again unless it changes. Says nothing of an `ask` that failed."""
        if self._failures:
            return
        for key, says in self._offered.items():
            self._given[key] = says
            self._given.move_to_end(key)
        while len(self._given) > self._remembered:
            self._given.popitem(last=False)
        self._offered = {}
        self.feed.handed_over()

    def forget(self) -> None:
        """The feed has been another's: all that it publishes is given again."""
        self._given.clear()
        self._offered = {}
        self.feed.forget()

    def list_counters(self) -> None:
        """Ask for the counters and have them told, once a day and where one was met that is not listed. Never raises.

        Where that fails it is tried again later; the readings know nothing of it.
        """
        now = self._clock.now()
        fresh = self._listed_at is not None and now < self._listed_at + COUNTERS_EVERY and self._met <= self._listed
        if fresh or now < self._list_after or self._failures:
            return
        try:
            counters = self.feed.counters()
            self._on_counters(counters)
        except Exception as error:  # of the publisher, of the store, or an adapter's mistake: all are tried again
            self._list_failures += 1
            if self._list_failures == 1:
                mistake = not isinstance(error, BusynessError)
                log.warning("loop feed %s: its counters are not saved: %s", self.feed.name, error, exc_info=mistake)
            pause_s = self._pause_s(error, self._list_failures, COUNTERS_LEAST.total_seconds())
            self._list_after = now + timedelta(seconds=pause_s)
            return
        self._list_failures = 0
        self._listed = frozenset(counter.id for counter in counters)
        self._met.clear()
        self._listed_at, self._list_after = now, now + COUNTERS_LEAST

    def _is_new(self, reading: LoopReading) -> bool:
        key = hash((reading.counter, reading.series, reading.start, reading.end))
        says = hash((reading.flow, reading.occupancy, reading.reason))
        if key in self._given:
            self._given.move_to_end(key)
        if self._offered.get(key, self._given.get(key)) == says:
            return False
        self._offered[key] = says
        return True

    def _pause_s(self, error: Exception, failures: int, longest_s: float) -> float:
        """Drawn at random, so that those who failed together do not come back together; no less than was asked for."""
        asked_s = error.retry_after_s if isinstance(error, FetchFailed) else None
        drawn_s = backoff_s(failures - 1, self._random, base_s=self.feed.poll_s, cap_s=max(longest_s, self.feed.poll_s))
        return max(drawn_s, asked_s or 0.0)

    def _failed(self, error: Exception, now: datetime) -> None:
        self._failures += 1
        reason = str(error) or type(error).__name__
        if self._failures == 1:
            log.warning("loop feed %s: %s", self.feed.name, reason)
        self.due = now + timedelta(seconds=self._pause_s(error, self._failures, LONGEST_PAUSE_S))
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


@dataclass(frozen=True)
class Offer:
    """New readings of one feed. Who takes them sets `kept` once all of them are durable.

    `withdrawn` is set where the feed has become another process's, which gives them: they are published no more.
    """

    readings: Sequence[LoopReading]
    kept: threading.Event = field(default_factory=threading.Event)
    withdrawn: threading.Event = field(default_factory=threading.Event)


class LoopPoller:
    """All feeds of an installation. `on_counters` is told a feed's counters when they are listed, by its thread.

    `mine` says whether this process asks a feed, by its name, or another one does: asked again and again.
    """

    def __init__(
        self,
        feeds: Sequence[LoopFeed],
        clock: Clock,
        *,
        on_counters: Callable[[Sequence[LoopCounter]], None] = lambda _: None,
        mine: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._clock = clock
        self._mine = mine
        self._turns = [FeedTurn(feed, clock, on_counters=on_counters) for feed in feeds]
        self._offers: queue.SimpleQueue[Offer] = queue.SimpleQueue()
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
        """New and changed readings of all feeds as they come, until `stop`. Starts the threads; iterate it once.

        Whoever asks for the next one has handed over those before.
        """
        self.start()
        while not self._stopped.is_set():
            offer = self.take(_LOOK_S)
            if offer is None:
                continue
            for reading in offer.readings:
                if self._stopped.is_set():
                    return
                yield reading
            offer.kept.set()

    def start(self) -> None:
        """Ask from now on, in threads of its own."""
        for thread in self._threads:
            thread.start()

    def take(self, timeout_s: float) -> Offer | None:
        """What a feed has given, waiting so long for it."""
        try:
            return self._offers.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def stop(self) -> None:
        """Ask no more; `readings` ends, and the threads do once the question in hand is answered."""
        self._stopped.set()

    def _run(self, turn: FeedTurn) -> None:
        while not self._stopped.is_set():
            if not self._mine(turn.feed.name):  # whoever asks it now gives its readings
                turn.forget()
                self._clock.sleep(_TICK_S)
                continue
            wait_s = (turn.due - self._clock.now()).total_seconds()
            if wait_s > 0:
                self._clock.sleep(min(wait_s, _TICK_S))
                continue
            readings = turn.ask()
            if self._mine(turn.feed.name) and self._hand_over(turn, readings):
                turn.handed_over()
                turn.list_counters()

    def _hand_over(self, turn: FeedTurn, readings: Sequence[LoopReading]) -> bool:
        """Wait until they are kept; False where the poller is stopped, or the feed another's, before.

        Meanwhile a feed that shows its newest alone is asked on.
        """
        waiting = self._offer(readings)
        while waiting:
            if waiting[0].kept.wait(_LOOK_S):
                waiting = waiting[1:]
            elif self._stopped.is_set():
                return False
            elif not self._mine(turn.feed.name):
                for offer in waiting:
                    offer.withdrawn.set()
                turn.forget()
                return False
            elif turn.feed.fleeting and turn.due <= self._clock.now() and _in_hand(waiting) < _IN_HAND:
                waiting += self._offer(turn.ask())
        return True

    def _offer(self, readings: Sequence[LoopReading]) -> list[Offer]:
        offers = [Offer(readings)] if readings else []
        for offer in offers:
            self._offers.put(offer)
        return offers


def _in_hand(offers: Sequence[Offer]) -> int:
    return sum(len(offer.readings) for offer in offers)
