"""A stand-in for `ingest.fetch.guest.Guest` that answers from a table, for what publishers may send wrongly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ingest.feed import FetchFailed, Version
from ingest.fetch.answer import Answer

NOW = datetime(2026, 3, 12, 8, 0, tzinfo=UTC)
FIRST = Version('"1"', NOW)


@dataclass
class AnsweringGuest:
    """Answers each address with the bytes in `table`; what was asked is in `asked`."""

    table: Mapping[str, bytes | FetchFailed]
    content_type: str = "application/json"
    version: Version = FIRST
    asked: list[tuple[str, Version | None, Mapping[str, str]]] = field(default_factory=list)

    def get(self, url: str, *, known: Version | None = None, headers: Mapping[str, str] | None = None) -> Answer | None:
        self.asked.append((url, known, headers or {}))
        found = self.table.get(url, FetchFailed(f"{url} is not there"))
        if isinstance(found, FetchFailed):
            raise found
        return None if self.version.same(known) else Answer(found, self.version, self.content_type, url, NOW, NOW)
