"""The weights that are shipped: what the manifest promises, and what they count on cameras that training never saw."""

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "models"
LABELS = ROOT.parent / "shared" / "data" / "labels"
MANIFEST = json.loads((MODELS / "manifest.json").read_text())["models"]
CLASSES = ["pedestrian", "cyclist", "motorcycle", "car", "van", "truck", "bus"]
PEOPLE_FLOOR, VEHICLES_FLOOR = 6.0, 4.0


@pytest.fixture(scope="module", params=sorted(MANIFEST))
def entry(request):
    return MANIFEST[request.param]


@pytest.fixture(scope="module")
def session(entry):
    return onnxruntime.InferenceSession(str(MODELS / entry["file"]), providers=["CPUExecutionProvider"])


def density(session, frames_rgb):
    """uint8 [n, 288, 352, 3] -> [n, 7, 72, 88]."""
    frames = np.ascontiguousarray(frames_rgb.transpose(0, 3, 1, 2), dtype=np.float32) / 255
    return session.run(["density"], {"frames": frames})[0]


def test_the_file_is_the_one_in_the_manifest(entry):
    content = (MODELS / entry["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    assert len(content) < 10_000_000


def test_the_manifest_says_what_a_reader_of_the_density_needs(entry):
    assert entry["classes"] == CLASSES
    assert entry["input"] == {"name": "frames", "width": 352, "height": 288, "colour": "RGB", "scale": "0..1"}
    assert entry["output"] == {"name": "density", "stride": 4}
    assert entry["licence"] == "Apache-2.0"
    assert (MODELS / entry["card"]).is_file()


def test_no_camera_is_both_trained_on_and_held_out(entry):
    assert entry["held_out_cameras"]
    assert not set(entry["trained_cameras"]) & set(entry["held_out_cameras"])


def test_shapes_and_names(session):
    (frames,), (out,) = session.get_inputs(), session.get_outputs()
    assert (frames.name, frames.type, frames.shape[1:]) == ("frames", "tensor(float)", [3, 288, 352])
    assert isinstance(frames.shape[0], str)  # any number of frames
    assert out.name == "density"
    for count in (1, 3):
        result = density(session, np.zeros((count, 288, 352, 3), np.uint8))
        assert result.shape == (count, 7, 72, 88)
        assert result.dtype == np.float32
        assert (result >= 0).all()


def test_a_frame_counts_the_same_in_any_batch(session):
    frames = np.random.default_rng(3).integers(0, 256, (4, 288, 352, 3), dtype=np.uint8)
    frames = np.stack([cv2.GaussianBlur(frame, (0, 0), 4) for frame in frames])
    together = density(session, frames)
    for index in range(4):
        np.testing.assert_allclose(density(session, frames[index : index + 1])[0], together[index], atol=1e-4)


@pytest.mark.parametrize("level", [96, 128, 160])
def test_a_grey_picture_is_almost_empty(session, level):
    noise = np.random.default_rng(1).normal(0, 2, (1, 288, 352, 3))
    grey = np.clip(level + noise, 0, 255).astype(np.uint8)
    counts = density(session, grey).sum(axis=(2, 3))[0]
    assert counts[:2].sum() < 1.5
    assert counts[2:].sum() < 1.5


@pytest.mark.skipif(not LABELS.is_dir(), reason=f"labelled frames are beside the project, not in it: no {LABELS}")
def test_error_on_cameras_that_training_never_saw(entry, session):
    errors = {"people": [], "vehicles": []}
    for path in sorted(LABELS.glob("*.json")):
        label = json.loads(path.read_text())
        if label["camera"] not in entry["held_out_cameras"]:
            continue
        frame = cv2.imread(str(path.with_suffix(".png")))[None, :, :, ::-1]
        counts = density(session, frame).sum(axis=(2, 3))[0]
        for group, names, uncertain in (
            ("people", CLASSES[:2], label["uncertain_pedestrians"]),
            ("vehicles", CLASSES[2:], label["uncertain_vehicles"]),
        ):
            low = sum(item["class"] in names for item in label["objects"])
            count = sum(counts[CLASSES.index(name)] for name in names)
            errors[group].append(max(0.0, low - count, count - low - uncertain))
    assert len(errors["people"]) >= 30
    assert np.mean(errors["people"]) < PEOPLE_FLOOR
    assert np.mean(errors["vehicles"]) < VEHICLES_FLOOR
