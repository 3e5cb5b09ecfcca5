"""Places on the map: zones gathered in H3 cells, and which places lie next to each other.

H3 (Brodsky 2018, Uber Engineering, "H3: Uber's hexagonal hierarchical spatial index") covers the earth with hexagons of
sixteen sizes. Resolution 8 has sides of about 530 m and 0.7 km2: one to three cameras of a city.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aggregate.tables import Integers, Numbers, Text, text
from core.root_scale import OFFSET

EARTH_M = 6_371_008.8
"""Mean radius of the earth (IUGG)."""

NOBODY = -1
"""Fills the rows of neighbours that are shorter than the longest."""


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of a resolution that hold at least one place, in the order of their ids.

    `id`, `lat`, `lon` [cell]: H3 index and centre, degrees; `of` [place]: the row of the cell that a place is in.
    """

    resolution: int
    id: Text
    lat: Numbers
    lon: Numbers
    of: Integers

    def __len__(self) -> int:
        return len(self.id)

    def members(self, row: int) -> Integers:
        """The places in the cell of this row."""
        return np.flatnonzero(self.of == row)


def cells_of(lat: Numbers, lon: Numbers, resolution: int) -> Cells:
    """The cells that places at `lat`, `lon` [place], degrees, are in. `resolution`: 0 (continents) to 15 (rooms)."""
    import h3  # noqa: PLC0415 - a library of the grid alone, not of the start of `busyness run`

    ids = text([h3.latlng_to_cell(north, east, resolution) for north, east in zip(lat, lon, strict=True)])
    distinct, of = np.unique(ids, return_inverse=True)
    centres = np.array([h3.cell_to_latlng(cell) for cell in distinct], dtype=np.float64).reshape(-1, 2)
    return Cells(resolution, distinct, centres[:, 0], centres[:, 1], of.astype(np.int64))


def outline(cell: str) -> tuple[tuple[float, float], ...]:
    """The hexagon (or one of twelve pentagons) of a cell: a closed ring of (lon, lat), counterclockwise as GeoJSON has
    it. At the antimeridian it runs on beyond 180 degrees rather than around the earth."""
    import h3  # noqa: PLC0415 - see above

    corners = np.array(h3.cell_to_boundary(cell), dtype=np.float64)[:, ::-1]
    corners[:, 0] = corners[0, 0] + (corners[:, 0] - corners[0, 0] + 180.0) % 360.0 - 180.0
    after = np.roll(corners, -1, axis=0)
    if (corners[:, 0] * after[:, 1] - after[:, 0] * corners[:, 1]).sum() < 0:
        corners = corners[::-1]
    ring = [(float(east), float(north)) for east, north in corners]
    return (*ring, ring[0])


def spacing_m(resolution: int) -> float:
    """From the middle of a hexagon to that of the next, m, on average over the earth."""
    import h3  # noqa: PLC0415 - see above

    return float(h3.average_hexagon_edge_length(resolution, unit="m")) * 3**0.5


@dataclass(frozen=True, eq=False)
class Pooled:
    """Levels of cells: `observed`, `expected`, `spread` [cell, window] as those of `Expectation` are; `places`
    [cell, window]: how many places are in the sums."""

    observed: Numbers
    expected: Numbers
    spread: Numbers
    places: Integers


def pooled(cells: Cells, observed: Numbers, expected: Numbers, spread: Numbers) -> Pooled:
    """Places [place, window] added up by cell: the same places in all three sums, those where all three are known, so
    that a lost camera does not make its cell look quiet. NaN where no place of a cell is known.

    What is usual is a middle: half of a place's windows are above it. Middles do not add up, means and variances do, as
    those of independent places. On the root scale, where a level of middle m and standard deviation s is about normal,

        mean = m^2 + s^2 - 3/8,   variance = 4 m^2 s^2 + 2 s^4

    and back again from the sums: s^2 = t - sqrt(t^2 - variance / 2), m^2 = t - s^2, t = mean + 3/8. Zones of one camera
    sway together: their cells vary more than this says, which a scan takes up (`levelling.py`).
    """
    known = np.isfinite(observed) & np.isfinite(expected) & (spread > 0)
    middle, varies = expected + OFFSET, np.square(spread)
    places = _sums(cells, known.astype(np.float64))
    seen, mean, variance = (
        np.where(places > 0, _sums(cells, np.where(known, values, 0.0)), np.nan)
        for values in (observed, expected + varies, 4.0 * middle * varies + 2.0 * np.square(varies))
    )
    total = mean + OFFSET
    together = total - np.sqrt(np.maximum(np.square(total) - variance / 2.0, 0.0))
    return Pooled(seen, np.maximum(mean - together, 0.0), np.sqrt(together), places.astype(np.int64))


def _sums(cells: Cells, values: Numbers) -> Numbers:
    """Sums by cell of values [place, window]."""
    totals = np.zeros((len(cells), *values.shape[1:]))
    np.add.at(totals, cells.of, values)
    return totals


def neighbours(lat: Numbers, lon: Numbers, *, within_m: float, most: int) -> Integers:
    """The places around each, nearest first: rows of places [place, rank], `NOBODY` where there are no more.

    A place is the first of its own row; the others are at most `within_m` away, at most `most` with itself. Of equally
    far ones the first in order comes first. Places whose position is NaN stand alone.
    """
    from scipy.spatial import cKDTree  # noqa: PLC0415 - as above

    north, east = np.radians(lat), np.radians(lon)
    located = np.flatnonzero(np.isfinite(north) & np.isfinite(east))
    rows = np.full((len(north), most), NOBODY, dtype=np.int64)
    rows[:, 0] = np.arange(len(north))
    if len(located) == 0:
        return rows
    flat = np.cos(north[located])
    points = EARTH_M * np.stack([flat * np.cos(east[located]), flat * np.sin(east[located]), np.sin(north[located])], 1)
    # A few more than asked for, so that which of equally far places are left out does not depend on the tree.
    ranks = np.arange(1, min(len(located), most + 8) + 1)
    found = cKDTree(points).query(points, k=ranks, distance_upper_bound=within_m * (1 + 1e-9))
    far, near = np.asarray(found[0], dtype=np.float64), np.asarray(found[1], dtype=np.int64)
    itself = near == np.arange(len(located))[:, None]
    far = np.where(itself, -1.0, np.round(far, 3))
    order = np.lexsort((near, far), axis=1)[:, :most]
    near, reached = np.take_along_axis(near, order, axis=1), np.isfinite(np.take_along_axis(far, order, axis=1))
    rows[located, : near.shape[1]] = np.where(
        reached, np.append(located, NOBODY)[np.minimum(near, len(located))], NOBODY
    )
    return rows
