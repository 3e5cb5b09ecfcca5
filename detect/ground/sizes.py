"""The ground from sizes known in the scene: lengths on it, heights above it, parallel lines. Weaker than map points.

Parallel lines on the ground meet at the horizon, which tells pitch and roll for a focal length; two sets of them, or
lengths along and across the view, tell the focal length; one length or height tells the scale, the camera's height
(Hartley & Zisserman, Multiple View Geometry, 2nd ed. 2004, sections 8.6 to 8.8; Caprile & Torre 1990, International
Journal of Computer Vision 4, 127-139). What they leave open, weak priors hold: see `detect.ground.sizing`.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import exp, log

import numpy as np

from core.errors import CalibrationRefused
from core.ground import GroundMethod, GroundPlane
from core.site import Fit, PointError, Site
from detect.ground.believable import refuse_what_cannot_be
from detect.ground.pinhole import Pinhole
from detect.ground.plane import Numbers, slope
from detect.ground.sizing import (
    FOCAL,
    FOCAL_ERROR,
    FOCAL_OF_WIDTH,
    HEIGHT,
    HEIGHT_ERROR,
    HEIGHT_M,
    Problem,
    Solution,
    off,
    resistant,
    solved,
)

MOST_SIGMAS = 4.0
"""Beyond it, something contradicts all the rest."""

MOST_AREA_ERROR, MUCH_AREA_ERROR = 0.5, 0.2
"""Standard error of an area among what is marked, as a share: beyond these a fit is refused, or said to be weak."""

MOSTLY_PRIOR = 0.5
"""Of the prior's error left: the prior then tells a quarter or more of what is known."""

FAR_FROM_PRIOR, ERRORS_TOO_SMALL = 2.0, 1.5
"""In errors of a prior, and the factor by which all stated errors are too small: beyond these it is said."""


def fit_sizes(site: Site) -> Fit:
    """The ground of `site.sizes`: a plane of method `sizes`, the covariance of its numbers, and what is weak about it.

    The metres begin below the camera, which `site.lat` and `lon` are taken for; without a bearing among the parallel
    lines, north is taken to be straight ahead. `Fit.points` says of each item how far it is off, and by the fit to all
    others. Raises `CalibrationRefused`, naming the item, for what cannot be true or contradicts the rest, and where all
    of it is not enough.
    """
    problem = Problem(site)
    refuse_what_cannot_be(site, problem.cues)
    solution = solved(problem)
    _refuse_contradiction(solution)
    area_error = _area_error(solution)
    if area_error > MOST_AREA_ERROR:
        raise CalibrationRefused(
            f"the sizes of camera {site.camera} leave its ground open: an area among them is off by {area_error:.0%}",
            remedy="add parallel lines that lead away from the camera (kerbs), and lengths along and across them",
        )
    camera = solution.stand.camera
    plane = GroundPlane(
        name=site.plane_name,
        method=GroundMethod.SIZES,
        lat=site.lat,
        lon=site.lon,
        image_to_ground=_nine(camera.image_to_ground),
        lens_k1=site.lens.k1,
        height_m=camera.height_m,
        height_error_m=camera.height_m * solution.error(HEIGHT),
        focal_px=camera.focal_px,
    )
    covariance = solution.through(lambda camera: camera.image_to_ground.ravel())
    return Fit(
        of=site.ground_hash,
        plane=plane,
        covariance=tuple(float(number) for number in covariance.ravel()),
        points=tuple(_point(solution, index) for index in range(len(problem.cues))),
        warnings=tuple(_warnings(solution, area_error)),
    )


def _nine(matrix: Numbers) -> tuple[float, float, float, float, float, float, float, float, float]:
    a, b, c, d, e, f, g, h, i = (float(number) for number in matrix.ravel())
    return a, b, c, d, e, f, g, h, i


def _point(solution: Solution, index: int) -> PointError:
    """How far an item is off; left out, it is so by as much more as its residual grows."""
    cue = solution.problem.cues[index]
    off_px, off_m = cue.off(solution.stand)
    residual, (left_out, _) = solution.residuals[index], solution.left_out(index)
    grows = float(np.linalg.norm(left_out)) / max(float(np.linalg.norm(residual)), 1e-12)
    return PointError(
        what=cue.item[:200],
        error_px=off_px,
        error_m=off_m,
        left_out_m=None if off_m is None else off_m * grows,
    )


def _refuse_contradiction(solution: Solution) -> None:
    """What is far off need not be the culprit, as squares bend to it: that is what most of the others disagree with."""
    problem, site = solution.problem, solution.problem.site
    every = range(len(problem.cues))
    if max(solution.left_out(index)[1] for index in every) <= MOST_SIGMAS:
        return
    agreed = resistant(problem)
    worst = max(every, key=lambda index: off(problem, agreed, index))
    rest = solved(Problem(site, without=worst), agreed)
    cue = problem.cues[worst]
    off_px, off_m = cue.off(rest.stand)
    raise CalibrationRefused(
        f"{cue.item} contradicts the rest of camera {site.camera}'s sizes: by them it is off by "
        f"{f'{off_px:.1f} px' if off_m is None else f'{off_m:.2f} m'}, "
        f"{max(0.0, solution.squares - rest.squares) ** 0.5:.0f} times what the stated errors explain",
        remedy="check its points and its size; where both are right, the ground is not flat there or the errors are "
        "larger than stated",
    )


def _area_error(solution: Solution) -> float:
    """Standard error, as a share, of an area in the middle of all that is marked on the ground."""
    middle = np.concatenate([cue.on_ground for cue in solution.problem.cues]).mean(axis=0)

    def log_m2_per_px(camera: Pinhole) -> Numbers:
        return np.atleast_1d(np.log(abs(np.linalg.det(slope(camera.image_to_ground, middle)))))

    return float(solution.through(log_m2_per_px)[0, 0] ** 0.5)


def _warnings(solution: Solution, area_error: float) -> Iterator[str]:
    problem, camera = solution.problem, solution.stand.camera
    yield "fitted to sizes in the scene, which leave more open than points of a map do: where it lies is not checked"
    if not problem.has_bearing:
        yield "no parallel lines have a bearing: the map is turned as if the camera looked north"
    focal_error = solution.error(FOCAL)
    if focal_error > MOSTLY_PRIOR * FOCAL_ERROR:
        yield (
            f"the focal length, {camera.focal_px:.0f} px, is known to {focal_error:.0%} and rests on what such cameras "
            "have: add lengths both along and across the view, or a second set of parallel lines"
        )
    height_error = solution.error(HEIGHT)
    if height_error > MOSTLY_PRIOR * HEIGHT_ERROR:
        yield (
            f"the camera's height, {camera.height_m:.1f} m, is known to {height_error:.0%} and rests on what such "
            "cameras have: add lengths"
        )
    for name, value, prior, error in (
        ("height", log(camera.height_m), log(HEIGHT_M), HEIGHT_ERROR),
        ("focal length", log(camera.focal_px), log(FOCAL_OF_WIDTH * problem.site.width), FOCAL_ERROR),
    ):
        if abs(value - prior) > FAR_FROM_PRIOR * error:
            yield f"the {name} comes out {exp(value - prior):.1f} times what such cameras have: check the sizes"
    if solution.error_scale > ERRORS_TOO_SMALL:
        yield f"the items are off by {solution.error_scale:.1f} times what stated errors explain: so all are enlarged"
    if area_error > MUCH_AREA_ERROR:
        yield f"areas are known to {area_error:.0%} only (standard error)"
