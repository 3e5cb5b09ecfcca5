"""A jailed child can compute and answer, and nothing else; whatever it does, the parent goes on with another."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.jail.limits import JailLimits
from ingest.jail.process import ChildEnd, Jail, Loss, NotStarted, WorkerLost

LIMITS = JailLimits(memory_mb=128, cpu_s=0.2, wall_s=10)
PRISONER = ("tests.ingest.prisoner",)

linux = pytest.mark.skipif(sys.platform != "linux", reason="system calls are filtered on Linux alone")


def imprison(limits: JailLimits = LIMITS, program: tuple[str, ...] = PRISONER) -> Jail:
    return Jail(program, limits.model_dump_json().encode(), limits)


@pytest.fixture(scope="module")
def jail() -> Iterator[Jail]:
    jail = imprison()
    yield jail
    jail.close()


def attempt(jail: Jail, what: str, media: bytes = b"") -> str:
    return jail.ask(what.encode(), media).decode()


def lost(jail: Jail, what: str, media: bytes = b"clip") -> WorkerLost:
    with pytest.raises(WorkerLost) as caught:
        jail.ask(what.encode(), media)
    assert attempt(jail, "sleep a moment").startswith("None"), "another child is there and answers"
    return caught.value


def is_running(pid: int) -> bool:
    """Whether it is there and not only waiting to be buried, when its command line is empty."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except OSError:
        return False


@linux
def test_it_says_what_it_consists_of(jail: Jail) -> None:
    told = jail.greeting().decode()
    assert told.startswith("at most 0.2 s of processor time a clip, at most 128 MB, opens no file")
    assert told.endswith("system calls and no other (seccomp)")


def test_bytes_go_in_and_an_answer_comes_out(jail: Jail) -> None:
    """More than a pipe holds at once, and nothing at all."""
    for size in (0, 1, 5_000_000):
        assert f"; {size} bytes;" in attempt(jail, "sleep a moment", bytes(size))


@linux
@pytest.mark.parametrize(
    "what",
    [
        "read a file", "write a file", "list a folder", "remove a file", "rename a file", "make a pipe",
        "duplicate a descriptor", "start a thread", "kill the parent", "raise its limits", "executable memory",
        "write elsewhere",
    ],
)  # fmt: skip
def test_what_a_library_might_probe_is_refused(jail: Jail, what: str) -> None:
    before = jail.pid
    assert attempt(jail, what).startswith("refused: ")
    assert jail.pid == before, "it goes on without"


@linux
@pytest.mark.parametrize("what", ["use a socket", "execute", "trace", "io_uring"])
def test_what_no_decoder_tries_ends_the_child(jail: Jail, what: str) -> None:
    end = lost(jail, what)
    assert (end.loss, end.how) == (Loss.CRASH, "Bad system call")


@linux
def test_it_starts_no_process(jail: Jail) -> None:
    """libc forks with clone(2), which it is refused; the call of that name ends the child."""
    assert attempt(jail, "fork").startswith("refused: ")


@linux
def test_memory_is_limited(jail: Jail) -> None:
    assert attempt(jail, "hold 64 MiB").startswith("held 64 MiB")
    assert lost(jail, "hold 1 GiB").loss is Loss.MEMORY


@linux
def test_a_child_that_holds_on_to_memory_is_replaced_after_its_answer(jail: Jail) -> None:
    attempt(jail, "sleep a moment")
    before = jail.pid
    assert attempt(jail, "lose 80 MiB").startswith("lost 80 MiB")
    assert attempt(jail, "sleep a moment").startswith("None"), "which costs no job"
    assert jail.pid != before


def test_a_child_is_replaced_after_as_many_jobs_as_it_may_have_and_none_is_lost() -> None:
    """What a decoder loses at every clip is gone with it: OpenCV 5.0 loses some 3.4 kB."""
    jail = imprison(LIMITS.model_copy(update={"jobs": 3}))
    pids = []
    for _ in range(8):
        assert attempt(jail, "sleep a moment").startswith("None")
        pids.append(jail.pid)
    jail.close()
    assert [pids.count(pid) for pid in dict.fromkeys(pids)] == [3, 3, 2]


def test_children_that_began_together_do_not_all_end_together() -> None:
    """By chance each has up to a quarter fewer jobs: that ten have as many is one in 260,000."""
    jail = imprison(LIMITS.model_copy(update={"jobs": 12}))
    pids = []
    while len(set(pids)) < 11:
        attempt(jail, "sleep a moment")
        pids.append(jail.pid)
    jail.close()
    had = [pids.count(pid) for pid in dict.fromkeys(pids)][:-1]
    assert set(had) <= {9, 10, 11, 12}
    assert len(set(had)) > 1


@linux
def test_a_child_does_not_outlive_its_parent() -> None:
    """Even one that hangs, and though nobody closed it: the parent is killed."""
    program = (
        "from tests.ingest.test_jail import imprison; jail = imprison(); jail.greeting(); print(jail.pid, flush=True); "
        "jail.ask(b'hang')"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_running(child)
        parent.kill()
    deadline = time.monotonic() + 5
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_running(child)


def test_processor_time_is_limited(jail: Jail) -> None:
    began = time.monotonic()
    assert lost(jail, "spin").loss is Loss.CPU_TIME
    assert time.monotonic() - began < 10


def test_who_does_nothing_is_ended_by_the_clock_on_the_wall() -> None:
    patience = imprison(LIMITS.model_copy(update={"wall_s": 0.3}))
    try:
        patience.greeting()
        with pytest.raises(WorkerLost) as caught:
            patience.ask(b"hang")
        assert caught.value.loss is Loss.WALL_TIME
    finally:
        patience.close()


@pytest.mark.parametrize(("what", "how"), [("crash", signal.SIGSEGV), ("abort", signal.SIGABRT)])
def test_a_crash_says_how(jail: Jail, what: str, how: int) -> None:
    end = lost(jail, what)
    assert (end.loss, end.how) == (Loss.CRASH, signal.strsignal(how))


def test_an_answer_that_is_too_long_is_not_read(jail: Jail) -> None:
    assert lost(jail, "announce 1 GiB").loss is Loss.NO_ANSWER


def test_a_child_that_is_killed_between_two_jobs_costs_nothing(jail: Jail) -> None:
    attempt(jail, "sleep a moment")
    pid = jail.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert attempt(jail, "sleep a moment").startswith("None")
    assert jail.pid != pid


def test_a_job_whose_child_is_killed_from_outside_is_done_by_the_next(jail: Jail) -> None:
    first = jail.pid
    assert first is not None
    attempt(jail, "sleep a moment")
    killer = threading.Timer(0.1, os.kill, (first, signal.SIGKILL))
    killer.start()
    assert attempt(jail, "sleep a while").startswith("None")
    killer.join()
    assert jail.pid != first


def test_a_job_at_which_every_child_ends_is_given_up(jail: Jail) -> None:
    assert lost(jail, "leave").loss is Loss.ENDED


def test_closing_from_another_thread_lets_go_of_who_asks() -> None:
    jail = imprison()
    jail.greeting()
    closer = threading.Timer(0.05, jail.close)
    closer.start()
    with pytest.raises(WorkerLost):
        jail.ask(b"hang")
    closer.join()
    jail.close()


def test_a_program_that_does_not_start_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    jail = imprison(program=("tests.ingest.nobody",))
    with pytest.raises(NotStarted, match="exit status 1"):
        jail.greeting()
    jail.close()
    assert "nobody" in capfd.readouterr().err, "what it printed is for the operator to see"


def no_process(*_: object, **__: object) -> None:
    raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))


def test_a_machine_that_lets_no_process_begin_says_what_to_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.jail.process.subprocess.Popen", no_process)
    with pytest.raises(NotStarted, match=r"Resource temporarily unavailable\. See whether this machine is short of"):
        imprison()


def test_a_successor_that_cannot_begin_is_tried_again_at_the_next_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """The job that lost the child says why it was lost; the next one that there is none; the one after is done."""
    jail = imprison()
    try:
        attempt(jail, "sleep a moment")
        with monkeypatch.context() as machine:
            machine.setattr("ingest.jail.process.subprocess.Popen", no_process)
            with pytest.raises(WorkerLost) as caught:
                jail.ask(b"crash", b"clip")
            assert caught.value.loss is Loss.CRASH
            assert jail.pid is None
            with pytest.raises(NotStarted, match="limit of processes"):
                jail.ask(b"sleep a moment")
        assert attempt(jail, "sleep a moment").startswith("None")
    finally:
        jail.close()


def test_a_child_that_is_not_accepted_is_asked_nothing() -> None:
    told: list[bytes] = []

    def accept(greeting: bytes) -> None:
        told.append(greeting)
        raise ValueError("another one")

    jail = Jail(PRISONER, LIMITS.model_dump_json().encode(), LIMITS, accept=accept)
    try:
        with pytest.raises(ValueError, match="another one"):
            jail.ask(b"sleep a moment")
        assert told == [jail.greeting()]
    finally:
        jail.close()


def test_nothing_begins_once_it_is_closed() -> None:
    jail = imprison(program=("tests.ingest.nobody",))
    with pytest.raises(NotStarted, match="exit status 1"):
        jail.greeting()
    jail.close()
    assert jail.closed
    with pytest.raises(NotStarted, match="closed"):
        jail.greeting()
    assert jail.pid is None


def test_a_child_inherits_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFL_APP_KEY", "secret")
    monkeypatch.setenv("LANG", "C.UTF-8")
    jail = imprison()
    try:
        assert attempt(jail, "tell its language and key").startswith("C.UTF-8 None;")
    finally:
        jail.close()


def test_what_each_child_had_used_is_told_once_when_it_is_gone() -> None:
    """One that was lost at a job, and one that was closed: by the kernel's measure, not by the limits."""
    ends: list[ChildEnd] = []
    jail = Jail(PRISONER, LIMITS.model_dump_json().encode(), LIMITS, on_end=ends.append)
    pids = []
    try:
        attempt(jail, "sleep a moment")
        pids.append(jail.pid)
        lost(jail, "spin")
        pids.append(jail.pid)
    finally:
        jail.close()
    assert [end.pid for end in ends] == pids
    assert ends[0].cpu_s >= LIMITS.cpu_s
    assert all(end.peak_mb > 5 for end in ends)
