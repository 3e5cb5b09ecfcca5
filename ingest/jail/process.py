"""The parent's end: one child at a time, asked one thing at a time, killed and replaced when it goes wrong.

A `Jail` belongs to one thread. It starts its next child as soon as it has lost one, so that a clip waits only for what
is left of that. No clip is blamed for the end of a child that was not working on it, and a clip whose child was killed
by somebody else (an operator, a machine without memory) is given to the next one once more.
"""

from __future__ import annotations

import logging
import os
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from core.errors import BusynessError
from ingest.jail.inside import ANSWER, JOB, SHORT_OF_MEMORY
from ingest.jail.limits import MIB, JailLimits

log = logging.getLogger(__name__)

MAX_ANSWER = 4 * MIB
"""The longest answer that is read: far more than a report of two hundred zones."""

HOUSE = Path(__file__).resolve().parents[2]
INHERITED = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "YOLO_CONFIG_DIR")
"""Variables of the environment that a child is given: not the rest, for there are keys among them."""

PEAK_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in the unit of `ru_maxrss`."""

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"), "1")
"""Children run side by side, one a core; a pool of threads in each would only make them wait for one another."""


class Loss(Enum):
    """Why a child did not answer."""

    CPU_TIME = "cpu_time"
    WALL_TIME = "wall_time"
    MEMORY = "memory"
    CRASH = "crash"
    NO_ANSWER = "no_answer"
    ENDED = "ended"


@dataclass(frozen=True)
class ChildEnd:
    """What a child had used when it was taken away, however it ended, as the kernel tells it (wait4(2)).

    `cpu_s` is its processor time since it began; `peak_mb` the most that was resident, in MiB, and at least what was
    of its parent by then, with which the count begins.
    """

    pid: int
    cpu_s: float
    peak_mb: float


class WorkerLost(Exception):
    """The child that worked on a job is gone. `how` says more of a crash, as in `SIGSEGV`."""

    def __init__(self, loss: Loss, how: str = "") -> None:
        super().__init__(f"{loss.value} {how}".strip())
        self.loss = loss
        self.how = how


class NotStarted(BusynessError):
    """A child could not be started, or it ended, or said nothing, before it was ready."""


class Jail:
    """A child that runs `python -m PROGRAM`, and its successors. The first is started at once, and not waited for."""

    def __init__(
        self,
        program: Sequence[str],
        setup: bytes,
        limits: JailLimits,
        *,
        accept: Callable[[bytes], None] = lambda _: None,
        on_end: Callable[[ChildEnd], None] = lambda _: None,
    ) -> None:
        """`accept` is given the greeting of the child that is about to be asked; what it raises, `ask` raises.
        `on_end` is told of every child that is gone, by whichever thread takes it away.

        Raises `NotStarted` where the machine lets no process begin.
        """
        self._accept = accept
        self._on_end = on_end
        self._program = program
        self._setup = setup
        self._limits = limits
        self._closed = False
        self._asking = threading.RLock()
        self._child: _Child | None = None
        self._start()

    @property
    def closed(self) -> bool:
        """Whether it was closed on purpose."""
        return self._closed

    @property
    def pid(self) -> int | None:
        """Of the child; None while there is none."""
        return self._child.pid if self._child else None

    def greeting(self) -> bytes:
        """What the child said when it was ready; waits for it. Raises `NotStarted`."""
        with self._asking:
            child = self._child
            if child is None or (self._closed and child.greeting is None):
                child = self._start()
            if child.greeting is None:
                deadline = time.monotonic() + self._limits.start_s
                try:
                    child.send(self._setup, b"", deadline)
                    child.greeting = child.receive(deadline)
                except WorkerLost as lost:
                    child.kill()
                    self._child = None
                    raise NotStarted(
                        f"the worker that decodes and counts did not start ({lost})",
                        remedy="see what it printed; it needs memory for its model, and a minute at most",
                    ) from lost
            return child.greeting

    def ask(self, said: bytes, media: bytes = b"") -> bytes:
        """The child's answer to a job of JSON and bytes. Raises `WorkerLost`, `NotStarted` and what `accept` raises."""
        with self._asking:
            try:
                return self._ask_once(said, media)
            except WorkerLost as lost:
                if lost.loss is not Loss.ENDED or self._closed:
                    raise
                log.info("a worker ended by itself or by somebody else (%s); the next one takes its clip", lost.how)
            return self._ask_once(said, media)

    def dismiss(self) -> None:
        """End the child, whose answer cannot be trusted, and start another; where that fails, the next ask tries it."""
        with self._asking:
            if self._child is not None:
                self._child.kill()
            if self._closed:
                return
            try:
                self._start()
            except NotStarted as error:
                log.warning("%s", error)

    def close(self) -> None:
        """End the child for good. May be called from another thread: what is being asked is lost."""
        self._closed = True
        if self._child is not None:
            self._child.stop()  # so that whoever asks lets go
        with self._asking:
            self.dismiss()

    def __del__(self) -> None:
        self.close()

    def _ask_once(self, said: bytes, media: bytes) -> bytes:
        if self._closed:
            raise WorkerLost(Loss.ENDED, "closed")
        if self._child is not None and self._child.ended:
            self.dismiss()
        self._accept(self.greeting())
        assert self._child is not None  # noqa: S101 - a greeting is a child's
        deadline = time.monotonic() + self._limits.wall_s
        try:
            self._child.send(said, media, deadline)
            return self._child.receive(deadline)
        except WorkerLost:
            self.dismiss()
            raise

    def _start(self) -> _Child:
        self._child = None
        if self._closed:
            raise NotStarted("the worker that decodes and counts is closed")
        try:
            self._child = _Child([sys.executable, "-P", "-m", *self._program], self._limits, self._on_end)
        except OSError as error:
            raise NotStarted(
                f"the worker that decodes and counts could not be started: {error.strerror or error}",
                remedy="See whether this machine is short of memory, or at its limit of processes or open files "
                "(ulimit -u, ulimit -n, the limits of its container)",
            ) from error
        return self._child


class _Child:
    """One process and its two pipes."""

    def __init__(self, command: list[str], limits: JailLimits, on_end: Callable[[ChildEnd], None]) -> None:
        self._limits = limits
        self._on_end = on_end
        self.greeting: bytes | None = None
        self._ending = threading.Lock()
        self._status: int | None = None
        self._peak_mb = 0.0
        self._inherited_peak_mb = _peak_mb(resource.getrusage(resource.RUSAGE_SELF))
        environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env={**environment, **ONE_THREAD, "PYTHONPATH": str(HOUSE), "PYTHONDONTWRITEBYTECODE": "1"},
        )
        assert self._process.stdin is not None  # noqa: S101 - it was asked for as a pipe
        assert self._process.stdout is not None  # noqa: S101 - it was asked for as a pipe
        self._jobs, self._answers = self._process.stdin, self._process.stdout
        for pipe in (self._jobs, self._answers):
            os.set_blocking(pipe.fileno(), False)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it is gone."""
        return self._reap(os.WNOHANG)

    def send(self, said: bytes, media: bytes, deadline: float) -> None:
        """Give it a job. Raises `WorkerLost`."""
        for part in (JOB.pack(len(said), len(media)) + said, media):
            rest = memoryview(part)
            while rest:
                self._wait(self._jobs, select.POLLOUT, deadline)
                try:
                    rest = rest[os.write(self._jobs.fileno(), rest) :]
                except BlockingIOError:
                    continue
                except BrokenPipeError:
                    raise self._lost() from None

    def receive(self, deadline: float) -> bytes:
        """Its answer. Raises `WorkerLost`."""
        (length,) = ANSWER.unpack(self._read(ANSWER.size, deadline))
        if length > MAX_ANSWER:
            raise WorkerLost(Loss.NO_ANSWER, f"an answer of {length} bytes")
        return self._read(length, deadline)

    def stop(self) -> None:
        """End it at once, whatever it does."""
        with self._ending:  # its number is its own until it is taken away
            if self._status is None:
                os.kill(self._process.pid, signal.SIGKILL)

    def kill(self) -> None:
        """End it at once, and take it away."""
        self.stop()
        self._reap(0)
        self._jobs.close()
        self._answers.close()

    def _read(self, length: int, deadline: float) -> bytes:
        parts = bytearray()
        while len(parts) < length:
            self._wait(self._answers, select.POLLIN, deadline)
            try:
                part = os.read(self._answers.fileno(), length - len(parts))
            except BlockingIOError:
                continue
            if not part:
                raise self._lost()
            parts += part
        return bytes(parts)

    def _wait(self, pipe: Any, event: int, deadline: float) -> None:
        poll = select.poll()
        poll.register(pipe, event)
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            self.kill()
            raise WorkerLost(Loss.WALL_TIME)

    def _lost(self) -> WorkerLost:
        """Why its pipe has ended. It is dead, or as good as that: closing its pipe is the last thing that it does."""
        deadline = time.monotonic() + 1.0
        while not self._reap(os.WNOHANG) and time.monotonic() < deadline:
            time.sleep(0.001)
        if self._status is None:
            self.kill()
            return WorkerLost(Loss.CRASH, "it closed its pipe")
        code = os.waitstatus_to_exitcode(self._status)
        if code == -signal.SIGPROF:
            return WorkerLost(Loss.CPU_TIME)
        if code == SHORT_OF_MEMORY or (code < 0 and self._filled_its_memory()):
            return WorkerLost(Loss.MEMORY)
        if code in (0, -signal.SIGKILL):
            return WorkerLost(Loss.ENDED, "SIGKILL" if code else "")
        return WorkerLost(
            Loss.CRASH, signal.strsignal(-code) or f"signal {-code}" if code < 0 else f"exit status {code}"
        )

    def _filled_its_memory(self) -> bool:
        """Whether it died near its limit: C++ aborts without memory, and C crashes.

        The peak of a process begins with that of its parent, so that one below that is not known.
        """
        return self._peak_mb > self._inherited_peak_mb and self._peak_mb > 0.9 * self._limits.memory_mb

    def _reap(self, options: int) -> bool:
        """Take the process away once it is dead, and tell what it had used; whether it is."""
        with self._ending:
            if self._status is not None:
                return True
            pid, status, usage = os.wait4(self._process.pid, options)
            if pid == 0:
                return False
            self._status = status
            self._peak_mb = _peak_mb(usage)
            self._process.returncode = os.waitstatus_to_exitcode(status)
        self._on_end(ChildEnd(pid, usage.ru_utime + usage.ru_stime, self._peak_mb))
        return True


def _peak_mb(usage: resource.struct_rusage) -> float:
    """The most that was resident, in MiB."""
    return usage.ru_maxrss * PEAK_UNIT / MIB
