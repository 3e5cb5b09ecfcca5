"""Transport for London: the list of JamCams, and the S3 bucket that holds their clips and stills."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from feed_double.cameras import DoubledCamera
from feed_double.faults import FaultKind, PathClass
from feed_double.hosts import Moment, Route, http_date, json_reply, media, moved_lat, shown_modified
from feed_double.http11 import Reply, Request
from feed_double.publishing import Publisher

BUCKET = "jamcams.tfl.gov.uk"
PAGE = 1000
QUOTES = {'"': "&quot;"}
ENTITIES = "Tfl.Api.Presentation.Entities"
OWNER = "89f03ad326aac617b9f63a0afbb007221ae74d889aec7d7dee672f2852d22abb"


@dataclass
class TflApi:
    """api.tfl.gov.uk: GET /Place/Type/JamCam. With `app_key` a client may ask ten times as often."""

    publisher: Publisher
    media_base: str
    name: str = "tfl_api"

    def route(self, request: Request) -> Route:
        listed = request.path.rstrip("/").lower() == "/place/type/jamcam"
        return Route(PathClass.CAMERAS if listed else PathClass.OTHER)

    def limit(self, request: Request, published: float | None) -> float | None:
        keyed = "app_key" in request.query or "app_key" in request.headers
        return published * 10 if keyed and published else published

    def answer(self, request: Request, route: Route, moment: Moment) -> Reply:
        headers = {"Date": http_date(moment.now), "Cache-Control": "public, must-revalidate, max-age=30, s-maxage=60"}
        if route.on is not PathClass.CAMERAS:
            return Reply(404, {**headers, "Content-Type": "application/json; charset=utf-8"}, b'{"httpStatusCode":404}')
        places = [place for camera in self.publisher.cameras for place in self._places(camera, moment)]
        return json_reply(request, places, headers, "application/json; charset=utf-8")

    def _places(self, camera: DoubledCamera, moment: Moment) -> Iterator[dict[str, Any]]:
        faults = self.publisher.plan.listed(camera.id, moment.at_s)
        if FaultKind.APPEARS in faults or FaultKind.VANISHES in faults:
            return
        lat: float | None = camera.lat
        lon: float | None = camera.lon
        if moves := faults.get(FaultKind.MOVES):
            lat = moved_lat(camera.lat, moves)
        if FaultKind.NO_POSITION in faults:
            lat = lon = None
        base = f"{self.media_base}/{BUCKET}/{camera.id}"
        foreign = faults.get(FaultKind.FOREIGN_MEDIA)
        urls = {form: foreign.parameters["location"] if foreign else f"{base}.{form}" for form in ("jpg", "mp4")}
        edition = self.publisher.current(camera.id, moment.at_s)
        modified = _iso(edition.modified if edition else moment.now)
        place = {
            "$type": f"{ENTITIES}.Place, {ENTITIES}",
            "id": f"JamCams_{camera.id}",
            "url": f"/Place/JamCams_{camera.id}",
            "commonName": camera.name,
            "placeType": "JamCam",
            "additionalProperties": [
                {
                    "$type": f"{ENTITIES}.AdditionalProperties, {ENTITIES}",
                    "category": category,
                    "key": key,
                    "sourceSystemKey": "JamCams",
                    "value": value,
                    "modified": modified,
                }
                for category, key, value in (
                    ("payload", "available", "false" if FaultKind.SWITCHED_OFF in faults else "true"),
                    ("payload", "imageUrl", urls["jpg"]),
                    ("payload", "videoUrl", urls["mp4"]),
                    ("cameraView", "view", camera.view),
                )
            ],
            "children": [],
            "childrenUrls": [],
            "lat": lat,
            "lon": lon,
        }
        yield place
        if FaultKind.LISTED_TWICE in faults:
            yield place


@dataclass
class TflBucket:
    """s3-eu-west-1.amazonaws.com/jamcams.tfl.gov.uk: objects, and ListObjects (version 1) of 1,000 keys a page."""

    publisher: Publisher
    name: str = "tfl_bucket"

    def route(self, request: Request) -> Route:
        prefix = f"/{BUCKET}"
        if request.path.rstrip("/") == prefix:
            return Route(PathClass.NEWEST)
        stem, _, form = request.path.removeprefix(f"{prefix}/").rpartition(".")
        known = request.path.startswith(prefix) and form in ("mp4", "jpg")
        return Route(PathClass.MEDIA, stem, form) if known else Route(PathClass.OTHER)

    def limit(self, request: Request, published: float | None) -> float | None:
        return published

    def answer(self, request: Request, route: Route, moment: Moment) -> Reply:
        headers = {"x-amz-request-id": f"{int(moment.at_s * 1000) & 0xFFFFFFFF:016X}", "Server": "AmazonS3"}
        if route.on is PathClass.NEWEST:
            return self._page(request, moment, {"Date": http_date(moment.now), **headers})
        reply = media(request, route, self.publisher, moment, headers)
        return reply or s3_error(404, "NoSuchKey", "The specified key does not exist.", moment)

    def _page(self, request: Request, moment: Moment, headers: dict[str, str]) -> Reply:
        marker, prefix = request.query.get("marker", ""), request.query.get("prefix", "")
        size = min(PAGE, int(request.query.get("max-keys") or PAGE))
        keys = sorted(
            f"{camera.id}.{form}"
            for camera in self.publisher.cameras
            for form in (("jpg", "mp4") if self.publisher.fleet.clips else ("jpg",))
        )
        wanted = [key for key in keys if key > marker and key.startswith(prefix)]
        body = [
            '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">',
            f"<Name>{BUCKET}</Name><Prefix>{escape(prefix)}</Prefix><Marker>{escape(marker)}</Marker>",
            f"<MaxKeys>{size}</MaxKeys><IsTruncated>{str(len(wanted) > size).lower()}</IsTruncated>",
            *(self._contents(key, moment) for key in wanted[:size]),
            "</ListBucketResult>",
        ]
        return Reply(200, {**headers, "Content-Type": "application/xml"}, "".join(body).encode())

    def _contents(self, key: str, moment: Moment) -> str:
        camera, _, form = key.rpartition(".")
        edition = self.publisher.current(camera, moment.at_s)
        medium = edition.medium(form) if edition else None
        if edition is None or medium is None:
            return ""
        modified = shown_modified(self.publisher.plan, camera, edition, moment.at_s)
        return (
            f"<Contents><Key>{key}</Key><LastModified>{_iso(modified)}</LastModified>"
            f"<ETag>{escape(edition.etag(form), QUOTES)}</ETag><Size>{medium.size}</Size>"
            f"<Owner><ID>{OWNER}</ID><DisplayName>AWSTFL-Production</DisplayName></Owner>"
            "<StorageClass>REDUCED_REDUNDANCY</StorageClass></Contents>"
        )


def s3_error(status: int, code: str, message: str, moment: Moment) -> Reply:
    """An error as S3 words it."""
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Reply(status, {"Date": http_date(moment.now), "Content-Type": "application/xml"}, body.encode())


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
