"""Where interventions are registered: one plain JSON document, which people can read, review and mend.

    {"interventions": [{"id": "...", "name": "...", "zones": [...], "start": "2026-05-04T00:00:00Z", ...}]}

It is a file beside the embedded store, and a document of the database of a cluster. It is written whole or not at all,
and read again when it has changed, whoever changed it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from itertools import chain, count
from typing import Protocol, Self

from pydantic import ValidationError, model_validator

from core.config import Closed
from core.errors import AlreadyThere, NotFound, StoreError
from core.interventions import Intervention
from core.shelf import Document, Shelf, change


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


class Registered(Closed):
    """What the document holds."""

    interventions: tuple[Intervention, ...] = ()

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        names = [one.id for one in self.interventions]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"there are two interventions {twice!r}: ids are unique")
        return self


class DocumentRegister:
    """A register in the document `name` of a shelf; it lasts as long as that does."""

    def __init__(self, shelf: Shelf, name: str) -> None:
        self._shelf = shelf
        self._name = name
        self._held: tuple[int, Registered] | None = None

    def all(self) -> tuple[Intervention, ...]:
        """See `InterventionRegister`."""
        return self._parsed(self._shelf.get(self._name)).interventions

    def get(self, name: str) -> Intervention:
        """See `InterventionRegister`."""
        return _known(self.all(), name)

    def add(self, intervention: Intervention) -> None:
        """See `InterventionRegister`."""

        def added(document: Document | None) -> str:
            held = self._parsed(document).interventions
            if any(one.id == intervention.id for one in held):
                raise AlreadyThere(
                    f"there is an intervention {intervention.id!r} already", remedy="give it another id, or remove that"
                )
            return _text(sorted((*held, intervention), key=lambda one: (one.start, one.id)))

        change(self._shelf, self._name, added)

    def remove(self, name: str) -> Intervention:
        """See `InterventionRegister`."""
        struck = self.get(name)

        def removed(document: Document | None) -> str:
            held = self._parsed(document).interventions
            _known(held, name)
            return _text(one for one in held if one.id != name)

        change(self._shelf, self._name, removed)
        return struck

    def _parsed(self, document: Document | None) -> Registered:
        """What the document holds; nothing where there is none."""
        if document is None:
            return Registered()
        if self._held is None or self._held[0] != document.version:
            self._held = document.version, _registered(document.text, self._shelf.place(self._name))
        return self._held[1]


def identifier_of(name: str, start: datetime, register: InterventionRegister) -> str:
    """An id that is free, of a name and a date: `tooley-st-wider-pavement-2026-05-04`. Raises `StoreError`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:80].strip("-") or "intervention"
    wanted = f"{words}-{start:%Y-%m-%d}"
    taken = {one.id for one in register.all()}
    return next(one for one in chain((wanted,), (f"{wanted}-{at}" for at in count(2))) if one not in taken)


def _known(interventions: Iterable[Intervention], name: str) -> Intervention:
    found = next((one for one in interventions if one.id == name), None)
    if found is None:
        raise NotFound(f"there is no intervention {name!r}", remedy="they are listed at /v1/interventions")
    return found


def _text(interventions: Iterable[Intervention]) -> str:
    return Registered(interventions=tuple(interventions)).model_dump_json(indent=2, exclude_none=True) + "\n"


def _registered(text: str, place: str) -> Registered:
    remedy = "mend the file: docs/interventions.md explains it"
    try:
        return Registered.model_validate(json.loads(text))
    except json.JSONDecodeError as error:
        raise StoreError(f"{place}, line {error.lineno}: this is no JSON: {error.msg}", remedy=remedy) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"]) or "the top"
        what = first["msg"].removeprefix("Value error, ")
        raise StoreError(f"{place}: {where}: {what}", remedy=remedy) from error
