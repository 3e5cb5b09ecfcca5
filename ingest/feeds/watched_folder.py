"""A folder into which another program writes clips or stills: a camera's FTP drop, a recorder, a VMS export.

The names say camera and time (`ingest.filename`). Each file is given once, the oldest first, and only when it is whole:
it is as it was `settle_s` ago or, with `whole: renamed`, its writer gives it its name when it is done.

Nothing is ever removed or changed here. What lies in the folder are pictures of people: whoever writes them there must
also clear them away, as soon as they are counted, and say so in the record of processing.
"""

from __future__ import annotations

import hashlib
import logging
import stat
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, field_validator

from core.clock import Clock
from core.config import Closed
from core.errors import SourceError
from core.records import LOCATION_LENGTH, Camera, Status, TimeZoneName
from ingest.feed import FetchFailed, ListedCamera, Media, Version
from ingest.feeds.entries import described
from ingest.feeds.settings import FeedName
from ingest.filename import NamePattern, printable
from ingest.recordings import Recording, RecordingNames, SkippedFile, list_folder, skipped

log = logging.getLogger(__name__)


class WatchedFolderConfig(Closed):
    """A folder that others write into. See `ingest.filename` for the fields of a pattern."""

    kind: Literal["watched_folder"]
    name: FeedName = Field(description="in messages and metrics; unique in an installation")
    path: Path = Field(description="counted from the configuration file's folder")
    cameras: tuple[Camera, ...] = Field(min_length=1, max_length=10_000, description="whose clips come here")
    pattern: str | None = Field(
        default=None,
        max_length=300,
        description="how camera and time stand in the file's path; by default the known ones are tried",
    )
    timezone: TimeZoneName = Field(default="UTC", description="of a {time} in the names")
    whole: Literal["settled", "renamed"] = Field(
        default="settled", description="when a file is whole: unchanged for settle_s, or as soon as it has its name"
    )
    settle_s: NonNegativeFloat = Field(default=5.0, le=600, description="for how long a file must not have changed")
    scan_every_s: PositiveFloat = Field(default=5.0, le=600, description="the folder is not searched more often")
    backlog_s: PositiveFloat = Field(
        default=86_400.0,
        le=31_622_400,
        description="clips older than this when they are found are for `busyness replay`",
    )
    max_bytes: PositiveInt = Field(default=16 * 1024 * 1024, le=256 * 1024 * 1024, description="of a file")

    @field_validator("pattern")
    @classmethod
    def _readable(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            NamePattern(pattern)
        return pattern


@dataclass(frozen=True)
class _State:
    """How a file is: by its size and the time of its last change it is known again."""

    size_bytes: int
    modified_ns: int


@dataclass(frozen=True)
class _Sighting:
    """How a file was when it was first seen so, and when that was."""

    state: _State
    since: datetime


@dataclass(frozen=True, order=True)
class _Waiting:
    """A whole clip that was not given yet; they sort by event time."""

    recording: Recording
    version: Version = field(compare=False)
    state: _State = field(compare=False)


class WatchedFolder:
    """`Feed` of a folder's cameras. Of several new clips of a camera, `fetch` gives the oldest, and then the next one.

    A file that is written anew under its name is a new one. `counted` is the event time of each camera's newest clip
    that is already counted, from before a restart: what lies there then, and is not newer, is not given again.
    """

    def __init__(
        self, config: WatchedFolderConfig, clock: Clock, *, counted: Mapping[str, datetime] | None = None
    ) -> None:
        self._config = config
        self._clock = clock
        ids = [camera.id for camera in config.cameras]
        self._names = RecordingNames(config.path, config.pattern, config.timezone, ids)
        self._lock = threading.Lock()
        self._counted = dict(counted or {})
        self._scanned: datetime | None = None
        self._named: dict[Path, Recording | SkippedFile] = {}
        self._sightings: dict[Path, _Sighting] = {}
        self._given: dict[Path, _State] = {}
        self._waiting: dict[str, list[_Waiting]] = {}
        self._last: dict[str, Version] = {}
        self._left_out: frozenset[SkippedFile] = frozenset()

    @property
    def name(self) -> str:
        return self._config.name

    def cameras(self) -> Sequence[ListedCamera]:
        with self._lock:
            self._scan()
        location = printable(self._config.path)[-LOCATION_LENGTH:]
        return tuple(ListedCamera(camera, location) for camera in self._config.cameras)

    def newest(self) -> Mapping[str, Version] | None:
        """Of each camera the clip that `fetch` would give or, where there is none, the one that it gave last."""
        with self._lock:
            self._scan()
            return self._last | {camera: waiting[0].version for camera, waiting in self._waiting.items() if waiting}

    def resume(self, newest: Mapping[str, datetime]) -> None:
        """Another process has given what lies there of these cameras and is not newer."""
        with self._lock:
            self._counted |= newest
            for path, sighting in self._sightings.items():
                read = self._named.get(path)
                if isinstance(read, Recording) and read.event_time <= newest.get(read.camera, _NEVER):
                    self._given.setdefault(path, sighting.state)
            for camera, moment in newest.items():
                waiting = self._waiting.get(camera, ())
                self._waiting[camera] = [clip for clip in waiting if clip.recording.event_time > moment]

    def fetch(self, listed: ListedCamera, known: Version | None) -> Media | None:
        """The oldest whole clip of the camera that was not given yet; None where there is none.

        One that cannot be read is said once, with `FetchFailed`: the next call gives the next clip.
        """
        camera = listed.camera.id
        with self._lock:
            self._scan()
            if not self._waiting.get(camera):
                return None
            due = self._waiting[camera].pop(0)
            self._given[due.recording.path] = due.state
        if due.version.same(known):
            return None
        content = self._content(due.recording.path, due.state)
        if _state(due.recording.path) not in (due.state, None):
            with self._lock:  # it was written to after all: it is given once it has settled
                self._given.pop(due.recording.path, None)
            return None
        with self._lock:
            self._last[camera] = due.version
            more = bool(self._waiting.get(camera))
        return Media(content, due.recording.event_time, due.version, more=more)

    def _content(self, path: Path, state: _State) -> bytes:
        if state.size_bytes > self._config.max_bytes:
            raise FetchFailed(
                f"{path.name} has {state.size_bytes} bytes, over the limit of {self._config.max_bytes}",
                status=Status.OVERSIZE,
                remedy=f"Write shorter clips, or raise max_bytes of source {self.name}",
            )
        try:
            with path.open("rb") as file:
                return file.read(self._config.max_bytes)
        except OSError as error:
            raise FetchFailed(
                f"{path.name} cannot be read: {error.strerror or error}",
                remedy="Check its permissions, and that clips are cleared away only after they are counted",
            ) from error

    def _scan(self) -> None:
        """Look into the folder, if it is time: what is whole and was not given waits, the oldest first."""
        now = self._clock.now()
        if self._scanned is not None and timedelta(0) <= now - self._scanned < self._every:
            return
        try:
            listing = list_folder(self._config.path)
        except SourceError as error:
            raise FetchFailed(error.message, remedy=error.remedy) from error
        left_out = [skipped(folder, f"cannot be read: {why}") for folder, why in listing.unreadable.items()]
        named: dict[Path, Recording | SkippedFile] = {}
        states: dict[Path, _State] = {}
        recordings: list[Recording] = []
        for path in listing.files:
            read = named[path] = self._named.get(path) or self._names.read(path)
            state = _state(path)
            if isinstance(read, SkippedFile):
                left_out.append(read)
            elif state is None:
                left_out.append(skipped(path, "is no file, or has gone"))
            else:
                states[path] = state
                recordings.append(read)
        self._named = named
        self._forget(states)
        waiting = list(self._whole(recordings, states, now, left_out))
        self._waiting = {}
        for clip in sorted(waiting):
            self._waiting.setdefault(clip.recording.camera, []).append(clip)
        self._say(left_out)
        self._scanned = now

    def _whole(
        self, recordings: Iterable[Recording], states: Mapping[Path, _State], now: datetime, left_out: list[SkippedFile]
    ) -> Iterator[_Waiting]:
        """The clips to give; why others are not is added to `left_out`."""
        claimed: dict[tuple[str, datetime], Path] = {}
        for recording in sorted(
            recordings, key=lambda recording: (recording.path not in self._given, str(recording.path))
        ):
            path, state = recording.path, states[recording.path]
            first = claimed.setdefault((recording.camera, recording.event_time), path)
            if self._given.get(path) == state:
                continue
            sighting = self._sightings.get(path)
            if sighting is None or sighting.state != state:
                sighting = self._sightings[path] = _Sighting(state, now)
            if first != path:
                left_out.append(skipped(path, f"has the same camera and time as {first.name}"))
            elif self._scanned is None and recording.event_time <= self._counted.get(recording.camera, _NEVER):
                self._given[path] = state
            elif recording.event_time < sighting.since - timedelta(seconds=self._config.backlog_s):
                left_out.append(skipped(path, "is older than the backlog that is taken: `busyness replay` counts it"))
            elif state.size_bytes > 0 and (self._config.whole == "renamed" or now - sighting.since >= self._settle):
                yield _Waiting(recording, _version(path, state), state)

    def _forget(self, states: Mapping[Path, _State]) -> None:
        """What has been cleared away needs no memory."""
        self._sightings = {path: sighting for path, sighting in self._sightings.items() if path in states}
        self._given = {path: state for path, state in self._given.items() if path in states}

    def _say(self, left_out: Sequence[SkippedFile]) -> None:
        """One line about what is newly left out."""
        now_left_out = frozenset(left_out)
        fresh = sorted(f"{one.path.name} {one.reason}" for one in now_left_out - self._left_out)
        self._left_out = now_left_out
        if fresh:
            log.warning("%s: left out in %s: %s", self.name, printable(self._config.path), described(fresh, length=300))

    @property
    def _settle(self) -> timedelta:
        return timedelta(seconds=self._config.settle_s)

    @property
    def _every(self) -> timedelta:
        return timedelta(seconds=self._config.scan_every_s)


_NEVER = datetime.min.replace(tzinfo=UTC)


def _state(path: Path) -> _State | None:
    """None for what is no file: reading a pipe or a device would wait for ever."""
    try:
        status = path.stat()
    except OSError:
        return None
    return _State(status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None


def _version(path: Path, state: _State) -> Version:
    named = f"{printable(path)}\0{state.size_bytes}\0{state.modified_ns}".encode()
    modified = datetime.fromtimestamp(state.modified_ns // 1_000_000_000, UTC)
    return Version(hashlib.sha256(named).hexdigest()[:32], modified)
