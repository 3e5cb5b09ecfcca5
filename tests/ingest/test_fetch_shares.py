"""Several processes keep one budget between them: each its part, also while parts change hands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.feed import FetchFailed
from ingest.fetch.budget import Budgets, Limits, Seat, Server

HOST = Server("cameras.example.org", None)
NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)
PLACES = 12


class MustWait(Exception):
    """A request may not start yet."""


class Now:
    """A clock of all processes. Who would sleep is told so."""

    def __init__(self) -> None:
        self.time_s = 0.0

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.time_s)

    def sleep(self, seconds: float) -> None:
        raise MustWait


class Asker:
    """A process that asks whenever it may, and whose requests take no time."""

    def __init__(self, clock: Now, limits: Limits) -> None:
        self.owned: set[int] = set()
        self._budgets = Budgets(clock)
        self._budgets.hold(0.0)
        self._seat: Seat = self._budgets.join(limits, EVERYTHING)

    def told(self) -> None:
        self._budgets.hold(len(self.owned) / PLACES)

    def asks(self) -> bool:
        try:
            with self._seat.turn(HOST):
                return True
        except (MustWait, FetchFailed):
            return False


EVERYTHING: Callable[[Server], bool] = lambda server: True  # noqa: E731


@settings(max_examples=10, deadline=None)
@given(
    requests_per_minute=st.integers(PLACES, 400), processes=st.integers(1, 4), greed=st.sampled_from([0.1, 1.0]),
    seed=st.integers(0, 1000),
)  # fmt: skip
def test_no_minute_holds_more_than_the_budget_of_all_together(
    requests_per_minute: int, processes: int, greed: float, seed: int
) -> None:
    """By the publisher's count, whoever asks; places change hands at any moment, one loses before the other gains."""
    clock, random, limits = Now(), Random(seed), Limits(requests_per_minute, 4)
    askers = [Asker(clock, limits) for _ in range(processes)]
    for place in range(PLACES):
        askers[place % processes].owned.add(place)
    for asker in askers:
        asker.told()
    arrivals_s: list[float] = []
    while clock.time_s < 200:
        clock.time_s += 0.1
        if random.random() < 0.01:
            moved = random.choice((set(range(PLACES)), {random.randrange(PLACES)}))
            for asker in askers:
                asker.owned -= moved
                asker.told()
            gaining = random.choice(askers)
            gaining.owned |= moved
            gaining.told()
        in_turn = random.sample(askers, processes)
        arrivals_s += [clock.time_s for asker in in_turn if random.random() < greed and asker.asks()]
    for first_s, next_s in zip(arrivals_s, arrivals_s[requests_per_minute:], strict=False):
        assert next_s - first_s >= 60 - 1e-6


def test_the_budget_is_used_while_nothing_changes_hands() -> None:
    clock = Now()
    askers = [Asker(clock, Limits(120, 4)) for _ in range(3)]
    for place in range(PLACES):
        askers[place % 3].owned.add(place)
    for asker in askers:
        asker.told()
    asked = 0
    while clock.time_s < 300:
        clock.time_s += 0.1
        asked += sum(asker.asks() for asker in askers)
    assert asked >= 0.93 * 600


def test_who_owns_nothing_asks_nothing() -> None:
    asker = Asker(Now(), Limits(600, 4))
    with pytest.raises(FetchFailed, match="other processes'") as caught, asker._seat.turn(HOST):
        pass
    assert caught.value.of_host, "and nothing is said of the camera"


def test_alone_nothing_is_waited_for_at_the_start() -> None:
    clock = Now()
    seat = Budgets(clock).join(Limits(600, 4), EVERYTHING)
    for _ in range(4):
        with seat.turn(HOST):
            pass
