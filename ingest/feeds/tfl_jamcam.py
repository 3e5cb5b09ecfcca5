"""Transport for London's traffic cameras, the JamCams: some 900, a clip of ten seconds each every few minutes.

List: https://api.tfl.gov.uk/Place/Type/JamCam, an array of places whose `additionalProperties` are keys and values.
Media: a public bucket, `<number>.mp4` and `<number>.jpg`, whose listing has the time and etag of all of them, in two
pages. A clip is there some time after it was filmed: its event time, Last-Modified, is when it was put there.
Licence: Transport for London's open data terms ("Powered by TfL Open Data").
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Literal
from urllib.parse import urlencode

from pydantic import Field, PositiveFloat, SecretStr

from ingest.camera_id import CameraIds, without_prefix
from ingest.feed import FetchFailed, ListedCamera, Media, Version
from ingest.feeds.bucket import list_bucket
from ingest.feeds.entries import BadEntry, CameraList, camera, fields, text
from ingest.feeds.media import fetch_media
from ingest.feeds.settings import Area, FeedName, FeedSettings, WebAddress, choice
from ingest.fetch.config import GuestConfig
from ingest.fetch.guard import host_entry, shown
from ingest.fetch.guest import Guest
from ingest.fetch.json_answer import parsed_json, rows

GREATER_LONDON = Area(south=51.2, west=-0.7, north=51.8, east=0.5)
"""Where every JamCam is, with room to spare: what is elsewhere has lost its position, or has it the wrong way round."""

ANONYMOUS_PER_MINUTE = 50.0
WITH_KEY_PER_MINUTE = 500.0
"""What TfL allows at its API: https://api-portal.tfl.gov.uk/product"""

_LISTING_PAGES = 20  # of 1,000 keys; the bucket has some 1,900
_MEDIA = {"clip": ("videoUrl", ".mp4"), "still": ("imageUrl", ".jpg")}


class TflWeb(GuestConfig):
    """The limits at the media's host. A city of 900 clips every four minutes needs 230 requests a minute."""

    hosts: tuple[str, ...] = Field(default=("s3-eu-west-1.amazonaws.com",), min_length=1, max_length=1000)
    requests_per_minute: PositiveFloat = Field(default=600.0, le=60_000)
    concurrency: int = Field(default=8, ge=1, le=64)


class TflJamCamConfig(FeedSettings):
    """The JamCams. An app key is optional: the list is asked for a few times an hour only."""

    kind: Literal["tfl_jamcam"]
    name: FeedName = Field(default="tfl", description="in messages and metrics; unique in an installation")
    cadence_s: PositiveFloat = Field(
        default=240.0, le=86_400, description="from one clip of a camera to its next, until it is learned"
    )
    media: Literal["clip", "still"] = Field(default="clip", description="what is counted: clips tell what stands still")
    ids: tuple[str, ...] = Field(
        default=(), max_length=5_000, description="only these cameras, as 00001.06710 or 06710; by default all"
    )
    api: WebAddress = Field(default="https://api.tfl.gov.uk", description="where the list of cameras is")
    bucket: WebAddress | None = Field(
        default="https://s3-eu-west-1.amazonaws.com/jamcams.tfl.gov.uk/",
        description="where the listing of all media is; null where there is none, and each camera is asked by itself",
    )
    app_key: SecretStr | None = Field(default=None, description="better in the environment than in a file")
    app_key_env: str | None = Field(
        default="TFL_APP_KEY",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$",
        description="the variable that may hold the key",
    )
    api_requests_per_minute: PositiveFloat | None = Field(
        default=None, le=60_000, description="by default what TfL allows: 50, or 500 with a key"
    )
    web: TflWeb = Field(default=TflWeb(), description="manners at the media's hosts, and whom TfL can write to")

    def key(self) -> str | None:
        """The app key, from the configuration or the environment."""
        if self.app_key is not None:
            return self.app_key.get_secret_value() or None
        return (os.environ.get(self.app_key_env) or None) if self.app_key_env else None

    @property
    def api_web(self) -> GuestConfig:
        """How a guest of the API behaves."""
        allowed = WITH_KEY_PER_MINUTE if self.key() else ANONYMOUS_PER_MINUTE
        return self.web.model_copy(
            update={
                "hosts": (host_entry(self.api),),
                "requests_per_minute": self.api_requests_per_minute or allowed,
                "concurrency": 1,
            }
        )

    @property
    def media_web(self) -> GuestConfig:
        """How a guest of the media's hosts behaves."""
        bucket = (host_entry(self.bucket),) if self.bucket else ()
        return self.web.model_copy(update={"hosts": tuple(dict.fromkeys((*self.web.hosts, *bucket)))})


class TflJamCam:
    """`Feed` of the JamCams. A camera's id is TfL's without the word before it: `00001.06710`.

    One that TfL has switched off (`available` is not "true") stays in the list, withdrawn.
    """

    def __init__(self, config: TflJamCamConfig, api: Guest, media: Guest) -> None:
        self._config = config
        self._api = api
        self._media = media
        self._address_key, self._suffix = _MEDIA[config.media]
        self._cameras = CameraList(config.name)
        self._wanted = CameraIds(config.ids)

    @property
    def name(self) -> str:
        return self._config.name

    @property
    def choice(self) -> str:
        return choice(self._config)

    def cameras(self) -> Sequence[ListedCamera]:
        what = f"the list of JamCams at {shown(self._config.api)}"
        parsed = parsed_json(self._ask(f"{self._config.api.rstrip('/')}/Place/Type/JamCam"), what)
        return self._cameras.read(rows(parsed, what), self._listed)

    def newest(self) -> Mapping[str, Version] | None:
        if self._config.bucket is None:
            return None
        keys = list_bucket(self._media, self._config.bucket, most_pages=_LISTING_PAGES)
        newest = {
            key.removesuffix(self._suffix): version for key, version in keys.items() if key.endswith(self._suffix)
        }
        if not newest:
            raise FetchFailed(
                f"{shown(self._config.bucket)} lists {len(keys)} objects, and none is a {self._config.media}",
                remedy="Is this the bucket of the cameras?",
            )
        return newest

    def fetch(self, listed: ListedCamera, known: Version | None) -> Media | None:
        return fetch_media(self._media, listed.location, known)

    def _ask(self, address: str) -> bytes:
        """An answer of the API. The key goes in the address, of which a guest's messages leave out the query."""
        key = self._config.key()
        answer = self._api.get(f"{address}?{urlencode({'app_key': key})}" if key else address)
        return answer.content if answer else b""

    def _listed(self, entry: object) -> ListedCamera | None:
        place = fields(entry)
        tfl_id = without_prefix(text(place, "id"))
        if self._config.ids and self._wanted.find(tfl_id) is None:
            return None
        try:
            found = camera(
                self._config, tfl_id, place.get("commonName"), place.get("lat"), place.get("lon"), within=GREATER_LONDON
            )
        except BadEntry as error:
            raise BadEntry(f"{tfl_id[:60]}: {error}") from error
        if self._config.area is not None and not self._config.area.holds(found.lat, found.lon):
            return None
        said = _properties(place.get("additionalProperties"))
        location = said.get(self._address_key, "")
        withdrawn = _withdrawn(said.get("available", "true"))
        if not location.startswith(("https://", "http://")):
            withdrawn = (
                withdrawn or f"TfL lists it without an address of its {self._config.media}s ({self._address_key})"
            )
            location = self._config.api
        return ListedCamera(found, location, withdrawn)


def _properties(listed: object) -> Mapping[str, str]:
    """The additional properties by key; what is not a key with a text is not there."""
    found: dict[str, str] = {}
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("key"), str):
            value = entry.get("value")
            found[entry["key"]] = str(value).strip() if isinstance(value, str | bool) else ""
    return found


def _withdrawn(available: str) -> str | None:
    """A flag that is neither of its two words counts as off: the publisher does not say that it may be shown."""
    if available.lower() == "true":
        return None
    if available.lower() == "false":
        return "TfL has switched this camera off (available: false)"
    return f"TfL does not say whether this camera is on (available: {available[:40]!r})"
