"""Every URL trick of the tests, asked for and redirected to, by a client whose operator has fallen for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from feed_double.config import DoubleConfig, Fleet
from feed_double.double import FeedDouble
from feed_double.faults import Fault, FaultKind
from feed_double.url_tricks import HONEST_ADDRESS, HONEST_HOST, HONEST_NETWORK, TRICKS, ForbiddenListener, Trick

from core.clock import SystemClock
from ingest.feed import FetchFailed
from ingest.fetch.guard import AllowedHost
from ingest.fetch.guest import Budgets, Guest, GuestConfig


@dataclass
class Rebinding:
    """A name whose server says something else each time that it is asked, harmless first."""

    says: Sequence[str]
    asked: int = field(default=0)

    def resolve(self, _: str) -> Sequence[str]:
        self.asked += 1
        return [self.says[(self.asked - 1) % len(self.says)]]


REBINDING = ((HONEST_ADDRESS, "127.0.0.1"), (HONEST_ADDRESS, "::1"), ("127.0.0.1", HONEST_ADDRESS))


def locations(listener: ForbiddenListener) -> list[str]:
    """The tricks that can stand in a Location header and need no name server of their own."""
    urls = [trick.at(forbidden=listener.port, honest=listener.port) for trick in TRICKS if not trick.leads_to]
    return [url for url in urls if url.isascii() and url.isprintable()]


def play(listener: ForbiddenListener) -> int:
    """Ask for each trick, and let the honest server redirect to it; how many URLs these were.

    The addresses alone stand in the way: every host that a trick could mean is on the allow-list.
    """
    config = DoubleConfig((Fleet("template", 1),), addresses={"template": HONEST_ADDRESS}, traps=())
    asked = 0
    with FeedDouble(config, SystemClock()) as honest:
        port = int(honest.addresses["template"].rpartition(":")[2])
        sent_on = f"http://{HONEST_HOST}:{port}/cameras/cam-0000.jpg"
        for trick in TRICKS:
            url = trick.at(forbidden=listener.port, honest=port)
            guest = _fooled(_allowable(trick, listener.port, port), trick.resolve)
            honest.play([Fault(FaultKind.REDIRECT, parameters={"targets": [url]})])
            asked += _ask(guest, [url, *([sent_on] if url.isprintable() and url.isascii() else [])])
        for says in REBINDING:
            guest = _fooled([f"trap.example.org:{listener.port}"], Rebinding(says).resolve)
            asked += _ask(guest, [f"http://trap.example.org:{listener.port}/clip.mp4"] * 4)
    return asked


def _ask(guest: Guest, urls: Sequence[str]) -> int:
    for url in urls:
        try:
            guest.get(url)
        except FetchFailed:
            continue
    guest.close()
    return len(urls)


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
