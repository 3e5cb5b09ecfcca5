"""What every adapter of a box detector shares: a box becomes one point on the ground, a point one unit in a cell.

Boxes live inside an adapter's call and nowhere else. What leaves is `GroundPoints`: where an object of which class
touches the ground, and how sure the detector was; no size, no shape, nothing to tell one person from another.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.figures import CLASSES, PEOPLE
from detect.model import Density
from ingest.frame import Frame

GRID_ROWS, GRID_COLUMNS = 72, 88
"""The grid of the box adapters: that of the network of our own, 4 px cells on a 352x288 picture."""

SCORE_FLOOR = 0.04
"""Points below this score are dropped in the adapter. Thresholds lie above it, so one inference serves any of them."""

MOST_BOXES = 1000
"""More candidates than this in one frame are noise: the best are looked at, so that memory stays bounded."""

Boxes = NDArray[np.float32]
"""[box, 4]: left, top, right, bottom as shares of the picture's width and height (0..1)."""

_IS_PEOPLE = np.array([name in PEOPLE for name in CLASSES])


@dataclass(frozen=True)
class Thresholds:
    """The least score at which a point counts, for people and for vehicles. Each in [SCORE_FLOOR, 1)."""

    people: float
    vehicles: float

    def __post_init__(self) -> None:
        for group, score in (("people", self.people), ("vehicles", self.vehicles)):
            if not SCORE_FLOOR <= score < 1:
                raise ValueError(f"the threshold of {group} lies in [{SCORE_FLOOR}, 1), got {score:g}")


@dataclass(frozen=True)
class GroundPoints:
    """Where objects of one frame touch the ground. All arrays have the shape [point].

    `x`, `y` are shares of the picture's width and height, `kind` indexes `CLASSES`, `score` is the detector's (0..1).
    """

    x: NDArray[np.float32]
    y: NDArray[np.float32]
    kind: NDArray[np.int64]
    score: NDArray[np.float32]

    @classmethod
    def under(cls, boxes: Boxes, kind: NDArray[np.int64], score: NDArray[np.float32]) -> Self:
        """The middle of each box's lower edge: where a camera above the street sees the object stand."""
        shares = boxes.reshape(-1, 4)
        middle = ((shares[:, 0] + shares[:, 2]) / 2).astype(np.float32)
        return cls(x=middle, y=shares[:, 3].copy(), kind=kind, score=score)

    def above(self, thresholds: Thresholds) -> NDArray[np.bool_]:
        """Which points count, [point]."""
        least = np.where(_IS_PEOPLE[self.kind], thresholds.people, thresholds.vehicles)
        kept: NDArray[np.bool_] = self.score >= least
        return kept


class BoxModel(ABC):
    """A counting model made of a box detector: its density is its points above its thresholds.

    An adapter gives the points of one frame; its boxes end there.
    """

    def __init__(self, name: str, thresholds: Thresholds) -> None:
        self._name = name
        self._thresholds = thresholds

    @property
    def name(self) -> str:
        return self._name

    @property
    def thresholds(self) -> Thresholds:
        return self._thresholds

    def points(self, frames: Sequence[Frame]) -> list[GroundPoints]:
        """Every point at or above `SCORE_FLOOR`, one `GroundPoints` a frame, whatever the frames beside it show."""
        return [self._points(frame) for frame in frames]

    def density(self, frames: Sequence[Frame]) -> Density:
        return density_of(self.points(frames), self._thresholds)

    @abstractmethod
    def _points(self, frame: Frame) -> GroundPoints: ...


def density_of(points: Sequence[GroundPoints], thresholds: Thresholds) -> Density:
    """One unit in the cell of each point that counts: [frame, class, GRID_ROWS, GRID_COLUMNS].

    A box cut by the picture's edge stands at the edge: its point is moved into the outermost cell, never lost.
    """
    density = np.zeros((len(points), len(CLASSES), GRID_ROWS, GRID_COLUMNS), dtype=np.float32)
    for frame, found in enumerate(points):
        kept = found.above(thresholds)
        row = np.clip((found.y[kept] * GRID_ROWS).astype(np.int64), 0, GRID_ROWS - 1)
        column = np.clip((found.x[kept] * GRID_COLUMNS).astype(np.int64), 0, GRID_COLUMNS - 1)
        np.add.at(density[frame], (found.kind[kept], row, column), 1.0)
    return density


def suppress_overlaps(
    boxes: Boxes, score: NDArray[np.float32], label: NDArray[np.int64], iou: float
) -> NDArray[np.int64]:
    """Greedy non-maximum suppression within each label: the indices that stay, best first.

    Of two boxes of one label whose intersection over union exceeds `iou`, the one with the lower score goes.
    """
    order = np.argsort(-score, kind="stable")[:MOST_BOXES]
    ranked, name = boxes[order], label[order]
    overlap = intersection(ranked, ranked)
    area = np.diag(overlap)
    clash = (overlap > iou * (area[:, None] + area[None, :] - overlap)) & (name[:, None] == name[None, :])
    kept: list[int] = []
    gone = np.zeros(len(order), dtype=np.bool_)
    for rank in range(len(order)):
        if not gone[rank]:
            kept.append(rank)
            gone |= clash[rank]
    return np.asarray(order[kept], dtype=np.int64)


def intersection(first: Boxes, second: Boxes) -> NDArray[np.float32]:
    """The area that each box of `first` shares with each of `second`, [first, second], in shares of the picture."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    area: NDArray[np.float32] = np.clip(high - low, 0, None).prod(axis=2)
    return area
