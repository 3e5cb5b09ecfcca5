"""What a client of the API can read while a city runs: of each camera its newest count, looked at again and again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Self

import httpx
from feed_double.accounts import Look

LOOK_EVERY_S = 5.0


class Client:
    """Looks every 5 s, in a thread, from `with` to its end. A look that fails is of what was read before it."""

    def __init__(self, read: Callable[[], Mapping[str, datetime]]) -> None:
        """`read` gives the event time of each camera's newest counted clip; raises `httpx.HTTPError`."""
        self.looks: list[Look] = []
        self.failed = 0
        self._read = read
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="client", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        while not self._ended.wait(LOOK_EVERY_S):
            self.look()

    def look(self) -> None:
        newest = self.looks[-1].newest if self.looks else {}
        try:
            newest = self._read()
        except httpx.HTTPError:
            self.failed += 1
        self.looks.append(Look(datetime.now(UTC), newest))
