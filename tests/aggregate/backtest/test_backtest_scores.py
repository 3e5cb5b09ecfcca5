"""Errors, ratios and coverage of forecasts, against figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from aggregate.backtest.backtest import Horizon, Trial
from aggregate.backtest.scores import scores

NAN = np.nan


def trial(name: str, observed: list[list[float]], expected: list[list[float]], reach: float | None = None) -> Trial:
    """One horizon; the interval reaches `reach` to both sides."""
    seen, said = np.array(observed, np.float32), np.array([expected], np.float32)
    low, high = (np.full_like(said, NAN), np.full_like(said, NAN)) if reach is None else (said - reach, said + reach)
    targets = np.arange(seen.shape[1]).astype("datetime64[h]").astype("datetime64[us]")
    zones = tuple(f"z{row}" for row in range(len(seen)))
    lead = np.ones((1, seen.shape[1]), np.int64)
    return Trial(name, zones, (Horizon.ONE_HOUR,), targets, seen, said, low, high, lead, 1.0)


OBSERVED = [[10.0, 20.0, NAN, 40.0], [100.0, 100.0, 100.0, 100.0]]
OURS = trial("ours", OBSERVED, [[12.0, 19.0, 5.0, 40.0], [90.0, 110.0, 100.0, NAN]], reach=2.0)
OTHER = trial("other", OBSERVED, [[14.0, 16.0, 5.0, 44.0], [90.0, NAN, 108.0, 100.0]])


def test_errors_are_of_the_hours_that_were_counted_and_that_all_told_of() -> None:
    """Judged: (10, 20, 40) of the first, (100, 100 in hours 0 and 2) of the second; errors of ours 2, -1, 0, -10, 0."""
    score = scores([OURS, OTHER]).score("ours", 1)
    assert score.points == 5
    assert score.mae == pytest.approx(13 / 5)
    assert score.rmse == pytest.approx(np.sqrt((4 + 1 + 0 + 100 + 0) / 5))
    assert score.bias == pytest.approx(-9 / 5)
    assert score.coverage == pytest.approx(4 / 5)
    assert score.width == pytest.approx(4 / (270 / 5))
    assert score.forecast == pytest.approx(6 / 7)


def test_a_ratio_is_of_sums_over_the_same_hours_and_its_interval_of_drawn_sensors() -> None:
    ratio = scores([OURS, OTHER]).ratio("other", 1)
    assert ratio.ratio == pytest.approx(13 / (4 + 4 + 4 + 10 + 8))
    assert ratio.median_ratio == pytest.approx((3 / 12 + 10 / 18) / 2)
    assert ratio.ahead == 1.0
    assert (ratio.low, ratio.high) == pytest.approx((3 / 12, 10 / 18))


def test_who_gives_no_interval_has_no_coverage() -> None:
    score = scores([OURS, OTHER]).score("other", 1)
    assert score.coverage is None
    assert score.width is None


def test_sensors_are_told_apart() -> None:
    first, second = scores([OURS, OTHER]).sensors
    assert (first.sensor, first.points, first.mean) == ("z0", 3, pytest.approx(70 / 3))
    assert first.mae == {"ours": pytest.approx(1.0), "other": pytest.approx(4.0)}
    assert second.coverage == {"ours": pytest.approx(0.5), "other": None}
