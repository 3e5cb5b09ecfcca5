"""Opens the clips that lie on this machine's disk."""

from __future__ import annotations

from pathlib import Path

from core.records import ClipReady
from ingest.clip import SampledClip
from ingest.decode import DecodeLimits, open_media


class FileOpener:
    """`ClipOpener` of references whose `location` is a file path."""

    def __init__(self, limits: DecodeLimits | None = None) -> None:
        self._limits = limits or DecodeLimits()

    def open(self, clip: ClipReady, frames: int) -> SampledClip:
        """At most `frames` evenly spaced frames of the file; see `open_media` for what is refused."""
        return open_media(Path(clip.location), frames, self._limits)
