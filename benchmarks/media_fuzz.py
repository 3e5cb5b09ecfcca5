"""What 10,000 broken media files do to the worker that decodes them, and to its parent: `make bench-media-fuzz`.

The files are seeded mutations of real JamCam clips and stills and of synthetic ones, and bombs (tests/ingest/
broken_media.py). They are counted as the product counts, each core with its jailed child. The parent runs in a process
of its own here: were it to end early, by a crash or by an exception in a thread, the next one goes on after the files
that were in hand; those have no reason then.

    files            files that were counted or given a reason by a parent that went on
    parent_crashes   how often the parent ended otherwise than with status 0 at the end of its list
    child_max_mb     the largest resident memory of a child, in MiB: VmHWM of one that lives, ru_maxrss of one that is
                     gone (which begins with that of its parent, so that it is never told too small)
    child_max_s      the most processor time that one file took in a child, of one that was lost at it as well (wait4)
    child_max_wall_s the longest until the answer, or until the loss was known
    without_reason   files that were neither counted nor given a reason
    lost             children that were lost at a file, by the product's word for why
    unmeasured       files of which it cannot be said what they took: every child that had one was a new one

A child that ends of its own accord between two files is none that is lost: the file goes to its successor. What that
one took includes its start, so the file is given once more, to a child that has answered before.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from busyness import DEFAULT_MODEL
from busyness.jailed_counter import JailedCounter
from busyness.worker_jobs import WorkerSetup
from core.clock import SystemClock
from core.records import Camera, ClipReady, Status
from ingest.jail.process import ChildEnd
from tests.ingest.broken_media import broken, synthetic_seeds

ROOT = Path(__file__).resolve().parent.parent
JAMCAM = ROOT.parent / "shared" / "data" / "jamcam"
PARENT = (sys.executable, __file__)
WORKERS = 2
TRIES = 3
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
KIB = 1024
CAMERA = Camera(id="fuzz", name="fuzz", lat=0, lon=0)
HARMLESS = b"no media at all"


@dataclass(frozen=True)
class Examined:
    """What became of file `number` and, if a child was `lost` at it, why.

    `cpu_s` is null where the child that had it was not there before, so that its start would be counted as well.
    """

    number: int
    status: str
    reason: str
    lost: str | None
    cpu_s: float | None
    wall_s: float
    peak_mb: float

    @property
    def told(self) -> bool:
        return self.status == Status.OK or bool(self.reason)


class Examiner:
    """Counts files in a jailed child, one after the other, and measures what each takes of it."""

    def __init__(self, setup: WorkerSetup) -> None:
        self._content = HARMLESS
        self._ends: list[ChildEnd] = []
        self._losses: list[str] = []
        self._answered: int | None = None
        self.counter = JailedCounter(setup, self, SystemClock(), on_end=self._ends.append)
        self.counter.on_lost = self._losses.append

    def read(self, clip: ClipReady) -> bytes:  # noqa: ARG002 - as a `MediaReader`: it is always the file in hand
        return self._content

    def examine(self, number: int, content: bytes) -> Examined:
        """Count the file, again where it cannot be told what it took of its child."""
        for _ in range(TRIES):
            if self.counter.pid != self._answered:
                self._count(number, HARMLESS)
            examined = self._count(number, content)
            if examined.cpu_s is not None:
                break
        return examined

    def close(self) -> None:
        self.counter.close()

    def _count(self, number: int, content: bytes) -> Examined:
        self._content = content
        self._ends.clear()
        self._losses.clear()
        pid, answered = self.counter.pid, self._answered
        before_s, _ = used(pid)
        clip = ClipReady(camera=CAMERA.id, event_time=datetime(2026, 1, 1, tzinfo=UTC), location=f"{number}.bin")
        began = time.monotonic()
        (seen,) = self.counter.report(CAMERA, clip).observations
        wall_s = time.monotonic() - began
        lost = self._losses[-1] if self._losses else None
        had_it: int | None
        if lost:  # of those that ended meanwhile, the last one had the file
            had_it, cpu_s, peak_mb = self._ends[-1].pid, self._ends[-1].cpu_s, 0.0
            self._answered = None
        else:
            self._answered = had_it = self.counter.pid
            cpu_s, peak_mb = used(had_it)
        return Examined(
            number=number,
            status=seen.status.value,
            reason=seen.reason or "",
            lost=lost,
            cpu_s=round(cpu_s - before_s, 3) if had_it == pid == answered else None,
            wall_s=round(wall_s, 3),
            peak_mb=round(max([peak_mb, *(end.peak_mb for end in self._ends)]), 1),
        )


def used(pid: int | None) -> tuple[float, float]:
    """Processor time so far in s, and peak of resident memory in MiB, of a child that was not taken away yet."""
    if pid is None:
        return 0.0, 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    peak = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S, int(peak[1]) / KIB if peak else 0.0


def main() -> None:
    asked = arguments()
    if asked.firsts:
        examine_all(asked.firsts, asked.files, asked.seed)
        return
    examined, crashes, in_hand = run_parents(asked.files, asked.seed)
    print(f"real clips: {'yes' if JAMCAM.is_dir() else 'no, synthetic ones only'}", file=sys.stderr)
    print(json.dumps({"name": "media_fuzz", "figures": figures(examined, asked.files, crashes, in_hand)}))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--firsts", type=int, nargs=WORKERS, help=argparse.SUPPRESS)  # the parent under test
    return parser.parse_args()


def run_parents(files: int, seed: int) -> tuple[list[Examined], int, list[int]]:
    """What became of every file, how often a parent ended early, and the files that were in hand then.

    Each worker has every `WORKERS`th file. Raises RuntimeError where a parent ends before it has done anything.
    """
    examined: list[Examined] = []
    in_hand: list[int] = []
    firsts, crashes = list(range(WORKERS)), 0
    while any(first < files for first in firsts):
        before = len(examined)
        told = ["--files", str(files), "--seed", str(seed), "--firsts", *map(str, firsts)]
        with subprocess.Popen([*PARENT, *told], stdout=subprocess.PIPE, text=True) as parent:
            assert parent.stdout is not None
            for line in parent.stdout:
                one = Examined(**json.loads(line))
                examined.append(one)
                firsts[one.number % WORKERS] = one.number + WORKERS
                if len(examined) % 500 == 0:
                    print(f"{len(examined)} of {files}", file=sys.stderr)
        left = [first for first in firsts if first < files]
        if parent.returncode or left:
            crashes += 1
            in_hand += left
            firsts = [first + WORKERS for first in firsts]
            print(f"the parent ended with {parent.returncode}; in hand: {left}", file=sys.stderr)
            if len(examined) == before:
                raise RuntimeError(f"the parent ended with {parent.returncode} before it was done with any file")
    return examined, crashes, in_hand


def figures(examined: Sequence[Examined], files: int, crashes: int, in_hand: Sequence[int]) -> dict[str, Any]:
    """Raises RuntimeError where files are missing or there twice: then no figure is worth anything."""
    if sorted([*(one.number for one in examined), *in_hand]) != list(range(files)):
        raise RuntimeError(f"of {files} files {len(examined)} were examined and {len(in_hand)} in hand at a crash")
    for one in examined:
        if one.lost:
            print(f"{one.number}: {one.lost} after {one.cpu_s} s, {one.peak_mb} MB: {one.reason}", file=sys.stderr)
    measured = [one.cpu_s for one in examined if one.cpu_s is not None]
    return {
        "files": len(examined),
        "parent_crashes": crashes,
        "child_max_mb": round(max(one.peak_mb for one in examined)),
        "child_max_s": round(max(measured), 2),
        "child_max_wall_s": round(max(one.wall_s for one in examined), 2),
        "without_reason": sum(not one.told for one in examined) + len(in_hand),
        "lost": dict(Counter(one.lost for one in examined if one.lost)),
        "unmeasured": len(examined) - len(measured),
        "statuses": dict(Counter(one.status for one in examined)),
    }


def examine_all(firsts: Sequence[int], files: int, seed: int) -> None:
    """Count the files of each worker from its first on; a line of JSON for each. Raises what a worker raised."""
    with tempfile.TemporaryDirectory() as folder:
        seeds = [*synthetic_seeds(Path(folder)), *real_seeds()]
    printing = threading.Lock()

    def work(first: int) -> None:
        examiner = Examiner(WorkerSetup(model=DEFAULT_MODEL))
        try:
            for number in range(first, files, WORKERS):
                examined = examiner.examine(number, broken(seeds, seed, number))
                with printing:
                    print(json.dumps(asdict(examined)), flush=True)
        finally:
            examiner.close()

    with ThreadPoolExecutor(WORKERS) as workers:
        for _ in workers.map(work, firsts):  # which raises what one of them raised
            pass


def real_seeds() -> Iterator[bytes]:
    """Some of the real clips of each camera-day, and stills; none where they are not on this machine."""
    paths: list[Path] = []
    for day in sorted((JAMCAM / "days").glob("*")):
        paths += sorted(day.glob("*.mp4"))[::36]
    paths += sorted((JAMCAM / "clips").glob("*.mp4"))[:4] + sorted((JAMCAM / "stills").rglob("*.*"))[:6]
    return (path.read_bytes() for path in paths if path.suffix in (".mp4", ".jpg", ".png"))


if __name__ == "__main__":
    main()
