"""A density network on ONNX Runtime: the default, and on every machine measured the faster one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detect.model import Density
from detect.onnx_file import open_session


class OnnxRuntimeSession:
    """A session of ONNX Runtime on the CPU; runs in the thread that calls."""

    def __init__(self, content: bytes, path: Path, threads: int) -> None:
        """Raises `ModelError` for a file that ONNX Runtime cannot run."""
        self._session = open_session(content, path, threads)
        ports = (*self._session.get_inputs(), *self._session.get_outputs())
        # An open side has a name here, or none.
        self._ports = {
            port.name: tuple(side if isinstance(side, int) else None for side in port.shape) for port in ports
        }

    @property
    def ports(self) -> Mapping[str, tuple[int | None, ...]]:
        return self._ports

    def run(self, frames: NDArray[np.float32]) -> Density:
        density: Density = self._session.run(["density"], {"frames": frames})[0]
        return density
