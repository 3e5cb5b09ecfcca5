"""A shelf of one machine: a folder, in which a document is the file of its name.

    london.views/06710.json        a document
    london.views/.06710.json.new   what is to take its place, until it is whole
    london.views/.lock             held by whoever changes one

People may read the files and mend them by hand: the version of a document is a hash of its bytes, so what they have
written is another one. To put the very text there that is there already changes nothing, and its version stays.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from core.errors import StoreError
from core.shelf import Document, check_name

_VERSION_BYTES = 7  # as many as are a positive integer in every database


class FolderShelf:
    """The files of `folder`, which is made for the first of them; those of hidden names are none of its documents."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        try:
            with os.scandir(self._folder) as entries:
                return sorted(entry.name for entry in entries if not entry.name.startswith(".") and entry.is_file())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreError(f"the folder {self._folder} cannot be read: {_told(error)}", remedy=_RIGHTS) from error

    def get(self, name: str) -> Document | None:
        content = self._content(name)
        if content is None:
            return None
        # Whoever wrote another encoding into it is told what is wrong with the text, not with its bytes.
        return Document(content.decode(errors="surrogateescape"), _version(content))

    def put(self, name: str, text: str, *, version: int | None) -> int | None:
        check_name(name)
        content = text.encode(errors="surrogateescape")
        with self._alone(name):
            if self._version(name) != version:
                return None
            self._replace(name, content)
        return _version(content)

    def remove(self, name: str, *, version: int) -> bool:
        check_name(name)
        with self._alone(name):
            if self._version(name) != version:
                return False
            self._path(name).unlink(missing_ok=True)
            self._settle()
            return True

    def place(self, name: str) -> str:
        return str(self._path(name))

    def _path(self, name: str) -> Path:
        check_name(name)
        return self._folder / name

    def _content(self, name: str) -> bytes | None:
        path = self._path(name)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {_told(error)}", remedy=_RIGHTS) from error

    def _version(self, name: str) -> int | None:
        content = self._content(name)
        return None if content is None else _version(content)

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """While no other thread or process changes a document; what goes wrong with the files is told of `name`."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with (self._folder / ".lock").open("ab") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            remedy = "check the folder, its rights and its room"
            raise StoreError(f"{self.place(name)} cannot be written: {_told(error)}", remedy=remedy) from error

    def _replace(self, name: str, content: bytes) -> None:
        fresh = self._folder / f".{name}.new"
        try:
            with fresh.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path(name))
        except OSError:
            fresh.unlink(missing_ok=True)
            raise
        self._settle()

    def _settle(self) -> None:
        """Returns when the names in the folder are durable."""
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


_RIGHTS = "check the folder and its rights"


def _version(content: bytes) -> int:
    return int.from_bytes(sha256(content).digest()[:_VERSION_BYTES])


def _told(error: OSError) -> str:
    return error.strerror or str(error)
