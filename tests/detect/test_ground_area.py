"""Square metres of zones: exact on exact planes, with the error that a fit really has, and only where people show."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seen_ground import (
    LIKE_A_JAMCAM,
    ORIGIN,
    SIZE_PX,
    SPREAD_PX,
    cameras,
    fitted_plane,
    plane_of,
    record_of,
    site_of,
)

from core.errors import CalibrationRefused
from core.ground import ZoneGround
from core.records import PointPx, Zone
from detect.ground.area import LEAST_PX_PER_M, area_of, least_px_per_m, on_ground
from detect.ground.outlines import signed_area
from detect.ground.pinhole import Pinhole
from detect.ground.plane import Plane
from detect.ground.pose import pose_of
from detect.zones import coverage

NEAR = ((60.0, 280.0), (300.0, 280.0), (280.0, 200.0), (90.0, 190.0))


def zone(*corners: PointPx) -> Zone:
    return Zone(id="z", name="z", polygon=corners)


def ground_of(plane: Plane, *corners: PointPx) -> ZoneGround:
    ground = on_ground(zone(*corners), plane).ground
    assert ground is not None
    return ground


def seen_square(camera: Pinhole, side_m: float, away_m: float, turn: float = 0.0, k1: float = 0.0) -> np.ndarray:
    """The pixels of a square on the ground ahead of a camera."""
    corners = side_m / 2 * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    turned = corners @ np.array(((math.cos(turn), -math.sin(turn)), (math.sin(turn), math.cos(turn))))
    ahead = away_m * np.array((math.sin(camera.bearing_rad), math.cos(camera.bearing_rad)))
    return plane_of(camera, k1=k1).to_picture(turned + ahead)


@given(cameras(), st.floats(1, 3), st.floats(0, 6.28))
def test_a_square_has_its_area_from_wherever_it_is_seen(camera: Pinhole, side_m: float, turn: float) -> None:
    away_m = camera.height_m / math.tan(camera.pitch_rad)
    area_m2, _ = area_of(seen_square(camera, side_m, away_m, turn), plane_of(camera))
    assert area_m2 == pytest.approx(side_m**2, rel=1e-6)


def test_its_ground_tells_length_outline_and_scale() -> None:
    away_m = 20.0
    plane = plane_of(LIKE_A_JAMCAM)
    ground = ground_of(plane, *map(tuple, seen_square(LIKE_A_JAMCAM, 4.0, away_m).tolist()))
    assert ground.area_m2 == pytest.approx(16)
    assert ground.length_m == pytest.approx(4)
    assert ground.area_error == 0
    assert ground.cut is None
    assert ground.plane == plane.record.name
    assert ground.least_px_per_m < 350 / math.hypot(20, 8) < ground.most_px_per_m
    outline_m = np.array([ORIGIN.metres(lat, lon) for lon, lat in ground.outline])
    assert signed_area(outline_m) == pytest.approx(16, rel=0.01)  # positive: counter-clockwise; 1 cm on each side
    assert outline_m.mean(axis=0) == pytest.approx((away_m * math.sin(0.6), away_m * math.cos(0.6)), abs=0.02)


@given(st.floats(-0.3, 0.5), st.floats(0, 6.28))
@settings(max_examples=30)
def test_a_lens_that_bends_changes_no_square_metre(k1: float, turn: float) -> None:
    """Its edges are bent in the picture, so the polygon follows them closely."""
    corners = 6 / 2 * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    turned = corners @ np.array(((math.cos(turn), -math.sin(turn)), (math.sin(turn), math.cos(turn))))
    share = np.arange(25)[:, None] / 25
    edge = np.vstack([a + share * (b - a) for a, b in zip(turned, np.roll(turned, -1, axis=0), strict=True)])
    ahead = 22 * np.array((math.sin(0.6), math.cos(0.6)))
    plane = plane_of(LIKE_A_JAMCAM, k1=k1)
    ground = ground_of(plane, *map(tuple, plane.to_picture(edge + ahead).tolist()))
    assert ground.area_m2 == pytest.approx(36, rel=2e-3)


@pytest.mark.parametrize("k1", [0.0, 0.15])
def test_the_derivative_of_the_area_is_its_slope(k1: float) -> None:
    plane = plane_of(LIKE_A_JAMCAM, k1=k1)
    area_m2, slopes = area_of(np.array(NEAR), plane)
    for index in range(9):
        step = np.zeros(9)
        step[index] = 1e-6 * abs(plane.matrix.ravel()[index])
        more, less = (
            area_of(np.array(NEAR), Plane(record_of_numbers(plane.matrix.ravel() + by, k1), SIZE_PX))[0]
            for by in (step, -step)
        )
        assert slopes[index] * step[index] == pytest.approx((more - less) / 2, rel=1e-4, abs=1e-9 * area_m2)
    assert slopes @ plane.matrix.ravel() == pytest.approx(0, abs=1e-6 * area_m2), "no area hangs on a common factor"


def record_of_numbers(numbers: np.ndarray, k1: float) -> object:
    return record_of(LIKE_A_JAMCAM.image_to_ground, k1=k1).model_copy(
        update={"image_to_ground": tuple(numbers.tolist())}
    )


def test_the_error_of_an_area_is_that_of_its_points() -> None:
    """The delta method against sixty fits to points that are really off."""
    random, areas, errors = np.random.default_rng(2), [], []
    exact = plane_of(LIKE_A_JAMCAM)
    for _ in range(60):
        seen = np.array(SPREAD_PX) + random.normal(0, 1, (6, 2))
        plane, covariance = fitted_plane(site_of(seen, exact.to_ground(SPREAD_PX), error_m=0.01))
        ground = on_ground(zone(*NEAR), plane, covariance).ground
        assert ground is not None
        areas.append(ground.area_m2)
        errors.append(ground.area_error)
    true_m2, _ = area_of(np.array(NEAR), exact)
    assert np.mean(areas) == pytest.approx(true_m2, rel=0.01)
    assert np.mean(errors) == pytest.approx(np.std(areas) / true_m2, rel=0.25)


def test_beyond_where_a_metre_is_too_few_pixels_a_zone_is_cut_and_says_so() -> None:
    """At 350 px of focal length 6 px to a metre are 58.3 m along the axis."""
    camera = Pinhole(SIZE_PX, 350.0, 0.2, 0.0, 8.0)
    plane = plane_of(camera)
    whole = zone((100.0, 280.0), (250.0, 280.0), (190.0, 80.0), (160.0, 80.0))
    cut = on_ground(whole, plane, pose=pose_of(plane))
    assert cut.ground is not None
    assert cut.polygon is not None
    assert cut.ground.cut == "the part beyond 58 m from the camera, where a metre is fewer than 6 px"
    assert cut.ground.least_px_per_m == pytest.approx(LEAST_PX_PER_M, rel=1e-4)
    assert min(y for _, y in cut.polygon) == pytest.approx(plane.to_picture((0, 57.8))[1], abs=1)
    assert (
        on_ground(whole, plane).ground.cut == "the part beyond 46 m from its near end, where a metre is fewer than 6 px"
    )
    assert cut.ground.area_m2 == pytest.approx(area_of(np.array(cut.polygon), plane)[0])


def test_above_the_horizon_a_zone_is_cut_and_says_so() -> None:
    plane = plane_of(LIKE_A_JAMCAM)
    cut = on_ground(zone((100.0, 280.0), (250.0, 280.0), (190.0, 2.0), (160.0, 2.0)), plane, pose=pose_of(plane)).ground
    assert cut is not None
    assert cut.cut is not None
    assert cut.cut.startswith("the part above the horizon and beyond 59 m from the camera")


def test_of_the_pieces_that_a_cut_leaves_the_largest_on_the_ground_is_kept() -> None:
    camera = Pinhole(SIZE_PX, 350.0, 0.2, 0.0, 8.0)
    low = (20.0, 135.0), (20.0, 76.0), (260.0, 76.0), (260.0, 280.0), (250.0, 280.0), (250.0, 80.0), (120.0, 80.0)
    horns = zone(*low, (120.0, 135.0))
    cut = on_ground(horns, plane_of(camera))
    assert cut.ground is not None
    assert cut.polygon is not None
    assert "of the 2 pieces that are left, the largest is kept" in (cut.ground.cut or "")
    assert max(x for x, _ in cut.polygon) < 121, "far away, to the left: fewer pixels, more square metres"


@given(
    st.lists(st.tuples(st.floats(0, 352), st.floats(0, 288)), min_size=3, max_size=3),
    st.sampled_from((0.0, 0.12, -0.2)),
)
@settings(max_examples=60)
def test_whatever_is_kept_can_be_counted(corners: list[PointPx], k1: float) -> None:
    """It lies in the picture, encloses an area, does not cross itself, and is near enough."""
    if abs(signed_area(np.array(corners))) < 20:
        return
    plane = plane_of(LIKE_A_JAMCAM, k1=k1)
    try:
        kept = on_ground(zone(*corners), plane)
    except CalibrationRefused:
        return
    assert kept.polygon is not None
    assert kept.ground is not None
    assert all(0 <= x <= 352 and 0 <= y <= 288 for x, y in kept.polygon)
    assert 3 <= len(kept.polygon) <= 200
    assert coverage(kept, *SIZE_PX, 72, 88).sum() > 0
    assert kept.ground.least_px_per_m > LEAST_PX_PER_M * (0.7 if k1 else 1 - 1e-3)
    Zone.model_validate_json(kept.model_dump_json())


@pytest.mark.parametrize(
    ("corners", "message"),
    [
        pytest.param(
            ((100.0, 5.0), (200.0, 5.0), (150.0, 25.0)),
            r"'z' is wholly above the horizon: its nearest corner, 3 at \(150, 25\), sees no ground",
            id="above the horizon",
        ),
        pytest.param(
            ((100.0, 45.0), (200.0, 45.0), (150.0, 50.0)),
            r"'z' is wholly too far: at its nearest corner, 3 at \(150, 50\), a metre is 1\.\d+ px, and people are "
            "counted from 6 px to",
            id="too far",
        ),
    ],
)
def test_a_zone_without_ground_to_count_on_is_refused(corners: tuple[PointPx, ...], message: str) -> None:
    with pytest.raises(CalibrationRefused, match=message):
        on_ground(zone(*corners), plane_of(LIKE_A_JAMCAM))


def test_a_larger_picture_is_reduced_before_it_is_counted() -> None:
    assert least_px_per_m((352, 288)) == least_px_per_m((176, 144)) == 6
    assert least_px_per_m((1920, 1080)) == 6 * 1080 / 288


def test_the_whole_view_is_no_piece_of_ground() -> None:
    view = Zone(id="view", name="view")
    assert on_ground(view, plane_of(LIKE_A_JAMCAM)) is view
