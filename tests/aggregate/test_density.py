"""A density is as sure as its count and its area are, and its interval holds the truth as often as it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregate.density import FOOTPRINT_M2, MOST_AREA_ERROR, covered_m2, density_per_100m2, share_covered
from aggregate.intervals import joined, mean_interval
from core.figures import SERIES, VEHICLES
from core.records import INTERVAL_LEVEL

Z = 1.6448536269514722


def test_a_known_area_scales_the_count_and_its_interval() -> None:
    density, low, high = density_per_100m2([6.0, 0.0], [4.0, 0.0], [9.0, 1.0], [200.0, 50.0], [0.0, 0.0])
    assert density.tolist() == [3, 0]
    assert low.tolist() == [2, 0]
    assert high.tolist() == [4.5, 2]


def test_a_known_count_on_an_area_that_errs_has_the_limits_of_the_area() -> None:
    """1 / area at the ends of the area's own interval: 10 people on 100 m2 known to 10 %."""
    density, low, high = density_per_100m2(10.0, 10.0, 10.0, 100.0, 0.1)
    assert density == 10
    assert low == pytest.approx(10 / (1 + Z * 0.1), rel=1e-12)
    assert high == pytest.approx(10 / (1 - Z * 0.1), rel=1e-12)


@pytest.mark.parametrize(("mean", "reach", "error"), [(10, 3, 0.1), (2, 1.9, 0.3), (50, 1, 0.02)])
def test_equal_reaches_give_the_interval_of_fieller(mean: float, reach: float, error: float) -> None:
    """The roots r of (mean - r area)^2 = z^2 (var mean + r^2 var area), Fieller (1954)."""
    area = 120.0
    _, low, high = density_per_100m2(mean, mean - reach, mean + reach, area, error)
    spread = Z * error * area
    roots = np.roots([area**2 - spread**2, -2 * mean * area, mean**2 - reach**2])
    assert np.array([low, high]) / 100 == pytest.approx(np.sort(roots), rel=1e-9)


def test_small_errors_are_added_as_standard_errors_are() -> None:
    """3-4-5: a count known to 3 % and an area to 4 % give a density known to 5 %, below and above alike."""
    density, low, high = density_per_100m2(100.0, 99.97, 100.03, 100.0, 0.0004 / Z)
    assert density - low == pytest.approx(0.05, rel=1e-3)
    assert high - density == pytest.approx(0.05, rel=1e-3)


def test_nobody_counted_is_not_a_certain_zero() -> None:
    """The upper limit is that of the count, on an area that may be smaller than it seems."""
    density, low, high = density_per_100m2(0.0, 0.0, 2.0, 100.0, [0.0, 0.2, 0.4])
    assert density.tolist() == [0, 0, 0]
    assert low.tolist() == [0, 0, 0]
    assert high[0] == 2
    assert (np.diff(high) > 0).all()


def test_an_area_that_is_hardly_known_gives_no_density() -> None:
    error = np.array([MOST_AREA_ERROR, MOST_AREA_ERROR + 1e-9, 3.0, np.nan])
    density, low, high = density_per_100m2([5.0] * 4, [4.0] * 4, [6.0] * 4, [100.0] * 4, error)
    for figures in (density, low, high):
        assert np.isnan(figures).tolist() == [False, True, True, True]


@settings(max_examples=60)
@given(
    mean=st.just(0.0) | st.floats(1e-6, 1e4),
    below=st.floats(0, 1),
    above=st.just(0.0) | st.floats(1e-6, 1e4),
    area=st.floats(0.1, 1e5),
    error=st.floats(0, MOST_AREA_ERROR),
)
def test_limits_hold_the_density_and_are_wider_than_those_of_the_count_alone(
    mean: float, below: float, above: float, area: float, error: float
) -> None:
    lowest, highest = mean * below, mean + above
    density, low, high = density_per_100m2(mean, lowest, highest, area, error)
    assert np.isfinite([density, low, high]).all()
    assert 0 <= low <= density <= high
    assert low <= 100 * lowest / area * (1 + 1e-9)
    assert high >= 100 * highest / area * (1 - 1e-9)


@pytest.mark.parametrize("area_error", [0.02, 0.08, 0.2])
@pytest.mark.parametrize(("mean", "clips", "reach"), [(2.0, 12, 0.0), (6.0, 3, 0.3), (8.0, 3, 0.15), (20.0, 12, 0.1)])
def test_the_interval_covers_the_true_density_as_often_as_it_says(
    mean: float, clips: int, reach: float, area_error: float
) -> None:
    """Streets of variance/mean 1.4, counted with an error that the clips share, on an area that is off."""
    rng = np.random.default_rng(11)
    streets = 6000
    present = rng.negative_binomial(mean / 0.4, 1 / 1.4, size=(streets, clips)).astype(float)
    counted = present * (1 + reach * rng.standard_normal((streets, 1))).clip(0.01)
    found = counted.mean(axis=1)
    between = mean_interval(found, counted.var(axis=1, ddof=1), np.full(streets, clips), INTERVAL_LEVEL)
    low, high = joined(found, between, (Z * reach * found, Z * reach * found))
    true_area = 150.0
    area = true_area * (1 + area_error * rng.standard_normal(streets)).clip(0.01)
    _, lowest, highest = density_per_100m2(found, low, high, area, area_error)
    truth = 100 * mean / true_area
    covered = ((lowest <= truth) & (truth <= highest)).mean()
    assert 0.88 <= covered <= 0.955


@pytest.mark.parametrize("area_error", [0.05, 0.1, 0.2])
@pytest.mark.parametrize("count_error", [0.0, 0.05, 0.2])
def test_it_covers_90_percent_where_the_count_has_exact_limits(count_error: float, area_error: float) -> None:
    rng = np.random.default_rng(12)
    truth, true_area, draws = 30.0, 200.0, 20_000
    found = truth * (1 + count_error * rng.standard_normal(draws))
    reach = Z * count_error * truth
    area = true_area * (1 + area_error * rng.standard_normal(draws))
    # The error of an area is known in m2; as a share it is of the area that was found.
    share = area_error * true_area / area
    known = (area > 0) & (share <= MOST_AREA_ERROR)
    _, low, high = density_per_100m2(found, found - reach, found + reach, np.where(known, area, 1.0), share)
    covered = ((low <= 100 * truth / true_area) & (100 * truth / true_area <= high))[known].mean()
    assert 0.89 <= covered <= 0.91


def test_vehicles_cover_the_ground_by_the_size_of_their_class() -> None:
    mean = np.zeros((3, len(SERIES)))
    mean[0, SERIES.index("car")], mean[0, SERIES.index("bus")] = 3, 0.5
    mean[1] = np.nan
    mean[2, SERIES.index("pedestrian")] = mean[2, SERIES.index("people")] = 9
    covered = covered_m2(SERIES, mean)
    assert covered[[0, 2]].tolist() == pytest.approx([3 * 7.9 + 0.5 * 28, 0])
    assert np.isnan(covered[1])
    assert share_covered([37.7, 500.0], [377.0, 400.0]).tolist() == pytest.approx([0.1, 1.0])


def test_every_class_of_vehicle_has_a_footprint_and_larger_ones_a_larger() -> None:
    assert tuple(FOOTPRINT_M2) == VEHICLES
    assert list(FOOTPRINT_M2.values()) == sorted(FOOTPRINT_M2.values())
