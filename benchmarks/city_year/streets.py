"""A made-up city of which every level is known: cameras, zones, and how many are there at any time of a year.

What varies around the levels is drawn a local day at a time (`days.py`); nothing here is random but the streets' own
size, peak and season.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.figures import CLASSES
from core.ground import ZoneGround
from core.records import Camera, Zone, ZoneKind

Numbers = NDArray[np.float64]

QUARTERS = 96
"""Quarters of a day, by the local clock; one of 23 or 25 hours has the same profile, shifted."""

KINDS = (ZoneKind.PAVEMENT, ZoneKind.CROSSING, ZoneKind.CARRIAGEWAY)
_PRESENT = {
    ZoneKind.PAVEMENT: (3.5, 0.15, 0.02, 0.25, 0.06, 0.02, 0.03),
    ZoneKind.CROSSING: (1.5, 0.25, 0.1, 1.2, 0.3, 0.1, 0.15),
    ZoneKind.CARRIAGEWAY: (0.2, 0.4, 0.25, 4.0, 1.1, 0.35, 0.45),
}
"""Mean numbers present in a busy hour, by class in the order of `CLASSES`."""


@dataclass(frozen=True, eq=False)
class City:
    """`cameras` with three zones each; `zones` are those of all cameras by position, which every array here shares.

    `level` [zone, class]: mean number present in a busy hour; `week` [zone, weekday, quarter]: how busy that is of it;
    `season` [zone]: half the difference between the busiest and the quietest time of the year; `camera` [zone].
    """

    cameras: tuple[Camera, ...]
    zones: tuple[str, ...]
    camera: NDArray[np.int64]
    level: Numbers
    week: Numbers
    season: Numbers
    area_m2: Numbers

    @classmethod
    def of(cls, cameras: int, random: np.random.Generator) -> City:
        known = tuple(_camera(number, random) for number in range(cameras))
        zones = tuple(zone.id for camera in known for zone in camera.zones)
        level = np.array([_PRESENT[zone.kind] for camera in known for zone in camera.zones])
        level = level * random.lognormal(0.0, 0.7, (len(zones), 1)) * random.lognormal(0.0, 0.2, level.shape)
        area = [zone.ground.area_m2 if zone.ground else np.nan for camera in known for zone in camera.zones]
        return cls(
            cameras=known,
            zones=zones,
            camera=np.repeat(np.arange(cameras), len(KINDS)),
            level=level,
            week=_weeks(len(zones), random),
            season=random.uniform(0.0, 0.3, len(zones)),
            area_m2=np.array(area),
        )

    def present(self, weekday: int, day_of_year: int, quarters: int) -> Numbers:
        """Mean numbers present, [quarter, zone, class]."""
        season = 1.0 - self.season * np.cos(2 * np.pi * day_of_year / 365)
        week = np.resize(self.week[:, weekday].T, (quarters, len(self.zones)))
        return (week * season)[:, :, None] * self.level

    def __post_init__(self) -> None:
        assert self.level.shape == (len(self.zones), len(CLASSES))


def _camera(number: int, random: np.random.Generator) -> Camera:
    identity = f"{number:05d}"
    lat, lon = 51.5 + random.normal(0, 0.04), -0.12 + random.normal(0, 0.08)
    calibrated = number % 3 == 0
    zones = tuple(
        Zone(
            id=f"{identity}:{kind}",
            name=kind.value,
            kind=kind,
            polygon=((0, 96 * row), (352, 96 * row), (352, 96 * row + 96), (0, 96 * row + 96)),
            effective_width_m=2.5 if calibrated and kind is ZoneKind.PAVEMENT else None,
            ground=_ground(identity, lat, lon, 90.0 + 60.0 * row) if calibrated else None,
        )
        for row, kind in enumerate(KINDS)
    )
    return Camera(
        id=identity,
        name=f"Street {number}",
        lat=lat,
        lon=lon,
        timezone="Europe/London",
        cadence_s=300,
        zones=zones,
    )


def _ground(camera: str, lat: float, lon: float, area_m2: float) -> ZoneGround:
    return ZoneGround(
        plane=f"{camera}/0123abcd",
        area_m2=area_m2,
        area_error=0.05,
        length_m=20.0,
        outline=((lon, lat), (lon + 2e-4, lat), (lon + 2e-4, lat + 1e-4), (lon, lat + 1e-4)),
        most_px_per_m=30.0,
        least_px_per_m=8.0,
    )


def _weeks(zones: int, random: np.random.Generator) -> Numbers:
    """[zone, weekday, quarter] of how busy it is, 1 in a busy hour: two peaks on working days, one at weekends."""
    hour = np.arange(QUARTERS) / 4

    def peak(center: Numbers, width: float) -> Numbers:
        return np.exp(-0.5 * ((hour - center[:, None]) / width) ** 2)

    shift = random.normal(0.0, 0.5, zones)
    evening = random.uniform(0.2, 1.0, (zones, 1))
    working = 0.9 * peak(8.5 + shift, 1.2) + peak(17.5 + shift, 1.6) + 0.6 * peak(13 + shift, 3.0)
    weekend = 0.9 * peak(14.5 + shift, 3.5) + 0.4 * evening * peak(20 + shift, 2.0)
    days = np.stack([working] * 5 + [weekend] * 2, axis=1)
    return 0.04 + days * random.lognormal(0.0, 0.1, (zones, 7, 1))
