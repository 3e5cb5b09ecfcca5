"""Reads the clips that lie on this machine's disk: their bytes, within a limit, and nothing of what is in them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from core.records import ClipReady
from ingest.filename import printable
from ingest.refusal import oversize, unreachable


class FileReader:
    """`MediaReader` of references whose `location` is a file path."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes

    def read(self, clip: ClipReady) -> bytes:
        """The whole file; see `read_file` for what is refused."""
        return read_file(Path(clip.location), self._max_bytes)


def read_file(path: Path, max_bytes: int) -> bytes:
    """The bytes of a file that has at most `max_bytes`.

    Raises `UnusableClip`: unreachable (missing, not a file, not readable), oversize.
    """
    name = printable(path.name)
    try:
        info = path.stat()
        if stat.S_ISDIR(info.st_mode):
            os.scandir(path).close()  # one that cannot be read says why
        if not stat.S_ISREG(info.st_mode):
            raise unreachable(name, "is not a file", "Give a clip or a still")
        if info.st_size > max_bytes:
            raise oversize(name, f"{info.st_size} bytes", "max_bytes", max_bytes)
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise unreachable(name, f"cannot be read: {why}", "Check its path and permissions") from error
    if len(content) > max_bytes:  # it has grown since it was looked at
        raise oversize(name, f"more than {max_bytes} bytes", "max_bytes", max_bytes)
    return content
