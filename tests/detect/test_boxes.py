"""A box becomes one unit in the cell where it touches the ground, and overlapping boxes become one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.figures import CLASSES
from detect.boxes import (
    GRID_COLUMNS,
    GRID_ROWS,
    GroundPoints,
    Thresholds,
    density_of,
    intersection,
    suppress_overlaps,
)

PEDESTRIAN, CAR = CLASSES.index("pedestrian"), CLASSES.index("car")
LOW = Thresholds(people=0.04, vehicles=0.04)


def points(boxes: list[list[float]], kinds: list[int], scores: list[float]) -> GroundPoints:
    return GroundPoints.under(
        np.array(boxes, dtype=np.float32), np.array(kinds, dtype=np.int64), np.array(scores, dtype=np.float32)
    )


def test_a_box_counts_once_where_it_stands() -> None:
    """The middle of the lower edge, not the box's centre: a tall box near a kerb stands on the right side of it."""
    density = density_of([points([[0.25, 0.10, 0.35, 0.50]], [PEDESTRIAN], [0.9])], LOW)

    assert density.sum() == 1
    assert density[0, PEDESTRIAN, GRID_ROWS // 2, int(0.30 * GRID_COLUMNS)] == 1


def test_two_in_one_cell_are_two() -> None:
    density = density_of([points([[0.1, 0.1, 0.2, 0.2]] * 2, [CAR, CAR], [0.5, 0.6])], LOW)

    assert density.max() == 2


def test_thresholds_of_people_and_vehicles_are_apart() -> None:
    """A score on the threshold counts."""
    found = points([[0, 0, 0.1, 0.1]] * 4, [PEDESTRIAN, PEDESTRIAN, CAR, CAR], [0.1, 0.3, 0.1, 0.3])
    counts = density_of([found], Thresholds(people=0.1, vehicles=0.3)).sum(axis=(0, 2, 3))

    assert (counts[PEDESTRIAN], counts[CAR]) == (2, 1)


@pytest.mark.parametrize("score", [0.0, 0.039, 1.0, float("nan")])
def test_a_threshold_below_what_adapters_keep_is_refused(score: float) -> None:
    with pytest.raises(ValueError, match="threshold of people"):
        Thresholds(people=score, vehicles=0.5)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.tuples(*[st.floats(-2, 3, width=32)] * 4, st.integers(0, len(CLASSES) - 1)),
        max_size=20,
    )
)
def test_no_box_is_lost_or_doubled(boxes: list[tuple[float, float, float, float, int]]) -> None:
    """Whatever the box, even one that reaches beyond the picture: the map's sum is the number of boxes, by class."""
    found = points([list(box[:4]) for box in boxes], [box[4] for box in boxes], [0.5] * len(boxes))
    counts = density_of([found], LOW).sum(axis=(0, 2, 3))

    assert counts.tolist() == [sum(box[4] == kind for box in boxes) for kind in range(len(CLASSES))]


def test_of_overlapping_boxes_of_one_label_the_best_stays() -> None:
    boxes = np.array([[0, 0, 1, 1], [0, 0, 1, 0.9], [0.9, 0.9, 1.9, 1.9], [0, 0, 1, 1]], dtype=np.float32)
    kept = suppress_overlaps(boxes, np.array([0.5, 0.8, 0.3, 0.4], dtype=np.float32), np.array([0, 0, 0, 2]), iou=0.45)

    assert kept.tolist() == [1, 3, 2], "best first; another label and a mere corner do not clash"


def test_nothing_to_suppress() -> None:
    none = np.empty((0, 4), dtype=np.float32)
    assert len(suppress_overlaps(none, np.empty(0, dtype=np.float32), np.empty(0, dtype=np.int64), iou=0.5)) == 0


def test_intersection_of_boxes() -> None:
    first = np.array([[0, 0, 2, 2]], dtype=np.float32)
    second = np.array([[1, 1, 3, 3], [5, 5, 6, 6], [2, 0, 3, 2]], dtype=np.float32)

    assert intersection(first, second).tolist() == [[1, 0, 0]]
