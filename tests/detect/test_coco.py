"""From COCO's labels to the street's classes: riders, parked bicycles and what is not of the street."""

from __future__ import annotations

import numpy as np
import pytest

from core.figures import CLASSES
from detect.coco import BICYCLE, BUS, CAR, MOTORCYCLE, PERSON, TRUCK, street_points

DOG = 16
RIDER = [0.40, 0.30, 0.50, 0.60]
MACHINE = [0.36, 0.45, 0.54, 0.70]
BESIDE = [0.70, 0.30, 0.80, 0.60]
HALF_BEHIND = [0.49, 0.30, 0.62, 0.60]  # covers part of the machine, but stands beyond its wheels


def counted(*found: tuple[int, list[float], float]) -> dict[str, int]:
    """The classes of (label, box, score) detections, and how many of each."""
    points = street_points(
        np.array([box for _, box, _ in found], dtype=np.float32).reshape(-1, 4),
        np.array([score for *_, score in found], dtype=np.float32),
        np.array([label for label, *_ in found], dtype=np.int64),
    )
    names = [CLASSES[kind] for kind in points.kind]
    return {name: names.count(name) for name in set(names)}


def test_vehicles_keep_their_class() -> None:
    found = [(label, BESIDE, 0.9) for label in (CAR, BUS, TRUCK, MOTORCYCLE)]
    assert counted(*found) == {"car": 1, "bus": 1, "truck": 1, "motorcycle": 1}


def test_a_person_on_a_bicycle_is_one_cyclist() -> None:
    assert counted((PERSON, RIDER, 0.8), (BICYCLE, MACHINE, 0.6)) == {"cyclist": 1}


def test_a_person_on_a_motorcycle_is_one_motorcycle() -> None:
    assert counted((PERSON, RIDER, 0.8), (MOTORCYCLE, MACHINE, 0.6)) == {"motorcycle": 1}


def test_a_bicycle_alone_is_parked() -> None:
    assert counted((BICYCLE, MACHINE, 0.9)) == {}


@pytest.mark.parametrize("where", [BESIDE, HALF_BEHIND])
def test_a_person_beside_a_bicycle_walks(where: list[float]) -> None:
    assert counted((PERSON, where, 0.8), (BICYCLE, MACHINE, 0.6)) == {"pedestrian": 1}


def test_a_bicycle_has_one_rider() -> None:
    """Of two people before one bicycle the one that covers most of it rides."""
    assert counted((PERSON, RIDER, 0.8), (PERSON, [0.41, 0.3, 0.46, 0.5], 0.9), (BICYCLE, MACHINE, 0.6)) == {
        "cyclist": 1,
        "pedestrian": 1,
    }


def test_a_person_rides_one_machine() -> None:
    assert counted((PERSON, RIDER, 0.8), (BICYCLE, MACHINE, 0.6), (BICYCLE, MACHINE, 0.5)) == {"cyclist": 1}


def test_a_bicycle_much_less_certain_than_the_person_is_noise() -> None:
    assert counted((PERSON, RIDER, 0.9), (BICYCLE, MACHINE, 0.1)) == {"pedestrian": 1}


def test_a_cyclist_keeps_the_score_of_the_rider() -> None:
    """So the number of people does not depend on whether the bicycle was seen."""
    points = street_points(
        np.array([RIDER, MACHINE], dtype=np.float32),
        np.array([0.8, 0.4], dtype=np.float32),
        np.array([PERSON, BICYCLE]),
    )
    assert points.score.tolist() == [np.float32(0.8)]


def test_other_labels_are_dropped() -> None:
    assert counted((DOG, BESIDE, 0.9)) == {}
    assert counted() == {}
