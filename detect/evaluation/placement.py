"""Where a model counted: near which labelled objects, as what, and far from all of them.

A density map says where mass lies, not whose it is. So all mass of people goes to labelled people and all mass of
vehicles to labelled vehicles, cell by cell, by one rule for every model:

- An object stands in the lower part of its box: its place is the ellipse centred on the middle of the box's width,
  0.4 of its height below its centre, with half the width and half the height, each plus 6 px of a picture 352 px wide,
  as semi-axes. Our networks are taught to put an object's mass at 0.3 of its height below its centre, a box detector
  gives the middle of its lower edge (0.5): the ellipse lies between the two and holds either, whatever the size.
- The mass of a cell, taken at the cell's centre, is near the object in whose ellipse that centre lies; in several, the
  one to whose centre it is nearest, measured in semi-axes. In none, it is far.

Summed over objects of one height, mass near / objects is what share of them was counted. It is fair to smooth maps:
what spills over onto a neighbour mostly stays among objects of that height. It is no recall, for two counted at one
object make up for one missed. `found`, where each object takes at most 1, is one, and hard on smooth maps: in a crowd,
what spills over from one object to the next is lost to it. The truth lies between the two; for the sharp points of a
box detector they differ by what it counts twice. A model that is off by more than an ellipse pays twice: an object
missed and a phantom.

What is far may be one of the uncertain, who have no box; `figures.Phantoms` says what is made of that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detect.evaluation.figures import Confusion, GroupPlacement, Phantoms, Placement, SizeShare
from detect.evaluation.scoring import GROUPS, MEMBERS, rounded
from detect.labels import LabelledFrame, LabelledObject

STANDS_BELOW = 0.4
MARGIN_SHARE = 6 / 352
"""Of the picture's width, on every side: one cell and a half of our grid, for cells and coarse boxes."""

HEIGHTS: dict[str, tuple[float, float]] = {"<12": (0, 12), "12-24": (12, 24), ">24": (24, np.inf)}
"""Heights of labelled boxes in pixels: below 12, from 12 to 24 inclusive, above 24."""

FrameDensity = NDArray[np.float32]
"""[class, row, column]."""


@dataclass(frozen=True)
class Placed:
    """Where the mass of one group lies in one frame: `near` [object, class], `far` [class].

    Objects are the labelled ones of the group in the order of the labels, classes those of the group.
    """

    near: NDArray[np.float64]
    far: NDArray[np.float64]


FramePlaced = dict[str, Placed]
"""By group."""


def place(density: FrameDensity, label: LabelledFrame) -> FramePlaced:
    """Attribute the mass of one frame to what is labelled in it."""
    return {group: _place(density[MEMBERS[group]], label, names) for group, names in GROUPS.items()}


def _place(density: FrameDensity, label: LabelledFrame, names: tuple[str, ...]) -> Placed:
    """`density` is [class of the group, row, column]."""
    boxes = np.array([(o.x, o.y, o.w, o.h) for o in label.objects if o.kind in names], dtype=np.float64).reshape(-1, 4)
    rows, columns = density.shape[1:]
    row, column = np.nonzero(density.any(axis=0))
    mass = density[:, row, column].astype(np.float64)  # [class, cell]
    near = np.zeros((len(boxes), len(names)))
    if not len(boxes) or not len(row):
        return Placed(near, mass.sum(axis=1))
    x, y = (column + 0.5) / columns * label.width, (row + 0.5) / rows * label.height
    centre_x, centre_y, w, h = boxes.T[:, :, None]
    margin = MARGIN_SHARE * label.width
    away = ((x - centre_x) / (w / 2 + margin)) ** 2 + ((y - centre_y - STANDS_BELOW * h) / (h / 2 + margin)) ** 2
    nearest = away.argmin(axis=0)  # [cell]
    held = away.min(axis=0) <= 1
    np.add.at(near, nearest[held], mass[:, held].T)
    return Placed(near, mass[:, ~held].sum(axis=1))


def placement_of(labels: Sequence[LabelledFrame], placed: Sequence[FramePlaced]) -> Placement:
    """The figures of all frames; `placed` is in the order of `labels`."""
    groups = {group: _group(labels, [frame[group] for frame in placed], group) for group in GROUPS}
    return Placement(people=groups["people"], vehicles=groups["vehicles"])


def _group(labels: Sequence[LabelledFrame], placed: Sequence[Placed], group: str) -> GroupPlacement:
    visibilities = sorted({label.visibility for label in labels})
    return GroupPlacement(
        by_height=_by_height(labels, placed, group),
        phantoms=_phantoms(labels, placed, group),
        phantoms_by_visibility={
            visibility: _phantoms(
                [label for label in labels if label.visibility == visibility],
                [found for found, label in zip(placed, labels, strict=True) if label.visibility == visibility],
                group,
            )
            for visibility in visibilities
        },
        confusion=_confusion(labels, placed, group),
    )


def _by_height(labels: Sequence[LabelledFrame], placed: Sequence[Placed], group: str) -> dict[str, SizeShare]:
    height = np.array([o.h for label in labels for o in _objects(label, group)], dtype=np.float64)
    mass = np.concatenate([found.near.sum(axis=1) for found in placed])
    return {name: _share(mass[_of_height(height, name)]) for name in HEIGHTS}


def _of_height(height: NDArray[np.float64], name: str) -> NDArray[np.bool_]:
    low, high = HEIGHTS[name]
    above = height >= low if name == "12-24" else height > low
    below = height < high if name == "<12" else height <= high
    return above & below


def _share(mass: NDArray[np.float64]) -> SizeShare:
    """`mass` [object] is what was counted near each."""
    objects = len(mass)
    return SizeShare(
        labelled=objects,
        counted=rounded(mass.sum()),
        share=rounded(mass.mean()) if objects else None,
        found=rounded(np.minimum(mass, 1).mean()) if objects else None,
    )


def _phantoms(labels: Sequence[LabelledFrame], placed: Sequence[Placed], group: str) -> Phantoms:
    far = np.array([found.far.sum() for found in placed])
    uncertain = np.array([label.uncertain_of(group) for label in labels])
    objects = np.array([len(found.near) for found in placed])
    empty = far[(objects == 0) & (uncertain == 0)]
    return Phantoms(
        far=rounded(far.mean()),
        unexplained=rounded(np.maximum(far - uncertain, 0).mean()),
        empty_frames=len(empty),
        empty=rounded(empty.mean()) if len(empty) else None,
        empty_most=rounded(empty.max()) if len(empty) else None,
    )


def _confusion(labels: Sequence[LabelledFrame], placed: Sequence[Placed], group: str) -> Confusion:
    names = GROUPS[group]
    kinds = np.array([names.index(o.kind) for label in labels for o in _objects(label, group)], dtype=np.int64)
    counted = np.zeros((len(names), len(names)))
    np.add.at(counted, kinds, np.concatenate([found.near for found in placed]))
    far = np.sum([found.far for found in placed], axis=0)
    labelled = np.bincount(kinds, minlength=len(names))
    return Confusion(
        labelled={name: int(count) for name, count in zip(names, labelled, strict=True)},
        counted={name: _named(row, names) for name, row in zip(names, counted, strict=True)},
        far=_named(far, names),
    )


def _named(values: NDArray[np.float64], names: Sequence[str]) -> dict[str, float]:
    return {name: rounded(value) for name, value in zip(names, values, strict=True)}


def _objects(label: LabelledFrame, group: str) -> Iterator[LabelledObject]:
    return (found for found in label.objects if found.kind in GROUPS[group])
