"""A camera whose lens does not bend, above flat ground.

Pixels are right and down, metres east and north of the ground below the camera and up from it. The geometry is that of
Hartley & Zisserman, Multiple View Geometry, 2nd ed. 2004: a plane's picture in section 8.1, vanishing points in 8.6.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import cos, exp, sin

import numpy as np

from detect.ground.plane import Matrix, Numbers, Points, applied


@dataclass(frozen=True)
class Pinhole:
    """Where the camera is and how it looks.

    `pitch_rad` is how far it looks down, `roll_rad` how far its right side hangs down, `bearing_rad` where it looks,
    clockwise from north. `stretch` is the logarithm of a pixel's height to its width, `axis_px` where the axis meets
    the picture, right and down of its centre, in widths of a pixel: none of both for a perfect camera.
    """

    size_px: tuple[int, int]
    focal_px: float
    pitch_rad: float
    roll_rad: float
    height_m: float
    bearing_rad: float = 0.0
    stretch: float = 0.0
    axis_px: tuple[float, float] = (0.0, 0.0)

    @cached_property
    def axes(self) -> Matrix:
        """Rows: (east, north, up) of right in the picture, of down in it, and of where the camera looks."""
        ahead = np.array((sin(self.bearing_rad), cos(self.bearing_rad), 0.0))
        aside = np.array((cos(self.bearing_rad), -sin(self.bearing_rad), 0.0))
        up = np.array((0.0, 0.0, 1.0))
        axis = cos(self.pitch_rad) * ahead - sin(self.pitch_rad) * up
        down = -sin(self.pitch_rad) * ahead - cos(self.pitch_rad) * up
        right = cos(self.roll_rad) * aside + sin(self.roll_rad) * down
        return np.stack((right, cos(self.roll_rad) * down - sin(self.roll_rad) * aside, axis))

    @cached_property
    def _to_view(self) -> Matrix:
        """From pixels (x, y, 1) to their ray in units of depth: right, down and along the axis."""
        (width, height), (right, down), tall = self.size_px, self.axis_px, exp(self.stretch)
        rays = np.array(((1, 0, -width / 2 - right), (0, tall, -height / 2 * tall - down), (0, 0, self.focal_px)))
        return rays / self.focal_px

    @cached_property
    def _from_view(self) -> Matrix:
        """From right, down and along the axis to (x w, y w, w)."""
        return np.asarray(np.linalg.inv(self._to_view))

    @cached_property
    def image_to_ground(self) -> Matrix:
        """(east w, north w, w) = H (x, y, 1), Frobenius norm 1 and w > 0 below the horizon.

        The ray of a pixel meets the ground where it has fallen by the height: at height / fall times itself, with w its
        fall to a unit of depth.
        """
        rays = self.axes.T @ self._to_view
        homography: Matrix = np.stack((self.height_m * rays[0], self.height_m * rays[1], -rays[2]))
        return homography / np.linalg.norm(homography)

    def to_ground(self, px: Points) -> Points:
        """Metres [..., 2] where pixels [..., 2] lie on the ground; NaN at and above the horizon."""
        return applied(self.image_to_ground, px)

    def to_picture(self, ground_m: Points, up_m: Numbers | float = 0.0) -> Points:
        """Pixels [..., 2] of what is `up_m` above the ground at metres [..., 2]; NaN behind the camera."""
        up = np.broadcast_to(np.asarray(up_m, np.float64) - self.height_m, ground_m.shape[:-1])
        view = np.concatenate((ground_m, up[..., None]), axis=-1) @ self.axes.T
        return applied(self._from_view, view[..., :2] / np.where(view[..., 2:] > 0, view[..., 2:], np.nan))

    def vanishing(self, bearing_rad: float) -> Numbers:
        """(x w, y w, w) of the point in the picture in which level lines that lead there meet; w = 0 is at infinity."""
        leads = np.array((sin(bearing_rad), cos(bearing_rad), 0.0))
        return np.asarray(self._from_view @ self.axes @ leads)
