"""What is known of sizes in a scene, as equations that a camera fits or does not: its cues.

A cue says how far a camera is from it and what of that the stated errors explain: those of points in the picture, by
the camera's own geometry, and that of the known size (first order: Hartley & Zisserman, 2nd ed. 2004, section 5.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians, remainder, sin, tau
from typing import Protocol

import numpy as np

from core.site import KnownHeight, KnownLength, ParallelLines, Site
from detect.ground.pinhole import Pinhole
from detect.ground.plane import Matrix, Numbers, Points, slope, straightened, straightening

BEARING_ERROR_RAD = radians(3.0)
"""Standard error of `ParallelLines.bearing_deg`: the direction of a street as read from a map without instruments."""

_STEP_PX, _STEP_M = 0.25, 0.01


@dataclass(frozen=True)
class Stand:
    """A camera, and where each set of parallel lines leads: clockwise from where the camera looks, radians."""

    camera: Pinhole
    headings_rad: tuple[float, ...] = ()


@dataclass(frozen=True)
class Marked:
    """Points in the picture as a lens that does not bend would show them, and their covariance."""

    px: Points
    """[point, 2]."""
    covariance_px2: Numbers
    """[point, 2, 2]."""

    @classmethod
    def of(cls, points: tuple[tuple[float, float], ...], site: Site) -> Marked:
        seen, size_px = np.array(points, dtype=np.float64), (site.width, site.height)
        through_lens = straightening(seen, site.lens.k1, size_px)
        covariance = site.lens.error_px**2 * through_lens @ np.swapaxes(through_lens, -1, -2)
        return cls(straightened(seen, site.lens.k1, size_px), covariance)


class Cue(Protocol):
    """Something known of the scene. `item` names it as its file does, `on_ground` are its points that lie there."""

    @property
    def item(self) -> str: ...

    @property
    def on_ground(self) -> Points: ...

    def misfit(self, stand: Stand) -> Numbers:
        """How far the camera is from it, [k]; NaN where it cannot be seen so at all."""

    def variance(self, stand: Stand) -> Matrix:
        """Covariance [k, k] of `misfit` by the stated errors."""

    def off(self, stand: Stand) -> tuple[float, float | None]:
        """How far the camera is from it in pixels, and in metres where it is a size."""


@dataclass(frozen=True)
class LengthCue:
    """Two points on the ground and their distance: misfit in metres."""

    item: str
    ends: Marked
    length_m: float
    error_m: float

    @property
    def on_ground(self) -> Points:
        return self.ends.px

    def misfit(self, stand: Stand) -> Numbers:
        start, end = stand.camera.to_ground(self.ends.px)
        return np.array((np.hypot(*(end - start)) - self.length_m,))

    def _m_per_px(self, stand: Stand) -> Points:
        """How the length grows as either end moves in the picture, [end, 2]."""
        start, end = stand.camera.to_ground(self.ends.px)
        along = (end - start) / np.hypot(*(end - start))
        slopes = slope(stand.camera.image_to_ground, self.ends.px)
        return np.stack((-along @ slopes[0], along @ slopes[1]))

    def variance(self, stand: Stand) -> Matrix:
        grows = self._m_per_px(stand)
        return np.atleast_2d(self.error_m**2 + np.einsum("pi,pij,pj", grows, self.ends.covariance_px2, grows))

    def off(self, stand: Stand) -> tuple[float, float | None]:
        off_m = abs(float(self.misfit(stand)[0]))
        return off_m / float(np.linalg.norm(self._m_per_px(stand), axis=-1).max()), off_m


@dataclass(frozen=True)
class HeightCue:
    """Something upright, its foot on the ground: misfit of its top, in pixels right and down."""

    item: str
    marks: Marked
    """Foot and top."""
    height_m: float
    error_m: float

    @property
    def on_ground(self) -> Points:
        return self.marks.px[:1]

    def _top(self, stand: Stand, foot_px: Points, height_m: Numbers | float) -> Points:
        return stand.camera.to_picture(stand.camera.to_ground(foot_px), height_m)

    def _px_per_m(self, stand: Stand) -> Numbers:
        foot, higher = self.marks.px[0], self.height_m + _STEP_M
        grows: Numbers = (self._top(stand, foot, higher) - self._top(stand, foot, self.height_m)) / _STEP_M
        return grows

    def misfit(self, stand: Stand) -> Numbers:
        off: Numbers = self._top(stand, self.marks.px[0], self.height_m) - self.marks.px[1]
        return off

    def variance(self, stand: Stand) -> Matrix:
        steps = _STEP_PX * np.eye(2)
        foot = self.marks.px[0]
        moved = self._top(stand, foot + steps, self.height_m) - self._top(stand, foot - steps, self.height_m)
        by_foot, by_height = moved.T / (2 * _STEP_PX), self._px_per_m(stand)
        variance: Matrix = (
            self.marks.covariance_px2[1]
            + by_foot @ self.marks.covariance_px2[0] @ by_foot.T
            + self.error_m**2 * np.outer(by_height, by_height)
        )
        return variance

    def off(self, stand: Stand) -> tuple[float, float | None]:
        misfit, upward = self.misfit(stand), self._px_per_m(stand)
        return float(np.hypot(*misfit)), abs(float(misfit @ upward)) / float(upward @ upward)


@dataclass(frozen=True)
class LineCue:
    """A line of a set of parallel ones: how far its ends are beside the line from its middle to the vanishing point.

    So the error is in pixels of the points that were marked, not in those of a vanishing point that may be far away
    (Caprile & Torre 1990, International Journal of Computer Vision 4, 127-139, on what such points tell of a camera).
    """

    item: str
    ends: Marked
    heading: int
    """Index of its set."""

    @property
    def on_ground(self) -> Points:
        return self.ends.px

    def _across(self, stand: Stand) -> Points:
        x, y, w = stand.camera.vanishing(stand.camera.bearing_rad + stand.headings_rad[self.heading])
        middle = self.ends.px.mean(axis=0)
        along = np.array((x, y)) - middle * w
        return np.array((-along[1], along[0])) / float(np.hypot(*along))

    def misfit(self, stand: Stand) -> Numbers:
        return np.array((self._across(stand) @ (self.ends.px[1] - self.ends.px[0]) / 2,))

    def variance(self, stand: Stand) -> Matrix:
        across = self._across(stand)
        return np.atleast_2d(across @ self.ends.covariance_px2.sum(axis=0) @ across / 4)

    def off(self, stand: Stand) -> tuple[float, float | None]:
        return abs(float(self.misfit(stand)[0])), None


@dataclass(frozen=True)
class BearingCue:
    """Where a set of parallel lines leads on the map: misfit in radians."""

    item: str
    bearing_rad: float
    heading: int

    @property
    def on_ground(self) -> Points:
        return np.empty((0, 2))

    def misfit(self, stand: Stand) -> Numbers:
        leads = stand.camera.bearing_rad + stand.headings_rad[self.heading]
        return np.array((remainder(leads - self.bearing_rad, tau),))

    def variance(self, stand: Stand) -> Matrix:  # noqa: ARG002 - the same for every camera
        return np.atleast_2d(BEARING_ERROR_RAD**2)

    def off(self, stand: Stand) -> tuple[float, float | None]:
        """In pixels that the vanishing point moves by, for small angles near the axis."""
        return abs(float(self.misfit(stand)[0])) * stand.camera.focal_px, None


def cues_of(site: Site) -> tuple[Cue, ...]:
    """All that `site.sizes` says."""
    if site.sizes is None:
        return ()
    sizes = site.sizes
    found: list[Cue] = [_length(site, known) for known in sizes.lengths]
    found += [_height(site, known) for known in sizes.heights]
    for heading, parallel in enumerate(sizes.parallels):
        found += [
            LineCue(f"line {number} of {parallel.what!r}", Marked.of(ends, site), heading)
            for number, ends in enumerate(parallel.lines, 1)
        ]
        if parallel.bearing_deg is not None:
            found.append(BearingCue(f"the bearing of {parallel.what!r}", radians(parallel.bearing_deg), heading))
    return tuple(found)


def _length(site: Site, known: KnownLength) -> LengthCue:
    ends = Marked.of((known.from_px, known.to_px), site)
    return LengthCue(f"length {known.what!r}", ends, known.length_m, known.error_m)


def _height(site: Site, known: KnownHeight) -> HeightCue:
    marks = Marked.of((known.foot_px, known.top_px), site)
    return HeightCue(f"height {known.what!r}", marks, known.height_m, known.error_m)


def heading_of(camera: Pinhole, parallel: ParallelLines, site: Site) -> float:
    """Where lines lead as this camera sees them, away from it: radians clockwise from where it looks.

    The mean of twice the angles, which is the same for either end of a line, halved (Mardia & Jupp, Directional
    Statistics, 2000, section 1.1).
    """
    doubled = np.zeros(2)
    for ends in parallel.lines:
        start, end = camera.to_ground(Marked.of(ends, site).px)
        angle = 2 * np.arctan2(*(end - start))
        doubled += (sin(angle), cos(angle))
    leads = float(np.arctan2(*doubled)) / 2
    return remainder(leads - camera.bearing_rad, tau / 2)
