"""Readings as they change in a cluster, for those who watch live at this process."""

from __future__ import annotations

import logging

from aggregate.feed import ReadingFeed
from busyness.cluster.worker import Worker
from core.bus import REVISIONS, Bus
from core.errors import BusError

log = logging.getLogger(__name__)

AT_ONCE = 500
POLL_S = 0.5
PAUSE_S = 5.0


class LiveReadings:
    """A loop for `Worker.loop`: takes every revision from now on, whoever else does, and gives it to `feed`.

    While the brokers are away nothing comes, and answers go on from what is stored.
    """

    def __init__(self, worker: Worker, bus: Bus, feed: ReadingFeed) -> None:
        self._worker = worker
        self._bus = bus
        self._feed = feed

    def __call__(self) -> None:
        while not self._worker.stopping.is_set():
            try:
                self._follow()
            except BusError as error:
                if not self._worker.stopping.is_set():
                    log.error("readings do not come live, answers go on from what is stored: %s", error)
            except Exception:  # a mistake of ours must not end it for good, nor what answers
                log.exception("readings do not come live, answers go on from what is stored")
            self._worker.pause(PAUSE_S)

    def _follow(self) -> None:
        revisions = self._bus.subscribe(REVISIONS, group=None)
        try:
            while not (self._worker.stopping.is_set() or revisions.finished):
                for revision in revisions.poll(AT_ONCE, POLL_S):
                    if self._feed.subscribers:
                        self._feed.publish(revision.readings())
                revisions.commit()
        finally:
            revisions.close()
