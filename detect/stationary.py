"""Who stands still, without following anyone: what stays in the density map through the whole clip.

A parked car gives density in the same place in every frame, a moving one gives it in each place for a moment. Per
place (a few cells, as wide as the jitter of a density map) a low quantile over time is what stayed there; its share of
the mean is the part of the place's density that stood still. Nothing links one frame to the next, so nobody is tracked:
of a queue that moves up by one, those who took another's place count as standing.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from core.records import CLASSES, PEOPLE, VEHICLES
from detect.model import Density

LEAST_SPAN_S = 3.0
"""In less time than this even those who move have hardly left their place."""

PEOPLE_PLACE_CELLS, VEHICLE_PLACE_CELLS = 3, 5
"""A place is as many cells wide and high (12 and 20 px in a 352x288 picture): what a map of something still jitters by.
Small for people, who far away do not walk further in a clip."""

STAY_QUANTILE = 0.2
"""What is there in most frames stayed: one in which it is hidden or missed does not make it move. The lower of the two
nearest frames is taken, so with five frames or fewer this is the least of all."""

ROUNDING = 1e-6
"""Objects per cell that running sums leave beside an object: nothing, on a whole picture as well."""

_GROUPS = tuple(
    (np.array([CLASSES.index(name) for name in group]), place_cells)
    for group, place_cells in ((PEOPLE, PEOPLE_PLACE_CELLS), (VEHICLES, VEHICLE_PLACE_CELLS))
)


def stationary_density(density: Density, span_s: float) -> NDArray[np.float32] | None:
    """The part of the clip's mean density that stood still, [class, row, column]; never more than the mean.

    `density` is [frame, class, row, column] over `span_s` seconds from the first frame to the last. None where that is
    not known: a single frame, or frames too close in time. The share is found for people and for vehicles, each as a
    whole, and holds for their classes: a van that some frames call a car has not moved.
    """
    if len(density) < 2 or span_s < LEAST_SPAN_S:
        return None
    still: NDArray[np.float32] = density.mean(axis=0)
    for group, place_cells in _GROUPS:
        still[group] *= _share_that_stayed(density[:, group].sum(axis=1), place_cells)
    return still


def _share_that_stayed(density: NDArray[np.float32], place_cells: int) -> NDArray[np.float32]:
    """[frame, row, column] to the share of each place's mean that stayed, [row, column], 0..1."""
    size = (place_cells, place_cells)
    pooled = np.stack([cv2.blur(frame, size, borderType=cv2.BORDER_REFLECT) for frame in density])
    stayed = np.quantile(pooled, STAY_QUANTILE, axis=0, method="lower")
    usual = pooled.mean(axis=0)
    share = np.divide(stayed, usual, out=np.zeros_like(usual), where=usual > ROUNDING)
    clipped: NDArray[np.float32] = np.clip(share, 0.0, 1.0)
    return clipped
