"""What every doubled host has in common: it routes, counts requests against its limit, and answers conditionally."""

from __future__ import annotations

import gzip
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any, Protocol

from feed_double.faults import Fault, FaultKind, FaultPlan, PathClass
from feed_double.http11 import Reply, Request
from feed_double.publishing import Edition, Publisher

METRES_PER_DEGREE = 111_320.0
CONTENT_TYPES = {"mp4": "video/mp4", "jpg": "image/jpeg"}


@dataclass(frozen=True)
class Route:
    """Where a request leads: the class of its path, and the camera and form it is for."""

    on: PathClass
    camera: str | None = None
    form: str = ""


class Host(Protocol):
    """One server of a publisher."""

    name: str

    def route(self, request: Request) -> Route: ...

    def answer(self, request: Request, route: Route, moment: Moment) -> Reply:
        """The honest answer, as the publisher gives it."""
        ...

    def limit(self, request: Request, published: float | None) -> float | None:
        """Requests a minute that this client may make; None for any number."""
        ...


@dataclass(frozen=True)
class Moment:
    """Now, by the double's clock, and in seconds since it started."""

    now: datetime
    at_s: float


@dataclass
class Quota:
    """Requests of the last minute of feed time."""

    seen: deque[datetime] = field(default_factory=deque)

    def over(self, now: datetime, per_minute: float | None) -> float | None:
        """Count a request; seconds to wait where it is one too many, None where it is not."""
        while self.seen and self.seen[0] <= now - timedelta(minutes=1):
            self.seen.popleft()
        self.seen.append(now)
        if per_minute is None or len(self.seen) <= per_minute:
            return None
        return max(1.0, (self.seen[0] + timedelta(minutes=1) - now).total_seconds())


LONG_AGO = datetime.min.replace(tzinfo=UTC)
CROSSING = timedelta(seconds=1)
"""A request that comes so soon after a `Retry-After` may have been on its way before that could be read."""


@dataclass
class Retreat:
    """How long a host has asked to be left alone, by the `Retry-After` of its own answers."""

    asked_at: datetime = LONG_AGO
    until: datetime = LONG_AGO

    def broken(self, now: datetime) -> bool:
        """Whether a request that comes now comes too early."""
        return self.asked_at + CROSSING < now < self.until

    def answered(self, reply: Reply, now: datetime) -> None:
        """Note what an answer asks for; one that asks for nothing takes nothing back."""
        wait = reply.headers.get("Retry-After")
        if wait is None:
            return
        until = now + timedelta(seconds=int(wait)) if wait.isdigit() else parsedate_to_datetime(wait)
        if now >= self.until:  # who is told again while the host is to be left alone has known it since the first time
            self.asked_at = now
        self.until = max(self.until, until)


def http_date(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC).replace(microsecond=0), usegmt=True)


def media(
    request: Request, route: Route, publisher: Publisher, moment: Moment, headers: Mapping[str, str]
) -> Reply | None:
    """The current medium of a camera, or 304 where the client has it already; None where there is no such thing."""
    camera = route.camera or ""
    edition = publisher.current(camera, moment.at_s)
    medium = edition.medium(route.form) if edition else None
    if edition is None or medium is None:
        return None
    version = {
        "Date": http_date(moment.now),
        "Last-Modified": http_date(shown_modified(publisher.plan, camera, edition, moment.at_s)),
        "ETag": edition.etag(route.form),
        "Accept-Ranges": "bytes",
        **headers,
    }
    if has_it(request, edition.etag(route.form), edition.modified):
        return Reply(304, version)
    typed = {**version, "Content-Type": CONTENT_TYPES[route.form]}
    return Reply(200, typed, medium.body, version=(camera, route.form, edition.number))


def shown_modified(plan: FaultPlan, camera: str, edition: Edition, at_s: float) -> datetime:
    """When the publisher says that an edition was made: wrong, in lists too, under a skewed clock."""
    fault = plan.answer(camera, PathClass.MEDIA, at_s)
    if fault is None or fault.kind not in (FaultKind.SKEWED, FaultKind.SKEWED_MODIFIED):
        return edition.modified
    return edition.modified + timedelta(hours=fault.parameters.get("hours", 5))


def moved_lat(lat: float, moves: Fault) -> float:
    """The latitude of a camera that is said to be elsewhere: degrees, to about a metre."""
    return round(lat + moves.parameters.get("metres", 300) / METRES_PER_DEGREE, 5)


def has_it(request: Request, etag: str, modified: datetime) -> bool:
    """RFC 9110, 13.2.2: If-None-Match decides where it is given, else If-Modified-Since."""
    known = request.headers.get("if-none-match")
    if known is not None:
        return known == "*" or etag in [tag.strip().removeprefix("W/") for tag in known.split(",")]
    since = request.headers.get("if-modified-since")
    try:
        return since is not None and modified <= parsedate_to_datetime(since)
    except ValueError:
        return False


def json_reply(request: Request, document: Any, headers: Mapping[str, str], content_type: str) -> Reply:
    """A document as JSON, compressed where the client takes it."""
    body = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    typed = {**headers, "Content-Type": content_type, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Reply(200, {**typed, "Content-Encoding": "gzip"}, gzip.compress(body, 1))
    return Reply(200, typed, body)
