"""Models run over labelled frames: every picture is read once, and every model counts it before the next is read."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol

import cv2
import numpy as np

from core.figures import CLASSES
from detect.boxes import BoxModel, GroundPoints, Thresholds, density_of
from detect.evaluation.figures import SweptThresholds
from detect.evaluation.placement import FramePlaced, place
from detect.evaluation.scoring import Counts, FrameCounts, frame_errors
from detect.labels import LabelledFrame
from detect.model import CountingModel
from ingest.frame import Frame

SWEPT_SCORES = tuple(score / 100 for score in range(4, 62, 2))


@dataclass(frozen=True)
class Measured:
    """What one model counted in every frame: `counts` [frame, class], and where. Densities are not kept."""

    counts: Counts
    placed: tuple[FramePlaced, ...]
    swept: SweptThresholds | None
    ms_per_frame: float


def measure(
    models: Sequence[CountingModel],
    labels: Sequence[LabelledFrame],
    picture_of: Callable[[LabelledFrame], Frame],
    progress: Callable[[], None],
) -> list[Measured]:
    """What each model counted. A box detector is run once a frame, and then taken at the scores that suit best.

    Times are processor times, one frame at a time, with OpenCV held to one thread; the models' own runtimes are to be
    opened with one. Then it is what the wall clock of an idle machine would say; other work on the machine does not add
    to it, and a runtime that takes more threads all the same gains nothing. Models take turns on each frame. The first,
    on which runtimes allocate, is counted twice and timed the second time. `progress` is called for each frame and
    model.
    """
    runs: list[_Run] = [
        _BoxRun(model, labels) if isinstance(model, BoxModel) else _DensityRun(model, labels) for model in models
    ]
    taken_ms: list[list[float]] = [[] for _ in models]
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        for at, label in enumerate(labels):
            frame = picture_of(label)
            for model, run, times in zip(models, runs, taken_ms, strict=True):
                if at == 0:
                    model.density([frame])
                times.append(run.count(frame))
                progress()
    finally:
        cv2.setNumThreads(threads)
    return [run.measured(round(median(times), 2)) for run, times in zip(runs, taken_ms, strict=True)]


class _Run(Protocol):
    """A model on its way through the frames."""

    def count(self, frame: Frame) -> float:
        """Count the next of the labelled frames; returns the milliseconds of the processor that the model took."""
        ...

    def measured(self, ms_per_frame: float) -> Measured: ...


class _DensityRun:
    """What a density map says is kept at once, the map is not."""

    def __init__(self, model: CountingModel, labels: Sequence[LabelledFrame]) -> None:
        self._model, self._labels = model, labels
        self._counts: list[FrameCounts] = []
        self._placed: list[FramePlaced] = []

    def count(self, frame: Frame) -> float:
        began = time.process_time()
        density = self._model.density([frame])[0]
        taken_ms = (time.process_time() - began) * 1000
        self._placed.append(place(density, self._labels[len(self._placed)]))
        self._counts.append(density.sum(axis=(1, 2), dtype=np.float64))
        return taken_ms

    def measured(self, ms_per_frame: float) -> Measured:
        return Measured(np.stack(self._counts), tuple(self._placed), None, ms_per_frame)


class _BoxRun:
    """Points of every score are kept, for the thresholds are chosen when all frames were seen."""

    def __init__(self, model: BoxModel, labels: Sequence[LabelledFrame]) -> None:
        self._model, self._labels = model, labels
        self._points: list[GroundPoints] = []

    def count(self, frame: Frame) -> float:
        began = time.process_time()
        self._points += self._model.points([frame])
        return (time.process_time() - began) * 1000

    def measured(self, ms_per_frame: float) -> Measured:
        swept = _sweep(self._labels, self._points)
        thresholds = Thresholds(swept.people, swept.vehicles)
        placed = tuple(
            place(density_of([found], thresholds)[0], label)
            for found, label in zip(self._points, self._labels, strict=True)
        )
        return Measured(_counts_at(self._points, thresholds), placed, swept, ms_per_frame)


def _sweep(labels: Sequence[LabelledFrame], points: Sequence[GroundPoints]) -> SweptThresholds:
    counts = {score: _counts_at(points, Thresholds(score, score)) for score in SWEPT_SCORES}

    def best(group: str) -> float:
        return min(SWEPT_SCORES, key=lambda score: float(frame_errors(labels, counts[score], group).mean()))

    return SweptThresholds(people=best("people"), vehicles=best("vehicles"))


def _counts_at(points: Sequence[GroundPoints], thresholds: Thresholds) -> Counts:
    return np.array(
        [np.bincount(found.kind[found.above(thresholds)], minlength=len(CLASSES)) for found in points], dtype=np.float64
    )
