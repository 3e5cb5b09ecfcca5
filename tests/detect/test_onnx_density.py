"""The network of our own: only the file that the manifest describes is loaded, and no pickle ever is."""

from __future__ import annotations

import json
import pickle
import re
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from core.errors import ModelError
from core.figures import CLASSES
from detect.error_model import errors_of
from detect.model import CountingModel
from detect.onnx_density import Manifest
from detect.registry import MANIFEST, MODELS, open_model
from ingest.frame import Frame

NAME = "lowres-2"


@pytest.fixture(scope="module")
def model() -> CountingModel:
    return open_model(NAME)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the shipped network beside its manifest, to be spoiled."""
    entry = Manifest.read(MODELS / MANIFEST).models[NAME]
    shutil.copy(MODELS / MANIFEST, tmp_path)
    return Path(shutil.copy(MODELS / entry.file, tmp_path))


def rewrite_entry(network: Path, **changed: Any) -> None:
    path = network.parent / MANIFEST
    manifest = json.loads(path.read_text())
    manifest["models"][NAME].update(changed)
    path.write_text(json.dumps(manifest))


def test_a_network_beside_its_manifest_is_the_same_model(copied: Path, model: CountingModel) -> None:
    assert open_model(str(copied)).name == model.name


def test_the_name_is_that_of_the_manifest_and_the_files_hash(model: CountingModel) -> None:
    entry = Manifest.read(MODELS / MANIFEST).models[NAME]
    assert model.name == f"{NAME}@{entry.sha256[:12]}"


def test_an_error_model_comes_with_the_weights_it_was_measured_with(copied: Path) -> None:
    light = {"people": {"gain": 1.1, "sqrt_error": 0.5, "frames": 40, "sites": 5}}
    sha256 = Manifest.read(copied.parent / MANIFEST).models[NAME].sha256
    rewrite_entry(copied, errors={"sha256": sha256, "day": light})
    errors = errors_of(open_model(str(copied)))
    assert errors is not None
    assert errors.day is not None
    assert errors.day.people is not None
    assert errors.day.people.gain == 1.1
    rewrite_entry(copied, errors={"sha256": "0" * 64, "day": light})
    with pytest.raises(ModelError, match=r"malformed at models\.lowres-2: .*measured with other weights"):
        open_model(str(copied))


def test_a_changed_file_is_refused(copied: Path) -> None:
    """Even by one byte; the message has both hashes and what to do."""
    expected = Manifest.read(copied.parent / MANIFEST).models[NAME].sha256
    content = bytearray(copied.read_bytes())
    content[-1] ^= 1
    copied.write_bytes(content)

    with pytest.raises(ModelError, match=rf"expected sha256 {expected}, got [0-9a-f]{{64}}\. restore the file"):
        open_model(str(copied))


@pytest.mark.parametrize("name", ["network.pt", "network.onnx"])
@pytest.mark.parametrize("content", [pickle.dumps({"weights": [1.0]}), b"PK\x03\x04archive/data.pkl"])
def test_a_pickle_is_refused_whatever_it_is_called(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(ModelError, match=r"is a pickle.*ultralytics:PATH"):
        open_model(str(path))


@pytest.mark.parametrize("kind", ["", "yolox:"])
def test_a_missing_file_is_named(tmp_path: Path, kind: str) -> None:
    with pytest.raises(ModelError, match=re.escape(str(tmp_path / "gone.onnx"))):
        open_model(f"{kind}{tmp_path / 'gone.onnx'}")


def test_what_is_not_onnx_is_refused(copied: Path) -> None:
    """Even where the manifest vouches for it."""
    import hashlib

    copied.write_bytes(b"weights, honestly")
    rewrite_entry(copied, sha256=hashlib.sha256(b"weights, honestly").hexdigest(), errors=None)

    with pytest.raises(ModelError, match="not a model that ONNX Runtime can run"):
        open_model(str(copied))


def test_a_network_of_other_classes_is_refused(copied: Path) -> None:
    rewrite_entry(copied, classes=["pedestrian", "car"])
    with pytest.raises(ModelError, match="counts pedestrian, car, expected pedestrian, cyclist"):
        open_model(str(copied))


def test_a_manifest_cannot_point_outside_its_folder(copied: Path) -> None:
    rewrite_entry(copied, file="../elsewhere.onnx")
    with pytest.raises(ModelError, match=r"malformed at models\.lowres-2\.file"):
        open_model(str(copied))


@pytest.mark.parametrize("manifest", [None, "{}", "not JSON", '{"models": {"lowres-2": {}}}'])
def test_a_manifest_that_is_missing_or_malformed(copied: Path, manifest: str | None) -> None:
    path = copied.parent / MANIFEST
    path.unlink()
    if manifest is not None:
        path.write_text(manifest)

    with pytest.raises(ModelError, match=re.escape(str(path))):
        open_model(str(copied))


def test_a_network_that_the_manifest_does_not_name(copied: Path) -> None:
    other = copied.rename(copied.with_name("other.onnx"))
    with pytest.raises(ModelError, match=r"does not name other\.onnx"):
        open_model(str(other))


def test_a_larger_picture_of_the_same_street_counts_much_the_same(model: CountingModel) -> None:
    """Frames are brought to the network's size, so 704x576 is the same picture, not a quarter of it."""
    rng = np.random.default_rng(3)
    small = cv2.GaussianBlur(rng.integers(0, 255, (288, 352, 3), dtype=np.uint8), (0, 0), 6)
    large = cv2.resize(small, (704, 576), interpolation=cv2.INTER_LINEAR)
    one, other = (model.density([Frame(pixels, 0.0)]) for pixels in (small, large))

    assert one.shape == other.shape == (1, len(CLASSES), 72, 88)
    assert np.abs(one - other).sum() < 0.25 * one.sum() + 0.5
