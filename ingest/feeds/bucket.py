"""The listing of a public bucket: what it holds, page by page (Amazon S3, ListObjects version 1).

XML can name entities that grow without bound, or that are files of the reader. All of that is declared in a document
type, which a listing does not have: one that brings any is refused before a character of it is read. What is left,
expat reads in one pass with no recursion, and the answer's size is bounded by who fetched it. So the standard library
is enough, and `defusedxml`, which refuses the same declarations, is not needed.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlencode
from xml.parsers import expat

from ingest.feed import FetchFailed, Version
from ingest.fetch.answer import readable_etag
from ingest.fetch.guard import shown
from ingest.fetch.guest import Guest

log = logging.getLogger(__name__)

KEY_LENGTH = 1024
"""The longest key of an object, in bytes, and the most that is read of any field."""

_FIELDS = frozenset(("Key", "LastModified", "ETag"))


@dataclass(frozen=True)
class Page:
    """One answer: the version of each key, in the publisher's order, and after which key the next one goes on."""

    objects: Mapping[str, Version]
    next_marker: str | None


def list_bucket(guest: Guest, bucket: str, *, most_pages: int) -> Mapping[str, Version]:
    """Every key of a bucket with its version. Raises `FetchFailed`; half a listing is none.

    Keys come in order, at most 1,000 a page. A listing without a delimiter does not say where it goes on
    (`NextMarker`): after its last key. https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html
    """
    objects: dict[str, Version] = {}
    marker, what = "", shown(bucket)
    further = f"{bucket}{'&' if '?' in bucket else '?'}"
    for _ in range(most_pages):
        answer = guest.get(further + urlencode({"marker": marker}) if marker else bucket)
        page = parse_page(answer.content if answer else b"", what)
        objects.update(page.objects)
        if page.next_marker is None:
            return objects
        if page.next_marker <= marker:
            raise FetchFailed(
                f"the listing of {what} goes round in circles: after {marker!r} it goes on with {page.next_marker!r}",
                remedy="Leave `bucket` out to ask each camera by itself",
            )
        marker = page.next_marker
    raise FetchFailed(
        f"the listing of {what} has more than {most_pages} pages", remedy="Is this the bucket of the cameras?"
    )


def parse_page(content: bytes, what: str) -> Page:
    """Read one answer. Raises `FetchFailed` for one that is no listing, is cut off, or declares a document type."""
    reading = _Reading()
    parser = expat.ParserCreate("utf-8")  # whatever it declares itself to be
    parser.StartDoctypeDeclHandler = reading.refuse
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = reading.characters
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, _NotAListing) as error:
        raise FetchFailed(
            f"the listing of {what} cannot be read: {error}", remedy="Leave `bucket` out to ask each camera by itself"
        ) from error
    if reading.unreadable:
        log.warning(
            "%s: %d objects have no time that can be read, as %s", what, len(reading.unreadable), reading.unreadable[0]
        )
    if not reading.truncated:
        return Page(reading.objects, None)
    if not reading.last_key:
        raise FetchFailed(f"the listing of {what} says that it goes on, after no key", remedy="Ask again later")
    return Page(reading.objects, reading.next_marker or reading.last_key)


class _NotAListing(Exception):
    """What was sent is something else."""


@dataclass
class _Reading:
    """What has been read so far of a page."""

    objects: dict[str, Version] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)
    truncated: bool = False
    next_marker: str = ""
    last_key: str = ""
    _path: list[str] = field(default_factory=list)
    _text: str = ""
    _object: dict[str, str] = field(default_factory=dict)

    def refuse(self, *_: object) -> None:
        raise _NotAListing("it declares a document type, which no listing does")

    def start(self, name: str, _: Mapping[str, str]) -> None:
        if not self._path and name != "ListBucketResult":
            raise _NotAListing(f"it is a document of kind {name[:60]!r}")
        self._path.append(name)
        self._text = ""
        if self._path == ["ListBucketResult", "Contents"]:
            self._object = {}

    def characters(self, text: str) -> None:
        if len(self._text) < KEY_LENGTH:
            self._text += text[: KEY_LENGTH - len(self._text)]

    def end(self, name: str) -> None:
        self._path.pop()
        if self._path == ["ListBucketResult", "Contents"] and name in _FIELDS:
            self._object[name] = self._text.strip()
        elif self._path == ["ListBucketResult"]:
            self._top(name)
        self._text = ""

    def _top(self, name: str) -> None:
        if name == "Contents":
            self._keep()
        elif name == "IsTruncated":
            self.truncated = self._text.strip().lower() == "true"
        elif name == "NextMarker":
            self.next_marker = self._text.strip()

    def _keep(self) -> None:
        key = self._object.get("Key", "")
        if not key:
            return
        self.last_key = key
        etag, modified = readable_etag(self._object.get("ETag")), _moment(self._object.get("LastModified", ""))
        if etag is None and modified is None:
            self.unreadable.append(key)
        else:
            self.objects[key] = Version(etag, modified)


def _moment(written: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(written)
        return moment.astimezone(UTC) if moment.utcoffset() is not None else None
    except (ValueError, OverflowError):  # no time, or one that is in no year in UTC
        return None
