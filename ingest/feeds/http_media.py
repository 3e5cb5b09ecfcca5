"""Any camera whose newest clip or still lies at an address of its own, whoever publishes it.

Which cameras there are stands in the configuration, in a CSV or in a GeoJSON: a file, or at an address itself.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, Self
from urllib.parse import quote

from pydantic import Field, field_validator, model_validator

from core.config import Closed
from core.records import Camera
from ingest.feed import FetchFailed, ListedCamera, Media, Version
from ingest.feeds.entries import BadEntry, CameraList, camera, described, fields, point
from ingest.feeds.media import fetch_media
from ingest.feeds.settings import FeedSettings, WebAddress, choice
from ingest.fetch.config import GuestConfig
from ingest.fetch.guard import host_entry, shown
from ingest.fetch.guest import Guest
from ingest.fetch.json_answer import features, parsed_json


class HttpCamera(Camera):
    """A camera, and where its newest clip or still lies; without an address it is that of the source's `url`."""

    url: WebAddress | None = Field(default=None, description="of its newest clip or still")


class ListPlace(Closed):
    """Where a list of cameras is: a file, or an address of one of the source's hosts."""

    path: Path | None = Field(default=None, description="counted from the configuration file's folder")
    url: WebAddress | None = Field(default=None, description="an address that has the list")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.path is None) == (self.url is None):
            raise ValueError("a list is at a path or at a url: give one of them")
        return self

    @property
    def place(self) -> str:
        """Where it is, as messages show it."""
        return str(self.path) if self.url is None else shown(self.url)


class Names(Closed):
    """What is called how in a list of cameras."""

    id: str = Field(default="id", min_length=1, max_length=200, description="of the camera")
    name: str | None = Field(default="name", min_length=1, max_length=200, description="null: the id is the name")
    url: str | None = Field(default=None, min_length=1, max_length=200, description="each camera's own address")


class Columns(Names):
    """The headings of a CSV. Positions are degrees of WGS84."""

    lat: str = Field(default="lat", min_length=1, max_length=200, description="in degrees")
    lon: str = Field(default="lon", min_length=1, max_length=200, description="in degrees")


class CsvList(ListPlace):
    """A table with a line of headings, in UTF-8."""

    delimiter: str = Field(default=",", min_length=1, max_length=1, description="between two columns")
    columns: Columns = Field(default=Columns(), description="what is in which column")


class GeoJsonList(ListPlace):
    """A FeatureCollection of points. A feature whose properties have no id may have one of its own."""

    properties: Names = Field(default=Names(), description="what is in which property")


class HttpWeb(GuestConfig):
    """The limits at the cameras' hosts. `hosts` are those beside the ones that the configuration itself names."""

    hosts: tuple[str, ...] = Field(default=(), max_length=1000)


class HttpMediaConfig(FeedSettings):
    """Cameras with an address each. Hosts that only a list names are asked where they are among `web.hosts`."""

    kind: Literal["http"]
    url: WebAddress | None = Field(
        default=None, description="the address of a camera's newest clip or still, with its id as {id}"
    )
    cameras: tuple[HttpCamera, ...] = Field(default=(), max_length=10_000, description="the cameras, one by one")
    csv: CsvList | None = Field(default=None, description="or a table of them")
    geojson: GeoJsonList | None = Field(default=None, description="or a map of them")
    web: HttpWeb = Field(default=HttpWeb(), description="which hosts may be asked, and how often")

    @field_validator("url")
    @classmethod
    def _only_an_id(cls, url: str | None) -> str | None:
        if url is not None and re.findall(r"\{(\w*)\}", url) != ["id"]:
            raise ValueError("the address has the camera's id in one place, as in https://example.org/{id}.jpg")
        return url

    @model_validator(mode="after")
    def _one_list(self) -> Self:
        if sum((bool(self.cameras), self.csv is not None, self.geojson is not None)) != 1:
            raise ValueError("list the cameras in one way: cameras:, csv: or geojson:")
        own = (
            all(one.url for one in self.cameras)
            if self.cameras
            else bool((self.csv and self.csv.columns.url) or (self.geojson and self.geojson.properties.url))
        )
        if self.url is None and not own:
            raise ValueError("where is a camera's clip? Give url: with {id} in it, or each camera its own")
        if not self.media_web.hosts:
            raise ValueError("which hosts may be asked? Name those of the list's addresses in web.hosts")
        return self

    @property
    def media_web(self) -> GuestConfig:
        """How a guest of the cameras' hosts behaves."""
        listed = self.csv or self.geojson
        named = (self.url, listed.url if listed else None, *(one.url for one in self.cameras))
        own = (host_entry(address) for address in named if address)
        return self.web.model_copy(update={"hosts": tuple(dict.fromkeys((*own, *self.web.hosts)))})


class HttpMedia:
    """`Feed` of cameras with an address each. What is new, only a question to each of them tells."""

    def __init__(self, config: HttpMediaConfig, guest: Guest) -> None:
        self._config = config
        self._guest = guest
        self._cameras = CameraList(config.name)

    @property
    def name(self) -> str:
        return self._config.name

    @property
    def choice(self) -> str:
        return choice(self._config)

    def cameras(self) -> Sequence[ListedCamera]:
        if self._config.csv is not None:
            return self._cameras.read(self._table(self._config.csv), partial(self._of_row, self._config.csv.columns))
        if self._config.geojson is not None:
            what = f"the list {self._config.geojson.place}"
            found = features(parsed_json(self._read(self._config.geojson), what), what)
            return self._cameras.read(found, partial(self._of_feature, self._config.geojson.properties))
        return self._cameras.read(self._config.cameras, self._of_configured)

    def newest(self) -> Mapping[str, Version] | None:
        return None

    def fetch(self, listed: ListedCamera, known: Version | None) -> Media | None:
        return fetch_media(self._guest, listed.location, known)

    def _read(self, listed: ListPlace) -> bytes:
        if listed.url is not None or listed.path is None:
            answer = self._guest.get(listed.url or "")
            return answer.content if answer else b""
        most = self._config.web.max_bytes
        try:
            with listed.path.open("rb") as file:
                content = file.read(most + 1)
        except OSError as error:
            raise FetchFailed(
                f"the list of cameras {listed.place} cannot be read: {error.strerror or error}",
                remedy=f"Mend the path of source {self.name}",
            ) from error
        if len(content) > most:
            raise FetchFailed(f"the list of cameras {listed.place} is over {most} bytes", remedy="Raise web.max_bytes")
        return content

    def _table(self, listed: CsvList) -> Sequence[Mapping[str, object]]:
        columns = listed.columns
        try:
            reader = csv.DictReader(
                io.StringIO(self._read(listed).decode("utf-8-sig")), delimiter=listed.delimiter, restval=""
            )
            headings = [heading.strip() for heading in reader.fieldnames or ()]
            reader.fieldnames = headings
            table = list(reader)
        except (UnicodeDecodeError, csv.Error) as error:
            raise FetchFailed(
                f"the list of cameras {listed.place} is not a CSV in UTF-8: {error}", remedy="Save it as one"
            ) from error
        wanted = (columns.id, columns.name, columns.lat, columns.lon, columns.url)
        missing = [name for name in wanted if name is not None and name not in headings]
        if missing:
            raise FetchFailed(
                f"the list of cameras {listed.place} has no column {described(missing)}: "
                f"it has {described(headings, 20)}",
                remedy=f"Set csv.columns of source {self.name}, or its delimiter",
            )
        return table

    def _of_row(self, columns: Columns, row: Mapping[str, object]) -> ListedCamera | None:
        return self._listed(columns, row, row.get(columns.lat), row.get(columns.lon))

    def _of_feature(self, names: Names, entry: object) -> ListedCamera | None:
        feature = fields(entry)
        said = dict(fields(feature.get("properties") or {}))
        said.setdefault(names.id, feature.get("id"))
        lat, lon = point(feature)
        return self._listed(names, said, lat, lon)

    def _of_configured(self, one: HttpCamera) -> ListedCamera | None:
        """What the configuration says of a camera, and what it says of all of them where it is silent of this one."""
        settings = self._config
        assumed = {"timezone": settings.timezone, "cadence_s": settings.cadence_s}
        assumed |= {"width": settings.width, "height": settings.height}
        said = {name: getattr(one, name) for name in one.model_fields_set - {"url"}}
        return self._placed(Camera(**(assumed | said)), one.url)

    def _listed(self, names: Names, said: Mapping[str, object], lat: object, lon: object) -> ListedCamera | None:
        value = said.get(names.id)
        camera_id = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
        if not camera_id:
            raise BadEntry(f"it has no {names.id}")
        own = said.get(names.url) if names.url else None
        try:
            found = camera(self._config, camera_id, said.get(names.name) if names.name else None, lat, lon)
            return self._placed(found, own.strip() if isinstance(own, str) else None)
        except BadEntry as error:
            raise BadEntry(f"{camera_id[:60]}: {error}") from error

    def _placed(self, found: Camera, own: str | None) -> ListedCamera | None:
        if self._config.area is not None and not self._config.area.holds(found.lat, found.lon):
            return None
        location = own or (self._config.url or "").replace("{id}", quote(found.id, safe=""))
        if not location.startswith(("https://", "http://")):
            raise BadEntry("it has no address of its clip or still")
        return ListedCamera(found, location)
