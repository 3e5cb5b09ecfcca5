"""The names, positions, zones and ground of the synthetic cameras: plausible spots in inner London, invented names."""

from __future__ import annotations

import hashlib
import math

import numpy as np

from core.ground import GroundMethod, GroundPlane
from core.records import Camera, Zone, ZoneKind
from ingest.street.layout import HEIGHT_PX, WIDTH_PX, Character, Street

_FIRST = (
    "Larkspur", "Tannery", "Quillmaker", "Saltbridge", "Marigold", "Copperfen", "Wrenhouse", "Thistle", "Lantern",
    "Orchardgate", "Pewter", "Dovecote", "Hollin", "Brackenwick", "Sparrowfield", "Candlewick",
)  # fmt: skip
_SECOND = (
    "Mill Lane", "Abbey St", "Wharf Road", "Crown Row", "Fuller St", "Garden Row", "Well Lane", "Chapel St",
    "Ferry Road", "Bell Yard", "Market St", "Priory Lane", "Weaver St",
)  # fmt: skip
_KIND = {
    Character.HIGH_STREET: "High St",
    Character.JUNCTION: "Circus",
    Character.ARTERIAL: "Road",
    Character.SIDE_STREET: "Lane",
}

_SPOTS = (
    (51.5155, -0.1410), (51.5007, -0.1010), (51.5268, -0.0850), (51.5410, -0.1430),
    (51.4952, -0.1710), (51.5180, -0.0590), (51.4790, -0.1120), (51.5320, -0.1030),
)  # fmt: skip


def camera_number(index: int) -> str:
    """The number written in the picture."""
    return f"{(7919 * (index + 3)) % 9000 + 1000:05d}"


def synthetic_camera(identity: str, index: int, place: Street, *, cadence_s: float) -> Camera:
    """The camera of a place; every second one has zones, the others count the whole view."""
    lat, lon = _position(index)
    name = f"{_FIRST[index % 16]} {_KIND[place.character]}/{_SECOND[index % 13]} (synthetic)"
    return Camera(
        id=identity,
        name=name,
        lat=lat,
        lon=lon,
        timezone="Europe/London",
        cadence_s=cadence_s,
        width=WIDTH_PX,
        height=HEIGHT_PX,
        zones=zones(identity, place) if index % 2 == 0 else (),
        plane=ground_plane(identity, place, lat, lon),
    )


def ground_plane(identity: str, place: Street, lat: float, lon: float) -> GroundPlane:
    """The ground as it is rendered: metres east and north of the camera, which stands at `lat`, `lon`. Exact."""
    lens = place.lens
    sin, cos, focal = math.sin(lens.pitch_rad), math.cos(lens.pitch_rad), lens.focal_px
    center_x, center_y = WIDTH_PX / 2, HEIGHT_PX / 2
    # `Lens.ground` as a matrix: what it divides by, the fall of the line of sight, is the third row.
    to_world = np.array([
        [lens.height_m / focal, 0.0, -lens.height_m * center_x / focal],
        [0.0, -lens.height_m * sin / focal, lens.height_m * (cos + center_y * sin / focal)],
        [0.0, cos / focal, sin - center_y * cos / focal],
    ])  # fmt: skip
    east, north = place.to_map(to_world[0], to_world[1])
    matrix = np.stack((east, north, to_world[2]))
    numbers = tuple(float(number) for number in (matrix / np.linalg.norm(matrix)).ravel())
    geometry = hashlib.sha256(repr((lens, place.facing_deg, lat, lon)).encode()).hexdigest()
    return GroundPlane(
        name=f"{identity}/{geometry[:8]}",
        method=GroundMethod.RENDERED,
        lat=lat,
        lon=lon,
        image_to_ground=numbers,
        height_m=lens.height_m,
        focal_px=focal,
    )


def _position(index: int) -> tuple[float, float]:
    """Eight chosen spots, then a spiral of even density around the middle of the city."""
    if index < len(_SPOTS):
        return _SPOTS[index]
    turn = index * math.pi * (3 - math.sqrt(5))
    reach = 0.055 * math.sqrt(index / 64)
    return round(51.5120 + reach * math.sin(turn), 5), round(-0.1050 + 1.6 * reach * math.cos(turn), 5)


def zones(identity: str, place: Street) -> tuple[Zone, ...]:
    """The pavements, the carriageway, the crossing and the bus stop, where they fill a useful part of the picture."""
    half, far = place.half_m, 75.0
    depth = place.crossing_depth_m
    strips: list[tuple[str, str, ZoneKind, tuple[float, float, float, float]]] = [
        ("pavement-left", "Left pavement", ZoneKind.PAVEMENT, (3.0, far, place.facade_left_m, -half)),
        ("pavement-right", "Right pavement", ZoneKind.PAVEMENT, (3.0, far, half, place.facade_right_m)),
        ("carriageway", "Carriageway", ZoneKind.CARRIAGEWAY, (3.0, far, -half, half)),
        ("crossing", "Crossing", ZoneKind.CROSSING,
         (place.crossing_s_m - depth / 2 - 0.6, place.crossing_s_m + depth / 2 + 0.6, -half - 1.5, half + 1.5)),
    ]  # fmt: skip
    if place.bus_stop_s_m is not None:
        strips.append(("bus-stop", "Bus stop", ZoneKind.BUS_STOP,
                       (place.bus_stop_s_m - 5.5, place.bus_stop_s_m + 6.0, -half - 3.0, -half)))  # fmt: skip
    found = []
    for key, name, kind, extent in strips:
        polygon = _outline(place, *extent)
        if len(polygon) >= 3 and _area(polygon) > 350:
            found.append(Zone(id=f"{identity}:{key}", name=name, kind=kind, polygon=polygon))
    return tuple(found)


def _outline(place: Street, s0: float, s1: float, d0: float, d1: float) -> tuple[tuple[float, float], ...]:
    """The part of a strip of ground that is in the picture, in pixels."""
    along = np.concatenate((np.linspace(s0, s1, 12), np.linspace(s1, s0, 12)))
    across = np.concatenate((np.full(12, d0), np.full(12, d1)))
    pixels, depth = place.pixels(along, across)
    points = [(float(x), float(y)) for (x, y), far in zip(pixels, depth, strict=True) if far > 1.0]
    for axis, bound, sign in ((0, 0.0, 1), (0, float(WIDTH_PX), -1), (1, 0.0, 1), (1, float(HEIGHT_PX), -1)):
        points = _clipped(points, axis, bound, sign)
    return tuple((round(min(max(x, 0.0), WIDTH_PX), 1), round(min(max(y, 0.0), HEIGHT_PX), 1)) for x, y in points)


def _clipped(points: list[tuple[float, float]], axis: int, bound: float, sign: int) -> list[tuple[float, float]]:
    """A polygon's part on one side of a line (Sutherland and Hodgman 1974)."""
    kept: list[tuple[float, float]] = []
    for index, here in enumerate(points):
        before = points[index - 1]
        inside, was_inside = (sign * (point[axis] - bound) >= 0 for point in (here, before))
        if inside != was_inside:
            share = (bound - before[axis]) / (here[axis] - before[axis])
            kept.append((before[0] + share * (here[0] - before[0]), before[1] + share * (here[1] - before[1])))
        if inside:
            kept.append(here)
    return kept


def _area(points: tuple[tuple[float, float], ...]) -> float:
    return 0.5 * abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(points, (*points[1:], points[0]), strict=True)))
