"""What is freed goes back: threads that come and go leave no arenas behind, and clips no holes. Records take no time to
look through."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

VARIABLE = "ARROW_DEFAULT_MEMORY_POOL"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it is glibc's memory")

BEGIN = """
import sys, threading
from busyness.memory import give_memory_back
if sys.argv[1] == "given back":
    give_memory_back()
"""
ARENAS = """
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
CLIPS = """
def resident_mb():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmRSS")) / 1024
bytes(200_000)                                   # the first clip, from which glibc learns
before = resident_mb()
figures = []
for _ in range(4):
    clips = []
    for _ in range(200):
        clips.append(b"x" * 200_000)
        figures.append(b"x" * 1_000)             # what stays of a clip
    del clips
print(round(resident_mb() - before))
"""


def _told(program: str, how: str) -> int:
    said = subprocess.run([sys.executable, "-c", BEGIN + program, how], capture_output=True, text=True, check=True)
    return int(said.stdout)


def test_threads_share_two_arenas() -> None:
    assert _told(ARENAS, "given back") <= 2 < _told(ARENAS, "kept")


def test_a_clip_that_is_freed_leaves_no_hole_among_what_stays() -> None:
    assert _told(CLIPS, "given back") < 5 < 20 < _told(CLIPS, "kept")


LOOKS = """
import gc, time
from busyness import memory
if sys.argv[1] == "seldom":
    memory.LOOK_EVERY_S = 0.2
    threading.Thread(target=memory.look_seldom_for_cycles, args=(threading.Event(),), daemon=True).start()
    while gc.isenabled():
        time.sleep(0.01)
looks = []
gc.callbacks.append(lambda phase, told: phase == "start" and looks.append(told["generation"]))
records = [[number] for number in range(100_000)]
in_hand = len(looks)
class Ring: pass
for _ in range(100_000):
    ring = Ring()
    ring.ring = ring
del ring
time.sleep(2)
print(in_hand if not any(type(one) is Ring for one in gc.get_objects()) or sys.argv[1] == "often" else -1)
"""


def test_records_are_seldom_looked_through_and_what_holds_itself_goes_all_the_same() -> None:
    assert 0 <= _told(LOOKS, "seldom") < 5 < 50 < _told(LOOKS, "often")


@pytest.mark.parametrize(("asked", "had"), [(None, "system"), ("mimalloc", "mimalloc")])
def test_arrow_has_the_c_librarys_memory_unless_another_is_asked_for(asked: str | None, had: str) -> None:
    """Its own allocator would keep some for every thread; and whoever sets the variable has a reason."""
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    environment |= {VARIABLE: asked} if asked else {}
    program = "import busyness.command, pyarrow; print(pyarrow.default_memory_pool().backend_name)"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert said.stdout.strip() == had
