"""`busyness evaluate`: the error of counting models on labelled frames, side by side."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from busyness.progress import progress_bar
from core.errors import MissingExtra, ModelError, SourceError
from detect.evaluation import Comparison, Errors, compare
from detect.labels import read_labels
from detect.model import CountingModel
from detect.registry import open_model


def evaluate_models(
    labels: Path, specs: Sequence[str], references: Path | None, *, as_json: bool, console: Console
) -> None:
    """Measure every model of `specs`, and the reference detectors of a folder beside them, on `labels`.

    Raises `SourceError`, `ModelError`, `MissingExtra` for a model of `specs`; a reference whose runtime is not
    installed, or that is no such detector, is named and left out.
    """
    models = [open_model(spec, threads=2) for spec in specs]
    models += _reference_models(references, console) if references else []
    with progress_bar(console, transient=True) as progress:
        task = progress.add_task("frames", total=len(read_labels(labels)) * len(models))
        comparison = compare(models, labels, progress=lambda: progress.advance(task))
    if as_json:
        sys.stdout.write(comparison.model_dump_json() + "\n")
    else:
        show(comparison, console)


def _reference_models(folder: Path, console: Console) -> list[CountingModel]:
    """The detectors of a folder: OpenVINO IR files, YOLOX networks, and other YOLO networks through Ultralytics."""
    if not folder.is_dir():
        raise SourceError(f"there is no folder of reference detectors {folder}", remedy="leave out --references")
    specs = [f"openvino:{path}" for path in sorted(folder.rglob("*.xml"))]
    specs += [f"{'yolox' if 'yolox' in path.name else 'ultralytics'}:{path}" for path in sorted(folder.rglob("*.onnx"))]
    models = []
    for spec in specs:
        try:
            models.append(open_model(spec, threads=2))
        except (MissingExtra, ModelError) as error:
            console.print(f"left out {spec}: {error}", highlight=False, markup=False, soft_wrap=True)
    return models


def show(comparison: Comparison, console: Console) -> None:
    """The figures as tables: all frames, then by training, lighting and class for each model."""
    table = Table(
        title=f"Error a frame on {comparison.frames} labelled frames",
        caption=r"distance of the count to \[labelled, labelled + uncertain]; "
        "box detectors at the thresholds that suit these frames best, which flatters them",
    )
    for column in ("model", "frames of", "n", "people", "bias", "vehicles", "bias", "ms"):
        table.add_column(column, justify="left" if column in ("model", "frames of") else "right", overflow="fold")
    groups = [("all cameras", comparison.mean_guess)]
    groups += list(comparison.mean_guess_by_training.items())
    for group, guess in groups:
        for evaluation in comparison.evaluations:
            errors = evaluation.overall if group == "all cameras" else evaluation.by_training[group]
            table.add_row(_short(evaluation.model), group, *_cells(errors), f"{evaluation.ms_per_frame:.0f}")
        table.add_row("always the mean", group, *_cells(guess), "", style="dim")
        table.add_section()
    console.print(table)
    for evaluation in comparison.evaluations:
        parts = Table(title=evaluation.model)
        for column in ("", "n", "people", "bias", "vehicles", "bias"):
            parts.add_column(column, justify="left" if not column else "right")
        for name, errors in (*evaluation.by_visibility.items(), *evaluation.by_camera.items()):
            parts.add_row(name, *_cells(errors))
        console.print(parts)
        classes = Table(caption="against the labelled alone")
        for column in ("class", "labelled", "counted", "mean error a frame", "bias"):
            classes.add_column(column, justify="left" if column == "class" else "right")
        for name, error in evaluation.by_class.items():
            classes.add_row(
                name, str(error.labelled), f"{error.counted:.0f}", f"{error.mae:.2f}", _percent(error.bias_percent)
            )
        console.print(classes)


def _short(model: str) -> str:
    """The name without the hash of the weights."""
    return model.partition("@")[0]


def _cells(errors: Errors) -> tuple[str, ...]:
    people, vehicles = errors.people, errors.vehicles
    return (
        str(errors.frames),
        f"{people.error:.2f}",
        _percent(people.bias_percent),
        f"{vehicles.error:.2f}",
        _percent(vehicles.bias_percent),
    )


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:+.0f} %"
