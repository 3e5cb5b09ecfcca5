"""Time is injected: the accelerated clock keeps its ratio whatever the machine's clock does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.clock import AcceleratedClock, SystemClock

START = datetime(2026, 3, 12, 6, tzinfo=UTC)


def test_the_accelerated_clock_runs_at_its_speedup() -> None:
    seconds = 100.0

    def monotonic() -> float:
        return seconds

    clock = AcceleratedClock(START, 240, monotonic=monotonic)
    assert clock.now() == START
    seconds += 15
    assert clock.now() == START + timedelta(hours=1)


def test_getting_ready_takes_no_time_of_a_clock_that_is_its_own() -> None:
    seconds = 100.0
    clock = AcceleratedClock(START, 240, monotonic=lambda: seconds)
    agreed = AcceleratedClock(START, 240, origin=SystemClock().now(), monotonic=lambda: seconds)
    seconds += 15
    clock.begin_again()
    agreed.begin_again()
    assert clock.now() == START
    assert agreed.now() >= START + timedelta(hours=1)


def test_a_speedup_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="speedup must be positive"):
        AcceleratedClock(START, 0)


def test_the_system_clock_is_in_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta(0)
