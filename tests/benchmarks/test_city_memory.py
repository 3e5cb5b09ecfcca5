"""What is made of a city's memory: hours of feed time, and slopes of its last part."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest
from city_memory import SPEEDUP, figures
from doubled_city.london import Watched

NOW = datetime(2026, 3, 12, tzinfo=UTC)


def watched(parent_mb: list[float]) -> Watched:
    """Looks a quarter of an hour of feed time apart, with children that always take 100 MB."""
    at = [number / 4 / SPEEDUP for number in range(len(parent_mb))]
    parent, children = list(zip(at, parent_mb, strict=True)), [(one, 100.0) for one in at]
    return Watched(NOW, NOW, 0, parent, children, [])


def test_a_city_that_fills_and_then_stays_is_flat_by_its_last_part() -> None:
    shown = figures(watched([300, 340, 380, 420, *[440.0] * 9]), Counter(ok=7, skipped=2), 3.0)
    assert shown["rss_mb_by_hour"] == [540, 540, 540]
    assert shown["rss_slope_mb_per_h"] == shown["late_slope_mb_per_h"] == shown["parent_slope_mb_per_h"] == 0
    assert (shown["counts"], shown["skipped"]) == (7, 2)


def test_what_grows_for_ever_is_told_by_the_hour_of_feed_time() -> None:
    shown = figures(watched([300 + 10.0 * number for number in range(13)]), Counter(), 3.0)
    assert shown["rss_slope_mb_per_h"] == pytest.approx(40)
    assert shown["rss_mb_by_hour"] == [440, 480, 520]
