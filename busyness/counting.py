"""`busyness count`: what is present in clips and pictures, as a table or as JSON lines."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from ipaddress import ip_network
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from busyness.jailed_counter import JailedCounter, fault_of
from busyness.progress import progress_bar
from busyness.worker_jobs import WorkerSetup
from core.clock import SystemClock
from core.errors import ConfigError
from core.figures import CLASSES
from detect.result import CountResult
from ingest.feed import FetchFailed
from ingest.fetch.budget import Budgets
from ingest.fetch.guest import Guest, GuestConfig, host_entry
from ingest.file_reader import FileReader, read_file
from ingest.filename import printable
from ingest.folder import discover, recorded_at
from ingest.jail.limits import JailLimits
from ingest.source import UnusableClip

THREADS = 2
"""Of the one worker: what is counted here is counted one after the other."""

MEMORY_MB, CPU_S = 4096, 60.0
"""Of that worker: there is no configuration to raise them in, and any model and any clip should do."""


def is_address(source: str) -> bool:
    """Whether `source` is fetched, and not a path."""
    return source.lower().startswith(("http://", "https://"))


def count_sources(
    given: Sequence[str],
    spec: str,
    frames: int,
    networks: Sequence[str] = (),
    *,
    as_json: bool,
    console: Console,
    notes: Console,
) -> None:
    """Count every clip and still that is `given`: files, what is below folders, and http(s) addresses after them.

    An address on a non-global network is fetched only where it is in one of `networks`. Raises `SourceError` where
    there is nothing to count, `ConfigError` for a network that is none, `ModelError`.
    """
    paths = discover([Path(source) for source in given if not is_address(source)])
    sources: list[Path | str] = [*paths, *dict.fromkeys(filter(is_address, given))]
    setup = WorkerSetup(
        model=spec, threads=THREADS, frames_per_clip=frames, jail=JailLimits(memory_mb=MEMORY_MB, cpu_s=CPU_S)
    )
    clock = SystemClock()
    try:
        fetching = _Fetching(Budgets(clock), clock, networks, setup.limits.max_bytes)
    except ValueError as error:
        raise ConfigError(f"--private-network: {error}", remedy="write a network as 192.168.1.0/24") from error
    counter = JailedCounter(setup, FileReader(setup.limits.max_bytes), clock)
    results: list[CountResult] = []
    with closing(counter), progress_bar(notes, transient=True) as progress:
        for source in progress.track(sources, description="counting"):
            result = _counted(counter, fetching, source)
            if as_json:
                sys.stdout.write(result.model_dump_json() + "\n")
                sys.stdout.flush()
            else:
                results.append(result)
    if not as_json:
        console.print(_table(results, console.width))


class _Fetching:
    """Fetches what was written on the command line: each address may ask its own host, and no other."""

    def __init__(self, budgets: Budgets, clock: SystemClock, networks: Sequence[str], max_bytes: int) -> None:
        self._budgets = budgets
        self._clock = clock
        self._networks = tuple(map(ip_network, networks))
        self.max_bytes = max_bytes

    def get(self, address: str) -> tuple[bytes, datetime | None]:
        """What is there, and when it was made, if its publisher says so. Raises `UnusableClip`."""
        try:
            config = GuestConfig(
                hosts=(host_entry(address),), private_networks=self._networks, max_bytes=self.max_bytes
            )
            with closing(Guest(config, self._budgets, self._clock)) as guest:
                answer = guest.get(address)
        except FetchFailed as error:
            raise UnusableClip(error.status, error.message, remedy=error.remedy) from error
        if answer is None:
            raise AssertionError("only an answer to a conditional request is 'not modified'")
        return answer.content, answer.event_time()


def _counted(counter: JailedCounter, fetching: _Fetching, source: Path | str) -> CountResult:
    name = source if isinstance(source, str) else printable(source)
    try:
        if isinstance(source, str):
            return counter.count(name, *fetching.get(source))
        return counter.count(name, read_file(source, fetching.max_bytes), recorded_at(source))
    except UnusableClip as error:
        return counter.uncounted(name, fault_of(error), recorded_at(source) if isinstance(source, Path) else None)


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
    files = [Path(result.source).absolute() for result in results if not is_address(result.source)]
    folder = Path(os.path.commonpath([file.parent for file in files])) if files else Path()
    table = Table(title=escape(str(folder)) if files else None, caption=_caption(results))
    table.add_column("source", overflow="fold", min_width=24)
    for name in (*shown, "still"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("status", overflow="fold")
    for result in results:
        named = result.source if is_address(result.source) else str(Path(result.source).absolute().relative_to(folder))
        source = escape(named)
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
