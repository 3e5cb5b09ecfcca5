"""Clips of one camera are counted one after the other, as they came; those of different cameras side by side."""

from __future__ import annotations

import threading


class Turn:
    """A place in a camera's queue. Entering it waits for those before it."""

    def __init__(self, before: Turn | None) -> None:
        self._before = before
        self._done = threading.Event()

    @property
    def done(self) -> bool:
        return self._done.is_set()

    def __enter__(self) -> None:
        if self._before is not None:
            self._before._done.wait()
            self._before = None

    def __exit__(self, *error: object) -> None:
        self._done.set()


class Turns:
    """The queues of all cameras. A clip and its turn have to be taken together, by one thread at a time."""

    def __init__(self) -> None:
        self._last: dict[str, Turn] = {}

    def queue(self, camera: str) -> Turn:
        """The next turn of a camera."""
        before = self._last.get(camera)
        turn = self._last[camera] = Turn(None if before is None or before.done else before)
        return turn
