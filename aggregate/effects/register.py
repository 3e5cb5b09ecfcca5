"""Where interventions are registered: one plain JSON file, which people can read, review and mend.

    {"interventions": [{"id": "...", "name": "...", "zones": [...], "start": "2026-05-04T00:00:00Z", ...}]}

It is written whole or not at all, and read again when it has changed, whoever changed it.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import chain, count
from pathlib import Path
from threading import Lock
from typing import Protocol, Self

from pydantic import ValidationError, model_validator

from core.config import Closed
from core.errors import AlreadyThere, NotFound, StoreError
from core.interventions import Intervention


class InterventionRegister(Protocol):
    """Knows what was changed in the streets. Any number of threads may ask and change it."""

    def all(self) -> tuple[Intervention, ...]:
        """Every intervention, by start and id. Raises `StoreError`."""
        ...

    def get(self, name: str) -> Intervention:
        """The one of this id. Raises `NotFound`, `StoreError`."""
        ...

    def add(self, intervention: Intervention) -> None:
        """Keep one more; durable on return. Raises `AlreadyThere` where its id is taken, `StoreError`."""
        ...

    def remove(self, name: str) -> Intervention:
        """Strike the one of this id, and return it. Raises `NotFound`, `StoreError`."""
        ...


class RegisterFile(Closed):
    """What the file holds."""

    interventions: tuple[Intervention, ...] = ()

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        names = [one.id for one in self.interventions]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"there are two interventions {twice!r}: ids are unique")
        return self


class FileRegister:
    """A register in the file at `path`; without one it is in memory, and gone with it."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = Lock()
        self._held = RegisterFile()
        self._state: tuple[int, int, int] | None = None

    def all(self) -> tuple[Intervention, ...]:
        """See `InterventionRegister`."""
        with self._lock:
            return self._read().interventions

    def get(self, name: str) -> Intervention:
        """See `InterventionRegister`."""
        found = next((one for one in self.all() if one.id == name), None)
        if found is None:
            raise NotFound(f"there is no intervention {name!r}", remedy="they are listed at /v1/interventions")
        return found

    def add(self, intervention: Intervention) -> None:
        """See `InterventionRegister`."""
        with self._changing() as held:
            if any(one.id == intervention.id for one in held.interventions):
                raise AlreadyThere(
                    f"there is an intervention {intervention.id!r} already", remedy="give it another id, or remove that"
                )
            kept = sorted((*held.interventions, intervention), key=lambda one: (one.start, one.id))
            self._write(RegisterFile(interventions=tuple(kept)))

    def remove(self, name: str) -> Intervention:
        """See `InterventionRegister`."""
        struck = self.get(name)
        with self._changing() as held:
            self._write(RegisterFile(interventions=tuple(one for one in held.interventions if one.id != name)))
        return struck

    @contextmanager
    def _changing(self) -> Iterator[RegisterFile]:
        """What is registered, while no other thread or process changes it: the command and the service may both."""
        with self._lock, self._alone():
            yield self._read()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if self._path is None:
            yield
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            lock = self._path.with_name(f".{self._path.name}.lock").open("a")
        except OSError as error:
            raise self._unwritable(error) from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _read(self) -> RegisterFile:
        """What the file holds now; nothing where there is none."""
        if self._path is None:
            return self._held
        try:
            found = self._path.stat()
            state = (found.st_mtime_ns, found.st_size, found.st_ino)
            if state != self._state:
                self._held, self._state = _parsed(self._path), state
        except FileNotFoundError:
            self._held, self._state = RegisterFile(), None
        except OSError as error:
            raise StoreError(f"the register of interventions {self._path} cannot be read: {error.strerror}") from error
        return self._held

    def _write(self, held: RegisterFile) -> None:
        if self._path is None:
            self._held = held
            return
        fresh = self._path.with_name(f".{self._path.name}.{os.getpid()}.new")
        try:
            try:
                with fresh.open("w", encoding="utf-8") as file:
                    file.write(held.model_dump_json(indent=2, exclude_none=True) + "\n")
                    file.flush()
                    os.fsync(file.fileno())
                fresh.replace(self._path)
            finally:
                fresh.unlink(missing_ok=True)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> StoreError:
        return StoreError(
            f"the register of interventions {self._path} cannot be written: {error.strerror}",
            remedy="check the folder, its rights and its room",
        )


def identifier_of(name: str, start: datetime, register: InterventionRegister) -> str:
    """An id that is free, of a name and a date: `tooley-st-wider-pavement-2026-05-04`. Raises `StoreError`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:80].strip("-") or "intervention"
    wanted = f"{words}-{start:%Y-%m-%d}"
    taken = {one.id for one in register.all()}
    return next(one for one in chain((wanted,), (f"{wanted}-{at}" for at in count(2))) if one not in taken)


def _parsed(path: Path) -> RegisterFile:
    text = path.read_text(encoding="utf-8", errors="replace")
    remedy = "mend the file: docs/interventions.md explains it"
    try:
        return RegisterFile.model_validate(json.loads(text))
    except json.JSONDecodeError as error:
        raise StoreError(f"{path}, line {error.lineno}: this is no JSON: {error.msg}", remedy=remedy) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"]) or "the top"
        what = first["msg"].removeprefix("Value error, ")
        raise StoreError(f"{path}: {where}: {what}", remedy=remedy) from error
