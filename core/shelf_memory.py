"""A shelf of one process: its documents are gone with it."""

from __future__ import annotations

from itertools import count
from threading import Lock

from core.shelf import Document, check_name


class MemoryShelf:
    """Documents in memory. Of no two of them, nor of two states of one, is the version the same."""

    def __init__(self) -> None:
        self._documents: dict[str, Document] = {}
        self._versions = count(1)
        self._lock = Lock()

    def names(self) -> list[str]:
        with self._lock:
            return sorted(self._documents)

    def get(self, name: str) -> Document | None:
        check_name(name)
        return self._documents.get(name)

    def put(self, name: str, text: str, *, version: int | None) -> int | None:
        check_name(name)
        with self._lock:
            if self._version(name) != version:
                return None
            kept = self._documents[name] = Document(text, next(self._versions))
            return kept.version

    def remove(self, name: str, *, version: int) -> bool:
        check_name(name)
        with self._lock:
            if self._version(name) != version:
                return False
            del self._documents[name]
            return True

    def place(self, name: str) -> str:
        return f"{name} in memory"

    def _version(self, name: str) -> int | None:
        document = self._documents.get(name)
        return None if document is None else document.version
