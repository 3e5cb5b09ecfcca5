"""A clock that tests move."""

from __future__ import annotations

from datetime import datetime, timedelta


class HandClock:
    """Stands still until a test moves it, or somebody sleeps."""

    def __init__(self, now: datetime) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
