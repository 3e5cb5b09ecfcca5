"""What the configurations of feeds have in common."""

from __future__ import annotations

import hashlib
from typing import Annotated, Self

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt, model_validator

from core.config import Closed
from core.records import TimeZoneName
from ingest.feed import FetchFailed
from ingest.fetch.guard import host_entry


def _readable(address: str) -> str:
    try:
        host_entry(address)
    except FetchFailed as error:
        raise ValueError(error.message) from error
    return address


FeedName = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z0-9][a-z0-9_-]*$")]
WebAddress = Annotated[str, Field(max_length=2048, pattern=r"^https?://[^\s/?#{}]+[^\s]*$"), AfterValidator(_readable)]

_NO_CHOICE = {"name", "timezone", "cadence_s", "width", "height", "web", "app_key", "app_key_env", "user", "login"} | {
    "api_requests_per_minute",
    "key_frame_wait_s",
}


def choice(settings: Closed) -> str:
    """A short text that differs where settings of a feed choose other cameras, or find them elsewhere.

    What a setting that is not named here does is not known: where it changes, another choice is made.
    """
    return hashlib.sha256(settings.model_dump_json(exclude=_NO_CHOICE).encode()).hexdigest()[:16]


class Area(Closed):
    """A box in WGS84 degrees; its edges belong to it."""

    south: float = Field(ge=-90, le=90, description="latitude of this edge")
    west: float = Field(ge=-180, le=180, description="longitude of this edge")
    north: float = Field(ge=-90, le=90, description="latitude of this edge")
    east: float = Field(ge=-180, le=180, description="longitude of this edge")

    @model_validator(mode="after")
    def _not_inside_out(self) -> Self:
        if self.south >= self.north or self.west >= self.east:
            raise ValueError("an area has its south below its north, and its west left of its east")
        return self

    def holds(self, lat: float, lon: float) -> bool:
        return self.south <= lat <= self.north and self.west <= lon <= self.east


class FeedSettings(Closed):
    """The name of a feed, and what is assumed of its cameras until their own clips or the operator say otherwise."""

    name: FeedName = Field(description="in messages and metrics; unique in an installation")
    timezone: TimeZoneName = Field(default="Europe/London", description="of the cameras")
    cadence_s: PositiveFloat = Field(
        default=300.0, le=86_400, description="from one clip of a camera to its next, until it is learned"
    )
    width: PositiveInt = Field(default=352, le=7680, description="of the pictures, in pixels")
    height: PositiveInt = Field(default=288, le=4320, description="of the pictures, in pixels")
    area: Area | None = Field(default=None, description="only the cameras in this box")
