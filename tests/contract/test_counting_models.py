"""One suite over every counting model: what `detect.model.CountingModel` promises, whatever the runtime behind it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.errors import MissingExtra
from core.figures import CLASSES
from detect.model import CountingModel
from detect.registry import open_model
from ingest.frame import Frame

WEIGHTS = Path(__file__).resolve().parents[3] / "shared" / "data" / "weights"
IR = "person-vehicle-bike-detection"

MODELS = {
    "lowres-2": "lowres-2",
    "lowres-2-openvino": "lowres-2?runtime=openvino",
    "ultralytics": f"ultralytics:{WEIGHTS}/yolo11n_int8.onnx",
    "openvino-2004": f"openvino:{WEIGHTS}/{IR}-2004/{IR}-2004.xml",
    "openvino-1016": f"openvino:{WEIGHTS}/{IR}-crossroad-1016-int8/{IR}-crossroad-1016.xml",
    "yolox": f"yolox:{WEIGHTS}/yolox_nano.onnx",
}


@cache
def opened(spec: str) -> CountingModel:
    """Opened once for the whole suite: compiling takes longer than counting."""
    kind, _, weights = spec.rpartition(":")
    if kind and not Path(weights).exists():
        pytest.skip(f"needs the reference weights {weights}, which are not on this machine")
    try:
        return open_model(spec)
    except MissingExtra as missing:
        pytest.skip(str(missing))


SLOW = {
    "lowres-2-openvino",
    "openvino-2004",
    "openvino-1016",
}  # OpenVINO compiles for seconds; yolox keeps boxes in the fast suite


@pytest.fixture(
    params=[pytest.param(spec, id=name, marks=[pytest.mark.slow] * (name in SLOW)) for name, spec in MODELS.items()]
)
def model(request: pytest.FixtureRequest) -> CountingModel:
    return opened(request.param)


@pytest.fixture(scope="module")
def frames() -> tuple[Frame, ...]:
    """Three street frames: real ones where they are on this machine, so that detectors have something to find."""
    pictures = sorted((WEIGHTS.parent / "labels").glob("cl_*.png"))[:3]
    if len(pictures) == 3:
        return tuple(Frame(cv2.imread(str(path))[:, :, ::-1], offset_s=0.0) for path in pictures)
    return tuple(drawn(np.random.default_rng(seed)) for seed in (1, 2, 3))


def drawn(rng: np.random.Generator, height_px: int = 288, width_px: int = 352) -> Frame:
    """A grey street with a dozen dark and bright blocks on it."""
    pixels = np.full((height_px, width_px, 3), 120, dtype=np.uint8)
    for _ in range(12):
        top, left = int(rng.integers(0, height_px - 20)), int(rng.integers(0, width_px - 12))
        pixels[top : top + 20, left : left + 12] = rng.integers(0, 255, 3)
    return Frame(pixels, offset_s=0.0)


def resized(frames: Sequence[Frame], width_px: int, height_px: int) -> list[Frame]:
    return [Frame(cv2.resize(frame.pixels, (width_px, height_px)), frame.offset_s) for frame in frames]


def test_density_is_objects_per_cell_of_every_class(model: CountingModel, frames: tuple[Frame, ...]) -> None:
    """float32 [frame, class, row, column], finite and never negative."""
    density = model.density(frames)

    assert type(density) is np.ndarray
    assert density.dtype == np.float32
    assert density.ndim == 4
    assert density.shape[:2] == (len(frames), len(CLASSES))
    assert np.isfinite(density).all()
    assert density.min() >= 0


def test_no_frames_give_an_empty_map_of_the_same_grid(model: CountingModel, frames: tuple[Frame, ...]) -> None:
    assert model.density([]).shape == (0, *model.density(frames[:1]).shape[1:])


@pytest.mark.parametrize(("width_px", "height_px"), [(640, 360), (175, 143)])
def test_the_grid_does_not_depend_on_the_size_of_the_frames(
    model: CountingModel, frames: tuple[Frame, ...], width_px: int, height_px: int
) -> None:
    other = model.density(resized(frames[:1], width_px, height_px))

    assert other.shape == model.density(frames[:1]).shape
    assert np.isfinite(other).all()
    assert other.min() >= 0


def test_a_count_does_not_depend_on_the_frames_beside_it(model: CountingModel, frames: tuple[Frame, ...]) -> None:
    together = model.density(frames)
    one_by_one = np.concatenate([model.density([frame]) for frame in frames])

    np.testing.assert_allclose(together, one_by_one, atol=1e-5)


def test_the_same_frames_give_the_same_counts(model: CountingModel, frames: tuple[Frame, ...]) -> None:
    np.testing.assert_array_equal(model.density(frames), model.density(frames))


def test_counting_leaves_nothing_behind_in_the_model(model: CountingModel, frames: tuple[Frame, ...]) -> None:
    """No frame, box or point outlives the call: every attribute is the same object before and after."""
    before = {name: id(value) for name, value in vars(model).items()}
    model.density(frames)

    assert {name: id(value) for name, value in vars(model).items()} == before
    assert not any(isinstance(value, list | Frame) for value in vars(model).values())


def test_the_name_carries_a_content_hash(model: CountingModel) -> None:
    assert re.fullmatch(r"[A-Za-z0-9._-]+@[0-9a-f]{12}", model.name)


def test_runtimes_of_one_network_give_the_same_density(frames: tuple[Frame, ...]) -> None:
    """Whichever runs it, it is the same model: the name is the same, and a cell differs by no more than rounding."""
    first, second = opened("lowres-2"), opened("lowres-2?runtime=openvino")

    assert first.name == second.name
    np.testing.assert_allclose(first.density(frames), second.density(frames), atol=1e-4)
