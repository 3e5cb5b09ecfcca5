"""The files below a folder, and which of them are clips of which camera. Shared by replays and watched folders."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from core.errors import SourceError
from core.records import LOCATION_LENGTH
from ingest.camera_id import CameraIds
from ingest.filename import KNOWN_PATTERNS, MEDIA_SUFFIXES, Named, NamePattern, printable
from ingest.loops.local_time import Unplaced, Written, moment_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST = timedelta(days=365_000)  # to the year 2969: a file may bear times that no calendar has


@dataclass(frozen=True)
class SkippedFile:
    """A file that is not among the clips of the folder, or a folder in it that cannot be read, and why.

    `path` is for people, as `ingest.filename.printable` writes it: it need not lead to the file.
    """

    path: Path
    reason: str


@dataclass(frozen=True, order=True)
class Recording:
    """A clip of the folder; they sort by event time, then camera."""

    event_time: datetime
    camera: str
    path: Path


@dataclass(frozen=True)
class Listing:
    """What lies below a folder: its files, sorted, and why each of the folders that cannot be read cannot."""

    files: tuple[Path, ...]
    unreadable: Mapping[Path, str]


class RecordingNames:
    """Tells the clips of a folder by their names.

    `pattern` is how camera and time stand in the path, by default the known ones are tried; `timezone` is that of a
    `{time}` in them, `ids` are the cameras whose clips are wanted. In the hour that comes twice when summer time ends,
    the time of writing tells which of the two a name means (`ingest.loops.local_time`).
    """

    def __init__(self, root: Path, pattern: str | None, timezone: str, ids: Iterable[str]) -> None:
        self._root = root
        self._pattern = pattern
        self._patterns = [NamePattern(known) for known in (KNOWN_PATTERNS if pattern is None else (pattern,))]
        self._zone = ZoneInfo(timezone)
        self._ids = CameraIds(ids)

    def read(self, path: Path, written: Written) -> Recording | SkippedFile:
        """The clip that a path below the folder names, or why it is none; `written` is what is known of the file."""
        named = self._named(path)
        camera = self._ids.find(named.camera) if named else None
        if not is_media(path):
            return skipped(path, f"is not a clip or still ({', '.join(MEDIA_SUFFIXES)})")
        if (fault := _not_a_location(path)) is not None:
            return skipped(path, fault)
        if named is None:
            return skipped(path, f"names no camera and time: expected {self.expected}")
        if camera is None:
            return skipped(path, f"is of camera {named.camera}, which is not configured")
        event_time = moment_of(named.time, self._zone, written) if named.time.tzinfo is None else named.time
        if isinstance(event_time, Unplaced):
            return skipped(path, f"has no certain time ({event_time.reason}): names in UTC are never in doubt")
        return Recording(event_time, camera, path)

    @property
    def expected(self) -> str:
        """What names should look like, for messages."""
        return self._pattern or "06710/08_1489046533969.mp4 or 2017-03-09_08-02-13_06710.mp4, or set `pattern`"

    def _named(self, path: Path) -> Named | None:
        """What the path says below the folder or, for the folder of one camera, with that folder's name before it."""
        below = path.relative_to(self._root).as_posix()
        for text in (below, f"{self._root.absolute().name}/{below}"):
            for pattern in self._patterns:
                named = pattern.match(text)
                if named is not None:
                    return named
        return None


def skipped(path: Path, reason: str) -> SkippedFile:
    """A file that is left out, its path as it can be printed."""
    return SkippedFile(Path(printable(path)), reason)


def file_time(ns: int) -> datetime:
    """A time that a file bears, given in nanoseconds since 1970; one that is absurd becomes the nearest that is not."""
    return _EPOCH + max(timedelta(0), min(timedelta(microseconds=min(ns // 1000, 10**18)), _LONGEST))


def is_media(path: Path) -> bool:
    """Whether its name ends like that of a clip or still."""
    return path.suffix[1:].lower() in MEDIA_SUFFIXES


def list_folder(folder: Path) -> Listing:
    """All files below it; links are followed, each folder once.

    Raises `SourceError` for the folder itself; what is wrong with one in it is in the listing.
    """
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
    return Listing(tuple(sorted(files)), dict(sorted(unreadable.items())))


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
