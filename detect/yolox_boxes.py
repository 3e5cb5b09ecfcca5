"""YOLOX (COCO, ONNX) as a counting model on ONNX Runtime: a reference detector that needs no extra.

Decoding and preparation follow Megvii's YOLOX demo: letterbox to the upper left with grey 114, BGR 0..255, anchor-free
heads of strides 8, 16 and 32 (Ge et al. 2021, arXiv:2107.08430). Boxes are dropped before `points` returns.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError
from detect.boxes import SCORE_FLOOR, BoxModel, GroundPoints, Thresholds, suppress_overlaps
from detect.coco import STREET_LABELS, street_points
from detect.onnx_file import open_session, read_onnx, sha256_of
from ingest.frame import Frame

DEFAULT_THRESHOLDS = Thresholds(people=0.06, vehicles=0.08)
STRIDES_PX = (8, 16, 32)
SUPPRESSION_IOU = 0.45
PADDING_GREY = 114
COCO_LABELS = 80


class YoloxBoxes(BoxModel):
    """A YOLOX network: `images` [1, 3, side, side] to [1, anchor, 4 + 1 + 80]."""

    def __init__(self, weights: str, thresholds: Thresholds = DEFAULT_THRESHOLDS, threads: int = 1) -> None:
        """Raises `ModelError` for a file that is not such a network."""
        path = Path(weights)
        content = read_onnx(path)
        self._session = open_session(content, path, threads)
        (first, *_), (out, *_) = self._session.get_inputs(), self._session.get_outputs()
        match first.shape, out.shape:
            case [1, 3, int(height), int(width)], [1, int(anchors), columns] if columns == 5 + COCO_LABELS:
                self._centre_px, self._stride_px = _anchors(height, width)
            case _:
                anchors, height, width = -1, 0, 0
        if anchors < 0 or anchors != len(self._stride_px):
            raise ModelError(
                f"{path} takes {first.shape} and gives {out.shape}, expected [1, 3, side, side] and [1, anchor, 85]",
                remedy="give a YOLOX network of COCO, exported without decoding",
            )
        self._height_px, self._width_px = height, width
        self._input = first.name
        super().__init__(f"{path.stem}@{sha256_of(content)[:12]}", thresholds)

    def _points(self, frame: Frame) -> GroundPoints:
        scale = min(self._height_px / frame.height_px, self._width_px / frame.width_px)
        inner = (round(frame.width_px * scale), round(frame.height_px * scale))
        canvas = np.full((self._height_px, self._width_px, 3), PADDING_GREY, dtype=np.uint8)
        canvas[: inner[1], : inner[0]] = cv2.resize(frame.pixels, inner, interpolation=cv2.INTER_CUBIC)
        planes = canvas[:, :, ::-1].transpose(2, 0, 1)[np.newaxis].astype(np.float32)
        raw: NDArray[np.float32] = self._session.run(None, {self._input: planes})[0][0]
        label_score = raw[:, 4:5] * raw[:, 5:]
        label = label_score.argmax(axis=1)
        score = label_score.max(axis=1)
        found = np.flatnonzero((score >= SCORE_FLOOR) & np.isin(label, STREET_LABELS))
        centre_px = (raw[found, :2] + self._centre_px[found]) * self._stride_px[found, None]
        half_px = np.exp(raw[found, 2:4]) * self._stride_px[found, None] / 2
        corners_px = np.hstack([centre_px - half_px, centre_px + half_px])
        boxes = (corners_px / np.array(inner * 2)).astype(np.float32)
        kept = suppress_overlaps(boxes, score[found], label[found], SUPPRESSION_IOU)
        return street_points(boxes[kept], score[found][kept], label[found][kept])


def _anchors(height_px: int, width_px: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Column and row of every anchor in its stride's grid [anchor, 2], and the stride in pixels [anchor]."""
    cells, strides = [], []
    for stride in STRIDES_PX:
        rows, columns = height_px // stride, width_px // stride
        row, column = np.mgrid[:rows, :columns]
        cells.append(np.stack([column.ravel(), row.ravel()], axis=1))
        strides.append(np.full(rows * columns, stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(strides).astype(np.float32)
