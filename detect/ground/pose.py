"""Where the camera is that sees a plane so: height, focal length and angles, for square pixels and a central axis.

A plane has eight numbers and such a camera seven. The columns of the homography from ground to picture are K r1, K r2
and K t, with r1 and r2 orthogonal and of one length, which gives two equations for the one unknown in K (Zhang 2000,
IEEE PAMI 22(11), 1330-1334, section 3.1; Hartley & Zisserman 2004, section 8.8). Solved so, both weigh the same.

Where the plane was fitted, its covariance says what it knows of a camera, and what a camera can be says something of
the plane: pixels are nearly square and the axis meets the picture near its centre (`ASPECT_ERROR`, `AXIS_ERROR`). Both
are put together as a normal prior and likelihood are, about the camera that is nearest, by Gauss-Newton steps. Where
the points tell much this changes nothing; where they tell little, as outside of them, it keeps the plane from what no
camera sees. The plane of that camera is better, and its covariance less, than those of the points alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, exp, hypot, log, pi, sqrt

import numpy as np

from detect.ground.pinhole import Pinhole
from detect.ground.plane import Matrix, Numbers, Plane

ASPECT_ERROR = 0.05
"""Standard error of the height of a pixel as a share of its width, about one: CIF of a 4:3 picture has 0.92."""

AXIS_ERROR = 0.05
"""Standard error of where the axis meets the picture, right and down, as a share of the picture's width."""

MOST_ERROR = 0.5
"""Standard error of the height or the focal length as a share of it: a plane that tells less tells nothing."""

_LEAST_TILT, _LEAST_VARIANCE = 1e-6, 1e-11
_STEPS, _LONGEST_STEP, _SMALL = 30, 0.3, 1e-6
_CAMERA, _PRIORS = 7, 3


@dataclass(frozen=True)
class Pose:
    """A camera above the ground. Errors are standard errors, zero where the plane is exact.

    `pitch_rad` is how far it looks down, `roll_rad` how far its right side hangs down, `bearing_rad` where it looks,
    clockwise from north; `foot_m` (east, north) is the ground below it. `misfit` is how far, in standard errors, the
    plane and what a camera can be are from each other.
    """

    height_m: float
    height_error_m: float
    focal_px: float
    focal_error_px: float
    pitch_rad: float
    pitch_error_rad: float
    roll_rad: float
    roll_error_rad: float
    bearing_rad: float
    bearing_error_rad: float
    foot_m: tuple[float, float]
    misfit: float


@dataclass(frozen=True, eq=False)
class Tempered:
    """A plane as a camera sees it: `matrix` [3, 3] of norm one and its `covariance` [9, 9]."""

    matrix: Matrix
    covariance: Matrix
    pose: Pose


def pose_of(plane: Plane) -> Pose | None:
    """The pose of the camera that sees exactly `plane`; None where the plane does not tell, as seen straight down."""
    found = _by_orthogonality(plane.matrix @ _moved(np.array(plane.size_px) / 2))
    return None if found is None else _pose(found, np.zeros((_CAMERA, _CAMERA)), 0.0)


def tempered(plane: Plane, covariance: Matrix) -> Tempered | None:
    """`plane`, known by the `covariance` [9, 9] of its numbers, put together with what a camera can be.

    None where that does not tell: where its height or focal length would be off by more than `MOST_ERROR` of it.
    """
    centre = np.array(plane.size_px) / 2
    first = _by_orthogonality(plane.matrix @ _moved(centre))
    if first is None:
        return None
    # In units of the focal length and of the height, from the centre and from the foot, all is near one.
    focal, height, foot = exp(first[0]), exp(first[4]), first[5:]
    from_ground, from_picture = _scaled(1 / height) @ _moved(-foot), _moved(centre) @ _scaled(focal)
    whole = from_ground @ plane.matrix @ from_picture
    through = _onto_sphere(whole.ravel()) @ np.kron(from_ground, from_picture.T)
    axis_error = AXIS_ERROR * plane.size_px[0] / focal
    prior = np.array((ASPECT_ERROR, axis_error, axis_error))
    start = np.array((0.0, *first[1:4], *np.zeros(3 + _PRIORS)))
    nearest = _nearest(start, whole.ravel() / np.linalg.norm(whole), through @ covariance @ through.T, prior)
    if nearest is None:
        return None
    found, spread, misfit = nearest
    if max(spread[0, 0], spread[4, 4]) > MOST_ERROR**2:
        return None
    back, front = np.linalg.inv(from_ground), np.linalg.inv(from_picture)
    matrix = back @ _of_norm_one(found).reshape(3, 3) @ front
    root = _onto_sphere(matrix.ravel()) @ np.kron(back, front.T) @ _slopes(found)
    # Back from units: those of logarithms are shares whatever the unit.
    camera, units = found[:_CAMERA].copy(), np.array((1, 1, 1, 1, 1, height, height))
    camera[0], camera[4], camera[5:] = camera[0] + first[0], camera[4] + first[4], foot + height * camera[5:]
    pose = _pose(camera, spread[:_CAMERA, :_CAMERA] * np.outer(units, units), misfit)
    return Tempered(np.asarray(matrix / np.linalg.norm(matrix)), np.asarray(root @ spread @ root.T), pose)


def _pose(camera: Numbers, spread: Matrix, misfit: float) -> Pose:
    """The record of the seven numbers of `seen_by` and their covariance."""
    log_focal, pitch, roll, bearing, log_height, east_m, north_m = camera.tolist()
    errors = np.sqrt(np.diag(spread)).tolist()
    return Pose(
        height_m=exp(log_height),
        height_error_m=exp(log_height) * errors[4],
        focal_px=exp(log_focal),
        focal_error_px=exp(log_focal) * errors[0],
        pitch_rad=pitch,
        pitch_error_rad=errors[1],
        roll_rad=roll,
        roll_error_rad=errors[2],
        bearing_rad=bearing % (2 * pi),
        bearing_error_rad=errors[3],
        foot_m=(east_m, north_m),
        misfit=misfit,
    )


def seen_by(pose: Numbers) -> Matrix:
    """The homography from pixels off the centre to metres, with w > 0 on the ground, of a camera with the seven numbers
    log focal length, pitch, roll, bearing, log height, and the east and north of its foot."""
    log_focal, pitch, roll, bearing, log_height, *foot = pose.tolist()
    camera = Pinhole((0, 0), exp(log_focal), pitch, roll, exp(log_height), bearing)
    return np.asarray(_moved(np.array(foot)) @ camera.image_to_ground)


def _by_orthogonality(centred: Matrix) -> Numbers | None:
    """The seven numbers of `seen_by` from a homography of pixels off the centre; None where no camera sees so."""
    to_picture = np.linalg.inv(centred)
    first, second = to_picture[:, 0], to_picture[:, 1]
    # Both equations are linear in 1 / f^2. Turning the map mixes these two as cos and sin of twice the angle, so that
    # their sum of squares does not depend on where north is.
    steep = np.array((first[:2] @ second[:2], (first[:2] @ first[:2] - second[:2] @ second[:2]) / 2))
    flat = np.array((first[2] * second[2], (first[2] ** 2 - second[2] ** 2) / 2))
    size = (first[:2] @ first[:2] + second[:2] @ second[:2]) / 2
    if np.linalg.norm(steep) < _LEAST_TILT * size or steep @ flat >= 0:
        return None
    focal = sqrt(float(steep @ steep) / -float(steep @ flat))
    columns = to_picture / np.array((focal, focal, 1.0))[:, None]
    columns /= sqrt(float(np.linalg.norm(columns[:, 0]) * np.linalg.norm(columns[:, 1])))
    left, _, right = np.linalg.svd(columns[:, :2], full_matrices=False)
    axes = left @ right
    turned = np.column_stack((axes, np.cross(axes[:, 0], axes[:, 1])))
    east, north, up = -turned.T @ columns[:, 2]
    if up <= 0:
        return None
    pitch = atan2(-turned[2, 2], hypot(turned[2, 0], turned[2, 1]))
    roll, bearing = atan2(-turned[0, 2], -turned[1, 2]), atan2(turned[2, 0], turned[2, 1])
    return np.array((log(focal), pitch, roll, bearing, log(up), east, north))


def _nearest(
    start: Numbers, whole: Numbers, covariance: Matrix, prior: Numbers
) -> tuple[Numbers, Matrix, float] | None:
    """The ten numbers of `_of_norm_one` nearest to the nine of `whole` and to the prior, with their covariance [10, 10]
    and how far they are from these, in standard errors. None where the steps do not settle."""
    variances, ways = np.linalg.eigh(covariance)
    known = variances > _LEAST_VARIANCE * variances[-1]
    whiten = (ways[:, known] / np.sqrt(variances[known])).T
    expected = np.column_stack((np.zeros((_PRIORS, _CAMERA)), np.diag(1 / prior)))
    found = start
    for _ in range(_STEPS):
        left = np.concatenate((whiten @ (whole - _of_norm_one(found)), -expected @ found))
        slopes = np.vstack((whiten @ _slopes(found), expected))
        step = np.linalg.lstsq(slopes, left)[0]
        found = found + np.clip(step, -_LONGEST_STEP, _LONGEST_STEP)
        if np.abs(step).max() < _SMALL:
            return found, np.asarray(np.linalg.pinv(slopes.T @ slopes)), float(np.linalg.norm(left))
    return None


def _of_norm_one(numbers: Numbers) -> Numbers:
    """The homography of a camera: by the seven of `seen_by`, the logarithm of a pixel's height to its width, and where
    the axis meets the picture, right and down of the centre."""
    stretch, right, down = numbers[_CAMERA:].tolist()
    squared = np.array(((1, 0, -right), (0, exp(stretch), -down), (0, 0, 1)))
    homography = (seen_by(numbers[:_CAMERA]) @ squared).ravel()
    unit: Numbers = homography / np.linalg.norm(homography)
    return unit


def _slopes(numbers: Numbers) -> Matrix:
    """The derivative [9, 10] of `_of_norm_one`, by central differences."""
    steps = _SMALL * np.eye(len(numbers))
    return np.column_stack([_of_norm_one(numbers + step) - _of_norm_one(numbers - step) for step in steps]) / (
        2 * _SMALL
    )


def _onto_sphere(numbers: Numbers) -> Matrix:
    """The derivative [9, 9] of bringing nine numbers to norm one."""
    norm = float(np.linalg.norm(numbers))
    unit = numbers / norm
    return np.asarray((np.eye(9) - np.outer(unit, unit)) / norm)


def _moved(by: Numbers) -> Matrix:
    matrix = np.eye(3)
    matrix[:2, 2] = by
    return matrix


def _scaled(by: float) -> Matrix:
    return np.diag((by, by, 1.0))
