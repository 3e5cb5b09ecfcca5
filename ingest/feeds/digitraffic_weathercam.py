"""Finland's road weather cameras, published by Fintraffic's Digitraffic: some 800 stations, stills every ten minutes.

A station has presets, the directions that it turns to in a round; each is a camera here, for each has its own view.
List: `/api/weathercam/v1/stations`, GeoJSON, of each preset whether it is collected. What is new:
`/api/weathercam/v1/stations/data`, the time each preset was last filmed. Media: `<preset>.jpg` with an etag.
API: https://www.digitraffic.fi/en/road-traffic/, manners: https://www.digitraffic.fi/en/support/instructions/.
Licence: Fintraffic / digitraffic.fi, CC BY 4.0.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt

from core.records import TimeZoneName
from ingest.feed import FetchFailed, ListedCamera, Media, Version
from ingest.feeds.entries import BadEntry, CameraList, camera, fields, point, text
from ingest.feeds.media import fetch_media
from ingest.feeds.settings import Area, FeedName, FeedSettings, WebAddress, choice
from ingest.fetch.config import GuestConfig
from ingest.fetch.guard import host_entry
from ingest.fetch.guest import Guest
from ingest.fetch.json_answer import features, parsed_json

FINLAND = Area(south=59.0, west=19.0, north=72.0, east=32.0)
"""The bounds that Digitraffic's API itself puts to coordinates."""

API_PER_MINUTE = 60.0
"""What Digitraffic allows an address at each interface of its API."""

_STATIONS = "/api/weathercam/v1/stations"
_GATHERING = "GATHERING"
_GONE = "REMOVED_PERMANENTLY"

_UPLOAD = timedelta(seconds=60)
"""A still is written (Last-Modified) after it was filmed (measuredTime), by another clock: within this they are one."""


class DigitrafficWeb(GuestConfig):
    """The limits at the stills' host, where Digitraffic allows 6,000 requests in five minutes: a quarter of that."""

    hosts: tuple[str, ...] = Field(default=("weathercam.digitraffic.fi",), min_length=1, max_length=1000)
    requests_per_minute: PositiveFloat = Field(default=300.0, le=60_000)


class DigitrafficWeathercamConfig(FeedSettings):
    """The weather cameras of a part of Finland, or of all of it. Filters of different kinds must all hold."""

    kind: Literal["digitraffic_weathercam"]
    name: FeedName = Field(default="digitraffic", description="in messages and metrics; unique in an installation")
    timezone: TimeZoneName = Field(default="Europe/Helsinki", description="of the cameras")
    cadence_s: PositiveFloat = Field(
        default=600.0, le=86_400, description="from one still of a preset to its next, until it is learned"
    )
    width: PositiveInt = Field(default=1280, le=7680, description="of the pictures, in pixels")
    height: PositiveInt = Field(default=720, le=4320, description="of the pictures, in pixels")
    api: WebAddress = Field(default="https://tie.digitraffic.fi", description="where stations and their times are")
    stills: WebAddress = Field(default="https://weathercam.digitraffic.fi", description="where PRESET.jpg is")
    user: str = Field(
        default="busyness",
        min_length=1,
        max_length=100,
        pattern=r"^[\x21-\x7e][\x20-\x7e]*$",
        description="the Digitraffic-User header: whose application this is, as in City/busyness; no person's name",
    )
    municipalities: tuple[str, ...] = Field(
        default=(), max_length=400, description="only stations that name one of them, as in kt51_Helsinki_Lauttasaari"
    )
    ids: tuple[str, ...] = Field(default=(), max_length=5_000, description="only these stations (C01675) or presets")
    web: DigitrafficWeb = Field(default=DigitrafficWeb(), description="manners at the stills' host")

    @property
    def api_web(self) -> GuestConfig:
        """How a guest of the API behaves."""
        return self.web.model_copy(
            update={"hosts": (host_entry(self.api),), "requests_per_minute": API_PER_MINUTE, "concurrency": 1}
        )

    @property
    def media_web(self) -> GuestConfig:
        """How a guest of the stills' host behaves."""
        return self.web.model_copy(update={"hosts": tuple(dict.fromkeys((*self.web.hosts, host_entry(self.stills))))})


@dataclass(frozen=True)
class _Preset:
    """One entry of the list: a preset of a station, each as the publisher wrote it."""

    station: object
    preset: object


class DigitrafficWeathercam:
    """`Feed` of the weather cameras' presets. A camera's id is that of its preset: `C0167500`.

    A preset that is not collected is not listed. One whose station is out of use for a time is listed as withdrawn.
    """

    def __init__(self, config: DigitrafficWeathercamConfig, api: Guest, media: Guest) -> None:
        self._config = config
        self._api = api
        self._media = media
        self._headers = {"Digitraffic-User": config.user}
        self._municipalities = {_folded(name) for name in config.municipalities}
        self._cameras = CameraList(config.name)
        self._lock = threading.Lock()
        self._fetched: dict[str, Version] = {}

    @property
    def name(self) -> str:
        return self._config.name

    @property
    def choice(self) -> str:
        return choice(self._config)

    def cameras(self) -> Sequence[ListedCamera]:
        what = "Digitraffic's list of weather cameras"
        stations = features(parsed_json(self._ask(_STATIONS), what), what)
        return self._cameras.read(list(_presets(stations)), self._listed)

    def newest(self) -> Mapping[str, Version] | None:
        """As the port says. The table has times and no etags: a still that was written after its preset was last
        filmed is the newest, and has the version that it was fetched with."""
        what = "Digitraffic's table of new stills"
        table = parsed_json(self._ask(f"{_STATIONS}/data"), what)
        stations = table.get("stations") if isinstance(table, dict) else None
        measured = dict(_measured(stations)) if isinstance(stations, list) else {}
        if not measured:
            raise FetchFailed(f"{what} tells of no preset", remedy="The publisher may have changed its format")
        with self._lock:
            return {preset: self._version(preset, filmed) for preset, filmed in measured.items()}

    def fetch(self, listed: ListedCamera, known: Version | None) -> Media | None:
        media = fetch_media(self._media, listed.location, known, self._headers)
        if media is not None:
            with self._lock:
                self._fetched[listed.camera.id] = media.version
        return media

    def _version(self, preset: str, filmed: datetime) -> Version:
        fetched = self._fetched.get(preset)
        if fetched is not None and fetched.modified is not None and filmed - fetched.modified <= _UPLOAD:
            return fetched
        return Version(modified=filmed)

    def _ask(self, path: str) -> bytes:
        answer = self._api.get(self._config.api.rstrip("/") + path, headers=self._headers)
        return answer.content if answer else b""

    def _listed(self, entry: _Preset) -> ListedCamera | None:
        station = fields(entry.station)
        said = fields(station.get("properties"))
        station_id, status = text(said, "id"), said.get("collectionStatus")
        if status == _GONE or not isinstance(entry.preset, dict):
            if status == _GONE:
                return None
            raise BadEntry(f"station {station_id[:60]}: it has no presets that can be read")
        preset = text(entry.preset, "id")
        label = said.get("name") if isinstance(said.get("name"), str) else station_id
        if entry.preset.get("inCollection") is not True or not self._wanted(station_id, preset, str(label), said):
            return None
        try:
            lat, lon = point(station)
            name = f"{str(label).replace('_', ' ')} ({preset.removeprefix(station_id)})"
            found = camera(self._config, preset, name, lat, lon, within=FINLAND)
        except BadEntry as error:
            raise BadEntry(f"{preset[:60]}: {error}") from error
        if self._config.area is not None and not self._config.area.holds(found.lat, found.lon):
            return None
        resting = f"its station is out of use ({status})" if status not in (_GATHERING, None) else None
        return ListedCamera(found, f"{self._config.stills.rstrip('/')}/{preset}.jpg", resting)

    def _wanted(self, station: str, preset: str, label: str, said: Mapping[str, object]) -> bool:
        if self._config.ids and station not in self._config.ids and preset not in self._config.ids:
            return False
        if not self._municipalities:
            return True
        municipality = said.get("municipality")  # the list leaves it to the name; the station's own record has it
        named = [municipality] if isinstance(municipality, str) else label.split("_")[1:]
        return any(_folded(name) in self._municipalities for name in named)


def _presets(stations: Sequence[object]) -> Iterator[_Preset]:
    """Every preset of every station; a station whose presets cannot be read is one entry, which says so."""
    for station in stations:
        said = station.get("properties") if isinstance(station, dict) else None
        presets = said.get("presets") if isinstance(said, dict) else None
        if not isinstance(presets, list):
            yield _Preset(station, None)
            continue
        for preset in presets:
            yield _Preset(station, preset)


def _measured(stations: Sequence[object]) -> Iterator[tuple[str, datetime]]:
    """When each preset was last filmed; one without a time has nothing published."""
    for station in stations:
        presets = station.get("presets") if isinstance(station, dict) else None
        for preset in presets if isinstance(presets, list) else ():
            if not isinstance(preset, dict):
                continue
            name, written = preset.get("id"), preset.get("measuredTime")
            if not isinstance(name, str) or not isinstance(written, str):
                continue
            try:
                filmed = datetime.fromisoformat(written)
                if filmed.utcoffset() is not None:
                    yield name, filmed.astimezone(UTC)
            except (ValueError, OverflowError):  # no time, or one that is in no year in UTC
                continue


def _folded(name: str) -> str:
    """A name however it is capitalised, and however its umlauts are encoded."""
    return unicodedata.normalize("NFC", name).casefold().strip()
