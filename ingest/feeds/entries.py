"""A publisher's list of cameras, read entry by entry: a bad one is left out and said, and never takes others down."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from pydantic import ValidationError

from core.records import LOCATION_LENGTH, Camera
from ingest.feed import FetchFailed, ListedCamera
from ingest.feeds.settings import Area, FeedSettings
from ingest.fetch.json_answer import coordinates, degrees

log = logging.getLogger(__name__)

EntryT = TypeVar("EntryT")

EXAMPLES = 5
"""How many of the entries that were left out are named in the one line about them."""


class BadEntry(ValueError):
    """An entry of a list that is no camera, and why."""


class CameraList:
    """Makes cameras of the entries of one publisher's list, time after time. Safe to use from several threads."""

    def __init__(self, feed: str) -> None:
        self._feed = feed
        self._said = ""

    def read(
        self, entries: Sequence[EntryT], camera_of: Callable[[EntryT], ListedCamera | None]
    ) -> tuple[ListedCamera, ...]:
        """The cameras of a list; `camera_of` gives None for one that is not wanted, and raises `BadEntry`.

        What is left out is said in one line, and not again while it stays the same. Raises `FetchFailed` where no
        camera is left: a publisher that lists none has a fault, and does not withdraw a whole city.
        """
        found: dict[str, ListedCamera] = {}
        left_out: list[str] = []
        for place, entry in enumerate(entries, start=1):
            try:
                listed = camera_of(entry)
                if listed is not None and listed.camera.id in found:
                    raise BadEntry(f"{listed.camera.id} stands in the list twice")
                if listed is not None and len(listed.location) > LOCATION_LENGTH:
                    told = f"an address of {len(listed.location)} characters, over the limit of {LOCATION_LENGTH}"
                    raise BadEntry(f"{listed.camera.id} has {told}")
            except BadEntry as error:
                left_out.append(f"entry {place}: {error}")
                continue
            if listed is not None:
                found[listed.camera.id] = listed
        self._say(left_out, len(entries))
        if not found:
            raise self._nothing(entries, left_out)
        return tuple(found.values())

    def _say(self, left_out: Sequence[str], total: int) -> None:
        more = f"; and {len(left_out) - EXAMPLES} more" if len(left_out) > EXAMPLES else ""
        text = f"left out {len(left_out)} of {total} listed: {'; '.join(left_out[:EXAMPLES])}{more}" if left_out else ""
        if text and text != self._said:
            log.warning("%s: %s", self._feed, text)
        self._said = text

    def _nothing(self, entries: Sequence[EntryT], left_out: Sequence[str]) -> FetchFailed:
        if not entries:
            return FetchFailed(
                f"{self._feed} lists no camera at all", remedy="A running installation keeps those that it had"
            )
        if left_out:
            return FetchFailed(
                f"{self._feed} lists no camera that can be read: {left_out[0]}",
                remedy="The publisher may have changed its format: compare with the feed's documentation",
            )
        return FetchFailed(
            f"{self._feed} lists {len(entries)} cameras, and none that is wanted",
            remedy="Widen the source's area or its other filters",
        )


def camera(
    settings: FeedSettings, id: object, name: object, lat: object, lon: object, *, within: Area | None = None
) -> Camera:
    """A camera of what an entry says of itself. Raises `BadEntry`, `within` being where all the publisher's are."""
    latitude, longitude = position(lat, lon, within)
    label = " ".join(name.split())[:200] if isinstance(name, str) else ""
    try:
        return Camera(
            id=id if isinstance(id, str) else "",
            name=label or str(id),
            lat=latitude,
            lon=longitude,
            timezone=settings.timezone,
            cadence_s=settings.cadence_s,
            width=settings.width,
            height=settings.height,
        )
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        raise BadEntry(f"{str(id)[:60]!r} is no camera: its {problem['loc'][0]}: {problem['msg']}") from error


def position(lat: object, lon: object, within: Area | None) -> tuple[float, float]:
    """Degrees of WGS84, from numbers or numbers in quotes. Raises `BadEntry` where no camera can be."""
    latitude, longitude = degrees(lat), degrees(lon)
    if latitude is None or longitude is None:
        raise BadEntry(f"it has no position: lat {str(lat)[:20]!r}, lon {str(lon)[:20]!r}")
    if (latitude, longitude) == (0.0, 0.0):
        raise BadEntry("it is at 0, 0, which means that its position is not known")
    if within is not None and not within.holds(latitude, longitude):
        swapped = ": lat and lon are swapped" if within.holds(longitude, latitude) else ""
        raise BadEntry(f"it is at {latitude:g}, {longitude:g}, where this publisher has no camera{swapped}")
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise BadEntry(f"it is at {latitude:g}, {longitude:g}, which is nowhere")
    return latitude, longitude


def fields(entry: object) -> Mapping[str, object]:
    """A JSON object. Raises `BadEntry` where it is something else."""
    if not isinstance(entry, dict):
        raise BadEntry(f"it is no object with fields but {type(entry).__name__}")
    return entry


def text(entry: Mapping[str, object], key: str) -> str:
    """A text that must be there. Raises `BadEntry`."""
    value = entry.get(key)
    if not isinstance(value, str) or not value.strip():
        raise BadEntry(f"it has no {key}")
    return value.strip()


def point(feature: Mapping[str, object]) -> tuple[object, object]:
    """Latitude and longitude of a GeoJSON point, as they stand there. Raises `BadEntry`."""
    found = coordinates(feature)
    if found is None:
        raise BadEntry("it has no point")
    return found


def described(entries: Iterable[object], limit: int = EXAMPLES, length: int = 60) -> str:
    """A few of many, for messages, each cut to `length` characters."""
    named = [str(entry)[:length] for entry in entries]
    return ", ".join(named[:limit]) + (f" and {len(named) - limit} more" if len(named) > limit else "")
