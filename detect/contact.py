"""Where what a density map shows touches the ground: a zone drawn on the ground then holds those who stand in it.

A network that learnt to put a person's unit on the lower body puts it a little above the feet in the picture, so that
those at a zone's far edge are counted behind it, and those before its near edge in it. Where the ground plane is known
the zone is raised by as much. Without one it is not: how many pixels that is, is what is not known.

`lowres-2` was taught people at a fifth of their height, 0.34 m; on the synthetic street its density lies 0.22 m above
the feet (median of 558 people who stand alone), on labelled frames somewhat higher: 0.25 m is what its manifest says.
The density of a vehicle lies at the middle of the ground that it covers, to 0.3 m.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from pydantic import Field

from core.config import Closed
from core.ground import GroundPlane
from core.records import PointPx, Zone
from detect.ground.area import shown_share
from detect.ground.plane import Plane, Points, bent, scale_of, straightened
from detect.model import CountingModel
from detect.zones import encloses


class Contact(Closed):
    """How far above the ground density lies, metres: of people above their feet, of vehicles above their middle."""

    people: float = Field(default=0.0, ge=-2, le=2)
    vehicles: float = Field(default=0.0, ge=-2, le=2)


ON_THE_GROUND = Contact()
"""Box detectors give the middle of a box's lower edge."""


def contact_of(model: CountingModel) -> Contact:
    """Where a model's density lies, as far as it says so."""
    contact: Contact = getattr(model, "contact", ON_THE_GROUND)
    return contact


@dataclass(frozen=True)
class SeenGround:
    """The ground as a clip shows it: a camera's plane in a picture of `size_px` (width, height), whose view has moved
    by `shift_px` (right, down) since the plane was fitted; and how far above it a model's density lies."""

    plane: GroundPlane
    size_px: tuple[int, int]
    shift_px: tuple[int, int] = (0, 0)
    contact: Contact = ON_THE_GROUND

    def raised(self, zones: Sequence[Zone], height_m: float) -> tuple[Zone, ...]:
        """The zones where those who stand in them are shown `height_m` above the ground; as they are where they would
        not enclose an area there."""
        if height_m == 0:
            return tuple(zones)
        return tuple(
            zone if zone.polygon is None else zone.model_copy(update={"polygon": _raised(self, zone.polygon, height_m)})
            for zone in zones
        )

    def shown_share(self, polygon: tuple[PointPx, ...]) -> float:
        """Of the ground that a zone covers, the share that is in the picture: a moved view may have lost its edge."""
        return _shown_share(self, polygon)


@lru_cache(maxsize=1024)
def _raised(ground: SeenGround, polygon: tuple[PointPx, ...], height_m: float) -> tuple[PointPx, ...]:
    foot_px = np.array(polygon, dtype=np.float64)
    raised = tuple((float(x), float(y)) for x, y in above(ground, foot_px, height_m))
    # Through a lens edges are bent, and corners alone are raised: a sliver may fold, or shrink to nothing.
    return raised if encloses(raised) else polygon


@lru_cache(maxsize=1024)
def _shown_share(ground: SeenGround, polygon: tuple[PointPx, ...]) -> float:
    return shown_share(np.array(polygon, dtype=np.float64), Plane(ground.plane, ground.size_px), ground.shift_px)


def above(ground: SeenGround, foot_px: Points, height_m: float) -> Points:
    """Where the picture shows what is `height_m` above the ground that pixels [..., 2] show; where those show none, the
    same pixels.

    With the normal of the ground n = K' l / |K' l|, for the horizon l and K = diag(f, f, 1) about the picture's centre
    (Hartley & Zisserman 2004, section 8.6), a point at depth Z moves from x to (Z x - z f n_xy) / (Z - z n_z).
    Where the focal length f is not known what stands is taken to face the camera: n_z = 0.
    """
    plane, centre, k1 = Plane(ground.plane, ground.size_px), np.array(ground.size_px) / 2, ground.plane.lens_k1
    off = straightened(foot_px - ground.shift_px, k1, ground.size_px)
    fall = plane.matrix[2, :2]
    steepest = float(np.hypot(*fall))
    if steepest == 0:
        return foot_px  # it looks straight down: nobody is seen above their feet
    focal_px = ground.plane.focal_px
    down, deep = fall / steepest, 0.0
    if focal_px is not None:
        normal = np.array((*(focal_px * fall), plane.matrix[2] @ (*centre, 1.0)))
        normal /= np.linalg.norm(normal)
        down, deep = normal[:2], float(normal[2]) / focal_px
    rise_px = (height_m * scale_of(plane.matrix, off @ fall + plane.matrix[2, 2]))[..., None]
    shown = bent(centre + ((off - centre) - rise_px * down) / (1 - rise_px * deep), k1, ground.size_px)
    found: Points = np.where(np.isfinite(shown), shown + ground.shift_px, foot_px)
    return found


_STEPS = 2


def below(ground: SeenGround, shown_px: Points, height_m: float) -> Points:
    """The inverse of `above`: where the feet are of whom pixels [..., 2] show `height_m` above the ground."""
    foot_px = shown_px
    for _ in range(_STEPS if height_m else 0):  # the scale hardly changes over so small a height: it converges at once
        foot_px = foot_px + (shown_px - above(ground, foot_px, height_m))
    return foot_px
