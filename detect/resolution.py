"""How much of a person a camera may show: below the limit nobody can be recognised, and no worker sees more.

EN 62676-4:2015 grades what an operator can do by the pixels to a metre at the target: from 25 on somebody is detected,
from 62.5 observed, from 125 recognised by who knows them, from 250 identified. Counting needs none of the last two, so
a picture with a person at 125 px/m or more is reduced right after decoding: before its quality is judged, its view
looked at or anybody counted. A camera of which less than the smallest picture would be left is not counted at all.

Here it is decided how small a picture has to be, from figures alone; `detect/reduction.py` makes it so.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from math import ceil, inf

import numpy as np
from pydantic import Field

from core.config import Closed
from core.errors import BusynessError, ConfigError
from core.ground import GroundPlane
from core.records import Camera
from detect.ground.plane import Plane

SizePx = tuple[int, int]
"""Width and height."""

SMALLEST_PX: SizePx = (160, 120)
"""Of a picture that is counted, its longer and its shorter side. Of the people labelled in frames of 352x288, the
network that did not see their cameras counts two thirds when they are brought to 160x131, and half at 120x98."""

UPRIGHT_M = 1.7
"""How tall people are taken to be: the nearest of them are their heads, and those are what is recognised."""

ASSUMED_HEIGHT_M = 4.0
"""At which a camera is taken to hang where its plane does not tell: street cameras hang higher."""

_STEPS = 33

_ROUNDING = 1e-6


class ResolutionLimit(Closed):
    """How large people may be shown. Where a camera is calibrated its plane tells; elsewhere the nearest row of its
    picture is taken to show at least `assumed_width_m` metres of street, whose bounds are what a camera may hope for.
    """

    most_px_per_m: float = Field(
        default=125.0, gt=0, le=250, description="pixels to a metre at a person; one at or above it is not shown"
    )
    assumed_width_m: float = Field(
        default=4.0, ge=1, le=10, description="metres across the nearest row of a picture that is not calibrated"
    )


DEFAULT = ResolutionLimit()


class TooNear(BusynessError):
    """A camera shows people larger than may be, and reduced until it does not there is too little left to count."""


def allowed_size(size_px: SizePx, plane: GroundPlane | None, limit: ResolutionLimit) -> SizePx:
    """The size to which pictures of `size_px` have to be reduced; `size_px` itself where they show nobody too large.

    `plane` is the ground in them, None where it is not known. Raises `TooNear`.
    """
    px_per_m = people_px_per_m(size_px, plane, limit)
    if px_per_m < limit.most_px_per_m:
        return size_px
    factor = limit.most_px_per_m / px_per_m
    width_px, height_px = (max(0, ceil(side * factor - _ROUNDING) - 1) for side in size_px)  # below it, never at it
    if max(width_px, height_px) < SMALLEST_PX[0] or min(width_px, height_px) < SMALLEST_PX[1]:
        shown = f"up to {px_per_m:.0f} px a metre" if np.isfinite(px_per_m) else "at the height of their faces"
        raise TooNear(
            f"it shows people {shown}; to show them below {limit.most_px_per_m:g} its picture of "
            f"{size_px[0]}x{size_px[1]} would have to be {width_px}x{height_px}, too small to count in",
            remedy="let it see more of the street, or see detect.resolution"
            if plane is not None
            else "calibrate it where it shows more of the street than it is taken to, or see detect.resolution",
        )
    return width_px, height_px


def too_near(camera: Camera, limit: ResolutionLimit) -> TooNear | None:
    """Why `camera` may not be counted, by the size of its clips that it is configured with; None where it may."""
    try:
        allowed_size((camera.width, camera.height), camera.plane, limit)
    except TooNear as error:
        return error
    return None


def check_resolution(cameras: Iterable[Camera], limit: ResolutionLimit) -> None:
    """Raises `ConfigError` for the first camera that may not be counted: nothing starts with it."""
    for camera in cameras:
        near = too_near(camera, limit)
        if near is not None:
            raise ConfigError(f"camera {camera.id} may not be counted: {near.message}", remedy=near.remedy)


def people_px_per_m(size_px: SizePx, plane: GroundPlane | None, limit: ResolutionLimit) -> float:
    """The most pixels to a metre at which a picture of `size_px` can show an upright person, wherever they stand.

    Without a plane, or where it shows no ground, by what the nearest row is taken to show; the longer side counts, for
    a picture that stands upright may be one that lies on its side.
    """
    return (plane and _nearest_px_per_m(plane, size_px)) or max(size_px) / limit.assumed_width_m


@lru_cache(maxsize=4096)
def _nearest_px_per_m(plane: GroundPlane, size_px: SizePx) -> float | None:
    """Pixels to a metre at a head, anywhere in the picture and not in its zones alone: who walks beside them is a
    person too. None where no ground is seen.

    Where a head is seen, H = 1.7 m above the ground, the camera is nearer to it than to the ground in the same pixel by
    (h - H) / h, for a camera at the height h: it is shown at h / (h - H) of the ground's scale. That holds as well for
    heads whose feet are below the picture.
    """
    x, y = (np.linspace(0, side, _STEPS) for side in size_px)
    ground = Plane(plane, size_px).px_per_m(np.stack(np.meshgrid(x, y), axis=-1))
    if not np.isfinite(ground).any():
        return None
    height_m = plane.height_m or ASSUMED_HEIGHT_M
    return float(np.nanmax(ground)) * height_m / (height_m - UPRIGHT_M) if height_m > UPRIGHT_M else inf
