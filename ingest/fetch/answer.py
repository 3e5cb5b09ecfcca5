"""What a publisher answered, and what it says of the time and the version of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from ingest.feed import Version
from ingest.fetch.offsets import in_minutes
from ingest.fetch.retry import http_date

_ETAG = re.compile(r"[\x21-\x7e]{1,200}")
_AGE = re.compile(r"[0-9]{1,6}")
_TYPE_LENGTH = 200


@dataclass(frozen=True, repr=False)
class Answer:
    """An answer: `content` unpacked, `url` the address it came from after redirects.

    `server_time` is what the publisher's clock showed when it answered (a cache's `Age` is added to its `Date`), None
    where it does not say; `received_at` what this machine's clock showed then. `ahead` is how far the publisher's clock
    is taken to be ahead, in whole minutes: by this answer alone where it is None, and by what a guest knows of the host
    from the answers before (`ingest.fetch.offsets`).
    """

    content: bytes
    version: Version
    content_type: str | None
    url: str
    server_time: datetime | None
    received_at: datetime
    ahead: timedelta | None = None

    def event_time(self) -> datetime | None:
        """When the content was made, in UTC by this machine's clock; None where the publisher does not say.

        It is what the publisher wrote, less the difference between the two clocks in whole minutes, so that it is the
        same at each fetch of the same version: a `Date` has whole seconds, and an answer takes its time.
        """
        modified, ahead = self.version.modified, self.ahead
        if ahead is None:
            ahead = timedelta(0) if self.server_time is None else in_minutes(self.server_time - self.received_at)
        try:
            return None if modified is None else modified - ahead
        except OverflowError:  # made before the first year, or after the last one
            return None


def read_answer(headers: Mapping[str, str], content: bytes, url: str, received_at: datetime) -> Answer:
    """An answer from its headers (names in lower case); what cannot be read of them is as if it were not there."""
    content_type = headers.get("content-type")
    return Answer(
        content=content,
        version=Version(readable_etag(headers.get("etag")), http_date(headers.get("last-modified"))),
        content_type=content_type[:_TYPE_LENGTH] if content_type and content_type.isprintable() else None,
        url=url,
        server_time=server_time(headers),
        received_at=received_at,
    )


def readable_etag(text: str | None) -> str | None:
    """A publisher's name of a version; None for one that is too long to be kept (over 200 characters), or no name."""
    return text if text and _ETAG.fullmatch(text) else None


def server_time(headers: Mapping[str, str]) -> datetime | None:
    """What the publisher's clock showed when this answer left, its own or a cache's; None where it does not say."""
    date, age = http_date(headers.get("date")), headers.get("age")
    if date is None or age is None or not _AGE.fullmatch(age):
        return date
    try:
        return date + timedelta(seconds=int(age))
    except OverflowError:
        return None


def conditions(known: Version | None) -> dict[str, str]:
    """The headers that ask only for what is not the version `known`."""
    if known is None:
        return {}
    asked = {}
    if known.etag is not None:
        asked["If-None-Match"] = known.etag
    if known.modified is not None:
        asked["If-Modified-Since"] = format_datetime(known.modified.astimezone(UTC), usegmt=True)
    return asked
