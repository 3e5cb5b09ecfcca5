"""The busyness index is a ratio with the interval of a ratio, and says nothing where nothing can be said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregate.usual.busyness_index import LEAST_EXPECTED, busyness_index

Z = 1.6448536269514722


def test_an_exactly_known_level_scales_the_mean_and_its_interval() -> None:
    index, low, high = busyness_index([6.0, 0.0], [4.0, 0.0], [9.0, 1.0], [2.0, 0.5], [0.0, 0.0])
    assert index.tolist() == [3, 0]
    assert low.tolist() == [2, 0]
    assert high.tolist() == [4.5, 2]


def test_an_exactly_known_mean_has_the_limits_of_the_level() -> None:
    """10 present of an expected 8 +- 0.8: 10 / (8 +- z 0.8)."""
    index, low, high = busyness_index(10.0, 10.0, 10.0, 8.0, 0.8)
    assert index == 1.25
    assert low == pytest.approx(10 / (8 + Z * 0.8), rel=1e-12)
    assert high == pytest.approx(10 / (8 - Z * 0.8), rel=1e-12)


@pytest.mark.parametrize("reach", [0.5, 3.0])
def test_equal_reaches_give_the_interval_of_fieller(reach: float) -> None:
    """The roots r of (mean - r expected)^2 = z^2 (var mean + r^2 var expected), Fieller (1954)."""
    mean, expected, error = 10.0, 12.0, 1.2
    _, low, high = busyness_index(mean, mean - reach, mean + reach, expected, error)
    roots = np.roots([expected**2 - (Z * error) ** 2, -2 * mean * expected, mean**2 - reach**2])
    assert np.array([low, high]) == pytest.approx(np.sort(roots), rel=1e-9)


def test_what_is_not_known_gives_no_index() -> None:
    """No mean; no level; hardly anybody expected; a level known to no better than half of itself."""
    index, low, high = busyness_index(
        [np.nan, 1.0, 1.0, 1.0], [0.5] * 4, [2.0] * 4, [2.0, np.nan, LEAST_EXPECTED / 2, 2.0], [0.1, 0.1, 0.0, 1.1]
    )
    assert np.isnan([index, low, high]).all()


def test_rows_and_windows_broadcast() -> None:
    index, _, _ = busyness_index(np.ones((3, 4)), np.ones((3, 4)), np.ones((3, 4)), np.full((3, 1), 2.0), 0.0)
    assert index.shape == (3, 4)
    assert (index == 0.5).all()


@settings(max_examples=60)
@given(
    mean=st.just(0.0) | st.floats(1e-6, 1e4), below=st.floats(0, 1), above=st.floats(0, 1e3),
    expected=st.floats(LEAST_EXPECTED, 1e4), error=st.floats(0, 0.5),
)  # fmt: skip
def test_limits_hold_the_index(mean: float, below: float, above: float, expected: float, error: float) -> None:
    index, low, high = busyness_index(mean, mean * below, mean + above, expected, error * expected * 0.999)
    assert 0 <= low <= index <= high
    assert np.isfinite([index, low, high]).all()
