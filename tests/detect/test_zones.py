"""Zones integrate density exactly: shares of cells by area, sums that add up, impossible polygons refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.errors import ConfigError
from core.figures import CLASSES
from core.records import Camera, PointPx, Zone
from detect.zones import check_zones, coverage, integrate

SIZE_PX = (352, 288)
GRID = (72, 88)


def zone(*corners: PointPx) -> Zone:
    return Zone(id="crossing", name="a crossing", polygon=corners)


def covered(*corners: PointPx) -> np.ndarray:
    return coverage(zone(*corners), *SIZE_PX, *GRID)


def area_px2(shares: np.ndarray) -> float:
    return float(shares.sum() * 4 * 4)


def test_no_polygon_is_the_whole_picture() -> None:
    view = Zone(id="view", name="view")
    assert (coverage(view, *SIZE_PX, *GRID) == 1).all()


def test_a_cell_that_an_edge_cuts_counts_by_its_share() -> None:
    """A rectangle from (2, 1) to (8, 8) in 4 px cells: half of a column, three quarters of a row."""
    shares = covered((2, 1), (8, 1), (8, 8), (2, 8))

    assert shares[:3, :3].tolist() == [[0.375, 0.75, 0], [0.5, 1, 0], [0, 0, 0]]
    assert shares[3:].sum() == shares[:, 3:].sum() == 0


def test_the_direction_of_the_corners_does_not_matter() -> None:
    corners = [(30.0, 20.0), (200.0, 60.0), (150.0, 250.0), (90.0, 130.0)]
    np.testing.assert_allclose(covered(*corners), covered(*reversed(corners)), atol=1e-12)


def test_a_concave_zone_has_its_own_area() -> None:
    """An L of three squares of 100 px."""
    shares = covered((0, 0), (200, 0), (200, 100), (100, 100), (100, 200), (0, 200))

    assert area_px2(shares) == pytest.approx(30_000)
    assert shares[40, 40] == 0, "the notch is outside"


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.floats(0, 2 * math.pi, allow_subnormal=False), min_size=3, max_size=12, unique_by=lambda a: round(a, 1)
    ),
    st.floats(5, 140),
    st.tuples(st.floats(141, 211), st.floats(141, 147)),
)
def test_coverage_adds_up_to_the_polygons_area(angles: list[float], radius: float, centre: PointPx) -> None:
    """Any polygon on a circle (so simple): the sum over cells is the shoelace area, and no share leaves 0..1."""
    corners = [(centre[0] + radius * math.cos(a), centre[1] + radius * math.sin(a)) for a in sorted(angles)]
    shoelace = abs(
        sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True))
    )
    assume(shoelace / 2 > 2)
    shares = covered(*corners)

    assert area_px2(shares) == pytest.approx(shoelace / 2, rel=1e-6)
    assert shares.min() >= 0
    assert shares.max() <= 1


@settings(deadline=None, max_examples=50)
@given(st.floats(1, 351), st.floats(1, 351), st.integers(0, 2**32 - 1))
def test_zones_that_share_an_edge_add_up_to_the_whole(top_x: float, bottom_x: float, seed: int) -> None:
    """Nobody is counted twice or lost on the line between two zones."""
    density = np.random.default_rng(seed).random((2, len(CLASSES), *GRID), dtype=np.float32)
    left = Zone(id="left", name="left", polygon=((0, 0), (top_x, 0), (bottom_x, 288), (0, 288)))
    right = Zone(id="right", name="right", polygon=((top_x, 0), (352, 0), (352, 288), (bottom_x, 288)))
    sums = integrate(density, [left, right, Zone(id="view", name="view")], SIZE_PX)

    assert sums.shape == (2, 3, len(CLASSES))
    np.testing.assert_allclose(sums[:, 0] + sums[:, 1], sums[:, 2], rtol=1e-9)
    np.testing.assert_allclose(sums[:, 2], density.sum(axis=(2, 3), dtype=np.float64), rtol=1e-9)


def test_a_polygon_is_in_pixels_of_the_camera_whatever_the_grid() -> None:
    """The left half of a 1280x720 camera is the left half of the density map."""
    half = zone((0, 0), (640, 0), (640, 720), (0, 720))
    shares = coverage(half, 1280, 720, 10, 20)

    assert (shares[:, :10] == 1).all()
    assert (shares[:, 10:] == 0).all()


def test_a_ring_closed_as_in_geojson_is_no_fault() -> None:
    ring = [(10.0, 10.0), (50.0, 10.0), (50.0, 50.0)]
    np.testing.assert_allclose(covered(*ring, ring[0]), covered(*ring))


@pytest.mark.parametrize(
    "corners",
    [
        pytest.param([(0, 0), (100, 100), (100, 0), (0, 100)], id="a bow tie"),
        pytest.param([(0, 0), (100, 0), (100, 100), (50, 0), (0, 100)], id="a corner on another edge"),
        pytest.param([(0, 0), (100, 0), (50, 0), (50, 50)], id="an edge that runs back"),
        pytest.param([(0, 0), (100, 0), (50, 50), (100, 100), (0, 100), (50, 50)], id="a corner met twice"),
    ],
)
def test_a_zone_that_crosses_itself_is_refused_by_name(corners: list[PointPx]) -> None:
    with pytest.raises(ConfigError, match=r"zone 'crossing' crosses itself.*order in which they follow"):
        covered(*corners)


@pytest.mark.parametrize("corners", [[(5, 5)] * 3, [(5, 5), (5.5, 5), (5, 5.5)], [(0, 0), (50, 50), (50, 50)]])
def test_a_zone_without_area_is_refused_by_name(corners: list[PointPx]) -> None:
    with pytest.raises(ConfigError, match="zone 'crossing'"):
        covered(*corners)


def test_a_cameras_zones_are_checked_before_the_first_clip() -> None:
    bow = Zone(id="bow", name="bow", polygon=((0, 0), (100, 100), (100, 0), (0, 100)))
    camera = Camera(id="c", name="c", lat=51.5, lon=0, zones=(Zone(id="view", name="view"), bow))

    with pytest.raises(ConfigError, match="'bow'"):
        check_zones(camera)
    check_zones(camera.model_copy(update={"zones": camera.zones[:1]}))
