"""The ground plane of a site, from whatever ties it to the ground."""

from __future__ import annotations

from core.errors import ConfigError
from core.site import Fit, Site
from detect.ground.points import fit_points
from detect.ground.sizes import fit_sizes


def fit(site: Site) -> Fit:
    """The plane fitted to the map points of `site` or, weaker, to the sizes that are known in its scene.

    Raises `CalibrationRefused` for what cannot be true or is not enough, `ConfigError` for a site that has neither.
    """
    if site.map_points:
        return fit_points(site)
    if site.sizes is not None:
        return fit_sizes(site)
    raise ConfigError(
        f"the site of camera {site.camera!r} has nothing that ties its picture to the ground",
        remedy="give it map_points (four or more points of the picture with their lat and lon), or sizes",
    )
