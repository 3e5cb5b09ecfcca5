"""Where a density network runs: ONNX Runtime, or OpenVINO where the extra is installed.

Both run the very bytes that were hashed and give the same density to within 1e-4 a cell, so the choice is one of speed
and is no part of a model's name. Which is faster depends on the machine: `auto` times both and takes the faster.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.errors import MissingExtra, ModelError
from detect.density_runtime_onnx import OnnxRuntimeSession
from detect.density_runtime_openvino import OpenVinoSession
from detect.model import Density

_LOG = logging.getLogger(__name__)

INPUT, OUTPUT = "frames", "density"
DEFAULT, AUTO = "onnxruntime", "auto"
TRIAL_ROUNDS = 15

Shape = tuple[int | None, ...]
"""Of a port; None where the network leaves a side open, as it does the number of frames."""


class DensityRuntime(Protocol):
    """A density network made ready to run."""

    @property
    def ports(self) -> Mapping[str, Shape]:
        """The shapes of its inputs and outputs by name."""
        ...

    def run(self, frames: NDArray[np.float32]) -> Density:
        """`density` of `frames`, float32 [n, 3, height, width] RGB 0..1. The array is the caller's own."""
        ...


RUNTIMES: dict[str, Callable[[bytes, Path, int], DensityRuntime]] = {
    DEFAULT: OnnxRuntimeSession,
    "openvino": OpenVinoSession,
}


def open_runtime(kind: str, content: bytes, path: Path, threads: int) -> DensityRuntime:
    """The network of `content` on runtime `kind`, or for `auto` on the faster one; `path` is for messages.

    Raises `ModelError` for an unknown runtime or a file that it cannot run, `MissingExtra` where it is not installed.
    """
    if kind == AUTO:
        return _fastest(content, path, threads)
    if kind not in RUNTIMES:
        raise ModelError(f"there is no runtime {kind!r}", remedy=f"say one of {', '.join((*RUNTIMES, AUTO))}")
    return RUNTIMES[kind](content, path, threads)


def _fastest(content: bytes, path: Path, threads: int) -> DensityRuntime:
    opened: dict[str, DensityRuntime] = {}
    for kind, open_one in RUNTIMES.items():
        try:
            opened[kind] = open_one(content, path, threads)
        except MissingExtra:
            _LOG.info("%s: %s is not installed, so it was not timed", path.name, kind)
    # By turns and the best of each, so that what else the machine does falls on both or on neither.
    turns = [{kind: _trial_s(runtime) for kind, runtime in opened.items()} for _ in range(TRIAL_ROUNDS + 1)]
    best_s = {kind: min(turn[kind] for turn in turns[1:]) for kind in opened}  # the first run allocates
    taken = min(best_s, key=best_s.__getitem__)
    told = ", ".join(f"{kind} {best * 1000:.1f} ms a frame" for kind, best in best_s.items())
    _LOG.info("%s runs on %s (%s)", path.name, taken, told)
    return opened[taken]


def _trial_s(runtime: DensityRuntime) -> float:
    _, channels, height, width = (side or 1 for side in runtime.ports[INPUT])
    frame = np.full((1, channels, height, width), 0.5, dtype=np.float32)
    began = time.perf_counter()
    runtime.run(frame)
    return time.perf_counter() - began
