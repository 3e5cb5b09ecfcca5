"""Solids of flat faces, from which the vehicles of the synthetic street are built.

A solid lives in its own frame, in metres: f forward, r right, z up, origin on the ground below its middle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.street.layout import Floats
from ingest.street.light import reflectance

CORNERS = 8
"""Corners of every face; a face with fewer repeats its last one."""

HEADLIGHT, TAILLIGHT = 1, 2

TYRE = reflectance((18, 18, 19))
CLEAR, RUBY = reflectance((205, 210, 215)), reflectance((128, 12, 12))
FRONT_PLATE, REAR_PLATE = reflectance((190, 190, 184)), reflectance((184, 168, 76))

Point = tuple[float, float, float]
Span = tuple[float, float]
Section = tuple[float, float, float, float]
"""A level cut through a block: rear f, front f, half width, z."""


@dataclass(frozen=True, eq=False)
class Solid:
    """Faces of one body: corners [F, CORNERS, 3], outward normals [F, 3] (zero = seen from both sides), RGB [F, 3]."""

    corners_m: Floats
    normals: Floats
    colours: Floats
    lamp: NDArray[np.int8]
    line: NDArray[np.bool_]
    part_f_m: Floats
    """[F] how far forward the part of the body is that a face belongs to: the nearer part is drawn last"""
    length_m: float
    width_m: float
    height_m: float


class SolidBuilder:
    """Collects faces. Those of one part are drawn in the order in which they were added."""

    def __init__(self) -> None:
        self._corners: list[Floats] = []
        self._normals: list[Floats] = []
        self._colours: list[Floats] = []
        self._lamp: list[int] = []
        self._line: list[bool] = []
        self._part_f: list[float] = []
        self.part_f_m = 0.0
        """where the part is whose faces come next"""

    def face(self, points: list[Point], normal: Point, colour: Floats, *, lamp: int = 0, line: bool = False) -> None:
        """One face of at most CORNERS points, or with `line` its outline alone."""
        self._corners.append(np.array(points + [points[-1]] * (CORNERS - len(points)), float))
        self._normals.append(np.array(normal, float))
        self._colours.append(colour)
        self._lamp.append(lamp)
        self._line.append(line)
        self._part_f.append(self.part_f_m)

    def frustum(self, low: Section, high: Section, side: Floats, top: Floats, *, front: Floats | None = None) -> None:
        """A block from one level cut to another, open below."""
        (b0, b1, bw, bz), (t0, t1, tw, tz) = low, high
        rise = max(tz - bz, 1e-6)
        lean = (bw - tw) / rise
        self.face([(b0, -bw, bz), (b1, -bw, bz), (t1, -tw, tz), (t0, -tw, tz)], (0, -1, lean), side)
        self.face([(b0, bw, bz), (b1, bw, bz), (t1, tw, tz), (t0, tw, tz)], (0, 1, lean), side)
        self.face([(b0, -bw, bz), (b0, bw, bz), (t0, tw, tz), (t0, -tw, tz)], (-1, 0, (t0 - b0) / rise), side)
        ahead = side if front is None else front
        self.face([(b1, -bw, bz), (b1, bw, bz), (t1, tw, tz), (t1, -tw, tz)], (1, 0, (b1 - t1) / rise), ahead)
        self.face([(t0, -tw, tz), (t1, -tw, tz), (t1, tw, tz), (t0, tw, tz)], (0, 0, 1), top)

    def wheels(self, at_f: tuple[float, ...], half: float, radius: float) -> None:
        """Wheels on both sides."""
        for f in at_f:
            for side in (-1, 1):
                self.face(ring(f, side * (half + 0.02), radius), (0, side, 0), TYRE)

    def panel(self, end: int, f: float, across: Span, up: Span, colour: Floats, *, lamp: int = 0) -> None:
        """A rectangle on the front (`end` 1) or the rear (-1)."""
        f += 0.02 * end
        (r0, r1), (z0, z1) = across, up
        self.face([(f, r0, z0), (f, r1, z0), (f, r1, z1), (f, r0, z1)], (end, 0, 0), colour, lamp=lamp)

    def strip(self, side: int, half: float, along: Span, up: Span, colour: Floats) -> None:
        """A rectangle on the left (-1) or right (1) side."""
        r = side * (half + 0.02)
        (f0, f1), (z0, z1) = along, up
        self.face([(f0, r, z0), (f1, r, z0), (f1, r, z1), (f0, r, z1)], (0, side, 0), colour)

    def ends(self, rear_f: float, front_f: float, half: float, z: float) -> None:
        """Lights, grille and number plates at the height z."""
        for side in (-1, 1):
            outer = side * (half - 0.06)
            self.panel(1, front_f, (side * (half - 0.42), outer), (z - 0.1, z + 0.1), CLEAR, lamp=HEADLIGHT)
            self.panel(-1, rear_f, (side * (half - 0.3), outer), (z - 0.08, z + 0.14), RUBY, lamp=TAILLIGHT)
        self.panel(1, front_f, (-half + 0.45, half - 0.45), (z - 0.2, z + 0.08), TYRE)
        self.panel(1, front_f, (-0.26, 0.26), (z - 0.34, z - 0.22), FRONT_PLATE)
        self.panel(-1, rear_f, (-0.26, 0.26), (z - 0.3, z - 0.18), REAR_PLATE)

    def done(self, length_m: float, width_m: float, height_m: float) -> Solid:
        """The body."""
        return Solid(
            corners_m=np.array(self._corners),
            normals=np.array(self._normals),
            colours=np.array(self._colours),
            lamp=np.array(self._lamp, np.int8),
            line=np.array(self._line, bool),
            part_f_m=np.array(self._part_f),
            length_m=length_m,
            width_m=width_m,
            height_m=height_m,
        )


def ring(f: float, r: float, radius: float) -> list[Point]:
    """A wheel standing on the ground at f, r."""
    angles = np.linspace(0, 2 * np.pi, CORNERS, endpoint=False)
    return [(f + radius * float(np.cos(a)), r, radius * (1 + float(np.sin(a)))) for a in angles]
