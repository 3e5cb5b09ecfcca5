"""What loop feeds have in common whose publisher writes files: on this machine, or at dated addresses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Protocol

from core.errors import ConfigError
from core.loops import LoopCounter, LoopReading
from ingest.fetch.guest import Guest
from ingest.loop import LeftOut
from ingest.loops.files import Sheet
from ingest.loops.gathering import Gathering


class Sheets(Protocol):
    """Where files come from: a shelf on this machine, or a publisher."""

    def changed(self) -> Iterable[Sheet | LeftOut]:
        """The files that are new or changed, oldest first. Raises `FetchFailed`."""
        ...


class FileFeed(ABC):
    """A `LoopFeed` that reads files; what it makes of one, an adapter says in `_read`.

    `no_counters` is what a table of positions could not use: it stays left out.
    """

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
            else:
                self._read(sheet, gathering)
        self._left_out = (*self._no_counters, *gathering.left_out())
        return gathering.readings()

    @property
    def left_out(self) -> Sequence[LeftOut]:
        """See `LoopFeed`."""
        return self._left_out


def with_guest(guest: Guest | None, name: str) -> Guest:
    """The guest, which a feed that has addresses needs. Raises `ConfigError` without one."""
    if guest is None:
        raise ConfigError(f"loop feed {name} has addresses, and was given no guest to ask them")
    return guest
