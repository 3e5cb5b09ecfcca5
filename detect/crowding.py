"""Where people have less than 2 m of room: the share of a walked zone with more than one person on 4 m2.

Project Odysseus asked who could keep 2 m apart, from boxes on the ground. It can be answered without a position that
leaves memory: of every place of the zone one asks how many stand on the 2 m x 2 m of ground around it, and gives the
share of places for which that is more than one.

    density [row, column] --> squares of 0.4 m on the ground --> their sums over 2 m x 2 m --> the share that is crowded

The ground is tiled along and across the view. A cell of the map gives its density to the tiles that it covers in equal
parts, so that far away, where it covers much ground, what is pooled is a mean. There two who stand close cannot be told
from two who do not: the share is that of the ground on which a cell is no longer than the patch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from core.records import PointPx, Zone, ZoneKind
from detect.contact import SeenGround, below
from detect.ground.plane import Plane, Points, along_horizon

WALKED = (ZoneKind.PAVEMENT, ZoneKind.CROSSING, ZoneKind.BUS_STOP)
"""The kinds of zones that people walk and wait in. In a cycle lane or on a carriageway they do not keep a distance."""

TILE_M, PATCH_TILES = 0.4, 5
"""A patch is 2 m x 2 m: 4 m2."""

CROWDED = 1.25
"""People on a patch, by its density, from which on it holds more than one. Half way from one to two would be right if a
person's unit lay in one point; the network's spreads past the patch, so that of two some is lost, and of one alone
never more than one is found. With units as wide as the network is taught, where everybody stands on the synthetic
street, 1.25 finds 0.90 % of the near ground crowded where 1.00 % is (correlation 0.96); 1.5 finds half of it."""

LONGEST_CELL_M = 2.0
"""A cell that covers more ground along the view than a patch does not tell two people from one."""

LEAST_RESOLVED = 0.25
"""Of a zone, near enough to tell: of one that is farther away nothing is said."""

_MOST_TILES = 200_000
_FINEST = 24


@dataclass(frozen=True, eq=False)
class _Tiling:
    """How a density map lies on the tiles around a zone: parts of cells, each in one tile, and which tiles are asked.

    `cell` and `tile` [part] index the raveled map and the raveled tiles, `share` [part] is what the part has of its
    cell. `asked` [row, column] are the tiles of the zone that are near enough.
    """

    cell: NDArray[np.int32]
    tile: NDArray[np.int32]
    share: NDArray[np.float64]
    asked: NDArray[np.bool_]


def crowded_share(people: NDArray[np.float64], zone: Zone, ground: SeenGround) -> float | None:
    """The share of `zone` with more than one person on 4 m2, the mean over the frames of `people` [frame, row, column].

    None for a zone that is not walked in, or too far away to tell.
    """
    if zone.kind not in WALKED or zone.polygon is None:
        return None
    tiling = _tiled(zone.polygon, ground, people.shape[1:])
    if tiling is None:
        return None
    asked = int(tiling.asked.sum())
    shares = [int((pooled(tiling, frame) & tiling.asked).sum()) / asked for frame in people]
    return float(np.mean(shares))


def pooled(tiling: _Tiling, people: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether the patch around each tile is crowded by the `people` [row, column] of one frame: [row, column]."""
    rows, columns = tiling.asked.shape
    weights = people.ravel()[tiling.cell] * tiling.share
    on_tile = np.bincount(tiling.tile, weights=weights, minlength=rows * columns).reshape(rows, columns)
    # What lies left of and above each corner; a patch is the difference of its four corners.
    before = np.pad(on_tile, ((PATCH_TILES // 2 + 1, PATCH_TILES // 2),) * 2).cumsum(axis=0).cumsum(axis=1)
    last = slice(PATCH_TILES, None), slice(0, -PATCH_TILES)
    on_patch = before[last[0], last[0]] - before[last[0], last[1]] - before[last[1], last[0]] + before[last[1], last[1]]
    crowded: NDArray[np.bool_] = on_patch >= CROWDED
    return crowded


@lru_cache(maxsize=256)
def _tiled(polygon: tuple[PointPx, ...], ground: SeenGround, cells: tuple[int, int]) -> _Tiling | None:
    """The tiles of a zone; None where less than `LEAST_RESOLVED` of it is near enough."""
    plane = Plane(ground.plane, ground.size_px)
    polygon_px, axes = np.array(polygon, dtype=np.float64), _axes(plane)
    corners = plane.to_ground(polygon_px - ground.shift_px) @ axes.T / TILE_M
    if not np.isfinite(corners).all():
        return None
    first = np.floor(corners.min(axis=0)) - PATCH_TILES
    columns, rows = (np.ceil(corners.max(axis=0)) + PATCH_TILES - first).astype(np.int64)
    if rows * columns > _MOST_TILES:
        return None
    middles = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1) + 0.5
    middles_px = plane.to_picture((middles + first) * TILE_M @ axes)
    shown_px = middles_px + ground.shift_px
    within = _within(polygon_px, shown_px) & ((shown_px >= 0) & (shown_px <= ground.size_px)).all(axis=-1)
    cell_height_px = ground.size_px[1] / cells[0]
    near = np.linalg.norm(plane.jacobian(middles_px)[..., 1], axis=-1) * cell_height_px <= LONGEST_CELL_M
    asked: NDArray[np.bool_] = within & near
    if asked.sum() < max(1.0, LEAST_RESOLVED * within.sum()):
        return None
    cell, place, share = _parts(_edges(ground, cells) / TILE_M - first, (columns, rows))
    tile = place[:, 1] * columns + place[:, 0]
    return _Tiling(cell.astype(np.int32), tile.astype(np.int32), share, asked)


def _axes(plane: Plane) -> Points:
    """Unit vectors on the ground, [2, 2]: across the view, and along it."""
    across = plane.matrix[:2, :2] @ along_horizon(plane.matrix)
    across /= np.linalg.norm(across)
    return np.array((across, (-across[1], across[0])))


@lru_cache(maxsize=32)
def _edges(ground: SeenGround, cells: tuple[int, int]) -> Points:
    """Where those stand whom the map shows at its cells' corners: metres across and along, [rows + 1, columns + 1, 2].

    Computed once for all zones of a camera."""
    rows, columns = cells
    corners = np.stack(np.meshgrid(np.arange(columns + 1), np.arange(rows + 1)), axis=-1)
    feet_px = below(ground, corners * (np.array(ground.size_px) / (columns, rows)), ground.contact.people)
    plane = Plane(ground.plane, ground.size_px)
    edges: Points = plane.to_ground(feet_px - ground.shift_px) @ _axes(plane).T
    edges.setflags(write=False)
    return edges


def _parts(edges: Points, size: tuple[int, int]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """The cells on `size` (columns, rows) tiles in parts no larger than a tile: [part] the cell, its tile's column and
    row, and its share of the cell. `edges` are the cells' corners in tiles.

    Within a cell the ground is taken to be even, and a part lies where its middle does.
    """
    top_left, top_right, low_left, low_right = edges[:-1, :-1], edges[:-1, 1:], edges[1:, :-1], edges[1:, 1:]
    corners = np.stack((top_left, top_right, low_left, low_right))
    # False for NaN: a cell at the horizon is no place.
    cell = np.flatnonzero(((corners.max(axis=0) >= 0) & (corners.min(axis=0) <= size)).all(axis=-1))
    corners = corners.reshape(4, -1, 2)[:, cell]
    across, along = (np.linalg.norm(corners[other] - corners[0], axis=-1) for other in (1, 2))
    wide, high = (np.clip(np.ceil(length), 1, _FINEST).astype(np.int64) for length in (across, along))
    number = wide * high
    of = np.repeat(np.arange(len(cell)), number)
    place = np.arange(len(of)) - np.repeat(np.cumsum(number) - number, number)
    right, down = (place % wide[of] + 0.5) / wide[of], (place // wide[of] + 0.5) / high[of]
    weights = np.stack(((1 - right) * (1 - down), right * (1 - down), (1 - right) * down, right * down))
    tile = np.floor(np.einsum("kp,kpt->pt", weights, corners[:, of])).astype(np.int64)
    kept = ((tile >= 0) & (tile < size)).all(axis=-1)
    return cell[of][kept], tile[kept], (1.0 / number[of])[kept]


def _within(polygon_px: Points, points_px: Points) -> NDArray[np.bool_]:
    """Which of the points [..., 2] lie within a polygon: a line from there meets its edges an odd number of times."""
    x, y = points_px[..., 0], points_px[..., 1]
    odd = np.zeros(x.shape, dtype=np.bool_)
    # Edge by edge: all at once would take as many times the memory of the tiles as a zone has corners.
    for (x0, y0), (x1, y1) in zip(polygon_px, np.roll(polygon_px, -1, axis=0), strict=True):
        if y0 != y1:
            odd ^= ((y0 > y) != (y1 > y)) & (x < x0 + (y - y0) / (y1 - y0) * (x1 - x0))
    return odd
