"""Several models on the same labelled frames: what each is worth, and whether one is nearer than another."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.figures import CLASSES
from detect.evaluation.bootstrap import LEVEL, USUAL, Resample, draw_weights, paired_interval, remark
from detect.evaluation.figures import Comparison, Difference, Errors, Evaluation, FrameTruth, Resampling
from detect.evaluation.measure import Measured, measure
from detect.evaluation.placement import placement_of
from detect.evaluation.scoring import GROUPS, Counts, Truth, errors_of, frame_errors, grouped, rounded
from detect.labels import LabelledFrame, of_cameras, picture_of, read_labels
from detect.model import CountingModel

TRAINED, HELD_OUT = "trained", "held-out"

Progress = Callable[[int, int], None]
"""Called after each frame of each model with how many are done, and of how many."""


def evaluate(model: CountingModel, labels_dir: Path) -> Evaluation:
    """One model alone, as `compare` does it."""
    return compare([model], labels_dir).evaluations[0]


def compare(
    models: Sequence[CountingModel],
    labels_dir: Path,
    *,
    footage: Path | None = None,
    only: Collection[str] = (),
    without: Collection[str] = (),
    resample: Resample = USUAL,
    progress: Progress = lambda _done, _total: None,
) -> Comparison:
    """Every model on the frames of `labels_dir`, split by the cameras that any of them was trained on.

    `footage` is where the clips and stills lie that have no picture beside their labels, `only` and `without` restrict
    to cameras, `resample` makes the intervals of the differences to the first model. A box detector is run once a frame
    and reported at the thresholds that suit these frames best. Raises `SourceError` for labels or pictures that cannot
    be read.
    """
    labels = of_cameras(read_labels(labels_dir), only, without)
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        progress(done, len(labels) * len(models))

    measured = measure(models, labels, lambda label: picture_of(label, labels_dir, footage), step)
    present = tuple(sorted({label.camera for label in labels}))
    trained = tuple(sorted({camera for model in models for camera in _trained_on(model)}))
    guess = np.tile(_labelled(labels).mean(axis=0), (len(labels), 1))
    return Comparison(
        labels=str(labels_dir),
        frames=len(labels),
        cameras=present,
        trained_cameras=trained,
        truth=tuple(_truth_of(label) for label in labels),
        mean_guess=errors_of(labels, guess),
        mean_guess_by_training=_by_training(labels, guess, trained),
        evaluations=tuple(
            _evaluation(model.name, found, labels, trained) for model, found in zip(models, measured, strict=True)
        ),
        differences=tuple(_differences(models, measured, labels, trained, resample)),
        resampling=Resampling(draws=resample.draws, seed=resample.seed, level=LEVEL, remark=remark(len(present))),
    )


def _evaluation(name: str, found: Measured, labels: Sequence[LabelledFrame], trained: Collection[str]) -> Evaluation:
    return Evaluation(
        model=name,
        swept=found.swept,
        ms_per_frame=found.ms_per_frame,
        overall=errors_of(labels, found.counts),
        by_visibility=grouped(labels, found.counts, lambda label: label.visibility),
        by_camera=grouped(labels, found.counts, lambda label: label.camera),
        by_training=_by_training(labels, found.counts, trained),
        placement=placement_of(labels, found.placed),
        counted=tuple(tuple(rounded(count) for count in row) for row in found.counts),
    )


def _differences(
    models: Sequence[CountingModel],
    measured: Sequence[Measured],
    labels: Sequence[LabelledFrame],
    trained: Collection[str],
    resample: Resample,
) -> Iterator[Difference]:
    """Of every model but the first, on all frames, then on those of each training and lighting."""
    if len(models) < 2:
        return
    errors = {group: [frame_errors(labels, found.counts, group) for found in measured] for group in GROUPS}
    for part, rows in _parts(labels, trained).items():
        cameras = [labels[row].camera for row in rows]
        weights = draw_weights(cameras, resample)
        for group in GROUPS:
            for at, model in enumerate(models[1:], start=1):
                interval = paired_interval((errors[group][at] - errors[group][0])[rows], weights)
                yield Difference(
                    model=model.name,
                    series=group,
                    frames_of=part,
                    frames=len(rows),
                    cameras=len(set(cameras)),
                    difference=rounded(interval.difference),
                    low=rounded(interval.low),
                    high=rounded(interval.high),
                    verdict=interval.verdict(len(set(cameras))),
                )


def _parts(labels: Sequence[LabelledFrame], trained: Collection[str]) -> dict[str, list[int]]:
    """The rows of all frames, and of each training and lighting that is not all frames again."""
    parts: dict[str, list[int]] = {}
    for row, label in enumerate(labels):
        for name in (_training_of(label, trained), label.visibility) if trained else (label.visibility,):
            parts.setdefault(name, []).append(row)
    smaller = {name: rows for name, rows in parts.items() if len(rows) < len(labels)}
    return {"all": list(range(len(labels)))} | smaller


def _truth_of(label: LabelledFrame) -> FrameTruth:
    people, vehicles = (int(Truth.of([label], group).total(group)[0]) for group in GROUPS)
    return FrameTruth(
        id=label.id,
        camera=label.camera,
        visibility=label.visibility,
        people=people,
        uncertain_people=label.uncertain_of("people"),
        vehicles=vehicles,
        uncertain_vehicles=label.uncertain_of("vehicles"),
    )


def _labelled(labels: Sequence[LabelledFrame]) -> NDArray[np.int64]:
    """[frame, class]."""
    return np.array([label.counts() for label in labels], dtype=np.int64).reshape(-1, len(CLASSES))


def _by_training(labels: Sequence[LabelledFrame], counts: Counts, trained: Collection[str]) -> dict[str, Errors]:
    return grouped(labels, counts, lambda label: _training_of(label, trained)) if trained else {}


def _training_of(label: LabelledFrame, trained: Collection[str]) -> str:
    return TRAINED if label.camera in trained else HELD_OUT


def _trained_on(model: CountingModel) -> tuple[str, ...]:
    cameras: tuple[str, ...] | None = getattr(model, "trained_cameras", None)
    return cameras or ()
