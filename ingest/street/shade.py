"""Light and dark around the people and vehicles of the synthetic street: cast shadows by day, headlights after dark."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ingest.frame import Pixels
from ingest.street.backdrop import Setting
from ingest.street.crowd import Crowd
from ingest.street.layout import HEIGHT_PX, WIDTH_PX
from ingest.street.polygons import SUBPIXEL_BITS, Polygons, Poses
from ingest.street.solid import HEADLIGHT, TAILLIGHT

_SMALL = 2
"""Shadows and glows are soft, so they are drawn this many times smaller."""
_UNITS = (1 << SUBPIXEL_BITS) // _SMALL
_SIZE = (WIDTH_PX // _SMALL, HEIGHT_PX // _SMALL)


def cast_shadows(canvas: Pixels, where: Setting, crowd: Crowd, at: Poses, shown: Polygons) -> None:
    """Darken the ground under everyone, and on the side away from the sun."""
    light, sun, lens = where.light, where.sun, where.place.lens
    rows = np.flatnonzero(shown.shown & (at.distance_m < 110))
    if not len(rows):
        return
    size = crowd.size_m[rows]
    sin, cos = at.sin[rows, None], at.cos[rows, None]
    f = np.array(((1.0, 1.0, -1.0, -1.0),)) * size[:, :1] * 0.515
    r = np.array(((1.0, -1.0, -1.0, 1.0),)) * size[:, 1:2] * 0.53
    x, y = at.x_m[rows, None] + f * sin + r * cos, at.y_m[rows, None] + f * cos - r * sin
    base, depth = lens.project(np.stack((x, y, np.zeros_like(x)), axis=-1))
    dark = np.zeros(_SIZE[::-1], np.uint8)
    if light.shadow > 0.04:
        length = np.minimum(size[:, 2] / sun[2], 8.0)[:, None]
        tip, far = lens.project(np.stack((x - sun[0] * length, y - sun[1] * length, np.zeros_like(x)), axis=-1))
        outline = np.round(np.concatenate((base, tip), axis=1) * _UNITS).astype(np.int32)
        for index in np.flatnonzero(np.minimum(depth, far).min(axis=1) > 1.0):
            cv2.fillConvexPoly(
                dark, cv2.convexHull(outline[index]), int(230 * light.shadow), cv2.LINE_AA, SUBPIXEL_BITS
            )
    contact = 60 + int(60 * light.daylight)
    for points in np.round(base[depth.min(axis=1) > 1.0] * _UNITS).astype(np.int32):
        cv2.fillConvexPoly(dark, points, contact, cv2.LINE_AA, SUBPIXEL_BITS)
    keep = cv2.resize(255 - cv2.blur(dark, (3, 3)), (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_LINEAR)
    cv2.multiply(canvas, cv2.merge((keep, keep, keep)), dst=canvas, scale=1 / 255)


def shine(canvas: Pixels, where: Setting, shown: Polygons) -> None:
    """Headlights and rear lights: a bright core, a bloom, and what headlights throw on the road."""
    strength = where.light.lamps * (1 - 0.75 * where.light.daylight)
    colours = {HEADLIGHT: (228, 236, 255), TAILLIGHT: (235, 34, 20)}
    core, pool = np.zeros((*_SIZE[::-1], 3), np.uint8), np.zeros((*_SIZE[::-1], 3), np.uint8)
    burning = _uncovered(where, shown)
    for index in burning:
        x, y = shown.points[index].mean(axis=0) / (1 << SUBPIXEL_BITS)
        kind, scale = int(shown.lamp[index]), shown.px_per_m[index]
        at = (int(x * _UNITS), int(y * _UNITS))
        tone = tuple(strength * level for level in colours[kind])
        if kind == HEADLIGHT:
            ahead, axes = int((y + 1.5 * scale) * _UNITS), (int(0.9 * scale * _UNITS), int(1.1 * scale * _UNITS))
            faint = tuple(0.3 * level for level in tone)
            cv2.ellipse(pool, (at[0], ahead), axes, 0, 0, 360, faint, -1, cv2.LINE_AA, SUBPIXEL_BITS)
        radius = (0.2 if kind == HEADLIGHT else 0.12) * scale * _UNITS
        cv2.circle(core, at, max(_UNITS, int(radius)), tone, -1, cv2.LINE_AA, SUBPIXEL_BITS)
    if len(burning):
        wide = cv2.resize(cv2.add(core, pool), (_SIZE[0] // 2, _SIZE[1] // 2), interpolation=cv2.INTER_AREA)
        wide = cv2.resize(cv2.GaussianBlur(wide, (0, 0), 1.7), _SIZE, interpolation=cv2.INTER_LINEAR)
        bloom = cv2.addWeighted(cv2.blur(core, (3, 3)), 1.0, wide, 1.2, 0)
        cv2.add(canvas, cv2.resize(bloom, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_LINEAR), dst=canvas)


def _uncovered(where: Setting, shown: Polygons) -> NDArray[np.int64]:
    """The lamps in the picture that nobody nearer (judged by their boxes) and no scenery stands before."""
    lamps = np.flatnonzero(shown.lamp)
    centres = shown.points[lamps].mean(axis=1) / (1 << SUBPIXEL_BITS)
    inside = np.all((centres > -20) & (centres < (WIDTH_PX + 20, HEIGHT_PX + 20)), axis=1)
    lamps, x, y = lamps[inside], centres[inside, :1], centres[inside, 1:]
    order = shown.order_m[shown.row[lamps]][:, None]
    left, top, right, bottom = shown.boxes_px.T
    before = shown.shown & (shown.order_m < order - 0.5) & (left < x) & (x < right) & (top < y) & (y < bottom)
    left, top, right, bottom, distance = where.scenery.occluder_boxes.T
    behind = (distance < order) & (left <= x) & (x < right) & (top <= y) & (y < bottom)
    covered = before.any(axis=1)
    for lamp, occluder in zip(*np.nonzero(behind & ~covered[:, None]), strict=True):
        scenery = where.scenery.occluders[occluder]
        covered[lamp] |= scenery.mask[int(y[lamp, 0]) - scenery.top_px, int(x[lamp, 0]) - scenery.left_px] > 0
    return np.asarray(lamps[~covered], np.int64)
