"""The bytes that are lent: in memory, within a bound, until a worker has fetched them, and a while longer.

    lend --> waiting, held --> first asked for --> kept for `keep_s`, as long as there is room --> gone
                 +-- nobody asks for `keep_s` --> gone

Whoever lends looks first whether there is `room`: what nobody has fetched yet takes at most half of the memory, so that
clips wait where the freshest goes first, and not here, where their order is that of the bus. The other half is for
clips that are asked for again: a worker that dies with one in hand has a successor.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.clock import Clock
from core.records import ClipReady

_MEGABYTE = 1024 * 1024


@dataclass
class _Loan:
    """Bytes, and the clips that they are: a publisher's card for cameras that are off is the clip of many."""

    content: bytes
    since: datetime
    clips: list[ClipReady] = field(default_factory=list)

    @property
    def waits(self) -> bool:
        return bool(self.clips)


class Loans:
    """Clips on loan, by the hash of their bytes. Safe between threads.

    `on_expired` is told how many clips nobody has asked for in time.
    """

    def __init__(
        self, megabytes: int, keep_s: float, clock: Clock, *, on_expired: Callable[[int], None] = lambda _: None
    ) -> None:
        self.on_expired = on_expired
        self._most_bytes = megabytes * _MEGABYTE
        self._keep = timedelta(seconds=keep_s)
        self._clock = clock
        self._lock = threading.Lock()
        self._loans: OrderedDict[str, _Loan] = OrderedDict()  # by `since`
        self._bytes = self._waiting_bytes = 0
        self._reached: list[ClipReady] = []

    @property
    def room(self) -> bool:
        """Whether another clip may be lent; always where none waits, however large it is."""
        with self._lock:
            self._let_go()
            return self._waiting_bytes < self._most_bytes / 2

    def lend(self, clip: ClipReady, content: bytes) -> None:
        """Hold the bytes of a clip, which its `content` names. What was fetched already leaves first for it."""
        with self._lock:
            self._let_go()
            name = clip.content or ""
            before = self._loans.pop(name, None)
            if before is not None:
                self._forget_bytes(before)
            others = [other for other in before.clips if other != clip] if before else []
            loan = _Loan(content, self._clock.now(), [*others, clip])
            self._loans[name] = loan
            self._bytes += len(content)
            self._waiting_bytes += len(content)
            self._make_room()

    def ask(self, name: str) -> bytes | None:
        """The bytes of this hash; None where they are gone, or never were here."""
        with self._lock:
            self._let_go()
            loan = self._loans.pop(name, None)
            if loan is None:
                return None
            if loan.waits:
                self._reached += loan.clips
                self._waiting_bytes -= len(loan.content)
            self._loans[name] = _Loan(loan.content, self._clock.now())
            return loan.content

    def reached(self) -> list[ClipReady]:
        """The clips that were asked for, or are gone, since this was last called: nothing more can be done for them."""
        with self._lock:
            self._let_go()
            reached, self._reached = self._reached, []
            return reached

    def withdraw(self, clip: ClipReady) -> None:
        """It will not be published from here: somebody else fetches it."""
        with self._lock:
            loan = self._loans.get(clip.content or "")
            if loan is None or clip not in loan.clips:
                return
            loan.clips.remove(clip)
            if not loan.waits:
                self._waiting_bytes -= len(loan.content)

    @property
    def waiting(self) -> int:
        """How many clips nobody has asked for yet."""
        with self._lock:
            return sum(len(loan.clips) for loan in self._loans.values())

    @property
    def bytes(self) -> int:
        """What all of them hold in memory."""
        return self._bytes

    def _let_go(self) -> None:
        """Of what is older than it may be."""
        oldest = self._clock.now() - self._keep
        while self._loans:
            name, loan = next(iter(self._loans.items()))
            if loan.since > oldest:
                return
            self._drop(name)

    def _make_room(self) -> None:
        """Of what was asked for already the oldest goes first; what was not is never let go for want of room."""
        for name in [name for name, loan in self._loans.items() if not loan.waits]:
            if self._bytes <= self._most_bytes:
                return
            self._drop(name)

    def _drop(self, name: str) -> None:
        loan = self._loans.pop(name)
        self._forget_bytes(loan)
        if loan.waits:
            self._reached += loan.clips
            self.on_expired(len(loan.clips))

    def _forget_bytes(self, loan: _Loan) -> None:
        self._bytes -= len(loan.content)
        if loan.waits:
            self._waiting_bytes -= len(loan.content)
