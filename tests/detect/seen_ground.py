"""Cameras above flat ground, and points that they see of it, for the tests of ground planes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from hypothesis import strategies as st

from core.ground import GroundMethod, GroundPlane, LocalFrame
from core.site import Lens, MapPoint, Site
from detect.ground.homography import solved
from detect.ground.matches import Matches
from detect.ground.pinhole import Pinhole
from detect.ground.plane import Matrix, Plane, Points
from detect.ground.points import error_scale
from detect.ground.pose import Tempered, tempered
from ingest.street.layout import HEIGHT_PX, WIDTH_PX, Street, street

SIZE_PX = (352, 288)
ORIGIN = LocalFrame(51.5, -0.12)

LIKE_A_JAMCAM = Pinhole(SIZE_PX, focal_px=350.0, pitch_rad=0.3, roll_rad=0.02, height_m=8.0, bearing_rad=0.6)

SPREAD_PX = ((40.0, 270.0), (320.0, 262.0), (60.0, 150.0), (300.0, 140.0), (180.0, 96.0), (120.0, 200.0))
"""Where `LIKE_A_JAMCAM` sees ground, no three on a line."""


def record_of(matrix: Matrix, *, k1: float = 0.0, origin: LocalFrame = ORIGIN) -> GroundPlane:
    return GroundPlane(
        name="c/00000000",
        method=GroundMethod.RENDERED,
        lat=origin.lat,
        lon=origin.lon,
        image_to_ground=tuple((matrix / np.linalg.norm(matrix)).ravel().tolist()),
        lens_k1=k1,
    )


def plane_of(camera: Pinhole, *, k1: float = 0.0) -> Plane:
    return Plane(record_of(camera.image_to_ground, k1=k1), camera.size_px)


def pinhole_of(place: Street) -> Pinhole:
    """The camera of a synthetic street, looking north."""
    lens = place.lens
    return Pinhole((WIDTH_PX, HEIGHT_PX), lens.focal_px, lens.pitch_rad, 0.0, lens.height_m)


def synthetic_street(index: int) -> Street:
    return street(7, index)


def site_of(
    seen_px: Iterable[Sequence[float]],
    ground_m: Points,
    *,
    error_px: float = 1.0,
    error_m: float = 0.05,
    k1: float = 0.0,
    names: Sequence[str] = "abcdefghijklmnopqrstuvwxyz",
) -> Site:
    """Points of the picture matched with those of the ground: `a`, `b`, `c`."""
    places = [ORIGIN.degrees(float(east), float(north)) for east, north in ground_m]
    return Site(
        camera="c",
        lat=ORIGIN.lat,
        lon=ORIGIN.lon,
        lens=Lens(k1=k1, error_px=error_px),
        map_points=tuple(
            MapPoint(px=(float(x), float(y)), lat=lat, lon=lon, error_m=error_m, what=name)
            for (x, y), (lat, lon), name in zip(seen_px, places, names, strict=False)
        ),
    )


def exact_site(
    seen_px: Iterable[Sequence[float]] = SPREAD_PX, *, camera: Pinhole = LIKE_A_JAMCAM, k1: float = 0.0
) -> Site:
    """What `camera` really sees at these pixels."""
    seen = [tuple(map(float, px)) for px in seen_px]
    return site_of(seen, plane_of(camera, k1=k1).to_ground(seen), k1=k1)


def fitted_camera(site: Site) -> Tempered:
    """What `fit_points` fits, without what it asks about each point: a tenth of its time."""
    solution = solved(Matches.of(site))
    assert solution is not None
    plane = Plane(record_of(solution.to_ground), SIZE_PX)
    camera = tempered(plane, solution.ground_covariance * error_scale(solution) ** 2)
    assert camera is not None
    return camera


def fitted_plane(site: Site) -> tuple[Plane, Matrix]:
    """The same with the covariance of its numbers."""
    camera = fitted_camera(site)
    return Plane(record_of(camera.matrix), SIZE_PX), camera.covariance


def cameras() -> st.SearchStrategy[Pinhole]:
    """As they hang over streets; the bottom half of their pictures is ground within 200 m."""
    return st.builds(
        Pinhole,
        st.just(SIZE_PX),
        focal_px=st.floats(200, 600),
        pitch_rad=st.floats(0.15, 0.9),
        roll_rad=st.floats(-0.15, 0.15),
        height_m=st.floats(3, 20),
        bearing_rad=st.floats(0, 6.28),
    )
