"""The port of a feed: a publisher's cameras, and their newest clips or stills. One adapter a file, in `ingest/feeds`.

A feed says what its publisher says, once, when it is asked. When to ask, how often, what is new and what an answer that
fails means for the camera is not its business: `ingest/city` decides that for all feeds alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from core.errors import SourceError
from core.records import Camera, Status


class FetchFailed(SourceError):
    """A publisher did not give what was asked for.

    `status` is what it means for the clip: unreachable, withdrawn (the publisher has taken it away), or oversize.
    `retry_after_s` is how long the publisher asks to be left alone; None where it does not say. `of_host`: its host
    rests, and nothing is said of the camera that was to be asked for.
    """

    def __init__(
        self,
        message: str,
        *,
        status: Status = Status.UNREACHABLE,
        retry_after_s: float | None = None,
        of_host: bool = False,
        remedy: str = "",
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.status = status
        self.retry_after_s = retry_after_s
        self.of_host = of_host


@dataclass(frozen=True)
class Version:
    """How a publisher names one version of a thing: to ask for it only where it has changed.

    `modified` is when the publisher says that it was made, in UTC by the publisher's clock, as it was written.
    """

    etag: str | None = None
    modified: datetime | None = None

    def same(self, other: Version | None) -> bool:
        """Whether both name one version: by their etags or, where one has none, by their times. Unknown is not same."""
        if other is None:
            return False
        if self.etag is not None and other.etag is not None:
            return self.etag == other.etag
        return self.modified is not None and self.modified == other.modified


@dataclass(frozen=True)
class ListedCamera:
    """A camera as its publisher lists it. `location` is the address of its media.

    `withdrawn` is why the publisher gives no pictures of it now; None where it does.
    """

    camera: Camera
    location: str
    withdrawn: str | None = None


@dataclass(frozen=True, repr=False)
class Media:
    """A clip or still as the publisher sent it: bytes that nobody has looked into yet.

    `event_time` is when it was filmed, in UTC by this machine's clock, as the publisher's own words tell (a version's
    time less the difference between the two clocks); None where it says nothing. With `more`, the next one waits there.
    """

    content: bytes
    event_time: datetime | None
    version: Version
    more: bool = False


class Feed(Protocol):
    """A publisher's cameras and what they show now. Used by several threads at once.

    Every method raises `FetchFailed` where the publisher does not answer, or not with what it publishes.
    """

    @property
    def name(self) -> str:
        """What the source is called in messages and metrics, as in `tfl`; unique in an installation."""
        ...

    @property
    def choice(self) -> str:
        """Which of the publisher's cameras are wanted, as a short text: another one where others are."""
        ...

    def cameras(self) -> Sequence[ListedCamera]:
        """The cameras that the publisher lists now, ids unique; what it lists that is none is left out and logged."""
        ...

    def newest(self) -> Mapping[str, Version] | None:
        """The version by camera id that `fetch` would give, where the publisher tells of many in one answer; else None.

        Where there is nothing new, it is the version that `fetch` gave last (`Version.same` compares them). A camera
        that is not in the answer has nothing published.
        """
        ...

    def fetch(self, listed: ListedCamera, known: Version | None) -> Media | None:
        """The newest media of a camera; None where the publisher says that it is still the version `known`.

        Where a publisher keeps several (a folder), the oldest that was not given yet, each once.
        """
        ...


@runtime_checkable
class Remembering(Protocol):
    """A feed that itself remembers which of several media it has given, as a folder's does."""

    def resume(self, newest: Mapping[str, datetime]) -> None:
        """Another process has given of these cameras, by their ids in the list, all that is not newer than this."""
        ...
