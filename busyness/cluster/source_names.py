"""Of which source each camera is: the ingest worker that saves the cameras writes it down, the others read it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

from pydantic import ValidationError

from core.config import Closed
from core.errors import StoreError
from core.records import Identifier
from core.shelf import Shelf, change

log = logging.getLogger(__name__)

FRESH_S = 30.0
_NAME = "sources.json"


class _Sources(Closed):
    """The document."""

    sources: dict[Identifier, str]


class SourceNames:
    """The names on a shelf, kept for a while. One thread reads them."""

    def __init__(self, shelf: Shelf, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._shelf = shelf
        self._monotonic = monotonic
        self._known: Mapping[str, str] = {}
        self._read_at: float | None = None

    def keep(self, names: Mapping[str, str]) -> None:
        """These are the sources of all cameras. Raises `StoreError`."""
        text = _Sources(sources=dict(sorted(names.items()))).model_dump_json()
        found = self._shelf.get(_NAME)
        if found is None or found.text != text:
            change(self._shelf, _NAME, lambda _: text)

    def by_camera(self) -> Mapping[str, str]:
        """The source of every camera; of a while ago where the shelf cannot be read."""
        if self._read_at is None or self._monotonic() >= self._read_at + FRESH_S:
            try:
                found = self._shelf.get(_NAME)
                self._known = {} if found is None else _Sources.model_validate_json(found.text).sources
            except (StoreError, ValidationError) as error:
                log.warning("the sources of cameras could not be read: %s", error)
            self._read_at = self._monotonic()
        return self._known

    def of(self, camera: str) -> str | None:
        """The source of a camera; None where that is not known."""
        return self.by_camera().get(camera)
