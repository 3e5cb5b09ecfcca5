"""Threads that come and go leave no arenas behind: what they freed is used by the others."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys, threading
from busyness.memory import few_arenas
if sys.argv[1] == "few":
    few_arenas()
def churn(_=None):
    kept = [bytes(900) for _ in range(20_000)]   # too large for Python's own pools: the C library's
    barrier.wait()
barrier = threading.Barrier(12)
threads = [threading.Thread(target=churn) for _ in range(12)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
own = [line for line in open("/proc/self/maps") if " rw-p 00000000 00:00 0" in line]
print(sum(int(line.split("-")[0], 16) % (64 << 20) == 0 for line in own))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="arenas are glibc's")
def test_threads_share_two_arenas() -> None:
    def arenas(how: str) -> int:
        told = subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True)
        return int(told.stdout)

    assert arenas("few") <= 2 < arenas("many")
