"""What loop feeds have in common whose publisher writes files: on this machine, or at dated addresses."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Protocol

from core.errors import ConfigError
from core.loops import LoopCounter, LoopReading
from ingest.fetch.guest import Guest
from ingest.loop import LeftOut
from ingest.loops.files import Sheet
from ingest.loops.gathering import Gathering

log = logging.getLogger(__name__)


class Sheets(Protocol):
    """Where files come from: a shelf on this machine, or a publisher."""

    def changed(self) -> Iterable[Sheet | LeftOut]:
        """The files that are new or changed since they were handed over, oldest first. Raises `FetchFailed`."""
        ...

    def handed_over(self) -> None:
        """What `changed` gave last is durable."""
        ...

    def forget(self) -> None:
        """No file has been handed over."""
        ...


class FileFeed(ABC):
    """A `LoopFeed` that reads files; what it makes of one, an adapter says in `_read`.

    `no_counters` is what a table of positions could not use: it stays left out.
    """

    fleeting = False

    def __init__(self, name: str, poll_s: float, sheets: Sheets, no_counters: Sequence[LeftOut] = ()) -> None:
        self.name = name
        self.poll_s = poll_s
        self._sheets = sheets
        self._no_counters = tuple(no_counters)
        self._left_out: Sequence[LeftOut] = self._no_counters

    @abstractmethod
    def counters(self) -> Sequence[LoopCounter]:
        """See `LoopFeed`."""

    @abstractmethod
    def _read(self, sheet: Sheet, gathering: Gathering) -> None:
        """Take the readings of one file, and leave out what is none with the reason."""

    def readings(self) -> Sequence[LoopReading]:
        """See `LoopFeed`."""
        gathering = Gathering()
        for sheet in self._sheets.changed():
            if isinstance(sheet, LeftOut):
                gathering.leave_out(sheet.place, sheet.reason)
            elif not sheet.content.strip():
                gathering.leave_out(sheet.place, "is empty")
            else:
                self._read_or_say(sheet, gathering)
        self._left_out = (*self._no_counters, *gathering.left_out())
        return gathering.readings()

    def handed_over(self) -> None:
        """See `LoopFeed`."""
        self._sheets.handed_over()

    def forget(self) -> None:
        """See `LoopFeed`."""
        self._sheets.forget()

    @property
    def left_out(self) -> Sequence[LeftOut]:
        """See `LoopFeed`."""
        return self._left_out

    def _read_or_say(self, sheet: Sheet, gathering: Gathering) -> None:
        try:
            self._read(sheet, gathering)
        except Exception as error:  # an adapter's mistake with one file must not keep all others back for good
            log.exception("loop feed %s, %s: a fault of this program", self.name, sheet.place)
            gathering.leave_out(sheet.place, f"a fault of this program: {type(error).__name__}")


def with_guest(guest: Guest | None, name: str) -> Guest:
    """The guest, which a feed that has addresses needs. Raises `ConfigError` without one."""
    if guest is None:
        raise ConfigError(f"loop feed {name} has addresses, and was given no guest to ask them")
    return guest
