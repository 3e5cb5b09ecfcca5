"""Changes of a site as they are typed: `--point X,Y,LAT,LON,ERROR_M,WHAT`, `--zone ID:KIND:NAME:x,y x,y x,y`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from core.errors import ConfigError, NotFound
from core.records import PointPx, ZoneKind
from core.site import MapPoint, Site, ZoneFeature

POINT = "X,Y,LAT,LON[,ERROR_M][,WHAT]"
ZONE = "ID:KIND:NAME:x,y x,y x,y ..."
_KINDS = "|".join(ZoneKind)
_ZONE = re.compile(rf"(?P<id>.+?):(?P<kind>{_KINDS}):(?P<name>.+):(?P<ring>[^:]+)")

Made = TypeVar("Made")


@dataclass(frozen=True)
class Edits:
    """What is to be changed, as it was typed. Points and zones are added, or take the place of those of their name."""

    points: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.points or self.zones or self.remove)


NO_EDITS = Edits()


def edited(site: Site, edits: Edits) -> Site:
    """The site with its changes. Raises `ConfigError` for what cannot be read, `NotFound` for nothing to remove."""
    points = {point.what: point for point in site.map_points}
    twins = len(points) < len(site.map_points)
    if twins and (edits.points or edits.remove):
        raise ConfigError(
            f"two map points of camera {site.camera} have the same `what`", remedy="give each its own in the file"
        )
    zones = {zone.id: zone for zone in site.zones.features}
    for name in edits.remove:
        if name not in points and name not in zones:
            known = ", ".join([*points, *zones]) or "none"
            raise NotFound(f"camera {site.camera} has no point or zone {name!r}", remedy=f"it has: {known}")
        points.pop(name, None)
        zones.pop(name, None)
    for text in edits.points:
        point = _read("--point", text, lambda text: _point(text, len(points) + 1))
        points[point.what] = point
    for text in edits.zones:
        zone = _read("--zone", text, lambda text: _zone(text, zones))
        zones[zone.id] = zone
    changed = site.model_copy(
        update={
            "map_points": site.map_points if twins else tuple(points.values()),
            "zones": site.zones.model_copy(update={"features": tuple(zones.values())}),
        }
    )
    return _read("the site", changed, lambda changed: Site.model_validate(changed.model_dump()))


def _read(what: str, said: Any, read: Callable[[Any], Made]) -> Made:
    """Raises `ConfigError` that repeats what was said."""
    repeated = f"{what} {said!r}" if isinstance(said, str) else what
    try:
        return read(said)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{repeated}: {key}{': ' if key else ''}{message}") from error
    except ValueError as error:
        form = {"--point": POINT, "--zone": ZONE}.get(what, "")
        raise ConfigError(f"{repeated} cannot be read: {error}", remedy=f"write it as {form}") from error


def _point(text: str, number: int) -> MapPoint:
    parts = text.split(",", 4)
    if len(parts) < 4:
        raise ValueError(f"it has {len(parts)} parts")
    x, y, lat, lon = map(float, parts[:4])
    rest = parts[4].strip() if len(parts) > 4 else ""
    error_m, comma, what = rest.partition(",")
    try:
        told: dict[str, Any] = {"error_m": float(error_m), "what": what.strip()}
    except ValueError:  # no number: the words begin here
        told = {"what": (error_m + comma + what).strip()}
    return MapPoint(px=(x, y), lat=lat, lon=lon, **{"what": f"point {number}"} | {k: v for k, v in told.items() if v})


def _zone(text: str, known: dict[str, ZoneFeature]) -> ZoneFeature:
    match = _ZONE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"there is no kind in it: one of {', '.join(ZoneKind)}")
    ring: list[PointPx] = []
    for corner in match["ring"].split():
        x, comma, y = corner.partition(",")
        if not comma:
            raise ValueError(f"the corner {corner!r} is no x,y")
        ring.append((float(x), float(y)))
    if len(ring) < 3:
        raise ValueError(f"it has {len(ring)} corners, and a zone has three or more")
    if ring[0] != ring[-1]:
        ring.append(ring[0])
    before = known.get(match["id"])
    return ZoneFeature.model_validate(
        {
            "type": "Feature",
            "id": match["id"],
            "properties": {
                "name": match["name"],
                "kind": match["kind"],
                "effective_width_m": before.properties.effective_width_m if before else None,
            },
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        }
    )
