"""The error of a count is its distance to what was labelled or may have been there; models stand side by side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.records import CLASSES
from detect.boxes import BoxModel, GroundPoints, Thresholds
from detect.evaluation import compare, evaluate
from detect.model import Density
from detect.registry import open_model
from ingest.frame import Frame

PEDESTRIAN, CYCLIST, CAR = (CLASSES.index(name) for name in ("pedestrian", "cyclist", "car"))


def write_frame(folder: Path, name: str, people: int, uncertain: int, camera: str, visibility: str = "day") -> None:
    """A frame of one car and `people` pedestrians, whose picture's brightness is their number."""
    box = {"x": 10.0, "y": 10.0, "w": 4.0, "h": 4.0}
    label = {
        "id": name,
        "camera": camera,
        "source": None,
        "frame_index": 0,
        "width": 16,
        "height": 16,
        "visibility": visibility,
        "objects": [box | {"class": "car"}] + [box | {"class": "pedestrian"}] * people,
        "uncertain_pedestrians": uncertain,
        "uncertain_vehicles": 0,
        "note": "",
    }
    (folder / f"{name}.json").write_text(json.dumps(label))
    cv2.imwrite(str(folder / f"{name}.png"), np.full((16, 16, 3), people, dtype=np.uint8))


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    write_frame(tmp_path, "a", people=2, uncertain=0, camera="north")
    write_frame(tmp_path, "b", people=4, uncertain=3, camera="south")
    write_frame(tmp_path, "c", people=6, uncertain=0, camera="south", visibility="night")
    return tmp_path


class Offset:
    """Counts the true number of people plus `extra`, and no vehicle."""

    def __init__(self, extra: float, trained_cameras: tuple[str, ...] | None = None) -> None:
        self.name = f"offset{extra:g}@000000000000"
        self.extra = extra
        self.trained_cameras = trained_cameras

    def density(self, frames: Sequence[Frame]) -> Density:
        density = np.zeros((len(frames), len(CLASSES), 1, 1), dtype=np.float32)
        for index, frame in enumerate(frames):
            density[index, PEDESTRIAN] = int(frame.pixels[0, 0, 0]) + self.extra
        return density


class Detector(BoxModel):
    """Sees each pedestrian at 0.3, and a pedestrian and a car that are not there at 0.1; the true car at 0.2."""

    def __init__(self) -> None:
        super().__init__("detector@000000000000", Thresholds(people=0.5, vehicles=0.5))

    def _points(self, frame: Frame) -> GroundPoints:
        people = int(frame.pixels[0, 0, 0])
        kind = np.array([PEDESTRIAN] * (people + 1) + [CAR] * 2)
        score = np.array([0.3] * people + [0.1, 0.2, 0.1], dtype=np.float32)
        middle = np.full(len(kind), 0.5, dtype=np.float32)
        return GroundPoints(x=middle, y=middle, kind=kind, score=score)


def test_a_count_within_the_uncertain_is_no_error(labels: Path) -> None:
    """2 too many: right only in frame b, which has 3 uncertain people. Known answer: (2 + 0 + 2) / 3."""
    people = evaluate(Offset(2), labels).overall.people

    assert people.error == pytest.approx(4 / 3, abs=1e-3)
    assert people.mae == 2
    assert people.bias_percent == pytest.approx(100 * 4 / 12, abs=0.1)
    assert (people.labelled, people.uncertain, people.counted) == (12, 3, 18)


def test_too_few_is_measured_from_the_labelled(labels: Path) -> None:
    evaluation = evaluate(Offset(-1), labels)

    assert evaluation.overall.people.error == 1
    assert evaluation.overall.people.bias_percent == -25
    assert evaluation.overall.vehicles.error == 1
    assert evaluation.overall.vehicles.bias_percent == -100


def test_classes_cameras_and_light_are_told_apart(labels: Path) -> None:
    evaluation = evaluate(Offset(1), labels)

    assert list(evaluation.by_class) == list(CLASSES)
    assert evaluation.by_class["pedestrian"].mae == 1
    assert evaluation.by_class["bus"].bias_percent is None, "no bus was labelled: no share of it"
    assert {name: part.frames for name, part in evaluation.by_camera.items()} == {"north": 1, "south": 2}
    assert {name: part.frames for name, part in evaluation.by_visibility.items()} == {"day": 2, "night": 1}
    assert evaluation.by_visibility["night"].people.error == 1
    assert evaluation.by_training == {}


def test_cameras_of_training_are_reported_apart_for_every_model(labels: Path) -> None:
    comparison = compare([Offset(0, trained_cameras=("south",)), Offset(3)], labels)

    assert comparison.trained_cameras == ("south",)
    for evaluation in comparison.evaluations:
        assert {name: part.frames for name, part in evaluation.by_training.items()} == {"held-out": 1, "trained": 2}
    assert [found.by_training["held-out"].people.error for found in comparison.evaluations] == [0, 3]


def test_guessing_the_mean_is_what_a_model_must_beat(labels: Path) -> None:
    """The mean of 2, 4 and 6 is 4: two people off in two frames of three."""
    guess = compare([Offset(0)], labels).mean_guess

    assert guess.people.mae == pytest.approx(4 / 3, abs=1e-3)
    assert guess.vehicles.error == 0


def test_a_detector_is_reported_at_its_best_thresholds_and_says_so(labels: Path) -> None:
    """At its own 0.5 it would see nothing. One inference a frame serves all thresholds."""
    evaluation = evaluate(Detector(), labels)

    assert evaluation.overall.people.error == 0
    assert evaluation.overall.vehicles.error == 0
    assert evaluation.swept is not None
    assert 0.1 < evaluation.swept.people <= 0.3
    assert 0.1 < evaluation.swept.vehicles <= 0.2
    assert evaluate(Offset(0), labels).swept is None


def test_an_evaluation_is_json(labels: Path) -> None:
    comparison = compare([Offset(0)], labels)
    assert type(comparison).model_validate_json(comparison.model_dump_json()) == comparison


@pytest.mark.slow
def test_reference_figures_are_those_measured_elsewhere(shared_data: Path) -> None:
    """yolox_nano on the shared labels, against `reference_counts.md` (people 4.84, vehicles 2.65)."""
    model = open_model(f"yolox:{shared_data / 'weights' / 'yolox_nano.onnx'}")
    overall = evaluate(model, shared_data / "labels").overall

    assert overall.frames == 82
    assert overall.people.error == pytest.approx(4.84, abs=0.15)
    assert overall.vehicles.error == pytest.approx(2.65, abs=0.2)
