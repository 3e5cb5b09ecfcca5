"""The workers of a cluster as processes: started, killed, started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import yaml

ENDING_S = 20.0


@dataclass
class WorkerProcess:
    """`busyness STAGE CONFIG`, in a process group of its own: a kill takes its jailed children with it, as a machine
    that dies does."""

    stage: str
    config: Path
    log: Path
    deaths: list[int] = field(default_factory=list)
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it where it does not run; how it ended, if nobody had ended it, is kept in `deaths`."""
        if self._process is not None:
            if self._process.poll() is None:
                return
            self.deaths.append(self._process.returncode)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [Path(sys.executable).with_name("busyness"), self.stage, self.config],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """`kill -9` of it and all that it has started."""
        self._end(signal.SIGKILL)

    def stop(self, within_s: float = ENDING_S) -> int | None:
        """SIGTERM; its exit status, None where it had to be killed after `within_s`."""
        process = self._process
        if process is None:
            return None
        if process.poll() is None:
            process.terminate()
        try:
            return process.wait(within_s)
        except subprocess.TimeoutExpired:
            self._end(signal.SIGKILL)
            return None
        finally:
            self._process = None

    def _end(self, how: signal.Signals) -> None:
        process = self._process
        if process is not None and process.poll() is None:
            os.killpg(process.pid, how)
            process.wait(ENDING_S)
        self._process = None


class Workers:
    """So many workers of each stage, over one configuration, each with its log in `scratch`."""

    def __init__(self, config: Mapping[str, Any], stages: Mapping[str, int], scratch: Path) -> None:
        scratch.mkdir(parents=True, exist_ok=True)
        self.config = scratch / "cluster.yaml"
        self.config.write_text(yaml.safe_dump(dict(config)), encoding="utf-8")
        self.all = [
            WorkerProcess(stage, self.config, scratch / f"{stage}-{number}.log")
            for stage, count in stages.items()
            for number in range(count)
        ]

    def of(self, stage: str) -> Sequence[WorkerProcess]:
        return [one for one in self.all if one.stage == stage]

    def start(self) -> Self:
        for worker in self.all:
            worker.start()
        return self

    def stop(self) -> dict[str, int | None]:
        """SIGTERM to all; the exit status of each, by the name of its log."""
        statuses = {}
        for worker in self.all:
            if worker.alive:
                os.kill(worker.pid, signal.SIGTERM)
        for worker in self.all:
            statuses[worker.log.stem] = worker.stop()
        return statuses

    def died(self) -> Iterator[WorkerProcess]:
        """Those that have ended though nobody ended them."""
        for worker in self.all:
            if worker._process is not None and not worker.alive:
                yield worker

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def resident_mb(pid: int) -> float:
    """Resident memory of a process and of all that it has started."""
    return sum(map(_resident_kb, _family(pid))) / 1024


def processor_s(pid: int) -> float:
    """Processor time of a process and of all that it has started, of those that have ended too; seconds."""
    return sum(map(_ticks, _family(pid))) / os.sysconf("SC_CLK_TCK")


def _family(pid: int) -> list[int]:
    found, fresh = [pid], [pid]
    while fresh:
        fresh = [child for one in fresh for child in _children(one)]
        found += fresh
    return found


def _children(pid: int) -> list[int]:
    """Of each of its threads: a worker's counting threads start their own."""
    found: list[int] = []
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, thread.read_text().split())
        except OSError:  # it ended meanwhile
            continue
    return found


def _resident_kb(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024
    except (OSError, IndexError):
        return 0.0


def _ticks(pid: int) -> int:
    """User and system time, and that of children that were waited for: utime, stime, cutime, cstime of proc(5)."""
    try:
        return sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]))
    except OSError:
        return 0


def wait_until(true: Any, within_s: float, every_s: float = 0.5) -> bool:
    """Whether it came true in time."""
    deadline = time.monotonic() + within_s
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(every_s)
    return True
