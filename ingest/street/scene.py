"""Drawing the synthetic street: everyone over its backdrop, far to near, and the truth about who can be seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.figures import CLASSES
from ingest.frame import Pixels
from ingest.street.backdrop import Setting
from ingest.street.buildings import Occluder
from ingest.street.crowd import Crowd
from ingest.street.layout import HEIGHT_PX, WIDTH_PX, Floats
from ingest.street.polygons import SUBPIXEL_BITS, Bodies, Polygons, bodies, polygons, poses
from ingest.street.shade import cast_shadows, shine

MINIMUM_SIDE_PX = 6.0
MINIMUM_VISIBLE = 0.3
LARGE_PX = 15.0
"""Of a body cut off by the edge of the picture, this much shows what it is, whatever share of it that is."""
NOBODY = -1

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels."""

Owner = NDArray[np.int16]
"""[y, x]: which row of the crowd a pixel shows, or NOBODY"""


@dataclass(frozen=True)
class SceneObject:
    """One visible object: its class, the centre and size of its box in pixels, whether it stands still in the clip."""

    kind: str
    x: float
    y: float
    w: float
    h: float
    stationary: bool


@dataclass(frozen=True)
class SceneTruth:
    """What is visible in one frame. Who is hidden by more than 70 %, all but outside, or under 6 px is not in it."""

    offset_s: float
    objects: tuple[SceneObject, ...]


@dataclass(frozen=True, eq=False)
class Standing:
    """Where everyone is in one frame: those of a clip's crowd, in the same order in each of its frames."""

    offset_s: float
    kinds: NDArray[np.int8]
    """[present] index into CLASSES"""
    ground_m: Floats
    """[present, 2] metres east and north of the camera; of a vehicle, its middle"""
    seen: NDArray[np.bool_]
    """[present] whether it is in the `SceneTruth` of the frame"""


@dataclass(frozen=True, eq=False)
class Stage:
    """A clip ready to be drawn at any instant."""

    setting: Setting
    crowd: Crowd
    bodies: Bodies


def set_stage(setting: Setting, crowd: Crowd) -> Stage:
    """Bring a place and a crowd together."""
    return Stage(setting, crowd, bodies(crowd))


def draw(stage: Stage, t_s: float) -> Pixels:
    """The street as it is `t_s` into the clip, before the camera's own softness and noise. RGB uint8 [288, 352, 3]."""
    canvas = stage.setting.plate.copy()
    at = poses(stage.setting.place, stage.crowd, t_s)
    shown = polygons(stage.setting, stage.crowd, stage.bodies, at)
    cast_shadows(canvas, stage.setting, stage.crowd, at, shown)
    _paint(stage, shown, canvas)
    if stage.setting.light.lamps > 0.05:
        shine(canvas, stage.setting, shown)
    return canvas


def truth(stage: Stage, t_s: float, duration_s: float) -> SceneTruth:
    """Who can be seen `t_s` into a clip of `duration_s`."""
    at = poses(stage.setting.place, stage.crowd, t_s)
    still = stage.crowd.still(duration_s)
    return SceneTruth(
        t_s,
        tuple(
            SceneObject(
                CLASSES[stage.crowd.kinds[row]], (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0, bool(still[row])
            )
            for row, (x0, y0, x1, y1) in _seen(stage, polygons(stage.setting, stage.crowd, stage.bodies, at))
        ),
    )


def standing(stage: Stage, t_s: float) -> Standing:
    """Where everyone is `t_s` into a clip, whether they can be seen or not."""
    at = poses(stage.setting.place, stage.crowd, t_s)
    seen = np.zeros(len(stage.crowd.kinds), bool)
    for row, _ in _seen(stage, polygons(stage.setting, stage.crowd, stage.bodies, at)):
        seen[row] = True
    ground = np.stack(stage.setting.place.to_map(at.x_m, at.y_m), axis=-1)
    return Standing(t_s, stage.crowd.kinds, ground, seen)


def _seen(stage: Stage, shown: Polygons) -> Iterator[tuple[int, Box]]:
    """The rows of the crowd that can be seen by the rule of `SceneTruth`, each with its box."""
    owner = _owners(stage, shown)
    seen = np.bincount(owner[owner != NOBODY], minlength=len(stage.crowd.kinds))
    for row in np.flatnonzero(shown.shown & (seen > 4)):
        left, top, right, bottom = (float(edge) for edge in shown.boxes_px[row])
        alone = _alone(shown, int(row))
        x0, y0 = max(left, float(alone.left_px)), max(top, float(alone.top_px))
        x1, y1 = min(right, float(alone.right_px)), min(bottom, float(alone.bottom_px))
        unhidden = seen[row] / max(alone.covered_px, 1)
        inside = (x1 - x0) * (y1 - y0) / max((right - left) * (bottom - top), 1e-6)
        enters = inside >= MINIMUM_VISIBLE or min(x1 - x0, y1 - y0) >= LARGE_PX
        if max(x1 - x0, y1 - y0) >= MINIMUM_SIDE_PX and unhidden >= MINIMUM_VISIBLE and enters:
            yield int(row), (x0, y0, x1, y1)


def _occluders_before(stage: Stage, shown: Polygons) -> list[Occluder]:
    """The scenery that may hide someone, far things first."""
    left, top, right, bottom, distance = (column[:, None] for column in stage.setting.scenery.occluder_boxes.T)
    boxes = shown.boxes_px
    hides = shown.shown & (shown.order_m > distance)
    hides &= (boxes[:, 0] < right) & (boxes[:, 2] > left) & (boxes[:, 1] < bottom) & (boxes[:, 3] > top)
    found = [stage.setting.scenery.occluders[index] for index in np.flatnonzero(hides.any(axis=1))]
    return sorted(found, key=lambda occluder: -occluder.distance_m)


def _paint(stage: Stage, shown: Polygons, canvas: Pixels) -> None:
    """Draw everyone far to near; scenery that stands in front is put back over them."""
    hiding = _occluders_before(stage, shown)
    order = shown.order_m[shown.row].tolist()
    for points, colour, line, distance in zip(shown.points, shown.colours, shown.line, order, strict=True):
        while hiding and hiding[0].distance_m > distance:
            _put_back(stage.setting.plate, hiding.pop(0), canvas)
        if line:
            cv2.polylines(canvas, [points], True, colour, 1, cv2.LINE_AA, SUBPIXEL_BITS)
        else:
            cv2.fillConvexPoly(canvas, points, colour, cv2.LINE_AA, SUBPIXEL_BITS)
    for occluder in hiding:
        _put_back(stage.setting.plate, occluder, canvas)


def _area_of(occluder: Occluder) -> tuple[slice, slice]:
    height, width = occluder.mask.shape
    return slice(occluder.top_px, occluder.top_px + height), slice(occluder.left_px, occluder.left_px + width)


def _put_back(plate: Pixels, occluder: Occluder, canvas: Pixels) -> None:
    area = _area_of(occluder)
    cv2.copyTo(plate[area], occluder.mask, canvas[area])


def _owners(stage: Stage, shown: Polygons) -> Owner:
    """Who each pixel shows, in the same order as they are painted."""
    owner = np.full((HEIGHT_PX, WIDTH_PX), NOBODY, np.int16)
    hiding = _occluders_before(stage, shown)
    for points, row in zip(shown.points, shown.row.tolist(), strict=True):
        while hiding and hiding[0].distance_m > shown.order_m[row]:
            occluder = hiding.pop(0)
            owner[_area_of(occluder)][occluder.mask > 0] = NOBODY
        cv2.fillConvexPoly(owner, points, row, cv2.LINE_8, SUBPIXEL_BITS)
    for occluder in hiding:
        owner[_area_of(occluder)][occluder.mask > 0] = NOBODY
    return owner


@dataclass(frozen=True)
class _Alone:
    """What a body covers of the picture when nothing is in front of it."""

    left_px: int
    top_px: int
    right_px: int
    bottom_px: int
    covered_px: int


def _alone(shown: Polygons, row: int) -> _Alone:
    left, top, right, bottom = shown.boxes_px[row]
    x0, y0 = max(0, int(left) - 1), max(0, int(top) - 1)
    x1, y1 = min(WIDTH_PX, int(right) + 2), min(HEIGHT_PX, int(bottom) + 2)
    patch = np.zeros((y1 - y0, x1 - x0), np.uint8)
    for points in shown.points[shown.row == row]:
        shifted = points - np.array((x0, y0), np.int32) * (1 << SUBPIXEL_BITS)
        cv2.fillConvexPoly(patch, shifted, 1, cv2.LINE_8, SUBPIXEL_BITS)
    x, y, width, height = cv2.boundingRect(patch)
    return _Alone(x0 + x, y0 + y, x0 + x + width, y0 + y + height, int(np.count_nonzero(patch)))
