"""Lines to check a ground plane by eye: a grid of metres where people can be counted, and the horizon. In pixels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from core.records import PointPx
from detect.ground.area import least_px_per_m
from detect.ground.outlines import followed
from detect.ground.plane import Plane, Points, straightened

STEP_M = 5.0
FARTHEST_M = 200.0
"""From the middle of what is seen: people are too small to be counted long before."""

_LOOK_PX = 8.0
_ALONG_M = 1.0

Line = tuple[PointPx, ...]


def ground_grid(plane: Plane, step_m: float = STEP_M) -> tuple[Line, ...]:
    """Lines east and lines north, `step_m` apart, where they lie in the picture and near enough to count people.

    A line has two points, and more behind a lens that bends it.
    """
    near_m = _near_ground(plane)
    if len(near_m) == 0:
        return ()
    middle = np.median(near_m, axis=0)
    low = np.maximum(near_m.min(axis=0), middle - FARTHEST_M)
    high = np.minimum(near_m.max(axis=0), middle + FARTHEST_M)
    return tuple(line for axis in (0, 1) for line in _lines(plane, axis, low, high, step_m))


def horizon(plane: Plane) -> tuple[PointPx, PointPx] | None:
    """Where the ground ends, from the left or upper edge of the picture to another; None where it does not show.

    Behind a lens that bends it these are its ends, and between them it is a curve.
    """
    width_px, height_px = map(float, plane.size_px)
    corners = np.array(((0.0, height_px), (0.0, 0.0), (width_px, 0.0), (width_px, height_px)))
    start = followed(corners, _LOOK_PX)
    end = np.roll(start, -1, axis=0)
    before, after = (
        straightened(px, plane.record.lens_k1, plane.size_px) @ plane.matrix[2, :2] + plane.matrix[2, 2]
        for px in (start, end)
    )
    meets = (before > 0) != (after > 0)
    share = before[meets] / (before[meets] - after[meets])
    ends = sorted(set(map(tuple, (start[meets] + share[:, None] * (end - start)[meets]).round(3).tolist())))
    if len(ends) < 2:
        return None
    (left, top), (right, low) = ends[0], ends[-1]
    return (left, top), (right, low)


def _near_ground(plane: Plane) -> Points:
    """Metres [n, 2] of places all over the picture that are near enough."""
    columns = np.arange(_LOOK_PX / 2, plane.size_px[0], _LOOK_PX)
    rows = np.arange(_LOOK_PX / 2, plane.size_px[1], _LOOK_PX)
    px = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    near: Points = plane.to_ground(px[_is_near(plane, px)])
    return near


def _is_near(plane: Plane, px: Points) -> NDArray[np.bool_]:
    """Which of pixels [..., 2] lie in the picture and see ground on which people are counted."""
    inside = np.all((px >= 0) & (px <= plane.size_px), axis=-1)
    near = np.zeros(inside.shape, dtype=np.bool_)
    near[inside] = np.nan_to_num(plane.px_per_m(px[inside])) >= least_px_per_m(plane.size_px)
    return near


def _lines(plane: Plane, axis: int, low: Points, high: Points, step_m: float) -> Iterator[Line]:
    """The lines on which the coordinate `axis` does not change."""
    across = np.arange(np.ceil(low[axis] / step_m), np.floor(high[axis] / step_m) + 1) * step_m
    along = np.arange(low[1 - axis], high[1 - axis] + _ALONG_M, _ALONG_M)
    if len(across) == 0:
        return
    ground_m = np.empty((len(across), len(along), 2))
    ground_m[..., axis], ground_m[..., 1 - axis] = across[:, None], along[None]
    px = plane.to_picture(ground_m)
    for line_px, near in zip(px, _is_near(plane, px), strict=True):
        edges = np.flatnonzero(np.diff(np.concatenate(([0], near.astype(np.int8), [0]))))
        for start, end in edges.reshape(-1, 2):
            if end - start > 1:
                kept = line_px[start:end] if plane.record.lens_k1 else line_px[[start, end - 1]]
                yield tuple((round(float(x), 2), round(float(y), 2)) for x, y in kept)
