"""The camera that fits cues best, and how surely: least squares with weak priors.

It has the least sum of squares of the cues and the priors in units of their errors (maximum a posteriori: Triggs,
McLauchlan, Hartley & Fitzgibbon 2000, Bundle Adjustment - A Modern Synthesis, section 3). The cues' errors depend on
the camera, so they are taken from the last one and it is fitted again, until it stays where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import exp, log, radians
from typing import Literal

import numpy as np
from scipy.optimize import least_squares
from scipy.stats import chi2, norm

from core.errors import CalibrationRefused
from core.site import ParallelLines, Site
from detect.ground.cues import BearingCue, Cue, Stand, cues_of, heading_of
from detect.ground.pinhole import Pinhole
from detect.ground.plane import Matrix, Numbers
from detect.ground.pose import ASPECT_ERROR, AXIS_ERROR

FOCAL_OF_WIDTH, FOCAL_ERROR = 1.2, 0.4
"""Prior of the focal length: 1.2 widths of the picture (a view 45 degrees wide), within a factor of e^0.4.

Zoom cameras of traffic control see about 58 degrees at their widest (0.9 widths), and most are used near it.
"""

HEIGHT_M, HEIGHT_ERROR = 9.6, 0.3
"""Prior of the camera's height: the mean of seven JamCams in Project Odysseus, within a factor of e^0.3."""

ROLL_ERROR_RAD = radians(3.0)
"""Prior of the roll, about none: a bracket is levelled by eye. Those of the pixels and the axis are `pose`'s."""

FOCAL, PITCH, ROLL, HEIGHT, STRETCH, RIGHT, DOWN, BEARING = range(8)
"""Places in the vector of unknowns: logarithms of focal length and height, how much the pixels and the axis are beside
what is said of them (`Pinhole`), and a bearing where one is given. Then come the headings of the parallel lines."""

_PITCHES_RAD = tuple(radians(degrees) for degrees in (5, 12, 20, 35, 60, 85))
_FOCAL_FACTORS = (0.7, 1.5)
_STARTS, _ROUGHLY, _ROUNDS = 3, 1e-3, 15
_STANDS_STILL = 1e-5
_STEP = 1e-5
_OUT_OF_SIGHT = 1e3
_LARGEST = 20.0
"""Of an unknown, that a step may try: e^20 is far beyond any camera and no overflow."""

_Loss = Literal["linear", "cauchy"]


class Problem:
    """What is known of a site's sizes, as residuals of a vector of unknowns."""

    def __init__(self, site: Site, without: int | None = None) -> None:
        """All that is known, or all `without` one of its cues."""
        self.site = site
        self.size_px = (site.width, site.height)
        self.cues: tuple[Cue, ...] = tuple(cue for index, cue in enumerate(cues_of(site)) if index != without)
        self.parallels: tuple[ParallelLines, ...] = site.sizes.parallels if site.sizes is not None else ()
        self.has_bearing = any(isinstance(cue, BearingCue) for cue in self.cues)

    def stand(self, unknowns: Numbers) -> Stand:
        looks = np.clip(unknowns[:BEARING], -_LARGEST, _LARGEST)
        focal, pitch, roll, height, stretch, right, down = (float(number) for number in looks)
        bearing = float(unknowns[BEARING]) if self.has_bearing else 0.0
        axis_px = right * self.site.width, down * self.site.width
        camera = Pinhole(self.size_px, exp(focal), pitch, roll, exp(height), bearing, stretch, axis_px)
        return Stand(camera, tuple(float(number) for number in unknowns[BEARING + self.has_bearing :]))

    def starts(self) -> list[Numbers]:
        """Cameras for which all that is on the ground lies below the horizon."""
        found: list[Numbers] = []
        on_ground = np.concatenate([cue.on_ground for cue in self.cues])
        for pitch in _PITCHES_RAD:
            for factor in _FOCAL_FACTORS:
                focal_px = FOCAL_OF_WIDTH * self.site.width * factor
                camera = Pinhole(self.size_px, focal_px, pitch, 0.0, HEIGHT_M)
                if np.isfinite(camera.to_ground(on_ground)).all():
                    headings = [heading_of(camera, parallel, self.site) for parallel in self.parallels]
                    looks = (log(focal_px), pitch, 0.0, log(HEIGHT_M), 0.0, 0.0, 0.0)
                    found.append(np.array((*looks, *self._turn(headings), *headings)))
        return found

    def _turn(self, headings: Sequence[float]) -> list[float]:
        """The bearing of the camera by the first set of lines that has one."""
        return [
            radians(parallel.bearing_deg) - heading
            for parallel, heading in zip(self.parallels, headings, strict=True)
            if parallel.bearing_deg is not None
        ][:1]

    def whiteners(self, unknowns: Numbers) -> tuple[Matrix, ...]:
        """For each cue, what makes its misfit one of covariance 1: the inverse of the root of its covariance.

        NaN for a cue that this camera cannot see so at all.
        """
        stand = self.stand(unknowns)
        return tuple(_whitener(cue.variance(stand)) for cue in self.cues)

    def residuals(self, unknowns: Numbers, whiteners: Sequence[Matrix]) -> tuple[Numbers, ...]:
        """Of each cue, and of the priors."""
        stand = self.stand(unknowns)
        focal = (unknowns[FOCAL] - log(FOCAL_OF_WIDTH * self.site.width)) / FOCAL_ERROR
        height = (unknowns[HEIGHT] - log(HEIGHT_M)) / HEIGHT_ERROR
        beside = unknowns[[ROLL, STRETCH, RIGHT, DOWN]] / (ROLL_ERROR_RAD, ASPECT_ERROR, AXIS_ERROR, AXIS_ERROR)
        priors = np.array((focal, height, *beside))
        return (*(white @ cue.misfit(stand) for white, cue in zip(whiteners, self.cues, strict=True)), priors)

    def cost(self, unknowns: Numbers) -> float:
        """-2 log of the posterior density, less a constant; infinite for a camera that does not see it all."""
        whiteners = self.whiteners(unknowns)
        total = sum(float(part @ part) for part in self.residuals(unknowns, whiteners))
        total -= 2 * sum(float(np.log(np.diag(white)).sum()) for white in whiteners)
        return total if np.isfinite(total) else np.inf


@dataclass(frozen=True)
class Solution:
    """The best unknowns of a problem. `residuals` and `slopes` (by the unknowns) are of each cue and of the priors."""

    problem: Problem
    unknowns: Numbers
    residuals: tuple[Numbers, ...]
    slopes: tuple[Matrix, ...]

    @cached_property
    def stand(self) -> Stand:
        return self.problem.stand(self.unknowns)

    @cached_property
    def stated(self) -> Matrix:
        """Covariance of the unknowns by the stated errors: Laplace's approximation, after Gauss and Newton."""
        slopes = np.concatenate(self.slopes)
        return np.asarray(np.linalg.inv(slopes.T @ slopes))

    @cached_property
    def squares(self) -> float:
        """Sum of squares of the residuals: chi squared."""
        return sum(float(part @ part) for part in self.residuals)

    @cached_property
    def error_scale(self) -> float:
        """What stated errors have to be multiplied by for the fit to be likely, at least 1.

        The root of chi squared to a degree of freedom (Particle Data Group, Review of Particle Physics, 2022, section
        5.2.2 of its introduction).
        """
        free = sum(len(part) for part in self.residuals) - len(self.unknowns)
        return max(1.0, float(np.sqrt(self.squares / free)))

    @cached_property
    def covariance(self) -> Matrix:
        """Of the unknowns."""
        return self.stated * self.error_scale**2

    def error(self, index: int) -> float:
        """Standard error of one of the unknowns."""
        return float(np.sqrt(self.covariance[index, index]))

    def left_out(self, index: int) -> tuple[Numbers, float]:
        """A cue's residual by the fit to all others, to first order, and by how many sigmas it contradicts them.

        With the hat matrix h = J C J' of the cue, r becomes (1 - h)^-1 r, and r' (1 - h)^-1 r is chi squared (Cook &
        Weisberg, Residuals and Influence in Regression, 1982, section 2.2). It is said as of one normal number.
        """
        residual, slopes = self.residuals[index], self.slopes[index]
        held = np.eye(len(residual)) - slopes @ self.stated @ slopes.T
        off: Numbers = np.asarray(np.linalg.solve(held + _STEP * np.eye(len(residual)), residual), np.float64)
        tail = float(chi2.logsf(residual @ off, len(residual)))
        return off, float(-norm.ppf(exp(max(tail, -600.0)) / 2))

    def through(self, of_camera: Callable[[Pinhole], Numbers]) -> Matrix:
        """Covariance of numbers that follow from the camera, by the delta method."""
        moved = []
        for step in np.eye(len(self.unknowns)) * _STEP:
            more, less = (of_camera(self.problem.stand(self.unknowns + by).camera) for by in (step, -step))
            moved.append((more - less) / (2 * _STEP))
        slopes = np.stack(moved, axis=-1)
        return np.asarray(slopes @ self.covariance @ slopes.T)


def off(problem: Problem, unknowns: Numbers, index: int) -> float:
    """How far a cue is off, in its stated errors."""
    return float(np.linalg.norm(_whitened(problem, unknowns)[index]))


def solved(problem: Problem, start: Numbers | None = None) -> Solution:
    """The best fit from `start`, or the best from several. Raises `CalibrationRefused` where no camera sees it all."""
    starts = sorted(problem.starts(), key=problem.cost)[:_STARTS] if start is None else [start]
    if not starts:
        raise CalibrationRefused(
            f"no camera above the ground sees all that the sizes of camera {problem.site.camera} put on it",
            remedy="mark points on the ground only, which lie below the horizon",
        )
    unknowns = min((_descended(problem, start, _ROUGHLY) for start in starts), key=problem.cost)
    for _ in range(_ROUNDS):
        before, unknowns = unknowns, _descended(problem, unknowns)
        if np.abs(unknowns - before).max() < _STANDS_STILL:
            break
    whiteners = problem.whiteners(unknowns)
    residuals = problem.residuals(unknowns, whiteners)
    if not np.isfinite(np.concatenate(residuals)).all():
        raise CalibrationRefused(
            f"the sizes of camera {problem.site.camera} fit no camera above flat ground",
            remedy="check which points and which sizes belong together",
        )
    moved = []
    for step in np.eye(len(unknowns)) * _STEP:
        more, less = (np.concatenate(problem.residuals(unknowns + by, whiteners)) for by in (step, -step))
        moved.append((more - less) / (2 * _STEP))
    ends = np.cumsum([len(part) for part in residuals])[:-1]
    return Solution(problem, unknowns, residuals, tuple(np.split(np.stack(moved, axis=-1), ends)))


def resistant(problem: Problem) -> Numbers:
    """The unknowns that most of the cues agree on, however far off a few are: by Cauchy's loss instead of squares."""
    ends = [_descended(problem, start, _ROUGHLY, "cauchy") for start in problem.starts()]
    return min(ends, key=lambda end: sum(float(np.log1p(part @ part)) for part in _whitened(problem, end)))


def _whitener(variance: Matrix) -> Matrix:
    if not np.isfinite(variance).all():
        return np.full_like(variance, np.nan)
    return np.asarray(np.linalg.inv(np.linalg.cholesky(variance)))


def _whitened(problem: Problem, unknowns: Numbers) -> tuple[Numbers, ...]:
    return problem.residuals(unknowns, problem.whiteners(unknowns))


def _descended(problem: Problem, start: Numbers, tolerance: float = 1e-8, loss: _Loss = "linear") -> Numbers:
    """Fitted with the errors that the cues have for the camera of the start."""
    whiteners = problem.whiteners(start)

    def residuals(unknowns: Numbers) -> Numbers:
        whole = np.concatenate(problem.residuals(unknowns, whiteners))
        return np.nan_to_num(whole, nan=_OUT_OF_SIGHT, posinf=_OUT_OF_SIGHT, neginf=-_OUT_OF_SIGHT)

    fitted = least_squares(residuals, start, x_scale="jac", xtol=tolerance, ftol=tolerance, loss=loss)
    return np.asarray(fitted.x, np.float64)
