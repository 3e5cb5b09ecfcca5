"""The port of small documents that outlive a process: what is known of a camera's views, calibrations, a register.

    get(name) --> text, version --> another text --> put(name, text, version)
     ^                                                  |
     +------- None: another was put there meanwhile ----+            `change` goes round

In memory it is in `core/shelf_memory.py`, as files in `core/shelf_folder.py`, in a cluster's database in
`aggregate/postgres_shelf.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from core.errors import StoreError

NAME_LENGTH = 200


@dataclass(frozen=True)
class Document:
    """A text, and the version that a `put` has to name to take its place.

    Two documents of one name and version have one text. Nothing follows from which of two versions is the larger.
    """

    text: str
    version: int


class Shelf(Protocol):
    """Documents by name, each whole or not at all. Any number of threads and processes may use it at once.

    A name is one that a file may have, of at most `NAME_LENGTH` bytes and not hidden; a text is any Unicode without a
    NUL. Every method raises `StoreError`.
    """

    def names(self) -> list[str]:
        """What there is, in order."""
        ...

    def get(self, name: str) -> Document | None:
        """The document of this name as it is now; None where there is none."""
        ...

    def put(self, name: str, text: str, *, version: int | None) -> int | None:
        """Keep a document, durably, in the place of the one of this version; None: there must be none.

        Returns its own version, which is never zero; None where another was put there meanwhile: then nothing has
        changed.
        """
        ...

    def remove(self, name: str, *, version: int) -> bool:
        """Take the document of this version away; False where it is another by now, or gone."""
        ...

    def place(self, name: str) -> str:
        """Where the document of this name is, or would be, in words for an operator: the path of its file."""
        ...


def change(shelf: Shelf, name: str, step: Callable[[Document | None], str]) -> None:
    """Put in the place of a document what `step` makes of it; where another was put there meanwhile, of that one.

    Raises `StoreError`, and what `step` raises: then nothing has changed.
    """
    kept = None
    while kept is None:
        document = shelf.get(name)
        kept = shelf.put(name, step(document), version=None if document is None else document.version)


def check_name(name: str) -> None:
    """Raises `StoreError` for what no document may be called, on whatever shelf."""
    long = len(name.encode(errors="surrogateescape")) > NAME_LENGTH
    if not name or long or name.startswith(".") or "/" in name or "\0" in name:
        raise StoreError(
            f"no document can be called {name[:NAME_LENGTH]!r}",
            remedy=f"a name is of 1 to {NAME_LENGTH} bytes, without a dot at its start and without a slash",
        )
