"""What a jailed child may use: memory, processor time, open files, processes. Limits of the kernel (setrlimit(2)).

They can only be lowered by the child that lives under them, so that they hold even where it no longer runs our code.
"""

from __future__ import annotations

import os
import re
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import Field, PositiveFloat, PositiveInt

from core.config import Closed
from core.errors import ConfigError

MIB = 1024 * 1024

LEAST_FOR_CLIPS = 64 * MIB
"""What a model must leave of a child's memory; a JamCam clip needs 20 MiB."""

RETIRE_SHARE = 0.6
"""A child that between two clips holds this share of what its model left it ends, and what decoders have lost or left
in pieces goes with it."""


class JailLimits(Closed):
    """What one child may use. Ten seconds of 352x288 take 0.1 s of processor time and 140 MB, the model included;
    of 1920x1080 0.8 s and 210 MB. On a slower machine, and for larger clips, raise `cpu_s`.

    OpenCV 5.0 loses 64 bytes at every look that FFmpeg takes into a stream, some 3.4 kB a clip: half a gigabyte a day
    of London. `jobs` bounds it by 3.5 MB; a new child takes a second or two, 1 % of what 1,000 clips take.
    """

    memory_mb: PositiveInt = Field(default=512, ge=128, description="resident, in MiB: program, model and pictures")
    cpu_s: PositiveFloat = Field(default=1.8, le=600, description="processor time for one clip")
    wall_s: PositiveFloat = Field(default=30.0, le=3600, description="until the answer of one clip, whatever it does")
    start_s: PositiveFloat = Field(default=120.0, le=3600, description="until a new child is ready, model and all")
    jobs: PositiveInt = Field(
        default=1_000, description="clips until a fresh child takes over, by chance up to a quarter fewer"
    )


def hold(limits: JailLimits) -> list[str]:
    """Lower this process's limits for good; returns what holds from now on, in words.

    Raises `ConfigError` where what was loaded already fills the memory.
    """
    held = [f"at most {limits.cpu_s:g} s of processor time a clip"]
    if sys.platform == "linux":
        _lower(resource.RLIMIT_DATA, _writable_bytes(limits))
        held.append(f"at most {limits.memory_mb} MB")
    _lower(resource.RLIMIT_NOFILE, _fill_descriptors())
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_NPROC, 0)  # root may start processes all the same; the filter of system calls holds it too
    return [*held, "opens no file", "writes no file", "starts no process"]


@contextmanager
def clip_time(limits: JailLimits) -> Iterator[None]:
    """Within it, this process dies of SIGPROF once it has computed for `cpu_s`: in C as well, where no handler runs."""
    signal.setitimer(signal.ITIMER_PROF, limits.cpu_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)


class Memory:
    """How much this process holds, told without opening anything: make it while files can still be opened.

    The peak that getrusage(2) tells is of no use here: it begins with that of the parent, whose memory a child shares
    until it starts its own program.
    """

    def __init__(self) -> None:
        self._statm = os.open("/proc/self/statm", os.O_RDONLY) if sys.platform == "linux" else None
        self._enough = 0

    def settle(self, limits: JailLimits) -> None:
        """What is resident now is the program and its model; the rest is for clips."""
        resident = self._resident()
        self._enough = resident + round(RETIRE_SHARE * (limits.memory_mb * MIB - resident))

    def is_short(self) -> bool:
        """Whether so much is resident between two clips that a fresh child is better; never where nobody tells."""
        return self._resident() > self._enough

    def _resident(self) -> int:
        """In bytes; 0 where the system does not tell."""
        if self._statm is None:
            return 0
        return int(os.pread(self._statm, 100, 0).split()[1]) * resource.getpagesize()


def _lower(kind: int, to: int) -> None:
    _, hard = resource.getrlimit(kind)
    to = to if hard == resource.RLIM_INFINITY else min(to, hard)
    resource.setrlimit(kind, (to, to))


def _writable_bytes(limits: JailLimits) -> int:
    """What may be written to, so that with the pages of program files it makes `memory_mb` resident.

    RLIMIT_DATA has counted private writable mappings too since Linux 4.7. RLIMIT_AS would count address space, of which
    libraries and thread stacks reserve a gigabyte without using it.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    sizes = {name: int(kib) * 1024 for name, kib in re.findall(r"^(\w+):\s+(\d+) kB$", status, re.MULTILINE)}
    writable = limits.memory_mb * MIB - sizes["RssFile"] - sizes.get("RssShmem", 0)
    missing = sizes["VmData"] + LEAST_FOR_CLIPS - writable
    if missing > 0:
        raise ConfigError(
            f"the model leaves too little of memory_mb = {limits.memory_mb} to decode a clip in",
            remedy=f"take a smaller model, or raise memory_mb of the jail to {limits.memory_mb + missing // MIB + 1}",
        )
    return writable


def _fill_descriptors() -> int:
    """Occupy every free number below the highest open one; returns the number after it: no other can be opened."""
    highest = max(int(entry.name) for entry in Path("/dev/fd").iterdir() if _is_open(int(entry.name)))
    while os.dup(0) < highest:
        pass
    return highest + 2  # the last dup took the one after


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:  # the descriptor of the listing itself
        return False
    return True
