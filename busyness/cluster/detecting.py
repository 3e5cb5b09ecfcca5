"""What a detect worker does with a clip.

    clip --> handled before? --> counted in the jailed child --> observations, durable on the bus --> views learnt
                                                                       \\-- broken: a dead letter as well

In this order a crash at any moment leaves the clip uncommitted and either not learnt, so that it is counted again from
what was known before, to the same figures; or learnt, and its observations are on the bus.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol

from prometheus_client import Histogram

from busyness.cluster.consuming import Refused
from busyness.cluster.known_cameras import KnownCameras
from busyness.cluster.worker import Stopped, Worker
from busyness.jailed_counter import CounterClosed
from core.bus import OBSERVATIONS, Bus
from core.records import Camera, ClipReady, Status
from detect.resolution import ResolutionLimit, too_near
from detect.scene import ClipReport, Scene
from detect.view_book import Counted, ViewBook

log = logging.getLogger(__name__)

PATIENCE = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between looks for a camera that is not stored yet: clips and cameras come by different ways."""

BROKEN = frozenset((Status.UNDECODABLE, Status.OVERSIZE, Status.MODEL_ERROR))
"""What is said of a clip that was there and could not be examined."""


class Counter(Protocol):
    """Counts one clip at a time (`JailedCounter`); raises `CounterClosed` where it was closed meanwhile."""

    @property
    def model(self) -> str:
        """Name and hash of the model."""
        ...

    def report(self, camera: Camera, clip: ClipReady, scene: Scene | None = None) -> ClipReport:
        """One observation for each zone of the camera, and what the clip shows of it."""
        ...


class Detecting:
    """Handles clips for `Consuming`, with one counter. One thread uses it; the others have their own."""

    def __init__(
        self,
        worker: Worker,
        bus: Bus,
        counter: Counter,
        *,
        cameras: KnownCameras,
        views: ViewBook,
        resolution: ResolutionLimit,
        seconds: Histogram,
    ) -> None:
        self._worker = worker
        self._bus = bus
        self._cameras = cameras
        self._views = views
        self._counter = counter
        self._resolution = resolution
        self._seconds = seconds
        self._unknown: set[str] = set()

    def __call__(self, clips: Sequence[ClipReady]) -> Sequence[Refused[ClipReady]]:
        return [refused for clip in clips if (refused := self._one(clip)) is not None]

    def _one(self, clip: ClipReady) -> Refused[ClipReady] | None:
        camera = self._camera(clip.camera)
        if camera is None:
            return Refused(clip, f"there is no camera {clip.camera}: add it to the sources, then replay this clip")
        scene = self._views.scene_of(camera.id)
        if self._views.handled(camera.id, clip, self._counter.model):
            return None
        last = self._views.unseen(camera.id)
        if last is not None:
            scene = self._views.see_again(camera.id, last, self._counted(camera, last, scene).sight)
        with self._seconds.time():
            report = self._counted(camera, clip, scene)
        self._worker.until_done(lambda: self._publish(report))
        broken = self._broken(camera, clip, report)
        if broken is not None:  # nothing was learnt by it, and who replays it wants it counted
            return Refused(clip, broken)
        if any(one.status is Status.SKIPPED for one in report.observations):
            return None  # its bytes were gone; it may come once more with others
        self._worker.until_done(
            lambda: self._views.learn(camera.id, clip, report.sight, Counted(self._counter.model, scene))
        )
        return None

    def _camera(self, name: str) -> Camera | None:
        """The camera; None where it stays unknown for so long that its clips are given up."""
        found = self._cameras.find(name)
        for wait_s in () if name in self._unknown else PATIENCE:
            if found is not None:
                break
            self._worker.pause(wait_s)
            found = self._cameras.find(name)
        if found is None:
            self._unknown.add(name)  # its other clips are not waited with
        else:
            self._unknown.discard(name)
        return found

    def _counted(self, camera: Camera, clip: ClipReady, scene: Scene) -> ClipReport:
        try:
            return self._counter.report(camera, clip, scene)
        except CounterClosed as error:
            raise Stopped from error

    def _publish(self, report: ClipReport) -> None:
        for observation in report.observations:
            self._bus.publish(OBSERVATIONS, observation)
        self._bus.flush()

    def _broken(self, camera: Camera, clip: ClipReady, report: ClipReport) -> str | None:
        """Why the clip cannot be examined, where that is the clip's fault and not its publisher's or camera's."""
        if clip.fault is not None or too_near(camera, self._resolution) is not None:
            return None
        said = next((one for one in report.observations if one.status in BROKEN), None)
        return None if said is None else f"{said.status}: {said.reason}"
