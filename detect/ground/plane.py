"""From pixels to metres on the ground and back, by a homography behind a lens that may bend straight lines.

Coordinates: pixels right and down from the picture's top left corner (a pixel's centre is at +0.5), metres east and
north of the plane's origin. The projective geometry of a plane is in Hartley & Zisserman, Multiple View Geometry, 2nd
ed. 2004, chapters 2 and 8; radial distortion in section 7.4.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import CalibrationRefused
from core.ground import GroundPlane

Points = NDArray[np.float64]
"""[..., 2]: pixels (x, y) or metres (east, north)."""

Numbers = NDArray[np.float64]

Matrix = NDArray[np.float64]
"""[3, 3]."""


class Plane:
    """A `GroundPlane` that can be computed with, in a picture of `size_px` (width, height).

    Raises `CalibrationRefused` for numbers that are no view of the ground from above it: seen from there the map is not
    mirrored, so that with w > 0 on the ground their determinant is negative.
    """

    def __init__(self, record: GroundPlane, size_px: tuple[int, int]) -> None:
        self.record = record
        self.size_px = size_px
        self.matrix: Matrix = np.array(record.image_to_ground, dtype=np.float64).reshape(3, 3)
        if not np.isfinite(self.matrix).all() or not np.linalg.det(self.matrix) < 0:
            raise CalibrationRefused(
                f"the ground plane {record.name!r} is no view of the ground from above: mirrored, upside down or flat",
                remedy="fit it again: busyness calibrate CONFIG CAMERA",
            )
        self._inverse: Matrix = np.asarray(np.linalg.inv(self.matrix), np.float64)

    def to_ground(self, px: ArrayLike) -> Points:
        """Metres [..., 2] where pixels [..., 2] lie on the ground; NaN at and above the horizon."""
        return applied(self.matrix, straightened(px, self.record.lens_k1, self.size_px))

    def to_picture(self, ground_m: ArrayLike) -> Points:
        """Pixels [..., 2] in which metres [..., 2] are seen, also outside the picture; NaN behind the camera."""
        return bent(applied(self._inverse, np.asarray(ground_m, np.float64)), self.record.lens_k1, self.size_px)

    def jacobian(self, px: ArrayLike) -> Numbers:
        """d metres / d pixels, [..., 2, 2], rows (east, north), columns (x, y); NaN at and above the horizon."""
        ideal_px = straightened(px, self.record.lens_k1, self.size_px)
        through_lens = straightening(px, self.record.lens_k1, self.size_px)
        slopes: Numbers = slope(self.matrix, ideal_px) @ through_lens
        return slopes

    def px_per_m(self, px: ArrayLike) -> Numbers:
        """Pixels to a metre across the view, [...], at the ground that pixels [..., 2] see; NaN above the horizon.

        Across the view is the way along which all is equally far: that of the horizon, with direction u. There w does
        not change, so that a pixel is |A u| / w metres, for A the upper left 2x2 of the homography. This is focal
        length over depth, the scale of whatever stands at that place and faces the camera, as pixel density is
        understood in EN 62676-4. A lens that bends stretches or squeezes it there.
        """
        u = along_horizon(self.matrix)
        through_lens = np.linalg.solve(straightening(px, self.record.lens_k1, self.size_px), u[:, None])[..., 0]
        w = straightened(px, self.record.lens_k1, self.size_px) @ self.matrix[2, :2] + self.matrix[2, 2]
        scale: Numbers = np.linalg.norm(through_lens, axis=-1) * scale_of(self.matrix, w)
        return scale


def applied(matrix: Matrix, points: Points) -> Points:
    """Points [..., 2] through a homography; NaN where their third coordinate is not positive."""
    homogeneous = points @ matrix[:, :2].T + matrix[:, 2]
    w = homogeneous[..., 2:]
    found: Points = homogeneous[..., :2] / np.where(w > 0, w, np.nan)
    return found


def slope(matrix: Matrix, points: Points) -> Numbers:
    """The derivative [..., 2, 2] of `applied` at points [..., 2]: (h_i - image_i h_3) / w."""
    w = points @ matrix[2, :2] + matrix[2, 2]
    w = np.where(w > 0, w, np.nan)
    image = applied(matrix, points)
    slopes: Numbers = (matrix[:2, :2] - image[..., :, None] * matrix[2, :2]) / w[..., None, None]
    return slopes


def along_horizon(matrix: Matrix) -> Points:
    """The unit vector [2] of the horizon's direction; any, for a camera that looks straight down and sees none."""
    steepest = float(np.hypot(*matrix[2, :2]))
    if steepest == 0:
        return np.array((1.0, 0.0))
    return np.array((-matrix[2, 1], matrix[2, 0])) / steepest


def scale_of(matrix: Matrix, w: Numbers) -> Numbers:
    """Pixels to a metre across the view, before the lens, where the homography's third coordinate is w > 0."""
    scale: Numbers = np.where(w > 0, w, np.nan) / np.linalg.norm(matrix[:2, :2] @ along_horizon(matrix))
    return scale


def straightened(px: ArrayLike, k1: float, size_px: tuple[int, int]) -> Points:
    """Where pixels [..., 2] would be seen by a lens that does not bend: see `GroundPlane.lens_k1`."""
    centre, half_diagonal = _axis(size_px)
    off = np.asarray(px, np.float64) - centre
    squared = np.sum(off**2, axis=-1, keepdims=True) / half_diagonal**2
    straight: Points = centre + off * (1 + k1 * squared)
    return straight


def straightening(px: ArrayLike, k1: float, size_px: tuple[int, int]) -> Numbers:
    """The derivative [..., 2, 2] of `straightened` at pixels [..., 2]."""
    centre, half_diagonal = _axis(size_px)
    off = (np.asarray(px, np.float64) - centre) / half_diagonal
    squared = np.sum(off**2, axis=-1)[..., None, None]
    slopes: Numbers = (1 + k1 * squared) * np.eye(2) + 2 * k1 * off[..., :, None] * off[..., None, :]
    return slopes


def bent(ideal_px: ArrayLike, k1: float, size_px: tuple[int, int]) -> Points:
    """The inverse of `straightened`: pixels [..., 2] as the lens shows them; NaN where it shows nothing.

    r of r (1 + k1 r^2) = R by Newton's method. With k1 < 0 the lens shows no more than R at its turning point, where
    r^2 = -1 / (3 k1); `GroundPlane` allows no k1 for which this lies within the picture.
    """
    ideal_px = np.asarray(ideal_px, np.float64)
    if k1 == 0:
        return ideal_px
    centre, half_diagonal = _axis(size_px)
    off = ideal_px - centre
    reach = np.linalg.norm(off, axis=-1) / half_diagonal
    if k1 < 0:
        turning = np.sqrt(-1 / (3 * k1))
        reach = np.where(reach < turning * 2 / 3, reach, np.nan)
        seen = reach.copy()
    else:
        seen = np.minimum(reach, np.cbrt(reach / max(k1, 1e-9)))
    for _ in range(_NEWTON_STEPS):
        seen = seen - (seen * (1 + k1 * seen**2) - reach) / (1 + 3 * k1 * seen**2)
    shrunk = np.divide(seen, reach, out=np.ones_like(seen), where=reach != 0)
    found: Points = centre + off * shrunk[..., None]
    return found


_NEWTON_STEPS = 30


def _axis(size_px: tuple[int, int]) -> tuple[Points, float]:
    """Where the lens's axis meets the picture, and the picture's half diagonal: pixels."""
    width, height = size_px
    return np.array((width / 2, height / 2)), float(np.hypot(width, height) / 2)
