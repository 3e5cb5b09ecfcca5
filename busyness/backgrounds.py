"""Gathers clips for backgrounds, in memory, while somebody asks for them; has them made, and gives each away once.

    recorded or rendered clips --PastClips----> \\
                                                 Backgrounds --bytes--> a child of its own --EmptyStreet--> take, once
    clips of feeds, while they are counted ---> /

What is held is a camera's clips, as the waiting room of a city holds them, and then one picture with nobody in it. All
of it is let go when nobody has asked for ten minutes.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from busyness.calibration_child import CalibrationChild, ChildLost
from busyness.calibration_jobs import BackgroundJob, ChildSetup, EmptyStreet, TooFew
from core.errors import BusynessError, NotFound
from core.judgement import Gathering, GatheringState
from core.records import Camera, ClipReady, Lighting, Status
from detect.background_limits import LEAST_APART_S, LEAST_CLIPS, MOST_CLIPS
from detect.scene import ClipReport, Scene
from ingest.source import UnusableClip

log = logging.getLogger(__name__)

FORGET_S = 600.0
MOST_CAMERAS = 4
MOST_BYTES = 256 * 1024 * 1024
"""Of clips of all cameras together."""

MOST_LOST = 3
"""Children lost at single clips before nobody tries any further."""

ASK_AGAIN = "ask again for a new one"

Clip = tuple[ClipReady, bytes]


class PastClips(Protocol):
    """Clips that are there already."""

    def of(self, camera: Camera) -> Sequence[ClipReady]:
        """At most `MOST_CLIPS` of a camera, `LEAST_APART_S` apart, of the hours that show its street best."""
        ...

    def read(self, clip: ClipReady) -> bytes | None:
        """The bytes of one; None where the child renders it. Raises `UnusableClip`."""
        ...


@dataclass(eq=False)
class _Wanted:
    """A camera whose background was asked for. `by_light` is what was gathered of it; `working` while it is made."""

    camera: Camera
    timer: threading.Timer | None = None
    by_light: dict[Lighting | None, list[Clip]] = field(default_factory=dict)
    working: bool = False
    done: bool = False
    waits_for: str | None = None
    refused: str | None = None
    child: CalibrationChild | None = None
    png: bytes | None = field(default=None, repr=False)

    @property
    def most(self) -> list[Clip]:
        """The clips of that light of which there are most: by day and by night a street is two pictures."""
        return max(self.by_light.values(), key=len, default=[])

    @property
    def size(self) -> int:
        """Bytes of all clips."""
        return sum(len(content) for clips in self.by_light.values() for _, content in clips)


class Backgrounds:
    """Backgrounds of cameras, each made when it is asked for.

    `past` are the clips of a source that has them already; without it they are those that are `offer`ed while they are
    counted. `scene_of` tells the known views of a camera.
    """

    def __init__(
        self,
        setup: ChildSetup,
        scene_of: Callable[[str], Scene],
        past: PastClips | None = None,
        *,
        forget_s: float = FORGET_S,
    ) -> None:
        self._setup = setup
        self._scene_of = scene_of
        self._past = past
        self._forget_s = forget_s
        self._lock = threading.Lock()
        self._making = threading.Lock()
        self._wanted: dict[str, _Wanted] = {}
        self._closed = False

    def ask(self, camera: Camera) -> Gathering:
        """Begin to gather the background of a camera, or say how far it is. One that was refused begins anew."""
        with self._lock:
            wanted = self._wanted.get(camera.id)
            if wanted is None and not self._closed:
                while len(self._wanted) >= MOST_CAMERAS:
                    self._forget(next(iter(self._wanted.values())))
                wanted = self._wanted[camera.id] = _Wanted(camera)
                if self._past is not None:
                    self._begin(wanted, self._make_of_past)
            if wanted is None:
                return Gathering(
                    state=GatheringState.REFUSED, clips=0, of=LEAST_CLIPS, reason="the service is stopping"
                )
            self._remember(wanted)
            told = self._told(wanted)
            if told.state is GatheringState.REFUSED:
                self._forget(wanted)
            return told

    def offer(self, clip: ClipReady, report: ClipReport, content: bytes) -> None:
        """A clip that was just counted: taken where its camera's background is wanted and it adds to it."""
        with self._lock:
            wanted = self._wanted.get(clip.camera)
            if wanted is None or wanted.working or wanted.done or self._past is not None or not _is_good(report):
                return
            clips = wanted.by_light.setdefault(report.observations[0].lighting, [])
            if any(_apart_s(clip, other) < LEAST_APART_S for other, _ in clips):
                return
            if sum(one.size for one in self._wanted.values()) + len(content) > MOST_BYTES:
                wanted.waits_for = "clips of cameras whose background is wanted fill the memory set aside for them"
                return
            clips.append((clip, content))
            wanted.waits_for = None
            if len(clips) >= LEAST_CLIPS:
                self._begin(wanted, self._make_of_gathered)

    def take(self, camera: str, keep: Callable[[bytes], None] = lambda _: None) -> bytes:
        """The picture of a camera, which is forgotten with that: once it was given to `keep`, which may raise.

        Raises `NotFound` where there is none.
        """
        with self._lock:
            wanted = self._wanted.get(camera)
            if wanted is None or wanted.png is None:
                why = "is still being made" if wanted is not None else "is not there: it was shown, or nobody asked"
                raise NotFound(f"the background of camera {camera} {why}", remedy=ASK_AGAIN)
            picture = wanted.png
            keep(picture)
            self._forget(wanted)
            return picture

    def close(self) -> None:
        """Let go of everything, and end what is being made."""
        with self._lock:
            self._closed = True
            for wanted in list(self._wanted.values()):
                self._forget(wanted)

    def _told(self, wanted: _Wanted) -> Gathering:
        of = LEAST_CLIPS if self._past is None else MOST_CLIPS
        gathered = min(len(wanted.most), of)
        if wanted.refused is not None:
            return Gathering(state=GatheringState.REFUSED, clips=gathered, of=of, reason=wanted.refused)
        if wanted.png is not None:
            return Gathering(state=GatheringState.READY, clips=of, of=of)
        if wanted.working:
            return Gathering(state=GatheringState.GATHERING, clips=gathered, of=of, reason=wanted.waits_for)
        waits = wanted.waits_for or (
            f"a clip is taken as it is counted: one every {max(wanted.camera.cadence_s, LEAST_APART_S) / 60:.0f} min"
        )
        return Gathering(state=GatheringState.GATHERING, clips=gathered, of=of, reason=waits)

    def _remember(self, wanted: _Wanted) -> None:
        """For so long as nobody has to ask again."""
        if wanted.timer is not None:
            wanted.timer.cancel()
        wanted.timer = threading.Timer(self._forget_s, self._forget_later, (wanted,))
        wanted.timer.daemon = True
        wanted.timer.start()

    def _forget_later(self, wanted: _Wanted) -> None:
        with self._lock:
            self._forget(wanted)

    def _forget(self, wanted: _Wanted) -> None:
        if wanted.timer is not None:
            wanted.timer.cancel()
        if self._wanted.get(wanted.camera.id) is wanted:
            del self._wanted[wanted.camera.id]
        wanted.by_light, wanted.png, wanted.done = {}, None, True
        if wanted.child is not None:
            wanted.child.close()

    def _begin(self, wanted: _Wanted, making: Callable[[_Wanted], EmptyStreet]) -> None:
        """Have it made in a thread of its own; one at a time, for each takes the memory of many clips."""
        wanted.working, wanted.waits_for = True, "the picture of another camera is made first"

        def work() -> None:
            png, refused = None, None
            try:
                with self._making:
                    wanted.waits_for = "the picture is being made"
                    made = making(wanted)
                png = made.png
                log.info("background of %s: %d clips, %.0f %% hidden", wanted.camera.id, made.clips, 100 * made.hidden)
            except BusynessError as error:
                refused = str(error)
            except Exception:
                log.exception("the background of %s could not be made", wanted.camera.id)
                refused = f"it could not be made: the log says why; {ASK_AGAIN}"
            with self._lock:
                wanted.by_light, wanted.working = {}, False
                if not wanted.done:
                    wanted.png, wanted.refused, wanted.done = png, refused, True

        threading.Thread(target=work, name=f"background-{wanted.camera.id}", daemon=True).start()

    def _make_of_past(self, wanted: _Wanted) -> EmptyStreet:
        assert self._past is not None  # noqa: S101 - asked for only where there are past clips
        with self._lock:
            clips = wanted.by_light.setdefault(None, [])
        for clip in self._past.of(wanted.camera):
            if wanted.done:
                break
            try:
                clips.append((clip, self._past.read(clip) or b""))
            except UnusableClip as error:
                log.info("not in the background: %s", error)
            if sum(len(content) for _, content in clips) > MOST_BYTES:
                break
        return self._make(wanted, clips)

    def _make_of_gathered(self, wanted: _Wanted) -> EmptyStreet:
        return self._make(wanted, wanted.most)

    def _make(self, wanted: _Wanted, clips: list[Clip]) -> EmptyStreet:
        """Raises `BusynessError` with the reason why there is no picture."""
        child = CalibrationChild(self._setup, idle_s=1.0)
        with self._lock:
            if wanted.done:
                raise BusynessError("nobody asks for it any more")
            wanted.child = child
        try:
            made = self._made(child, wanted.camera, clips)
        finally:
            child.close()
            with self._lock:
                wanted.child = None
        if isinstance(made, EmptyStreet):
            return made
        why = f": {'; '.join(made.why)}" if made.why else ""
        raise BusynessError(f"{made.used} of {len(clips)} clips could be used, and {LEAST_CLIPS} are needed{why}")

    def _made(self, child: CalibrationChild, camera: Camera, clips: list[Clip]) -> EmptyStreet | TooFew:
        try:
            return self._asked(child, camera, clips)
        except ChildLost:
            good = self._without_killers(child, camera, clips)
            if len(good) == len(clips):
                raise
            return self._asked(child, camera, good)

    def _asked(self, child: CalibrationChild, camera: Camera, clips: list[Clip]) -> EmptyStreet | TooFew:
        job = BackgroundJob(
            clips=tuple(clip.model_copy(update={"location": _name(clip, content)}) for clip, content in clips),
            lengths=tuple(len(content) for _, content in clips),
            scene=self._scene_of(camera.id),
            plane=camera.plane,
        )
        made = child.ask(job, b"".join(content for _, content in clips))
        if not isinstance(made, EmptyStreet | TooFew):
            raise BusynessError("the child answered something else")
        return made

    def _without_killers(self, child: CalibrationChild, camera: Camera, clips: list[Clip]) -> list[Clip]:
        """Those clips that no child is lost at when it is given them alone."""
        good, lost = [], 0
        for clip, content in clips:
            try:
                if lost < MOST_LOST:
                    self._asked(child, camera, [(clip, content)])
                good.append((clip, content))
            except ChildLost:
                lost += 1
                log.warning("a clip of %s ends the child that opens it: it is left out", camera.id)
        return good


def _is_good(report: ClipReport) -> bool:
    """Whether the clip was counted, as one of the view that zones are drawn in."""
    return all(one.status is Status.OK and one.view_epoch == 0 for one in report.observations)


def _apart_s(clip: ClipReady, other: ClipReady) -> float:
    return abs((clip.event_time - other.event_time).total_seconds())


def _name(clip: ClipReady, content: bytes) -> str:
    """What the child is told of where a clip is from: nothing, where it has its bytes."""
    return "clip" if content else clip.location
