"""Fetched clips that wait to be counted: in memory, within a bound, the freshest first."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Container
from datetime import datetime

from core.records import ClipFault, ClipReady, Status
from ingest.city.watch import UNWATCHED
from ingest.source import UnusableClip

Key = tuple[str, datetime, str | None]

MOST_FAULTS = 50_000
"""That wait to be told. Where nobody takes them for a day, the oldest are forgotten: they are gaps all the same."""

NEWER = "not counted for want of time: a newer clip of this camera had come before its turn"
NO_ROOM = "not counted for want of time: fresher clips of other cameras filled the memory for waiting ones"


class WaitingRoom:
    """At most one clip a camera, and `max_bytes` of all together.

    Where clips come faster than they can be counted, the newest of a camera takes the place of its last, and beyond
    `max_bytes` the oldest of all goes. Neither is lost: it leaves as a clip whose `fault` says that it was skipped.
    """

    def __init__(self, max_bytes: int) -> None:
        """`on_skip` may be set to be told the camera of every clip that is skipped, here or before it was fetched."""
        self.on_skip: Callable[[str], None] = lambda _: None
        self._max_bytes = max_bytes
        self._changed = threading.Condition()
        self._faults: deque[ClipReady] = deque(maxlen=MOST_FAULTS)
        self._clips: dict[str, tuple[ClipReady, bytes]] = {}
        self._taken: dict[Key, bytes] = {}
        self._bytes = 0
        self._closed = False

    def put(self, clip: ClipReady, content: bytes) -> None:
        """A clip and its bytes; one without a `fault`."""
        with self._changed:
            if self._closed:
                return
            waiting = self._clips.get(clip.camera)
            if waiting is not None and waiting[0].event_time > clip.event_time:
                self._skip(clip, NEWER)  # came out of turn
            else:
                if waiting is not None:
                    self._leave(clip.camera, NEWER)
                self._clips[clip.camera] = (clip, content)
                self._bytes += len(content)
            while self._bytes > self._max_bytes and len(self._clips) > 1:
                self._leave(min(self._clips, key=lambda camera: self._clips[camera][0].event_time), NO_ROOM)
            self._changed.notify()

    def put_fault(self, clip: ClipReady) -> None:
        """A clip that was due and is not there."""
        with self._changed:
            if not self._closed:
                if clip.fault is not None and clip.fault.status is Status.SKIPPED and clip.fault != UNWATCHED:
                    self.on_skip(clip.camera)  # not of a time before we began: that is no want of time
                self._faults.append(clip)
                self._changed.notify()

    def take(self, timeout_s: float, *, only_faults: bool = False) -> ClipReady | None:
        """The next one: faults, which cost nothing, then the freshest clip. None where none came in time."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._faults or (self._clips and not only_faults) or self._closed, timeout=timeout_s
            )
            if self._faults:
                return self._faults.popleft()
            if not self._clips or only_faults:
                return None
            camera = max(self._clips, key=lambda camera: self._clips[camera][0].event_time)
            clip, content = self._clips.pop(camera)
            self._taken[_key(clip)] = content
            return clip

    def read(self, clip: ClipReady) -> bytes:
        """The bytes of a clip that was taken, once; after that they are gone. Raises `UnusableClip`."""
        with self._changed:
            content = self._taken.pop(_key(clip), None)
            if content is None:
                raise UnusableClip(
                    Status.UNREACHABLE,
                    f"the clip of {clip.camera} of {clip.event_time:%H:%M:%S} UTC is no longer in memory",
                    remedy="Its camera's next one is fetched when it is due",
                )
            self._bytes -= len(content)
            return content

    def holds(self, camera: str) -> bool:
        """Whether a clip of this camera waits."""
        with self._changed:
            return camera in self._clips

    def forget(self, cameras: Container[str]) -> None:
        """Let go of what waits of any camera but these, and of what was taken and is not read yet."""
        with self._changed:
            for camera in [camera for camera in self._clips if camera not in cameras]:
                self._bytes -= len(self._clips.pop(camera)[1])
            for key in [key for key in self._taken if key[0] not in cameras]:
                self._bytes -= len(self._taken.pop(key))
            self._faults = deque((clip for clip in self._faults if clip.camera in cameras), maxlen=MOST_FAULTS)

    def close(self) -> None:
        """No more clips: what waits is let go, and whoever waits for one is woken. What was taken may still be read."""
        with self._changed:
            self._closed = True
            self._clips.clear()
            self._faults.clear()
            self._bytes = sum(len(content) for content in self._taken.values())
            self._changed.notify_all()

    @property
    def clips(self) -> int:
        """How many clips wait."""
        return len(self._clips)

    @property
    def bytes(self) -> int:
        """How many bytes of clips wait or are about to be counted."""
        return self._bytes

    def _leave(self, camera: str, why: str) -> None:
        clip, content = self._clips.pop(camera)
        self._bytes -= len(content)
        self._skip(clip, why)

    def _skip(self, clip: ClipReady, why: str) -> None:
        self.on_skip(clip.camera)
        self._faults.append(clip.model_copy(update={"fault": ClipFault(status=Status.SKIPPED, reason=why)}))


def _key(clip: ClipReady) -> Key:
    """What tells taken clips apart: a file that is written anew has the same time and other bytes."""
    return clip.camera, clip.event_time, clip.content
