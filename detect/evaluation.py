"""How well models count: against frames labelled by eye, side by side, and beside always guessing the mean.

The error of a frame is the distance of the count to [labelled, labelled + uncertain]: 0 inside, for nobody knows
better.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt

from core.config import Closed
from core.records import CLASSES, PEOPLE, VEHICLES
from detect.boxes import BoxModel, GroundPoints, Thresholds, density_of
from detect.labels import LabelledFrame, picture_of, read_labels
from detect.model import CountingModel

SWEPT_SCORES = tuple(score / 100 for score in range(4, 62, 2))

_PEOPLE = [CLASSES.index(name) for name in PEOPLE]
_VEHICLES = [CLASSES.index(name) for name in VEHICLES]


class SumError(Closed):
    """How well people, or vehicles, are counted. Errors are objects per frame.

    `error` is the mean distance of the count to [labelled, labelled + uncertain], `mae` that to the labelled alone;
    `bias_percent` the signed distance to the interval, summed, in percent of the labelled (null where none is).
    """

    error: NonNegativeFloat
    mae: NonNegativeFloat
    bias_percent: float | None
    labelled: NonNegativeInt
    uncertain: NonNegativeInt
    counted: NonNegativeFloat


class ClassError(Closed):
    """How well one class is counted, against the labelled: the uncertain have no class."""

    mae: NonNegativeFloat
    bias_percent: float | None
    labelled: NonNegativeInt
    counted: NonNegativeFloat


class Errors(Closed):
    """The errors on some of the frames."""

    frames: PositiveInt
    people: SumError
    vehicles: SumError


class SweptThresholds(Closed):
    """The scores at which a box detector does best on these very frames: its figures flatter it."""

    people: float
    vehicles: float


class Evaluation(Closed):
    """One model on one folder of labels. `by_training` is empty where the cameras of training are not known."""

    model: str
    swept: SweptThresholds | None = Field(description="set where thresholds were chosen on these frames")
    ms_per_frame: NonNegativeFloat
    overall: Errors
    by_class: dict[str, ClassError]
    by_visibility: dict[str, Errors]
    by_camera: dict[str, Errors]
    by_training: dict[str, Errors]


class Comparison(Closed):
    """Several models on the same frames, and `mean_guess`: always answering the mean of the labels."""

    labels: str
    frames: PositiveInt
    trained_cameras: tuple[str, ...]
    mean_guess: Errors
    mean_guess_by_training: dict[str, Errors]
    evaluations: tuple[Evaluation, ...]


Counts = NDArray[np.float64]
"""[frame, class]."""


def evaluate(
    model: CountingModel,
    labels_dir: Path,
    *,
    trained_cameras: Sequence[str] | None = None,
    progress: Callable[[], None] = lambda: None,
) -> Evaluation:
    """The errors of one model on the labelled frames of `labels_dir`.

    A box detector is run once a frame and reported at the thresholds that suit these frames best. `trained_cameras`
    splits the cameras; by default it is what the model says of itself. `progress` is called after each frame.
    Raises `SourceError` for labels or pictures that cannot be read.
    """
    labels = read_labels(labels_dir)
    counts, swept, ms_per_frame = _count(model, labels, labels_dir, progress)
    cameras = _trained_on(model) if trained_cameras is None else trained_cameras
    return Evaluation(
        model=model.name,
        swept=swept,
        ms_per_frame=ms_per_frame,
        overall=_errors(labels, counts),
        by_class={name: _class_error(labels, counts, index) for index, name in enumerate(CLASSES)},
        by_visibility=_grouped(labels, counts, lambda label: label.visibility),
        by_camera=_grouped(labels, counts, lambda label: label.camera),
        by_training=_by_training(labels, counts, cameras),
    )


def compare(
    models: Sequence[CountingModel], labels_dir: Path, *, progress: Callable[[], None] = lambda: None
) -> Comparison:
    """Several models on the same frames, split by the cameras that any of them was trained on."""
    labels = read_labels(labels_dir)
    cameras = tuple(sorted({camera for model in models for camera in _trained_on(model)}))
    guess = np.tile(_labelled(labels).mean(axis=0), (len(labels), 1))
    return Comparison(
        labels=str(labels_dir),
        frames=len(labels),
        trained_cameras=cameras,
        mean_guess=_errors(labels, guess),
        mean_guess_by_training=_by_training(labels, guess, cameras),
        evaluations=tuple(evaluate(model, labels_dir, trained_cameras=cameras, progress=progress) for model in models),
    )


def _count(
    model: CountingModel, labels: Sequence[LabelledFrame], labels_dir: Path, progress: Callable[[], None]
) -> tuple[Counts, SweptThresholds | None, float]:
    """Counts of every frame, the thresholds chosen, and the milliseconds of inference a frame."""
    counts: list[NDArray[np.float64]] = []
    points: list[GroundPoints] = []
    elapsed_s = 0.0
    for label in labels:
        frame = picture_of(label, labels_dir)
        started = time.perf_counter()
        if isinstance(model, BoxModel):
            points += model.points([frame])
        else:
            counts.append(model.density([frame]).sum(axis=(0, 2, 3), dtype=np.float64))
        elapsed_s += time.perf_counter() - started
        progress()
    ms_per_frame = round(elapsed_s / len(labels) * 1000, 1)
    if not points:
        return np.stack(counts), None, ms_per_frame
    swept = _sweep(labels, points)
    return _counts_at(points, swept.people, swept.vehicles), swept, ms_per_frame


def _sweep(labels: Sequence[LabelledFrame], points: Sequence[GroundPoints]) -> SweptThresholds:
    errors = {score: _errors(labels, _counts_at(points, score, score)) for score in SWEPT_SCORES}
    return SweptThresholds(
        people=min(SWEPT_SCORES, key=lambda score: errors[score].people.error),
        vehicles=min(SWEPT_SCORES, key=lambda score: errors[score].vehicles.error),
    )


def _counts_at(points: Sequence[GroundPoints], people: float, vehicles: float) -> Counts:
    counts: Counts = density_of(points, Thresholds(people, vehicles)).sum(axis=(2, 3), dtype=np.float64)
    return counts


def _labelled(labels: Sequence[LabelledFrame]) -> NDArray[np.int64]:
    """[frame, class]."""
    return np.array([label.counts() for label in labels], dtype=np.int64)


def _errors(labels: Sequence[LabelledFrame], counts: Counts) -> Errors:
    labelled = _labelled(labels)
    return Errors(
        frames=len(labels),
        people=_sum_error(
            counts[:, _PEOPLE].sum(axis=1),
            labelled[:, _PEOPLE].sum(axis=1),
            np.array([label.uncertain_pedestrians for label in labels]),
        ),
        vehicles=_sum_error(
            counts[:, _VEHICLES].sum(axis=1),
            labelled[:, _VEHICLES].sum(axis=1),
            np.array([label.uncertain_vehicles for label in labels]),
        ),
    )


def _sum_error(counted: NDArray[np.float64], labelled: NDArray[np.int64], uncertain: NDArray[np.int64]) -> SumError:
    """All [frame]."""
    beyond = counted - np.clip(counted, labelled, labelled + uncertain)
    return SumError(
        error=_rounded(np.abs(beyond).mean()),
        mae=_rounded(np.abs(counted - labelled).mean()),
        bias_percent=_percent(beyond.sum(), labelled.sum()),
        labelled=int(labelled.sum()),
        uncertain=int(uncertain.sum()),
        counted=_rounded(counted.sum()),
    )


def _class_error(labels: Sequence[LabelledFrame], counts: Counts, index: int) -> ClassError:
    labelled = _labelled(labels)[:, index]
    beyond = counts[:, index] - labelled
    return ClassError(
        mae=_rounded(np.abs(beyond).mean()),
        bias_percent=_percent(beyond.sum(), labelled.sum()),
        labelled=int(labelled.sum()),
        counted=_rounded(counts[:, index].sum()),
    )


def _grouped(
    labels: Sequence[LabelledFrame], counts: Counts, group_of: Callable[[LabelledFrame], str]
) -> dict[str, Errors]:
    groups = [group_of(label) for label in labels]
    return {
        group: _errors(
            [label for label, name in zip(labels, groups, strict=True) if name == group],
            counts[[name == group for name in groups]],
        )
        for group in sorted(set(groups))
    }


def _by_training(labels: Sequence[LabelledFrame], counts: Counts, cameras: Sequence[str]) -> dict[str, Errors]:
    if not cameras:
        return {}
    return _grouped(labels, counts, lambda label: "trained" if label.camera in cameras else "held-out")


def _trained_on(model: CountingModel) -> tuple[str, ...]:
    cameras: tuple[str, ...] | None = getattr(model, "trained_cameras", None)
    return cameras or ()


def _rounded(value: float) -> float:
    return round(float(value), 3)


def _percent(part: float, whole: float) -> float | None:
    return round(100 * float(part) / float(whole), 1) if whole else None
