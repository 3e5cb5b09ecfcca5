"""A guest on loopback, its server and the clock it goes by: what the tests of fetching share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fetch_guests import MakeGuest, guests
from fetch_servers import ManualClock, Server

from ingest.fetch.guest import Guest, RequestOutcome


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def outcomes() -> list[RequestOutcome]:
    return []


@pytest.fixture
def guest_with(server: Server, clock: ManualClock, outcomes: list[RequestOutcome]) -> Iterator[MakeGuest]:
    with guests(server, clock, outcomes) as make:
        yield make


@pytest.fixture
def guest(guest_with: MakeGuest) -> Guest:
    return guest_with()
