"""A clip in the worker's memory, and the port through which it is opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from core.records import ClipReady
from ingest.frame import Frame


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


class ClipOpener(Protocol):
    """Turns a reference into sampled frames in memory."""

    def open(self, clip: ClipReady, frames: int) -> SampledClip:
        """At most `frames` frames, evenly spaced. Raises `UnusableClip`."""
        ...
