"""Clips of a camera that are there already: recorded in a folder, or rendered at will."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from core.clock import Clock
from core.records import Camera, ClipReady
from detect.background_limits import LEAST_APART_S, MOST_CLIPS
from ingest.file_reader import FileReader
from ingest.folder import FolderSource
from ingest.synthetic import clip_location

BRIGHT_HOURS = 3.5
"""Before and after noon: in most of a year the light changes little in them, and people and parked cars come and go."""


class RecordedClips:
    """`PastClips` of a folder."""

    def __init__(self, source: FolderSource, max_bytes: int) -> None:
        self._source = source
        self._reader = FileReader(max_bytes)

    def of(self, camera: Camera) -> Sequence[ClipReady]:
        """Of the bright hours, or those nearest to them."""
        return chosen(self._source.clips_of(camera.id), camera)

    def read(self, clip: ClipReady) -> bytes:
        """The file. Raises `UnusableClip`."""
        return self._reader.read(clip)


class RenderedClips:
    """`PastClips` of the synthetic street: those of the day before."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def of(self, camera: Camera) -> Sequence[ClipReady]:
        """Of the bright hours of the last day."""
        now = self._clock.now().replace(microsecond=0)
        step = max(camera.cadence_s, LEAST_APART_S)
        times = [now - timedelta(seconds=number * step) for number in range(1, round(86_400 / step))]
        return chosen(
            [ClipReady(camera=camera.id, event_time=at, location=clip_location(camera.id, at)) for at in times], camera
        )

    def read(self, clip: ClipReady) -> None:
        """There are no bytes: the child renders it."""


def chosen(clips: Sequence[ClipReady], camera: Camera) -> Sequence[ClipReady]:
    """At most `MOST_CLIPS`, spread over the bright hours by the camera's clock; where these hold fewer, the nearest."""
    apart: list[ClipReady] = []
    for clip in sorted(clips, key=lambda clip: clip.event_time):
        if not apart or (clip.event_time - apart[-1].event_time).total_seconds() >= LEAST_APART_S:
            apart.append(clip)
    bright = [clip for clip in apart if _from_noon(clip, camera) <= timedelta(hours=BRIGHT_HOURS)]
    if len(bright) < MOST_CLIPS:
        return sorted(apart, key=lambda clip: _from_noon(clip, camera))[:MOST_CLIPS]
    return [bright[number * len(bright) // MOST_CLIPS] for number in range(MOST_CLIPS)]


def _from_noon(clip: ClipReady, camera: Camera) -> timedelta:
    local = clip.event_time.astimezone(ZoneInfo(camera.timezone))
    return abs(local - local.replace(hour=12, minute=0, second=0, microsecond=0))
