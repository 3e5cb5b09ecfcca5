"""A host that does not answer is left alone for a while, by everyone; then one request finds out how it is.

closed --(too many failures in a row, or told to wait)--> open --(time)--> half-open --(the probe)--> closed or open
"""

from __future__ import annotations

from random import Random

from ingest.fetch.retry import backoff_s

FAILURES_IN_A_ROW = 10
"""So many that a host with every third of its cameras broken stays closed: 0.3^10 is one in 170,000."""

FIRST_REST_S = 5.0
LONGEST_REST_S = 300.0
SHORTEST_REST_S = 1.0
REST_WHEN_TOLD_S = 60.0
"""After a 429 that does not say for how long: publishers count by the minute."""


class Breaker:
    """The breaker of one host. Times are seconds of one clock. Not safe between threads: its host's lock guards it.

    Every request `starts` and then `answers`, `fails` or is `told` to wait, saying whether it is the probe. What those
    tell that began before the host was shut does not open it again: a 429 is not undone by an answer it has overtaken.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._failures = 0
        self._rests = 0
        self._opened_at_s: float | None = None
        self._rest_s = 0.0
        self._probing = False

    def closed_for_s(self, now_s: float) -> float:
        """How long the host is to be left alone; 0 where it may be asked now."""
        if self._opened_at_s is None:
            return 0.0
        if self._probing:
            return SHORTEST_REST_S
        self._opened_at_s = min(self._opened_at_s, now_s)  # where the clock was set back, the rest is not made longer
        return max(0.0, self._opened_at_s + self._rest_s - now_s)

    def starts(self) -> bool:
        """A request begins that `closed_for_s` has allowed; whether it is the probe of a host that was left alone."""
        self._probing = self._opened_at_s is not None
        return self._probing

    def answers(self, *, probe: bool) -> None:
        """The host has answered, whatever it thinks of the question."""
        if probe or self._opened_at_s is None:
            self._failures = self._rests = 0
            self._opened_at_s = None
            self._probing = False

    def fails(self, now_s: float, *, probe: bool) -> None:
        """The host has not answered, or has said that it cannot."""
        self._failures += 1
        if probe or (self._opened_at_s is None and self._failures >= FAILURES_IN_A_ROW):
            rest_s = backoff_s(self._rests, self._random, base_s=FIRST_REST_S, cap_s=LONGEST_REST_S)
            self._rests += 1
            self._open(now_s, max(SHORTEST_REST_S, rest_s), probe=probe)

    def told(self, now_s: float, rest_s: float, *, probe: bool) -> None:
        """The host asks to be left alone for `rest_s`."""
        self._open(now_s, max(SHORTEST_REST_S, rest_s, 0.0 if probe else self.closed_for_s(now_s)), probe=probe)

    def _open(self, now_s: float, rest_s: float, *, probe: bool) -> None:
        self._opened_at_s, self._rest_s = now_s, rest_s
        self._probing = self._probing and not probe
