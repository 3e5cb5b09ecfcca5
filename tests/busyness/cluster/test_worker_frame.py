"""The frame of a worker: it says how it is, waits for what is away, and ends in order."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from prometheus_client import CollectorRegistry

from busyness.cluster import worker as worker_module
from busyness.cluster.worker import Stopped, Worker
from busyness.config import WorkerConfig
from core.errors import BusError, ConfigError, StoreError


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "FIRST_WAIT_S", 0.001)
    monkeypatch.setattr(worker_module, "DRAIN_S", 0.05)
    monkeypatch.setattr(worker_module, "LAST_WORD_S", 0.5)


def a_worker(port: int | None = None) -> Worker:
    return Worker("test", WorkerConfig(port=port), CollectorRegistry())


def asked(worker: Worker, path: str) -> tuple[int, str]:
    try:
        with urlopen(f"http://127.0.0.1:{worker.port}{path}") as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def stopping_after(worker: Worker, done: Callable[[], bool]) -> threading.Thread:
    def stop() -> None:
        while not done():
            time.sleep(0.005)
        worker.stop()

    thread = threading.Thread(target=stop, daemon=True)
    thread.start()
    return thread


def test_it_is_not_ready_before_it_works_nor_once_it_is_to_end() -> None:
    with a_worker(port=0) as worker:
        assert asked(worker, "/healthz") == (200, '{"status": "ok"}')
        assert asked(worker, "/readyz")[0] == 503
        assert json.loads(asked(worker, "/readyz")[1])["reason"] == "the worker is starting"
        seen: list[int] = []

        def body() -> None:
            seen.append(asked(worker, "/readyz")[0])
            worker.stop()
            seen.append(asked(worker, "/readyz")[0])

        worker.loop("body", body)
        worker.run_until_stopped()
    assert seen == [200, 503]


def test_metrics_are_told_and_nothing_else_is_there() -> None:
    with a_worker(port=0) as worker:
        assert "busyness_worker_ready 0.0" in asked(worker, "/metrics")[1]
        assert asked(worker, "/v1/cameras")[0] == 404


def test_a_port_that_is_taken_is_refused_with_the_remedy() -> None:
    with a_worker(port=0) as first, pytest.raises(ConfigError, match=r"set worker\.port"), a_worker(port=first.port):
        pass


def test_a_store_that_is_away_is_waited_for_and_said() -> None:
    worker, troubles = a_worker(), []

    def action() -> str:
        troubles.append(worker.trouble)
        if len(troubles) < 3:
            raise StoreError("the database is away", remedy="start it")
        return "done"

    assert worker.until_done(action) == "done"
    assert troubles == ["the worker is starting", *["the database is away. start it"] * 2]
    assert worker.trouble == "the worker is starting", "and not away any more"


def test_a_loop_that_the_bus_leaves_is_begun_again() -> None:
    worker, begun = a_worker(), []

    def body() -> None:
        begun.append(1)
        if len(begun) < 3:
            raise BusError("no broker")

    worker.loop("body", body)
    with worker:
        stopping_after(worker, lambda: len(begun) == 3)
        worker.run_until_stopped()
    assert len(begun) == 3


def test_what_it_needs_is_said_while_it_is_away() -> None:
    trouble: list[str | None] = ["no broker answers"]
    worker = a_worker()
    worker.needs(lambda: trouble[0])
    assert worker.trouble == "no broker answers"


def test_a_loop_that_dies_takes_the_worker_with_it_and_says_why(caplog: pytest.LogCaptureFixture) -> None:
    worker, begun, ended = a_worker(), threading.Event(), []

    def dies() -> None:
        begun.wait()
        raise ZeroDivisionError("made to fail")

    def other() -> None:
        begun.set()
        worker.stopping.wait()
        ended.append(1)

    worker.loop("dies", dies)
    worker.loop("other", other)
    with worker, pytest.raises(ZeroDivisionError):
        worker.run_until_stopped()
    assert ended == [1]
    assert worker.trouble == "the worker has stopped: made to fail"
    assert "made to fail" in caplog.text


def test_sigterm_lets_what_is_in_hand_be_finished() -> None:
    worker, finished = a_worker(), []

    def body() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        worker.stopping.wait()
        finished.append(1)

    worker.loop("body", body)
    before = signal.getsignal(signal.SIGTERM)
    with worker:
        worker.run_until_stopped()
    assert finished == [1]
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_second_sigterm_while_the_first_is_heard_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """A supervisor that sends it twice must not end the worker with an error, and what it has in hand with it."""
    worker, finished = a_worker(), []
    start = worker._at_last.start

    def interrupted() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        start()

    monkeypatch.setattr(worker._at_last, "start", interrupted)

    def body() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        worker.stopping.wait()
        finished.append(1)

    worker.loop("body", body)
    with worker:
        worker.run_until_stopped()
    assert finished == [1]


def test_who_waits_for_what_never_comes_ends_all_the_same() -> None:
    """At its start, in a call that nobody can interrupt."""
    waits = (
        "import signal, os, threading\n"
        "from prometheus_client import CollectorRegistry\n"
        "from busyness.cluster import worker\n"
        "from busyness.config import WorkerConfig\n"
        "worker.END_S = 0.1\n"
        "with worker.Worker('test', WorkerConfig(port=None), CollectorRegistry()) as one:\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    one.until_done(threading.Event().wait)\n"
    )
    done = subprocess.run([sys.executable, "-c", waits], capture_output=True, text=True, timeout=50, check=False)
    assert (done.returncode, done.stderr) == (0, "test: ends without waiting any longer\n")


def test_what_does_not_end_in_time_is_let_go(caplog: pytest.LogCaptureFixture) -> None:
    worker, released = a_worker(), threading.Event()

    def body() -> None:
        worker.stop()
        released.wait()

    worker.overdue.append(released.set)
    worker.loop("body", body)
    with worker:
        worker.run_until_stopped()
    assert released.is_set()
    assert "another worker takes it up" in caplog.text


def test_stopped_while_it_waits_at_its_start_it_ends_without_an_error() -> None:
    with a_worker() as worker:
        worker.stop()

        def away() -> None:
            raise StoreError("the database is away")

        worker.until_done(away)
        raise AssertionError("it does not come so far")


def test_a_worker_that_is_ending_tries_once_more() -> None:
    worker = a_worker()
    worker.stop()
    assert worker.until_done(lambda: 7) == 7
    with pytest.raises(Stopped):
        worker.pause(10)


def test_this_thread_may_work_meanwhile_and_its_end_is_that_of_the_worker() -> None:
    worker, ended = a_worker(), []

    def body() -> None:
        worker.stopping.wait()
        ended.append("loop")

    worker.loop("body", body)
    with worker:
        worker.run_until_stopped(lambda: ended.append("main"))
    assert ended == ["main", "loop"]
