"""Counts clips in a jailed child: the parent reads the bytes of a clip and never looks into them.

    MediaReader --bytes--> JailedCounter --pipe--> busyness.counting_worker (jail) --ClipReport--> JailedCounter

Whatever a clip does to the child, its camera gets an observation with the reason, and the next clip a child.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime

from pydantic import ValidationError

from busyness.worker_jobs import GREETING, CountJob, Failed, Ready, ReportJob, WorkerSetup
from core.clock import Clock
from core.errors import BusynessError, ConfigError, ModelError
from core.records import Camera, ClipFault, ClipReady, Status, observation_id
from detect.error_model import Calibration
from detect.refused import refused
from detect.resolution import too_near
from detect.result import CountResult
from detect.scene import ClipReport, Scene
from ingest.filename import printable
from ingest.jail.process import ChildEnd, Jail, Loss, NotStarted, WorkerLost
from ingest.source import MediaReader, UnusableClip

log = logging.getLogger(__name__)

PROGRAM = ("busyness.counting_worker",)


class CounterClosed(Exception):
    """The counter was closed while it had a clip in hand: nothing is known of that clip, and nothing is to be stored.

    No `BusynessError`, for nothing is wrong: whoever closed it is stopping.
    """


class ModelChanged(BusynessError):
    """A child that took the place of another does not count with the model of the first."""


class _SameModel:
    """Holds every child to what the first one said of its model."""

    def __init__(self) -> None:
        self.first: Ready | None = None

    def __call__(self, said: bytes) -> None:
        """Take the greeting of a child that is about to be asked. Raises `ModelChanged`."""
        greeting = GREETING.validate_json(said)
        if self.first is None or greeting == self.first:
            return
        if isinstance(greeting, Failed):
            told = f"the next worker could not start with it: {greeting.message}"
        elif greeting.model != self.first.model:
            told = f"{self.first.model} became {greeting.model}"
        else:
            return
        raise ModelChanged(f"the model's file changed since the start: restart ({told})")


class JailedCounter:
    """Counts clips of cameras in a child of its own. One thread uses it; `close` may come from another.

    `calibrations` has the calibration of `model` for those cameras that have one, by camera; another mapping may be
    set at any time. So may `on_lost`, which is told why a child was lost at a clip (a value of `Loss`), and
    `on_report`, which is given every report on a clip that had bytes, and these.
    """

    def __init__(
        self,
        setup: WorkerSetup,
        reader: MediaReader,
        clock: Clock,
        *,
        calibrations: Mapping[str, Calibration] | None = None,
        on_end: Callable[[ChildEnd], None] = lambda _: None,
    ) -> None:
        """Starts the child and does not wait for it: make all counters, then ask one for its `model`.
        `on_end` is told what each child had used when it was gone.

        Raises `NotStarted` where the machine lets no process begin.
        """
        self._setup = setup
        self._reader = reader
        self._clock = clock
        self.calibrations = calibrations or {}
        self.on_lost: Callable[[str], None] = lambda _: None
        self.on_report: Callable[[ClipReady, ClipReport, bytes], None] = lambda *_: None
        self._same = _SameModel()
        said = setup.model_dump_json(by_alias=True).encode()
        self._jail = Jail(PROGRAM, said, setup.jail, accept=self._same, on_end=on_end)

    @property
    def model(self) -> str:
        """Name and hash of the model. Waits for the first child; raises `ModelError` and others for what it met."""
        return self._greeted().model

    @property
    def jail(self) -> str:
        """What the child is held to, for the list at start-up."""
        return self._greeted().jail

    @property
    def pid(self) -> int | None:
        """The process number of the child; None while there is none."""
        return self._jail.pid

    def report(self, camera: Camera, clip: ClipReady, scene: Scene | None = None) -> ClipReport:
        """One observation for each of `camera.counted_zones`, and what was seen of the camera; never raises for a clip.

        A clip with a fault, one of a camera that shows people too large, one that cannot be read, and one at which the
        child died have null observations; the first two are not opened. Raises `CounterClosed` where `close` took the
        child away from the clip.
        """
        try:
            model, now = self._greeted().model, self._clock.now()
        except NotStarted as error:
            if self._jail.closed:
                raise CounterClosed from error
            raise
        if clip.fault is not None:
            return refused(camera, clip, clip.fault, model, now)
        try:
            media = self._reader.read(clip)
        except UnusableClip as error:
            return refused(camera, clip, fault_of(error), model, now)
        near = too_near(camera, self._setup.resolution)  # after its bytes were taken, or they would be kept for it
        if near is not None:
            return refused(camera, clip, ClipFault.of(Status.OVERSIZE, str(near)), model, now)
        name = media_name(clip.location)
        job = ReportJob(
            camera=camera,
            clip=clip if media is None else clip.model_copy(update={"location": name}),
            scene=scene,
            calibration=self.calibrations.get(camera.id),
            media=media is not None,
            now=now,
        )
        answer = self._ask(job, media or b"", name)
        if isinstance(answer, ClipFault):
            return refused(camera, clip, answer, model, now)
        try:
            report = _checked(ClipReport.model_validate_json(answer), job, model)
        except ValueError:
            return refused(camera, clip, self._distrust(name), model, now)
        if media is not None:
            self.on_report(clip, report, media)
        return report

    def count(self, source: str, content: bytes, event_time: datetime | None = None) -> CountResult:
        """Count the whole view of a clip or still of no camera; never raises for what `content` is.

        Raises `CounterClosed` as `report` does.
        """
        name = media_name(source)
        answer = self._ask(CountJob(name=name, event_time=event_time), content, name)
        if isinstance(answer, ClipFault):
            return self.uncounted(source, answer, event_time)
        try:
            result = CountResult.model_validate_json(answer)
        except ValidationError:
            return self.uncounted(source, self._distrust(name), event_time)
        return result.model_copy(update={"source": source})

    def uncounted(self, source: str, fault: ClipFault, event_time: datetime | None = None) -> CountResult:
        """What is said of a source that nobody looked at."""
        return CountResult(
            source=source, status=fault.status, reason=fault.reason, event_time=event_time, frames=0, counts=None,
            people=None, vehicles=None, stationary=None, low=None, high=None, lighting=None, model=self.model,
            elapsed_ms=0.0,
        )  # fmt: skip

    def close(self) -> None:
        """End the child. Called by another thread, it makes a `report` that is under way raise `CounterClosed`."""
        self._jail.close()

    def _greeted(self) -> Ready:
        """What the first child said of itself; its successors have to say the same: see `_SameModel`."""
        if self._same.first is None:
            greeting = GREETING.validate_json(self._jail.greeting())
            if isinstance(greeting, Failed):
                self.close()
                kinds: dict[str, type[BusynessError]] = {kind.__name__: kind for kind in (ModelError, ConfigError)}
                raise kinds.get(greeting.error, BusynessError)(greeting.message, remedy=greeting.remedy)
            self._same.first = greeting
        return self._same.first

    def _ask(self, job: ReportJob | CountJob, media: bytes, name: str) -> bytes | ClipFault:
        self._greeted()
        try:
            return self._jail.ask(job.model_dump_json().encode(), media)
        except (WorkerLost, NotStarted, ModelChanged) as error:
            if self._jail.closed:
                raise CounterClosed from error
            return self._fault_of(error, name)

    def _fault_of(self, error: WorkerLost | NotStarted | ModelChanged, name: str) -> ClipFault:
        if isinstance(error, WorkerLost):
            log.warning("the worker was lost at %s: %s", name, error)
            self.on_lost(error.loss.value)
            return _lost(error, name, self._setup)
        # It has started before: the machine is short of something, which passes, or the model's file is another one.
        log.warning("%s", error)
        return ClipFault.of(Status.MODEL_ERROR, f"{name} was not counted: {error}")

    def _distrust(self, name: str) -> ClipFault:
        log.warning("the worker gave no report of %s: it is replaced", name)
        self.on_lost(Loss.NO_ANSWER.value)
        self._jail.dismiss()
        return ClipFault.of(Status.UNDECODABLE, f"{name} made the worker answer with what is no report. Fetch it again")


def media_name(location: str) -> str:
    """What messages call a clip: the last part of its path, without a query, in which a key may stand."""
    path = location.partition("?")[0] if "://" in location else location
    return printable(path.rstrip("/").rpartition("/")[2] or location)


def fault_of(error: UnusableClip) -> ClipFault:
    """What could not be read, as it is stored."""
    return ClipFault.of(error.status, str(error))


def _lost(lost: WorkerLost, name: str, setup: WorkerSetup) -> ClipFault:
    """What the loss of a worker says of the clip that it had in hand."""
    jail = setup.jail
    smaller = "Give a shorter or smaller one, or raise {} of the jail"
    match lost.loss:
        case Loss.CPU_TIME:
            told = f"{name} took more than cpu_s = {jail.cpu_s:g} s of processor time. {smaller.format('cpu_s')}"
            return ClipFault.of(Status.OVERSIZE, told)
        case Loss.WALL_TIME:
            told = f"{name} had no answer after wall_s = {jail.wall_s:g} s. {smaller.format('wall_s')}"
            return ClipFault.of(Status.OVERSIZE, told)
        case Loss.MEMORY:
            told = f"{name} needed more memory than memory_mb = {jail.memory_mb}. {smaller.format('memory_mb')}"
            return ClipFault.of(Status.OVERSIZE, told)
        case Loss.ENDED:
            return ClipFault.of(
                Status.UNDECODABLE,
                f"the worker that decoded {name} was killed, twice. See whether this machine is short of memory",
            )
        case _:
            told = f"{name} ended the worker that decoded it ({lost.how}). Fetch or record it again"
            return ClipFault.of(Status.UNDECODABLE, told)


def _checked(report: ClipReport, job: ReportJob, model: str) -> ClipReport:
    """The report, if it speaks of this clip and of each zone once. Raises `ValueError`."""
    expected = [observation_id(job.clip.camera, z.id, job.clip.event_time, model) for z in job.camera.counted_zones]
    if [one.id for one in report.observations] != expected:
        raise ValueError("the report is of another clip")
    if any(one.content != job.clip.content for one in report.observations):
        raise ValueError("the report is of other bytes")
    return report
