"""Ultralytics behind the port: run for real where it is installed, and kept quiet, offline and forgetful."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.errors import MissingExtra, ModelError
from core.figures import CLASSES, VEHICLES
from detect.boxes import Thresholds
from detect.ultralytics_boxes import UltralyticsBoxes
from ingest.frame import Frame


@pytest.fixture(scope="module")
def model(shared_data: Path) -> UltralyticsBoxes:
    try:
        return UltralyticsBoxes(str(shared_data / "weights" / "yolo11n_int8.onnx"), Thresholds(0.1, 0.1))
    except MissingExtra as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def street(shared_data: Path) -> tuple[Frame, int]:
    """The labelled frame with the most vehicles, and how many they are."""
    labels = [json.loads(path.read_text()) for path in sorted((shared_data / "labels").glob("*.json"))]
    busiest = max(labels, key=vehicles)
    picture = cv2.imread(str(shared_data / "labels" / f"{busiest['id']}.png"))
    return Frame(np.ascontiguousarray(picture[:, :, ::-1]), 0.0), vehicles(busiest)


def vehicles(label: dict[str, list[dict[str, object]]]) -> int:
    return sum(found["class"] in VEHICLES for found in label["objects"])


def test_it_finds_vehicles_on_a_real_street(model: UltralyticsBoxes, street: tuple[Frame, int]) -> None:
    frame, labelled = street
    counts = model.density([frame]).sum(axis=(0, 2, 3))
    found = sum(counts[CLASSES.index(name)] for name in VEHICLES)

    assert 0.3 * labelled < found < 2 * labelled


def test_a_higher_threshold_counts_fewer(model: UltralyticsBoxes, street: tuple[Frame, int]) -> None:
    (points,) = model.points([street[0]])
    counted = [int(points.above(Thresholds(score, score)).sum()) for score in (0.04, 0.1, 0.3, 0.6)]

    assert counted == sorted(counted, reverse=True)
    assert counted[0] > counted[-1]


def test_ultralytics_keeps_neither_boxes_nor_pixels(model: UltralyticsBoxes, street: tuple[Frame, int]) -> None:
    model.density([street[0]])
    predictor = model._yolo.predictor
    kept = {name: value for name, value in vars(predictor).items() if isinstance(value, np.ndarray | list | tuple)}

    assert predictor.results is None
    assert predictor.batch is None
    assert predictor.dataset is None
    assert not any(getattr(value, "ndim", 0) >= 2 for value in kept.values())


def test_it_neither_reports_nor_installs(model: UltralyticsBoxes) -> None:
    from ultralytics.utils import AUTOINSTALL, SETTINGS
    from ultralytics.utils.events import events

    assert not SETTINGS["sync"]
    assert not events.enabled
    assert not AUTOINSTALL


def test_nothing_is_written_where_it_runs(
    model: UltralyticsBoxes, street: tuple[Frame, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No `runs` folder with the picture and its boxes drawn."""
    monkeypatch.chdir(tmp_path)
    model.density([street[0]])

    assert list(tmp_path.rglob("*")) == []


def test_weights_that_cannot_be_loaded(model: UltralyticsBoxes, tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a network")

    with pytest.raises(ModelError, match=r"Ultralytics cannot load .*broken.onnx"):
        UltralyticsBoxes(str(broken))
