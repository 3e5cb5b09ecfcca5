"""From pictures to one training frame: crop, scale, flip, put side by side, and draw the truth as density.

Where an object's mass sits: 30 % of its height below its centre (80 % of the way down its box), on the lower
body of a person and the lower bodywork of a vehicle. A zone drawn on the ground then holds the people who stand on it.

    frame 352 x 288 px                         truth 88 x 72 cells of 4 x 4 px
    +-----------+-------+                      kinds  [10, y, x]  objects per cell, by what the label says
    | picture A |  pic. |   split sometimes    known  [2, y, x]   1 where the labels of people / vehicles speak
    |           |   B   |                      empty  [2, y, x]   weight of an unlabelled cell (<= known)
    +-----------+-------+                      totals [2, 2]      people / vehicles: labelled, labelled + uncertain
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from contract import GRID, HEIGHT_PX, STRIDE_PX, WIDTH_PX
from numpy.typing import NDArray
from sources import FEED, KINDS, MINIMUM_SIDE_PX, PEOPLE_KINDS, Known, Picture

LOWER_BODY = 0.3  # of the height, below the centre
MINIMUM_VISIBLE = 0.35  # of the area, for an object that a crop cuts
UNCERTAIN_SHARE = 0.15  # of the uncertain objects, believed to be there when weighing unlabelled cells
MINIMUM_EMPTY_WEIGHT = 0.8


@dataclass(frozen=True)
class Rect:
    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Truth:
    kinds: NDArray[np.float32]  # [10, 72, 88]
    known: NDArray[np.float32]  # [2, 72, 88]
    empty: NDArray[np.float32]  # [2, 72, 88]
    totals: NDArray[np.float32]  # [2, 2] people, vehicles x low, high; high < 0 where the total is not known


def random_rects(random: np.random.Generator, split_share: float) -> list[Rect]:
    """The whole frame, or two to four tiles."""
    if random.random() > split_share:
        return [Rect(0, 0, WIDTH_PX, HEIGHT_PX)]
    xs = [0, int(random.uniform(0.3, 0.7) * 88) * 4, WIDTH_PX] if random.random() < 0.75 else [0, WIDTH_PX]
    ys = (
        [0, int(random.uniform(0.3, 0.7) * 72) * 4, HEIGHT_PX]
        if random.random() < 0.6 or len(xs) == 2
        else [0, HEIGHT_PX]
    )
    return [Rect(x, y, x2 - x, y2 - y) for x, x2 in pairwise(xs) for y, y2 in pairwise(ys)]


def random_placement(picture: Picture, rect: Rect, random: np.random.Generator) -> NDArray[np.float64]:
    """A 2 x 3 affine map, picture px -> frame px: scale, slight stretch and turn, flip, crop."""
    height, width = picture.frames[0].shape[:2]
    smallest, largest = (0.6, 1.8) if picture.origin in FEED else (0.45, 1.4)
    if picture.origin in FEED and random.random() < 0.3:
        smallest, largest = 0.9, 1.15
    scale = WIDTH_PX / width * np.exp(random.uniform(np.log(smallest), np.log(largest)))
    scale_x, scale_y = scale * random.uniform(0.92, 1.08), scale * random.uniform(0.92, 1.08)
    slack_x, slack_y = width - rect.width / scale_x, height - rect.height / scale_y
    x0, y0 = random.uniform(min(0, slack_x), max(0, slack_x)), random.uniform(min(0, slack_y), max(0, slack_y))
    side = -1.0 if random.random() < 0.5 else 1.0
    turn = np.tan(np.deg2rad(random.normal(0, 3))) if random.random() < 0.5 else 0.0
    placement = np.array([[side * scale_x, -turn * scale_x, 0.0], [side * turn * scale_y, scale_y, 0.0]])
    crop_centre = np.array([x0 + rect.width / scale_x / 2, y0 + rect.height / scale_y / 2])
    placement[:, 2] = (rect.left + rect.width / 2, rect.top + rect.height / 2) - placement[:, :2] @ crop_centre
    return placement


def moved(boxes_px: NDArray[np.float32], placement: NDArray[np.float64]) -> NDArray[np.float32]:
    """[n, 4] boxes under an affine map that turns by a few degrees at most: centres move exactly, sizes only scale."""
    out = boxes_px.copy()
    out[:, :2] = boxes_px[:, :2] @ placement[:, :2].T + placement[:, 2]
    out[:, 2] = boxes_px[:, 2] * abs(placement[0, 0])
    out[:, 3] = boxes_px[:, 3] * placement[1, 1]
    return out


def cells(box_px: NDArray[np.float32], margin_px: float = 0.0) -> tuple[slice, slice]:
    """The cells that a box touches, y then x."""
    x, y, width, height = box_px
    left, right = (x - width / 2 - margin_px) / STRIDE_PX, (x + width / 2 + margin_px) / STRIDE_PX
    top, bottom = (y - height / 2 - margin_px) / STRIDE_PX, (y + height / 2 + margin_px) / STRIDE_PX
    return (
        slice(max(0, int(top)), max(0, min(GRID[0], int(np.ceil(bottom))))),
        slice(max(0, int(left)), max(0, min(GRID[1], int(np.ceil(right))))),
    )


def draw(plane: NDArray[np.float32], box_px: NDArray[np.float32], mass: float = 1.0) -> None:
    """Add one object to a plane [72, 88]: a Gaussian near its lower body, an eighth of its size wide."""
    x, y, width, height = box_px
    at_x, at_y = x / STRIDE_PX - 0.5, (y + LOWER_BODY * height) / STRIDE_PX - 0.5
    sigma_x, sigma_y = np.clip(width / 8 / STRIDE_PX, 0.45, 1.6), np.clip(height / 8 / STRIDE_PX, 0.45, 1.6)
    xs = np.arange(max(0, int(at_x - 3 * sigma_x)), min(GRID[1], int(at_x + 3 * sigma_x) + 2))
    ys = np.arange(max(0, int(at_y - 3 * sigma_y)), min(GRID[0], int(at_y + 3 * sigma_y) + 2))
    if not len(xs) or not len(ys):
        return
    spot = np.outer(np.exp(-0.5 * ((ys - at_y) / sigma_y) ** 2), np.exp(-0.5 * ((xs - at_x) / sigma_x) ** 2))
    plane[ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1] += (mass * spot / max(spot.sum(), 1e-9)).astype(np.float32)


def place(
    picture: Picture, rect: Rect, placement: NDArray[np.float64], frame: NDArray[np.uint8], truth: Truth,
    random: np.random.Generator,
) -> NDArray[np.float32]:  # fmt: skip
    """Draw one picture and its truth into its rect; gives the boxes seen there, [n, 5] with the kind last."""
    image = picture.frames[random.integers(len(picture.frames))]
    shift = placement.copy()
    shift[:, 2] -= (rect.left, rect.top)
    grey = int(random.integers(0, 160))
    method = cv2.INTER_AREA if abs(placement[0, 0]) < 0.6 else cv2.INTER_LINEAR
    if method == cv2.INTER_AREA:  # warpAffine cannot average, so shrink first
        half = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        shift[:, :2] *= 2.0
        image = half
    frame[rect.top : rect.top + rect.height, rect.left : rect.left + rect.width] = cv2.warpAffine(
        image, shift, (rect.width, rect.height), flags=cv2.INTER_LINEAR, borderValue=(grey, grey, grey)
    )
    area = (
        slice(rect.top // STRIDE_PX, (rect.top + rect.height) // STRIDE_PX),
        slice(rect.left // STRIDE_PX, (rect.left + rect.width) // STRIDE_PX),
    )
    boxes = moved(picture.boxes_px, placement)
    seen = []
    dropped: list[tuple[int, NDArray[np.float32]]] = []
    for box, kind in zip(boxes, picture.kinds, strict=True):
        left, right = max(box[0] - box[2] / 2, rect.left), min(box[0] + box[2] / 2, rect.left + rect.width)
        top, bottom = max(box[1] - box[3] / 2, rect.top), min(box[1] + box[3] / 2, rect.top + rect.height)
        if right - left < 1 or bottom - top < 1:
            continue
        cut = np.array([(left + right) / 2, (top + bottom) / 2, right - left, bottom - top], np.float32)
        visible = cut[2] * cut[3] / max(box[2] * box[3], 1e-6)
        if visible < MINIMUM_VISIBLE or max(cut[2], cut[3]) < MINIMUM_SIDE_PX:
            dropped.append((0 if kind in PEOPLE_KINDS else 1, cut))
        else:
            seen.append((*cut, kind))
    for group, (where, uncertain) in enumerate(
        ((picture.people, picture.uncertain_people), (picture.vehicles, picture.uncertain_vehicles))
    ):
        mine = [np.array(s[:4], np.float32) for s in seen if (s[4] in PEOPLE_KINDS) == (group == 0)]
        present = len(mine)
        known = truth.known[group]
        if where is Known.ALL:
            known[area] = 1
        elif where is Known.BELOW and mine:
            first = max(area[0].start, int(min(b[1] - b[3] / 2 for b in mine) / STRIDE_PX))
            known[first : area[0].stop, area[1]] = 1
        elif where is Known.BOXES:
            for box in mine:
                ys, xs = cells(box, margin_px=4)
                known[
                    max(ys.start, area[0].start) : min(ys.stop, area[0].stop),
                    max(xs.start, area[1].start) : min(xs.stop, area[1].stop),
                ] = 1
        for of_group, box in dropped:
            if of_group == group:
                known[cells(box)] = 0
        share = max(MINIMUM_EMPTY_WEIGHT, (present + 0.5) / (present + 0.5 + UNCERTAIN_SHARE * uncertain))
        truth.empty[group][area] = known[area] * share
        if where is Known.ALL and truth.totals[group, 1] >= 0:
            truth.totals[group] += (present, present + uncertain)
        else:
            truth.totals[group] = (0, -1)
    for *box, kind in seen:
        draw(truth.kinds[int(kind)], np.array(box, np.float32))
    return np.array(seen, np.float32).reshape(-1, 5)


def blank_truth() -> Truth:
    return Truth(
        kinds=np.zeros((len(KINDS), *GRID), np.float32),
        known=np.zeros((2, *GRID), np.float32),
        empty=np.zeros((2, *GRID), np.float32),
        totals=np.zeros((2, 2), np.float32),
    )
