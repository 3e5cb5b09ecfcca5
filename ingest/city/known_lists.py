"""What each publisher listed last, kept for when its list cannot be had: at a start, or with changed settings."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from pydantic import ValidationError

from core.config import Closed
from core.errors import StoreError
from core.shelf import Shelf
from ingest.feed import ListedCamera

log = logging.getLogger(__name__)

SHELF = "lists"


class _List(Closed):
    """The document: the cameras as they were listed, with the addresses of their media, and which were asked for."""

    choice: str = ""
    cameras: tuple[ListedCamera, ...]


class KnownLists:
    """The lists, by the names of their sources. Safe between threads and processes: all of them keep the same lists.

    `choice` is which cameras of a source were wanted. A list of another choice is none: in it may stand what somebody
    has since decided not to watch.

    A shelf that is away is said in the log: where lists can be had, they are had without it.
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def keep(self, source: str, choice: str, listed: Sequence[ListedCamera]) -> None:
        """This is the list of now. One without cameras is not kept: there is nothing in it to go on with."""
        if not listed:
            return
        text = _List(choice=choice, cameras=tuple(listed)).model_dump_json(exclude_defaults=True)
        try:
            kept = self._shelf.get(_name(source))
            if kept is None or kept.text != text:
                # Where another process was faster it has kept the list of this moment, too.
                self._shelf.put(_name(source), text, version=None if kept is None else kept.version)
        except StoreError as error:
            log.warning("%s: its list of cameras could not be kept: %s", source, error)

    def of(self, source: str, choice: str) -> Sequence[ListedCamera]:
        """The list that was kept last; empty where there is none of this choice, or none that can be read."""
        try:
            kept = self._shelf.get(_name(source))
            before = None if kept is None else _List.model_validate_json(kept.text)
            return before.cameras if before is not None and before.choice == choice else ()
        except StoreError as error:
            why = str(error)
        except ValidationError as error:
            why = str(error).splitlines()[0]
        log.warning("%s: its list of cameras of before cannot be read: %s", source, why)
        return ()


def _name(source: str) -> str:
    return f"{source}.json"
