"""A clip in the worker's memory, and the ports through which clips are found and opened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.errors import SourceError
from core.records import Camera, ClipReady, Status
from ingest.frame import Frame


class UnusableClip(SourceError):
    """A clip that cannot be examined: `status` says which way (undecodable, oversize, unreachable)."""

    def __init__(self, status: Status, message: str, *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.status = status


@dataclass(frozen=True, repr=False)
class SampledClip:
    """Frames sampled evenly over a clip, oldest first, and what the decoder said of it.

    `decoded_frames` is how many frames the decoder gave before the sampling, `decode_errors` how many it
    announced or should have given and did not.
    """

    frames: tuple[Frame, ...]
    duration_s: float
    decoded_frames: int
    decode_errors: int = 0


class Source(Protocol):
    """Where clips come from: a watched folder, a city's feed, the synthetic street."""

    @property
    def cameras(self) -> Sequence[Camera]:
        """The cameras this source knows."""
        ...

    def clips(self) -> Iterator[ClipReady]:
        """References to clips, in event-time order per camera; ends when the source is exhausted."""
        ...


class ClipOpener(Protocol):
    """Turns a reference into sampled frames in memory."""

    def open(self, clip: ClipReady, frames: int) -> SampledClip:
        """At most `frames` frames, evenly spaced. Raises `UnusableClip`."""
        ...
