"""What cameras that stream have in common: a clip is sampled from them whenever one is due."""

from __future__ import annotations

from collections import Counter
from typing import Any, Generic, Self, TypeVar

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from core.config import Closed
from core.records import LOCATION_LENGTH, Camera
from ingest.feed import ListedCamera
from ingest.feeds.settings import FeedName
from ingest.fetch.config import MIB, GuestConfig
from ingest.fetch.guard import host_entry

LEAST_SHARE = 0.5
"""Of a clip, in seconds of pictures: where less of it comes, it has broken off. So has `ingest.decode.DecodeLimits`."""


class StreamCamera(Camera):
    """A camera, where its stream is, and how long the clips are that are sampled from it.

    `url` has no user and password in it, since it is shown to people. `width` and `height` are those of the stream.
    """

    url: str = Field(max_length=LOCATION_LENGTH, description="where the stream is")
    clip_s: PositiveFloat = Field(default=10.0, le=30, description="seconds of a clip")

    @property
    def listed(self) -> ListedCamera:
        """The camera as a feed lists it."""
        known: dict[str, Any] = {name: getattr(self, name) for name in Camera.model_fields}
        return ListedCamera(Camera(**known), self.url)


class StreamWeb(GuestConfig):
    """The limits at the hosts of streams. `hosts` are those beside the cameras' own, where segments may lie."""

    hosts: tuple[str, ...] = Field(default=(), max_length=1000, description="beside those of the cameras")
    max_bytes: PositiveInt = Field(default=64 * MIB, le=1024 * MIB, description="of all that comes for one clip")


CameraT = TypeVar("CameraT", bound=StreamCamera)


class StreamConfig(Closed, Generic[CameraT]):
    """Cameras that are listed here, since no publisher lists them."""

    name: FeedName = Field(description="in messages and metrics; unique in an installation")
    cameras: tuple[CameraT, ...] = Field(max_length=10_000, description="with the addresses of streams")
    web: StreamWeb = Field(default=StreamWeb(), description="further hosts, your own networks, how often, how long")

    @model_validator(mode="after")
    def _each_camera_once(self) -> Self:
        if not self.cameras:
            raise ValueError("lists no camera: give it one under cameras")
        twice = [camera for camera, times in Counter(camera.id for camera in self.cameras).items() if times > 1]
        if twice:
            raise ValueError(f"the camera {twice[0]!r} stands in the list twice: give each its own id")
        return self

    @property
    def media_web(self) -> GuestConfig:
        """How a guest of the streams' hosts behaves: those of the cameras' addresses are allowed, and `web.hosts`."""
        own = (host_entry(camera.url) for camera in self.cameras)
        return self.web.model_copy(update={"hosts": tuple(dict.fromkeys((*own, *self.web.hosts)))})
