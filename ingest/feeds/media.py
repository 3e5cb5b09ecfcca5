"""A clip or still over HTTP: asked for only where it has changed, and not taken for one where it is a page."""

from __future__ import annotations

from collections.abc import Mapping

from ingest.feed import FetchFailed, Media, Version
from ingest.fetch.guard import shown
from ingest.fetch.guest import Guest
from ingest.header import HEAD_BYTES, recognise

_WORDS = ("text/", "application/json", "application/xml", "application/xhtml")


def fetch_media(
    guest: Guest, location: str, known: Version | None, headers: Mapping[str, str] | None = None
) -> Media | None:
    """What lies at `location`; None where the publisher says that it is still the version `known`.

    Its event time is when the publisher wrote it (Last-Modified), by this machine's clock. Raises `FetchFailed`, also
    for an answer without bytes, and for one that says of itself that it is text and does not begin like a picture:
    publishers send a page that says sorry with status 200.
    """
    answer = guest.get(location, known=known, headers=headers or {})
    if answer is None:
        return None
    if not answer.content:
        raise FetchFailed(
            f"{shown(location)} is empty", remedy="A running installation fetches it again when it is due"
        )
    kind = (answer.content_type or "").lower()
    if kind.startswith(_WORDS) and recognise(answer.content[:HEAD_BYTES]) is None:
        raise FetchFailed(
            f"{shown(location)} is {kind.partition(';')[0]} and not a clip or still",
            remedy="Open the address to see what is there",
        )
    return Media(answer.content, answer.event_time(), answer.version)
