"""What the parent says to a jailed worker, and what it is answered: closed records, no pixels."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt, TypeAdapter

from core.config import Closed
from core.records import Camera, ClipReady, UtcTime
from detect.error_model import Calibration
from detect.resolution import ResolutionLimit
from detect.result import FRAMES_PER_CLIP
from detect.scene import Scene
from ingest.decode_limits import DecodeLimits
from ingest.jail.limits import JailLimits
from ingest.synthetic import SyntheticConfig


class WorkerSetup(Closed):
    """What a worker is told once. `street` is the synthetic street whose clips it renders; null where they are read."""

    model: str
    threads: PositiveInt = 1
    frames_per_clip: PositiveInt = FRAMES_PER_CLIP
    limits: DecodeLimits = DecodeLimits()
    resolution: ResolutionLimit = ResolutionLimit()
    jail: JailLimits = JailLimits()
    street: SyntheticConfig | None = None


class Ready(Closed):
    """The worker waits for jobs. `jail` is what it is held to, in words."""

    kind: Literal["ready"] = "ready"
    model: str
    jail: str


class Failed(Closed):
    """The worker cannot start: `error` is the name of the class of what was raised."""

    kind: Literal["failed"] = "failed"
    error: str
    message: str
    remedy: str


class ReportJob(Closed):
    """Report on a clip of a camera. `now` is the time.

    With `media` the bytes follow, and the clip's location is a name for messages: where it is from, and with which key,
    is nothing that a worker has to know. Without, it is a clip of the synthetic street.
    """

    kind: Literal["report"] = "report"
    camera: Camera
    clip: ClipReady
    scene: Scene | None
    calibration: Calibration | None
    media: bool
    now: UtcTime


class CountJob(Closed):
    """Count the whole view of a clip or still of no camera. `name` is what the answer calls it."""

    kind: Literal["count"] = "count"
    name: str
    event_time: UtcTime | None


GREETING: TypeAdapter[Ready | Failed] = TypeAdapter(Annotated[Ready | Failed, Field(discriminator="kind")])
JOB: TypeAdapter[ReportJob | CountJob] = TypeAdapter(Annotated[ReportJob | CountJob, Field(discriminator="kind")])
