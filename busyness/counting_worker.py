"""The program of a jailed child: it decodes and counts. Bytes of a clip go in, figures come out, nothing else.

    python -m busyness.counting_worker      started by `busyness.jailed_counter`, which speaks to it on two pipes

It reads its set-up, loads the model, counts a picture that it made itself so that nothing is loaded or started later,
enters the jail (`ingest/jail`) and then answers one job after another.
"""

from __future__ import annotations

import random
import struct
import zlib
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

from busyness.worker_jobs import JOB, CountJob, Failed, Ready, ReportJob, WorkerSetup
from core.errors import BusynessError, PixelLeak
from core.records import Camera, ClipFault, ClipReady, Status
from detect.counter import ClipCounter, count_source
from detect.error_model import Calibration
from detect.refused import refused
from detect.registry import open_model
from detect.scene import Scene
from ingest.clip import SampledClip
from ingest.decode import open_bytes
from ingest.decode_limits import DecodeLimits
from ingest.jail.inside import Cell
from ingest.rendering import RenderedStreet


class CountingWorker:
    """Answers jobs: `ClipReport` of a `ReportJob`, `CountResult` of a `CountJob`, as JSON."""

    def __init__(self, setup: WorkerSetup) -> None:
        """Raises `ModelError`, `MissingExtra`."""
        self._setup = setup
        self._model = open_model(setup.model, setup.threads)
        self._opener = _JobOpener(setup)
        self._clock = _ToldClock()
        self._calibrations: dict[str, Calibration] = {}
        self._counter = ClipCounter(
            self._model,
            self._opener,
            setup.frames_per_clip,
            self._clock,
            calibrations=self._calibrations,
            resolution=setup.resolution,
        )

    @property
    def model(self) -> str:
        return self._model.name

    def answer(self, said: bytes, media: bytes) -> bytes:
        """The JSON of the answer to the job of JSON `said` and the clip's bytes."""
        job = JOB.validate_json(said)
        if isinstance(job, CountJob):
            result = count_source(
                job.name,
                lambda frames: open_bytes(media, job.name, frames, self._setup.limits),
                self._model,
                frames=self._setup.frames_per_clip,
                event_time=job.event_time,
                resolution=self._setup.resolution,
            )
            return result.model_dump_json().encode()
        self._clock.told = job.now
        self._opener.media = media if job.media else None
        self._calibrations.clear()
        if job.calibration is not None:
            self._calibrations[job.camera.id] = job.calibration
        try:
            report = self._counter.report(job.camera, job.clip, job.scene)
        except (PixelLeak, MemoryError):
            raise
        except Exception as error:  # our own mistake, and nobody would hear of it: nothing is logged from in here
            told = f"the worker failed: {type(error).__name__}: {error}"
            fault = ClipFault.of(Status.MODEL_ERROR, told)
            report = refused(job.camera, job.clip, fault, self.model, job.now)
        finally:
            self._opener.media = None
        return report.model_dump_json().encode()

    def warm_up(self) -> None:
        """Do once all that a job can ask for: what libraries load, start or allocate at first use is there after it."""
        camera = Camera(id="warm-up", name="warm-up", lat=0, lon=0)
        picture = _noise_png(camera.width, camera.height)
        clip = ClipReady(camera=camera.id, event_time=self._clock.now(), location="warm-up.png")
        job = ReportJob(camera=camera, clip=clip, scene=Scene(), calibration=None, media=True, now=self._clock.now())
        self.answer(job.model_dump_json().encode(), picture)
        self._model.density(open_bytes(picture, "warm-up.png", 1, DecodeLimits()).frames)
        self._opener.warm_up()


class _ToldClock:
    """The parent's time: with an accelerated clock it is not this machine's."""

    def __init__(self) -> None:
        self.told = datetime(2000, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.told

    def sleep(self, seconds: float) -> None:
        raise NotImplementedError("a worker does not wait")


class _JobOpener:
    """`ClipOpener` of the clip in hand: from its bytes, or rendered."""

    def __init__(self, setup: WorkerSetup) -> None:
        self.media: bytes | None = None
        self._limits = setup.limits
        self._street = RenderedStreet(setup.street) if setup.street is not None else None

    def open(self, clip: ClipReady, frames: int) -> SampledClip:
        if self._street is not None and self.media is None:
            return self._street.open(clip, frames)
        return open_bytes(self.media or b"", clip.location, frames, self._limits)

    def warm_up(self) -> None:
        if self._street is not None:
            self._street.open(next(self._street.clips()), 1)


def _noise_png(width_px: int, height_px: int) -> bytes:
    """A picture with nothing in it that anybody could be: grey noise, the same every time."""
    noise = random.Random(0)  # noqa: S311 - it has to be dull, not secret
    rows = b"".join(b"\0" + noise.randbytes(width_px) for _ in range(height_px))
    header = struct.pack(">IIBBBBB", width_px, height_px, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


def main() -> None:
    """Serve until standard input ends."""
    cell = Cell()
    asked = cell.receive()
    if asked is None:
        return
    setup = WorkerSetup.model_validate_json(asked[0])
    zones = [ZoneInfo(name) for name in available_timezones()]  # a job names one, and no file can be opened then
    try:
        worker = CountingWorker(setup)
        worker.warm_up()
        jail = cell.lock(setup.jail)
    except BusynessError as error:
        failed = Failed(error=type(error).__name__, message=error.message, remedy=error.remedy)
        cell.send(failed.model_dump_json().encode())
        return
    cell.send(Ready(model=worker.model, jail=jail).model_dump_json().encode())
    cell.serve(worker.answer, setup.jail)
    del zones  # until here: Python keeps a zone while somebody holds it


if __name__ == "__main__":
    main()
