"""How memory is kept, by the C library and by Python, set once at the start of a process that runs for a year."""

from __future__ import annotations

import ctypes
import gc
import sys
from threading import Event

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # mallopt(3)
ARENAS = 2
LARGE_BYTES = 128 * 1024

LOOK_EVERY_S = 60.0
"""Kafka's client leaves some 500 objects a second that hold one another: 3 MB, until they are looked for."""


def give_memory_back() -> None:
    """Let what is freed go back to the machine, or to whoever needs it next. Nothing where the C library is not glibc.

    glibc gives every thread an arena of its own, up to eight a core, and what is freed in one stays with it: thirty
    threads that fetch, parse and store in turn each keep their largest moment. They share two.

    It also learns from the first clip that is freed to put the next ones among the small things that stay, and there
    the room that a clip leaves is no longer the machine's. A threshold that is set it keeps: a clip has its own pages.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "gnu_get_libc_version"):
            libc.mallopt(_M_ARENA_MAX, ARENAS)
            libc.mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)


def look_seldom_for_cycles(stopping: Event) -> None:
    """Let Python spend its time on records instead of on looking whether they hold one another, which they never do.

    For who has thousands of records in hand, each of some twenty objects: Python goes through all of them again and
    again, together with what the modules have made at their import, a quarter of a million objects; longer than it
    takes to read and examine the records. What is there now is not looked at any more; the rest every minute until
    `stopping`, here. Not for who has bytes of clips in hand: what holds itself keeps them longer.
    """
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        while not stopping.wait(LOOK_EVERY_S):
            gc.collect()
    finally:
        gc.enable()
