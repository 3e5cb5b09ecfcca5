"""The budget of a host holds in every window, for everyone, in any order of events."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from random import Random

import pytest
from fetch_servers import ManualClock
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.feed import FetchFailed
from ingest.fetch.breaker import FAILURES_IN_A_ROW
from ingest.fetch.budget import Budgets, Limits, Meter, Seat, Server
from ingest.fetch.failure import Failure, Outcome

HOST = Server("cameras.example.org", None)
EVERYTHING: Callable[[Server], bool] = lambda server: True  # noqa: E731

LIMITS = st.builds(Limits, st.floats(0.2, 400), st.integers(1, 8))
REQUESTS = st.lists(
    st.tuples(
        st.floats(0, 1) | st.floats(0, 100),  # idle before it, s
        st.floats(0, 2) | st.floats(0, 90),  # how long it takes, s
        st.floats(0, 1),  # when within that it arrives at the publisher
    ),
    min_size=1,
    max_size=120,
)


def play(limits: Limits, requests: list[tuple[float, float, float]]) -> tuple[list[float], int]:
    """Make the requests one after the other as early as the meter lets them: arrivals in s, and most at once."""
    meter, now_s, most = Meter(), 0.0, 0
    ends_s: list[float] = []
    arrivals_s = []

    def advance(to_s: float) -> None:
        nonlocal now_s
        for end_s in sorted(end_s for end_s in ends_s if end_s <= to_s):
            ends_s.remove(end_s)
            meter.end(max(now_s, end_s))
        now_s = max(now_s, to_s)

    for idle_s, takes_s, arrives in requests:
        advance(now_s + idle_s)
        while (wait_s := meter.wait_s(now_s, limits)) != 0:
            advance(min(ends_s) if wait_s is None else now_s + wait_s)
        meter.start(now_s, limits)
        ends_s.append(now_s + takes_s)
        most = max(most, len(ends_s))
        arrivals_s.append(now_s + arrives * takes_s)
    return sorted(arrivals_s), most


@given(LIMITS, REQUESTS)
@settings(max_examples=150, deadline=None)
def test_no_window_holds_more_than_the_budget_and_never_too_many_run_at_once(
    limits: Limits, requests: list[tuple[float, float, float]]
) -> None:
    """By the publisher's count, of arrivals: requests are on the way for as long as they like, and overtake."""
    arrivals_s, most = play(limits, requests)
    budget = limits.per_window
    assert budget <= max(1.0, limits.requests_per_minute)
    assert most <= limits.concurrency
    for first_s, next_s in zip(arrivals_s, arrivals_s[budget:], strict=False):
        assert next_s - first_s >= limits.window_s - 1e-6


def test_the_budget_is_used_and_spread() -> None:
    """50 a minute, asked without pause: 50 in each minute, never more than the burst within a spacing."""
    limits = Limits(50, 4)
    arrivals_s, _ = play(limits, [(0, 0, 0)] * 500)
    assert arrivals_s[-1] < 10.2 * 60
    per_spacing = [sum(first_s <= s < first_s + limits.spacing_s - 1e-6 for s in arrivals_s) for first_s in arrivals_s]
    assert max(per_spacing) <= limits.burst == 4


def test_a_clock_that_is_set_back_costs_a_minute_at_most() -> None:
    meter, limits = Meter(), Limits(2, 1)
    for now_s in (7200.0, 7230.0):
        meter.start(now_s, limits)
        meter.end(now_s)
    wait_s = meter.wait_s(3600.0, limits)
    assert wait_s is not None
    assert wait_s <= 60


def test_the_stricter_source_holds_for_both_until_it_leaves() -> None:
    """Also before it has asked for anything; and where it may not ask the host at all, it has no say."""
    clock = ManualClock()
    budgets = Budgets(clock)
    generous = budgets.join(Limits(600, 4), EVERYTHING)
    budgets.join(Limits(1, 1), lambda server: server.host == "elsewhere.example.org")
    strict = budgets.join(Limits(2, 1), EVERYTHING)

    def seconds_for(requests: int) -> float:
        began = clock.now()
        for _ in range(requests):
            with generous.turn(HOST):
                pass
        return (clock.now() - began).total_seconds()

    assert seconds_for(4) >= 60
    strict.leave()
    assert seconds_for(40) < 60


def wait_until(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end_s, "waited in vain"
        time.sleep(0.001)


def waiting(budgets: Budgets) -> int:
    return sum(len(desk.queue) for desk in budgets._desks.values())


def test_who_comes_first_is_served_first_whichever_source_it_is_of() -> None:
    budgets = Budgets(ManualClock())
    seats = [budgets.join(Limits(6000, 1), EVERYTHING) for _ in range(3)]
    served: list[int] = []

    def ask(number: int, seat: Seat) -> None:
        with seat.turn(HOST):
            served.append(number)

    threads = []
    with seats[0].turn(HOST):
        for number in range(9):
            threads.append(threading.Thread(target=ask, args=(number, seats[number % 3])))
            threads[-1].start()
            wait_until(lambda number=number: waiting(budgets) == number + 1)  # type: ignore[misc]
    for thread in threads:
        thread.join(3)
    assert served == list(range(9))


def test_threads_together_keep_the_limits() -> None:
    clock = ManualClock()
    seat = Budgets(clock).join(Limits(60, 3), EVERYTHING)
    lock, running, most, starts_s = threading.Lock(), 0, 0, []

    def ask() -> None:
        nonlocal running, most
        for _ in range(12):
            with seat.turn(HOST):
                with lock:
                    running += 1
                    most = max(most, running)
                    starts_s.append(clock.now().timestamp())
                time.sleep(0.0002)
                with lock:
                    running -= 1

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(starts_s) == 96
    assert most <= 3
    starts_s.sort()
    assert all(later_s - s >= 60 for s, later_s in zip(starts_s, starts_s[60:], strict=False))


def test_who_waits_is_told_when_its_source_is_closed() -> None:
    budgets = Budgets(ManualClock())
    seat, other = (budgets.join(Limits(60, 1), EVERYTHING) for _ in range(2))
    told: list[FetchFailed] = []

    def ask() -> None:
        try:
            with other.turn(HOST):
                raise AssertionError("it got a turn")
        except FetchFailed as failure:
            told.append(failure)

    with seat.turn(HOST):
        thread = threading.Thread(target=ask)
        thread.start()
        wait_until(lambda: waiting(budgets) == 1)
        other.leave()
        thread.join(3)
    assert [failure.message for failure in told] == ["cameras.example.org is not asked: its source was closed"]


def test_who_waits_is_told_when_the_host_asks_to_be_left_alone() -> None:
    """A 429 is for everyone, also for those who stood in the queue before it came."""
    clock = ManualClock()
    budgets = Budgets(clock)
    seat = budgets.join(Limits(60, 1), EVERYTHING)
    told: list[Failure] = []

    def ask() -> None:
        try:
            with seat.turn(HOST):
                raise AssertionError("it got a turn")
        except Failure as failure:
            told.append(failure)

    thread = threading.Thread(target=ask)
    with seat.turn(HOST) as turn:
        thread.start()
        wait_until(lambda: waiting(budgets) == 1)
        turn.told(90)
    thread.join(3)
    assert [(failure.outcome, failure.retry_after_s) for failure in told] == [(Outcome.OPEN_CIRCUIT, 90)]
    clock.sleep(90)
    with seat.turn(HOST):
        pass


def test_a_host_that_fails_in_a_row_is_left_alone_and_found_again_by_one_probe() -> None:
    clock = ManualClock()
    budgets = Budgets(clock, random=Random(4))
    seat = budgets.join(Limits(6000, 4), EVERYTHING)
    for _ in range(FAILURES_IN_A_ROW):
        with seat.turn(HOST) as turn:
            turn.fail()
    with pytest.raises(Failure) as failure, seat.turn(HOST):
        pass
    assert failure.value.outcome is Outcome.OPEN_CIRCUIT
    clock.sleep(failure.value.retry_after_s or 0)
    with seat.turn(HOST) as probe:
        assert probe.probe
        with pytest.raises(Failure), seat.turn(HOST):
            pass
    with seat.turn(HOST) as turn:
        assert not turn.probe


def test_ever_new_names_do_not_fill_the_memory() -> None:
    clock = ManualClock()
    budgets = Budgets(clock)
    seat = budgets.join(Limits(60_000, 1), EVERYTHING)
    for number in range(2500):
        with seat.turn(Server(f"{number}.example.org", None)):
            pass
        clock.sleep(1)
    assert len(budgets._desks) <= 1000
