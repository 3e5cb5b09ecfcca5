"""Zones integrate density: how much of what is present lies within each part of the picture.

A cell that a zone's edge cuts counts by the share of its area inside, exactly, so zones that share an edge add up to
their union and nobody is counted twice or lost on the line. The edge is soft by the density itself, which is spread
over a cell or two: of people on the synthetic street's pavements a counter without error counts 94 % in them, and 2 %
more of those beside, so nothing softens it further.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigError
from core.records import Camera, PointPx, Zone
from detect.model import Density

LEAST_AREA_PX2 = 1.0

Coverage = NDArray[np.float64]
"""[row, column]: the share of each cell that lies within a zone, 0..1."""

ZoneSums = NDArray[np.float64]
"""[frame, zone, class]: objects present."""


def integrate(density: Density, zones: Sequence[Zone], size_px: tuple[int, int]) -> ZoneSums:
    """What is present in each of `zones`, drawn in a picture of `size_px` (width, height): [frame, zone, class].

    Raises `ConfigError` for a zone that encloses no definite area (see `coverage`).
    """
    rows, columns = density.shape[2:]
    shares = np.stack([coverage(zone, *size_px, rows, columns) for zone in zones])
    sums: ZoneSums = np.einsum("fcij,zij->fzc", density, shares, dtype=np.float64, optimize=True)
    return sums


def check_zones(camera: Camera) -> None:
    """Raises `ConfigError` for the first zone of `camera` that cannot be integrated; called when it is configured."""
    for zone in camera.zones:
        check_zone(zone)


def check_zone(zone: Zone) -> None:
    """Raises `ConfigError` for a zone that cannot be integrated: it crosses itself, or has no area."""
    if zone.polygon is not None:
        _check(zone.id, np.array(zone.polygon, dtype=np.float64))


def encloses(polygon: tuple[PointPx, ...]) -> bool:
    """Whether a polygon encloses a definite area, as that of a zone has to."""
    try:
        _check("", np.array(polygon, dtype=np.float64))
    except ConfigError:
        return False
    return True


def coverage(zone: Zone, width_px: int, height_px: int, rows: int, columns: int) -> Coverage:
    """The share of each cell of a `rows` x `columns` grid over the picture that lies within the zone.

    Raises `ConfigError`, naming the zone, for a polygon that crosses itself or has no area.
    """
    if zone.polygon is None:
        return _whole(rows, columns)
    return _covered(zone.id, zone.polygon, (width_px, height_px), (rows, columns))


@lru_cache(maxsize=16)
def _whole(rows: int, columns: int) -> Coverage:
    """The whole view, of whatever camera."""
    whole = np.ones((rows, columns))
    whole.setflags(write=False)
    return whole


@lru_cache(maxsize=1024)
def _covered(name: str, polygon: tuple[PointPx, ...], size_px: tuple[int, int], cells: tuple[int, int]) -> Coverage:
    polygon_px = np.array(polygon, dtype=np.float64)
    _check(name, polygon_px)
    (width_px, height_px), (rows, columns) = size_px, cells
    in_cells = polygon_px * (columns / width_px, rows / height_px)
    shares = np.clip(_area_in_cells(in_cells, rows, columns), 0.0, 1.0)
    shares.setflags(write=False)
    return shares


def _area_in_cells(polygon: NDArray[np.float64], rows: int, columns: int) -> Coverage:
    """The area of a simple polygon, in cells' own units, within each unit cell: exact.

    By Green's theorem the area of a polygon left of x = X and between two heights is the integral of min(x, X) dy along
    its edges between these heights; the difference of two neighbouring X gives a cell.
    """
    x0, y0 = polygon.T
    x1, y1 = np.roll(polygon, -1, axis=0).T
    slope = np.divide(x1 - x0, y1 - y0, out=np.zeros_like(x0), where=y1 != y0)
    top = np.arange(rows)[None, :]
    # The part of each edge that lies in each row of cells, where there is one: [part].
    ya, yb = (np.clip(y[:, None], top, top + 1) for y in (y0, y1))
    edge, row = np.nonzero(ya != yb)
    ya, yb = ya[edge, row], yb[edge, row]
    xa, xb = (x0[edge] + slope[edge] * (y - y0[edge]) for y in (ya, yb))
    low, high = np.minimum(xa, xb)[:, None], np.maximum(xa, xb)[:, None]
    limit = np.arange(columns + 1)[None, :]
    # The mean of min(x, limit) while x goes evenly from low to high: [part, limit].
    inner = np.clip(limit, low, high)
    run = high - low
    mean = np.where(
        run > 0,
        ((inner**2 - low**2) / 2 + limit * (high - inner)) / np.where(run > 0, run, 1),
        np.minimum(low, limit),
    )
    left_of = np.zeros((rows, columns + 1))
    np.add.at(left_of, row, (yb - ya)[:, None] * mean)
    area: Coverage = np.abs(np.diff(left_of, axis=1))
    return area


def _check(zone: str, polygon_px: NDArray[np.float64]) -> None:
    # A corner said twice in a row (GeoJSON closes its rings so) is no fault.
    corners = polygon_px[np.any(polygon_px != np.roll(polygon_px, 1, axis=0), axis=1)]
    crossing = _crossing(corners)
    if crossing is not None:
        (ax, ay), (bx, by) = (corners[index] for index in crossing)
        raise ConfigError(
            f"zone {zone!r} crosses itself: its edge from ({ax:g}, {ay:g}) meets its edge from ({bx:g}, {by:g})",
            remedy="list its corners in the order in which they follow each other around it, each once",
        )
    x, y = corners.T
    area_px2 = abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2
    if area_px2 < LEAST_AREA_PX2:
        raise ConfigError(
            f"zone {zone!r} encloses {area_px2:.2g} square pixels", remedy="give corners that enclose an area"
        )


def _crossing(corners: NDArray[np.float64]) -> tuple[int, int] | None:
    """Two edges (by the index of their first corner) that meet where they should not; None for a simple polygon."""
    count = len(corners)
    start, end = corners, np.roll(corners, -1, axis=0)
    along = end - start
    # On which side of edge i the two ends of edge j lie: [i, j].
    side_start = _cross(along[:, None], start[None] - start[:, None])
    side_end = _cross(along[:, None], end[None] - start[:, None])
    apart = side_start * side_end > 0
    low, high = np.minimum(start, end), np.maximum(start, end)
    beside = np.any((low[:, None] > high[None]) | (low[None] > high[:, None]), axis=2)
    meet = ~(apart | apart.T | beside)
    # Neighbours share a corner and may meet there; they may not run back over each other.
    index = np.arange(count)
    following = (index + 1) % count
    folds = (_cross(along, along[following]) == 0) & (np.sum(along * along[following], axis=1) < 0)
    meet[index, index] = False
    meet[index, following] = meet[following, index] = folds
    found = np.argwhere(meet)
    return (int(found[0, 0]), int(found[0, 1])) if len(found) else None


def _cross(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    product: NDArray[np.float64] = first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]
    return product
