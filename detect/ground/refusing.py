"""What cannot be true of points matched with a map, and which of them: `CalibrationRefused` by number and name."""

from __future__ import annotations

from collections.abc import Collection
from itertools import combinations

import numpy as np
from scipy.stats import chi2

from core.errors import CalibrationRefused
from core.site import Site
from detect.ground.homography import Solution, distances, solved
from detect.ground.matches import Matches
from detect.ground.plane import Numbers, Points

LEAST_POINTS = 4

MOST_AWAY_M = 1000.0
"""From the origin of the metres: a camera sees no points beyond it, and `LocalFrame` does not hold there."""

LEAST_APART_PX, LEAST_APART_M = 1.0, 0.05
"""Points nearer to each other than this are one point, said twice."""

ON_LINE_ERRORS = 2.0
"""Points lie on a line when none is farther from it than so many of their standard errors."""

MOST_ERRORS = 4.0
"""A point that is off by more standard errors than this contradicts the others: one in 3000 does so by chance."""

UPSIDE_DOWN = 0.2
"""By how much of itself a distance may shrink downwards, over the height of a picture of a camera that looks down."""

_BY_CHANCE = 1e-4

SURE_VOTERS = 7
"""So many points do not agree on what is not so: if two are swapped, they are not among these."""


def refuse_before_fitting(site: Site, matches: Matches) -> None:
    """Raises for points that nothing can be fitted to: too few, outside, far away, said twice or on one line."""
    if len(matches) < LEAST_POINTS:
        raise CalibrationRefused(
            f"camera {site.camera!r} has {len(matches)} map points, and a ground plane needs {LEAST_POINTS}",
            remedy="match more points of the picture with the map, spread over the ground that is counted",
        )
    for index, (x, y) in enumerate(matches.seen_px):
        if not (0 <= x <= site.width and 0 <= y <= site.height):
            raise CalibrationRefused(
                f"{matches.name(index)} of camera {site.camera!r} is at ({x:g}, {y:g}), outside the "
                f"{site.width}x{site.height} picture",
                remedy="give it in pixels of the picture, x from its left and y from its top",
            )
    _refuse_far(site, matches)
    _refuse_twice(matches)
    _refuse_line(matches)


def possible(matches: Matches, solution: Solution | None, height_px: int) -> Solution:
    """`solution`, as some camera above the ground sees it; raises where none can see all these points so.

    Where two of the points are swapped, and that is why, these two are named.
    """
    if solution is None:
        raise CalibrationRefused(
            f"{matches.names(nearest_line(matches))} lie too nearly on a line",
            remedy="match points that lie farther apart",
        )
    fault = _fault(matches, solution, height_px)
    if fault is not None:
        if len(matches) < SURE_VOTERS:
            refuse_swapped(matches, range(len(matches)), height_px)
        raise CalibrationRefused(fault, remedy="check that each of them is matched with its own place on the map")
    return solution


def refuse_swapped(matches: Matches, suspects: Collection[int], height_px: int) -> None:
    """Raises where all points would agree if two of `suspects`, by their indices, changed places on the map."""
    found = []
    for first, second in combinations(sorted(suspects), 2):
        exchanged = matches.swapped(first, second)
        solution = solved(exchanged)
        if solution is not None and not contradicts(solution) and _fault(exchanged, solution, height_px) is None:
            found.append((solution.chi_squared, matches.names((first, second))))
    if found:
        # Four points agree in whatever order a camera can see: then each such order is told.
        told = [names for _, names in sorted(found)[: 3 if len(matches) == LEAST_POINTS else 1]]
        raise CalibrationRefused(
            f"{', or '.join(told)} are swapped: with their places on the map exchanged all points agree",
            remedy="exchange the places of these two on the map, or in the picture",
        )


def refuse_contradiction(matches: Matches, solution: Solution) -> None:
    """Raises, naming the point that is farthest off by the fit to those that agree best."""
    far = distances(solution, matches)
    worst = int(np.argmax(far))
    raise CalibrationRefused(
        f"the points contradict each other, and too few agree to tell which is wrong: {matches.name(worst)} is "
        f"farthest off, by {far[worst]:.1f} standard errors",
        remedy="correct or remove the wrong one, or match more points; if all are so inexact, state larger errors "
        "(lens.error_px, error_m)",
    )


def contradicts(solution: Solution) -> bool:
    """Whether points are farther off than their errors let them: one of them alone, or all together."""
    if solution.freedom == 0:
        return False
    most = float(chi2.isf(_BY_CHANCE, solution.freedom))
    return bool(solution.distances.max() > MOST_ERRORS or solution.chi_squared > most)


def on_line(matches: Matches) -> tuple[int, ...] | None:
    """The indices of all points but one, or of all, if those lie on a line in the picture or on the map; else None."""
    pointing_px = np.sqrt(np.linalg.eigvalsh(matches.spread_px2)[:, -1])
    for index in range(len(matches)):
        others = tuple(other for other in range(len(matches)) if other != index)
        for points, errors in ((matches.ideal_px, pointing_px), (matches.ground_m, matches.error_m)):
            if np.all(_off_line(points[list(others)]) <= ON_LINE_ERRORS * errors[list(others)]):
                return others
    return None


def nearest_line(matches: Matches) -> tuple[int, ...]:
    """The indices of all points but one that are nearest to lying on a line, for their extent."""

    def bent(left_out: int) -> float:
        kept = matches.without(left_out)
        return min(float(_off_line(points).max() / np.ptp(points)) for points in (kept.ideal_px, kept.ground_m))

    alone = min(range(len(matches)), key=bent)
    return tuple(index for index in range(len(matches)) if index != alone)


def _off_line(points: Points) -> Numbers:
    """How far each of some points [n] is from the line that is nearest to all."""
    spread = points - points.mean(axis=0)
    across = np.linalg.svd(spread, full_matrices=False)[2][-1]
    off: Numbers = np.abs(spread @ across)
    return off


def _fault(matches: Matches, solution: Solution, height_px: int) -> str | None:
    """Why no camera above the ground sees its points so; None where one can."""
    w = matches.ground_m @ solution.to_picture[2, :2] + solution.to_picture[2, 2]
    if np.any(w <= 0):
        beyond = np.flatnonzero(w <= 0).tolist()
        return f"{matches.names(beyond)} would be beyond the horizon of a camera that sees the other points so"
    matrix = solution.to_ground
    if np.linalg.det(matrix) >= 0:
        return (
            f"the points mirror the map: from {matches.name(0)} over {matches.name(1)} to {matches.name(2)} it goes "
            "round one way in the picture, and the other way on the map"
        )
    nearer = matrix[2, 1] * height_px / float(matches.ideal_px.mean(axis=0) @ matrix[2, :2] + matrix[2, 2])
    if nearer < -UPSIDE_DOWN:
        highest, lowest = int(np.argmin(matches.ideal_px[:, 1])), int(np.argmax(matches.ideal_px[:, 1]))
        return (
            f"the points turn the picture upside down: {matches.name(highest)}, the highest in it, would be nearer to "
            f"the camera than {matches.name(lowest)}, the lowest"
        )
    return None


def _refuse_far(site: Site, matches: Matches) -> None:
    away_m = np.linalg.norm(matches.ground_m, axis=1)
    far = np.flatnonzero(away_m > MOST_AWAY_M).tolist()
    if not far:
        return
    if len(far) == len(matches):
        raise CalibrationRefused(
            f"all map points of camera {site.camera!r} are more than {MOST_AWAY_M / 1000:g} km from the origin of its "
            f"metres, {site.lat:g}, {site.lon:g}",
            remedy="give the site the lat and lon of its camera",
        )
    raise CalibrationRefused(
        f"{matches.name(far[0])} is {away_m[far[0]] / 1000:.1f} km from the camera {site.camera!r}",
        remedy="check its lat and lon; a camera's points are on the street that it sees",
    )


def _refuse_twice(matches: Matches) -> None:
    for first, second in combinations(range(len(matches)), 2):
        apart_px = float(np.linalg.norm(matches.seen_px[first] - matches.seen_px[second]))
        apart_m = float(np.linalg.norm(matches.ground_m[first] - matches.ground_m[second]))
        if apart_px < LEAST_APART_PX or apart_m < LEAST_APART_M:
            raise CalibrationRefused(
                f"{matches.names((first, second))} are one point: {apart_px:.3g} px apart in the picture, "
                f"{apart_m:.3g} m on the map",
                remedy="remove one of them, or correct the one that is misplaced",
            )


def _refuse_line(matches: Matches) -> None:
    line = on_line(matches)
    if line is not None:
        raise CalibrationRefused(
            f"{matches.names(line)} lie on a line, which leaves the ground on either side of it open",
            remedy="match points on both sides: four of which no three are on a line, better six or more",
        )
