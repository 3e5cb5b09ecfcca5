"""The teacher: Intel's person-vehicle-bike-detection-crossroad-1016 (Open Model Zoo, Apache-2.0), run by OpenVINO.

Of the freely licensed reference detectors it has the smallest vehicle error on these frames, and least bias when it
looks at the whole frame and at four tiles. Its boxes are used in training only, for unlabelled frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

NAMES = {1: "vehicle", 2: "pedestrian"}  # 3, bike, is a machine without its rider: it says nothing about people
TILE_SHARE = 0.6
IOU_SAME = 0.5


@dataclass(frozen=True)
class Box:
    name: str
    confidence: float
    left: float  # px, as are the rest
    top: float
    width: float
    height: float


class Crossroad:
    def __init__(self, weights: Path, threads: int = 1) -> None:
        import openvino

        path = (
            weights
            / "person-vehicle-bike-detection-crossroad-1016-int8"
            / "person-vehicle-bike-detection-crossroad-1016.xml"
        )
        self.model = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_NUM_THREADS": threads})
        self.side = 512

    def look(self, rgb: NDArray[np.uint8], floor: float) -> list[Box]:
        height, width = rgb.shape[:2]
        resized = cv2.resize(rgb[:, :, ::-1], (self.side, self.side), interpolation=cv2.INTER_CUBIC)
        found = next(iter(self.model(resized.transpose(2, 0, 1)[None].astype(np.float32)).values()))
        boxes = []
        for _, label, confidence, x1, y1, x2, y2 in found.reshape(-1, 7):
            if confidence >= floor and int(label) in NAMES:
                boxes.append(
                    Box(
                        NAMES[int(label)],
                        float(confidence),
                        x1 * width,
                        y1 * height,
                        (x2 - x1) * width,
                        (y2 - y1) * height,
                    )
                )
        return boxes

    def look_closely(self, rgb: NDArray[np.uint8], floor: float) -> list[Box]:
        """The whole frame and four overlapping tiles; what a tile's inner edge cuts is left to the others."""
        height, width = rgb.shape[:2]
        tile_w, tile_h = int(width * TILE_SHARE), int(height * TILE_SHARE)
        boxes = self.look(rgb, floor)
        for left in (0, width - tile_w):
            for top in (0, height - tile_h):
                for box in self.look(rgb[top : top + tile_h, left : left + tile_w], floor):
                    cut_x = box.left + box.width > tile_w - 2 if left == 0 else box.left < 2
                    cut_y = box.top + box.height > tile_h - 2 if top == 0 else box.top < 2
                    if not cut_x and not cut_y:
                        boxes.append(
                            Box(box.name, box.confidence, box.left + left, box.top + top, box.width, box.height)
                        )
        return without_doubles(boxes)


def shared_px2(one: Box, other: Box) -> float:
    w = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    h = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    return w * h if w > 0 and h > 0 else 0.0


def iou(one: Box, other: Box) -> float:
    shared = shared_px2(one, other)
    return shared / (one.width * one.height + other.width * other.height - shared)


def overlap(one: Box, other: Box) -> float:
    """IoU, or the share of the smaller box that lies in the other: a part inside a whole is a double too."""
    return max(iou(one, other), 0.6 * shared_px2(one, other) / min(one.width * one.height, other.width * other.height))


def without_doubles(boxes: list[Box]) -> list[Box]:
    kept: list[Box] = []
    for box in sorted(boxes, key=lambda b: -b.confidence):
        if all(k.name != box.name or overlap(k, box) < IOU_SAME for k in kept):
            kept.append(box)
    return kept
