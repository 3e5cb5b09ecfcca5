"""Three detectors that others trained on many cities, as one teacher of where people and vehicles are.

They are Intel's person-vehicle-bike-detection-2004 and -crossroad-1016 (Open Model Zoo), and YOLOX-nano on the frame
enlarged to 544 x 448, all Apache-2.0, run by OpenVINO. They err in different places: what several of them see at one
place is one thing, and counts as much as such things are on frames labelled by eye (`LABELLED`). On cameras of ours,
which none of them was trained on, the three are off by 1.8 vehicles a frame: no network that learnt vehicles from our
labels came near (record 64).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
from contract import WIDTH_PX
from numpy.typing import NDArray

VEHICLE, PEDESTRIAN, OTHER = "vehicle", "pedestrian", "other"
Boxes = tuple[NDArray[np.float32], NDArray[np.float32], list[str]]  # [n, 4] corners as shares, score, name
COCO_VEHICLES, COCO_PERSON = (2, 3, 5, 7), 0
OVERLAP_SAME = 0.5
OVERLAP_AGREED = 0.4  # of boxes of two detectors that see one thing
HEIGHTS_PX = (8, 12, 16, 24, 40)  # in a frame of 352 px width
# How often a thing that so many detectors see, of such a height, is a labelled one: `worth.py`, on the frames labelled
# by eye, a camera with four times the frames weighing twice. A near bus is two things to them, so one of them is none.
LABELLED = {
    PEDESTRIAN: {
        1: (0.06, 0.16, 0.18, 0.21, 0.09, 0.03),
        2: (0.20, 0.35, 0.62, 0.46, 0.30, 0.09),
        3: (0.20, 0.60, 0.74, 0.73, 0.78, 0.66),
    },
    VEHICLE: {
        1: (0.21, 0.22, 0.25, 0.21, 0.12, 0.08),
        2: (0.67, 0.70, 0.71, 0.61, 0.50, 0.41),
        3: (0.20, 0.90, 0.96, 0.94, 0.93, 0.96),
    },
}
# How many there are for each that is seen, by height: half of a far queue is seen by none.
FOR_EACH_SEEN = {PEDESTRIAN: (1.65,) * 6, VEHICLE: (1.4, 1.4, 1.6, 1.4, 1.1, 1.1)}


@dataclass(frozen=True)
class Seen:
    """A person (a rider too) or a vehicle as some of the detectors see it; `mass` is what it counts."""

    name: str
    mass: float
    left: float  # px, as are the rest
    top: float
    width: float
    height: float


class Detector:
    """A detector of the Open Model Zoo (`.xml`) or YOLOX (`.onnx`); its boxes from the score `least`.

    `size` is the height and width at which it looks, px, where that is not its own.
    """

    def __init__(self, path: Path, least: float, threads: int, size: tuple[int, int] | None = None) -> None:
        import openvino

        core = openvino.Core()
        model = core.read_model(str(path))
        if size is not None:
            model.reshape([1, 3, *size])
        self.model = core.compile_model(model, "CPU", {"INFERENCE_NUM_THREADS": threads})
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
    """The three together."""

    # From which score on each is believed to see a person, and a vehicle.
    LEAST: ClassVar = ((0.10, 0.16), (0.08, 0.12), (0.05, 0.08))
    ENLARGED = (448, 544)  # px: at 288 x 352 YOLOX misses the small ones

    def __init__(self, weights: Path, threads: int = 1) -> None:
        intel = "person-vehicle-bike-detection-"
        paths = [next((weights / f"{intel}{name}").glob("*.xml")) for name in ("2004", "crossroad-1016-int8")]
        sizes = (None, None, self.ENLARGED)
        self.detectors = [
            Detector(path, min(least), threads, size)
            for path, least, size in zip((*paths, weights / "yolox_nano.onnx"), self.LEAST, sizes, strict=True)
        ]

    def votes(self, rgb: NDArray[np.uint8]) -> dict[str, list[Vote]]:
        """What each sees in a picture [y, x, 3] of any size, people and vehicles apart."""
        height, width = rgb.shape[:2]
        votes: dict[str, list[Vote]] = {PEDESTRIAN: [], VEHICLE: []}
        for detector, model in enumerate(self.detectors):
            for share, score, name in zip(*model.look(rgb), strict=True):
                group = VEHICLE if name == VEHICLE else PEDESTRIAN
                if score >= self.LEAST[detector][group == VEHICLE]:
                    corners = np.asarray(share, float) * (width, height, width, height)
                    votes[group].append(Vote(detector, float(score), corners))
        return votes

    def look(self, rgb: NDArray[np.uint8]) -> list[Seen]:
        """People and vehicles in a picture [y, x, 3] of any size; boxes in its px."""
        scale = WIDTH_PX / rgb.shape[1]
        return [seen for group, mine in self.votes(rgb).items() for seen in agreed(group, mine, scale)]


@dataclass(frozen=True)
class Vote:
    detector: int
    score: float
    corners: NDArray[np.float64]  # px


@dataclass(frozen=True)
class Thing:
    """What boxes that overlap are of."""

    votes: tuple[Vote, ...]  # the surest first

    @property
    def corners(self) -> NDArray[np.float64]:
        return np.mean([vote.corners for vote in self.votes], axis=0)

    @property
    def detectors(self) -> int:
        return len({vote.detector for vote in self.votes})

    def height_bin(self, scale: float) -> int:
        """Index by `HEIGHTS_PX`; `scale` makes its height one in a frame of 352 px width."""
        return int(np.digitize((self.corners[3] - self.corners[1]) * scale, HEIGHTS_PX))


def things(votes: list[Vote]) -> list[Thing]:
    """One thing for all boxes that overlap its surest one."""
    groups: list[list[Vote]] = []
    for vote in sorted(votes, key=lambda vote: -vote.score):
        overlaps = [overlap(group[0].corners, vote.corners) for group in groups]
        best = int(np.argmax(overlaps)) if overlaps else -1
        if best >= 0 and overlaps[best] >= OVERLAP_AGREED:
            groups[best].append(vote)
        else:
            groups.append([vote])
    return [Thing(tuple(group)) for group in groups]


def agreed(name: str, votes: list[Vote], scale: float) -> list[Seen]:
    """The things, each worth as much as so many detectors are; its box is the mean of theirs."""
    seen = []
    for thing in things(votes):
        left, top, right, bottom = (float(corner) for corner in thing.corners)
        at = thing.height_bin(scale)
        mass = LABELLED[name][thing.detectors][at] * FOR_EACH_SEEN[name][at]
        seen.append(Seen(name, mass, left, top, right - left, bottom - top))
    return seen
