"""From bodies on the street to polygons in the picture: place, turn, cull, light, project and sort far to near."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.street.backdrop import Setting
from ingest.street.crowd import Crowd
from ingest.street.layout import FAR_M, HEIGHT_PX, WIDTH_PX, Floats, Street
from ingest.street.light import developed
from ingest.street.people import LIMBS, limbs
from ingest.street.solid import CORNERS, HEADLIGHT

SUBPIXEL_BITS = 4
GAIT_RAD_PER_M = 4.2
NEAREST_M = 1.5
LONG_BODY_M = 5.5
SMALLEST_FACE_PX2 = 0.15
SMALL_PERSON_PX = 11.0
_LIMB_ORDER = np.array((0.0, 1, 2, 3, 4, 5, 7, 8, 6))
_BAG_BEHIND = 9.0
_COARSE_LIMBS = np.array((True, True, True, True, False, False, True, True, False))
"""Arms and bags of small people are not drawn."""

Rows = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Bodies:
    """The solid faces of a whole crowd in one table, each with its row in the crowd (see `Solid`)."""

    corners_m: Floats
    normals: Floats
    colours: Floats
    lamp: NDArray[np.int8]
    line: Flags
    part_f_m: Floats
    row: Rows


def bodies(crowd: Crowd) -> Bodies:
    """Put everyone's faces together once a clip, so that a frame is a few array operations."""
    present = [(row, body) for row, body in enumerate(crowd.solids) if body is not None]

    def joined(name: str, *shape: int) -> Floats:
        return np.concatenate([getattr(body, name) for _, body in present]) if present else np.zeros(shape)

    return Bodies(
        corners_m=joined("corners_m", 0, CORNERS, 3),
        normals=joined("normals", 0, 3),
        colours=joined("colours", 0, 3),
        lamp=joined("lamp", 0).astype(np.int8),
        line=joined("line", 0).astype(bool),
        part_f_m=joined("part_f_m", 0),
        row=np.repeat(np.array([row for row, _ in present], np.int64), [len(body.line) for _, body in present]),
    )


@dataclass(frozen=True, eq=False)
class Poses:
    """Where everyone of a crowd is at one instant: street and world position, direction and distance, one row each."""

    s_m: Floats
    d_m: Floats
    x_m: Floats
    y_m: Floats
    sin: Floats
    cos: Floats
    """of the direction each faces, 0 being straight away from the camera"""
    distance_m: Floats
    near: Flags
    """may be in the picture"""

    @property
    def faces_away(self) -> Flags:
        return self.x_m * self.sin + self.y_m * self.cos > 0

    def placed(self, local: Floats, row: Rows) -> Floats:
        """Points [n, ..., 3] (forward, right, up) of these rows' bodies, in the world."""
        shape = (-1, *(1,) * (local.ndim - 2))
        sin, cos = self.sin[row].reshape(shape), self.cos[row].reshape(shape)
        f, r = local[..., 0], local[..., 1]
        x, y = self.x_m[row].reshape(shape) + f * sin + r * cos, self.y_m[row].reshape(shape) + f * cos - r * sin
        return np.stack((x, y, local[..., 2]), axis=-1)

    def turned(self, local: Floats, row: Rows) -> Floats:
        """Directions [n, 3] of these rows' bodies, in the world."""
        f, r, sin, cos = local[:, 0], local[:, 1], self.sin[row], self.cos[row]
        return np.stack((f * sin + r * cos, f * cos - r * sin, local[:, 2]), axis=-1)


def poses(place: Street, crowd: Crowd, t_s: float) -> Poses:
    """Everyone `t_s` into the clip."""
    s, d = crowd.street_position(t_s)
    x, y = place.to_world(s, d)
    travel = np.where(crowd.across, crowd.direction * (np.pi / 2), np.where(crowd.direction < 0, np.pi, 0.0))
    bearing = place.bearing(s) + travel + crowd.facing_rad
    distance = np.hypot(x, y)
    foot, depth = place.lens.project(np.stack((x, y, np.zeros_like(x)), axis=-1))
    margin = 12.0 * place.lens.focal_px / np.maximum(depth, 4.0)
    near = (y > 0.5) & (distance < FAR_M) & (foot[:, 0] > -margin) & (foot[:, 0] < WIDTH_PX + margin)
    return Poses(s, d, x, y, np.sin(bearing), np.cos(bearing), distance, near)


@dataclass(frozen=True, eq=False)
class _Sketch:
    """Polygons not yet sorted, one row each."""

    points_px: Floats
    """[polygons, CORNERS, 2]"""
    colours: Floats
    line: Flags
    lamp: NDArray[np.int8]
    row: Rows
    within: Floats
    """the order inside one body"""
    depth_m: Floats
    kept: Flags

    def __add__(self, other: _Sketch) -> _Sketch:
        names = ("points_px", "colours", "line", "lamp", "row", "within", "depth_m", "kept")
        return _Sketch(**{name: np.concatenate((getattr(self, name), getattr(other, name))) for name in names})


@dataclass(frozen=True, eq=False)
class Polygons:
    """What to draw, sorted far to near, and for each row of the crowd its box and its place in that order."""

    points: NDArray[np.int32]
    """[polygons, CORNERS, 2] in 1/16 px"""
    colours: list[list[float]]
    line: list[bool]
    row: Rows
    lamp: NDArray[np.int8]
    """[polygons] HEADLIGHT, TAILLIGHT or 0"""
    px_per_m: Floats
    """[polygons]"""
    boxes_px: Floats
    """[rows, 4] left, top, right, bottom, not clipped to the picture"""
    order_m: Floats
    """[rows] what the rows were sorted by: about their distance"""
    shown: Flags
    """[rows] at least partly in the picture"""


def polygons(where: Setting, crowd: Crowd, table: Bodies, at: Poses) -> Polygons:
    """Every polygon of every body that may be in the picture."""
    lamplight = _lamplight(where, at)
    drawn = _solids(where, crowd, table, at, lamplight) + _people(where, crowd, at, lamplight)
    boxes = _boxes(drawn.points_px, drawn.row, len(crowd.kinds))
    shown = at.near & (boxes[:, 2] > 0) & (boxes[:, 0] < WIDTH_PX) & (boxes[:, 3] > 0) & (boxes[:, 1] < HEIGHT_PX)
    shown[drawn.row[drawn.depth_m < NEAREST_M]] = False
    order = painting_order(where.place, crowd, at, shown)
    kept = np.flatnonzero(drawn.kept & shown[drawn.row])
    row = drawn.row[kept]
    sequence = np.lexsort((drawn.within[kept], row, -order[row]))
    kept, row = kept[sequence], row[sequence]
    points = np.round(drawn.points_px[kept] * (1 << SUBPIXEL_BITS))
    return Polygons(
        points=np.clip(points, -60_000, 60_000).astype(np.int32),
        colours=(np.clip(drawn.colours[kept], 0, 1) * 255).tolist(),
        line=drawn.line[kept].tolist(),
        row=row,
        lamp=drawn.lamp[kept],
        px_per_m=where.place.lens.focal_px / np.maximum(drawn.depth_m[kept], 0.5),
        boxes_px=boxes,
        order_m=order,
        shown=shown,
    )


def _solids(where: Setting, crowd: Crowd, table: Bodies, at: Poses, lamplight: Floats) -> _Sketch:
    """The faces that look at the camera."""
    faces = np.flatnonzero(at.near[table.row])
    row, lens = table.row[faces], where.place.lens
    world, normal = at.placed(table.corners_m[faces], row), at.turned(table.normals[faces], row)
    pixels, depth = lens.project(world)
    sight = world.mean(axis=1) - (0.0, 0.0, lens.height_m)
    toward_camera = np.einsum("ij,ij->i", normal, sight) < 0
    part = np.where(at.faces_away[row], -table.part_f_m[faces], table.part_f_m[faces])
    lamp = np.where(crowd.lamps_on[row] & (where.light.lamps > 0.05), table.lamp[faces], np.int8(0))
    colours = _shaded(where, table.colours[faces], normal, lamplight[row])
    colours[lamp == HEADLIGHT] = 1.0
    return _Sketch(
        points_px=pixels,
        colours=colours,
        line=table.line[faces],
        lamp=lamp.astype(np.int8),
        row=row,
        within=part * 100 + np.arange(len(row)) * 1e-4,
        depth_m=depth.min(axis=1),
        kept=(toward_camera & (_area(pixels) > SMALLEST_FACE_PX2)) | ~normal.any(axis=1),
    )


def _people(where: Setting, crowd: Crowd, at: Poses, lamplight: Floats) -> _Sketch:
    """The limbs of everyone who walks or rides, over what they ride."""
    people = np.flatnonzero(at.near[crowd.figure_row])
    row, lens = crowd.figure_row[people], where.place.lens
    figures = crowd.figures.of(people)
    ends, thick = limbs(figures, crowd.gone_m(at.s_m, at.d_m)[row] * GAIT_RAD_PER_M)
    ends_px, depth = lens.project(at.placed(ends, row))
    scale = lens.focal_px / np.maximum(depth, 0.5)
    within = np.tile(1e5 + _LIMB_ORDER, (len(people), 1))
    within[at.faces_away[row], LIMBS - 1] = 1e5 + _BAG_BEHIND
    colours, count = figures.colours.reshape(-1, 3), len(people) * LIMBS
    large = figures.height_m * scale[:, 0, 0] > SMALL_PERSON_PX
    return _Sketch(
        points_px=_strokes(ends_px, thick * scale / 2).reshape(-1, CORNERS, 2),
        colours=_shaded(where, colours, np.zeros_like(colours), np.repeat(lamplight[row], LIMBS)),
        line=np.zeros(count, bool),
        lamp=np.zeros(count, np.int8),
        row=np.repeat(row, LIMBS),
        within=within.reshape(-1),
        depth_m=depth.min(axis=2).reshape(-1),
        kept=(large[:, None] | _COARSE_LIMBS).reshape(-1),
    )


def painting_order(place: Street, crowd: Crowd, at: Poses, shown: Flags) -> Floats:
    """What to sort by, far to near: the distance, corrected where a long body stands beside others.

    Beside a long body the distances of the middles mislead: of two bodies side by side on the street, the one farther
    from the camera across the street is the one behind.
    """
    order = at.distance_m.copy()
    for row in np.flatnonzero(shown):
        body = crowd.solids[row]
        if body is None or body.length_m < LONG_BODY_M:
            continue
        across = bool(crowd.across[row])
        along, aside = (at.d_m, at.s_m) if across else (at.s_m, at.d_m)
        gap = np.abs(aside - (0.0 if across else place.camera_d_m))
        beside = shown & (np.abs(along - along[row]) < body.length_m / 2 + 2.0) & (np.abs(aside - aside[row]) > 1.0)
        behind, before = order[beside & (gap > gap[row])], order[beside & (gap < gap[row])]
        if len(behind):
            order[row] = min(order[row], float(behind.min()) - 0.01)
        if len(before):
            order[row] = max(order[row], float(before.max()) + 0.01)
    return order


def _lamplight(where: Setting, at: Poses) -> Floats:
    """How much of the street lamps reaches each row's foot, 0..1."""
    foot, _ = where.place.lens.project(np.stack((at.x_m, at.y_m, np.zeros_like(at.x_m)), axis=-1))
    xs = np.clip(foot[:, 0], 0, WIDTH_PX - 1).astype(int)
    ys = np.clip(foot[:, 1], 0, HEIGHT_PX - 1).astype(int)
    return np.asarray(where.scenery.lamplit[ys, xs], np.float64)


def _shaded(where: Setting, colours: Floats, normal: Floats, lamplight: Floats) -> Floats:
    """The brightness of surfaces [n, 3]: sky from above, sun from its side, lamps from above, and a little gloss."""
    light = where.light
    size = np.linalg.norm(normal, axis=1)
    up = np.clip(normal[:, 2] / np.maximum(size, 1e-6), 0, 1)
    toward_sun = normal @ np.array(where.sun) / np.maximum(size, 1e-6)
    level = np.where(size > 0, 0.66 + 0.30 * up, 0.80) * (1 + (0.12 + 0.6 * light.shadow) * toward_sun)
    lamps = light.lamplight * lamplight * (0.55 + 0.4 * up)
    fall = np.clip(level, 0.25, 1.5)[:, None] * light.ambient + lamps[:, None] * np.array(where.place.lamp_tint)
    gloss = np.where(size > 0, 0.02 + 0.05 * up, 0.0)[:, None] * (light.sky + lamps[:, None])
    return developed(colours * fall + gloss)


def _area(pixels: Floats) -> Floats:
    """The area of polygons [n, CORNERS, 2] in square pixels."""
    x, y = pixels[..., 0], pixels[..., 1]
    doubled = x * np.roll(y, -1, axis=-1) - np.roll(x, -1, axis=-1) * y
    return np.asarray(0.5 * np.abs(doubled.sum(axis=-1)))


def _strokes(ends_px: Floats, half_px: Floats) -> Floats:
    """Rounded strokes as polygons [people, limbs, CORNERS, 2] from both ends [.., 2, 2] and half widths [.., 2]."""
    a, b = ends_px[..., 0, :], ends_px[..., 1, :]
    half = np.maximum(half_px, 0.32)
    along = b - a
    along = along / np.maximum(np.hypot(along[..., 0], along[..., 1])[..., None], 1e-6)
    across = np.stack((-along[..., 1], along[..., 0]), axis=-1)
    wide_a, wide_b = across * half[..., :1], across * half[..., 1:]
    back, ahead = a - along * half[..., :1] * 0.6, b + along * half[..., 1:] * 0.6
    start = (a + wide_a, back + wide_a * 0.4, back - wide_a * 0.4, a - wide_a)
    end = (b - wide_b, ahead - wide_b * 0.4, ahead + wide_b * 0.4, b + wide_b)
    return np.stack((*start, *end), axis=-2)


def _boxes(points: Floats, row: Rows, count: int) -> Floats:
    """The box around each row's polygons, drawn or not."""
    boxes = np.tile(np.array((1e9, 1e9, -1e9, -1e9)), (count, 1))
    low, high = points.min(axis=1), points.max(axis=1)
    for axis in (0, 1):
        np.minimum.at(boxes[:, axis], row, low[:, axis])
        np.maximum.at(boxes[:, axis + 2], row, high[:, axis])
    return boxes
