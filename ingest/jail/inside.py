"""The child's end: jobs come in on a pipe, answers go out on another, and between them the doors are closed.

A job is two lengths (4 bytes each, the highest first), JSON and bytes; an answer is one length and JSON.
"""

from __future__ import annotations

import os
import signal
import struct
from collections.abc import Callable
from contextlib import nullcontext
from random import randrange

from ingest.jail.limits import JailLimits, Memory, clip_time, hold
from ingest.jail.seccomp import die_with_parent, restrict

JOB = struct.Struct(">II")
ANSWER = struct.Struct(">I")

SHORT_OF_MEMORY = 71
"""The exit status of a child that had no memory left to answer with."""

Answer = Callable[[bytes, bytes], bytes]
"""From the JSON and the bytes of a job to the JSON of its answer."""


class Cell:
    """The place in which a child works. Make it first of all: it takes standard input and output for itself."""

    def __init__(self) -> None:
        die_with_parent()
        for asked_to_end in (signal.SIGINT, signal.SIGTERM):  # sent to the whole group: the parent decides what becomes
            signal.signal(asked_to_end, signal.SIG_IGN)  # of the clip in hand, and closing its pipe ends the child
        self._jobs = os.fdopen(os.dup(0), "rb")
        self._answers = os.dup(1)
        self._memory = Memory()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1):  # a library that prints must not spoil an answer
            os.dup2(nowhere, standard)
        os.close(nowhere)

    def receive(self) -> tuple[bytes, bytes] | None:
        """The next job, JSON and bytes; None once the parent has closed its end."""
        head = self._jobs.read(JOB.size)
        if len(head) < JOB.size:
            return None
        said, media = JOB.unpack(head)
        job = self._jobs.read(said), self._jobs.read(media)
        return job if (len(job[0]), len(job[1])) == (said, media) else None

    def send(self, answer: bytes) -> None:
        """Give an answer, or say that the child is ready."""
        rest = ANSWER.pack(len(answer)) + answer
        while rest:
            rest = rest[os.write(self._answers, rest) :]

    def lock(self, limits: JailLimits) -> str:
        """Close the doors; returns what the jail consists of. Raises `ConfigError` where memory is full already."""
        os.dup2(0, 2)  # from here on not even an error message leaves
        self._memory.settle(limits)
        held = hold(limits)
        filtered = restrict(self._answers)
        return ", ".join([*held, filtered or "no filter of system calls on this system"])

    def serve(self, answer: Answer, limits: JailLimits) -> None:
        """Answer jobs until there are no more, or a fresh child is better: after many, or with much memory held.

        By chance up to a quarter fewer than `limits.jobs`: children that began together shall not all end together.
        """
        for _ in range(limits.jobs - randrange(limits.jobs // 4 + 1)):  # noqa: S311 - no secret
            if self._memory.is_short() or (job := self.receive()) is None:
                return
            try:
                # A job without bytes is a picture that the child makes itself: slow at first, and nobody's attack.
                with clip_time(limits) if job[1] else nullcontext():
                    answered = answer(*job)
            except MemoryError:
                os._exit(SHORT_OF_MEMORY)
            del job  # the next one is not read while this one is still held
            self.send(answered)
