"""What a publisher answered, and what it says of the time and the version of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from ingest.feed import Version
from ingest.fetch.retry import http_date

_ETAG = re.compile(r"[\x21-\x7e]{1,200}")
_AGE = re.compile(r"[0-9]{1,6}")
_TYPE_LENGTH = 200


@dataclass(frozen=True, repr=False)
class Answer:
    """An answer: `content` unpacked, `url` the address it came from after redirects.

    `server_time` is what the publisher's clock showed when it answered (a cache's `Age` is added to its `Date`), None
    where it does not say; `received_at` what this machine's clock showed then.
    """

    content: bytes
    version: Version
    content_type: str | None
    url: str
    server_time: datetime | None
    received_at: datetime

    def event_time(self) -> datetime | None:
        """When the content was made, in UTC by this machine's clock; None where the publisher does not say.

        It is what the publisher wrote, less the difference between the two clocks in whole minutes, so that it is the
        same at each fetch of the same version: a `Date` has whole seconds, and an answer takes its time. Clocks that
        are no further apart than half a minute are taken for one.
        """
        modified = self.version.modified
        if modified is None or self.server_time is None:
            return modified
        ahead_min = round((self.server_time - self.received_at) / timedelta(minutes=1))
        try:
            return modified - timedelta(minutes=ahead_min)
        except OverflowError:  # made before the first year, or after the last one
            return None


def read_answer(headers: Mapping[str, str], content: bytes, url: str, received_at: datetime) -> Answer:
    """An answer from its headers (names in lower case); what cannot be read of them is as if it were not there."""
    etag = headers.get("etag")
    content_type = headers.get("content-type")
    return Answer(
        content=content,
        version=Version(etag if etag and _ETAG.fullmatch(etag) else None, http_date(headers.get("last-modified"))),
        content_type=content_type[:_TYPE_LENGTH] if content_type and content_type.isprintable() else None,
        url=url,
        server_time=server_time(headers),
        received_at=received_at,
    )


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
