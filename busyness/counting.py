"""`busyness count`: what is present in clips and pictures, as a table or as JSON lines."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from busyness.progress import progress_bar
from core.records import CLASSES
from detect.counter import CountResult, count_media
from detect.registry import open_model
from ingest.folder import discover, recorded_at


def count_paths(
    paths: Sequence[Path], spec: str, frames: int, *, as_json: bool, console: Console, notes: Console
) -> None:
    """Count every source under `paths`, in order. Raises `SourceError` where there is none, `ModelError`."""
    sources = discover(paths)
    model = open_model(spec, threads=2)
    results: list[CountResult] = []
    with progress_bar(notes, transient=True) as progress:
        for source in progress.track(sources, description="counting"):
            result = count_media(source, model, frames=frames, event_time=recorded_at(source))
            if as_json:
                sys.stdout.write(result.model_dump_json() + "\n")
                sys.stdout.flush()
            else:
                results.append(result)
    if not as_json:
        console.print(_table(results, console.width))


def _caption(results: Sequence[CountResult]) -> str:
    told = "mean number present in a frame"
    if not _with_intervals(results):
        return told
    without = any(result.counts is not None and result.low is None for result in results)
    return f"{told}, with its 90 % interval" + (" where the counter's error in that light is known" if without else "")


def _with_intervals(results: Sequence[CountResult]) -> bool:
    return any(result.low is not None for result in results)


def _table(results: Sequence[CountResult], width: int) -> Table:
    """Mean number present per frame; a source that was not counted says why. Wide terminals show every class seen."""
    wide = width >= (140 if _with_intervals(results) else 110)
    seen = [name for name in CLASSES if any(r.counts is not None and r.counts[name] >= 0.05 for r in results)]
    shown = ("people", "vehicles", *(seen if wide else ()))
    folder = Path(os.path.commonpath([Path(result.source).absolute().parent for result in results]))
    table = Table(title=escape(str(folder)), caption=_caption(results))
    table.add_column("source", overflow="fold", min_width=24)
    for name in (*shown, "still"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("status", overflow="fold")
    for result in results:
        source = escape(str(Path(result.source).absolute().relative_to(folder)))
        if result.counts is None or result.people is None or result.vehicles is None:
            why = f"[yellow]{result.status}[/yellow]: {escape(result.reason or '')}"
            table.add_row(source, *[""] * (len(shown) + 1), why)
            continue
        figures = {"people": result.people, "vehicles": result.vehicles, **result.counts}
        cells = {name: f"{figure:.1f}" for name, figure in figures.items()}
        if result.low is not None and result.high is not None:
            for name in ("people", "vehicles"):
                cells[name] += f" ({result.low[name]:.1f}–{result.high[name]:.1f})"
        still = result.stationary
        stood = "" if still is None else f"{still['people'] + still['vehicles']:.1f}"
        status = f"{result.status}: {escape(result.reason)}" if result.reason else result.status
        table.add_row(source, *(cells[name] for name in shown), stood, status)
    return table
