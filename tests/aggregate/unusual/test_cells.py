"""Zones gather in hexagons without a lost camera looking quiet, and neighbours are those next door."""

from __future__ import annotations

import h3
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregate.unusual.cells import NOBODY, cells_of, neighbours, outline, pooled
from aggregate.unusual.exceedance import exceedance


def test_places_are_in_the_cell_whose_outline_is_around_them() -> None:
    lat, lon = np.array([51.5074, 51.5075, 51.6]), np.array([-0.1278, -0.1278, 0.0])
    cells = cells_of(lat, lon, 9)
    assert len(cells) == 2
    assert cells.of[0] == cells.of[1] != cells.of[2]
    assert cells.members(int(cells.of[0])).tolist() == [0, 1]
    for place, row in enumerate(cells.of):
        assert cells.id[row] == h3.latlng_to_cell(lat[place], lon[place], 9)
        ring = np.array(outline(cells.id[row]))
        assert len(ring) == 7
        assert (ring[0] == ring[-1]).all()
        assert np.hypot(*(ring.mean(axis=0) - (lon[place], lat[place]))) < 0.005


@pytest.mark.parametrize(("lat", "lon"), [(51.5, -0.1), (-37.8, 145.0), (52.0, 179.999), (64.7, 10.536)])
def test_outlines_run_counterclockwise_without_a_leap(lat: float, lon: float) -> None:
    ring = np.array(outline(h3.latlng_to_cell(lat, lon, 5)))
    turned = ring[:-1, 0] * ring[1:, 1] - ring[1:, 0] * ring[:-1, 1]
    assert turned.sum() > 0
    assert np.abs(np.diff(ring, axis=0)).max() < 1


def test_a_lost_place_leaves_all_sums_of_its_cell() -> None:
    """Two places of 4 usual people; one is lost in the second window: 4 of 4 is as usual, and is no half of 8."""
    cells = cells_of(np.full(2, 51.5), np.full(2, -0.1), 8)
    observed, expected = np.array([[4.0, np.nan], [4.0, 4.0]]), np.full((2, 2), 4.0)
    together = pooled(cells, observed, expected, np.full((2, 2), 0.5))
    assert together.observed.tolist() == [[8, 4]]
    assert together.expected[0] == pytest.approx([8.26, 4.0], abs=0.02)  # the middle of a sum is nearer its mean
    assert together.places.tolist() == [[2, 1]]
    assert np.abs(exceedance(together.observed, together.expected, together.spread)).max() < 0.1


def test_an_empty_cell_is_unknown_and_never_zero() -> None:
    cells = cells_of(np.array([51.5]), np.array([-0.1]), 8)
    together = pooled(cells, np.array([[1.0, np.nan]]), np.array([[np.nan, 2.0]]), np.ones((1, 2)))
    assert np.isnan(together.observed).all()
    assert np.isnan(together.spread).all()
    assert together.places.tolist() == [[0, 0]]


def test_what_is_usual_of_a_cell_is_that_of_sums_that_were_drawn() -> None:
    """Three places, normal on the root scale: half of 40,000 drawn sums lie above the cell's level, one standard
    deviation away as many as of any normal figure."""
    expected, spread = np.array([[2.0], [10.0], [30.0]]), np.array([[0.4], [0.6], [0.5]])
    roots = np.sqrt(expected + 3 / 8) + spread * np.random.default_rng(8).standard_normal((3, 40_000))
    sums = (np.square(roots) - 3 / 8).sum(axis=0)
    together = pooled(cells_of(np.full(3, 51.5), np.full(3, -0.1), 8), expected, expected, spread)
    z = exceedance(sums, together.expected[0], together.spread[0])
    assert z.mean() == pytest.approx(0.0, abs=0.02)
    assert z.std() == pytest.approx(1.0, abs=0.02)


def test_a_cell_of_one_place_is_that_place() -> None:
    expected, spread = np.array([[0.3, 5.0]]), np.array([[0.4, 0.7]])
    alone = pooled(cells_of(np.array([51.5]), np.array([-0.1]), 8), expected, expected, spread)
    assert alone.expected == pytest.approx(expected)
    assert alone.spread == pytest.approx(spread)


def test_neighbours_are_the_nearest_within_reach() -> None:
    lon = np.array([0.0, 0.001, 0.003, 0.1, np.nan])  # 0, 111, 334 and 11,132 m along the equator
    rows = neighbours(np.zeros(5), lon, within_m=400.0, most=3)
    assert rows.tolist() == [
        [0, 1, 2],
        [1, 0, 2],
        [2, 1, 0],
        [3, NOBODY, NOBODY],
        [4, NOBODY, NOBODY],
    ]
    assert neighbours(np.zeros(5), lon, within_m=400.0, most=2).tolist() == [[0, 1], [1, 0], [2, 1], [3, -1], [4, -1]]


def test_zones_of_one_camera_are_each_others_first_neighbours() -> None:
    rows = neighbours(np.array([51.5, 51.5, 51.5, 51.501]), np.full(4, -0.1), within_m=500.0, most=4)
    assert rows.tolist() == [[0, 1, 2, 3], [1, 0, 2, 3], [2, 0, 1, 3], [3, 0, 1, 2]]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(-0.05, 0.05), st.floats(-0.05, 0.05)), min_size=1, max_size=25))
def test_neighbours_are_those_of_a_plain_search(places: list[tuple[float, float]]) -> None:
    lat, lon = np.array(places).T
    lat, lon = 51.5 + np.round(lat, 3), np.round(lon, 3)
    rows = neighbours(lat, lon, within_m=3000.0, most=6)
    for place, row in enumerate(rows):
        here, others = (lat[place], lon[place]), zip(lat, lon, strict=True)
        away = [h3.great_circle_distance(here, there, unit="m") for there in others]
        kept = row[row != NOBODY]
        assert kept[0] == place
        assert len(set(kept.tolist())) == len(kept) == min(6, sum(metres <= 3000.0 for metres in away))
        assert sorted(away[other] for other in kept) == pytest.approx(sorted(away)[: len(kept)], abs=0.5)
