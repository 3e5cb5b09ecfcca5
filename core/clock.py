"""Time is injected, never read in passing: every stage is given a clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits in it."""

    def now(self) -> datetime:
        """The present, aware, in UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait for `seconds` of this clock's time."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds))


class AcceleratedClock:
    """A clock that starts at `start` and runs `speedup` times as fast as the machine's.

    Used by the demo, where a day of busyness passes in minutes. Where `origin` is given, it was `start` then by the
    machine's clock, and so processes that start one after the other agree about the time.
    """

    def __init__(
        self,
        start: datetime,
        speedup: float,
        *,
        origin: datetime | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if speedup <= 0:
            raise ValueError(f"speedup must be positive, got {speedup}")
        self._agreed = origin is not None
        self._start = start if origin is None else start + (SystemClock().now() - origin) * speedup
        self._speedup = speedup
        self._monotonic = monotonic
        self._origin = monotonic()

    def begin_again(self) -> None:
        """It is `start` now, unless processes agree about the time: getting ready takes none of it."""
        if not self._agreed:
            self._origin = self._monotonic()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=(self._monotonic() - self._origin) * self._speedup)

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds) / self._speedup)
