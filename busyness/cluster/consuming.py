"""The loop of every worker that takes records from a topic.

    poll --batch--> handle: durable when it returns --refused--> dead letters --> commit
            ^          +-- the store or the bus is away: waits, and tries again
            |          +-- anything else: tries again some times, then by halves; a record that still fails is refused
            +------------------------------------------------------------------+

To handle a record again has to change nothing: whatever ends a worker, and at whatever moment, what it had polled and
not committed is handled again by it or by another one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic

from busyness.cluster.meters import TopicMeters
from busyness.cluster.worker import Stopped, Worker, passes
from core.bus import Bus, RecordT, Subscription, Topic
from core.records import REASON_LENGTH

log = logging.getLogger(__name__)

POLL_S = 0.5
GATHER_S = 0.2
ATTEMPTS = 3
PAUSE_S = 0.5


@dataclass(frozen=True)
class Refused(Generic[RecordT]):
    """A record that cannot be handled, and why."""

    record: RecordT
    reason: str


class _Failed(Exception):
    """Records could not be handled; it says why."""


Handle = Callable[[Sequence[RecordT]], Sequence[Refused[RecordT]]]
"""Handles records; all that they led to is durable, or published, when it returns those that cannot be handled."""


class Consuming(Generic[RecordT]):
    """A loop for `Worker.loop`: handles the records of `topic` that fall to this member of `group`.

    At most `at_once` records are in hand. Where fewer than half as many came, so that nothing waits, what comes within
    a moment of them is taken with them.
    """

    def __init__(
        self,
        worker: Worker,
        bus: Bus,
        topic: Topic[RecordT],
        handle: Handle[RecordT],
        *,
        group: str,
        meters: TopicMeters,
        at_once: int,
    ) -> None:
        self._worker = worker
        self._bus = bus
        self._topic = topic
        self._group = group
        self._handle = handle
        self._meters = meters
        self._at_once = at_once

    def __call__(self) -> None:
        """Until the worker is stopped, or the topic has ended. What is in hand then is finished first."""
        subscription = self._bus.subscribe(self._topic, group=self._group)
        try:
            while not (self._worker.stopping.is_set() or subscription.finished):
                self._turn(subscription)  # what it had in hand it lets go before it takes more
        finally:
            subscription.close()

    def _turn(self, subscription: Subscription[RecordT]) -> None:
        batch = self._gathered(subscription)
        self._worker.well()
        if batch:
            with self._meters.seconds.labels(self._topic.name).time():
                self._finish(subscription, batch)

    def _gathered(self, subscription: Subscription[RecordT]) -> list[RecordT]:
        batch = list(subscription.poll(self._at_once, POLL_S))
        if 0 < len(batch) < self._at_once // 2 and not subscription.finished:
            self._worker.stopping.wait(GATHER_S)
            batch += subscription.poll(self._at_once - len(batch), 0.0)
        return batch

    def _finish(self, subscription: Subscription[RecordT], batch: Sequence[RecordT]) -> None:
        refused = self._handled(batch)
        for one in refused:
            self._worker.until_done(partial(subscription.refuse, one.record, one.reason[:REASON_LENGTH]))
        if self._worker.until_done(subscription.commit):
            self._meters.committed(self._topic.name, len(batch), len(refused))

    def _handled(self, batch: Sequence[RecordT]) -> Sequence[Refused[RecordT]]:
        """Handle them together, or half by half where one of them stands in the way of the others: of thousands, each
        for itself would take minutes.

        Once one was refused what is behind it is tried once: a batch of nothing else comes to its end while it is ours.
        """
        refused: list[Refused[RecordT]] = []
        parts = [batch]
        while parts:
            part = parts.pop()
            try:
                refused += self._tried(part, 1 if refused else ATTEMPTS)
            except _Failed as failed:
                if len(part) == 1:
                    refused.append(Refused(part[0], str(failed)))
                else:
                    middle = len(part) // 2
                    parts += (part[middle:], part[:middle])
        return refused

    def _tried(self, batch: Sequence[RecordT], attempts: int) -> Sequence[Refused[RecordT]]:
        """Raises `_Failed` where it fails every time."""
        reason = ""
        for attempt in range(attempts):
            if attempt:
                self._worker.pause(PAUSE_S * 2**attempt)
            try:
                return self._worker.until_done(lambda: self._handle(batch))
            except Stopped:
                raise
            except Exception as error:  # whatever it is: a record must not hold up those behind it for good
                if passes(error):
                    raise
                log.exception("%s: %d records could not be handled", self._topic.name, len(batch))
                reason = f"{type(error).__name__}: {error}"
        raise _Failed(reason)
