"""Zones follow their view: where a camera came back a little askew, each is counted where its street now is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.records import Zone
from detect.scene import COLUMNS, ROWS, Shift
from detect.zones import coverage

LEAST_SHIFT_PX = 2.0
"""Half a cell of a density map of 352x288: a signature is no more exact than that."""

LEAST_INSIDE = 0.75
"""Of a zone, in the picture: of one that has left it farther nothing is known, and nothing is not none."""


def moved_px(shift: Shift, size_px: tuple[int, int]) -> tuple[int, int]:
    """By how many pixels, right and down, zones and ground follow a view that has moved by `shift`.

    Whole pixels, so that the coverage of a zone is not computed anew for every clip.
    """
    right_px, down_px = round(shift.right * size_px[0]), round(shift.down * size_px[1])
    return (0, 0) if max(abs(right_px), abs(down_px)) < LEAST_SHIFT_PX else (right_px, down_px)


def followed(zones: Sequence[Zone], shift: Shift, size_px: tuple[int, int]) -> tuple[Zone, ...]:
    """The zones where they lie in a picture of `size_px` (width, height) whose view has moved by `shift`."""
    right_px, down_px = moved_px(shift, size_px)
    if (right_px, down_px) == (0, 0):
        return tuple(zones)
    return tuple(
        zone
        if zone.polygon is None
        else zone.model_copy(update={"polygon": tuple((x + right_px, y + down_px) for x, y in zone.polygon)})
        for zone in zones
    )


def left_behind(zones: Sequence[Zone], size_px: tuple[int, int]) -> Zone | None:
    """The first zone of which less than `LEAST_INSIDE` is in the picture; None where all are."""
    return next((zone for zone in zones if _inside(zone, size_px) < LEAST_INSIDE), None)


def _inside(zone: Zone, size_px: tuple[int, int]) -> float:
    """The share of a zone's area that lies within the picture."""
    if zone.polygon is None:
        return 1.0
    x, y = np.array(zone.polygon, dtype=np.float64).T
    whole_px2 = abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2
    cell_px2 = size_px[0] * size_px[1] / (ROWS * COLUMNS)
    return float(coverage(zone, *size_px, ROWS, COLUMNS).sum()) * cell_px2 / whole_px2
