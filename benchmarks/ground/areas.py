"""Areas of zones from six points that were pointed at with an error of a pixel, against the true ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.ground import LocalFrame
from core.records import Camera
from core.site import Lens, MapPoint, Site
from detect.error_model import Z_90
from detect.ground.fitting import fit
from detect.ground.outlines import signed_area
from detect.ground.plane import Plane
from detect.ground.sited import grounded
from detect.zones import coverage
from ingest.synthetic import SyntheticConfig, SyntheticStreet

CAMERAS, ZONED = 16, 8
"""Of a city, and those of them that have zones: every second one."""

POINTS, ERROR_PX, MAP_ERROR_M = 6, 1.0, 0.01

EDGE_PX = range(4)
"""So near the picture's edge no point is taken: pointed at with its error it would lie outside."""


@dataclass(frozen=True)
class AreaFigures:
    """Over zones: |told / true - 1|, and the share of them whose truth the told error holds."""

    zones: int
    mean: float
    median: float
    most: float
    coverage: float


def areas(seeds: Iterable[int]) -> AreaFigures:
    """Of every zone of the cities with these seeds."""
    off, told = np.array([error for seed in seeds for camera in city(seed) for error in _errors(camera, seed)]).T
    return AreaFigures(
        zones=len(off),
        mean=float(off.mean()),
        median=float(np.median(off)),
        most=float(off.max()),
        coverage=float((off <= Z_90 * told).mean()),
    )


def city(seed: int) -> tuple[Camera, ...]:
    """The cameras of a city that have zones."""
    street = SyntheticStreet(SyntheticConfig(seed=seed, cameras=CAMERAS, cadence_s=300))
    return tuple(camera for camera in street.cameras if camera.zones)


def calibrated(camera: Camera, seed: int) -> Camera:
    """The camera with the ground that is fitted to points of it, in place of its true one."""
    return grounded(camera, fit(matched(camera, np.random.default_rng((seed, int(camera.id[-2:]), 61)))))


def matched(camera: Camera, random: np.random.Generator) -> Site:
    """Six points of the camera's zones, where an operator would seek them: as far apart as they can be."""
    assert camera.plane is not None
    frame, plane = LocalFrame(camera.lat, camera.lon), Plane(camera.plane, (camera.width, camera.height))
    points_px = _spread(_within(grounded(camera)), random)
    pointed_px = points_px + random.normal(0, ERROR_PX, points_px.shape)
    return Site(
        camera=camera.id,
        width=camera.width,
        height=camera.height,
        lat=camera.lat,
        lon=camera.lon,
        lens=Lens(error_px=ERROR_PX),
        map_points=tuple(
            MapPoint(px=(x, y), lat=lat, lon=lon, error_m=MAP_ERROR_M)
            for (x, y), (lat, lon) in zip(
                pointed_px.tolist(), (frame.degrees(*metres) for metres in plane.to_ground(points_px)), strict=True
            )
        ),
    )


def true_area_m2(camera: Camera, truth: Camera) -> dict[str, float]:
    """What the zones of `camera`, as they are counted, cover by the true plane, by zone."""
    assert truth.plane is not None
    plane = Plane(truth.plane, (truth.width, truth.height))
    return {zone.id: abs(signed_area(plane.to_ground(zone.polygon))) for zone in camera.zones if zone.polygon}


def _errors(camera: Camera, seed: int) -> Iterator[tuple[float, float]]:
    """Of each zone |told / true - 1|, and the error that is told with it."""
    found = calibrated(camera, seed)
    true_m2 = true_area_m2(found, camera)
    for zone in found.zones:
        if zone.ground is not None:
            yield abs(zone.ground.area_m2 / true_m2[zone.id] - 1), zone.ground.area_error


def _within(camera: Camera) -> NDArray[np.float64]:
    """The middles of the pixels that lie in a zone of the camera and not at the picture's edge, [pixel, 2]."""
    shares = [coverage(zone, camera.width, camera.height, camera.height, camera.width) for zone in camera.zones]
    inside = np.maximum.reduce(shares) >= 1.0
    inside[[*EDGE_PX, *(-1 - row for row in EDGE_PX)]] = False
    inside[:, [*EDGE_PX, *(-1 - column for column in EDGE_PX)]] = False
    rows, columns = np.nonzero(inside)
    return np.stack((columns, rows), axis=-1) + 0.5


def _spread(points_px: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """The point farthest from those taken before it, again and again, among 200 of them (Gonzalez 1985)."""
    found = random.choice(points_px, 200, replace=False)
    taken = [int(np.argmax(np.linalg.norm(found - found.mean(axis=0), axis=-1)))]
    while len(taken) < POINTS:
        apart = np.linalg.norm(found[:, None] - found[taken], axis=-1).min(axis=1)
        taken.append(int(np.argmax(apart)))
    return found[taken]
