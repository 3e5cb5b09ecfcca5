"""What is thought of a site while an operator draws it: whether its ground can be told, and what its zones cover."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from core.config import Closed
from core.errors import BusynessError
from core.ground import ZoneGround
from core.records import Identifier, PointPx
from core.site import Fit, Site


class Refusal(Closed):
    """What cannot be true, or is not enough, and what to do about it."""

    message: str
    remedy: str

    @classmethod
    def of(cls, error: BusynessError) -> Self:
        """What an error says."""
        return cls(message=error.message, remedy=error.remedy)


class JudgedZone(Closed):
    """What a zone covers on the ground, as in `ZoneGround`; null where there is no ground, or the zone is refused."""

    id: Identifier
    refused: Refusal | None = None
    area_m2: PositiveFloat | None = None
    area_error: NonNegativeFloat | None = Field(default=None, description="standard error, as a share of the area")
    length_m: PositiveFloat | None = None
    most_px_per_m: PositiveFloat | None = None
    least_px_per_m: PositiveFloat | None = None
    cut: str | None = Field(default=None, description="what of it is not counted, and why; null where all of it is")
    outline: tuple[tuple[float, float], ...] | None = Field(default=None, description="(lon, lat) corners")

    @classmethod
    def of(cls, zone: str, ground: ZoneGround | None) -> Self:
        """A zone that is not refused."""
        return cls(id=zone, **({} if ground is None else ground.model_dump(exclude={"plane"})))


class Judgement(Closed):
    """A fit or why there is none (neither where nothing is said of the ground), and the zones in their order.

    `grid` are lines of the ground, five metres apart, and `horizon` is where it ends, in pixels of the picture;
    `height_m` is that of the camera, with its standard error, null where the plane does not tell it.
    """

    fit: Fit | None = None
    refused: Refusal | None = None
    zones: tuple[JudgedZone, ...] = ()
    grid: tuple[tuple[PointPx, ...], ...] = ()
    horizon: tuple[PointPx, PointPx] | None = None
    height_m: PositiveFloat | None = None
    height_error_m: PositiveFloat | None = None


class CalibratedCamera(Closed):
    """Which camera a site is of."""

    id: Identifier
    name: str
    lat: float
    lon: float


class OpenedSite(Closed):
    """A camera's site to be drawn; `why_not` says why it cannot be saved, null where it can."""

    site: Site
    camera: CalibratedCamera
    can_save: bool
    why_not: str | None = None


class SavedSite(Closed):
    """What was saved: the site with its fit."""

    site: Site


class GatheringState(StrEnum):
    """How far a background is: clips are gathered, it can be fetched once, or it cannot be made."""

    GATHERING = "gathering"
    READY = "ready"
    REFUSED = "refused"


class Gathering(Closed):
    """How far the background of a camera is: `clips` of the `of` that it needs; `reason` says why it is refused, or
    what is waited for."""

    state: GatheringState
    clips: NonNegativeInt
    of: PositiveInt
    reason: str | None = None
