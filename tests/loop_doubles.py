"""Stand-ins for the tests of loop feeds: a guest that answers from a table, and whoever keeps what a feed gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.loops import LoopReading
from core.records import Status
from ingest.feed import FetchFailed, Version
from ingest.loop import LoopFeed


def taken(feed: LoopFeed) -> Sequence[LoopReading]:
    """What the feed gives, handed over."""
    readings = feed.readings()
    feed.handed_over()
    return readings


@dataclass(frozen=True)
class Answer:
    content: bytes
    version: Version

    def event_time(self) -> datetime | None:
        return self.version.modified


class Publisher:
    """In the place of a `Guest`: pages by their address, each with its version; what is not there is withdrawn."""

    def __init__(self, pages: Mapping[str, bytes | FetchFailed] | None = None) -> None:
        self.pages: dict[str, bytes | FetchFailed] = dict(pages or {})
        self.modified: dict[str, datetime] = {}
        self.asked: list[str] = []

    def publish(self, url: str, content: str, modified: datetime | None = None) -> None:
        self.pages[url] = content.encode()
        if modified is not None:
            self.modified[url] = modified

    def get(
        self, url: str, *, known: Version | None = None, headers: Mapping[str, str] | None = None, **_: Any
    ) -> Answer | None:
        self.asked.append(url)
        page = self.pages.get(url)
        if page is None:
            raise FetchFailed(f"{url} is not there", status=Status.WITHDRAWN)
        if isinstance(page, FetchFailed):
            raise page
        version = Version(modified=self.modified.get(url))
        return None if version.modified is not None and version.same(known) else Answer(page, version)
