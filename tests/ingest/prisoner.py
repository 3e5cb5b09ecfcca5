"""A jailed child for tests: it tries what it is asked to, and says what came of it.

python -m tests.ingest.prisoner      started by tests/ingest/test_jail.py through `ingest.jail.process.Jail`
"""

from __future__ import annotations

import ctypes
import mmap
import os
import resource
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

from ingest.jail.inside import Cell
from ingest.jail.limits import JailLimits

libc = ctypes.CDLL(None, use_errno=True)


def call(number: int, *arguments: int) -> str:
    """A system call past Python and libc's own checks."""
    if libc.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return "done"


def fill(mebibytes: int) -> str:
    kept = [bytearray(1024 * 1024) for _ in range(mebibytes)]
    return f"held {len(kept)} MiB"


KEPT: list[bytearray] = []


def lose(mebibytes: int) -> str:
    """Hold memory past the answer, as a leak does."""
    KEPT.append(bytearray(mebibytes * 1024 * 1024))
    return f"lost {mebibytes} MiB"


def spin() -> str:
    while True:
        pass


def hang() -> str:
    threading.Event().wait(60)
    return "woke"


def start_thread() -> str:
    threading.Thread(target=int).start()
    return "done"


def executable_memory() -> str:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    return "done"


def lie(length: int) -> str:
    """Announce an answer of `length` bytes, past the frame that `Cell` puts around it."""
    os.write(4, length.to_bytes(4, "big"))
    return "done"


TRIES: dict[str, Callable[[], object]] = {
    "read a file": lambda: Path("/etc/hostname").read_text(encoding="utf-8"),
    "write a file": lambda: Path("/tmp/prisoner").write_text("x", encoding="utf-8"),
    "list a folder": lambda: list(Path("/").iterdir()),
    "remove a file": lambda: Path("/tmp/prisoner").unlink(),
    "rename a file": lambda: Path("/tmp/prisoner").rename("/tmp/free"),
    "make a pipe": os.pipe,
    "duplicate a descriptor": lambda: os.dup(0),
    "use a socket": socket.socket,
    "fork": os.fork,
    "execute": lambda: os.execv("/bin/true", ["true"]),
    "start a thread": start_thread,
    "kill the parent": lambda: os.kill(os.getppid(), 0),
    "trace": lambda: libc.ptrace(0, 0, 0, 0),
    "io_uring": lambda: call(425, 1, 0),
    "raise its limits": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (99, 99)),
    "executable memory": executable_memory,
    "write elsewhere": lambda: os.write(2, b"leak"),
    "hold 64 MiB": lambda: fill(64),
    "lose 80 MiB": lambda: lose(80),
    "hold 1 GiB": lambda: fill(1024),
    "spin": spin,
    "hang": hang,
    "crash": lambda: ctypes.string_at(0),
    "abort": os.abort,
    "leave": lambda: os._exit(0),
    "announce 1 GiB": lambda: lie(1 << 30),
    "tell its language and key": lambda: f"{os.environ.get('LANG')} {os.environ.get('TFL_APP_KEY')}",
    "sleep a moment": lambda: time.sleep(0.01),
    "sleep a while": lambda: time.sleep(0.3),
}


def answer(said: bytes, media: bytes) -> bytes:
    try:
        return f"{TRIES[said.decode()]()}; {len(media)} bytes; process {os.getpid()}".encode()
    except OSError as error:
        return f"refused: {error.strerror}".encode()
    except (RuntimeError, ValueError) as error:
        return f"refused: {error}".encode()


def main() -> None:
    cell = Cell()
    asked = cell.receive()
    if asked is None:
        return
    limits = JailLimits.model_validate_json(asked[0])
    cell.send(cell.lock(limits).encode())
    cell.serve(answer, limits)


if __name__ == "__main__":
    main()
