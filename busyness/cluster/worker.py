"""The frame of every process of a cluster: named loops, what is asked of it beside them, and an orderly end.

    with Worker("detect", config.worker, registry) as worker:        /healthz, /readyz, /metrics answer from here on
        store = worker.until_done(lambda: open_store(config))        waits for a database that is away
        worker.loop("count-0", counting)                             a thread of its own
        worker.run_until_stopped()                                   until SIGTERM or Ctrl-C

A broker or a database that is away (`BusError`, `StoreError`) is waited for, and /readyz says so. Everything else that
a loop raises ends the worker: whoever started it starts it again, and the bus gives it its work again.
"""

from __future__ import annotations

import logging
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import FrameType, TracebackType
from typing import Self, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge

from busyness.cluster.probes import Probes
from busyness.config import WorkerConfig
from core.errors import BusError, BusynessError, StoreError, Unpublishable, Unstorable

log = logging.getLogger(__name__)

T = TypeVar("T")

FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 5.0
DRAIN_S = 5.0
"""How long loops may finish what they have in hand; ten seconds after SIGTERM the process has ended."""

LAST_WORD_S = 1.0
END_S = 9.0
"""Who has not ended so long after a signal is in the middle of waiting for something that does not come: it ends as it
is, for whatever it leaves undone is done again."""


class Stopped(Exception):
    """The worker is ending, and what was tried is not done. No `BusynessError`, for nothing is wrong: it stays with
    the bus, which gives it to another worker."""


def passes(error: BaseException) -> bool:
    """Whether waiting helps: the broker or the database restarts, or a disk is given room again."""
    return isinstance(error, BusError | StoreError) and not isinstance(error, Unstorable | Unpublishable)


class Worker:
    """Runs loops until it is told to stop. `stopping` is set then: loops look at it, and end after what is in hand."""

    def __init__(self, name: str, config: WorkerConfig, registry: CollectorRegistry) -> None:
        self.name = name
        self.stopping = threading.Event()
        self.overdue: list[Callable[[], object]] = []
        """Called for what has not ended in time: they make loops let go of what they have in hand."""
        self._config = config
        self._registry = registry
        self._loops: dict[str, Callable[[], None]] = {}
        self._starting = True
        self._troubles: dict[str, str] = {}
        self._needs: list[Callable[[], str | None]] = []
        self._failure: BaseException | None = None
        self._open = ExitStack()
        self._at_last = threading.Timer(END_S, self._end_at_last)
        self._at_last.daemon = True
        self._told = threading.Lock()
        self.port: int | None = None
        self._waits = Counter(
            "busyness_worker_waits", "Times that a loop waited for the bus or the store", ["loop"], registry=registry
        )
        ready = Gauge("busyness_worker_ready", "1 where the worker can work", registry=registry)
        ready.set_function(lambda: float(self.trouble is None))

    def __enter__(self) -> Self:
        if self._config.port is not None:
            probes = Probes(self._config.host, self._config.port, self._registry, lambda: self.trouble)
            self.port = self._open.enter_context(probes).port
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._open.callback(signal.signal, number, signal.signal(number, self._told_to_stop))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Being stopped before there was anything to run is no error."""
        self.stop()
        self._open.close()
        self._at_last.cancel()
        return isinstance(error, Stopped)

    @property
    def trouble(self) -> str | None:
        """Why it cannot work now, None while it can."""
        if self._failure is not None:
            return f"the worker has stopped: {self._failure}"
        if self.stopping.is_set():
            return "the worker is ending"
        needed = (why for why in (need() for need in self._needs) if why is not None)
        waiting = next(iter(list(self._troubles.values())), None) or next(needed, None)
        return waiting or ("the worker is starting" if self._starting else None)

    def needs(self, trouble: Callable[[], str | None]) -> None:
        """The worker cannot work while this says why."""
        self._needs.append(trouble)

    def loop(self, name: str, body: Callable[[], None]) -> None:
        """`body` runs in a thread of its own, once, until it returns; again where the bus or the store was away."""
        self._loops[name] = body

    def stop(self) -> None:
        """End the loops after what they have in hand. Any thread may say so."""
        self.stopping.set()

    def run_until_stopped(self, meanwhile: Callable[[], None] | None = None) -> None:
        """Start the loops, and wait until somebody stops the worker, then for the loops to end.

        `meanwhile` is what this thread does instead of waiting; the worker is stopped when it returns. Raises what
        ended a loop.
        """
        threads = [
            threading.Thread(target=self._guarded, args=(name, body), name=name, daemon=True)
            for name, body in self._loops.items()
        ]
        self._starting = False
        for thread in threads:
            thread.start()
        if meanwhile is not None:
            meanwhile()
            self.stop()
        while not self.stopping.wait(1.0):  # in short waits: a signal is heard between them on every system
            pass
        if not _ended(threads, DRAIN_S):
            log.warning("%s: what is in hand is let go, another worker takes it up", self.name)
            for let_go in self.overdue:
                let_go()
            _ended(threads, LAST_WORD_S)
        if self._failure is not None:
            raise self._failure

    def until_done(self, action: Callable[[], T]) -> T:
        """What `action` gives; it is tried again as long as the bus or the store is away.

        It is tried once more by a worker that is ending. Raises `Stopped` where that was in vain.
        """
        waits = _waits()
        while True:
            try:
                result = action()
            except (BusError, StoreError) as error:
                if not passes(error):
                    raise
                self._away(error)
                if self.stopping.wait(next(waits)):
                    raise Stopped from error
            else:
                self.well()
                return result

    def well(self) -> None:
        """The loop that says so has reached the bus and the store again."""
        name = threading.current_thread().name
        if self._troubles.pop(name, None) is not None:
            log.warning("%s, %s: goes on", self.name, name)

    def pause(self, seconds: float) -> None:
        """Wait. Raises `Stopped` as soon as the worker is ending."""
        if self.stopping.wait(seconds):
            raise Stopped

    def _guarded(self, name: str, body: Callable[[], None]) -> None:
        waits = _waits()
        while not self.stopping.is_set():
            try:
                body()
                return
            except Stopped:
                return
            except BaseException as error:  # a loop that dies must take the worker down, not leave it half alive
                if passes(error):
                    self._away(error)
                    self.stopping.wait(next(waits))
                    continue
                expected = isinstance(error, BusynessError)
                log.error("%s, %s: %s", self.name, name, error, exc_info=not expected)
                self._failure = self._failure or error
                self.stopping.set()
                return

    def _away(self, error: BaseException) -> None:
        name = threading.current_thread().name
        self._waits.labels(name).inc()
        if self._troubles.get(name) != str(error):
            log.warning("%s, %s: waits: %s", self.name, name, error)
        self._troubles[name] = str(error)

    def _told_to_stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature of a handler
        if self.stopping.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt  # twice: does not wait for anyone
        self.stopping.set()
        if self._told.acquire(blocking=False):  # once, also where the next signal comes in between
            self._at_last.start()

    def _end_at_last(self) -> None:
        log.warning("%s: ends without waiting any longer", self.name)
        logging.shutdown()
        os._exit(0 if self._failure is None else 1)


def _waits() -> Iterator[float]:
    """Seconds between tries: twice as long each time, up to a limit, and never the same for two workers."""
    wait_s = FIRST_WAIT_S
    while True:
        yield wait_s * random.uniform(0.5, 1.0)  # noqa: S311 - spreads tries, keeps no secret
        wait_s = min(LONGEST_WAIT_S, 2 * wait_s)


def _ended(threads: list[threading.Thread], timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return not any(thread.is_alive() for thread in threads)
