"""The weights that are shipped: what the manifest promises, and what they count on cameras that training never saw."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
import pytest

from busyness import DEFAULT_MODEL
from core.figures import CLASSES
from detect.evaluation import compare
from detect.model import CountingModel
from detect.registry import MANIFEST, MODELS, open_model
from ingest.frame import Frame

ENTRIES: dict[str, dict[str, Any]] = json.loads((MODELS / MANIFEST).read_text())["models"]
PEOPLE_FLOOR, VEHICLES_FLOOR = 5.0, 3.2
"""The most that a shipped model may be wrong on cameras that training never saw, objects per frame."""


@pytest.fixture(scope="module", params=sorted(ENTRIES))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def entry(name: str) -> dict[str, Any]:
    return ENTRIES[name]


@pytest.fixture(scope="module")
def model(name: str) -> CountingModel:
    return open_model(name)


def test_the_file_is_the_one_in_the_manifest(entry: dict[str, Any]) -> None:
    content = (MODELS / entry["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    assert len(content) < 10_000_000


def test_the_manifest_says_what_a_reader_of_the_density_needs(entry: dict[str, Any]) -> None:
    assert tuple(entry["classes"]) == CLASSES
    assert entry["input"] == {"name": "frames", "width": 352, "height": 288, "colour": "RGB", "scale": "0..1"}
    assert entry["output"] == {"name": "density", "stride": 4}
    assert entry["licence"] == "Apache-2.0"
    assert (MODELS / entry["card"]).is_file()


def test_no_camera_is_both_trained_on_and_held_out(entry: dict[str, Any]) -> None:
    assert entry["trained_cameras"]
    assert not set(entry["trained_cameras"]) & set(entry["held_out_cameras"])


def test_every_camera_the_shipped_network_saw_was_kept_from_a_sibling() -> None:
    """What is counted with saw every labelled camera; what it is worth elsewhere, its siblings can say."""
    seen = set(ENTRIES[DEFAULT_MODEL]["trained_cameras"])
    held_out = [set(entry["held_out_cameras"]) for name, entry in ENTRIES.items() if name != DEFAULT_MODEL]
    assert seen
    assert {camera for camera in seen if not camera.startswith("ne_")} == set().union(*held_out)


def test_the_error_model_is_of_these_weights(entry: dict[str, Any]) -> None:
    assert entry["errors"]["sha256"] == entry["sha256"]
    for light in ("day", "night"):
        for group in ("people", "vehicles"):
            assert 0 < entry["errors"][light][group]["sqrt_error"] < 3


def test_shapes_and_names(entry: dict[str, Any]) -> None:
    """The bare network, as another runtime would meet it."""
    session = onnxruntime.InferenceSession(str(MODELS / entry["file"]), providers=["CPUExecutionProvider"])
    (frames,), (out,) = session.get_inputs(), session.get_outputs()
    assert (frames.name, frames.type, frames.shape[1:]) == ("frames", "tensor(float)", [3, 288, 352])
    assert isinstance(frames.shape[0], str), "any number of frames"
    assert out.name == "density"
    for count in (1, 3):
        (result,) = session.run(["density"], {"frames": np.zeros((count, 3, 288, 352), np.float32)})
        assert result.shape == (count, 7, 72, 88)
        assert result.dtype == np.float32
        assert (result >= 0).all()


def test_a_frame_counts_the_same_in_any_batch(model: CountingModel) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (4, 288, 352, 3), dtype=np.uint8)
    frames = [Frame(np.asarray(cv2.GaussianBlur(picture, (0, 0), 4), dtype=np.uint8), 0.0) for picture in noise]
    together = model.density(frames)
    for index, frame in enumerate(frames):
        np.testing.assert_allclose(model.density([frame])[0], together[index], atol=1e-4)


@pytest.mark.parametrize("level", [96, 128, 160])
def test_a_grey_picture_is_almost_empty(model: CountingModel, level: int) -> None:
    noise = np.random.default_rng(1).normal(0, 2, (288, 352, 3))
    grey = Frame(np.clip(level + noise, 0, 255).astype(np.uint8), 0.0)
    present = model.density([grey])[0].sum(axis=(1, 2))
    assert present[:2].sum() < 1.5
    assert present[2:].sum() < 1.5


def test_error_on_cameras_that_training_never_saw(name: str, entry: dict[str, Any], shared_data: Path) -> None:
    """The same measurement as `busyness evaluate`, held to a floor; each sibling on the cameras it was kept from."""
    if not entry["held_out_cameras"]:
        assert name == DEFAULT_MODEL
        return
    (evaluation,) = compare([open_model(name)], shared_data / "labels", only=entry["held_out_cameras"]).evaluations

    assert set(evaluation.by_training) == {"held-out"}
    assert evaluation.overall.frames >= 30
    assert evaluation.overall.people.error < PEOPLE_FLOOR
    assert evaluation.overall.vehicles.error < VEHICLES_FLOOR
