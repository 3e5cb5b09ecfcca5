"""A ground plane from points of the picture that are matched with the map."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf, isfinite, sqrt

import numpy as np

from core.errors import CalibrationRefused
from core.ground import GroundMethod, GroundPlane
from core.site import Fit, PointError, Site
from detect.ground.area import area_of
from detect.ground.homography import Solution, agreed, distances, solved
from detect.ground.matches import Matches
from detect.ground.outlines import hull
from detect.ground.plane import Matrix, Plane
from detect.ground.pose import Pose, tempered
from detect.ground.refusing import (
    LEAST_POINTS,
    SURE_VOTERS,
    contradicts,
    nearest_line,
    on_line,
    possible,
    refuse_before_fitting,
    refuse_contradiction,
    refuse_swapped,
)

LEAST_VOTERS = 5
"""So many must agree before one that does not is outvoted: any four agree on something."""

LEAST_SHARE = 2 / 3
"""Of the points, that must agree."""

PRIOR_FREEDOM = 10
"""How many degrees of freedom the stated errors are worth against the points' own scatter: see `error_scale`."""

MOST_AREA_ERROR, MUCH_AREA_ERROR = 0.5, 0.2
"""Standard error of the area among the points, as a share: beyond these a fit is refused, or said to be weak."""

MOST_MISFIT = 4.0
"""Standard errors between the plane and that of any camera with square pixels, see `Pose.misfit`."""

MUCH_SCALE = 1.5


def fit_points(site: Site) -> Fit:
    """The ground plane that `site.map_points` determine; deterministic.

    Points that are far off have no vote: RANSAC (OpenCV) finds those that agree, and each point's own error then
    decides (`homography`). What is left gives the plane by weighted least squares, with the covariance of the stated
    errors times the square of `error_scale`; and that, with what a camera can be, the plane that is told (`pose`).

    Raises `CalibrationRefused`, naming the point, for what `refusing` refuses.
    """
    matches = Matches.of(site)
    refuse_before_fitting(site, matches)
    voters = _voters(matches, site.height)
    chosen = matches.only(voters)
    solution = possible(chosen, solved(chosen), site.height)
    found = _tempered(site, solution)
    area_error = _area_error(chosen, found.plane, found.covariance)
    if area_error > MOST_AREA_ERROR:
        raise CalibrationRefused(
            f"the points leave the ground open: the area among them is off by {area_error:.0%}, as "
            f"{chosen.names(nearest_line(chosen))} lie nearly on a line",
            remedy="match points that are farther apart, near and far, left and right, or know them better",
        )
    points = _point_errors(site, matches, voters, found.plane)
    pose = found.pose if found.pose is not None and found.pose.misfit <= MOST_MISFIT else None
    record = found.plane.record.model_copy(
        update={
            "error_m": _root_mean_square([point.error_m for point in points if point.used]),
            "left_out_m": _root_mean_square([point.left_out_m for point in points if point.used]),
            "height_m": pose and pose.height_m,
            "height_error_m": pose and pose.height_error_m,
            "focal_px": pose and pose.focal_px,
        }
    )
    return Fit(
        of=site.ground_hash,
        plane=record,
        covariance=tuple(found.covariance.ravel().tolist()),
        points=points,
        warnings=tuple(_warnings(matches, points, error_scale(solution), area_error, found.pose)),
    )


@dataclass(frozen=True, eq=False)
class _Found:
    """A plane, the covariance [9, 9] of its numbers, and the camera's pose where it tells one."""

    plane: Plane
    covariance: Matrix
    pose: Pose | None


def _tempered(site: Site, solution: Solution) -> _Found:
    """The plane that the points give together with what a camera can be; the points alone where these contradict."""
    size_px, covariance = (site.width, site.height), solution.ground_covariance * error_scale(solution) ** 2
    plane = Plane(_record(site, solution.to_ground), size_px)
    camera = tempered(plane, covariance)
    if camera is None:
        return _Found(plane, covariance, None)
    if camera.pose.misfit > MOST_MISFIT:
        return _Found(plane, covariance, camera.pose)
    return _Found(Plane(_record(site, camera.matrix), size_px), camera.covariance, camera.pose)


def error_scale(solution: Solution) -> float:
    """How much larger the errors are than stated: s with s^2 = (p + chi^2) / (p + f), for f degrees of freedom.

    The mean of the posterior of a variance whose prior, a scaled inverse chi-squared with p = `PRIOR_FREEDOM` degrees
    of freedom, is centred on what was stated (Gelman et al., Bayesian Data Analysis, 3rd ed. 2013, section 2.6, but for
    the two that make it a mean). Four points say nothing of their errors, and what was stated stands; twenty say more
    than was stated.
    """
    return sqrt((PRIOR_FREEDOM + solution.chi_squared) / (PRIOR_FREEDOM + solution.freedom))


def _voters(matches: Matches, height_px: int) -> list[int]:
    """The indices of the points that agree; raises where too few do, or where two of them are swapped."""
    voters = list(range(len(matches)))
    solution = solved(matches)
    if solution is None or not contradicts(solution):
        return voters
    inliers = agreed(matches)
    if len(inliers) >= LEAST_VOTERS:
        voters, solution = inliers, solved(matches.only(inliers))
    while solution is not None and contradicts(solution) and len(voters) > LEAST_VOTERS:
        voters, solution = _without_the_worst(matches, voters)
    if solution is None:
        return voters
    for index in np.argsort(distances(solution, matches)).tolist():
        # RANSAC knows one threshold for all: whoever agrees by its own errors has a vote after all.
        if index in voters:
            continue
        joined = sorted((*voters, index))
        wider = solved(matches.only(joined))
        if wider is None or contradicts(wider):
            break
        voters, solution = joined, wider
    everyone = range(len(matches))
    refuse_swapped(matches, everyone if len(voters) < SURE_VOTERS else set(everyone) - set(voters), height_px)
    if contradicts(solution) or len(voters) < LEAST_SHARE * len(matches):
        refuse_contradiction(matches, solution)
    return voters


def _without_the_worst(matches: Matches, voters: list[int]) -> tuple[list[int], Solution | None]:
    """All but that voter without which the others agree best."""
    rests = [[other for other in voters if other != index] for index in voters]
    fits = [(rest, solved(matches.only(rest))) for rest in rests]
    return min(fits, key=lambda fit: inf if fit[1] is None else fit[1].chi_squared)


def _area_error(chosen: Matches, plane: Plane, covariance: Matrix) -> float:
    """Standard error of the ground that the points enclose, as a share."""
    area_m2, slopes = area_of(hull(chosen.seen_px), plane)
    return sqrt(max(0.0, float(slopes @ covariance @ slopes))) / area_m2


def _point_errors(site: Site, matches: Matches, voters: Sequence[int], plane: Plane) -> tuple[PointError, ...]:
    """How far each point is off by the fit, and by the fit to the others where those determine one.

    Raises `CalibrationRefused` for a point that the fit to the others does not let be seen at all.
    """
    off_px = np.linalg.norm(plane.to_picture(matches.ground_m) - matches.seen_px, axis=1)
    off_m = np.linalg.norm(plane.to_ground(matches.seen_px) - matches.ground_m, axis=1)
    for index in np.flatnonzero(~np.isfinite(off_px)).tolist():
        raise CalibrationRefused(
            f"{matches.name(index)} is nowhere in the picture by the fit to the others: its place on the map is behind "
            "the camera, or far to its side",
            remedy="check its lat and lon, or remove it",
        )

    def left_out_m(index: int) -> float | None:
        if index not in voters:
            return _known(float(off_m[index]))
        rest = matches.only([other for other in voters if other != index])
        if len(rest) < LEAST_POINTS or on_line(rest) is not None:
            return None
        solution = solved(rest)
        if solution is None or np.linalg.det(solution.to_ground) >= 0:
            return None
        others = _tempered(site, solution)
        return _known(float(np.linalg.norm(others.plane.to_ground(matches.seen_px[index]) - matches.ground_m[index])))

    return tuple(
        PointError(
            what=matches.what[index],
            error_px=float(off_px[index]),
            error_m=_known(float(off_m[index])),
            left_out_m=left_out_m(index),
            used=index in voters,
        )
        for index in range(len(matches))
    )


def _warnings(
    matches: Matches, points: Sequence[PointError], scale: float, area_error: float, pose: Pose | None
) -> Iterator[str]:
    """What is weak about a fit."""
    if sum(point.used for point in points) == LEAST_POINTS:
        yield "four points agree whatever their errors: a fifth would show whether one of them is wrong"
    for index, point in enumerate(points):
        if not point.used and point.error_m is None:
            yield f"{matches.name(index)} is above the horizon of the others and has no vote"
        elif not point.used:
            yield f"{matches.name(index)} is {point.error_m:.1f} m off by the fit to the others and has no vote"
    if scale > MUCH_SCALE:
        yield f"the points are {scale:.1f} times as far off as their errors say; all errors are widened by that"
    if area_error > MUCH_AREA_ERROR:
        yield f"the area among the points is only known to {area_error:.0%}: match points that are farther apart"
    if pose is None:
        yield "the points do not tell how high the camera is"
    elif pose.misfit > MOST_MISFIT:
        yield (
            f"no camera with nearly square pixels and its axis near the centre sees the ground so: {pose.misfit:.1f} "
            "standard errors off; its height is not told: check the points, and lens.k1"
        )


def _record(site: Site, matrix: Matrix) -> GroundPlane:
    return GroundPlane(
        name=site.plane_name,
        method=GroundMethod.POINTS,
        lat=site.lat,
        lon=site.lon,
        image_to_ground=tuple(matrix.ravel().tolist()),
        lens_k1=site.lens.k1,
    )


def _known(number: float) -> float | None:
    return number if isfinite(number) else None


def _root_mean_square(errors: Sequence[float | None]) -> float | None:
    """Of those that are known; None where none is."""
    known = [error for error in errors if error is not None]
    return sqrt(sum(error**2 for error in known) / len(known)) if known else None
