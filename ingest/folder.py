"""Recorded clips in a folder, as a source: for replays, backfills and `busyness count`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from core.config import Closed
from core.errors import SourceError
from core.records import Camera, ClipReady, TimeZoneName
from ingest.filename import KNOWN_PATTERNS, NamePattern, printable
from ingest.known import Known
from ingest.loops.local_time import Written
from ingest.recordings import Recording, RecordingNames, SkippedFile, file_time, is_media, list_folder, skipped


class FolderConfig(Closed):
    """A folder of recordings. See `ingest.filename` for the fields of a pattern."""

    kind: Literal["folder"] = "folder"
    path: Path
    pattern: str | None = Field(
        default=None, description="how camera and time stand in the file's path; by default the known ones are tried"
    )
    timezone: TimeZoneName = Field(default="UTC", description="of a {time} in the names")

    @field_validator("pattern")
    @classmethod
    def _readable(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            NamePattern(pattern)
        return pattern


class FolderSource:
    """`Source` of the clips below a folder, all cameras together in the order of event time.

    The order is that of the times in the names, whatever the order on the disk: a file copied late, or named after
    a clock that went back, takes its place in event time. Every file is accounted for: it is among the clips, or it
    is in `skipped` with the reason, as is a folder in it that cannot be read. Raises `SourceError` where the folder
    itself cannot be read, or there is no clip in it.
    """

    def __init__(self, config: FolderConfig, cameras: Sequence[Camera]) -> None:
        self._cameras = tuple(cameras)
        self._root = config.path
        self._names = RecordingNames(config.path, config.pattern, config.timezone, [camera.id for camera in cameras])
        self._stopped = False
        self._recordings, self.skipped = self._scan()
        if not self._recordings:
            first = f": {self.skipped[0].path.name} {self.skipped[0].reason}" if self.skipped else ""
            raise SourceError(
                f"no clips in folder {printable(self._root)} ({len(self.skipped)} left out{first})",
                remedy=f"Name clips like {self._names.expected}; and configure their cameras",
            )

    @property
    def cameras(self) -> Sequence[Camera]:
        return self._cameras

    def __len__(self) -> int:
        """How many clips there are."""
        return len(self._recordings)

    def clips(self) -> Iterator[ClipReady]:
        """References in the order of event time, then camera.

        A clip with the content of the camera's last one `repeats` it: the
        feed was stuck, and what it shows was seen at that earlier time.
        """
        return self.clips_after({}, lambda _: True)

    def clips_after(self, known: Mapping[str, Known], wanted: Callable[[str], bool]) -> Iterator[ClipReady]:
        """Those of `clips` that are later than what is known of their cameras, of the cameras that are `wanted`."""
        last = dict(known)
        for recording in self._recordings:
            if self._stopped:
                return
            before = last.get(recording.camera)
            if not wanted(recording.camera) or _is_past(recording.event_time, before):
                continue
            content, size_bytes = _fingerprint(recording.path)
            stuck = before is not None and content is not None and before.content == content
            clip = ClipReady(
                camera=recording.camera,
                event_time=recording.event_time,
                location=str(recording.path),
                content=content,
                size_bytes=size_bytes,
                repeats=(before.repeats or before.event_time) if before is not None and stuck else None,
            )
            last[recording.camera] = Known(clip.event_time, content, clip.repeats)
            yield clip

    def clips_of(self, camera: str) -> Sequence[ClipReady]:
        """References to all clips of one camera, in the order of event time, without the hash of what is in them."""
        return [
            ClipReady(camera=camera, event_time=recording.event_time, location=str(recording.path))
            for recording in self._recordings
            if recording.camera == camera
        ]

    def stop(self) -> None:
        """Give no more clips."""
        self._stopped = True

    def _scan(self) -> tuple[list[Recording], tuple[SkippedFile, ...]]:
        found: dict[tuple[str, datetime], Recording] = {}
        listing = list_folder(self._root)
        left_out = [skipped(folder, f"cannot be read: {why}") for folder, why in listing.unreadable.items()]
        for path in listing.files:
            read = self._names.read(path, Written(by=None, at=_written_at(path)))
            if isinstance(read, SkippedFile):
                left_out.append(read)
                continue
            first = found.setdefault((read.camera, read.event_time), read)
            if first is not read:
                same = first.path.relative_to(self._root)
                left_out.append(skipped(path, f"has the same camera and time as {same}"))
        return sorted(found.values()), tuple(left_out)


def recorded_at(path: Path) -> datetime | None:
    """When a clip was recorded, as its path says in one of the known ways (times without a zone in UTC); else None."""
    for pattern in KNOWN_PATTERNS:
        named = NamePattern(pattern).match(path.absolute().as_posix())
        if named is not None:
            return named.time.replace(tzinfo=UTC)
    return None


def discover(paths: Sequence[Path]) -> list[Path]:
    """What `busyness count` examines: the files given, whatever they are called, and the clips and stills in folders.

    A folder without any, one further down that cannot be read, and a path that does not exist, stay in the list, so
    that opening them says so. Nothing is listed twice. Raises `SourceError` for a folder given that cannot be read.
    """
    listed: dict[Path, Path] = {}
    for path in paths:
        for file in _media_below(path) if _is_folder(path) else [path]:
            listed.setdefault(file.absolute(), file)
    return list(listed.values())


def _media_below(folder: Path) -> list[Path]:
    listing = list_folder(folder)
    return sorted([*filter(is_media, listing.files), *listing.unreadable]) or [folder]


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # not to be looked at, or too long a name: opening it says so
        return False


def _is_past(event_time: datetime, known: Known | None) -> bool:
    return known is not None and known.event_time is not None and event_time <= known.event_time


def _written_at(path: Path) -> datetime | None:
    """When the file was last written to; None where it has gone, which opening it will report."""
    try:
        return file_time(path.stat().st_mtime_ns)
    except OSError:
        return None


def _fingerprint(path: Path) -> tuple[str | None, int | None]:
    """A hash of the content and its size; nothing where the file has gone, which opening it will report."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:32], file.tell()
    except OSError:
        return None, None
