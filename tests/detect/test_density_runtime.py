"""The runtimes of a density network: named, opened after the hash was checked, and under `auto` timed."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.errors import MissingExtra, ModelError
from core.figures import CLASSES
from detect import density_runtime
from detect.density_runtime import DensityRuntime, open_runtime
from detect.model import Density
from detect.onnx_density import Manifest
from detect.registry import MANIFEST, MODELS, open_model

NETWORK = Path("network.onnx")


class Sleeper:
    """A runtime that takes `seconds` for a batch."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.ports = {"frames": (None, 3, 8, 8), "density": (None, len(CLASSES), 2, 2)}

    def run(self, frames: Density) -> Density:
        time.sleep(self.seconds)
        return np.zeros((len(frames), len(CLASSES), 2, 2), np.float32)


def sleeping(seconds: float) -> Callable[[bytes, Path, int], DensityRuntime]:
    return lambda content, path, threads: Sleeper(seconds)


def not_installed(content: bytes, path: Path, threads: int) -> DensityRuntime:
    raise MissingExtra("openvino", "openvino")


@pytest.mark.parametrize(("onnxruntime_s", "openvino_s", "taken"), [(0.0, 0.005, 0.0), (0.005, 0.001, 0.001)])
def test_auto_takes_the_faster_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    onnxruntime_s: float,
    openvino_s: float,
    taken: float,
) -> None:
    runtimes = {"onnxruntime": sleeping(onnxruntime_s), "openvino": sleeping(openvino_s)}
    monkeypatch.setattr(density_runtime, "RUNTIMES", runtimes)

    with caplog.at_level(logging.INFO):
        opened = open_runtime("auto", b"", NETWORK, threads=1)

    assert isinstance(opened, Sleeper)
    assert opened.seconds == taken
    name = "onnxruntime" if taken == onnxruntime_s else "openvino"
    assert f"network.onnx runs on {name} (onnxruntime " in caplog.text
    assert "ms a frame" in caplog.text


def test_auto_makes_do_with_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(density_runtime, "RUNTIMES", {"onnxruntime": sleeping(0.0), "openvino": not_installed})

    assert isinstance(open_runtime("auto", b"", NETWORK, threads=1), Sleeper)


def test_a_runtime_that_is_asked_for_must_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(density_runtime.RUNTIMES, "openvino", not_installed)

    with pytest.raises(MissingExtra, match="openvino"):
        open_model("lowres-2?runtime=openvino")


def test_an_unknown_runtime_is_refused_with_those_there_are() -> None:
    with pytest.raises(ModelError, match=r"no runtime 'tensorrt'.*onnxruntime, openvino, auto"):
        open_model("lowres-2?runtime=tensorrt")


@pytest.mark.parametrize("query", ["openvino", "runtime=openvino&threads=2", "people=0.1&vehicles=0.1"])
def test_a_density_network_takes_a_runtime_and_nothing_else(query: str) -> None:
    with pytest.raises(ModelError, match=r"end it as in \?runtime=openvino"):
        open_model(f"lowres-2?{query}")


def test_the_hash_is_checked_whatever_the_runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the runtime sees a byte of the file."""
    network = Path(shutil.copy(MODELS / Manifest.read(MODELS / MANIFEST).models["lowres-2"].file, tmp_path))
    shutil.copy(MODELS / MANIFEST, tmp_path)
    with network.open("ab") as file:
        file.write(b"\0")
    monkeypatch.setitem(density_runtime.RUNTIMES, "openvino", not_installed)

    with pytest.raises(ModelError, match="is not the file of the manifest"):
        open_model(f"{network}?runtime=openvino")


def test_openvino_refuses_what_is_no_network() -> None:
    pytest.importorskip("openvino")
    with pytest.raises(ModelError, match=r"network\.onnx is not a model that OpenVINO can run"):
        open_runtime("openvino", b"weights, honestly", NETWORK, threads=1)
