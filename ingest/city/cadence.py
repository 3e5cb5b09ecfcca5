"""How often a camera brings something new, learned from the times of what it brought."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from statistics import median

REMEMBERED = 15
ENOUGH = 3
MUCH_SHORTER = 0.7


class Cadence:
    """Seconds from one clip of a camera to its next: the median of the last intervals, or what is assumed before.

    The median stands while fewer than half of the intervals are longer because a clip between was missed, and it
    follows a publisher that slows down after eight clips. Two much shorter intervals in a row say that clips were
    missed all along, or that the publisher is faster now: the longer ones are forgotten. After a single one, which an
    unsteady publisher has now and then, the cadence is `doubted`: it is worth looking early whether the next is, too.
    """

    def __init__(self, assumed_s: float) -> None:
        self._assumed_s = assumed_s
        self._intervals: deque[float] = deque(maxlen=REMEMBERED)
        self._newest: datetime | None = None
        self.doubted = False

    def saw(self, event_time: datetime) -> None:
        """Take note of a clip's event time. One that is not later than the newest tells nothing."""
        if self._newest is not None:
            if event_time <= self._newest:
                return
            interval_s = (event_time - self._newest).total_seconds()
            shorter = self.learned and interval_s < MUCH_SHORTER * self.seconds
            if shorter and self.doubted:
                longest_s = max(interval_s, self._intervals[-1]) / MUCH_SHORTER
                self._intervals = deque((one for one in self._intervals if one < longest_s), maxlen=REMEMBERED)
            self.doubted = shorter and not self.doubted
            self._intervals.append(interval_s)
        self._newest = event_time

    def gap(self) -> None:
        """The camera was away: the interval to its next clip tells nothing of its pace."""
        self._newest = None

    @property
    def learned(self) -> bool:
        """Whether enough intervals were seen to trust them more than what was assumed."""
        return len(self._intervals) >= ENOUGH

    @property
    def seconds(self) -> float:
        return median(self._intervals) if self.learned else self._assumed_s
