"""No URL of the corpus, asked for or redirected to, leads to a connection that is not allowed."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from feed_double.url_tricks import (
    HONEST_ADDRESS,
    HONEST_HOST,
    HONEST_NETWORK,
    NAMES,
    SIXES,
    SPELLINGS,
    TRICKS,
    ForbiddenListener,
    Trick,
)
from fetch_servers import Reply, Server

from core.clock import SystemClock
from ingest.fetch.failure import Outcome
from ingest.fetch.guard import AllowedHost
from ingest.fetch.guest import Budgets, Failure, Guest, GuestConfig


def allowable(hosts: list[str]) -> Iterator[str]:
    for host in hosts:
        try:
            AllowedHost.of(host)
        except ValueError:
            continue
        yield host


@pytest.fixture(scope="module")
def forbidden() -> Iterator[ForbiddenListener]:
    listener = ForbiddenListener()
    yield listener
    listener.close()


@pytest.fixture(scope="module")
def honest() -> Iterator[Server]:
    with Server(address=HONEST_ADDRESS) as server:
        yield server


def fooled_guest(trick: Trick, *, forbidden: int, honest: int) -> Guest:
    """A guest whose operator has allowed every host that the trick names: the addresses alone stand in its way."""
    clock = SystemClock()
    hosts = allowable(trick.hosts(forbidden=forbidden, honest=honest))
    config = GuestConfig(
        hosts=tuple(dict.fromkeys([f"{HONEST_HOST}:{honest}", f"*.example.org:{forbidden}", *hosts])),
        private_networks=(HONEST_NETWORK,),
        requests_per_minute=6000,
        connect_timeout_s=1,
        attempts=1,
    )
    return Guest(config, Budgets(clock), clock, resolve=trick.resolve)


def test_the_corpus_is_large_and_without_repeats() -> None:
    assert len(set(TRICKS)) == len(TRICKS) >= 150


def test_the_listener_would_notice(forbidden: ForbiddenListener) -> None:
    """The evidence below is worth something: what does connect is counted, on IPv4 and on IPv6."""
    before = forbidden.connections
    for address in ("127.0.0.1", "0.0.0.0", *(("::1",) if socket.has_dualstack_ipv6() else ())):
        with socket.create_connection((address, forbidden.port), timeout=2) as connection:
            assert connection.recv(1) == b""
    assert forbidden.connections == before + (3 if socket.has_dualstack_ipv6() else 2)


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: ascii(trick.url))
def test_no_trick_reaches_the_listener(trick: Trick, forbidden: ForbiddenListener, honest: Server) -> None:
    """Asked for by a guest whose operator was taken in; and, where it can be sent in a header, as a redirect."""
    before = forbidden.connections
    ports = {"forbidden": forbidden.port, "honest": honest.port}
    url = trick.at(**ports)
    honest_url = f"http://{HONEST_HOST}:{honest.port}"
    honest.replies = {"/sent-on": Reply(302, {"Location": url})}
    guest = fooled_guest(trick, **ports)
    try:
        for asked in (url, *([f"{honest_url}/sent-on"] if set(url).isdisjoint("\n\x00") else [])):
            if trick.harmless:
                answer = guest.get(asked)
                assert answer is not None
                assert answer.url.startswith(honest_url)
            else:
                with pytest.raises(Failure) as failure:
                    guest.get(asked)
                assert failure.value.outcome is Outcome.REFUSED_ADDRESS
                assert failure.value.remedy
    finally:
        guest.close()
    assert forbidden.connections == before


def test_the_corpus_has_teeth(forbidden: ForbiddenListener, honest: Server) -> None:
    """The same tricks and the same guest, but for the address check: many of them do reach the listener."""
    before = forbidden.connections
    clock = SystemClock()
    for trick in (*SPELLINGS, *SIXES, *NAMES):
        hosts = allowable(trick.hosts(forbidden=forbidden.port, honest=honest.port))
        config = GuestConfig(
            hosts=(f"*.example.org:{forbidden.port}", *hosts),
            private_networks=("127.0.0.0/8", "0.0.0.0/8", "::1/128", "::/128"),
            connect_timeout_s=0.2,
            attempts=1,
        )
        guest = Guest(config, Budgets(clock), clock, resolve=trick.resolve)
        with pytest.raises(Failure):
            guest.get(trick.at(forbidden=forbidden.port, honest=honest.port))
        guest.close()
    assert forbidden.connections >= before + 15
