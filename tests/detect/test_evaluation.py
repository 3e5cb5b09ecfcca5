"""The error of a count is its distance to what was labelled or may have been there; models stand side by side."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.errors import SourceError
from core.figures import CLASSES
from detect.boxes import BoxModel, GroundPoints, Thresholds
from detect.evaluation import compare, evaluate
from detect.evaluation.bootstrap import Resample
from detect.evaluation.scoring import errors_of
from detect.labels import LabelledFrame, picture_of
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


def labelled(people: int, uncertain: int) -> LabelledFrame:
    box = {"class": "pedestrian", "x": 8, "y": 8, "w": 4, "h": 4}
    return LabelledFrame.model_validate(
        {
            "id": "one", "camera": "north", "source": None, "frame_index": 0, "width": 16, "height": 16,
            "visibility": "day", "objects": [box] * people, "uncertain_pedestrians": uncertain, "uncertain_vehicles": 0,
        }
    )  # fmt: skip


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


def test_every_distance_of_unequal_errors() -> None:
    """2, 5 and 9 counted of 4, 5 and 6 (and 1 uncertain): off by -2, 0 and +2, and by 2, 0 and 3 of the labelled."""
    labels = [labelled(4, 0), labelled(5, 0), labelled(6, 1)]
    counts = np.zeros((3, len(CLASSES)))
    counts[:, PEDESTRIAN] = 2, 5, 9

    people = errors_of(labels, counts).people

    assert (people.error, people.bias, people.bias_percent) == (1.333, 0, 0)
    assert people.mae == pytest.approx(5 / 3, abs=1e-3)
    assert people.rmse == pytest.approx((13 / 3) ** 0.5, abs=1e-3)
    assert people.relative_percent == pytest.approx(100 * 4 / 15, abs=0.1)


def test_any_of_the_uncertain_may_be_of_a_class() -> None:
    """2 cyclists counted, none labelled: 1 of them may be the uncertain one. By the labelled, both are too many."""
    counts = np.zeros((1, len(CLASSES)))
    counts[0, CYCLIST] = 2
    cyclist = errors_of([labelled(3, 1)], counts).classes["cyclist"]

    assert (cyclist.error, cyclist.mae, cyclist.labelled, cyclist.uncertain) == (1, 2, 0, 1)


def test_too_few_is_measured_from_the_labelled(labels: Path) -> None:
    evaluation = evaluate(Offset(-1), labels)

    assert evaluation.overall.people.error == 1
    assert evaluation.overall.people.bias_percent == -25
    assert evaluation.overall.vehicles.error == 1
    assert evaluation.overall.vehicles.bias_percent == -100


def test_classes_cameras_and_light_are_told_apart(labels: Path) -> None:
    evaluation = evaluate(Offset(1), labels)

    assert list(evaluation.overall.classes) == list(CLASSES)
    assert evaluation.overall.classes["pedestrian"].mae == 1
    assert evaluation.overall.classes["bus"].bias_percent is None, "no bus was labelled: no share of it"
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


def test_models_are_compared_to_the_first_on_the_same_frames(labels: Path) -> None:
    """Off by 3 where the first is right: 2 a frame too many, for of frame b 3 are uncertain."""
    comparison = compare([Offset(0), Offset(3)], labels, resample=Resample(draws=50))
    people = {found.frames_of: found for found in comparison.differences if found.series == "people"}

    assert set(people) == {"all", "day", "night"}
    assert people["all"].difference == 2
    assert (people["day"].difference, people["day"].cameras, people["day"].frames) == (1.5, 2, 2)
    assert {found.model for found in comparison.differences} == {"offset3@000000000000"}
    assert {found.verdict for found in comparison.differences} == {"cannot tell"}, "of two cameras"
    assert comparison.resampling.draws == 50
    assert "only 2 cameras" in str(comparison.resampling.remark)


def test_a_model_alone_is_compared_to_none(labels: Path) -> None:
    assert compare([Offset(0)], labels).differences == ()


def test_only_some_cameras(labels: Path) -> None:
    south = compare([Offset(0)], labels, only=("south",))

    assert (south.cameras, south.frames) == (("south",), 2)
    assert compare([Offset(0)], labels, without=("south",)).cameras == ("north",)
    with pytest.raises(SourceError, match="no frame of camera east is labelled"):
        compare([Offset(0)], labels, only=("east",))
    with pytest.raises(SourceError, match="no labelled frame is left"):
        compare([Offset(0)], labels, without=("south", "north"))


def test_every_picture_is_read_once_for_all_models(labels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And each step is told, of how many."""
    read: list[str] = []

    def counted(label: LabelledFrame, folder: Path, footage: Path | None = None) -> Frame:
        read.append(label.id)
        return picture_of(label, folder, footage)

    monkeypatch.setattr("detect.evaluation.side_by_side.picture_of", counted)
    steps: list[tuple[int, int]] = []

    compare([Offset(0), Offset(1), Detector()], labels, progress=lambda done, total: steps.append((done, total)))

    assert read == ["a", "b", "c"]
    assert steps == [(done, 9) for done in range(1, 10)]


def test_the_counts_of_every_frame_are_there_to_be_looked_at(labels: Path) -> None:
    comparison = compare([Offset(2), Detector()], labels)

    assert [(truth.id, truth.people, truth.uncertain_people) for truth in comparison.truth] == [
        ("a", 2, 0), ("b", 4, 3), ("c", 6, 0),
    ]  # fmt: skip
    assert [row[PEDESTRIAN] for row in comparison.evaluations[0].counted] == [4, 6, 8]
    assert [row[PEDESTRIAN] for row in comparison.evaluations[1].counted] == [2, 4, 6]


def test_time_is_the_median_of_single_frames(labels: Path) -> None:
    """Of the processor: one frame of three that takes longer, and waiting for other work, do not show."""

    class Hiccup(Offset):
        def density(self, frames: Sequence[Frame]) -> Density:
            time.sleep(0.05)
            until_s = time.process_time() + (0.1 if int(frames[0].pixels[0, 0, 0]) == 4 else 0.01)
            while time.process_time() < until_s:
                pass
            return super().density(frames)

    assert 10 <= evaluate(Hiccup(0), labels).ms_per_frame < 40


def test_an_evaluation_is_json(labels: Path) -> None:
    comparison = compare([Offset(0), Detector()], labels)
    assert type(comparison).model_validate_json(comparison.model_dump_json()) == comparison


@pytest.mark.slow
def test_reference_figures_are_those_measured_elsewhere(shared_data: Path) -> None:
    """yolox_nano on the shared labels, against `reference_counts.md` (people 4.84, vehicles 2.65)."""
    model = open_model(f"yolox:{shared_data / 'weights' / 'yolox_nano.onnx'}")
    overall = evaluate(model, shared_data / "labels").overall

    assert overall.frames == 82
    assert overall.people.error == pytest.approx(4.84, abs=0.15)
    assert overall.vehicles.error == pytest.approx(2.65, abs=0.2)
