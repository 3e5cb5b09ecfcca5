"""`busyness evaluate`: the error of counting models on labelled frames, side by side."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from busyness.accuracy import tables
from busyness.progress import progress_bar
from busyness.table import print_table
from core.errors import MissingExtra, ModelError, SourceError
from detect.evaluation import Comparison, compare
from detect.evaluation.as_asked import AsAsked
from detect.model import CountingModel
from detect.registry import open_model

THREADS = 1
"""Of every model's runtime, so that the milliseconds compare."""


@dataclass(frozen=True)
class FramesAsked:
    """Which labelled frames, and where the pictures are that do not lie beside their labels."""

    labels: Path
    footage: Path | None = None
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shown:
    """How the figures are given: as JSON on stdout or tables on `console`, and as a page where `report` names one."""

    console: Console = field(default_factory=Console)
    as_json: bool = False
    report: Path | None = None


def evaluate_models(asked: FramesAsked, specs: Sequence[str], references: Path | None, shown: Shown) -> None:
    """Measure every model of `specs`, and the reference detectors of a folder beside them.

    Raises `SourceError` for labels or pictures that cannot be had and a report that cannot be written, `ModelError`,
    `MissingExtra` for a model of `specs`; a reference whose runtime is not installed, or that is no such detector, is
    named and left out.
    """
    if shown.report:
        _check_report(shown.report)
    opened = [_open(spec) for spec in specs]
    opened += _reference_models(references, shown.console) if references else []
    models = list({model.name: model for model in reversed(opened)}.values())[::-1]  # a model said twice is one
    with progress_bar(shown.console, transient=True) as progress:
        task = progress.add_task("frames x models", total=None)
        comparison = compare(
            models,
            asked.labels,
            footage=asked.footage,
            only=asked.only,
            without=asked.without,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    if shown.report:
        _write_report(comparison, shown.report)
    if shown.as_json:
        sys.stdout.write(comparison.model_dump_json() + "\n")
    else:
        show(comparison, shown.console)
    if shown.report:
        shown.console.print(f"report: {shown.report}", highlight=False, markup=False, soft_wrap=True)


def _open(spec: str) -> CountingModel:
    model = open_model(spec, threads=THREADS)
    query = spec.partition("?")[2]
    return AsAsked(model, query) if query else model


def _reference_models(folder: Path, console: Console) -> list[CountingModel]:
    """The detectors of a folder: OpenVINO IR files, YOLOX networks, and other YOLO networks through Ultralytics."""
    if not folder.is_dir():
        raise SourceError(f"there is no folder of reference detectors {folder}", remedy="leave out --references")
    specs = [f"openvino:{path}" for path in sorted(folder.rglob("*.xml"))]
    specs += [f"{'yolox' if 'yolox' in path.name else 'ultralytics'}:{path}" for path in sorted(folder.rglob("*.onnx"))]
    models = []
    for spec in specs:
        try:
            models.append(open_model(spec, threads=THREADS))
        except (MissingExtra, ModelError) as error:
            console.print(f"left out {spec}: {error}", highlight=False, markup=False, soft_wrap=True)
    return models


def _check_report(path: Path) -> None:
    """Before minutes of counting, not after."""
    if path.suffix.lower() not in (".html", ".htm"):
        raise SourceError(f"the report {path} is to be a page", remedy="say --report FILE.html")
    if not path.parent.is_dir():
        raise SourceError(f"there is no folder {path.parent} for the report", remedy="make it, or say another")


def _write_report(comparison: Comparison, path: Path) -> None:
    from busyness.accuracy.page import page_of  # noqa: PLC0415 - matplotlib is loaded for a page alone

    try:
        path.write_text(page_of(comparison), encoding="utf-8")
    except OSError as error:
        raise SourceError(
            f"the report {path} cannot be written: {error.strerror}", remedy="say another place with --report"
        ) from error


def show(comparison: Comparison, console: Console) -> None:
    """The figures as tables; what is confused with what for the first model, for the others on the page."""
    print_table(tables.summary(comparison), console)
    if comparison.differences:
        print_table(tables.differences(comparison), console)
    for table in (tables.by_lighting, tables.by_camera, tables.by_class, tables.by_size, tables.phantoms):
        print_table(table(comparison), console)
    for _, confusion in zip(range(2), tables.confusions(comparison), strict=False):
        print_table(confusion, console)
