"""Recorded clips in a folder, as a source: for replays, backfills and `busyness count`."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NoReturn
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from core.config import Closed
from core.errors import SourceError
from core.records import Camera, ClipReady, TimeZoneName
from ingest.filename import KNOWN_PATTERNS, MEDIA_SUFFIXES, Named, NamePattern


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


@dataclass(frozen=True)
class SkippedFile:
    """A file of the folder that is not among its clips, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, order=True)
class _Recording:
    """A clip of the folder; they sort by event time, then camera."""

    event_time: datetime
    camera: str
    path: Path


class FolderSource:
    """`Source` of the clips below a folder, all cameras together in the order of event time.

    The order is that of the times in the names, whatever the order on the disk: a file copied late, or named after
    a clock that went back, takes its place in event time. Every file is accounted for: it is among the clips, or it
    is in `skipped` with the reason. Raises `SourceError` where there is no folder, or no clip in it.
    """

    def __init__(self, config: FolderConfig, cameras: Sequence[Camera]) -> None:
        self._cameras = tuple(cameras)
        self._root = config.path
        self._pattern = config.pattern
        timezone = ZoneInfo(config.timezone)
        self._patterns = [
            NamePattern(pattern, timezone)
            for pattern in (KNOWN_PATTERNS if config.pattern is None else (config.pattern,))
        ]
        self._recordings, self.skipped = self._scan()
        if not self._recordings:
            first = f": {self.skipped[0].path.name} {self.skipped[0].reason}" if self.skipped else ""
            raise SourceError(
                f"no clips in folder {self._root} ({len(self.skipped)} other files{first})",
                remedy=f"Name clips like {self._expected()}; and configure their cameras",
            )

    @property
    def cameras(self) -> Sequence[Camera]:
        return self._cameras

    def __len__(self) -> int:
        """How many clips there are."""
        return len(self._recordings)

    def clips(self) -> Iterator[ClipReady]:
        """References in the order of event time, then camera.

        The etag is a hash of the file's content. A clip with the content of the camera's last one `repeats` it: the
        feed was stuck, and what it shows was seen at that earlier time.
        """
        last: dict[str, ClipReady] = {}
        for recording in self._recordings:
            etag, size_bytes = _fingerprint(recording.path)
            before = last.get(recording.camera)
            stuck = before is not None and etag is not None and before.etag == etag
            clip = ClipReady(
                camera=recording.camera,
                event_time=recording.event_time,
                location=str(recording.path),
                etag=etag,
                size_bytes=size_bytes,
                repeats=(before.repeats or before.event_time) if before is not None and stuck else None,
            )
            last[recording.camera] = clip
            yield clip

    def _scan(self) -> tuple[list[_Recording], tuple[SkippedFile, ...]]:
        found: dict[tuple[str, datetime], Path] = {}
        skipped: list[SkippedFile] = []
        for path in _files(self._root):
            named = self._named(path)
            camera = self._configured(named.camera) if named else None
            if not _is_media(path):
                skipped.append(SkippedFile(path, f"is not a clip or still ({', '.join(MEDIA_SUFFIXES)})"))
            elif named is None:
                skipped.append(SkippedFile(path, f"names no camera and time: expected {self._expected()}"))
            elif camera is None:
                skipped.append(SkippedFile(path, f"is of camera {named.camera}, which is not configured"))
            elif (camera, named.event_time) in found:
                first = found[camera, named.event_time]
                skipped.append(SkippedFile(path, f"has the same camera and time as {first.relative_to(self._root)}"))
            else:
                found[camera, named.event_time] = path
        recordings = [_Recording(event_time, camera, path) for (camera, event_time), path in found.items()]
        return sorted(recordings), tuple(skipped)

    def _named(self, path: Path) -> Named | None:
        """What the path says below the folder or, for the folder of one camera, with that folder's name before it."""
        below = path.relative_to(self._root).as_posix()
        for text in (below, f"{self._root.absolute().name}/{below}"):
            for pattern in self._patterns:
                named = pattern.match(text)
                if named is not None:
                    return named
        return None

    def _configured(self, name: str) -> str | None:
        """The configured id a name stands for. Feeds prefix ids (JamCams_00001.06710), so the last parts may agree."""
        ids = [camera.id for camera in self._cameras]
        if name in ids:
            return name
        alike = [known for known in ids if known.rpartition(".")[2] == name.rpartition(".")[2]]
        return alike[0] if len(alike) == 1 else None

    def _expected(self) -> str:
        return self._pattern or "06710/08_1489046533969.mp4 or 2017-03-09_08-02-13_06710.mp4, or set `pattern`"


def recorded_at(path: Path) -> datetime | None:
    """When a clip was recorded, as its path says in one of the known ways (times without a zone in UTC); else None."""
    for pattern in KNOWN_PATTERNS:
        named = NamePattern(pattern, UTC).match(path.absolute().as_posix())
        if named is not None:
            return named.event_time
    return None


def discover(paths: Sequence[Path]) -> list[Path]:
    """What `busyness count` examines: the files given, whatever they are called, and the clips and stills in folders.

    A folder without any, and a path that does not exist, stay in the list, so that opening them says so. Nothing is
    listed twice.
    """
    listed: dict[Path, Path] = {}
    for path in paths:
        inside = [file for file in _files(path) if _is_media(file)] if path.is_dir() else []
        for file in inside or [path]:
            listed.setdefault(file.absolute(), file)
    return list(listed.values())


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise SourceError(
            f"{folder} is not a folder" if folder.exists() else f"folder {folder} does not exist",
            remedy="Set `path` to the folder of the recordings",
        )
    files: list[Path] = []
    visited: set[str] = set()
    for parent, folders, names in os.walk(folder, onerror=_unreadable, followlinks=True):
        real = os.path.realpath(parent)
        if real in visited:  # a link that leads back
            folders.clear()
            continue
        visited.add(real)
        files += [Path(parent, name) for name in names]
    return sorted(files)


def _unreadable(error: OSError) -> NoReturn:
    raise SourceError(
        f"folder {error.filename} cannot be read: {error.strerror}", remedy="Check its permissions"
    ) from error


def _is_media(path: Path) -> bool:
    return path.suffix[1:].lower() in MEDIA_SUFFIXES


def _fingerprint(path: Path) -> tuple[str | None, int | None]:
    """A hash of the content and its size; nothing where the file has gone, which opening it will report."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:32], file.tell()
    except OSError:
        return None, None
