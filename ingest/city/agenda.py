"""What is to be done when: visits in the order in which they are due."""

from __future__ import annotations

import heapq
import threading
from datetime import datetime


class Agenda:
    """At most one visit a key, earliest first. Safe to use from many threads; `take` gives a visit to one of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._due: dict[str, datetime] = {}
        self._heap: list[tuple[datetime, str]] = []

    def put(self, key: str, due: datetime) -> None:
        """Set when the visit is due; an earlier appointment of the same key is forgotten."""
        with self._lock:
            self._due[key] = due
            heapq.heappush(self._heap, (due, key))

    def hasten(self, key: str, due: datetime) -> None:
        """Due at `due` at the latest. A visit that is not on the agenda, as somebody has taken it, is left to him."""
        with self._lock:
            if key in self._due and self._due[key] > due:
                self._due[key] = due
                heapq.heappush(self._heap, (due, key))

    def postpone(self, key: str, due: datetime) -> None:
        """Due at `due` at the earliest; as `hasten`, only where the visit is on the agenda."""
        with self._lock:
            if key in self._due and self._due[key] < due:
                self._due[key] = due
                heapq.heappush(self._heap, (due, key))

    def drop(self, key: str) -> None:
        """No such visit any more."""
        with self._lock:
            self._due.pop(key, None)

    def take(self, now: datetime) -> str | None:
        """The key of the visit that has been due longest, taken off the agenda; None where none is due."""
        with self._lock:
            while self._heap and self._heap[0][0] <= now:
                due, key = heapq.heappop(self._heap)
                if self._due.get(key) == due:
                    del self._due[key]
                    return key
            return None

    def __len__(self) -> int:
        with self._lock:
            return len(self._due)
