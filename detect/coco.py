"""From the labels of COCO to the classes of the street: who rides what, and what nobody rides.

COCO knows a person and a bicycle, the street a cyclist. A person on a bicycle is one cyclist; a bicycle alone is parked
and counts for nothing; a person on a motorcycle is one motorcycle, and so is a motorcycle alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.figures import CLASSES
from detect.boxes import Boxes, GroundPoints, intersection

PERSON, BICYCLE, CAR, MOTORCYCLE, BUS, TRUCK = 0, 1, 2, 3, 5, 7
"""Indices of the 80 COCO labels that stand on a street. COCO has no van: detectors call it car or truck."""

STREET_LABELS = (PERSON, BICYCLE, CAR, MOTORCYCLE, BUS, TRUCK)

RIDER_OVERLAP = 0.3
"""The least share of a bicycle's or motorcycle's box that its rider's box covers."""

RIDER_SCORE_RATIO = 0.3
"""A bicycle much less certain than the person before it is noise. A ratio, not a threshold, so that who rides does not
depend on the thresholds of counting."""

_KIND = {
    PERSON: CLASSES.index("pedestrian"),
    CAR: CLASSES.index("car"),
    MOTORCYCLE: CLASSES.index("motorcycle"),
    BUS: CLASSES.index("bus"),
    TRUCK: CLASSES.index("truck"),
}
_CYCLIST = CLASSES.index("cyclist")


def street_points(boxes: Boxes, score: NDArray[np.float32], label: NDArray[np.int64]) -> GroundPoints:
    """The ground points of COCO detections of one frame; labels that are not of the street are dropped.

    `boxes` [box, 4], `score` and `label` [box]. A cyclist keeps the score of its rider, so the number of people does
    not depend on whether the bicycle was seen; a ridden motorcycle keeps its own.
    """
    riders = np.flatnonzero(label == PERSON)
    on_bicycle = _riders(boxes, score, riders, np.flatnonzero(label == BICYCLE))
    on_motorcycle = _riders(boxes, score, np.setdiff1d(riders, on_bicycle), np.flatnonzero(label == MOTORCYCLE))
    kind = np.array([_KIND.get(int(name), -1) for name in label], dtype=np.int64)
    kind[on_bicycle] = _CYCLIST
    kind[on_motorcycle] = -1
    kept = kind >= 0
    return GroundPoints.under(boxes[kept], kind[kept], score[kept])


def _riders(
    boxes: Boxes, score: NDArray[np.float32], people: NDArray[np.int64], machines: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Which of `people` ride one of `machines`: each machine takes the person that covers most of it, once."""
    if not len(people) or not len(machines):
        return np.empty(0, dtype=np.int64)
    shared = intersection(boxes[people], boxes[machines])
    area = np.diag(intersection(boxes[machines], boxes[machines]))
    cover = shared / np.maximum(area, 1e-12)
    cover[score[machines][None, :] < RIDER_SCORE_RATIO * score[people][:, None]] = 0
    # A rider sits on the machine: from beside, a pedestrian covers a part of it too, but stands beyond its wheels.
    centre = (boxes[people, 0] + boxes[people, 2]) / 2
    outside = (centre[:, None] < boxes[machines, 0]) | (centre[:, None] > boxes[machines, 2])
    cover[outside] = 0
    taken: list[int] = []
    for machine in np.argsort(-score[machines], kind="stable"):
        best = int(cover[:, machine].argmax())
        if cover[best, machine] >= RIDER_OVERLAP:
            taken.append(int(people[best]))
            cover[best] = 0
    return np.array(taken, dtype=np.int64)
