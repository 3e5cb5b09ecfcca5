"""Who stands still, without following anyone: what stays in the density map through the whole clip.

A parked car gives density in the same place in every frame, a moving one gives it in each place for a moment. Per
place (a few cells, as wide as the jitter of a density map) what its least frames hold is what stayed there; its share
of the mean is the part of the place's density that stood still. Nothing links one frame to the next, so nobody is
tracked: of a queue that moves up by one, those who took another's place count as standing. It is the background of a
scene as order statistics of its time series give it (Cucchiara et al., "Detecting moving objects, ghosts, and shadows
in video streams", IEEE PAMI 25(10), 2003, take the median of pixels), of density instead of pixels: what a change of
light does to a picture the counting network leaves out already.

How many of the frames have a say follows from how soon a place is taken again. On a pavement the next walker is a
second behind, so few places are empty in two of six frames, and only what is there in the very least of them stayed.
Vehicles follow each other less closely and hide each other more: the least third shares the say, so that one missed in
a single frame stands for the most part. `make bench-stationary` holds both against what was seen by eye on real clips.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.figures import CLASSES, PEOPLE, VEHICLES
from detect.model import Density

LEAST_SPAN_S = 3.0
"""In less time than this even those who move have hardly left their place."""

PLACE_CELLS = 3
"""A place is as many cells wide and high (12 px in a 352x288 picture): what a map of something still jitters by.
In wider ones somebody is always present."""

ROUNDING = 1e-6
"""Objects per cell that running sums leave beside an object: nothing, on a whole picture as well."""


@dataclass(frozen=True)
class _Group:
    """Classes whose standing is found as one, and the share of the frames, the least, that say what stayed."""

    classes: NDArray[np.intp]
    least_share: float


_GROUPS = (
    _Group(np.array([CLASSES.index(name) for name in PEOPLE]), least_share=0.0),
    _Group(np.array([CLASSES.index(name) for name in VEHICLES]), least_share=1 / 3),
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
    for group in _GROUPS:
        still[group.classes] *= _share_that_stayed(density[:, group.classes].sum(axis=1), group.least_share)
    return still


def _share_that_stayed(density: NDArray[np.float32], least_share: float) -> NDArray[np.float32]:
    """[frame, row, column] to the share of each place's mean that stayed, [row, column], 0..1.

    What stayed is the mean of the least `least_share` of the frames, of one at least.
    """
    size = (PLACE_CELLS, PLACE_CELLS)
    pooled = np.stack([cv2.blur(frame, size, borderType=cv2.BORDER_REFLECT) for frame in density])
    least = max(1, int(len(pooled) * least_share))
    stayed = np.partition(pooled, least - 1, axis=0)[:least].mean(axis=0)
    usual = pooled.mean(axis=0)
    share = np.divide(stayed, usual, out=np.zeros_like(usual), where=usual > ROUNDING)
    clipped: NDArray[np.float32] = np.clip(share, 0.0, 1.0)
    return clipped
