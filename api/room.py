"""What the routes answer from, and how a route comes by it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends
from pydantic import AfterValidator, Field
from starlette.requests import HTTPConnection

from aggregate.answers import Answers
from aggregate.feed import ReadingFeed
from api.formats import LonLat, Outline
from core.clock import Clock
from core.config import Closed
from core.records import Camera

_HOST = re.compile(r"[A-Za-z0-9.-]+(:\d{1,5})?")


def _tile_address(address: str | None) -> str | None:
    if address is None:
        return None
    parts = urlsplit(address)
    if "{" in parts.netloc:
        raise ValueError(
            f"{address!r} has a host to be filled in, which the page does not do: "
            "name one host, as in https://a.tiles.example.org/{z}/{x}/{y}.png"
        )
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(parts.netloc):
        raise ValueError(
            f"{address!r} is not the http(s) address of a map: write it as https://tiles.example.org/{{z}}/{{x}}/{{y}}.png"
        )
    return address


def _features(outlines: dict[str, Any] | None) -> dict[str, Any] | None:
    if outlines is not None and outlines.get("type") != "FeatureCollection":
        raise ValueError(f"outlines are a GeoJSON FeatureCollection, got type {outlines.get('type')!r}")
    return outlines


class About(Closed):
    """What this installation says of itself."""

    name: str = Field(min_length=1, max_length=200)
    notice: str | None = Field(default=None, max_length=2000)
    outlines: Annotated[dict[str, Any] | None, AfterValidator(_features)] = None
    basemap_url: Annotated[str | None, AfterValidator(_tile_address)] = None
    basemap_attribution: str | None = Field(default=None, max_length=500)

    @property
    def basemap_origin(self) -> str | None:
        """Scheme and host of the basemap, as a Content-Security-Policy source."""
        if self.basemap_url is None:
            return None
        parts = urlsplit(self.basemap_url)
        return f"{parts.scheme}://{parts.netloc}"


@dataclass(frozen=True)
class Room:
    """Everything the routes know. `ready` says why the pipeline is not alive, or None."""

    answers: Answers
    feed: ReadingFeed
    about: About
    clock: Clock
    ready: Callable[[], str | None]


async def _room(connection: HTTPConnection) -> Room:
    room: Room = connection.app.state.room
    return room


InRoom = Annotated[Room, Depends(_room)]


def positions(cameras: Sequence[Camera]) -> dict[str, LonLat]:
    """(lon, lat) in WGS84 degrees by camera id."""
    return {camera.id: (camera.lon, camera.lat) for camera in cameras}


def zone_outlines(cameras: Sequence[Camera]) -> dict[str, Outline]:
    """(lon, lat) of the corners on the ground, by zone id, of the zones whose ground is known."""
    return {
        zone.id: zone.ground.outline for camera in cameras for zone in camera.counted_zones if zone.ground is not None
    }
