"""Light over the synthetic street: where the sun is, how bright and which colour that makes the picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.floating[Any])
Colour = NDArray[np.float64]
"""Red, green, blue factors."""


@dataclass(frozen=True)
class Light:
    """What falls on the street at one moment."""

    sun_elevation_deg: float
    sun_azimuth_deg: float
    daylight: float
    """0 in the night .. 1 in full day."""
    lamps: float
    """0 off .. 1 on: street lamps, windows, headlights."""
    cloud: float
    """0 clear .. 1 overcast; a clear sky casts shadows."""
    ambient: Colour
    sky: Colour
    noise: float
    """Standard deviation of the sensor's noise in grey levels."""

    @property
    def lamplight(self) -> float:
        """How bright a street lamp's pool is, 0..0.75; by day the camera's iris is too small to see it."""
        return 0.75 * self.lamps * (1 - 0.8 * self.daylight)

    @property
    def shadow(self) -> float:
        """How dark a cast shadow is, 0..0.55."""
        high = min(1.0, max(0.0, (self.sun_elevation_deg - 2.0) / 8.0))
        return 0.55 * high * math.pow(1.0 - self.cloud, 0.7)


def developed(light: NDArray[Number]) -> NDArray[Number]:
    """Light to brightness 0..1, as a street camera's automatic exposure and soft shoulder give it."""
    return np.asarray(1 - np.exp(-2.1 * light), light.dtype)


def reflectance(rgb: Sequence[int] | Sequence[Sequence[int]]) -> NDArray[np.float64]:
    """What a surface must reflect to come out as these RGB values (0-255) in daylight: `developed` turned round."""
    return np.asarray(-np.log1p(-0.96 * np.array(rgb) / 255) / 2.1)


def sun_direction(light: Light, facing_deg: float) -> tuple[float, float, float]:
    """The unit vector to the sun for a camera looking along `facing_deg`: x right, y forward, z up, never level."""
    azimuth = math.radians(light.sun_azimuth_deg - facing_deg)
    rise = math.radians(max(4.0, light.sun_elevation_deg))
    return math.sin(azimuth) * math.cos(rise), math.cos(azimuth) * math.cos(rise), math.sin(rise)


def sun(moment: datetime, lat: float, lon: float) -> tuple[float, float]:
    """Elevation and azimuth (from north, clockwise) of the sun in degrees.

    Declination and equation of time after Spencer (1971), "Fourier series representation of the position of the sun".
    """
    day = moment.timetuple().tm_yday
    hours = moment.hour + moment.minute / 60 + moment.second / 3600
    turn = 2 * math.pi / 365 * (day - 1 + (hours - 12) / 24)
    equation_min = 229.18 * (
        0.000075 + 0.001868 * math.cos(turn) - 0.032077 * math.sin(turn)
        - 0.014615 * math.cos(2 * turn) - 0.040849 * math.sin(2 * turn)
    )  # fmt: skip
    declination = (
        0.006918 - 0.399912 * math.cos(turn) + 0.070257 * math.sin(turn) - 0.006758 * math.cos(2 * turn)
        + 0.000907 * math.sin(2 * turn) - 0.002697 * math.cos(3 * turn) + 0.00148 * math.sin(3 * turn)
    )  # fmt: skip
    hour_angle = math.radians((hours * 60 + equation_min + 4 * lon) / 4 - 180)
    phi = math.radians(lat)
    height = math.sin(phi) * math.sin(declination) + math.cos(phi) * math.cos(declination) * math.cos(hour_angle)
    azimuth = math.atan2(
        -math.sin(hour_angle), math.tan(declination) * math.cos(phi) - math.sin(phi) * math.cos(hour_angle)
    )
    return math.degrees(math.asin(max(-1.0, min(1.0, height)))), math.degrees(azimuth) % 360


def light(moment: datetime, lat: float, lon: float, seed: int) -> Light:
    """The light at a moment (UTC). Clouds follow the hours of the day slowly and are the same for a whole city."""
    elevation, azimuth = sun(moment, lat, lon)
    daylight = _smooth((elevation + 7.0) / 13.0)
    hours = np.random.default_rng((seed, moment.toordinal(), 5)).uniform(0, 1, 26)
    at = moment.hour + moment.minute / 60
    cloud = float(np.interp(at, np.arange(26), hours))
    low = max(0.0, 1.0 - abs(elevation - 1.0) / 9.0)
    night = np.array([0.10, 0.10, 0.13])
    day = np.array([1.0, 1.0, 1.0]) * (0.98 - 0.16 * cloud)
    ambient = night + (day - night) * daylight
    ambient = ambient * (
        1 + low * (1 - cloud) * np.array([0.10, 0.0, -0.10]) + low * cloud * np.array([-0.06, 0.0, 0.1])
    )
    blue, grey = np.array([0.72, 0.86, 1.0]), np.array([0.9, 0.92, 0.94])
    sky = (blue + (grey - blue) * min(1.0, cloud * 1.4)) * daylight + np.array([0.07, 0.07, 0.10]) * (1 - daylight)
    sky = sky * (1 + low * np.array([0.25, 0.02, -0.12]))
    return Light(
        sun_elevation_deg=elevation,
        sun_azimuth_deg=azimuth,
        daylight=daylight,
        lamps=_smooth((1.5 - elevation) / 4.0),
        cloud=cloud,
        ambient=ambient,
        sky=sky * (0.4 + 1.3 * daylight),
        noise=1.5 + 2.2 * (1 - daylight),
    )


def _smooth(share: float) -> float:
    share = min(1.0, max(0.0, share))
    return share * share * (3 - 2 * share)
