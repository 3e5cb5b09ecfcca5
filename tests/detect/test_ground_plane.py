"""Pixels to metres and back: exact against the synthetic street's lens, and for whatever camera and bent lens."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seen_ground import LIKE_A_JAMCAM, SIZE_PX, cameras, pinhole_of, plane_of, record_of, synthetic_street

from core.errors import CalibrationRefused
from detect.ground.pinhole import Pinhole
from detect.ground.plane import Plane, bent, straightened

PIXELS = np.array([(x, y) for x in (0.0, 90.0, 176.0, 352.0) for y in (150.0, 200.0, 288.0)])
K1 = st.floats(-0.3, 0.5)


@pytest.mark.parametrize("index", range(4))
def test_it_is_the_ground_that_the_synthetic_street_renders(index: int) -> None:
    lens = synthetic_street(index).lens
    plane = plane_of(pinhole_of(synthetic_street(index)))
    assert np.allclose(plane.to_ground(PIXELS), np.stack(lens.ground(*PIXELS.T), axis=-1), rtol=0, atol=1e-9)


@given(cameras(), K1)
def test_there_and_back(camera: Pinhole, k1: float) -> None:
    plane = plane_of(camera, k1=k1)
    below = PIXELS[np.isfinite(plane.to_ground(PIXELS)).all(axis=-1)]
    assert np.allclose(plane.to_picture(plane.to_ground(below)), below, rtol=0, atol=1e-6)


@given(K1, st.floats(0, 352), st.floats(0, 288))
def test_what_a_lens_bends_can_be_straightened(k1: float, x: float, y: float) -> None:
    assert np.allclose(bent(straightened((x, y), k1, SIZE_PX), k1, SIZE_PX), (x, y), rtol=0, atol=1e-6)


def test_a_point_at_r_half_diagonals_belongs_at_r_1_plus_k1_r2() -> None:
    corner, centre = np.array((352.0, 288.0)), np.array((176.0, 144.0))
    assert np.allclose(straightened(corner, 0.1, SIZE_PX) - centre, 1.1 * (corner - centre))
    halfway = (corner + centre) / 2
    assert np.allclose(straightened(halfway, 0.1, SIZE_PX) - centre, 1.025 * (halfway - centre))


def test_a_lens_shows_nothing_beyond_where_it_folds() -> None:
    assert np.isnan(bent((900.0, 144.0), -0.3, SIZE_PX)).all()


@given(cameras(), K1)
def test_the_jacobian_is_the_slope(camera: Pinhole, k1: float) -> None:
    plane, at, step = plane_of(camera, k1=k1), np.array((150.0, 250.0)), 1e-4
    slopes = [(plane.to_ground(at + by) - plane.to_ground(at - by)) / (2 * step) for by in step * np.eye(2)]
    jacobian = plane.jacobian(at)
    assert np.allclose(jacobian, np.column_stack(slopes), rtol=1e-4, atol=1e-6 * np.abs(jacobian).max())


@given(cameras())
def test_a_metre_across_the_view_is_focal_length_over_depth(camera: Pinhole) -> None:
    plane = plane_of(camera)
    ground_m = plane.to_ground(PIXELS)
    depth = ground_m @ camera.axes[2, :2] - camera.height_m * camera.axes[2, 2]
    below = depth > 0
    assert np.allclose(plane.px_per_m(PIXELS)[below], camera.focal_px / depth[below])


def test_a_lens_that_shows_less_of_a_metre_at_its_rim_says_so() -> None:
    """A barrel lens squeezes the rim: across the view, straight below the centre, by 1 + k1 r^2."""
    rim = np.array((176.0, 288.0))
    squeezed = 1 + 0.2 * (144 / math.hypot(176, 144)) ** 2
    straight, barrel = plane_of(LIKE_A_JAMCAM), plane_of(LIKE_A_JAMCAM, k1=0.2)
    ideal = straightened(rim, 0.2, SIZE_PX)
    level = plane_of(Pinhole(SIZE_PX, 350.0, 0.3, 0.0, 8.0)), plane_of(Pinhole(SIZE_PX, 350.0, 0.3, 0.0, 8.0), k1=0.2)
    assert level[1].px_per_m(rim) == pytest.approx(level[0].px_per_m(ideal) / squeezed)
    assert barrel.px_per_m(rim) < straight.px_per_m(ideal)


def test_above_the_horizon_there_is_no_ground() -> None:
    plane = plane_of(LIKE_A_JAMCAM)
    for nothing in (plane.to_ground((176, 0)), plane.px_per_m((176, 0)), plane.jacobian((176, 0))):
        assert np.isnan(nothing).all()
    behind = -50 * np.array((math.sin(LIKE_A_JAMCAM.bearing_rad), math.cos(LIKE_A_JAMCAM.bearing_rad)))
    assert np.isnan(plane.to_picture(behind)).all()


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(np.diag((-1.0, 1.0, 1.0)), id="east is west"),
        pytest.param(-np.eye(3), id="sky and ground exchanged"),
        pytest.param(np.diag((1.0, 0.0, 1.0)), id="flat"),
    ],
)
def test_what_is_no_view_from_above_is_refused(spoil: np.ndarray) -> None:
    with pytest.raises(CalibrationRefused, match="no view of the ground from above"):
        Plane(record_of(spoil @ LIKE_A_JAMCAM.image_to_ground), SIZE_PX)
