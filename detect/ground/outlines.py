"""Plane polygons, of any unit: cutting one at a line, following its edges, the box around it. Corners: [n, 2]."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Corners = NDArray[np.float64]
"""[n, 2], each once, in the order in which they follow each other."""

Numbers = NDArray[np.float64]


_NEXT_TO_NOTHING = 1e-9


def without_repeats(corners: Corners) -> Corners:
    """Corners of which none equals the one before it: a ring that is closed by its first corner loses the last."""
    kept: Corners = corners[np.any(corners != np.roll(corners, 1, axis=0), axis=1)]
    return kept


def signed_area(corners: Corners) -> float:
    """By the shoelace formula: positive where the corners go from the first axis towards the second."""
    x, y = (corners - corners[0]).T
    return float(x @ np.roll(y, -1) - np.roll(x, -1) @ y) / 2


def pieces_above(corners: Corners, height: Numbers) -> list[Corners]:
    """What is left of a simple polygon where `height` [n] >= 0, which is given at its corners and is linear between.

    Cut straight across, a polygon that is not convex falls into pieces. Its boundary meets the line in an even number
    of places, and inside the polygon are the stretches from the first to the second of them, from the third to the
    fourth, and so on: each piece goes along the boundary, over such a stretch, and on along the boundary.
    """
    # A corner on the line itself would belong to two pieces, or to none: the line is moved by next to nothing.
    least = _NEXT_TO_NOTHING * float(np.abs(height).max())
    if least == 0:
        return [corners]  # all of it lies on the line
    while np.any(np.abs(height) <= least):
        height = height - 3 * least
    inside = height > 0
    if inside.all():
        return [corners]
    if not inside.any():
        return []
    following = (np.arange(len(corners)) + 1) % len(corners)
    edges = np.flatnonzero(inside != inside[following])
    share = height[edges] / (height[edges] - height[following[edges]])
    crossings = corners[edges] + share[:, None] * (corners[following[edges]] - corners[edges])
    spread = crossings - crossings.mean(axis=0)
    order = np.argsort(spread @ np.linalg.svd(spread, full_matrices=False)[2][0], kind="stable")
    partner = dict(zip(order[::2].tolist(), order[1::2].tolist(), strict=True))
    partner |= {second: first for first, second in partner.items()}

    def boundary(entry: int) -> tuple[Corners, int]:
        """From the crossing where the boundary comes in to that where it leaves, and the latter's number."""
        leaving = (entry + 1) % len(edges)
        count = (edges[leaving] - edges[entry]) % len(corners)
        between = corners[(edges[entry] + 1 + np.arange(count)) % len(corners)]
        return np.vstack((crossings[entry], between, crossings[leaving])), leaving

    waiting = {index for index, edge in enumerate(edges) if not inside[edge]}
    pieces = []
    while waiting:
        entry: int | None = min(waiting)
        parts = []
        while entry in waiting:
            waiting.remove(entry)
            part, leaving = boundary(entry)
            parts.append(part)
            entry = partner[leaving]
        pieces.append(without_repeats(np.vstack(parts)))
    return [piece for piece in pieces if len(piece) > 2]


def pieces_within(corners: Corners, size: tuple[float, float]) -> list[Corners]:
    """What is left of a simple polygon in the rectangle from (0, 0) to `size`."""
    pieces = [corners]
    for axis, far in enumerate(size):
        pieces = [part for piece in pieces for part in pieces_above(piece, piece[:, axis])]
        pieces = [part for piece in pieces for part in pieces_above(piece, far - piece[:, axis])]
    return pieces


def followed(corners: Corners, step: float) -> Corners:
    """The same outline with corners no farther apart than `step`."""
    ends = np.roll(corners, -1, axis=0)
    counts = np.maximum(1, np.ceil(np.linalg.norm(ends - corners, axis=1) / step)).astype(int)
    edge = np.repeat(np.arange(len(corners)), counts)
    share = np.concatenate([np.arange(count) / count for count in counts])
    dense: Corners = corners[edge] + share[:, None] * (ends - corners)[edge]
    return dense


def simplified(corners: Corners, tolerance: float) -> Corners:
    """Fewer corners, from the outline between which none of those left out is farther than `tolerance`.

    Each edge is drawn as far as it holds; Douglas & Peucker 1973 would leave out a few more.
    """
    kept = [0]
    for index in range(2, len(corners) + 1):
        start, end = corners[kept[-1]], corners[index % len(corners)]
        along = end - start
        off = corners[kept[-1] + 1 : index] - start
        share = np.clip(off @ along / max(float(along @ along), 1e-30), 0, 1)
        if np.linalg.norm(off - share[:, None] * along, axis=1).max(initial=0.0) > tolerance:
            kept.append(index - 1)
    simple: Corners = corners[kept]
    return simple


def longer_side(corners: Corners) -> float:
    """Of the smallest rectangle around them, which has a side on an edge of their hull (Freeman & Shapira 1975)."""
    ring = hull(corners)
    edges = np.roll(ring, -1, axis=0) - ring
    along = edges / np.linalg.norm(edges, axis=1, keepdims=True)
    extent = np.ptp(ring @ along.T, axis=0)
    across = np.ptp(ring @ np.column_stack((-along[:, 1], along[:, 0])).T, axis=0)
    smallest = int(np.argmin(extent * across))
    return float(max(extent[smallest], across[smallest]))


def hull(corners: Corners) -> Corners:
    """Their convex hull, by Andrew's monotone chain (1979)."""
    ordered = np.unique(corners, axis=0)

    def chain(points: Corners) -> list[Numbers]:
        found: list[Numbers] = []
        for point in points:
            while len(found) > 1 and _turn(found[-2], found[-1], point) <= 0:
                found.pop()
            found.append(point)
        return found[:-1]

    return np.array(chain(ordered) + chain(ordered[::-1]))


def _turn(first: Numbers, second: Numbers, third: Numbers) -> float:
    (ax, ay), (bx, by) = second - first, third - first
    return float(ax * by - ay * bx)
