"""From counts and labels to errors.

The error of a count is its distance to [labelled, labelled + uncertain]: 0 inside, for nobody knows better.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.figures import CLASSES, PEOPLE, VEHICLES
from detect.evaluation.figures import CountError, Errors
from detect.labels import LabelledFrame

Counts = NDArray[np.float64]
"""[frame, class]."""

FrameCounts = NDArray[np.float64]
"""[class]."""

GROUPS: dict[str, tuple[str, ...]] = {"people": PEOPLE, "vehicles": VEHICLES}

MEMBERS: dict[str, list[int]] = {group: [CLASSES.index(name) for name in names] for group, names in GROUPS.items()}
"""The classes of each group, as indices of `CLASSES`."""


@dataclass(frozen=True)
class Truth:
    """What is labelled of people, or of vehicles: `labelled` [frame, class] over `CLASSES`, `uncertain` [frame]."""

    labelled: NDArray[np.int64]
    uncertain: NDArray[np.int64]

    @classmethod
    def of(cls, labels: Sequence[LabelledFrame], group: str) -> Self:
        counts = np.array([label.counts() for label in labels], dtype=np.int64).reshape(-1, len(CLASSES))
        uncertain = np.array([label.uncertain_of(group) for label in labels], dtype=np.int64)
        return cls(counts, uncertain)

    def total(self, group: str) -> NDArray[np.int64]:
        """[frame]."""
        total: NDArray[np.int64] = self.labelled[:, MEMBERS[group]].sum(axis=1)
        return total


def beyond(
    counted: NDArray[np.float64], labelled: NDArray[np.int64], uncertain: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The signed distance of each count to [labelled, labelled + uncertain]. All [frame]."""
    distance: NDArray[np.float64] = counted - np.clip(counted, labelled, labelled + uncertain)
    return distance


def frame_errors(labels: Sequence[LabelledFrame], counts: Counts, group: str) -> NDArray[np.float64]:
    """The error of each frame's people, or vehicles: [frame]."""
    truth = Truth.of(labels, group)
    return np.abs(beyond(counts[:, MEMBERS[group]].sum(axis=1), truth.total(group), truth.uncertain))


def errors_of(labels: Sequence[LabelledFrame], counts: Counts) -> Errors:
    truths = {group: Truth.of(labels, group) for group in GROUPS}
    sums = {
        group: _count_error(counts[:, MEMBERS[group]].sum(axis=1), truth.total(group), truth.uncertain)
        for group, truth in truths.items()
    }
    classes = {
        CLASSES[index]: _count_error(counts[:, index], truth.labelled[:, index], truth.uncertain)
        for group, truth in truths.items()
        for index in MEMBERS[group]
    }
    return Errors(frames=len(labels), people=sums["people"], vehicles=sums["vehicles"], classes=classes)


def grouped(
    labels: Sequence[LabelledFrame], counts: Counts, group_of: Callable[[LabelledFrame], str]
) -> dict[str, Errors]:
    """The errors of the frames of each group, by its name."""
    names = [group_of(label) for label in labels]
    parts: dict[str, Errors] = {}
    for name in sorted(set(names)):
        rows = [row for row, found in enumerate(names) if found == name]
        parts[name] = errors_of([labels[row] for row in rows], counts[rows])
    return parts


def _count_error(counted: NDArray[np.float64], labelled: NDArray[np.int64], uncertain: NDArray[np.int64]) -> CountError:
    """All [frame]."""
    off = beyond(counted, labelled, uncertain)
    return CountError(
        error=rounded(np.abs(off).mean()),
        mae=rounded(np.abs(counted - labelled).mean()),
        rmse=rounded(np.sqrt(np.square(counted - labelled).mean())),
        bias=rounded(off.mean()),
        bias_percent=_percent(off.sum(), labelled.sum()),
        relative_percent=_percent(np.abs(off).sum(), labelled.sum()),
        labelled=int(labelled.sum()),
        uncertain=int(uncertain.sum()),
        counted=rounded(counted.sum()),
    )


def rounded(value: float) -> float:
    """To a thousandth of an object."""
    return round(float(value), 3)


def _percent(part: float, whole: float) -> float | None:
    return round(100 * float(part) / float(whole), 1) if whole else None
