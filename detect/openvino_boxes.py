"""Intel's person-vehicle-bike detectors (Open Model Zoo, OpenVINO IR) as counting models. Extra `openvino`.

Reference detectors: 2003, 2004 and crossroad-1016. They know three labels only: `vehicle` is put in class car and
`bike` in class cyclist, so of their figures only people and vehicles mean something, not the classes.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import MissingExtra, ModelError
from core.figures import CLASSES
from detect.boxes import SCORE_FLOOR, Boxes, BoxModel, GroundPoints, Thresholds
from ingest.frame import Frame

DEFAULT_THRESHOLDS = Thresholds(people=0.10, vehicles=0.12)

_KIND = np.array([CLASSES.index("car"), CLASSES.index("pedestrian"), CLASSES.index("cyclist")], dtype=np.int64)
"""Of the network's labels: vehicle, person, bike."""


class OpenVinoBoxes(BoxModel):
    """An IR of the family, counted by its boxes' ground points. Input BGR 0..255, [1, 3, height, width]."""

    def __init__(self, weights: str, thresholds: Thresholds = DEFAULT_THRESHOLDS, threads: int = 1) -> None:
        """Raises `MissingExtra` without OpenVINO, `ModelError` for a file that is not an IR of this family."""
        try:
            import openvino  # noqa: PLC0415 - an extra, loaded where it is used
        except ImportError as error:
            raise MissingExtra("openvino", "openvino") from error
        path = Path(weights)
        values = path.with_suffix(".bin")
        for part in (path, values):
            if not part.is_file():
                raise ModelError(f"{part} does not exist", remedy="an OpenVINO model is NAME.xml beside NAME.bin")
        digest = hashlib.sha256(path.read_bytes() + values.read_bytes()).hexdigest()
        core = openvino.Core()
        try:
            network = core.read_model(path)
            self._network = core.compile_model(
                network, "CPU", {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
            )
        except RuntimeError as error:
            raise ModelError(f"OpenVINO cannot load {path}: {error}", remedy="give the .xml of an IR") from error
        ranks = [output.partial_shape.rank.get_length() for output in network.outputs]
        if ranks not in ([2, 1], [4]):
            raise ModelError(
                f"{path} has outputs of rank {ranks}, expected [2, 1] (boxes, labels) or [4] (DetectionOutput)",
                remedy="give a person-vehicle-bike detector: 2003, 2004 or crossroad-1016",
            )
        self._one_table = ranks == [4]
        self._height_px, self._width_px = (int(side) for side in network.inputs[0].shape[2:])
        super().__init__(f"{path.stem}@{digest[:12]}", thresholds)

    def _points(self, frame: Frame) -> GroundPoints:
        size = (self._width_px, self._height_px)
        sized = cv2.resize(frame.pixels, size, interpolation=cv2.INTER_CUBIC)
        planes = np.ascontiguousarray(sized[:, :, ::-1].transpose(2, 0, 1)[np.newaxis], dtype=np.float32)
        outputs = self._network(planes)
        tables = [np.asarray(outputs[port]) for port in self._network.outputs]
        read = _detection_output(tables[0]) if self._one_table else _boxes_and_labels(tables[0], tables[1], size)
        boxes, score, index = read
        kept = (score >= SCORE_FLOOR) & (index >= 0) & (index < len(_KIND))
        return GroundPoints.under(boxes[kept], _KIND[index[kept]], score[kept])


_Found = tuple[Boxes, NDArray[np.float32], NDArray[np.int64]]


def _boxes_and_labels(boxes_px: NDArray[np.float32], labels: NDArray[np.int64], size: tuple[int, int]) -> _Found:
    """2003 and 2004: boxes [box, 5] (corners in input pixels, score), labels [box] from 0."""
    shares = (boxes_px[:, :4] / np.array(size * 2)).astype(np.float32)
    return shares, boxes_px[:, 4], labels.astype(np.int64)


def _detection_output(table: NDArray[np.float32]) -> _Found:
    """crossroad-1016: [1, 1, box, 7] of (image, label from 1, score, corners in shares); image -1 ends the list."""
    rows = table.reshape(-1, 7)
    rows = rows[np.cumsum(rows[:, 0] < 0) == 0]
    return rows[:, 3:7], rows[:, 2], rows[:, 1].astype(np.int64) - 1
