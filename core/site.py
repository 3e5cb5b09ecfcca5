"""What an operator says of the place that a camera looks at: its zones, and what ties its picture to the ground.

One file a camera, which people can read and review. Geometry is in pixels of the camera's picture, x right and y down.
"""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from core.config import Closed
from core.ground import GroundPlane
from core.records import Identifier, PointPx, ZoneKind


def _one_line(words: str) -> str:
    if re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", words):
        raise ValueError("these are words on one line: leave out control characters and line breaks")
    return words


Ring = Annotated[tuple[PointPx, ...], Field(min_length=4, max_length=201)]
Words = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_line)]
"""What people call something: no control characters, which a terminal obeys and an SVG may not hold."""


class ZonePolygon(Closed):
    """One ring, whose last corner is its first, as GeoJSON has it."""

    type: Literal["Polygon"] = "Polygon"
    coordinates: tuple[Ring]

    @model_validator(mode="after")
    def _closed(self) -> Self:
        (ring,) = self.coordinates
        if ring[0] != ring[-1]:
            raise ValueError(f"the ring of a polygon ends where it begins: repeat its first corner {ring[0]}")
        return self


class ZoneProperties(Closed):
    """What a zone is. `effective_width_m` is the clear width that people walk in, where somebody has measured it."""

    name: Words
    kind: ZoneKind
    effective_width_m: PositiveFloat | None = Field(default=None, le=100)


class ZoneFeature(Closed):
    """A zone, shaped as a GeoJSON feature."""

    type: Literal["Feature"] = "Feature"
    id: Identifier
    properties: ZoneProperties
    geometry: ZonePolygon


class ZoneCollection(Closed):
    """The zones of a camera; they may overlap."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: tuple[ZoneFeature, ...] = Field(default=(), max_length=50)


class MapPoint(Closed):
    """A point on the ground that can be found in the picture and on a map. Errors are standard errors."""

    px: PointPx
    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    error_m: PositiveFloat = Field(default=0.3, le=20, description="of its place on the map")
    what: Words = Field(default="point", description="what it is: 'north corner of the island'")


class KnownLength(Closed):
    """Two points on the ground whose distance is known: a lane's width, a road marking. `what` names its source."""

    from_px: PointPx
    to_px: PointPx
    length_m: PositiveFloat = Field(le=200)
    error_m: PositiveFloat = Field(default=0.1, le=20)
    what: Words


class KnownHeight(Closed):
    """Something upright whose height is known: a bus, a lamp post. `what` names its source."""

    foot_px: PointPx
    top_px: PointPx
    height_m: PositiveFloat = Field(le=50)
    error_m: PositiveFloat = Field(default=0.1, le=10)
    what: Words


class ParallelLines(Closed):
    """Lines on the ground that are parallel: kerbs, lane lines. Each is two points on it, far apart."""

    lines: tuple[tuple[PointPx, PointPx], ...] = Field(min_length=2, max_length=20)
    bearing_deg: float | None = Field(
        default=None, ge=0, lt=360, description="where they lead, away from the camera, clockwise from north"
    )
    what: Words


class KnownSizes(Closed):
    """What is known of sizes in the scene, where no map has points of it."""

    lengths: tuple[KnownLength, ...] = Field(default=(), max_length=50)
    heights: tuple[KnownHeight, ...] = Field(default=(), max_length=50)
    parallels: tuple[ParallelLines, ...] = Field(default=(), max_length=10)


class Lens(Closed):
    """How the lens bends straight lines (`GroundPlane.lens_k1`), and how well pixels can be pointed at."""

    k1: float = Field(default=0.0, ge=-0.3, le=0.5)
    error_px: PositiveFloat = Field(default=1.0, le=20, description="standard error of a point in the picture")


class PointError(Closed):
    """How far a point of the calibration is off; metres on the ground, pixels in the picture.

    `left_out_m` is by the fit to all others; null where they do not suffice. A point that is not `used` was outvoted.
    """

    what: Words
    error_px: NonNegativeFloat
    error_m: NonNegativeFloat | None = None
    left_out_m: NonNegativeFloat | None = None
    used: bool = True


class Fit(Closed):
    """What a ground plane was fitted as. `of` is the hash of what it was fitted to: see `Site.ground_hash`.

    `covariance` is that of the nine numbers of `plane.image_to_ground`, 9x9 row-major. `warnings` say in words what is
    weak about it.
    """

    of: str = Field(pattern=r"^[0-9a-f]{32}$")
    plane: GroundPlane
    covariance: tuple[float, ...] = Field(min_length=81, max_length=81)
    points: tuple[PointError, ...] = ()
    warnings: tuple[str, ...] = ()


class Site(Closed):
    """One camera's zones and ground. `lat`, `lon` are the origin of its metres, near the camera.

    The ground is tied to the map by `map_points` (four or more) or, weaker, to the scene by `sizes`; with neither the
    camera has zones and no ground. `fitted` is made by `busyness calibrate` and by the page.
    """

    camera: Identifier
    width: PositiveInt = Field(default=352, le=7680, description="of the picture in which all of this is drawn, pixels")
    height: PositiveInt = Field(default=288, le=4320)
    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    note: str | None = Field(default=None, max_length=2000, description="who drew it, when, from what")
    zones: ZoneCollection = ZoneCollection()
    lens: Lens = Lens()
    map_points: tuple[MapPoint, ...] = Field(default=(), max_length=100)
    sizes: KnownSizes | None = None
    fitted: Fit | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.map_points and self.sizes is not None:
            raise ValueError("the ground is known from map_points or from sizes: give one of them")
        if self.fitted is not None and not self.map_points and self.sizes is None:
            raise ValueError("fitted: there is nothing that it could be fitted to: remove it")
        return self

    @property
    def ground_hash(self) -> str:
        """Names what the ground is fitted to: half of a SHA-256; zones have no part in it."""
        told = self.model_dump_json(include={"camera", "width", "height", "lat", "lon", "lens", "map_points", "sizes"})
        return hashlib.sha256(told.encode()).hexdigest()[:32]

    @property
    def plane_name(self) -> str:
        """What a plane fitted to this is called: `06710/3f2a91bc`."""
        return f"{self.camera}/{self.ground_hash[:8]}"
