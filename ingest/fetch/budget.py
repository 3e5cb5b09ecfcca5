"""One budget per server for a whole installation: how many requests a minute, and how many at once.

Publishers count what arrives in a minute, and one that is asked too often shuts us out. So no window of 60 s, wherever
it begins, holds more arrivals than the budget: a request may start only while fewer than the budget are under way or
have ended within the last 60 s. Whenever the others arrived, it was before they ended, and this one arrives after it
starts; so it holds on the publisher's side too, however long requests are on the way.

    budget 4 a minute     |--a--|    |-b-|  |--c--|  |-d-|  . . . . . .  |e|
                          0 s                                a ended 60 s before: e may start

Within that, requests are spread evenly (the generic cell rate algorithm, ITU-T I.371) with a burst that is small.

Several processes may share an installation's budgets: each has its part of them (`Budgets.hold`). Who gives a part up
has asked with it until then, so whoever gains it begins as if he had asked himself, as early as was allowed.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

from core.clock import Clock
from ingest.feed import FetchFailed
from ingest.fetch.breaker import REST_WHEN_TOLD_S, Breaker
from ingest.fetch.failure import Failure, Outcome

WINDOW_S = 60.0
LONGEST_NAP_S = 1.0
"""A waiting thread looks up so often, to see that its source was closed or its host shut."""

_SHORTEST_WAIT_S = 0.001  # of a clock that tells microseconds, so that waiting always brings time forward
_MANY_SERVERS = 1000


@dataclass(frozen=True)
class Server:
    """Whose patience a request costs. `port` is None for the schemes' own ports."""

    host: str
    port: int | None

    def __str__(self) -> str:
        return self.host if self.port is None else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Limits:
    """What a source allows itself at one server."""

    requests_per_minute: float
    concurrency: int

    def part(self, share: float) -> Limits:
        """Of these a part, with which somebody can go on: at least one request at once."""
        return Limits(self.requests_per_minute * share, max(1, math.floor(self.concurrency * share)))

    def stricter(self, other: Limits) -> Limits:
        """The lower of both, for each."""
        return Limits(
            min(self.requests_per_minute, other.requests_per_minute), min(self.concurrency, other.concurrency)
        )

    @property
    def per_window(self) -> int:
        """Whole requests in a window of `window_s`."""
        return max(1, math.floor(self.requests_per_minute))

    @property
    def window_s(self) -> float:
        """A minute, or longer where there is less than a request a minute."""
        return max(WINDOW_S, WINDOW_S / self.requests_per_minute)

    @property
    def spacing_s(self) -> float:
        """From one request to the next, on average."""
        return self.window_s / self.per_window

    @property
    def burst(self) -> int:
        """How many may start together after a quiet time: as many as run at once, at most a tenth of the budget."""
        return max(1, min(self.concurrency, self.per_window // 10))


class Meter:
    """Counts the requests to one server. Times are seconds of one clock. Not safe between threads."""

    def __init__(self) -> None:
        self.under_way = 0
        self._ended_s: deque[float] = deque()
        self._due_s = -math.inf

    def wait_s(self, now_s: float, limits: Limits) -> float | None:
        """Until a request may start; 0 where it may now; None where another one has to end first."""
        self._look_back(now_s, limits)
        if self.under_way >= min(limits.concurrency, limits.per_window):
            return None
        wait_s = self._due_s - (limits.burst - 1) * limits.spacing_s - now_s
        if self.under_way + len(self._ended_s) >= limits.per_window:
            wait_s = max(wait_s, self._ended_s[0] + limits.window_s - now_s)
        return max(wait_s, _SHORTEST_WAIT_S) if wait_s > 0 else 0.0

    def start(self, now_s: float, limits: Limits) -> None:
        """A request starts, which `wait_s` has allowed."""
        self.under_way += 1
        self._due_s = max(self._due_s, now_s) + limits.spacing_s

    def end(self, now_s: float) -> None:
        """A request has ended, well or badly."""
        self.under_way -= 1
        self._ended_s.append(now_s)

    def inherit(self, since_s: float, before: Limits | None, limits: Limits) -> None:
        """What was `before`, or nothing, became `limits` at `since_s`; what others have done with the rest counts.

        They may have asked evenly until then, and have kept their burst for the end.
        """
        gained = limits.per_window - (0 if before is None else before.per_window)
        late = min(gained, limits.burst)
        early_s = (since_s - limits.window_s * (1 - (number + 1) / gained) for number in range(gained - late))
        self._ended_s = deque(sorted((*self._ended_s, *early_s, *[since_s] * late)))
        self._due_s = max(self._due_s, since_s + limits.burst * limits.spacing_s)

    def idle(self, now_s: float) -> bool:
        """Whether nothing is remembered that a new meter would not know."""
        return not self.under_way and now_s >= max(self._due_s, self._ended_s[-1] + WINDOW_S if self._ended_s else 0.0)

    def _look_back(self, now_s: float, limits: Limits) -> None:
        """Forget what ended before the window. Where the clock was set back, what it now calls the future was now."""
        while self._ended_s and self._ended_s[0] <= now_s - limits.window_s:
            self._ended_s.popleft()
        if self._ended_s and max(self._ended_s) > now_s:
            self._ended_s = deque(min(ended_s, now_s) for ended_s in self._ended_s)
        self._due_s = min(self._due_s, now_s + limits.burst * limits.spacing_s)


@dataclass
class _Desk:
    """Where requests to one server queue, in the order in which they came, whichever source they are from."""

    server: Server
    breaker: Breaker
    share: float
    meter: Meter = field(default_factory=Meter)
    queue: deque[object] = field(default_factory=deque)
    changed: threading.Condition = field(default_factory=threading.Condition)
    visitors: int = 0


class Turn:
    """A request's leave to be made. What the server made of it is said here, once; silence means that it answered."""

    def __init__(self, *, probe: bool) -> None:
        self.probe = probe
        self.failed = False
        self.rest_s: float | None = None

    def fail(self) -> None:
        """The server has not answered, or has said that it cannot."""
        self.failed = True

    def told(self, retry_after_s: float | None) -> None:
        """The server asks everyone to leave it alone, for so long where it says so."""
        self.rest_s = REST_WHEN_TOLD_S if retry_after_s is None else retry_after_s


class Seat:
    """A source's place at the budgets; from `Budgets.join`."""

    def __init__(self, budgets: Budgets, limits: Limits, covers: Callable[[Server], bool]) -> None:
        self.limits = limits
        self.covers = covers
        self.left = False
        self._budgets = budgets

    @contextmanager
    def turn(self, server: Server) -> Iterator[Turn]:
        """Wait until a request to `server` may be made; it is under way until the block ends.

        Raises `FetchFailed` where the server is being left alone, or this source leaves while it waits.
        """
        with self._budgets.turn(self, server) as turn:
            yield turn

    def leave(self) -> None:
        """Ask nothing more; those who wait are told so, and this source's limits hold nobody up any longer."""
        self._budgets.leave(self)


class Budgets:
    """The budgets of an installation, shared by all its sources: for each server the strictest limits of those sources
    that may ask it at all hold for everyone, whether or not they have asked yet. Safe between threads."""

    def __init__(self, clock: Clock, *, random: Random | None = None) -> None:
        self._clock = clock
        self._random = random or Random()  # noqa: S311 - jitter, not a secret
        self._lock = threading.Lock()
        self._seats: list[Seat] = []
        self._desks: dict[Server, _Desk] = {}
        self._share = 1.0
        self._shares = False
        self._gained_s = -math.inf

    def join(self, limits: Limits, covers: Callable[[Server], bool]) -> Seat:
        """A place for a source that may ask the servers that it `covers`."""
        seat = Seat(self, limits, covers)
        with self._lock:
            self._seats.append(seat)
        return seat

    def hold(self, share: float) -> None:
        """From now on this part of every budget is this process's, from 0 to 1; the rest is other processes'.

        Nobody shares the budgets until this is called.
        """
        with self._lock:
            if share > self._share or not self._shares:
                self._gained_s = self._now_s()
            self._share, self._shares = share, True
            desks = list(self._desks.values())
            for desk in desks:  # what is given up and gained again may have been another's meanwhile
                desk.share = min(desk.share, share)
        for desk in desks:
            with desk.changed:
                desk.changed.notify_all()

    def leave(self, seat: Seat) -> None:
        """See `Seat.leave`."""
        with self._lock:
            seat.left = True
            self._seats = [other for other in self._seats if other is not seat]
            desks = list(self._desks.values())
        for desk in desks:
            with desk.changed:
                desk.changed.notify_all()

    @contextmanager
    def turn(self, seat: Seat, server: Server) -> Iterator[Turn]:
        """See `Seat.turn`."""
        desk = self._visit(server)
        try:
            turn = self._wait(desk, seat)
            try:
                yield turn
            finally:
                self._end(desk, turn)
        finally:
            with self._lock:
                desk.visitors -= 1

    def _visit(self, server: Server) -> _Desk:
        with self._lock:
            if len(self._desks) >= _MANY_SERVERS:
                self._clear()
            before = 0.0 if self._shares else 1.0
            desk = self._desks.setdefault(server, _Desk(server, Breaker(self._random), share=before))
            desk.visitors += 1
            return desk

    def _clear(self) -> None:
        """Forget the servers that nothing is known of: a wildcard allows a publisher to name ever more of them."""
        now_s = self._now_s()
        for server, desk in list(self._desks.items()):
            if not desk.visitors and desk.meter.idle(now_s) and not desk.breaker.closed_for_s(now_s):
                del self._desks[server]

    def _wait(self, desk: _Desk, seat: Seat) -> Turn:
        ticket = object()
        with desk.changed:
            desk.queue.append(ticket)
        try:
            while True:
                with desk.changed:
                    now_s = self._now_s()
                    _refuse_in_vain(desk, seat, now_s)
                    limits = self._held(desk, self._limits(desk.server, seat))
                    wait_s = desk.meter.wait_s(now_s, limits) if desk.queue[0] is ticket else None
                    if wait_s == 0:
                        desk.meter.start(now_s, limits)
                        return Turn(probe=desk.breaker.starts())
                    if wait_s is None:
                        desk.changed.wait()
                        continue
                self._clock.sleep(min(wait_s, LONGEST_NAP_S))
        finally:
            with desk.changed:
                desk.queue.remove(ticket)
                desk.changed.notify_all()

    def _end(self, desk: _Desk, turn: Turn) -> None:
        with desk.changed:
            now_s = self._now_s()
            desk.meter.end(now_s)
            if turn.rest_s is not None:
                desk.breaker.told(now_s, turn.rest_s, probe=turn.probe)
            elif turn.failed:
                desk.breaker.fails(now_s, probe=turn.probe)
            else:
                desk.breaker.answers(probe=turn.probe)
            desk.changed.notify_all()

    def _limits(self, server: Server, seat: Seat) -> Limits:
        limits = seat.limits
        with self._lock:
            for other in self._seats:
                if other.covers(server):
                    limits = limits.stricter(other.limits)
        return limits

    def _held(self, desk: _Desk, limits: Limits) -> Limits:
        """This process's part of the limits. Raises `FetchFailed` where there is none."""
        with self._lock:
            share, since_s, before = self._share, self._gained_s, desk.share
            desk.share = share
        if share == 0:
            raise FetchFailed(f"{desk.server} is not asked: its cameras are other processes'", of_host=True)
        held = limits.part(share)
        if share > before:
            desk.meter.inherit(since_s, limits.part(before) if before else None, held)
        return held

    def _now_s(self) -> float:
        return self._clock.now().timestamp()


def _refuse_in_vain(desk: _Desk, seat: Seat, now_s: float) -> None:
    """Raise where there is nothing to wait for."""
    if seat.left:
        raise FetchFailed(f"{desk.server} is not asked: its source was closed", remedy="It is asked after the restart")
    closed_s = desk.breaker.closed_for_s(now_s)
    if closed_s > 0:
        raise Failure(
            Outcome.OPEN_CIRCUIT,
            f"{desk.server} is left alone for {math.ceil(closed_s)} s: it failed too often, or asked for it",
            remedy="A running installation asks it again by itself",
            retry_after_s=math.ceil(closed_s * 1000) / 1000,  # a clock of microseconds would stop just short of it
        )
