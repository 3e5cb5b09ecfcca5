"""What is thought of a site while it is drawn: everything that can be said of it, and of the rest why not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from core.errors import BusynessError, CalibrationRefused, ConfigError
from core.judgement import JudgedZone, Judgement, Refusal
from core.records import Zone
from core.site import Fit, Site
from detect.ground.area import on_ground
from detect.ground.fitting import fit
from detect.ground.grid import ground_grid, horizon
from detect.ground.plane import Plane
from detect.ground.pose import pose_of
from detect.ground.sited import drawn
from detect.zones import check_zone

OnGround = Callable[[Zone], Zone]
"""A zone with its ground. Raises `CalibrationRefused`."""


class LastFit:
    """Fits as `fit` does, and knows the last fit: while zones are drawn the ground stays the same."""

    def __init__(self) -> None:
        self._of: str | None = None
        self._found: Fit | BusynessError | None = None

    def __call__(self, site: Site) -> Fit:
        """Raises `CalibrationRefused`, `ConfigError`."""
        if self._of != site.ground_hash:
            try:
                self._found = fit(site)
            except (CalibrationRefused, ConfigError) as error:
                self._found = error
            self._of = site.ground_hash
        if isinstance(self._found, Fit):
            return self._found
        assert self._found is not None  # noqa: S101 - it was fitted to this ground, or refused
        raise self._found.with_traceback(None)


def judged(site: Site, fitting: Callable[[Site], Fit] = fit) -> Judgement:
    """The fit of a site, its zones on the ground, and lines to check it by; what is refused is said, never raised.

    `fitting` fits its ground as `detect.ground.fitting.fit` does.
    """
    if not site.map_points and site.sizes is None:
        return Judgement(zones=_zones(site, lambda zone: zone))
    try:
        fitted = fitting(site)
        plane = Plane(fitted.plane, (site.width, site.height))
    except (CalibrationRefused, ConfigError) as error:
        return Judgement(refused=Refusal.of(error), zones=_zones(site, lambda zone: zone))
    covariance = np.array(fitted.covariance, np.float64).reshape(9, 9)
    pose = pose_of(plane)
    return Judgement(
        fit=fitted,
        zones=_zones(site, lambda zone: on_ground(zone, plane, covariance, pose)),
        grid=ground_grid(plane),
        horizon=horizon(plane),
        height_m=fitted.plane.height_m,
        height_error_m=fitted.plane.height_error_m,
    )


def _zones(site: Site, grounded: OnGround) -> tuple[JudgedZone, ...]:
    return tuple(_judged(site, drawn(feature), grounded) for feature in site.zones.features)


def _judged(site: Site, zone: Zone, grounded: OnGround) -> JudgedZone:
    try:
        _check(site, zone)
        return JudgedZone.of(zone.id, grounded(zone).ground)
    except (CalibrationRefused, ConfigError) as error:
        return JudgedZone(id=zone.id, refused=Refusal.of(error))


def _check(site: Site, zone: Zone) -> None:
    """Raises `ConfigError` for a zone that crosses itself or encloses nothing, and for one beyond the picture."""
    for x_px, y_px in zone.polygon or ():
        if not (0 <= x_px <= site.width and 0 <= y_px <= site.height):
            raise ConfigError(
                f"zone {zone.id!r} has the corner ({x_px:g}, {y_px:g}) outside the picture of "
                f"{site.width}x{site.height}",
                remedy="move it into the picture",
            )
    check_zone(zone)
