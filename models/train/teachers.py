"""Four detectors that others trained on many cities, as one teacher of where vehicles are.

They are Intel's person-vehicle-bike-detection-2003, -2004 and -crossroad-1016 (Open Model Zoo) and YOLOX-nano, all
Apache-2.0, run by OpenVINO. None of them is wrong by less than two vehicles a frame here, but they err in different
places: so what several of them see at one place is one vehicle, and counts as much as such a thing was one on the
frames labelled by eye (`WORTH`). About people they say too little to be believed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from contract import WIDTH_PX
from numpy.typing import NDArray

VEHICLE, PEDESTRIAN, OTHER = "vehicle", "pedestrian", "other"
Boxes = tuple[NDArray[np.float32], NDArray[np.float32], list[str]]  # [n, 4] corners as shares, score, name
COCO_VEHICLES, COCO_PERSON = (2, 3, 5, 7), 0
OVERLAP_SAME = 0.5
OVERLAP_AGREED = 0.4  # of boxes of two detectors that see one thing
# How often a thing that so many detectors see, of such a height, is a labelled vehicle: 448 pictures labelled by eye
# (none of them in `labels/`), 13,000 things. Without it the far half of a queue is half as many, and a near bus is two.
HEIGHTS_PX = (8, 12, 16, 24, 40)  # in a frame of 352 px width
WORTH = {
    1: (0.25, 0.32, 0.28, 0.21, 0.12, 0.07),
    2: (0.81, 0.78, 0.72, 0.53, 0.39, 0.22),
    3: (0.89, 0.93, 0.92, 0.87, 0.70, 0.57),
    4: (1.00, 0.98, 0.99, 0.97, 0.99, 0.98),
}


@dataclass(frozen=True)
class Seen:
    """A vehicle as some of the detectors see it, or a person as one does; `mass` is how likely it is there."""

    name: str
    score: float
    mass: float
    left: float  # px, as are the rest
    top: float
    width: float
    height: float


class Detector:
    """A detector of the Open Model Zoo (`.xml`) or YOLOX (`.onnx`); its boxes from the score `least`."""

    def __init__(self, path: Path, least: float, threads: int) -> None:
        import openvino

        self.model = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_NUM_THREADS": threads})
        self.yolox, self.least = path.suffix == ".onnx", least
        self.height, self.width = (int(side) for side in self.model.inputs[0].shape[2:])

    def look(self, rgb: NDArray[np.uint8]) -> Boxes:
        sized = cv2.resize(rgb[:, :, ::-1], (self.width, self.height), interpolation=cv2.INTER_CUBIC)
        out = self.model(np.ascontiguousarray(sized.transpose(2, 0, 1)[None], np.float32))
        tables = [np.asarray(out[port]) for port in self.model.outputs]
        if self.yolox:
            return self.of_yolox(tables[0][0])
        if len(tables) == 1:  # crossroad: image, label from 1 (vehicle, person, bike), score, corners in shares
            rows = tables[0].reshape(-1, 7)
            rows = rows[(np.cumsum(rows[:, 0] < 0) == 0) & (rows[:, 2] >= self.least)]
            return rows[:, 3:7], rows[:, 2], [(VEHICLE, PEDESTRIAN, OTHER)[int(label) - 1] for label in rows[:, 1]]
        boxes, labels = sorted(tables, key=lambda table: -table.ndim)
        kept = boxes[:, 4] >= self.least
        corners = boxes[kept, :4] / np.array([self.width, self.height] * 2, np.float32)
        return corners, boxes[kept, 4], [(VEHICLE, PEDESTRIAN, OTHER)[int(label)] for label in labels[kept]]

    def of_yolox(self, rows: NDArray[np.float32]) -> Boxes:
        """[cell, 85] offsets, logarithms of sizes, objectness, 80 classes; cells of stride 8, 16, 32."""
        grids, strides = [], []
        for stride in (8, 16, 32):
            ys, xs = np.mgrid[0 : self.height // stride, 0 : self.width // stride]
            grids.append(np.stack((xs.ravel(), ys.ravel()), axis=1))
            strides.append(np.full((xs.size, 1), stride))
        stride = np.concatenate(strides)
        centre, size = (rows[:, :2] + np.concatenate(grids)) * stride, np.exp(rows[:, 2:4]) * stride
        chances = rows[:, 4:5] * rows[:, 5:]
        best = chances.argmax(axis=1)
        score = chances.max(axis=1)
        kept = (score >= self.least) & np.isin(best, (*COCO_VEHICLES, COCO_PERSON))
        corners = np.concatenate((centre - size / 2, centre + size / 2), axis=1)[kept] / ([self.width, self.height] * 2)
        names = [PEDESTRIAN if kind == COCO_PERSON else VEHICLE for kind in best[kept]]
        alone = without_doubles(corners, score[kept], names)
        return corners[alone].astype(np.float32), score[kept][alone], [names[index] for index in alone]


def without_doubles(corners: NDArray[np.float64], score: NDArray[np.float32], names: list[str]) -> list[int]:
    """Greedy non-maximum suppression within a name; indices, best first."""
    kept: list[int] = []
    for index in np.argsort(-score, kind="stable"):
        if all(names[index] != names[k] or overlap(corners[index], corners[k]) < OVERLAP_SAME for k in kept):
            kept.append(int(index))
    return kept


def overlap(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Intersection over union of two boxes of corners."""
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    shared = float(np.clip(sides, 0, None).prod())
    return shared / max(float((one[2:] - one[:2]).prod() + (other[2:] - other[:2]).prod()) - shared, 1e-9)


class Teacher:
    """The four together."""

    def __init__(self, weights: Path, threads: int = 1) -> None:
        intel = "person-vehicle-bike-detection-"
        files = [(f"{intel}2003", 0.12), (f"{intel}2004", 0.16), (f"{intel}crossroad-1016-int8", 0.12)]
        paths = [(next((weights / folder).glob("*.xml")), least) for folder, least in files]
        paths.append((weights / "yolox_nano.onnx", 0.08))
        self.detectors = [Detector(path, least, threads) for path, least in paths]

    def look(self, rgb: NDArray[np.uint8]) -> list[Seen]:
        height, width = rgb.shape[:2]
        votes: list[Vote] = []
        people: list[Seen] = []
        for detector, model in enumerate(self.detectors):
            for share, score, name in zip(*model.look(rgb), strict=True):
                corners = np.asarray(share, float) * (width, height, width, height)
                if name == VEHICLE:
                    votes.append(Vote(detector, float(score), corners))
                elif name == PEDESTRIAN:
                    people.append(seen_at(PEDESTRIAN, float(score), 1 / len(self.detectors), corners))
        return people + agreed(votes, WIDTH_PX / width)


@dataclass(frozen=True)
class Vote:
    detector: int
    score: float
    corners: NDArray[np.float64]  # px


def agreed(votes: list[Vote], scale: float) -> list[Seen]:
    """One vehicle for all boxes that overlap, the surest first: their mean, worth as much as so many detectors are."""
    groups: list[list[Vote]] = []
    for vote in sorted(votes, key=lambda vote: -vote.score):
        overlaps = [overlap(group[0].corners, vote.corners) for group in groups]
        best = int(np.argmax(overlaps)) if overlaps else -1
        if best >= 0 and overlaps[best] >= OVERLAP_AGREED:
            groups[best].append(vote)
        else:
            groups.append([vote])
    vehicles = []
    for group in groups:
        corners = np.mean([vote.corners for vote in group], axis=0)
        worth = WORTH[len({vote.detector for vote in group})]
        mass = worth[int(np.digitize((corners[3] - corners[1]) * scale, HEIGHTS_PX))]
        vehicles.append(seen_at(VEHICLE, group[0].score, mass, corners))
    return vehicles


def seen_at(name: str, score: float, mass: float, corners: NDArray[np.float64]) -> Seen:
    left, top, right, bottom = (float(corner) for corner in corners)
    return Seen(name, score, mass, left, top, right - left, bottom - top)
