"""Plays a feed's clips into a cluster as fast as is wanted: what an ingest worker does, without its schedule.

    feed --fetch--> lent, under the hash of its bytes --> the reference on the bus --> borrowed by a detect worker
                          +-- too much is lent and not borrowed: waits

An ingest worker asks a publisher when something new is due, and lets go of what waits too long. Here every clip that
the feed has is played, once, in turn of its cameras, so that it can be said afterwards what became of each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import cycle

from core.bus import CLIPS, Bus
from core.clock import Clock
from core.records import ClipReady
from ingest.feed import Feed, ListedCamera, Media, Version
from ingest.lending.loans import Loans

SOON_S = 0.01
"""So long it waits before it looks again: for room, or for the next clip of a camera."""


class ClipPlayer:
    """Plays the clips of `cameras`, one camera after the other. One thread plays; any may look at what was `played`.

    `location` gives the address at which the bytes of a hash are lent.
    """

    def __init__(
        self,
        feed: Feed,
        cameras: Sequence[ListedCamera],
        bus: Bus,
        loans: Loans,
        *,
        location: Callable[[str], str],
        clock: Clock,
    ) -> None:
        self.played: list[ClipReady] = []
        self._feed = feed
        self._turns = cycle(cameras)
        self._bus = bus
        self._loans = loans
        self._location = location
        self._clock = clock
        self._had: dict[str, Version] = {}

    def play(self, clips: int, per_s: float | None = None) -> None:
        """Play so many more: at a steady pace, or as fast as they are borrowed.

        Raises `FetchFailed`, `BusError`. What the pace loses while too much is lent it makes up for as soon as it can.
        """
        began = self._clock.now()
        for number in range(clips):
            if per_s is not None:
                due = began + timedelta(seconds=number / per_s)
                self._clock.sleep(max(0.0, (due - self._clock.now()).total_seconds()))
            while not self._loans.room:
                self._clock.sleep(SOON_S)
            self._tell(next(self._turns))

    def _tell(self, listed: ListedCamera) -> None:
        """The clip begins at the moment at which its reference is given to the bus: the age of its count is latency."""
        content = self._next(listed).content
        name = hashlib.sha256(content).hexdigest()[:32]
        clip = ClipReady(
            camera=listed.camera.id,
            event_time=self._clock.now(),
            location=self._location(name),
            content=name,
            size_bytes=len(content),
        )
        self._loans.lend(clip, content)
        self._bus.publish(CLIPS, clip)
        self._bus.flush()
        self.played.append(clip)

    def _next(self, listed: ListedCamera) -> Media:
        """The next clip of a camera, waited for where the publisher has only the last one."""
        while (media := self._feed.fetch(listed, self._had.get(listed.camera.id))) is None:
            self._clock.sleep(SOON_S)
        self._had[listed.camera.id] = media.version
        return media
