"""The port of everything that finds clips, and what is raised for one that cannot be examined. No pixels here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from core.errors import SourceError
from core.records import Camera, ClipReady, Status


class UnusableClip(SourceError):
    """A clip that cannot be examined: `status` says which way (undecodable, oversize, unreachable)."""

    def __init__(self, status: Status, message: str, *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.status = status


class Source(Protocol):
    """Where clips come from: recordings in a folder, a city's feeds, the synthetic street."""

    @property
    def cameras(self) -> Sequence[Camera]:
        """The cameras this source knows; another sequence once they have changed."""
        ...

    def clips(self) -> Iterator[ClipReady]:
        """References to clips, in event-time order per camera; ends when the source is exhausted, or stopped."""
        ...

    def stop(self) -> None:
        """Find no more clips. Called by another thread than the one that `clips` runs in."""
        ...


class MediaReader(Protocol):
    """Gives the bytes of a clip, as the publisher sent them."""

    def read(self, clip: ClipReady) -> bytes | None:
        """The bytes; None where the worker that counts makes the picture itself. Raises `UnusableClip`."""
        ...
