"""A site of a synthetic camera, whose true ground is known: its zones, points of its ground on the map, and its fit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.ground import GroundMethod, LocalFrame
from core.records import Camera, Zone
from core.site import Fit, KnownSizes, MapPoint, PointError, Site, ZoneCollection, ZoneFeature
from detect.ground.plane import Plane
from ingest.synthetic import SyntheticConfig, SyntheticStreet

PLACES_PX = ((40.0, 260.0), (300.0, 270.0), (90.0, 190.0), (250.0, 180.0), (170.0, 230.0), (60.0, 150.0))


def street_camera(index: int = 0) -> Camera:
    """With zones where `index` is even."""
    return SyntheticStreet(SyntheticConfig(cameras=2)).cameras[index]


def feature(zone: Zone) -> ZoneFeature:
    ring = [*(zone.polygon or ()), (zone.polygon or ())[0]]
    return ZoneFeature.model_validate(
        {
            "type": "Feature",
            "id": zone.id,
            "properties": {"name": zone.name, "kind": zone.kind},
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        }
    )


def map_points(camera: Camera, places_px: Sequence[tuple[float, float]] = PLACES_PX) -> tuple[MapPoint, ...]:
    """Where the map has what is seen at these pixels: exact."""
    assert camera.plane is not None
    ground_m = Plane(camera.plane, (camera.width, camera.height)).to_ground(np.array(places_px))
    frame = LocalFrame(camera.plane.lat, camera.plane.lon)
    return tuple(
        MapPoint(px=px, lat=lat, lon=lon, what=f"corner {number}")
        for number, (px, (lat, lon)) in enumerate(
            zip(places_px, [frame.degrees(float(east), float(north)) for east, north in ground_m], strict=True), 1
        )
    )


def drawn_site(camera: Camera, *, called: str | None = None, sizes: KnownSizes | None = None) -> Site:
    """Its zones and points, without a fit; the camera may be `called` otherwise."""
    zones = tuple(
        zone.model_copy(update={"id": zone.id.replace(camera.id, called or camera.id)}) for zone in camera.zones
    )
    return Site(
        camera=called or camera.id,
        width=camera.width,
        height=camera.height,
        lat=camera.lat,
        lon=camera.lon,
        zones=ZoneCollection(features=tuple(map(feature, zones))),
        map_points=() if sizes else map_points(camera),
        sizes=sizes,
    )


def calibrated_site(camera: Camera, *, called: str | None = None) -> Site:
    """`drawn_site` with the true plane as its fit, whose numbers are said to be a little uncertain."""
    site = drawn_site(camera, called=called)
    assert camera.plane is not None
    plane = camera.plane.model_copy(
        update={
            "name": site.plane_name, "method": GroundMethod.POINTS, "error_m": 0.2, "left_out_m": 0.4,
            "height_error_m": 0.3,
        }
    )  # fmt: skip
    fitted = Fit(
        of=site.ground_hash,
        plane=plane,
        covariance=tuple(float(number) for number in (np.eye(9) * 1e-13).ravel()),
        points=tuple(PointError(what=point.what, error_px=0.7, error_m=0.2) for point in site.map_points),
    )
    return site.model_copy(update={"fitted": fitted})
