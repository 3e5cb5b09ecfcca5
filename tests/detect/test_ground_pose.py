"""The camera from its plane: exact where the plane is, and with honest errors where it was fitted."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from seen_ground import (
    LIKE_A_JAMCAM,
    SIZE_PX,
    cameras,
    exact_site,
    fitted_camera,
    pinhole_of,
    plane_of,
    record_of,
    site_of,
    synthetic_street,
)

from detect.ground.homography import solved
from detect.ground.matches import Matches
from detect.ground.pinhole import Pinhole
from detect.ground.plane import Plane
from detect.ground.points import fit_points
from detect.ground.pose import ASPECT_ERROR, AXIS_ERROR, pose_of, tempered


@pytest.mark.parametrize("index", range(8))
def test_the_cameras_of_the_synthetic_streets_are_found_again(index: int) -> None:
    lens = synthetic_street(index).lens
    pose = pose_of(plane_of(pinhole_of(synthetic_street(index))))
    assert pose is not None
    assert (pose.height_m, pose.focal_px) == pytest.approx((lens.height_m, lens.focal_px))
    assert (pose.pitch_rad, pose.roll_rad) == pytest.approx((lens.pitch_rad, 0), abs=1e-9)
    assert pose.foot_m == pytest.approx((0, 0), abs=1e-6)


@given(cameras())
def test_a_camera_is_found_from_its_plane_alone(camera: Pinhole) -> None:
    """Wherever the origin of the metres is."""
    moved = np.array(((1, 0, 30.0), (0, 1, -12.0), (0, 0, 1)))
    pose = pose_of(Plane(record_of(moved @ camera.image_to_ground), SIZE_PX))
    assert pose is not None
    assert (pose.height_m, pose.focal_px) == pytest.approx((camera.height_m, camera.focal_px), rel=1e-6)
    assert (pose.pitch_rad, pose.roll_rad) == pytest.approx((camera.pitch_rad, camera.roll_rad), abs=1e-6)
    assert math.cos(pose.bearing_rad - camera.bearing_rad) == pytest.approx(1)
    assert pose.foot_m == pytest.approx((30, -12), abs=1e-5)
    assert pose.height_error_m == pose.misfit == 0


def test_straight_down_nothing_tells_the_focal_length() -> None:
    assert pose_of(plane_of(Pinhole(SIZE_PX, 350.0, math.pi / 2, 0.0, 8.0))) is None


def test_the_height_that_points_tell_is_off_as_much_as_they_say() -> None:
    """With pixels and axis as far from square and central as they may be, 90 % intervals hold the true height."""
    random, off, errors = np.random.default_rng(5), [], []
    for _ in range(40):
        (stretch, *axis) = random.normal(0, (ASPECT_ERROR, AXIS_ERROR * 352, AXIS_ERROR * 352))
        squared = np.array(((1, 0, -axis[0]), (0, np.exp(stretch), -axis[1] - (np.exp(stretch) - 1) * 144), (0, 0, 1)))
        seen = np.column_stack((random.uniform(20, 332, 8), random.uniform(130, 280, 8)))
        ground_m = Plane(record_of(LIKE_A_JAMCAM.image_to_ground @ squared), SIZE_PX).to_ground(seen)
        pose = fitted_camera(site_of(seen + random.normal(0, 1, seen.shape), ground_m, error_m=0.01)).pose
        off.append(pose.height_m / LIKE_A_JAMCAM.height_m - 1)
        errors.append(pose.height_error_m / LIKE_A_JAMCAM.height_m)
    covered = np.abs(off) < 1.645 * np.array(errors)
    assert 0.80 <= covered.mean() <= 0.98
    assert np.abs(off).mean() < 0.1, "Odysseus reports 10 % as its mean deviation"


def test_many_good_points_are_believed_over_what_a_camera_can_be() -> None:
    """Where the points tell all, tempering changes nothing, whatever the pixels."""
    stretched = LIKE_A_JAMCAM.image_to_ground @ np.diag((1.0, 1.1, 1.0))
    seen = np.array([(x, y) for x in range(20, 340, 40) for y in range(150, 280, 20)], float)
    exact = Plane(record_of(stretched), SIZE_PX)
    site = site_of(seen, exact.to_ground(seen), error_px=0.01, error_m=0.001)
    camera = fitted_camera(site)
    assert np.allclose(camera.matrix, exact.matrix, rtol=0, atol=1e-7)
    assert np.all(np.linalg.eigvalsh(camera.covariance) > -1e-18)


def test_a_camera_helps_a_plane_where_points_leave_it_open() -> None:
    """Four points in the right half: the left half is off less than by the points alone."""
    random = np.random.default_rng(3)
    exact, far_left = plane_of(LIKE_A_JAMCAM), np.array((30.0, 130.0))
    seen = np.array(((200.0, 270.0), (340.0, 262.0), (210.0, 150.0), (320.0, 140.0)))
    alone, helped = [], []
    for _ in range(25):
        solution = solved(
            Matches.of(site_of(seen + random.normal(0, 1, seen.shape), exact.to_ground(seen), error_m=0.01))
        )
        assert solution is not None
        plane = Plane(record_of(solution.to_ground), SIZE_PX)
        camera = tempered(plane, solution.ground_covariance)
        assert camera is not None
        better = Plane(record_of(camera.matrix), SIZE_PX)
        alone.append(np.linalg.norm(plane.to_ground(far_left) - exact.to_ground(far_left)))
        helped.append(np.linalg.norm(better.to_ground(far_left) - exact.to_ground(far_left)))
    assert np.sqrt(np.mean(np.square(helped))) < 0.8 * np.sqrt(np.mean(np.square(alone)))


def test_the_height_is_not_told_where_no_camera_sees_so() -> None:
    """A picture cropped from the side of another: what was measured stands, and a warning says what it cannot be."""
    squared = np.array(((1, 0, 250.0), (0, 1, 0), (0, 0, 1)))
    seen = np.array([(x, y) for x in (30.0, 130.0, 230.0, 330.0) for y in (150.0, 200.0, 280.0)])
    exact = Plane(record_of(LIKE_A_JAMCAM.image_to_ground @ squared), SIZE_PX)
    fit = fit_points(site_of(seen, exact.to_ground(seen), error_px=0.2, error_m=0.01))
    assert fit.plane.height_m is None
    assert any("no camera with nearly square pixels" in warning for warning in fit.warnings)
    assert np.allclose(Plane(fit.plane, SIZE_PX).to_ground(seen), exact.to_ground(seen), atol=0.01)


def test_errors_grow_with_those_of_the_points() -> None:
    near = fit_points(exact_site()).plane
    site = exact_site()
    far = fit_points(site.model_copy(update={"lens": site.lens.model_copy(update={"error_px": 3.0})})).plane
    assert near.height_error_m is not None
    assert far.height_error_m is not None
    assert far.height_error_m > 1.1 * near.height_error_m
    assert near.height_m == pytest.approx(LIKE_A_JAMCAM.height_m, rel=0.01)
