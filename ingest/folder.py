"""Recorded clips in a folder, as a source: for replays, backfills and `busyness count`."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from core.config import Closed
from core.errors import SourceError
from core.records import LOCATION_LENGTH, Camera, ClipReady, TimeZoneName
from ingest.filename import KNOWN_PATTERNS, MEDIA_SUFFIXES, Named, NamePattern, printable


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
    """A file that is not among the clips of the folder, or a folder in it that cannot be read, and why.

    `path` is for people, as `ingest.filename.printable` writes it: it need not lead to the file.
    """

    path: Path
    reason: str


@dataclass(frozen=True)
class _Listing:
    """What lies below a folder: its files, sorted, and why each of the folders that cannot be read cannot."""

    files: tuple[Path, ...]
    unreadable: Mapping[Path, str]


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
    is in `skipped` with the reason, as is a folder in it that cannot be read. Raises `SourceError` where the folder
    itself cannot be read, or there is no clip in it.
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
                f"no clips in folder {printable(self._root)} ({len(self.skipped)} left out{first})",
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

        A clip with the content of the camera's last one `repeats` it: the
        feed was stuck, and what it shows was seen at that earlier time.
        """
        last: dict[str, ClipReady] = {}
        for recording in self._recordings:
            content, size_bytes = _fingerprint(recording.path)
            before = last.get(recording.camera)
            stuck = before is not None and content is not None and before.content == content
            clip = ClipReady(
                camera=recording.camera,
                event_time=recording.event_time,
                location=str(recording.path),
                content=content,
                size_bytes=size_bytes,
                repeats=(before.repeats or before.event_time) if before is not None and stuck else None,
            )
            last[recording.camera] = clip
            yield clip

    def _scan(self) -> tuple[list[_Recording], tuple[SkippedFile, ...]]:
        found: dict[tuple[str, datetime], Path] = {}
        listing = _list(self._root)
        left_out = {folder: f"cannot be read: {why}" for folder, why in listing.unreadable.items()}
        for path in listing.files:
            named = self._named(path)
            camera = self._configured(named.camera) if named else None
            if not _is_media(path):
                left_out[path] = f"is not a clip or still ({', '.join(MEDIA_SUFFIXES)})"
            elif (fault := _not_a_location(path)) is not None:
                left_out[path] = fault
            elif named is None:
                left_out[path] = f"names no camera and time: expected {self._expected()}"
            elif camera is None:
                left_out[path] = f"is of camera {named.camera}, which is not configured"
            elif (camera, named.event_time) in found:
                first = found[camera, named.event_time]
                left_out[path] = f"has the same camera and time as {first.relative_to(self._root)}"
            else:
                found[camera, named.event_time] = path
        recordings = [_Recording(event_time, camera, path) for (camera, event_time), path in found.items()]
        skipped = tuple(SkippedFile(Path(printable(path)), reason) for path, reason in left_out.items())
        return sorted(recordings), skipped

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

    A folder without any, one further down that cannot be read, and a path that does not exist, stay in the list, so
    that opening them says so. Nothing is listed twice. Raises `SourceError` for a folder given that cannot be read.
    """
    listed: dict[Path, Path] = {}
    for path in paths:
        for file in _media_below(path) if _is_folder(path) else [path]:
            listed.setdefault(file.absolute(), file)
    return list(listed.values())


def _media_below(folder: Path) -> list[Path]:
    listing = _list(folder)
    return sorted([*filter(_is_media, listing.files), *listing.unreadable]) or [folder]


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # not to be looked at, or too long a name: opening it says so
        return False


def _list(folder: Path) -> _Listing:
    """Raises `SourceError` for the folder itself; what is wrong with one in it is in the listing."""
    try:
        os.scandir(folder).close()
    except FileNotFoundError as error:
        raise _no_folder(f"folder {printable(folder)} does not exist") from error
    except NotADirectoryError as error:
        raise _no_folder(f"{printable(folder)} is not a folder") from error
    except OSError as error:
        raise SourceError(
            f"folder {printable(folder)} cannot be read: {error.strerror}", remedy="Check its permissions"
        ) from error
    files: list[Path] = []
    unreadable: dict[Path, str] = {}

    def note(error: OSError) -> None:
        unreadable[Path(os.fsdecode(error.filename))] = error.strerror or str(error)

    visited: set[str] = set()
    for parent, folders, names in os.walk(folder, onerror=note, followlinks=True):
        real = os.path.realpath(parent)
        if real in visited:  # a link that leads back
            folders.clear()
            continue
        visited.add(real)
        files += [Path(parent, name) for name in names]
    return _Listing(tuple(sorted(files)), dict(sorted(unreadable.items())))


def _no_folder(message: str) -> SourceError:
    return SourceError(message, remedy="Set `path` to the folder of the recordings")


def _not_a_location(path: Path) -> str | None:
    """Why no `ClipReady` can say where the file is; None where one can."""
    location = str(path)
    if printable(path) != location:
        return "has a name that is not UTF-8: rename it, or the folder it is in"
    if len(location) > LOCATION_LENGTH:
        return f"has a path of {len(location)} characters, over the limit of {LOCATION_LENGTH}: shorten it"
    return None


def _is_media(path: Path) -> bool:
    return path.suffix[1:].lower() in MEDIA_SUFFIXES


def _fingerprint(path: Path) -> tuple[str | None, int | None]:
    """A hash of the content and its size; nothing where the file has gone, which opening it will report."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:32], file.tell()
    except OSError:
        return None, None
