"""Cameras on their ground: what is known of a camera's plane and site becomes square metres of its zones."""

from __future__ import annotations

import numpy as np
from pydantic import ValidationError

from core.errors import CalibrationRefused, ConfigError
from core.records import Camera, Zone
from core.site import Fit, Site, ZoneFeature
from detect.ground.area import on_ground
from detect.ground.plane import Plane
from detect.ground.pose import pose_of
from detect.zones import check_zones


def grounded(camera: Camera, fit: Fit | None = None) -> Camera:
    """`camera` with the plane of `fit`, or its own where there is no fit, and with the ground of each of its zones.

    A plane without a fit is taken as exact. Of a zone with ground `polygon` is the part near enough to be counted; a
    zone that has its ground by this plane already, and the whole view, are left as they are; so is a camera that has
    no plane.

    Raises `CalibrationRefused` for a zone that crosses itself, that lies above the horizon or is too far (which
    corner), and for a plane that mirrors.
    """
    record = camera.plane if fit is None else fit.plane
    if record is None:
        return camera
    _refuse_uncountable(camera)
    plane = Plane(record, (camera.width, camera.height))
    covariance = None if fit is None else np.array(fit.covariance, np.float64).reshape(9, 9)
    pose = pose_of(plane)

    def placed(zone: Zone) -> Zone:
        if zone.ground is not None and zone.ground.plane == record.name:
            return zone
        return on_ground(zone, plane, covariance, pose)

    camera = camera.model_copy(update={"plane": record, "zones": tuple(placed(zone) for zone in camera.zones)})
    _refuse_uncountable(camera)
    return camera


def _refuse_uncountable(camera: Camera) -> None:
    try:
        check_zones(camera)
    except ConfigError as error:
        raise CalibrationRefused(error.message, remedy=error.remedy) from error


def sited(camera: Camera, site: Site) -> Camera:
    """`camera` with the zones that its site has drawn, if any, and with the ground that was fitted to it, if it was.

    Raises `CalibrationRefused` for the site of another camera or of a picture of another size, for zones that do not
    lie in the picture, for a fit to other points than the site now has, and for what `grounded` refuses.
    """
    if site.camera != camera.id:
        raise CalibrationRefused(
            f"this is the site of camera {site.camera!r}, not of {camera.id!r}", remedy="name the file after its camera"
        )
    if (site.width, site.height) != (camera.width, camera.height):
        raise CalibrationRefused(
            f"the site of camera {camera.id!r} is drawn in a picture of {site.width}x{site.height}, its clips are "
            f"{camera.width}x{camera.height}",
            remedy="draw it in a picture of the clip's size, or set the camera's width and height",
        )
    if site.fitted is not None and site.fitted.of != site.ground_hash:
        raise CalibrationRefused(
            f"the ground of camera {camera.id!r} was fitted to other points than its site has now",
            remedy=f"fit it again: busyness calibrate CONFIG {camera.id}",
        )
    if site.zones.features:
        try:
            camera = Camera.model_validate(
                camera.model_dump() | {"zones": tuple(drawn(feature) for feature in site.zones.features)}
            )
        except ValidationError as error:
            raise CalibrationRefused(
                error.errors()[0]["msg"].removeprefix("Value error, "),
                remedy=f"change the zones in the site of camera {camera.id!r}",
            ) from error
    return grounded(camera, site.fitted)


def drawn(feature: ZoneFeature) -> Zone:
    """The zone that a site has drawn."""
    (ring,) = feature.geometry.coordinates
    return Zone(
        id=feature.id,
        name=feature.properties.name,
        kind=feature.properties.kind,
        polygon=ring[:-1],
        effective_width_m=feature.properties.effective_width_m,
    )
