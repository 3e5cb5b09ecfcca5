"""Waiting after failures: Retry-After, backoff with full jitter, the circuit breaker."""

from __future__ import annotations

import statistics
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.fetch.breaker import (
    FAILURES_IN_A_ROW,
    FIRST_REST_S,
    LONGEST_REST_S,
    REST_WHEN_TOLD_S,
    SHORTEST_REST_S,
    Breaker,
)
from ingest.fetch.retry import LONGEST_RETRY_AFTER_S, backoff_s, http_date, retry_after_s

NOW = datetime(2026, 3, 12, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("0", 0),
        ("Thu, 12 Mar 2026 08:02:00 GMT", 120),
        ("Thu, 12 Mar 2026 07:00:00 GMT", 0),
        ("Thu, 12 Mar 2099 07:00:00 GMT", LONGEST_RETRY_AFTER_S),
        ("9" * 5000, LONGEST_RETRY_AFTER_S),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("\u0661\u0662", None),
        ("Thu, 99 Foo 2026 08:02:00 GMT", None),
        (None, None),
    ],
)
def test_retry_after_is_read_as_far_as_it_makes_sense(text: str | None, seconds: float | None) -> None:
    assert retry_after_s(text, NOW) == seconds


@given(st.text(max_size=60) | st.from_regex(r"[A-Z][a-z]{2}, \d{1,12} [A-Z][a-z]{2} \d{1,9} \d\d:\d\d:\d\d .{0,6}"))
def test_no_header_makes_the_readers_fail(text: str) -> None:
    moment = http_date(text)
    assert moment is None or moment.utcoffset() == timedelta(0)
    wait_s = retry_after_s(text, NOW)
    assert wait_s is None or 0 <= wait_s <= LONGEST_RETRY_AFTER_S


def test_backoff_is_uniform_from_nothing_to_a_bound_that_doubles() -> None:
    random = Random(11)
    for attempt, bound_s in enumerate([1, 2, 4, 8, 10, 10]):
        waits_s = [backoff_s(attempt, random, base_s=1, cap_s=10) for _ in range(2000)]
        assert 0 <= min(waits_s) < 0.05 * bound_s
        assert 0.95 * bound_s < max(waits_s) <= bound_s
        assert statistics.mean(waits_s) == pytest.approx(bound_s / 2, rel=0.05)
    assert backoff_s(10_000, random, base_s=1, cap_s=10) <= 10


def failed(breaker: Breaker, now_s: float) -> None:
    breaker.fails(now_s, probe=breaker.starts())


def test_it_opens_after_failures_in_a_row_and_an_answer_in_between_starts_over() -> None:
    breaker = Breaker(Random(1))
    for _ in range(3):
        for _ in range(FAILURES_IN_A_ROW - 1):
            failed(breaker, 0)
        breaker.answers(probe=breaker.starts())
    assert breaker.closed_for_s(0) == 0
    for _ in range(FAILURES_IN_A_ROW):
        failed(breaker, 0)
    assert SHORTEST_REST_S <= breaker.closed_for_s(0) <= FIRST_REST_S


def test_each_probe_that_fails_makes_the_rest_longer_up_to_a_bound() -> None:
    breaker, now_s, rests_s = Breaker(Random(2)), 0.0, []
    for _ in range(FAILURES_IN_A_ROW):
        failed(breaker, now_s)
    for _ in range(40):
        rests_s.append(breaker.closed_for_s(now_s))
        now_s += rests_s[-1]
        assert breaker.closed_for_s(now_s) == 0
        failed(breaker, now_s)
    assert all(SHORTEST_REST_S <= rest_s <= LONGEST_REST_S for rest_s in rests_s)
    assert statistics.mean(rests_s[10:]) > 5 * FIRST_REST_S


def test_one_probe_at_a_time_and_its_answer_closes() -> None:
    breaker = Breaker(Random(3))
    breaker.told(0, 30, probe=breaker.starts())
    assert breaker.closed_for_s(29) == 1
    assert breaker.closed_for_s(30) == 0
    assert breaker.starts()
    assert breaker.closed_for_s(30) > 0
    breaker.answers(probe=True)
    assert breaker.closed_for_s(30) == 0
    assert not breaker.starts()


def test_an_answer_to_an_earlier_request_does_not_undo_a_429() -> None:
    breaker = Breaker(Random(3))
    earlier, refused = breaker.starts(), breaker.starts()
    breaker.told(0, REST_WHEN_TOLD_S, probe=refused)
    breaker.answers(probe=earlier)
    breaker.told(1, 5, probe=False)
    assert breaker.closed_for_s(1) == REST_WHEN_TOLD_S - 1


def test_a_clock_that_is_set_back_does_not_make_the_rest_longer() -> None:
    breaker = Breaker(Random(3))
    breaker.told(7200, 60, probe=False)
    assert breaker.closed_for_s(3600) == 60
    assert breaker.closed_for_s(3660) == 0
