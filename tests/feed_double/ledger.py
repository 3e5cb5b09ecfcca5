"""The double's memory: everything that it published, and every request that it saw.

By it a benchmark can say that each clip that could be had was accounted for once, and how often a host was asked.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class PublishedVersion:
    """One version of a camera's clip or still: available in the half-open [published_at, replaced_at).

    `content` is the hash of its bytes as `CountObservation.content`, `modified` what Last-Modified says of it, `fault`
    the content fault that it carries. `served` is how often it was given whole, `first_served_at` when for the first
    time; both are empty where nobody came for it.
    """

    camera: str
    number: int
    form: str
    content: str
    size: int
    published_at: datetime
    modified: datetime
    fault: str | None
    replaced_at: datetime | None = None
    first_served_at: datetime | None = None
    served: int = 0


@dataclass(frozen=True)
class SeenRequest:
    """One request: the `status` and the `fault` that was played, and what the client said that it has (`known`).

    `over_limit`: it was one too many in its minute. `too_early`: the host had asked to be left alone, and for longer.
    `at_once`: how many requests were under way at this host, this one included.
    """

    at: datetime
    host: str
    on: str
    camera: str | None
    path: str
    status: int
    fault: str | None
    known: str | None
    over_limit: bool
    too_early: bool
    at_once: int
    version: int | None


class Ledger:
    """Filled by the double's thread, read by any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._versions: dict[tuple[str, str, int], PublishedVersion] = {}
        self._requests: list[SeenRequest] = []
        self._forbidden: Counter[str] = Counter()

    def published(self, version: PublishedVersion) -> None:
        """A new version, which replaces the one before it."""
        with self._lock:
            before = (version.camera, version.form, version.number - 1)
            if before in self._versions:
                self._versions[before] = replace(self._versions[before], replaced_at=version.published_at)
            self._versions[(version.camera, version.form, version.number)] = version

    def served(self, camera: str, form: str, number: int, at: datetime) -> None:
        """The whole body of a version has been sent."""
        with self._lock:
            known = self._versions[(camera, form, number)]
            first = known.first_served_at or at
            self._versions[(camera, form, number)] = replace(known, first_served_at=first, served=known.served + 1)

    def asked(self, request: SeenRequest) -> None:
        with self._lock:
            self._requests.append(request)

    def forbidden_connection(self, trap: str) -> None:
        with self._lock:
            self._forbidden[trap] += 1

    @property
    def versions(self) -> tuple[PublishedVersion, ...]:
        with self._lock:
            return tuple(self._versions.values())

    @property
    def requests(self) -> tuple[SeenRequest, ...]:
        with self._lock:
            return tuple(self._requests)

    @property
    def forbidden(self) -> dict[str, int]:
        """Connections to each trap: addresses that nobody may be led to."""
        with self._lock:
            return dict(self._forbidden)

    def to_json(self) -> dict[str, Any]:
        """The whole ledger with times as ISO 8601, as /_ledger gives it."""
        return {
            "versions": _lines(self.versions),
            "requests": _lines(self.requests),
            "forbidden": self.forbidden,
        }


def _lines(records: Iterable[PublishedVersion] | Iterable[SeenRequest]) -> list[dict[str, Any]]:
    return [
        {key: value.isoformat() if isinstance(value, datetime) else value for key, value in asdict(record).items()}
        for record in records
    ]


def versions_from(lines: Iterable[dict[str, Any]]) -> list[PublishedVersion]:
    """The versions of a ledger that was read as JSON."""
    return [PublishedVersion(**_timed(line)) for line in lines]


def requests_from(lines: Iterable[dict[str, Any]]) -> list[SeenRequest]:
    """The requests of a ledger that was read as JSON."""
    return [SeenRequest(**_timed(line)) for line in lines]


_TIMES = ("at", "published_at", "modified", "replaced_at", "first_served_at")


def _timed(line: dict[str, Any]) -> dict[str, Any]:
    return {key: datetime.fromisoformat(value) if key in _TIMES and value else value for key, value in line.items()}
