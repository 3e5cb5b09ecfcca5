"""Guests of publishers on loopback, by a clock that is set by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from random import Random

import pytest
from fetch_servers import ManualClock, Server

from ingest.feed import FetchFailed
from ingest.fetch.guest import Budgets, Failure, Guest, GuestConfig, RequestOutcome, host_entry

MakeGuest = Callable[..., Guest]


@contextmanager
def guests(server: Server, clock: ManualClock, outcomes: list[RequestOutcome]) -> Iterator[MakeGuest]:
    """Makes guests of `server` that share its budgets, with the headers and settings given; `outcomes` has what came
    of each of their requests. They are closed at the end."""
    budgets = Budgets(clock, random=Random(1))
    with ExitStack() as made:

        def make(headers: dict[str, str] | None = None, **settings: object) -> Guest:
            config = GuestConfig.model_validate(
                {
                    "hosts": [host_entry(server.url)],
                    "private_networks": ["127.0.0.1/32"],
                    "requests_per_minute": 6000,
                    "deadline_s": 5,
                }
                | settings
            )
            guest = Guest(config, budgets, clock, headers=headers, on_request=outcomes.append, random=Random(2))
            made.callback(guest.close)
            return guest

        yield make


def failure_of(guest: Guest, url: str, **how: object) -> Failure:
    """How `guest` fails at `url`, always with a remedy."""
    with pytest.raises(FetchFailed) as failure:
        guest.get(url, **how)  # type: ignore[arg-type]
    assert isinstance(failure.value, Failure)
    assert failure.value.remedy
    return failure.value
