"""A density network on OpenVINO, from the same ONNX file. Extra `openvino`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import MissingExtra, ModelError
from detect.model import Density


class OpenVinoSession:
    """A compiled network on the CPU."""

    def __init__(self, content: bytes, path: Path, threads: int) -> None:
        """Raises `MissingExtra` without OpenVINO, `ModelError` for a file that it cannot run."""
        try:
            import openvino  # noqa: PLC0415 - an extra, loaded where it is used
        except ImportError as error:
            raise MissingExtra("openvino", "openvino") from error
        settings = {
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            # Where the processor knows bfloat16, OpenVINO takes it unasked: counts would be off by several percent.
            "INFERENCE_PRECISION_HINT": "f32",
            # Pinned, two workers would both sit on the first core.
            "ENABLE_CPU_PINNING": False,
        }
        core = openvino.Core()
        try:
            self._network = core.compile_model(core.read_model(content), "CPU", settings)
        except RuntimeError as error:
            raise ModelError(
                f"{path} is not a model that OpenVINO can run: {str(error)[:300]}", remedy="give an ONNX file"
            ) from error
        self._ports = {
            port.any_name: tuple(None if side.is_dynamic else side.get_length() for side in port.partial_shape)
            for port in (*self._network.inputs, *self._network.outputs)
        }

    @property
    def ports(self) -> Mapping[str, tuple[int | None, ...]]:
        return self._ports

    def run(self, frames: NDArray[np.float32]) -> Density:
        # A request keeps the frames it was given, so it must not outlive the call; making one costs nothing measurable.
        found = self._network.create_infer_request().infer({"frames": frames}, share_inputs=True)
        return np.array(found["density"], dtype=np.float32)  # a copy: the memory of `found` is the request's
