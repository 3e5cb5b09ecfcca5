"""Readings as they change, for those who watch live."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from core.records import Reading


class FeedSubscription:
    """One watcher's bounded queue. When it is full the oldest reading goes and is counted as dropped."""

    def __init__(self, capacity: int) -> None:
        self._waiting: deque[Reading] = deque()
        self._capacity = capacity
        self._dropped = 0
        self._closed = False
        self._changed = threading.Condition()

    def get(self, timeout_s: float) -> Sequence[Reading]:
        """Everything published since the last call, oldest first; waits at most `timeout_s` for the first reading.

        Empty where nothing came in that time or the subscription is closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: bool(self._waiting) or self._closed, timeout=timeout_s)
            readings = list(self._waiting)
            self._waiting.clear()
        return readings

    def take_dropped(self) -> int:
        """How many readings were dropped since the last call because this watcher was too slow."""
        with self._changed:
            dropped, self._dropped = self._dropped, 0
        return dropped

    @property
    def closed(self) -> bool:
        """True once the watcher has left or the feed has closed; nothing more will come."""
        with self._changed:
            return self._closed

    def _offer(self, readings: Sequence[Reading]) -> None:
        with self._changed:
            if self._closed:
                return
            self._waiting.extend(readings)
            while len(self._waiting) > self._capacity:
                self._waiting.popleft()
                self._dropped += 1
            self._changed.notify_all()

    def _close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class ReadingFeed:
    """Hands every changed reading to every subscriber. Thread-safe; publishing never waits for a slow one."""

    def __init__(self, capacity: int = 10_000) -> None:
        if capacity < 1:
            raise ValueError(f"a feed holds at least one reading per subscriber, got capacity {capacity}")
        self._capacity = capacity
        self._subscriptions: set[FeedSubscription] = set()
        self._closed = False
        self._lock = threading.Lock()

    def publish(self, readings: Sequence[Reading]) -> None:
        """Give `readings` to all who are subscribed now."""
        if not readings:
            return
        with self._lock:
            subscriptions = tuple(self._subscriptions)
        for subscription in subscriptions:
            subscription._offer(readings)

    @contextmanager
    def subscribe(self) -> Iterator[FeedSubscription]:
        """Watch from now until the block ends."""
        subscription = FeedSubscription(self._capacity)
        with self._lock:
            if self._closed:
                subscription._close()
            self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            with self._lock:
                self._subscriptions.discard(subscription)
            subscription._close()

    @property
    def subscribers(self) -> int:
        """How many are watching."""
        with self._lock:
            return len(self._subscriptions)

    def close(self) -> None:
        """End every subscription: those who wait in `get` return at once."""
        with self._lock:
            self._closed = True
            subscriptions = tuple(self._subscriptions)
        for subscription in subscriptions:
            subscription._close()
