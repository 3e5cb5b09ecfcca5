"""A folder into which another program writes clips or stills: a camera's FTP drop, a recorder, a VMS export.

The names say camera and time (`ingest.filename`). Each file is given once, the oldest first, and only when it is whole:
it is as it was `settle_s` ago or, with `whole: renamed`, its writer gives it its name when it is done. What is left out
is said, with the reason.

A clip has one event time, whoever asks and whenever: its file tells it, and not the moment at which it is found. So one
that is given again, since nobody knows whether it was, is the same clip. Where the recorder's clock is ahead, the name
lies after the last write to the file, and that write is believed:

    named            10:05                     10:05                          10:05
    written to       10:00                     10:06                          10:05  (its writer says), found at 10:00
    event time       10:00                     10:05                          10:05, and not given before

Nothing is ever removed or changed here. What lies in the folder are pictures of people: whoever writes them there must
also clear them away, as soon as they are counted, and say so in the record of processing.
"""

from __future__ import annotations

import hashlib
import logging
import stat
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
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
from ingest.feeds.settings import FeedName, choice
from ingest.filename import NamePattern, printable
from ingest.loops.local_time import Written
from ingest.recordings import Recording, RecordingNames, SkippedFile, file_time, list_folder, skipped

log = logging.getLogger(__name__)

_AHEAD = timedelta(minutes=15)
"""A recorder's clock may be ahead of ours by less. What differs by more may be a time of writing in another zone."""

_SOON = timedelta(minutes=1)
"""For so long a clip waits for its own time without a word."""


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
    """How a file is: by its size and the time of its last change it is known again.

    `arrived` is when it came here, as it is, by the clock of this machine: not what a copy says of its original.
    """

    size_bytes: int
    modified_ns: int
    arrived: datetime = field(compare=False)

    @property
    def modified(self) -> datetime:
        return file_time(self.modified_ns)


@dataclass(frozen=True)
class _Sighting:
    """How a file was when it was first seen so, and when that was."""

    state: _State
    since: datetime


@dataclass(frozen=True)
class _Read:
    """What the name of a file says, and how the file was when it was read."""

    state: _State | None
    said: Recording | SkippedFile


@dataclass(frozen=True, order=True)
class _Clip:
    """A file as the clip that it is; they sort by event time. `named` is the time in its name."""

    recording: Recording
    state: _State = field(compare=False)
    named: datetime = field(compare=False)

    @property
    def path(self) -> Path:
        return self.recording.path

    @property
    def camera(self) -> str:
        return self.recording.camera

    @property
    def event_time(self) -> datetime:
        return self.recording.event_time

    @property
    def version(self) -> Version:
        return _version(self.path, self.state)


class WatchedFolder:
    """`Feed` of a folder's cameras. Of several new clips of a camera, `fetch` gives the oldest, and then the next one.

    A file that is written anew under its name is a new one of the same time. `counted` is the event time of each
    camera's newest clip that is already counted, from before a restart: what is not newer is not given again, but for
    what came after that clip and is older than it: nobody knows whether that was given, so it is.
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
        self._read: dict[Path, _Read] = {}
        self._sightings: dict[Path, _Sighting] = {}
        self._given: dict[Path, _Clip] = {}
        self._waiting: dict[str, list[_Clip]] = {}
        self._last: dict[str, Version] = {}
        self._left_out: frozenset[SkippedFile] = frozenset()

    @property
    def name(self) -> str:
        return self._config.name

    @property
    def choice(self) -> str:
        return choice(self._config)

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
        """Another process has given what lies there of these cameras, as `counted` says."""
        with self._lock:
            self._counted |= newest
            self._scanned = None  # it is looked into anew before anything is given

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
            self._given[due.path] = due
        if due.version.same(known):
            return None
        content = self._content(due.path, due.state)
        if _state(due.path) not in (due.state, None):
            with self._lock:  # it was written to after all: it is given once it has settled
                self._given.pop(due.path, None)
            return None
        with self._lock:
            self._last[camera] = due.version
            more = bool(self._waiting.get(camera))
        return Media(content, due.event_time, due.version, more=more)

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
        read: dict[Path, _Read] = {}
        clips: list[_Clip] = []
        for path in listing.files:
            state, known = _state(path), self._read.get(path)
            if known is None or known.state != state:
                written = Written(by=now, at=None if state is None else state.modified)
                known = _Read(state, self._names.read(path, written))
            read[path] = known
            if isinstance(known.said, SkippedFile):
                left_out.append(known.said)
            elif state is None:
                left_out.append(skipped(path, "is no file, or has gone"))
            else:
                clips.append(self._clip(known.said, state))
        self._read = read
        self._forget({clip.path for clip in clips})
        self._go_on_after_counted(clips)
        self._waiting = {}
        for clip in sorted(self._due(clips, now, left_out)):
            self._waiting.setdefault(clip.camera, []).append(clip)
        self._say(left_out)
        self._scanned = now

    def _clip(self, named: Recording, state: _State) -> _Clip:
        """The clip of a file. One that was given keeps its event time, however late its writer came back to it."""
        given = self._given.get(named.path)
        event_time = _filmed(named.event_time, state.modified) if given is None else given.event_time
        return _Clip(replace(named, event_time=event_time), state, named.event_time)

    def _go_on_after_counted(self, clips: Sequence[_Clip]) -> None:
        """What was given before we looked: all that is not newer than the newest one counted, and did not come later.

        They were given in the order of event time. Where the newest one itself has been cleared away, its time says
        what had come by then.
        """
        until = dict(self._counted)
        for clip in clips:
            if clip.event_time == self._counted.get(clip.camera):
                until[clip.camera] = max(until[clip.camera], clip.state.arrived)
        for clip in clips:
            if clip.event_time <= self._counted.get(clip.camera, _NEVER) and clip.state.arrived <= until[clip.camera]:
                self._given.setdefault(clip.path, clip)
        self._counted = {}

    def _due(self, clips: Iterable[_Clip], now: datetime, left_out: list[SkippedFile]) -> Iterator[_Clip]:
        """The clips to give; why others are not is added to `left_out`."""
        names: dict[tuple[str, datetime], Path] = {}
        times: dict[tuple[str, datetime], Path] = {}
        for clip in sorted(clips, key=lambda clip: (clip.path not in self._given, str(clip.path))):
            path, state = clip.path, clip.state
            firsts = (
                names.setdefault((clip.camera, clip.named), path),
                times.setdefault((clip.camera, clip.event_time), path),
            )
            given = self._given.get(path)
            if given is not None and given.state == state:
                continue
            sighting = self._sightings.get(path)
            if sighting is None or sighting.state != state:
                sighting = self._sightings[path] = _Sighting(state, now)
            settled = self._config.whole == "renamed" or now - sighting.since >= self._settle
            if (first := next((one for one in firsts if one != path), None)) is not None:
                left_out.append(skipped(path, f"has the same camera and time as {first.name}"))
            elif clip.event_time < sighting.since - timedelta(seconds=self._config.backlog_s):
                left_out.append(skipped(path, "is older than the backlog that is taken: `busyness replay` counts it"))
            elif clip.event_time > now + _SOON:
                left_out.append(skipped(path, f"is named {clip.named:%Y-%m-%d %H:%M:%S} UTC, and given then: {_SET}"))
            elif settled and state.size_bytes == 0:
                left_out.append(skipped(path, "is empty (0 bytes)"))
            elif settled and clip.event_time <= now:
                yield clip

    def _forget(self, there: Set[Path]) -> None:
        """What has been cleared away needs no memory."""
        self._sightings = {path: sighting for path, sighting in self._sightings.items() if path in there}
        self._given = {path: clip for path, clip in self._given.items() if path in there}

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
_SET = "set the recorder's clock, or timezone: of this source"


def _filmed(named: datetime, written: datetime) -> datetime:
    """When a clip was filmed: by its name, unless the file was written to shortly before that.

    Nothing is written before it is filmed. But a time of writing that is far off, as of a restored file, says nothing.
    """
    return written if timedelta(0) < named - written < _AHEAD else named


def _state(path: Path) -> _State | None:
    """None for what is no file: reading a pipe or a device would wait for ever."""
    try:
        status = path.stat()
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return _State(status.st_size, status.st_mtime_ns, file_time(status.st_ctime_ns))


def _version(path: Path, state: _State) -> Version:
    named = f"{printable(path)}\0{state.size_bytes}\0{state.modified_ns}".encode()
    return Version(hashlib.sha256(named).hexdigest()[:32], state.modified)
