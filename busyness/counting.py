"""`busyness count`: what is present in clips and pictures, as a table or as JSON lines."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from core.records import CLASSES
from detect.counter import CountResult, count_media
from detect.registry import open_model
from ingest.folder import discover


def count_paths(
    paths: Sequence[Path], spec: str, frames: int, *, as_json: bool, console: Console, notes: Console
) -> None:
    """Count every source under `paths`, in order. Raises `SourceError` where there is none, `ModelError`."""
    sources = discover(paths)
    model = open_model(spec, threads=2)
    results: list[CountResult] = []
    progress = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=notes, disable=not notes.is_terminal, transient=True,
    )  # fmt: skip
    with progress:
        for source in progress.track(sources, description="counting"):
            result = count_media(source, model, frames=frames)
            if as_json:
                sys.stdout.write(result.model_dump_json() + "\n")
                sys.stdout.flush()
            else:
                results.append(result)
    if not as_json:
        console.print(_table(results))


def _table(results: Sequence[CountResult]) -> Table:
    """Mean number present per frame; a source that was not counted says why."""
    seen = [name for name in CLASSES if any(r.counts is not None and r.counts[name] >= 0.05 for r in results)]
    table = Table(caption="mean number present in a frame")
    table.add_column("source", overflow="fold")
    for name in ("people", "vehicles", *seen):
        table.add_column(name, justify="right", style="bold" if name in ("people", "vehicles") else "")
    table.add_column("still", justify="right")
    table.add_column("status", overflow="fold")
    for result in results:
        if result.counts is None or result.people is None or result.vehicles is None:
            blanks = [""] * (len(seen) + 3)
            table.add_row(result.source, *blanks, f"[yellow]{result.status}[/yellow]: {result.reason}")
            continue
        still = result.stationary
        table.add_row(
            result.source,
            f"{result.people:.1f}",
            f"{result.vehicles:.1f}",
            *(f"{result.counts[name]:.1f}" for name in seen),
            "" if still is None else f"{still['people'] + still['vehicles']:.1f}",
            result.status,
        )
    return table
