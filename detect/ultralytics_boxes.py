"""Any YOLO weights, run by Ultralytics, as a counting model. Extra `ultralytics` (AGPL-3.0, brings PyTorch).

Boxes become ground points and are dropped, and so is what Ultralytics keeps of its last run. It is kept from installing
packages and from sending usage figures. Weights given by a bare name (`yolo11n.pt`) that are not on the disk are
fetched by Ultralytics itself, where there is internet; `.pt` weights are pickles, so use only ones that you trust.

Weights of COCO count, and weights of the project's own classes, as `models/train/finetune_yolo.py` makes them. So does
what Ultralytics exports of either: `yolo export model=yolo11n.pt format=onnx imgsz=640` makes yolo11n.onnx.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import MissingExtra, ModelError
from core.figures import CLASSES
from detect.boxes import SCORE_FLOOR, BoxModel, GroundPoints, Thresholds
from detect.coco import STREET_LABELS, street_points
from ingest.frame import Frame

DEFAULT_THRESHOLDS = Thresholds(people=0.10, vehicles=0.15)
INPUT_SIDE_PX = 640
"""Small street pictures are enlarged to this; exported networks of a fixed size use their own."""

_COCO_NAMES = {0: "person", 1: "bicycle", 2: "car", 3: "motorcycle", 5: "bus", 7: "truck"}


_OWN_NAMES = dict(enumerate(CLASSES))


class UltralyticsBoxes(BoxModel):
    """YOLO detection weights with COCO's labels or with the project's classes, by path or by name."""

    def __init__(self, weights: str, thresholds: Thresholds = DEFAULT_THRESHOLDS, threads: int = 1) -> None:
        """Raises `MissingExtra` without Ultralytics, `ModelError` for weights that cannot be had or have other labels.

        `threads` bounds PyTorch in this process; an exported network brings its own runtime and is not bounded by it.
        """
        torch, yolo = _quiet_import(offline=Path(weights).is_file())
        torch.set_num_threads(threads)
        try:
            self._yolo = yolo(weights, task="detect", verbose=False)
            self._own_classes = dict(self._yolo.names) == _OWN_NAMES
            self._predict(np.zeros((288, 352, 3), dtype=np.uint8))
        except Exception as error:  # Ultralytics raises whatever its many runtimes raise
            raise ModelError(
                f"Ultralytics cannot load {weights}: {str(error)[:300]}",
                remedy="give the path of YOLO weights, or a name that Ultralytics can fetch (needs internet)",
            ) from error
        names = {index: self._yolo.names.get(index) for index in _COCO_NAMES}
        if names != _COCO_NAMES and not self._own_classes:
            raise ModelError(
                f"{weights} has the labels {names}, expected COCO's {_COCO_NAMES}, or {_OWN_NAMES} and no others",
                remedy="give weights trained on COCO, or make some with models/train/finetune_yolo.py",
            )
        super().__init__(f"{Path(weights).stem}@{_digest(weights, self._yolo)[:12]}", thresholds)

    def _points(self, frame: Frame) -> GroundPoints:
        # One frame at a time: exported networks take one.
        return self._predict(frame.pixels)

    def _predict(self, pixels: Any) -> GroundPoints:
        (result,) = self._yolo.predict(
            np.ascontiguousarray(pixels[:, :, ::-1]),  # Ultralytics takes arrays as BGR
            conf=SCORE_FLOOR,
            imgsz=INPUT_SIDE_PX,
            classes=None if self._own_classes else list(STREET_LABELS),
            save=False,
            verbose=False,
        )
        found = result.boxes.cpu().numpy()
        boxes, score, label = (
            found.xyxyn.astype(np.float32),
            found.conf.astype(np.float32),
            found.cls.astype(np.int64),
        )
        # Of the project's classes a label is the kind, and a cyclist's box holds the rider already.
        points = GroundPoints.under(boxes, label, score) if self._own_classes else street_points(boxes, score, label)
        predictor = self._yolo.predictor
        predictor.results = predictor.batch = predictor.dataset = predictor.plotted_img = None
        return points


def _quiet_import(offline: bool) -> tuple[Any, Any]:
    """PyTorch and `YOLO`, kept from installing packages, reporting usage and, with local weights, from the network."""
    os.environ.setdefault("YOLO_AUTOINSTALL", "false")
    os.environ.setdefault("YOLO_VERBOSE", "false")
    if offline:
        os.environ.setdefault("YOLO_OFFLINE", "true")
    try:
        import torch  # noqa: PLC0415 - an extra of gigabytes, loaded where it is used
        from ultralytics import SETTINGS, YOLO  # noqa: PLC0415 - the same
    except ImportError as error:
        raise MissingExtra("ultralytics", "ultralytics") from error
    dict.__setitem__(SETTINGS, "sync", False)  # in memory: the setting's own writer would rewrite the user's file
    return torch, YOLO


def _digest(weights: str, yolo: Any) -> str:
    """SHA-256 of the weights' file, wherever Ultralytics found or put it."""
    for place in (weights, getattr(yolo, "ckpt_path", None)):
        if place and Path(place).is_file():
            return hashlib.sha256(Path(place).read_bytes()).hexdigest()
    raise ModelError(f"{weights} was loaded, but its file cannot be found to hash", remedy="give the path of a file")
