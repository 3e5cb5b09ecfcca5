"""The ground from sizes in the scene: it is found, its errors are what they say, and nonsense is refused by name."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from math import hypot
from pathlib import Path

import numpy as np
import pytest

from core.errors import CalibrationRefused
from core.ground import GroundMethod
from core.site import Fit, KnownHeight, KnownLength, KnownSizes, Lens, ParallelLines, Site
from detect.ground.pinhole import Pinhole
from detect.ground.plane import Plane, slope
from detect.ground.pose import pose_of
from detect.ground.sizes import fit_sizes
from detect.ground.sizing import HEIGHT, Problem, solved
from ingest.street.layout import HEIGHT_PX, WIDTH_PX, Street, street

SIZE = (WIDTH_PX, HEIGHT_PX)
STRAIGHT = [place for index in range(40) if (place := street(3, index)).curvature_per_m == 0.0][:8]
LONDON = Path(__file__).resolve().parents[2] / "configs" / "sites" / "london"
SECURE = 1.645
"""Standard errors of a 90 % interval."""


@dataclass
class Marking:
    """Someone who marks what is seen of a synthetic street, as far off as `error_px`; sizes are off by `error_m`."""

    place: Street
    random: np.random.Generator
    error_px: float = 0.0
    error_m: float = 0.0

    def point(self, s_m: float, d_m: float, up_m: float = 0.0) -> tuple[float, float]:
        px = self.place.pixels(np.array(s_m), np.array(d_m), up_m)[0]
        x, y = px + self.random.normal(0, self.error_px, 2) if self.error_px else px
        return float(x), float(y)

    def _off(self) -> float:
        return float(self.random.normal(0, self.error_m)) if self.error_m else 0.0

    def length(self, start: tuple[float, float], end: tuple[float, float]) -> KnownLength:
        length_m = hypot(end[0] - start[0], end[1] - start[1])
        return KnownLength(
            from_px=self.point(*start),
            to_px=self.point(*end),
            length_m=length_m + self._off(),
            error_m=self.error_m or 0.05,
            what=f"{start} to {end}",
        )

    def height(self, s_m: float, d_m: float, height_m: float) -> KnownHeight:
        return KnownHeight(
            foot_px=self.point(s_m, d_m),
            top_px=self.point(s_m, d_m, height_m),
            height_m=height_m + self._off(),
            error_m=self.error_m or 0.05,
            what=f"post at {s_m}",
        )

    def site(self, bearing_deg: float | None = None) -> Site:
        """Lane widths and marks along the road, where they are seen, a post and the kerbs."""
        half = self.place.half_m
        across = [((s, a), (s, b)) for s in (12.0, 17.0, 24.0, 34.0) for a, b in ((-half, 0.0), (0.0, half))]
        along = [((s, d), (s + 6.0, d)) for s in (9.0, 15.0, 24.0) for d in (-half, 0.0, half)]
        lengths = [self.length(*ends) for ends in (*across, *along) if all(self._seen(*end) for end in ends)]
        posts = [self.height(s, half + 1.0, 5.0) for s in (16.0, 22.0) if self._seen(s, half + 1.0, 5.0)]
        kerbs = []
        for d in (-half, 0.0, half):
            seen = [s for s in np.arange(6.0, 50.0) if self._seen(float(s), d)]
            if len(seen) > 10:
                kerbs.append((self.point(seen[0], d), self.point(seen[-1], d)))
        return Site(
            camera="street",
            lat=51.5,
            lon=-0.1,
            lens=Lens(error_px=self.error_px or 0.3),
            sizes=KnownSizes(
                lengths=tuple(lengths[::2]),
                heights=tuple(posts[:1]),
                parallels=(ParallelLines(lines=tuple(kerbs), bearing_deg=bearing_deg, what="kerbs"),),
            ),
        )

    def _seen(self, s_m: float, d_m: float, up_m: float = 0.0) -> bool:
        x, y = self.place.pixels(np.array(s_m), np.array(d_m), up_m)[0]
        return bool(4 < x < WIDTH_PX - 4 and 4 < y < HEIGHT_PX - 4)


def exactly(place: Street) -> Marking:
    return Marking(place, np.random.default_rng(0))


def truth(place: Street) -> Pinhole:
    return Pinhole(SIZE, place.lens.focal_px, place.lens.pitch_rad, 0.0, place.lens.height_m)


def changed(site: Site, **sizes: object) -> Site:
    assert site.sizes is not None
    return site.model_copy(update={"sizes": site.sizes.model_copy(update=sizes)})


@pytest.mark.parametrize("place", STRAIGHT[:3])
def test_a_pinhole_sees_what_the_street_renders(place: Street) -> None:
    px, _ = place.lens.project(np.array([[1.0, 20.0, 0.0], [-4.0, 35.0, 2.5]]))
    camera = truth(place)
    assert np.allclose(camera.to_picture(np.array([[1.0, 20.0], [-4.0, 35.0]]), np.array([0.0, 2.5])), px)
    assert np.allclose(camera.to_ground(px[:1]), [[1.0, 20.0]])


def test_a_pinholes_homography_vanishing_points_and_turns_agree() -> None:
    camera = Pinhole(SIZE, 400.0, 0.3, 0.1, 8.0, bearing_rad=2.0)
    far = camera.to_ground(np.array([[176.0, 144.0]]))[0]
    assert np.arctan2(*far) == pytest.approx(2.0), "its axis meets the ground where it looks"
    assert np.linalg.det(camera.image_to_ground) < 0, "the map is not mirrored"
    x, y, w = camera.vanishing(1.8)
    assert w > 0
    distant = camera.to_picture(1e7 * np.array([np.sin(1.8), np.cos(1.8)]))
    assert distant == pytest.approx((x / w, y / w), abs=1e-3)
    left, right = (camera.vanishing(2.0 + turn) for turn in (-0.3, 0.3))
    assert left[1] / left[2] > right[1] / right[2], "with its right side down, the horizon rises to the right"


def test_a_camera_that_is_not_perfect_sees_the_ground_where_it_shows_it() -> None:
    camera = Pinhole(SIZE, 400.0, 0.3, 0.1, 8.0, bearing_rad=2.0, stretch=-0.087, axis_px=(9.0, -7.0))
    px = np.array([[40.0, 250.0], [300.0, 160.0]])
    assert np.allclose(camera.to_picture(camera.to_ground(px)), px)
    assert np.linalg.det(camera.image_to_ground) < 0


@pytest.mark.parametrize("place", STRAIGHT[:2])
def test_exact_sizes_give_the_streets_own_camera(place: Street) -> None:
    fit = fit_sizes(exactly(place).site(bearing_deg=40.0))
    assert fit.plane.method is GroundMethod.SIZES
    assert fit.plane.height_m == pytest.approx(place.lens.height_m, rel=0.01)
    assert fit.plane.focal_px == pytest.approx(place.lens.focal_px, rel=0.02)
    matrix = np.array(fit.plane.image_to_ground).reshape(3, 3)
    assert np.linalg.norm(matrix) == pytest.approx(1.0)
    assert (matrix @ (176, 280, 1))[2] > 0
    assert np.linalg.det(matrix) < 0
    pose = pose_of(Plane(fit.plane, SIZE))
    assert pose is not None
    assert np.degrees(pose.bearing_rad) == pytest.approx(40.0 - np.degrees(place.heading_rad), abs=1.0)
    assert not any("north" in warning for warning in fit.warnings)


def _log_m2_per_px(numbers: np.ndarray) -> float:
    return float(np.log(abs(np.linalg.det(slope(numbers.reshape(3, 3), np.array((176.0, 210.0)))))))


def _sigmas_off(fit: Fit, camera: Pinhole) -> tuple[float, float]:
    """How far height and square metres to a pixel are off, in their stated errors."""
    numbers, covariance = np.array(fit.plane.image_to_ground), np.array(fit.covariance).reshape(9, 9)
    steps = 1e-7 * np.eye(9)
    slopes = np.array([_log_m2_per_px(numbers + step) - _log_m2_per_px(numbers - step) for step in steps]) / 2e-7
    area_off = _log_m2_per_px(numbers) - _log_m2_per_px(camera.image_to_ground.ravel())
    assert fit.plane.height_m is not None
    assert fit.plane.height_error_m is not None
    return (fit.plane.height_m - camera.height_m) / fit.plane.height_error_m, area_off / float(
        np.sqrt(slopes @ covariance @ slopes)
    )


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_stated_errors_cover_the_truth_as_often_as_they_say() -> None:
    """90 % intervals of height and area over 100 markings: within three errors of a share, 81 to 99 %."""
    held = np.array(
        [
            np.abs(_sigmas_off(fit_sizes(Marking(place, np.random.default_rng(seed), 0.7, 0.1).site()), truth(place)))
            < SECURE
            for seed, place in enumerate(itertools.islice(itertools.cycle(STRAIGHT), 100))
        ]
    )
    assert np.all((held.mean(axis=0) > 0.81) & (held.mean(axis=0) < 0.99)), held.mean(axis=0)


def test_a_few_noisy_markings_stay_within_four_stated_errors() -> None:
    for seed, place in enumerate(STRAIGHT[:2]):
        fit = fit_sizes(Marking(place, np.random.default_rng(seed), 0.7, 0.1).site())
        assert np.all(np.abs(_sigmas_off(fit, truth(place))) < 4)
        assert all(point.left_out_m is None or point.error_m is not None for point in fit.points)


def test_sizes_that_are_off_by_more_than_stated_widen_all_errors() -> None:
    """By as much as they are: the covariance goes with the square of it."""
    site = Marking(STRAIGHT[1], np.random.default_rng(1), error_px=1.2, error_m=0.06).site()
    solution = solved(Problem(site.model_copy(update={"lens": Lens(error_px=0.6)})))
    assert solution.error_scale > 1.5
    assert solution.error(HEIGHT) == pytest.approx(solution.error_scale * np.sqrt(solution.stated[HEIGHT, HEIGHT]))
    np.testing.assert_allclose(solution.covariance, solution.error_scale**2 * solution.stated)


def test_nothing_that_moves_in_the_order_of_items_moves_the_fit() -> None:
    site = exactly(STRAIGHT[0]).site()
    assert site.sizes is not None
    other = changed(site, lengths=site.sizes.lengths[::-1])
    assert fit_sizes(other).plane.height_m == pytest.approx(fit_sizes(site).plane.height_m, rel=1e-3)


def test_what_is_weak_is_said() -> None:
    site = exactly(STRAIGHT[0]).site()
    assert site.sizes is not None
    words = " ".join(fit_sizes(site).warnings)
    assert "points of a map" in words
    assert "looked north" in words
    half = STRAIGHT[0].half_m
    across = exactly(STRAIGHT[0]).length((17.0, -half), (17.0, 0.0)).model_copy(update={"error_m": 0.3})
    lean = fit_sizes(changed(site, lengths=(across,), heights=()))
    assert any("focal length" in warning and "rests on" in warning for warning in lean.warnings)
    assert lean.plane.height_error_m is not None
    giant = changed(
        site,
        lengths=tuple(
            known.model_copy(update={"length_m": 3 * known.length_m, "error_m": 0.15}) for known in site.sizes.lengths
        ),
        heights=(),
    )
    assert any("height comes out" in warning for warning in fit_sizes(giant).warnings)


def test_a_lens_that_bends_is_straightened_first() -> None:
    site = exactly(STRAIGHT[0]).site().model_copy(update={"lens": Lens(k1=0.05, error_px=3.0)})
    assert fit_sizes(site).plane.lens_k1 == 0.05


@pytest.mark.parametrize("path", sorted(LONDON.glob("*.json")), ids=lambda path: path.stem)
def test_the_calibrations_of_london_are_what_their_sizes_give(path: Path) -> None:
    site = Site.model_validate_json(path.read_text(encoding="utf-8"))
    assert site.fitted is not None
    again = fit_sizes(site)
    assert again.of == site.fitted.of
    assert again.plane.height_m == pytest.approx(site.fitted.plane.height_m, rel=1e-3)
    assert again.plane.image_to_ground == pytest.approx(site.fitted.plane.image_to_ground, abs=1e-3)
    assert again.warnings == site.fitted.warnings


def _refusal(site: Site) -> str:
    with pytest.raises(CalibrationRefused) as refused:
        fit_sizes(site)
    assert refused.value.remedy
    return str(refused.value)


@pytest.mark.parametrize("seed", range(4))
def test_nonsense_is_refused_and_breaks_nothing(seed: int) -> None:
    place = STRAIGHT[seed % 2]
    site = Marking(place, np.random.default_rng(seed), error_px=15.0).site().model_copy(update={"lens": Lens()})
    _refusal(site)


def test_a_length_that_contradicts_the_others_is_named() -> None:
    site = exactly(STRAIGHT[0]).site()
    assert site.sizes is not None
    wrong, *others = site.sizes.lengths
    wrong = wrong.model_copy(update={"length_m": 2 * wrong.length_m, "what": "the wrong one"})
    message = _refusal(changed(site, lengths=(*others, wrong)))
    assert "'the wrong one' contradicts the rest" in message


def test_a_height_that_contradicts_the_others_is_named() -> None:
    site = exactly(STRAIGHT[0]).site()
    assert site.sizes is not None
    (post,) = site.sizes.heights
    message = _refusal(changed(site, heights=(post.model_copy(update={"height_m": 8.0, "what": "a tall tale"}),)))
    assert "'a tall tale' contradicts" in message


def test_lines_that_draw_together_towards_the_camera_are_refused() -> None:
    site = exactly(STRAIGHT[0]).site()
    mirrored = ParallelLines(lines=(((60, 150), (140, 270)), ((300, 150), (220, 270))), what="upside down")
    message = _refusal(changed(site, parallels=(mirrored,)))
    assert "line 1 of 'upside down' and line 2 of 'upside down' meet at" in message
    assert "towards the horizon" in message


def test_a_point_above_the_horizon_is_named() -> None:
    place = STRAIGHT[0]
    site = exactly(place).site()
    assert site.sizes is not None
    high = KnownLength(from_px=(150, 3), to_px=(190, 4), length_m=5, what="a roof")
    message = _refusal(changed(site, lengths=(*site.sizes.lengths, high)))
    assert "'a roof' has the point (150, 3) above the horizon" in message


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        (KnownSizes(), "nothing among the sizes of camera street has metres"),
        (
            KnownSizes(lengths=(KnownLength(from_px=(100, 200), to_px=(200, 200), length_m=5, what="lane"),)),
            "are 1 of at least 3 equations",
        ),
        (
            KnownSizes(lengths=(KnownLength(from_px=(100, 200), to_px=(101, 200), length_m=5, what="dot"),)),
            "length 1, 'dot', is 1.0 px long",
        ),
        (
            KnownSizes(lengths=(KnownLength(from_px=(100, 200), to_px=(400, 200), length_m=5, what="off"),)),
            "length 1, 'off', has the point (400, 200) outside the 352x288 picture",
        ),
        (
            KnownSizes(heights=(KnownHeight(foot_px=(100, 100), top_px=(100, 200), height_m=4, what="bus"),)),
            "height 1, 'bus', has its top (100, 200) below its foot (100, 100)",
        ),
        (
            KnownSizes(
                lengths=tuple(
                    KnownLength(from_px=(100, 200), to_px=(110, 200), length_m=0.5, error_m=1.0, what=f"guess {n}")
                    for n in range(3)
                )
            ),
            "leave its ground open",
        ),
    ],
)
def test_what_cannot_be_or_is_not_enough_is_refused(sizes: KnownSizes, words: str) -> None:
    assert words in _refusal(Site(camera="street", lat=51.5, lon=-0.1, sizes=sizes))
