"""How the C library keeps memory, set once at the start of a process that runs for a year."""

from __future__ import annotations

import ctypes
import sys

_M_ARENA_MAX = -8  # mallopt(3)
ARENAS = 2


def few_arenas() -> None:
    """Let all threads share two arenas. Nothing where the C library is not glibc.

    glibc gives every thread an arena of its own, up to eight a core, and what is freed in one stays with it: thirty
    threads that fetch, parse and store in turn each keep their largest moment, and memory grows for hours.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "gnu_get_libc_version"):
            libc.mallopt(_M_ARENA_MAX, ARENAS)
