"""What an operator writes for a model, and what is said where it cannot be had."""

from __future__ import annotations

import sys

import pytest

from core.errors import MissingExtra, ModelError
from detect.registry import open_model


def test_an_unknown_name_is_told_what_there_is() -> None:
    with pytest.raises(ModelError, match=r"no model 'hires-9'. say one of lowres-2.*ultralytics:WEIGHTS"):
        open_model("hires-9")


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("people=0.1", "got people"),
        ("people=0.1&vehicles=x", "could not convert"),
        ("people=0.1&vehicles=2", "threshold of vehicles"),
        ("people=0.1&vehicles=0.1&buses=0.1", "got people, vehicles, buses"),
    ],
)
def test_thresholds_that_make_no_sense(query: str, complaint: str) -> None:
    with pytest.raises(ModelError, match=rf"{complaint}.*end it as in \?people=0.1&vehicles=0.12"):
        open_model(f"yolox:network.onnx?{query}")


def test_a_kind_without_weights() -> None:
    with pytest.raises(ModelError, match=r"names no weights\. say yolox:WEIGHTS"):
        open_model("yolox:")


@pytest.mark.parametrize(
    ("spec", "package"), [("ultralytics:yolo11n.pt", "ultralytics"), ("openvino:network.xml", "openvino")]
)
def test_a_runtime_that_is_not_installed(spec: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=rf"{package} is not installed. pip install '.\[{package}\]'"):
        open_model(spec)
