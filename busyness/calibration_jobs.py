"""What the calibration desk says to its child, and what it is answered: closed records."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, NonNegativeInt, PositiveInt, TypeAdapter

from core.config import Closed
from core.errors import BusynessError
from core.ground import GroundPlane
from core.judgement import Judgement
from core.records import ClipReady
from core.site import Site
from detect.resolution import ResolutionLimit
from detect.scene import Scene
from ingest.decode_limits import DecodeLimits
from ingest.jail.limits import JailLimits
from ingest.synthetic import SyntheticConfig


class BackgroundSetup(Closed):
    """What a child that makes backgrounds needs besides: the model that says whether somebody is still in one."""

    model: str
    limits: DecodeLimits = DecodeLimits()
    resolution: ResolutionLimit = ResolutionLimit()
    street: SyntheticConfig | None = None


class ChildSetup(Closed):
    """What a child is told once. Without `background` it fits, and opens no clip."""

    jail: JailLimits
    background: BackgroundSetup | None = None


class Waiting(Closed):
    """The child waits for jobs."""

    kind: Literal["waiting"] = "waiting"


class Refused(Closed):
    """What was asked cannot be: `error` is the name of the class of what was raised."""

    kind: Literal["refused"] = "refused"
    error: str
    message: str
    remedy: str

    @classmethod
    def of(cls, error: BusynessError) -> Refused:
        """What an error says."""
        return cls(error=type(error).__name__, message=error.message, remedy=error.remedy)


class JudgeJob(Closed):
    """Judge a site as it is drawn."""

    kind: Literal["judge"] = "judge"
    site: Site


class BackgroundJob(Closed):
    """Make the background of clips of one camera, whose known views are `scene` and whose ground, if known, `plane`.

    Where no view is known, it is of the one that most of the clips show.

    Their bytes follow one after the other, `lengths` of them each: 0 for a clip that the child renders.
    """

    kind: Literal["background"] = "background"
    clips: tuple[ClipReady, ...] = Field(max_length=100)
    lengths: tuple[NonNegativeInt, ...] = Field(max_length=100)
    scene: Scene
    plane: GroundPlane | None = None


class EmptyStreet(Closed):
    """The one answer with a picture in it: a street with nobody in it, as PNG, base64 in JSON.

    It is made by `detect/background.py` alone, which refuses before nobody is in it; an operator asked for it, and it
    is shown once.
    """

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    kind: Literal["empty_street"] = "empty_street"
    png: bytes = Field(max_length=4 * 1024 * 1024, repr=False)
    clips: PositiveInt
    hidden: float = Field(ge=0, le=1, description="share of the picture that is hidden")


class Judged(Closed):
    """What is thought of a site."""

    kind: Literal["judged"] = "judged"
    judgement: Judgement


class TooFew(Closed):
    """Too few of the clips could be used; `why` says why each of the others could not."""

    kind: Literal["too_few"] = "too_few"
    used: NonNegativeInt
    why: tuple[str, ...] = ()


GREETING: TypeAdapter[Waiting | Refused] = TypeAdapter(Annotated[Waiting | Refused, Field(discriminator="kind")])
JOB: TypeAdapter[JudgeJob | BackgroundJob] = TypeAdapter(
    Annotated[JudgeJob | BackgroundJob, Field(discriminator="kind")]
)
ANSWER: TypeAdapter[Judged | EmptyStreet | TooFew | Refused] = TypeAdapter(
    Annotated[Judged | EmptyStreet | TooFew | Refused, Field(discriminator="kind")]
)
