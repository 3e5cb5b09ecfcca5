"""`busyness replay`: recorded clips through the whole pipeline at full speed, event time from the recording."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from busyness.config import Config
from busyness.progress import progress_bar
from busyness.wiring import install
from core.clock import SystemClock
from core.records import CountObservation, Status
from ingest.folder import FolderConfig, FolderSource
from ingest.recordings import SkippedFile


@dataclass
class Tally:
    """What became of every clip: one status a clip, whatever the number of its zones."""

    status_of: dict[tuple[str, datetime], Status] = field(default_factory=dict)

    def add(self, observations: Sequence[CountObservation]) -> int:
        """Take note of observations; returns how many clips are accounted for so far."""
        for observation in observations:
            self.status_of[observation.camera, observation.event_time] = observation.status
        return len(self.status_of)

    def by_camera(self) -> dict[str, Counter[Status]]:
        cameras: dict[str, Counter[Status]] = {}
        for (camera, _), status in sorted(self.status_of.items()):
            cameras.setdefault(camera, Counter())[status] += 1
        return cameras


@dataclass(frozen=True)
class Replayed:
    """The account of a replay: clips found, what became of each, files that are no clip of a known camera, and how many
    observations were refused because their time is in the future."""

    clips: int
    tally: Tally
    skipped: tuple[SkippedFile, ...]
    refused: int


def replay(config: Config, folder: Path, console: Console) -> Replayed:
    """Run `folder` through ingest, detect and aggregate into the store. Raises `BusynessError`."""
    names = config.folder or FolderConfig(path=folder)
    source = FolderSource(names.model_copy(update={"path": folder}), config.cameras)
    tally = Tally()
    with closing(install(config, SystemClock(), source)) as installation:
        pipeline = installation.pipeline
        with progress_bar(console) as progress:
            task = progress.add_task("clips", total=len(source))
            pipeline.on_stored = lambda observations: progress.update(task, completed=tally.add(observations))
            pipeline.start()
            pipeline.wait()
    return Replayed(len(source), tally, tuple(source.skipped), pipeline.aggregator.refused)


def show(replayed: Replayed, console: Console) -> None:
    """The account as a table: every clip has one end, and they add up."""
    cameras = replayed.tally.by_camera()
    statuses = [status for status in Status if any(status in counts for counts in cameras.values())]
    table = Table(title="What became of every clip")
    table.add_column("camera")
    for status in statuses:
        table.add_column("counted" if status is Status.OK else status.value, justify="right")
    table.add_column("all", justify="right")
    totals: Counter[Status] = Counter()
    for camera, counts in cameras.items():
        totals += counts
        table.add_row(camera, *(str(counts[status] or "") for status in statuses), str(counts.total()))
    table.add_section()
    table.add_row("all", *(str(totals[status]) for status in statuses), str(totals.total()), style="bold")
    console.print(table)
    if totals.total() != replayed.clips:
        console.print(f"[red]{replayed.clips - totals.total()} of {replayed.clips} clips are unaccounted for[/red]")
    if replayed.refused:
        console.print(f"[red]{replayed.refused} observations were not stored: their time is in the future[/red]")
    for skipped in replayed.skipped:
        console.print(f"left out: {skipped.path} {skipped.reason}", highlight=False, markup=False, soft_wrap=True)
