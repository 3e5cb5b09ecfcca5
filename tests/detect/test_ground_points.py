"""A plane from points of a map: exact for exact points, honest for noisy ones, and refusing what cannot be, by name."""

from __future__ import annotations

import cv2
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
    exact_site,
    fitted_plane,
    pinhole_of,
    plane_of,
    site_of,
    synthetic_street,
)

from core.errors import CalibrationRefused
from core.ground import GroundMethod
from core.records import PointPx
from core.site import Site
from detect.ground.area import area_of, on_ground
from detect.ground.fitting import fit
from detect.ground.homography import Solution, agreed, solved
from detect.ground.matches import Matches
from detect.ground.pinhole import Pinhole
from detect.ground.plane import Plane
from detect.ground.points import PRIOR_FREEDOM, error_scale, fit_points
from ingest.street.layout import Street
from ingest.street.places import zones

FOUR_PX = SPREAD_PX[:4]
NINE_PX = (*SPREAD_PX, (250.0, 190.0), (200.0, 250.0), (100.0, 120.0))
EXACT = plane_of(LIKE_A_JAMCAM)


def moved(site: Site, number: int, *, px: PointPx | None = None, east_m: float = 0.0, north_m: float = 0.0) -> Site:
    """With one point, by the number that messages call it, elsewhere in the picture or on the map."""
    points = list(site.map_points)
    point = points[number - 1]
    east, north = ORIGIN.metres(point.lat, point.lon)
    lat, lon = ORIGIN.degrees(east + east_m, north + north_m)
    points[number - 1] = point.model_copy(update={"px": px or point.px, "lat": lat, "lon": lon})
    return site.model_copy(update={"map_points": tuple(points)})


def swapped(site: Site, first: int, second: int) -> Site:
    points = list(site.map_points)
    one, other = points[first - 1], points[second - 1]
    points[first - 1] = one.model_copy(update={"lat": other.lat, "lon": other.lon})
    points[second - 1] = other.model_copy(update={"lat": one.lat, "lon": one.lon})
    return site.model_copy(update={"map_points": tuple(points)})


def noisy(seen_px: np.ndarray, random: np.random.Generator, plane: Plane = EXACT) -> Site:
    """Pointed at with 1 px of error, exactly known on the map."""
    return site_of(seen_px + random.normal(0, 1, np.shape(seen_px)), plane.to_ground(seen_px), error_m=0.001)


@pytest.mark.parametrize("count", [4, 5, 6, 9])
@pytest.mark.parametrize("k1", [0.0, 0.12, -0.1])
def test_exact_points_give_the_exact_plane(count: int, k1: float) -> None:
    seen, exact = NINE_PX[:count], plane_of(LIKE_A_JAMCAM, k1=k1)
    found = fit_points(exact_site(seen, k1=k1))
    assert np.allclose(Plane(found.plane, SIZE_PX).to_ground(NINE_PX), exact.to_ground(NINE_PX), atol=1e-5)
    assert found.plane.method is GroundMethod.POINTS
    assert np.linalg.norm(found.plane.image_to_ground) == pytest.approx(1)
    assert found.plane.error_m == pytest.approx(0, abs=1e-5)
    assert found.plane.height_m == pytest.approx(LIKE_A_JAMCAM.height_m, rel=1e-4)


@given(cameras(), st.permutations(range(6)))
@settings(max_examples=15, deadline=None)
def test_the_order_of_the_points_does_not_matter(camera: Pinhole, order: list[int]) -> None:
    seen = np.array([(x, y) for x in (40.0, 300.0) for y in (170.0, 220.0, 280.0)])
    seen[1, 0], seen[4, 0] = 60, 250
    seen = seen[np.isfinite(plane_of(camera).to_ground(seen)).all(axis=1)]
    if len(seen) < 6:
        return
    first, second = exact_site(seen, camera=camera), exact_site(seen[list(order)], camera=camera)
    planes = [fitted_plane(site)[0].to_ground(seen) for site in (first, second)]
    assert np.allclose(*planes, rtol=1e-5, atol=1e-5)


def test_it_is_the_least_squares_that_opencv_finds_where_all_errors_are_alike() -> None:
    site = noisy(np.array(NINE_PX), np.random.default_rng(1))
    matches = Matches.of(site)
    solution = solved(matches)
    assert solution is not None
    theirs, _ = cv2.findHomography(matches.ground_m, matches.ideal_px, method=0)
    ours = solution.to_picture / solution.to_picture[2, 2]
    assert np.allclose(ours, theirs, rtol=2e-3, atol=1e-5)


def test_a_point_that_the_map_knows_badly_counts_less() -> None:
    site = moved(exact_site(NINE_PX), 2, east_m=1.5)
    doubted = list(site.map_points)
    doubted[1] = doubted[1].model_copy(update={"error_m": 3.0})
    trusting, doubting = (
        fit_points(exact_site(NINE_PX)),
        fit_points(site.model_copy(update={"map_points": tuple(doubted)})),
    )
    assert all(point.used for point in doubting.points)
    assert doubting.points[1].error_m == pytest.approx(1.5, abs=0.2)
    assert doubting.plane.height_m == pytest.approx(trusting.plane.height_m, rel=0.02)


def test_the_same_points_give_the_same_fit_to_the_last_bit() -> None:
    site = moved(noisy(np.array(NINE_PX), np.random.default_rng(4)), 3, east_m=8)
    assert fit_points(site) == fit_points(site)


def test_the_covariance_is_that_of_repeated_fits() -> None:
    """In the gauge of norm one: rank eight, and where it says how far a place on the ground is off, it is right."""
    random, at, places = np.random.default_rng(8), np.array((200.0, 180.0)), []
    for _ in range(150):
        solution = solved(Matches.of(noisy(np.array(SPREAD_PX), random)))
        assert solution is not None
        places.append(Plane(EXACT.record.model_copy(update={"image_to_ground": flat(solution)}), SIZE_PX).to_ground(at))
    solution = solved(Matches.of(noisy(np.array(SPREAD_PX), random)))
    assert solution is not None
    covariance, (x, y) = solution.ground_covariance, at
    assert np.sum(np.linalg.eigvalsh(covariance) > 1e-13 * np.trace(covariance)) == 8
    assert np.allclose(covariance @ solution.to_ground.ravel(), 0, atol=1e-12)
    ray = np.array((x, y, 1)) / (solution.to_ground[2] @ (x, y, 1))
    east, north = EXACT.to_ground(at)
    none = np.zeros(3)
    slopes = np.array((np.concatenate((ray, none, -east * ray)), np.concatenate((none, ray, -north * ray))))
    predicted = np.sqrt(np.trace(slopes @ covariance @ slopes.T))
    assert predicted == pytest.approx(np.sqrt(np.trace(np.cov(np.array(places).T))), rel=0.2)


def flat(solution: Solution) -> tuple[float, ...]:
    return tuple(solution.to_ground.ravel().tolist())


def test_errors_of_pointing_are_as_large_as_the_site_states_them() -> None:
    once, twice = (
        solved(Matches.of(site_of(SPREAD_PX, EXACT.to_ground(SPREAD_PX), error_px=error_px, error_m=1e-6)))
        for error_px in (1.0, 2.0)
    )
    assert once is not None
    assert twice is not None
    np.testing.assert_allclose(twice.covariance, 4 * once.covariance, rtol=1e-3, atol=1e-20)


def test_what_is_off_by_more_than_stated_widens_the_error_of_the_plane() -> None:
    """A covariance goes with the square of the errors."""
    noise = np.random.default_rng(0).normal(scale=2.0, size=(len(NINE_PX), 2))
    site = site_of(np.array(NINE_PX) + noise, EXACT.to_ground(NINE_PX), error_m=0.01)
    solution = solved(Matches.of(site))
    assert solution is not None
    assert error_scale(solution) > 1.2
    _, covariance = fitted_plane(site)
    np.testing.assert_allclose(np.reshape(fit(site).covariance, (9, 9)), covariance, rtol=1e-6, atol=1e-18)


def test_left_out_each_point_is_farther_off_than_fitted() -> None:
    found = fit_points(noisy(np.array(NINE_PX), np.random.default_rng(6)))
    assert found.plane.error_m is not None
    assert found.plane.left_out_m is not None
    assert found.plane.left_out_m > found.plane.error_m > 0
    rms = np.sqrt(np.mean([point.error_m**2 for point in found.points if point.error_m is not None]))
    assert found.plane.error_m == pytest.approx(rms)


def test_with_four_points_nothing_can_be_left_out_and_that_is_said() -> None:
    found = fit_points(noisy(np.array(FOUR_PX), np.random.default_rng(6)))
    assert found.plane.left_out_m is None
    assert [point.left_out_m for point in found.points] == [None] * 4
    assert any("four points agree whatever their errors" in warning for warning in found.warnings)


def test_errors_are_scaled_by_how_far_points_are_off_the_more_the_more_there_are() -> None:
    def off(freedom: int, by: float) -> float:
        count = (freedom + 8) // 2
        distances = np.full(count, by * np.sqrt(freedom / count))
        return error_scale(Solution(np.eye(3), np.eye(9), distances, freedom))

    assert off(0, 3.0) == 1
    assert off(4, 1.0) == off(40, 1.0) == pytest.approx(1)
    assert off(4, 2.0) == pytest.approx(np.sqrt((PRIOR_FREEDOM + 16) / (PRIOR_FREEDOM + 4)))
    assert 1 < off(4, 2.0) < off(40, 2.0) < 2


def test_one_point_that_is_off_is_outvoted_and_named() -> None:
    found = fit_points(moved(exact_site(NINE_PX), 3, east_m=6))
    assert [point.what for point in found.points if not point.used] == ["c"]
    assert found.points[2].error_m == pytest.approx(6, rel=1e-3)
    assert found.warnings == ("point 3 'c' is 6.0 m off by the fit to the others and has no vote",)
    assert np.allclose(Plane(found.plane, SIZE_PX).to_ground(NINE_PX), EXACT.to_ground(NINE_PX), atol=1e-4)


def test_a_point_in_the_sky_is_outvoted_and_named() -> None:
    found = fit_points(moved(exact_site(NINE_PX), 5, px=(180.0, 10.0)))
    assert found.points[4].error_m is None
    assert "point 5 'e' is above the horizon of the others and has no vote" in found.warnings


def test_among_many_points_ransac_finds_those_that_agree() -> None:
    random = np.random.default_rng(2)
    seen = np.column_stack((random.uniform(10, 340, 24), random.uniform(90, 285, 24)))
    site = site_of(seen + random.normal(0, 1, seen.shape), EXACT.to_ground(seen), error_m=0.1)
    for number in (3, 9, 15, 21):
        site = moved(site, number, east_m=random.uniform(10, 30), north_m=random.uniform(10, 30))
    assert not {2, 8, 14, 20} & set(agreed(Matches.of(site)))
    assert [index + 1 for index, point in enumerate(fit(site).points) if not point.used] == [3, 9, 15, 21]


STRAIGHT = ((60.0, 270.0), (110.0, 210.0), (160.0, 150.0), (300.0, 200.0))


@pytest.mark.parametrize(
    ("site", "message"),
    [
        pytest.param(exact_site(FOUR_PX[:3]), "'c' has 3 map points, and a ground plane needs 4", id="too few"),
        pytest.param(
            moved(exact_site(), 2, px=(400.0, 200.0)),
            r"point 2 'b' .* is at \(400, 200\), outside the 352x288",
            id="outside",
        ),
        pytest.param(
            moved(exact_site(), 4, north_m=10_000), r"point 4 'd' is 10\.\d km from the camera 'c'", id="10 km away"
        ),
        pytest.param(
            exact_site().model_copy(update={"lat": -51.5}),
            "all map points .* more than 1 km .* -51.5, -0.12",
            id="origin",
        ),
        pytest.param(
            moved(exact_site(), 6, px=(300.3, 140.0)),
            "point 4 'd' and point 6 'f' are one point: 0.3 px",
            id="twice seen",
        ),
        pytest.param(
            site_of(SPREAD_PX, np.vstack((EXACT.to_ground(SPREAD_PX[:5]), EXACT.to_ground(SPREAD_PX[0])))),
            "point 1 'a' and point 6 'f' are one point: .* 0 m on the map",
            id="twice on the map",
        ),
        pytest.param(
            exact_site(STRAIGHT), "point 1 'a', point 2 'b' and point 3 'c' lie on a line", id="three of four on a line"
        ),
        pytest.param(
            exact_site((*STRAIGHT[:3], (85.0, 240.0), (300.0, 200.0))),
            "point 1 'a', point 2 'b', point 3 'c' and point 4 'd' lie on a line",
            id="all but one on a line",
        ),
        pytest.param(
            exact_site(((60.0, 270.0), (110.0, 212.0), (160.0, 150.0), (84.0, 237.0), (134.0, 184.0))),
            "lie on a line",
            id="all on a line",
        ),
        pytest.param(swapped(exact_site(), 2, 5), "point 2 'b' and point 5 'e' are swapped", id="two of six swapped"),
        pytest.param(swapped(exact_site(NINE_PX), 1, 6), "point 1 'a' and point 6 'f' are swapped", id="of nine"),
        pytest.param(swapped(exact_site(SPREAD_PX[:5]), 3, 4), "point 3 'c' and point 4 'd' are swapped", id="of five"),
        pytest.param(swapped(exact_site(FOUR_PX), 1, 2), "point 1 'a' and point 2 'b'.* swapped", id="of four, beside"),
        pytest.param(swapped(exact_site(FOUR_PX), 1, 4), "point 1 'a' and point 4 'd'.* swapped", id="of four, across"),
        pytest.param(
            site_of(SPREAD_PX, EXACT.to_ground(SPREAD_PX) * (-1, 1)),
            "the points mirror the map: from point 1 'a' over point 2 'b' to point 3 'c'",
            id="mirrored",
        ),
        pytest.param(
            site_of(SPREAD_PX, -EXACT.to_ground([(352 - x, 288 - y + 60) for x, y in SPREAD_PX])),
            "turn the picture upside down: point 5 'e', the highest",
            id="upside down",
        ),
        pytest.param(
            moved(exact_site(SPREAD_PX[:5]), 2, east_m=9),
            "the points contradict each other, .*: point",
            id="one of five off",
        ),
        pytest.param(
            moved(moved(moved(exact_site(NINE_PX[:7]), 1, east_m=9), 4, north_m=-20), 6, east_m=-7),
            "the points contradict each other|swapped",
            id="three of seven off",
        ),
        pytest.param(
            moved(exact_site(FOUR_PX), 3, px=(210.0, 225.0)),
            "beyond the horizon|mirror|upside down",
            id="four impossible",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_name(site: Site, message: str) -> None:
    with pytest.raises(CalibrationRefused, match=message) as refused:
        fit_points(site)
    assert refused.value.remedy


def test_points_that_leave_the_ground_open_are_refused() -> None:
    """Not on a line, but so near to one that the errors of pointing tell any area among them."""
    site = exact_site(((60.0, 270.0), (110.0, 214.0), (160.0, 150.0), (215.0, 92.0), (84.0, 245.0), (190.0, 112.0)))
    blurred = site.model_copy(update={"lens": site.lens.model_copy(update={"error_px": 2.5})})
    with pytest.raises(CalibrationRefused, match=r"lie (nearly )?on a line"):
        fit_points(blurred)


def kerbs_and_facades(place: Street, random: np.random.Generator) -> np.ndarray:
    """Six corners of what is counted on a synthetic street: at facades near and far, at kerbs in the middle."""
    facades, kerbs = (place.facade_left_m, place.facade_right_m), (-place.half_m, place.half_m)
    found = []
    for (least, most), sides in (((9.0, 15.0), facades), ((20.0, 28.0), kerbs), ((52.0, 64.0), facades)):
        for side in sides:
            along = np.arange(random.uniform(least, most), 90.0, 0.5)
            seen, _ = place.pixels(along, np.full_like(along, side))
            inside = (seen > 2).all(axis=1) & (seen < (350, 286)).all(axis=1)
            found.append(seen[np.argmax(inside)])
    return np.array(found)


def test_areas_on_the_synthetic_street_are_right_within_three_percent_and_know_it() -> None:
    """Six points with 1 px of error; all zones of eight streets, six times: the mean error, and 90 % intervals."""
    random, off, errors = np.random.default_rng(12), [], []
    for index in range(0, 16, 2):
        place = synthetic_street(index)
        exact = plane_of(pinhole_of(place))
        true = [on_ground(zone, exact) for zone in zones("c", place)]
        for _ in range(6):
            plane, covariance = fitted_plane(noisy(kerbs_and_facades(place, random), random, exact))
            for zone in true:
                assert zone.ground is not None
                area_m2, slopes = area_of(np.array(zone.polygon), plane)
                off.append(area_m2 / zone.ground.area_m2 - 1)
                errors.append(np.sqrt(slopes @ covariance @ slopes) / area_m2)
    assert np.abs(off).mean() < 0.03
    assert 0.85 <= np.mean(np.abs(off) < 1.645 * np.array(errors)) <= 0.95
