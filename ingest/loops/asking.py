"""Asking publishers: files that they add as time passes, which of them and which of them again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TypeGuard

from core.clock import Clock
from core.records import Status
from ingest.feed import FetchFailed, Version
from ingest.fetch.guard import shown
from ingest.fetch.guest import Guest
from ingest.loop import LeftOut
from ingest.loops.files import Sheet

MOST_AT_ONCE = 60
"""Files asked for in one go; the others wait for the next poll, the newest first."""


@dataclass(frozen=True)
class _Asked:
    """When a file was asked for last, and which version of it is known: none where it was not there."""

    at: datetime
    version: Version | None = None
    content: bytes | None = None  # a hash: not every publisher names versions


class DatedFiles:
    """The files of the last hours: each is asked for once its time is over, until it is there, then at twice its age.

    So a file that comes late is had soon after it comes, one that is changed hours later is noticed, and a publisher of
    minute files gets about eight requests a minute for three hours of looking back, most of them answered "unchanged".
    """

    def __init__(
        self,
        guest: Guest,
        clock: Clock,
        *,
        spans: Callable[[datetime], Iterable[tuple[str, datetime]]],
        poll_s: float,
        late: timedelta = timedelta(minutes=10),
    ) -> None:
        """`spans` gives, for now, the address of every file that is asked for and the end of its time, newest first.

        A file that is not there `late` after its end is told as missing; before, it has not come yet.
        """
        self._guest = guest
        self._clock = clock
        self._spans = spans
        self._poll_s = poll_s
        self._late = late
        self._asked: dict[str, _Asked] = {}
        self._offered: dict[str, _Asked] = {}

    def changed(self) -> Iterator[Sheet | LeftOut]:
        """The files that are new or changed, oldest first. Raises `FetchFailed` where none of them could be had."""
        now = self._clock.now()
        self._offered = {}
        wanted = dict(self._spans(now))
        self._asked = {address: asked for address, asked in self._asked.items() if address in wanted}
        due = [address for address, end in wanted.items() if self._is_due(address, end, now)][:MOST_AT_ONCE]
        answered = False
        failure: FetchFailed | None = None
        for address in reversed(due):
            known = self._asked.get(address, _Asked(now))
            try:
                answer = self._guest.get(address, known=known.version)
            except FetchFailed as error:
                self._asked[address] = replace(known, at=now)
                if error.status is Status.WITHDRAWN and now - wanted[address] < self._late:
                    answered = True
                    continue
                failure = error
                if error.retry_after_s is not None:
                    break
                yield LeftOut(shown(address), error.message)
                continue
            answered = True
            if answer is None:
                self._asked[address] = replace(known, at=now)
                continue
            content = sha256(answer.content).digest()
            if content == known.content:
                self._asked[address] = _Asked(now, answer.version, content)
            else:
                self._offered[address] = _Asked(now, answer.version, content)
                yield Sheet(shown(address), answer.content, answer.event_time())
        if failure is not None and not answered:
            raise failure

    def handed_over(self) -> None:
        """What `changed` gave is not given again, unless it changes; until then it is due."""
        self._asked |= self._offered

    def forget(self) -> None:
        """Every file is asked for again, whatever version was known."""
        self._asked, self._offered = {}, {}

    def _is_due(self, address: str, end: datetime, now: datetime) -> bool:
        asked = self._asked.get(address)
        if asked is None:
            return True
        awaited = asked.content is None and now - end < self._late
        pause_s = self._poll_s if awaited else max(self._poll_s, (asked.at - end).total_seconds())
        return now - asked.at >= timedelta(seconds=pause_s - 1)


def is_number(number: object) -> TypeGuard[int]:
    """Whether it is a number that a station or counter can have."""
    return isinstance(number, int) and not isinstance(number, bool) and 0 < number < 10**9
