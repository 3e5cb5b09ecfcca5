"""Where the ground is in a camera's picture: what turns pixels into square metres, and how far that is off.

Metres are counted east and north of an origin (`LocalFrame`), pixels right and down from the picture's top left corner.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import cos, radians, sin, sqrt
from typing import Annotated

from pydantic import Field, NonNegativeFloat, PositiveFloat

from core.config import Closed

_EQUATOR_M, _FLATTENING = 6_378_137.0, 1 / 298.257223563  # WGS84

PlaneName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*/[0-9a-f]{8}$")]
"""Which calibration: the camera, and the beginning of the hash of what its ground was fitted to."""


class GroundMethod(StrEnum):
    """How a ground plane is known: it was rendered so; points were matched with a map; sizes in the scene are known.

    `sizes` is the weaker: lengths, heights and parallel lines leave more of the camera open than points of a map do.
    """

    RENDERED = "rendered"
    POINTS = "points"
    SIZES = "sizes"


class GroundPlane(Closed):
    """The plane that people and vehicles stand on, as a homography from pixels to metres.

    With the row-major 3x3 `image_to_ground`, (east w, north w, w) = H (x, y, 1), for the x, y in which a straight kerb
    is straight (see `lens_k1`), with Frobenius norm 1, w > 0 on the ground and 0 at the horizon. It holds for the
    picture in which the camera's zones are drawn. `error_m` is the root mean square distance on the ground between
    where the matched points are and where they should be, `left_out_m` the same for each point by the fit to the
    others; null where the method has no points. `height_m` is the camera's above the ground, `focal_px` its focal
    length, for nearly square pixels and a lens whose axis meets the picture near its centre; null where the plane does
    not tell them.
    """

    name: PlaneName
    method: GroundMethod
    lat: float = Field(ge=-90, le=90, description="of the origin of the metres, WGS84 degrees")
    lon: float = Field(ge=-180, le=180)
    image_to_ground: tuple[float, float, float, float, float, float, float, float, float]
    lens_k1: float = Field(
        default=0.0,
        ge=-0.3,
        le=0.5,
        description="radial distortion: a point seen at r half diagonals from the centre belongs at r (1 + k1 r^2)",
    )
    error_m: NonNegativeFloat | None = None
    left_out_m: NonNegativeFloat | None = None
    height_m: PositiveFloat | None = None
    height_error_m: PositiveFloat | None = Field(default=None, description="standard error")
    focal_px: PositiveFloat | None = None


class ZoneGround(Closed):
    """What a zone covers on the ground: the part of it that is near enough to count people in, and nothing else.

    `area_error` is the standard error of `area_m2` as a share of it, from the calibration's. `cut` says in words what
    was cut off because it is beyond the horizon or too far; null where nothing was. `length_m` is its longer extent.
    """

    plane: PlaneName
    area_m2: PositiveFloat
    area_error: NonNegativeFloat
    length_m: PositiveFloat
    outline: tuple[tuple[float, float], ...] = Field(min_length=3, description="(lon, lat) corners, WGS84 degrees")
    most_px_per_m: PositiveFloat = Field(description="pixels to a metre across the view, where it is nearest")
    least_px_per_m: PositiveFloat = Field(description="pixels to a metre across the view, where it is farthest")
    cut: str | None = Field(default=None, max_length=300)


class ObservedGround(Closed):
    """What was known of a zone's ground when a clip was counted: by it the count becomes a density.

    `area_m2` is of the part of the zone that was in the picture: a camera that has turned a little may have lost its
    edge. `crowded_share` is the share of the walkable area on which more than one person stood on 4 m2, the mean over
    the frames; null in a zone that is not walked in.
    """

    plane: PlaneName
    area_m2: PositiveFloat
    area_error: NonNegativeFloat
    crowded_share: float | None = Field(default=None, ge=0, le=1)


@dataclass(frozen=True)
class LocalFrame:
    """Metres east and north of a place, for streets: a few mm off at 100 m, 20 cm at 1 km (the meridians converge).

    The lengths of a degree from the radii of curvature of the ellipsoid in the prime vertical and in the meridian
    (Torge & Müller, Geodesy, 4th ed. 2012, section 4.1).
    """

    lat: float
    lon: float

    @property
    def _m_per_degree(self) -> tuple[float, float]:
        """Metres to a degree of longitude, and of latitude."""
        squared = _FLATTENING * (2 - _FLATTENING)
        bent = 1 - squared * sin(radians(self.lat)) ** 2
        prime, meridian = _EQUATOR_M / sqrt(bent), _EQUATOR_M * (1 - squared) / bent**1.5
        return radians(prime * cos(radians(self.lat))), radians(meridian)

    def metres(self, lat: float, lon: float) -> tuple[float, float]:
        """(east, north) of a place."""
        per_lon, per_lat = self._m_per_degree
        return (lon - self.lon) * per_lon, (lat - self.lat) * per_lat

    def degrees(self, east_m: float, north_m: float) -> tuple[float, float]:
        """(lat, lon) of a place."""
        per_lon, per_lat = self._m_per_degree
        return self.lat + north_m / per_lat, self.lon + east_m / per_lon
