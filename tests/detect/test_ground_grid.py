"""The grid lies on whole metres of the ground, in the picture and near enough; the horizon where the ground ends."""

from __future__ import annotations

from math import cos, radians, sin

import numpy as np
import pytest

from core.errors import CalibrationRefused
from core.ground import GroundMethod, GroundPlane
from core.judgement import Judgement, Refusal
from core.site import Fit, MapPoint, Site
from detect.ground import judging
from detect.ground.area import least_px_per_m
from detect.ground.grid import STEP_M, ground_grid, horizon
from detect.ground.judging import LastFit, judged
from detect.ground.plane import Plane

SIZE_PX = (352, 288)


def plane(pitch_deg: float = 20.0, lens_k1: float = 0.0, roll_deg: float = 0.0) -> Plane:
    """Of a camera 8 m up that looks north, down by `pitch_deg`, its focal length 400 px."""
    down, roll = radians(pitch_deg), radians(roll_deg)
    forward = np.array((0, cos(down), -sin(down)))
    right, below = np.array((1.0, 0, 0)), np.array((0, -sin(down), -cos(down)))
    right, below = cos(roll) * right + sin(roll) * below, cos(roll) * below - sin(roll) * right
    rays = np.column_stack((right / 400, below / 400, forward)) @ np.array(((1, 0, -176), (0, 1, -144), (0, 0, 1.0)))
    ground = np.vstack((8 * rays[0], 8 * rays[1], -rays[2]))
    numbers = (ground / np.linalg.norm(ground)).ravel()
    record = GroundPlane(
        name="c/00000000", method=GroundMethod.POINTS, lat=51.5, lon=-0.1,
        image_to_ground=tuple(map(float, numbers)), lens_k1=lens_k1,
    )  # fmt: skip
    return Plane(record, SIZE_PX)


@pytest.mark.parametrize("lens_k1", [0.0, 0.08, -0.08])
def test_its_lines_are_five_metres_apart_in_the_picture_and_near_enough(lens_k1: float) -> None:
    known = plane(lens_k1=lens_k1)
    lines = ground_grid(known)
    assert 10 < len(lines) < 80
    across = set()
    for line in lines:
        px = np.array(line)
        assert ((px >= -0.01) & (px <= np.array(SIZE_PX) + 0.01)).all()
        assert (known.px_per_m(px) >= least_px_per_m(SIZE_PX) - 0.01).all()
        ground_m = known.to_ground(px)
        axis = int(np.argmin(np.ptp(ground_m, axis=0)))
        at = ground_m[:, axis].mean() / STEP_M
        assert np.ptp(ground_m[:, axis]) < 0.1, "a straight line on the ground"
        assert at == pytest.approx(round(at), abs=0.01)
        across.add(axis)
    assert across == {0, 1}


def test_the_horizon_is_where_the_ground_ends() -> None:
    ends = horizon(plane(pitch_deg=10))
    assert ends is not None
    (left, y), (right, other_y) = ends
    assert (left, right) == (0, 352)
    assert y == other_y == pytest.approx(144 - 400 * np.tan(radians(10)), abs=0.1)


@pytest.mark.parametrize("lens_k1", [-0.3, 0.5])
def test_the_horizon_behind_a_lens_ends_at_the_edges_of_the_picture(lens_k1: float) -> None:
    bending = plane(pitch_deg=14, lens_k1=lens_k1)
    ends = horizon(bending)
    assert ends is not None
    for x, y in ends:
        assert x in (0, 352)
        above, below = bending.to_ground(((x, y - 0.2), (x, y + 0.2)))
        assert np.isnan(above).all()
        assert np.isfinite(below).all()


def test_a_tilted_horizon_and_one_that_does_not_show() -> None:
    tilted = horizon(plane(pitch_deg=10, roll_deg=15))
    assert tilted is not None
    (left, y), (right, other_y) = tilted
    assert left < right
    assert abs(other_y - y) / (right - left) == pytest.approx(np.tan(radians(15)), rel=0.01)
    assert horizon(plane(pitch_deg=35)) is None


def test_a_site_that_says_nothing_of_its_ground_is_judged_as_such() -> None:
    assert judged(Site(camera="c", lat=51.5, lon=-0.1)) == Judgement()


def test_the_ground_is_fitted_once_while_zones_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what was refused is refused again, for the same ground alone."""
    fitted: list[str] = []
    refused = CalibrationRefused("the points are on a line", remedy="move one")

    def fit(site: Site) -> Fit:
        fitted.append(site.ground_hash)
        if site.lat == 51.0:
            raise refused
        return Fit(of=site.ground_hash, plane=plane().record, covariance=(0.0,) * 81)

    monkeypatch.setattr(judging, "fit", fit)
    point = MapPoint(px=(1, 1), lat=51.5, lon=-0.1)
    fitting, site = LastFit(), Site(camera="c", lat=51.5, lon=-0.1, map_points=(point,))
    noted, bad = site.model_copy(update={"note": "drawn"}), site.model_copy(update={"lat": 51.0})
    assert fitting(site) == fitting(noted)
    assert [judged(bad, fitting).refused for _ in range(2)] == [Refusal.of(refused)] * 2
    assert judged(site, fitting).height_m is None
    assert fitted == [site.ground_hash, bad.ground_hash, site.ground_hash]
