"""What 10,000 broken media files do to the worker that decodes them, and to its parent: `make bench-media-fuzz`.

The files are seeded mutations of real JamCam clips and stills and of synthetic ones, and bombs (tests/ingest/
broken_media.py). They are counted as the product counts, each core with its jailed child. The parent runs in a process
of its own here: were it to crash, it would be started again after the file that it crashed at.

    parent_crashes   how often the parent ended otherwise than at the end of the list
    child_max_mb     the largest resident memory of a child, in MiB (VmHWM)
    child_max_s      the most processor time that one file took in a child
    without_reason   files that were neither counted nor given a reason
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from busyness import DEFAULT_MODEL
from busyness.jailed_counter import JailedCounter
from busyness.worker_jobs import WorkerSetup
from core.clock import SystemClock
from core.records import Camera, ClipReady, Status
from tests.ingest.broken_media import broken, synthetic_seeds

ROOT = Path(__file__).resolve().parent.parent
JAMCAM = ROOT.parent / "shared" / "data" / "jamcam"
FILES = int(os.environ.get("FILES", "10000"))
SEED = int(os.environ.get("SEED", "1"))
WORKERS = 2
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
CAMERA = Camera(id="fuzz", name="fuzz", lat=0, lon=0)
KIB = 1024
SETUP = WorkerSetup(model=DEFAULT_MODEL)


class Given:
    """A `MediaReader` of the file in hand."""

    content = b""

    def read(self, clip: ClipReady) -> bytes:  # noqa: ARG002 - whichever it is
        return self.content


def main() -> None:
    if len(sys.argv) > 1:
        examine(int(sys.argv[1]))
        return
    lines, crashes, done = [], 0, 0
    while done < FILES:
        command = [sys.executable, __file__, str(done)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
            assert parent.stdout is not None
            for line in parent.stdout:
                lines.append(json.loads(line))
                if len(lines) % 500 == 0:
                    print(f"{len(lines)} of {FILES}", file=sys.stderr)
        crashes += parent.returncode != 0
        done = max((line["number"] for line in lines), default=done) + 1
    statuses = Counter(line["status"] for line in lines)
    print(f"real clips: {'yes' if JAMCAM.is_dir() else 'no, synthetic ones only'}; {dict(statuses)}", file=sys.stderr)
    killed = Counter(re.sub(r"^\S+ ", "", line["reason"]) for line in lines if line["lost"])
    print(f"children lost: {sum(killed.values())}", *killed.most_common(), sep="\n  ", file=sys.stderr)
    figures = {
        "files": len(lines),
        "parent_crashes": crashes,
        "child_max_mb": max(line["peak_kb"] for line in lines) // KIB,
        "child_max_s": max(line["cpu_s"] for line in lines),
        "without_reason": sum(not line["told"] for line in lines),
        "children_lost": sum(killed.values()),
        "counted": statuses["ok"],
    }
    print(json.dumps({"name": "media_fuzz", "figures": figures}))


def examine(first: int) -> None:
    """Count the files from `first` on, each worker every second one; a line of JSON for each."""
    with tempfile.TemporaryDirectory() as folder:
        seeds = [*synthetic_seeds(Path(folder)), *real_seeds()]
    printing = threading.Lock()

    def work(share: int) -> None:
        given = Given()
        counter = JailedCounter(SETUP, given, SystemClock())
        for number in range(first + share, FILES, WORKERS):
            given.content = broken(seeds, SEED, number)
            result = one(counter, number)
            with printing:
                print(json.dumps(result), flush=True)
        counter.close()

    threads = [threading.Thread(target=work, args=(share,)) for share in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def one(counter: JailedCounter, number: int) -> dict[str, object]:
    _ = counter.model
    before, pid = used(counter.pid), counter.pid
    clip = ClipReady(camera=CAMERA.id, event_time=datetime(2026, 1, 1, tzinfo=UTC), location=f"{number}.bin")
    (seen,) = counter.report(CAMERA, clip).observations
    lost = counter.pid != pid
    # Of a child that is gone the kernel tells no more: its limits are what it can have used at most.
    cpu_s, peak_kb = (before[0] + SETUP.jail.cpu_s, SETUP.jail.memory_mb * KIB) if lost else used(pid)
    return {
        "number": number,
        "status": seen.status,
        "reason": seen.reason or "",
        "told": seen.status is Status.OK or bool(seen.reason),
        "lost": lost,
        "cpu_s": round(max(0.0, cpu_s - before[0]), 2),
        "peak_kb": peak_kb,
    }


def used(pid: int | None) -> tuple[float, int]:
    """Processor time so far in s, and peak of resident memory in KiB, of a running child."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    peak = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S, int(peak[1]) if peak else 0


def real_seeds() -> list[bytes]:
    """Some of the real clips of each camera-day, and stills; none where they are not on this machine."""
    paths: list[Path] = []
    for day in sorted((JAMCAM / "days").glob("*")):
        paths += sorted(day.glob("*.mp4"))[::36]
    paths += sorted((JAMCAM / "clips").glob("*.mp4"))[:4] + sorted((JAMCAM / "stills").rglob("*.*"))[:6]
    return [path.read_bytes() for path in paths if path.suffix in (".mp4", ".jpg", ".png")]


if __name__ == "__main__":
    main()
