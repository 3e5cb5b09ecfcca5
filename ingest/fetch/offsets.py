"""How far publishers' clocks are ahead of ours, so that one version has one event time at every fetch."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

MINUTE = timedelta(minutes=1)

STEADY = timedelta(seconds=45)
"""An offset in use stays while it is off by no more. What is measured jitters by seconds (a `Date` has whole ones, and
an answer takes its time), and a rounded offset is off by up to half a minute: a jitter never changes it twice."""

MOST_HOSTS = 1000


def in_minutes(ahead: timedelta) -> timedelta:
    """A difference of two clocks in whole minutes. Clocks no further apart than half a minute are taken for one."""
    return round(ahead / MINUTE) * MINUTE


class ClockOffsets:
    """The offset in use of each host's clock, in whole minutes. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._used: dict[str, timedelta] = {}

    def of(self, host: str, server_time: datetime | None, received_at: datetime) -> timedelta:
        """How far the clock of `host` is ahead, now that it showed `server_time` when ours showed `received_at`.

        Where it does not say, what it said last holds; none where it never did.
        """
        with self._lock:
            used = self._used.get(host)
            if server_time is None:
                return used or timedelta(0)
            ahead = server_time - received_at
            if used is None or abs(ahead - used) > STEADY:
                used = in_minutes(ahead)
                self._used.pop(host, None)
                self._used[host] = used
                if len(self._used) > MOST_HOSTS:
                    del self._used[next(iter(self._used))]
            return used
