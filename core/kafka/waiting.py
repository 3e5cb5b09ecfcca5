"""Waiting for a broker that is away: with growing pauses, saying so, and no longer than somebody wants to wait."""

from __future__ import annotations

import logging
import threading

from core.errors import BusError

_LOG = logging.getLogger(__name__)

SHORTEST_S = 0.1
LONGEST_S = 5.0


class Waiting:
    """How one process stands with its brokers; shared by all that speaks with them. Any thread may ask.

    `trouble` says what it waits for; None where all is well.
    """

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._trouble: str | None = None

    @property
    def trouble(self) -> str | None:
        return self._trouble

    @property
    def stopped(self) -> bool:
        return self._stopped.is_set()

    def stop(self) -> None:
        """Nobody waits any longer: every pause ends, with `BusError`."""
        self._stopped.set()

    def well(self) -> None:
        """The brokers answer."""
        with self._lock:
            if self._trouble is not None:
                _LOG.warning("Kafka answers again")
            self._trouble = None

    def ill(self, why: str) -> None:
        """The brokers do not answer, or not as they should."""
        with self._lock:
            if self._trouble is None:
                _LOG.warning("waiting for Kafka: %s", why)
            self._trouble = why

    def rest(self, seconds: float) -> None:
        """Do nothing for so long, or until nobody waits any longer."""
        self._stopped.wait(seconds)

    def pause(self, why: str, attempt: int) -> None:
        """Wait before attempt number `attempt` + 1, of 0, 1, 2... Raises `BusError` once nobody waits any longer."""
        self.ill(why)
        if self._stopped.wait(min(LONGEST_S, SHORTEST_S * 2 ** min(attempt, 10))):
            raise BusError(f"stopped while waiting for Kafka: {why}")
