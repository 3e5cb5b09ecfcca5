"""`busyness evaluate` beside a folder of reference detectors: what is none is named, and the rest is measured."""

from __future__ import annotations

import io
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from rich.console import Console

from busyness.evaluating import evaluate_models
from core.errors import ModelError
from detect.evaluation import Comparison
from detect.registry import MODELS


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


def test_a_reference_that_is_no_detector_is_named_and_left_out(
    labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that is no network, and a network that is no detector: neither keeps the others from being measured."""
    references = tmp_path / "references"
    references.mkdir()
    (references / "yolox_text.onnx").write_text("no network")
    (references / "yolox_counts.onnx").write_bytes((MODELS / "lowres-1.onnx").read_bytes())
    notes = io.StringIO()

    evaluate_models(labels, ["lowres-1"], references, as_json=True, console=Console(file=notes))

    comparison = Comparison.model_validate_json(capsys.readouterr().out)
    assert [evaluation.model.partition("@")[0] for evaluation in comparison.evaluations] == ["lowres-1"]
    counts, text = notes.getvalue().splitlines()
    assert counts.startswith(f"left out yolox:{references / 'yolox_counts.onnx'}: ")
    assert "expected [1, 3, side, side]" in counts
    assert text.startswith(f"left out yolox:{references / 'yolox_text.onnx'}: ")
    assert "is not a model that ONNX Runtime can run" in text


def test_a_model_that_was_asked_for_must_be_one(labels: Path, tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("no network")
    with pytest.raises(ModelError, match="is not a model that ONNX Runtime can run"):
        evaluate_models(labels, [f"yolox:{tmp_path / 'text.onnx'}"], None, as_json=True, console=Console(quiet=True))
