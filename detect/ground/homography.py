"""The homography that matched points determine, and how well.

It is found from the map to the picture, because the errors of pointing are there: each point is off by its own
covariance `C = P + J S J^T` in the picture, with P that of pointing, S = error_m^2 I that of its place on the map and
J the homography's derivative there. Minimised is the sum of `r^T C^-1 r`, which is to first order the maximum
likelihood for errors in both pictures (Sampson; Hartley & Zisserman 2004, sections 4.2.4 and 4.2.6). C is taken at the
last solution, and again until it settles. The covariance is that of a minimal parametrisation, the tangent of the
sphere of norm one (ibid., sections 5.2 and A6.9.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import cv2
import numpy as np
from scipy.optimize import least_squares

from detect.ground.matches import Matches
from detect.ground.plane import Matrix, Numbers, Points

MOST_CONDITION = 1e4
"""Of the normalised equations, the largest singular value over the smallest that is not to vanish: beyond it, a
thousandth of the picture's size off in a point is ten times the homography off."""

RANSAC_ERRORS = 4.0
"""A point farther off than so many standard errors has no vote, see `agreed`."""

_ROUNDS, _SETTLED, _MOST_STEPS = 10, 1e-6, 50
_HOPELESS = 10.0


@dataclass(frozen=True, eq=False)
class Solution:
    """The homography from the map to the picture as `to_picture` [3, 3], of norm one; ideal pixels from metres.

    `covariance` [9, 9] is of its numbers by the errors that were stated. `distances` [n] is how far each of the matches
    it was solved for is off, in its standard errors; `freedom` how many more equations there are than unknowns.
    """

    to_picture: Matrix
    covariance: Matrix
    distances: Numbers
    freedom: int

    @property
    def chi_squared(self) -> float:
        return float(np.sum(self.distances**2))

    @property
    def to_ground(self) -> Matrix:
        """The inverse, of norm one, with w > 0 where most points of the picture are that were matched."""
        inverse = np.linalg.inv(self.to_picture)
        return np.asarray(inverse / np.linalg.norm(inverse), np.float64)

    @property
    def ground_covariance(self) -> Matrix:
        """[9, 9], of the numbers of `to_ground`: d(H^-1) = -H^-1 dH H^-1, then brought to norm one."""
        inverse = np.linalg.inv(self.to_picture)
        norm = float(np.linalg.norm(inverse))
        unit = inverse.ravel() / norm
        through = (np.eye(9) - np.outer(unit, unit)) @ -np.kron(inverse, inverse.T) / norm
        return np.asarray(through @ self.covariance @ through.T, np.float64)


def agreed(matches: Matches) -> list[int]:
    """The indices of the points that agree on one homography, by OpenCV's RANSAC; it is seeded alike in every call.

    It knows one threshold in pixels for all points: `RANSAC_ERRORS` of a typical one, whose error on the map is as many
    pixels as distances between points have to a metre, in the middle. So it is for the points that are far off; those
    that disagree by their own errors are found after it.
    """
    first, second = np.triu_indices(len(matches), 1)
    apart_px = np.linalg.norm(matches.ideal_px[first] - matches.ideal_px[second], axis=1)
    apart_m = np.linalg.norm(matches.ground_m[first] - matches.ground_m[second], axis=1)
    on_map_px = np.median(apart_px / apart_m) * np.median(matches.error_m)
    pointing_px = np.sqrt(np.median(np.linalg.eigvalsh(matches.spread_px2)))
    centred_m = matches.ground_m - matches.ground_m.mean(axis=0)
    _, inlier = cv2.findHomography(
        centred_m.astype(np.float32),
        matches.ideal_px.astype(np.float32),
        method=cv2.RANSAC,
        ransacReprojThreshold=float(RANSAC_ERRORS * np.hypot(on_map_px, pointing_px)),
        maxIters=5000,
        confidence=0.999,
    )
    return [] if inlier is None else np.flatnonzero(np.asarray(inlier).ravel()).tolist()


def solved(matches: Matches) -> Solution | None:
    """The homography of four or more matches; None where they do not determine one (see `MOST_CONDITION`)."""
    # Lengths near one in the picture and on the map (Hartley 1997, IEEE PAMI 19(6), 580-593).
    from_picture, from_map = _normalising(matches.ideal_px), _normalising(matches.ground_m)
    seen, known = _through(from_picture, matches.ideal_px), _through(from_map, matches.ground_m)
    pointing = matches.spread_px2 * from_picture[0, 0] ** 2
    on_map = (matches.error_m * from_map[0, 0]) ** 2
    numbers = _by_equations(seen, known)
    if numbers is None:
        return None
    distance = np.inf
    for _ in range(_ROUNDS):
        slopes = _slopes(numbers, known)
        spread = pointing + on_map[:, None, None] * slopes @ np.swapaxes(slopes, -1, -2)
        try:
            whiten = np.linalg.inv(np.linalg.cholesky(spread))
        except np.linalg.LinAlgError:
            return None  # a point on the horizon: it may be anywhere
        numbers = _nearest(numbers, seen, known, whiten)
        before, distance = distance, float(np.linalg.norm(_residuals(numbers, seen, known, whiten)))
        # Of points that are so far from agreeing nobody asks how far exactly.
        if abs(before - distance) <= _SETTLED * (1 + distance) or distance > _HOPELESS * len(matches):
            break
    tangent = _tangent(numbers)
    weighed = np.linalg.qr(_derivative(numbers, known, whiten) @ tangent).R
    root = tangent @ np.linalg.inv(weighed)
    back = np.linalg.inv(from_picture)
    whole = back @ numbers.reshape(3, 3) @ from_map
    norm = float(np.linalg.norm(whole)) * _side(whole, matches.ground_m)
    unit = whole.ravel() / norm
    root = (np.eye(9) - np.outer(unit, unit)) @ np.kron(back, from_map.T) @ root / norm
    return Solution(
        to_picture=whole / norm,
        covariance=root @ root.T,
        distances=np.linalg.norm(_residuals(numbers, seen, known, whiten).reshape(-1, 2), axis=1),
        freedom=2 * len(matches) - 8,
    )


def distances(solution: Solution, matches: Matches) -> Numbers:
    """How far each of `matches` is off, [n], in standard errors of its own, whether solved for or not."""
    slopes = _slopes(solution.to_picture.ravel(), matches.ground_m)
    spread = matches.spread_px2 + (matches.error_m**2)[:, None, None] * slopes @ np.swapaxes(slopes, -1, -2)
    off = matches.ideal_px - _through(solution.to_picture, matches.ground_m)
    far: Numbers = np.sqrt(np.einsum("ni,ni->n", off, np.linalg.solve(spread, off[..., None])[..., 0]))
    return far


def _by_equations(seen: Points, known: Points) -> Numbers | None:
    """The nine numbers of norm one that solve the linear equations (Hartley & Zisserman, algorithm 4.2)."""
    rays = np.column_stack((known, np.ones(len(known))))
    none = np.zeros_like(rays)
    equations = np.concatenate(
        (np.column_stack((rays, none, -seen[:, :1] * rays)), np.column_stack((none, rays, -seen[:, 1:] * rays)))
    )
    _, sizes, ways = np.linalg.svd(equations, full_matrices=True)
    return None if sizes[0] > MOST_CONDITION * sizes[7] else np.asarray(ways[8], np.float64)


def _nearest(numbers: Numbers, seen: Points, known: Points, whiten: Numbers) -> Numbers:
    """The numbers of norm one for which the whitened residuals are least, by Levenberg-Marquardt steps (MINPACK)."""
    tangent = _tangent(numbers)

    def residuals(by: Numbers) -> Numbers:
        return _residuals(numbers + tangent @ by, seen, known, whiten)

    def slopes(by: Numbers) -> Matrix:
        return np.asarray(-_derivative(numbers + tangent @ by, known, whiten) @ tangent)

    result = least_squares(
        residuals,
        np.zeros(8),
        jac=slopes,
        method="lm",
        xtol=1e-12,
        ftol=1e-12,
        gtol=1e-12,
        max_nfev=_MOST_STEPS,
    )
    moved = numbers + tangent @ result.x
    unit: Numbers = moved / np.linalg.norm(moved)
    return unit


def _residuals(numbers: Numbers, seen: Points, known: Points, whiten: Numbers) -> Numbers:
    """Whitened, [2 n]."""
    off = seen - _through(numbers.reshape(3, 3), known)
    return np.asarray(np.einsum("nij,nj->ni", whiten, off).ravel())


def _derivative(numbers: Numbers, known: Points, whiten: Numbers) -> Matrix:
    """Of the whitened image of `known` by the nine numbers: [2 n, 9]."""
    rays = np.column_stack((known, np.ones(len(known))))
    w = rays @ numbers[6:]
    image = _through(numbers.reshape(3, 3), known)
    none = np.zeros_like(rays)
    by_x = np.column_stack((rays, none, -image[:, :1] * rays)) / w[:, None]
    by_y = np.column_stack((none, rays, -image[:, 1:] * rays)) / w[:, None]
    return np.asarray((whiten @ np.stack((by_x, by_y), axis=1)).reshape(-1, 9))


def _slopes(numbers: Numbers, known: Points) -> Numbers:
    """The derivative [n, 2, 2] of the image of `known` by `known`, on either side of the horizon."""
    matrix = numbers.reshape(3, 3)
    w = known @ matrix[2, :2] + matrix[2, 2]
    image = _through(matrix, known)
    slopes: Numbers = (matrix[:2, :2] - image[:, :, None] * matrix[2, :2]) / w[:, None, None]
    return slopes


def _through(matrix: Matrix, points: Points) -> Points:
    """Points [n, 2] through a homography, whichever side of the horizon they are on."""
    homogeneous = points @ matrix[:, :2].T + matrix[:, 2]
    image: Points = homogeneous[:, :2] / homogeneous[:, 2:]
    return image


def _tangent(numbers: Numbers) -> Matrix:
    """Eight directions [9, 8] at right angles to the nine numbers and to each other."""
    return np.asarray(np.linalg.svd(numbers[None], full_matrices=True)[2][1:].T)


def _side(matrix: Matrix, known: Points) -> float:
    """The sign that gives most points w > 0."""
    w = known @ matrix[2, :2] + matrix[2, 2]
    return 1.0 if np.sum(w > 0) * 2 >= len(w) else -1.0


def _normalising(points: Points) -> Matrix:
    """The similarity that brings points to mean zero and mean square two."""
    mean = points.mean(axis=0)
    scale = sqrt(2) / max(float(np.sqrt(np.mean(np.sum((points - mean) ** 2, axis=1)))), 1e-12)
    return np.array(((scale, 0, -scale * mean[0]), (0, scale, -scale * mean[1]), (0, 0, 1)))
