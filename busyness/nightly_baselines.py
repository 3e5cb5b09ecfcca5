"""What is usual is worked out anew every night, beside the counting and never in its way."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from aggregate.baseline_builder import BaselineBuilder
from core.clock import Clock
from core.errors import BusynessError

log = logging.getLogger(__name__)

LOOK_S = 10.0
SETTLED = timedelta(hours=3)
"""How long after its midnight a local day is over: its late clips are in, and nobody is waiting for a map."""

NICE = 15
_STOP_S = 5.0


class NightlyBaselines:
    """Builds what is due once it is started, and then every night of `present`, which may outrun the machine's clock.

    One thread, which the system runs when nothing else wants the processor. What goes wrong is said in the log; the
    baselines of before go on answering, and the next night it is tried again.
    """

    def __init__(
        self,
        builder: BaselineBuilder,
        present: Callable[[], datetime],
        clock: Clock,
        *,
        ours: Callable[[], bool] = lambda: True,
    ) -> None:
        """`ours` says whether this process is the one, of several, that builds now."""
        self._builder = builder
        self._present = present
        self._clock = clock
        self._ours = ours
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="baselines", daemon=True)
        self._looked: datetime | None = None

    def start(self) -> None:
        """Build from now on, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Build no more; waits a little for the fit in hand."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_S)

    def look(self) -> None:
        """Build what is due, where an hour has passed since it was last looked: in each time zone, once a night."""
        present = self._present()
        if self._looked is not None and present < self._looked + timedelta(hours=1):
            return
        self._looked = present
        tasks = self._builder.plan(present - SETTLED)
        if not tasks:
            return
        zones = len({zone for task in tasks for zone in task.due})
        log.warning("baselines of %d zones are being built", zones)
        began = time.monotonic()
        stored = self._builder.build(tasks, self._clock.now(), stopping=self._stopping.is_set)
        log.warning("%d baselines of %d zones were built in %.0f s", stored, zones, time.monotonic() - began)

    def _run(self) -> None:
        if sys.platform == "linux":
            os.setpriority(
                os.PRIO_PROCESS, threading.get_native_id(), max(NICE, os.getpriority(os.PRIO_PROCESS, 0))
            )  # of this thread alone
        while not self._stopping.is_set():
            try:
                if self._ours():
                    self.look()
            except BusynessError as error:
                self._said(error)
            except Exception:  # a mistake of ours must not end it for good
                log.exception("baselines could not be built")
            self._stopping.wait(LOOK_S)

    def _said(self, error: BusynessError) -> None:
        if not self._stopping.is_set():  # the store may be closed meanwhile
            log.error("baselines could not be built, those of before go on: %s", error)
