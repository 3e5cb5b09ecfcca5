"""The parent's end of a calibration child: one question at a time, and no child while nobody asks.

The kernel kills a jailed child when the thread that started it ends (`ingest/jail/seccomp.py`), and a server's threads
come and go. So a child has a thread of its own, which starts it, asks it, and ends with it.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, Queue

from pydantic import ValidationError

from api.problems import NotReady
from busyness.calibration_jobs import (
    ANSWER,
    GREETING,
    BackgroundJob,
    ChildSetup,
    EmptyStreet,
    Judged,
    JudgeJob,
    Refused,
    TooFew,
)
from core.errors import BackgroundRefused, BusynessError, CalibrationRefused, ConfigError, MissingExtra, ModelError
from ingest.jail.process import Jail, NotStarted, WorkerLost

log = logging.getLogger(__name__)

PROGRAM = ("busyness.calibration_worker",)
IDLE_S = 300.0

Answer = Judged | EmptyStreet | TooFew


@dataclass(frozen=True, eq=False)
class _Asked:
    """What the child is to be given, and where its answer goes. Without `said` it is only to be there."""

    said: bytes = b""
    media: bytes = b""
    answer: Future[bytes] = field(default_factory=Future)


class ChildLost(NotReady):
    """The child was lost at what it was asked: `loss` says how."""

    def __init__(self, lost: WorkerLost) -> None:
        super().__init__(f"what computes this was ended while it did ({lost})", remedy="ask again: it starts anew")
        self.loss = lost.loss


class CalibrationChild:
    """A child that is started when it is first asked, and ended when it was not asked for `idle_s`."""

    def __init__(self, setup: ChildSetup, *, idle_s: float = IDLE_S) -> None:
        self._setup = setup
        self._idle_s = idle_s
        self._jobs: Queue[_Asked | None] = Queue()
        self._changing = threading.Lock()
        self._thread: threading.Thread | None = None
        self._jail: Jail | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The process number of the child; None while there is none."""
        jail = self._jail
        return jail.pid if jail is not None else None

    def begin(self) -> None:
        """Start the child, without waiting for it: somebody is about to ask."""
        with suppress(NotReady):
            self._put(_Asked())

    def ask(self, job: JudgeJob | BackgroundJob, media: bytes = b"") -> Answer:
        """Its answer. Raises what the child refused with, `ChildLost`, and `NotReady` where there is no child."""
        asked = _Asked(job.model_dump_json().encode(), media)
        self._put(asked)
        answer = _read(asked.answer.result())
        if isinstance(answer, Refused):
            raise _error_of(answer)
        return answer

    def close(self) -> None:
        """End the child for good; what is being asked is lost."""
        with self._changing:
            self._closed = True
            self._jobs.put(None)
            jail, thread = self._jail, self._thread
        if jail is not None:
            jail.close()
        if thread is not None:
            thread.join(5.0)

    def _put(self, asked: _Asked) -> None:
        with self._changing:
            if self._closed:
                raise _stopping()
            self._jobs.put(asked)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="calibration", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                asked = self._jobs.get(timeout=self._idle_s)
            except Empty:
                asked = None
            with self._changing:
                if asked is None and (self._closed or self._jobs.empty()):
                    self._thread = None
                    self._end()
                    return
            if asked is not None:
                try:
                    asked.answer.set_result(self._answered(asked))
                except BaseException as error:  # of whoever asked, not of this thread
                    asked.answer.set_exception(error)

    def _answered(self, asked: _Asked) -> bytes:
        if self._closed:
            raise _stopping()
        try:
            if self._jail is None:
                jail = Jail(PROGRAM, self._setup.model_dump_json(by_alias=True).encode(), self._setup.jail)
                with self._changing:  # whoever closes sees it, or it is seen here that it was closed
                    self._jail, closed = jail, self._closed
                if closed:
                    raise _stopping()
            greeting = GREETING.validate_json(self._jail.greeting())
            if isinstance(greeting, Refused):
                self._end()
                raise _error_of(greeting)
            return self._jail.ask(asked.said, asked.media) if asked.said else b""
        except WorkerLost as error:
            log.warning("a calibration child was lost: %s", error)
            raise ChildLost(error) from error
        except NotStarted as error:
            raise NotReady(error.message, remedy=error.remedy) from error

    def _end(self) -> None:
        jail, self._jail = self._jail, None
        if jail is not None:
            jail.close()


def _stopping() -> NotReady:
    return NotReady("the service is stopping", remedy="ask again when it runs")


def _read(said: bytes) -> Answer | Refused:
    try:
        return ANSWER.validate_json(said)
    except ValidationError as error:
        raise NotReady("what computes this gave no answer that can be read", remedy="ask again") from error


def _error_of(refused: Refused) -> BusynessError:
    known: dict[str, type[BusynessError]] = {
        kind.__name__: kind for kind in (CalibrationRefused, ConfigError, ModelError, BackgroundRefused)
    }
    if refused.error == MissingExtra.__name__:
        return ModelError(refused.message, remedy=refused.remedy)
    if refused.error not in known:
        log.error("a calibration child failed: %s: %s", refused.error, refused.message)
    return known.get(refused.error, BusynessError)(refused.message, remedy=refused.remedy)
