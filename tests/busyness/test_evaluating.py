"""`busyness evaluate` beside a folder of reference detectors: what is none is named, and the rest is measured."""

from __future__ import annotations

import io
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from busyness.command import app
from busyness.evaluating import FramesAsked, Shown, evaluate_models
from core.errors import ModelError, SourceError
from core.figures import CLASSES
from detect.boxes import BoxModel, GroundPoints, Thresholds
from detect.evaluation import Comparison
from detect.registry import MODELS
from ingest.frame import Frame


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """One labelled picture with nobody in it."""
    folder = tmp_path / "labels"
    folder.mkdir()
    label = {
        "id": "one", "camera": "06710", "source": None, "frame_index": 0, "width": 352, "height": 288,
        "visibility": "day", "objects": [], "uncertain_pedestrians": 0, "uncertain_vehicles": 0,
    }  # fmt: skip
    (folder / "one.json").write_text(json.dumps(label))
    cv2.imwrite(str(folder / "one.png"), np.full((288, 352, 3), 128, dtype=np.uint8))
    return folder


class Sees(BoxModel):
    """Somebody in every frame, at 0.4."""

    def __init__(self) -> None:
        super().__init__("sees@000000000000", Thresholds(people=0.3, vehicles=0.5))

    def _points(self, frame: Frame) -> GroundPoints:
        half, score = np.full(1, 0.5, dtype=np.float32), np.full(1, 0.4, dtype=np.float32)
        return GroundPoints(x=half, y=half, kind=np.array([CLASSES.index("pedestrian")]), score=score)


def test_a_reference_that_is_no_detector_is_named_and_left_out(
    labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that is no network, and a network that is no detector: neither keeps the others from being measured."""
    references = tmp_path / "references"
    references.mkdir()
    (references / "yolox_text.onnx").write_text("no network")
    (references / "yolox_counts.onnx").write_bytes((MODELS / "lowres-2.onnx").read_bytes())
    notes = io.StringIO()

    shown = Shown(Console(file=notes), as_json=True)
    evaluate_models(FramesAsked(labels), ["lowres-2", "lowres-2"], references, shown)

    comparison = Comparison.model_validate_json(capsys.readouterr().out)
    assert [evaluation.model.partition("@")[0] for evaluation in comparison.evaluations] == ["lowres-2"]
    counts, text = notes.getvalue().splitlines()
    assert counts.startswith(f"left out yolox:{references / 'yolox_counts.onnx'}: ")
    assert "expected [1, 3, side, side]" in counts
    assert text.startswith(f"left out yolox:{references / 'yolox_text.onnx'}: ")
    assert "is not a model that ONNX Runtime can run" in text


def test_a_model_that_was_asked_for_must_be_one(labels: Path, tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("no network")
    with pytest.raises(ModelError, match="is not a model that ONNX Runtime can run"):
        evaluate_models(FramesAsked(labels), [f"yolox:{tmp_path / 'text.onnx'}"], None, Shown(Console(quiet=True)))


def test_a_model_asked_for_in_a_way_is_named_by_it(labels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """So that the same weights can stand beside themselves, and keep the cameras that they were trained on."""
    shown = Shown(Console(quiet=True), as_json=True)
    evaluate_models(FramesAsked(labels), ["lowres-2", "lowres-2?runtime=onnxruntime"], None, shown)

    comparison = Comparison.model_validate_json(capsys.readouterr().out)
    plain, asked = (evaluation.model for evaluation in comparison.evaluations)
    assert asked == f"{plain}?runtime=onnxruntime"
    assert [list(evaluation.by_training) for evaluation in comparison.evaluations] == [["trained"]] * 2


def test_thresholds_that_are_said_are_not_swept(
    labels: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("busyness.evaluating.open_model", lambda spec, threads: Sees())
    shown = Shown(Console(quiet=True), as_json=True)
    evaluate_models(FramesAsked(labels), ["toy:any", "toy:any?people=0.3&vehicles=0.5"], None, shown)

    swept, said = Comparison.model_validate_json(capsys.readouterr().out).evaluations
    assert swept.swept is not None
    assert swept.overall.people.counted == 0, "nobody is there, so the sweep looks for a score that sees nobody"
    assert said.swept is None
    assert said.overall.people.counted == 1


@pytest.mark.parametrize(("name", "complaint"), [("report.doc", "is to be a page"), ("no/report.html", "no folder")])
def test_a_report_that_cannot_be_is_refused_before_counting(labels: Path, name: str, complaint: str) -> None:
    with pytest.raises(SourceError, match=complaint):
        evaluate_models(FramesAsked(labels), ["no such model"], None, Shown(report=labels / name))


def test_the_tables_of_a_terminal_fit_it(labels: Path) -> None:
    text = io.StringIO()
    evaluate_models(FramesAsked(labels), ["lowres-2"], None, Shown(Console(file=text, width=80)))

    titles = ("Error a frame", "By lighting", "By camera", "Error a frame by class", "By size", "Counted where nothing")
    assert [title for title in titles if title not in text.getvalue()] == []
    assert "lowres-2: vehicles" in text.getvalue()
    assert max(map(len, text.getvalue().splitlines())) <= 80


def test_the_command_takes_cameras_footage_and_a_report(labels: Path, tmp_path: Path) -> None:
    """Labels without their picture, whose still lies elsewhere; one of the two cameras is left out."""
    (tmp_path / "footage").mkdir()
    (labels / "one.png").rename(tmp_path / "footage" / "still.png")
    first = json.loads((labels / "one.json").read_text()) | {"source": "still.png"}
    (labels / "one.json").write_text(json.dumps(first))
    (labels / "two.json").write_text(json.dumps(first | {"id": "two", "camera": "04254"}))
    report = tmp_path / "accuracy.html"
    words = ["evaluate", labels, "--footage", tmp_path / "footage", "--except", "04254,", "--report", report, "--json"]

    done = CliRunner().invoke(app, [str(word) for word in words])

    assert done.exit_code == 0, done.output
    comparison = Comparison.model_validate_json(done.stdout)
    assert (comparison.cameras, comparison.frames) == (("06710",), 1)
    assert "1 model on 1 frame of 1 camera, labelled by eye" in report.read_text()
