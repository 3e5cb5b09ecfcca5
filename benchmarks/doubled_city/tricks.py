"""Every URL trick of the tests, asked for and redirected to, by a client whose operator has fallen for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from feed_double.config import DoubleConfig, Fleet
from feed_double.double import FeedDouble
from feed_double.faults import Fault, FaultKind
from feed_double.url_tricks import HONEST_ADDRESS, HONEST_HOST, HONEST_NETWORK, TRICKS, ForbiddenListener, Trick

from core.clock import SystemClock
from ingest.fetch.failure import Failure, Outcome
from ingest.fetch.guard import AllowedHost
from ingest.fetch.guest import Budgets, Guest, GuestConfig


@dataclass
class Rebinding:
    """A name whose server says something else each time that it is asked, harmless first."""

    says: Sequence[str]
    asked: int = field(default=0)

    @property
    def said(self) -> str:
        """Its last answer."""
        return self.says[(self.asked - 1) % len(self.says)]

    def resolve(self, _: str) -> Sequence[str]:
        self.asked += 1
        return [self.said]


REBINDING = ((HONEST_ADDRESS, "127.0.0.1"), (HONEST_ADDRESS, "::1"), ("127.0.0.1", HONEST_ADDRESS))


def locations(listener: ForbiddenListener) -> list[str]:
    """The tricks that can stand in a Location header and need no name server of their own."""
    urls = [trick.at(forbidden=listener.port, honest=listener.port) for trick in TRICKS if not trick.leads_to]
    return [url for url in urls if url.isascii() and url.isprintable()]


@dataclass(frozen=True)
class Played:
    """How many URLs were asked for, and which of them were not refused for where they lead, with what came instead."""

    asked: int
    not_refused: tuple[str, ...]


def play(listener: ForbiddenListener) -> Played:
    """Ask for each trick, and let the honest server redirect to it.

    The addresses alone stand in the way: every host that a trick could mean is on the allow-list. So each has to end as
    refused for its address, and not for want of anybody who listens there; only those that are harmless need not.
    """
    config = DoubleConfig((Fleet("template", 1),), addresses={"template": HONEST_ADDRESS}, traps=())
    asked, passed = 0, []
    with FeedDouble(config, SystemClock()) as honest:
        port = int(honest.addresses["template"].rpartition(":")[2])
        sent_on = f"http://{HONEST_HOST}:{port}/cameras/cam-0000.jpg"
        for trick in TRICKS:
            url = trick.at(forbidden=listener.port, honest=port)
            guest = _fooled(_allowable(trick, listener.port, port), trick.resolve)
            honest.play([Fault(FaultKind.REDIRECT, parameters={"targets": [url]})])
            for one in (url, *([sent_on] if url.isprintable() and url.isascii() else [])):
                asked += 1
                outcome = _outcome(guest, one)
                if outcome is not Outcome.REFUSED_ADDRESS and not trick.harmless:
                    passed.append(f"{url!r}, {'asked for' if one == url else 'redirected to'}: {outcome}")
            guest.close()
        for says in REBINDING:
            name_server = Rebinding(says)
            guest = _fooled([f"trap.example.org:{listener.port}"], name_server.resolve)
            for _ in range(4):
                asked += 1
                outcome = _outcome(guest, f"http://trap.example.org:{listener.port}/clip.mp4")
                if outcome is not Outcome.REFUSED_ADDRESS and name_server.said != HONEST_ADDRESS:
                    passed.append(f"a name that leads to {name_server.said}: {outcome}")
            guest.close()
    return Played(asked, tuple(passed))


def _outcome(guest: Guest, url: str) -> Outcome:
    try:
        guest.get(url)
    except Failure as failure:
        return failure.outcome
    return Outcome.OK


def _fooled(hosts: Sequence[str], resolve: Callable[[str], Sequence[str]]) -> Guest:
    clock = SystemClock()
    config = GuestConfig(
        hosts=tuple(dict.fromkeys(hosts)),
        private_networks=(HONEST_NETWORK,),
        requests_per_minute=6000,
        connect_timeout_s=1,
        attempts=1,
    )
    return Guest(config, Budgets(clock), clock, resolve=resolve)


def _allowable(trick: Trick, forbidden: int, honest: int) -> list[str]:
    """Every host that an operator could take the trick for."""

    def entries() -> Iterator[str]:
        yield from (f"{HONEST_HOST}:{honest}", f"*.example.org:{forbidden}")
        for host in trick.hosts(forbidden=forbidden, honest=honest):
            try:
                AllowedHost.of(host)
            except ValueError:
                continue
            yield host

    return list(entries())
