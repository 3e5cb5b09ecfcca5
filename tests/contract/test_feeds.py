"""Every feed keeps the same promises. An adapter is added by a line in `FEEDS`; an exemption names its reason.

A row builds a `Stage`: the feed, over a tiny publisher of the cameras A and B that the test drives. What a publisher
does is publish a clip, freeze (publish nothing more), fail, withdraw a camera, and recover from either.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol, get_args

import pytest
from feed_double.hls_stream import playlist
from feed_double.mp4_clip import Picture
from feed_double.rtsp_stream import RtspDouble, Stream, Trouble
from loopback_publisher import LoopbackPublisher, ManualClock, Page, Query
from pydantic import ValidationError

from core.config import Closed
from core.records import Camera
from ingest.feed import Feed, FetchFailed, ListedCamera, Media
from ingest.feeds.digitraffic_weathercam import DigitrafficWeathercam, DigitrafficWeathercamConfig
from ingest.feeds.hls import HlsConfig, HlsFeed
from ingest.feeds.http_media import HttpMedia, HttpMediaConfig
from ingest.feeds.rtsp import RtspConfig, RtspFeed
from ingest.feeds.tfl_jamcam import TflJamCam, TflJamCamConfig
from ingest.feeds.watched_folder import WatchedFolder, WatchedFolderConfig
from ingest.fetch.guest import Budgets, Guest

START = datetime(2026, 3, 12, 8, 0, tzinfo=UTC)
CADENCE = timedelta(minutes=5)
LOOPBACK = {"private_networks": ["127.0.0.1/32"], "requests_per_minute": 60_000, "concurrency": 16, "attempts": 1}


class Stage(Protocol):
    """A feed, and its publisher in the test's hands. `a` and `b` are the ids of its two cameras."""

    feed: Feed
    a: str
    b: str

    def publish(self, camera: str, content: bytes, at: datetime) -> None:
        """A new clip or still of the camera, made at `at`."""

    def withdraw(self, camera: str) -> None:
        """The publisher switches a camera off, in the way it does."""

    def fail(self) -> None:
        """Nothing that the publisher is asked is answered as it should be."""

    def recover(self) -> None:
        """The publisher is well again, and every camera is back."""

    def close(self) -> None: ...


@dataclass(frozen=True)
class Row:
    """How the stage of a feed is built, and of which promises it is exempt: the reason by the name of the promise."""

    config: type[Closed]
    build: Callable[[Path, ManualClock], Stage]
    exempt: Mapping[str, str] = field(default_factory=dict)


@dataclass
class WebStage:
    """What the stages of feeds over HTTP share."""

    publisher: LoopbackPublisher
    feed: Feed
    guests: list[Guest]
    a: str
    b: str
    off: set[str] = field(default_factory=set)
    times: dict[str, datetime] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)

    def publish(self, camera: str, content: bytes, at: datetime) -> None:
        self.publisher.pages[self.path(camera)] = Page(content, "video/mp4", modified=at)
        self.times[camera] = at

    def path(self, camera: str) -> str:
        return f"/media/{camera}.mp4"

    def withdraw(self, camera: str) -> None:
        self.off.add(camera)

    def fail(self) -> None:
        self.publisher.fault = Page(b"<html>sorry</html>", "text/html")

    def recover(self) -> None:
        self.publisher.fault = None
        self.off.clear()

    def close(self) -> None:
        for guest in self.guests:
            guest.close()
        self.publisher.close()


class TflStage(WebStage):
    def list_page(self, _: Query) -> Page:
        places = [
            {
                "$type": "Tfl.Api.Presentation.Entities.Place, Tfl.Api.Presentation.Entities",
                "id": f"JamCams_{camera}",
                "url": f"/Place/JamCams_{camera}",
                "commonName": f"Street of {camera}",
                "placeType": "JamCam",
                "additionalProperties": [
                    {"category": "payload", "key": "available", "value": "false" if camera in self.off else "true"},
                    {"category": "payload", "key": "imageUrl", "value": f"{self.publisher.url}/media/{camera}.jpg"},
                    {"category": "payload", "key": "videoUrl", "value": f"{self.publisher.url}/media/{camera}.mp4"},
                    {"category": "cameraView", "key": "view", "value": "West"},
                ],
                "lat": 51.5,
                "lon": -0.1,
            }
            for camera in (self.a, self.b)
        ]
        return Page(json.dumps(places).encode(), "application/json")

    def bucket_page(self, query: Query) -> Page:
        """One key a page, and no NextMarker: as it is without a delimiter."""
        published = {f"{name}.mp4": name for name in self.times} | {f"{name}.jpg": name for name in self.times}
        keys = sorted(key for key in published if key > query.get("marker", ""))
        contents = "".join(
            f"<Contents><Key>{key}</Key><LastModified>{self.times[published[key]]:%Y-%m-%dT%H:%M:%S.000Z}</LastModified>"
            f"<ETag>{self.publisher.answer(f'/media/{published[key]}.mp4').etag.replace(chr(34), '&quot;')}</ETag>"
            f"<Size>1</Size><Owner><ID>x</ID></Owner></Contents>"
            for key in keys[:1]
        )
        xml = (
            '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<IsTruncated>{'true' if len(keys) > 1 else 'false'}</IsTruncated>{contents}</ListBucketResult>"
        )
        return Page(xml.encode(), "application/xml")


class DigitrafficStage(WebStage):
    def path(self, camera: str) -> str:
        return f"/{camera}.jpg"

    def list_page(self, _: Query) -> Page:
        presets = [{"id": camera, "inCollection": camera not in self.off} for camera in (self.a, self.b)]
        said = {"id": "C01675", "name": "kt51_Helsinki_Lauttasaari", "collectionStatus": "GATHERING", "state": None}
        feature = {
            "type": "Feature",
            "id": "C01675",
            "geometry": {"type": "Point", "coordinates": [24.88, 60.16, 0.0]},
            "properties": said | {"dataUpdatedTime": "2026-03-12T06:00:00Z", "presets": presets},
        }
        return Page(json.dumps({"type": "FeatureCollection", "features": [feature]}).encode(), "application/json")

    def data_page(self, _: Query) -> Page:
        """A still is uploaded (Last-Modified) some seconds after it was filmed (measuredTime)."""
        presets = [
            {"id": camera, "measuredTime": f"{self.times[camera] - timedelta(seconds=4):%Y-%m-%dT%H:%M:%SZ}"}
            for camera in (self.a, self.b)
            if camera in self.times
        ] or [{"id": "C0999900", "measuredTime": "2026-03-12T06:00:00Z"}]
        table = {"dataUpdatedTime": "2026-03-12T06:00:00Z", "stations": [{"id": "C01675", "presets": presets}]}
        return Page(json.dumps(table).encode(), "application/json")


class HttpStage(WebStage):
    def list_page(self, _: Query) -> Page:
        lines = [f"{camera};Street of {camera};51.5;-0.1" for camera in (self.a, self.b) if camera not in self.off]
        return Page("\n".join(("camera;title;latitude;longitude", *lines)).encode(), "text/csv")


def tfl(_: Path, clock: ManualClock) -> Stage:
    publisher = LoopbackPublisher(clock)
    config = TflJamCamConfig(
        kind="tfl_jamcam",
        api=publisher.url,
        bucket=f"{publisher.url}/bucket/",
        app_key_env=None,
        api_requests_per_minute=60_000,
        web=LOOPBACK,
    )
    budgets = Budgets(clock)
    guests = [Guest(config.api_web, budgets, clock), Guest(config.media_web, budgets, clock)]
    stage = TflStage(publisher, TflJamCam(config, *guests), guests, "00001.06710", "00002.00865")
    publisher.pages |= {"/Place/Type/JamCam": stage.list_page, "/bucket/": stage.bucket_page}
    return stage


def digitraffic(_: Path, clock: ManualClock) -> Stage:
    publisher = LoopbackPublisher(clock)
    config = DigitrafficWeathercamConfig(
        kind="digitraffic_weathercam",
        api=publisher.url,
        stills=publisher.url,
        web=LOOPBACK,
    )
    budgets = Budgets(clock)
    guests = [Guest(config.media_web, budgets, clock), Guest(config.media_web, budgets, clock)]
    stage = DigitrafficStage(publisher, DigitrafficWeathercam(config, *guests), guests, "C0167500", "C0167501")
    stations = "/api/weathercam/v1/stations"
    publisher.pages |= {stations: stage.list_page, f"{stations}/data": stage.data_page}
    return stage


def http(_: Path, clock: ManualClock) -> Stage:
    publisher = LoopbackPublisher(clock)
    config = HttpMediaConfig(
        kind="http",
        name="city",
        url=f"{publisher.url}/media/{{id}}.mp4",
        csv={
            "url": f"{publisher.url}/cameras.csv",
            "delimiter": ";",
            "columns": {"id": "camera", "name": "title", "lat": "latitude", "lon": "longitude"},
        },
        web=LOOPBACK,
    )
    guest = Guest(config.media_web, Budgets(clock), clock)
    stage = HttpStage(publisher, HttpMedia(config, guest), [guest], "bridge", "square")
    publisher.pages["/cameras.csv"] = stage.list_page
    return stage


class HlsStage(WebStage):
    """One segment a clip; each new one is the next in the playlist."""

    def publish(self, camera: str, content: bytes, at: datetime) -> None:
        number = self.numbers[camera] = self.numbers.get(camera, 0) + 1
        began = f"#EXT-X-PROGRAM-DATE-TIME:{at:%Y-%m-%dT%H:%M:%S.%f+00:00}\n{number}.ts"
        self.publisher.pages[f"/{camera}/{number}.ts"] = Page(content, "video/mp2t")
        self.publisher.pages[f"/{camera}/live.m3u8"] = Page(playlist([began], 5, first=number))
        self.times[camera] = at


def hls(_: Path, clock: ManualClock) -> Stage:
    publisher = LoopbackPublisher(clock)
    cameras = [
        {"id": camera, "name": camera, "lat": 51.5, "lon": -0.1, "url": f"{publisher.url}/{camera}/live.m3u8"}
        for camera in ("bridge", "square")
    ]
    config = HlsConfig.model_validate({"kind": "hls", "cameras": cameras, "web": LOOPBACK})
    guest = Guest(config.media_web, Budgets(clock), clock)
    return HlsStage(publisher, HlsFeed(config, guest), [guest], "bridge", "square")


class RtspStage:
    """A stream server for each camera. One that has not published anything has no such stream."""

    NO_STREAM = Trouble(answers={"DESCRIBE": b"RTSP/1.0 404 Not Found\r\nCSeq: {cseq}\r\n\r\n"})
    SORRY = Trouble(answers={"OPTIONS": b"HTTP/1.1 200 OK\r\n\r\n<html>sorry</html>"})

    def __init__(self, _: Path, clock: ManualClock) -> None:
        self.a, self.b = "bridge", "square"
        self.servers = {name: RtspDouble(self.film(b""), self.NO_STREAM) for name in (self.a, self.b)}
        cameras = [
            {"id": name, "name": name, "lat": 51.5, "lon": -0.1, "url": server.url, "clip_s": 0.5}
            for name, server in self.servers.items()
        ]
        config = RtspConfig.model_validate({"kind": "rtsp", "cameras": cameras, "web": LOOPBACK})
        self.guest = Guest(config.media_web, Budgets(clock), clock)
        self.feed: Feed = RtspFeed(config, self.guest, clock, {})
        self.well = dict.fromkeys(self.servers, self.NO_STREAM)

    @staticmethod
    def film(content: bytes) -> Stream:
        """A second whose key picture holds the content."""
        slices = [b"\x65\x88" + content if at == 0 else b"\x41\x9a" + bytes([at]) for at in range(25)]
        return Stream(
            [Picture((one,), 3600 * at, at == 0) for at, one in enumerate(slices)], (b"\x67\x42", b"\x68\xce")
        )

    def publish(self, camera: str, content: bytes, at: datetime) -> None:
        self.servers[camera].stream = replace(self.film(content), reported=at)
        self.servers[camera].trouble = self.well[camera] = Trouble()

    def withdraw(self, camera: str) -> None:
        raise NotImplementedError

    def fail(self) -> None:
        for server in self.servers.values():
            server.trouble = self.SORRY

    def recover(self) -> None:
        for name, server in self.servers.items():
            server.trouble = self.well[name]

    def close(self) -> None:
        self.guest.close()
        for server in self.servers.values():
            server.close()


OWN_LIST = "its cameras are those that the operator listed: no publisher lists, or withdraws, them"


class FolderStage:
    def __init__(self, folder: Path, clock: ManualClock) -> None:
        self.a, self.b = "06710", "04254"
        self.folder = folder / "drop"
        self.folder.mkdir()
        cameras = [Camera(id=name, name=name, lat=51.5, lon=-0.1) for name in (self.a, self.b)]
        config = WatchedFolderConfig(
            kind="watched_folder", name="drop", path=self.folder, cameras=cameras, whole="renamed"
        )
        self.feed: Feed = WatchedFolder(config, clock)

    def publish(self, camera: str, content: bytes, at: datetime) -> None:
        path = self.folder / camera / f"{int(at.timestamp() * 1000)}.mp4"
        path.parent.mkdir(exist_ok=True)
        path.with_suffix(".part").write_bytes(content)
        path.with_suffix(".part").rename(path)

    def withdraw(self, camera: str) -> None:
        raise NotImplementedError

    def fail(self) -> None:
        self.folder.rename(self.folder.with_name("away"))

    def recover(self) -> None:
        self.folder.with_name("away").rename(self.folder)

    def close(self) -> None:
        return None


FEEDS: dict[str, Row] = {
    "tfl_jamcam": Row(TflJamCamConfig, tfl),
    "digitraffic_weathercam": Row(DigitrafficWeathercamConfig, digitraffic),
    "http": Row(HttpMediaConfig, http),
    "hls": Row(HlsConfig, hls, exempt={"withdraw": OWN_LIST, "list": OWN_LIST}),
    "rtsp": Row(
        RtspConfig,
        RtspStage,
        exempt={
            "withdraw": OWN_LIST,
            "list": OWN_LIST,
            "frozen": "a stream is new at every moment: what it shows tells whether it is frozen",
            "bytes": "what is published are packets, which the adapter puts into a clip",
        },
    ),
    "watched_folder": Row(
        WatchedFolderConfig,
        FolderStage,
        exempt={"withdraw": "a folder says nothing of cameras: they are those that the operator named"},
    ),
}


@dataclass
class Play:
    """A stage with its clock, as the tests use it."""

    stage: Stage
    clock: ManualClock
    row: Row

    @property
    def feed(self) -> Feed:
        return self.stage.feed

    def needs(self, promise: str) -> None:
        if promise in self.row.exempt:
            pytest.skip(self.row.exempt[promise])

    def publish(self, camera: str, content: bytes) -> datetime:
        """A cadence later, a new clip."""
        self.clock.sleep(CADENCE.total_seconds())
        self.stage.publish(camera, content, self.clock.now())
        return self.clock.now()

    def listed(self, camera: str) -> ListedCamera:
        return {one.camera.id: one for one in self.feed.cameras()}[camera]

    def is_of(self, media: Media, content: bytes) -> bool:
        """Whether this is what was published, as it was published or (`bytes`) with it inside."""
        return content in media.content if "bytes" in self.row.exempt else media.content == content

    def fetched(self, camera: str, **known: object) -> Media:
        media = self.feed.fetch(self.listed(camera), None, **known)
        assert media is not None
        return media


@pytest.mark.parametrize("name", sorted(FEEDS))
def test_every_setting_is_described_and_no_other_is_taken(name: str) -> None:
    config = FEEDS[name].config
    (kind,) = get_args(config.model_fields["kind"].annotation)
    assert config.__doc__
    assert [field for field, said in config.model_fields.items() if field != "kind" and not said.description] == []
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        config.model_validate({"kind": kind, "cadense": 5})


@pytest.fixture(params=sorted(FEEDS))
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Play]:
    clock = ManualClock(START)
    row = FEEDS[request.param]
    stage = row.build(tmp_path, clock)
    yield Play(stage, clock, row)
    stage.close()


def test_the_cameras_are_listed_whole(play: Play) -> None:
    listed = play.feed.cameras()
    assert [one.camera.id for one in listed] == [play.stage.a, play.stage.b]
    assert all(isinstance(one.camera, Camera) and one.location and one.withdrawn is None for one in listed)
    assert all(one.camera.name and (one.camera.lat, one.camera.lon) != (0, 0) for one in listed)
    assert play.feed.name == play.feed.name.lower()


def test_what_was_published_is_fetched_with_its_time(play: Play) -> None:
    at = play.publish(play.stage.a, b"first clip")
    media = play.fetched(play.stage.a)
    assert play.is_of(media, b"first clip")
    assert media.version.etag or media.version.modified
    if "event_time" not in play.row.exempt:
        assert media.event_time is not None
        assert abs(media.event_time - at) <= timedelta(seconds=5)
    assert "first clip" not in repr(media), "bytes of pictures do not reach log lines"


def test_a_frozen_camera_has_nothing_new(play: Play) -> None:
    play.needs("frozen")
    play.publish(play.stage.a, b"the only clip")
    media = play.fetched(play.stage.a)
    for _ in range(2):
        play.clock.sleep(CADENCE.total_seconds())
        assert play.feed.fetch(play.listed(play.stage.a), media.version) is None


def test_a_new_clip_is_told_and_fetched(play: Play) -> None:
    """The order of a real city: ask what is new, fetch it, and be told that it is no longer new."""
    play.publish(play.stage.a, b"old")
    old = play.fetched(play.stage.a)
    for content in (b"new", b"newer"):
        at = play.publish(play.stage.a, content)
        told = play.feed.newest()
        if told is not None:
            assert not told[play.stage.a].same(old.version), "the listing tells that there is a new clip"
        media = play.feed.fetch(play.listed(play.stage.a), old.version)
        assert media is not None
        assert play.is_of(media, content)
        assert not media.version.same(old.version)
        assert media.event_time is None or abs(media.event_time - at) <= timedelta(seconds=5)
        told = play.feed.newest()
        if told is not None:
            assert told[play.stage.a].same(media.version), "what was fetched is the newest"
        old = media


def test_a_camera_that_never_published_takes_no_other_with_it(play: Play) -> None:
    play.publish(play.stage.a, b"clip")
    told = play.feed.newest()
    assert told is None or play.stage.b not in told
    with suppress(FetchFailed):  # the publisher has no such thing
        assert play.feed.fetch(play.listed(play.stage.b), None) is None
    assert play.is_of(play.fetched(play.stage.a), b"clip")


def test_a_withdrawn_camera_is_off_the_list_or_says_why_and_comes_back(play: Play) -> None:
    play.needs("withdraw")
    play.stage.withdraw(play.stage.b)
    listed = {one.camera.id: one for one in play.feed.cameras()}
    assert play.stage.b not in listed or listed[play.stage.b].withdrawn
    assert listed[play.stage.a].withdrawn is None
    play.stage.recover()
    assert play.listed(play.stage.b).withdrawn is None


def test_a_publisher_that_fails_is_a_fetch_failure_with_a_remedy_until_it_recovers(play: Play) -> None:
    play.publish(play.stage.a, b"before")
    listed = play.listed(play.stage.a)
    told = play.feed.newest()
    play.stage.fail()
    play.clock.sleep(CADENCE.total_seconds())
    questions = [lambda: play.feed.fetch(listed, None)]
    questions += [play.feed.cameras] if "list" not in play.row.exempt else []
    for ask in questions + ([play.feed.newest] if told is not None else []):
        with pytest.raises(FetchFailed) as caught:
            ask()
        assert caught.value.message
        assert caught.value.remedy
    play.stage.recover()
    play.clock.sleep(CADENCE.total_seconds())
    assert len(play.feed.cameras()) == 2
    assert play.is_of(play.fetched(play.stage.a), b"before")


def test_many_threads_may_ask_at_once(play: Play) -> None:
    play.publish(play.stage.a, b"clip of a")
    play.stage.publish(play.stage.b, b"clip of b", play.clock.now())
    cameras = [play.listed(play.stage.a), play.listed(play.stage.b)] * 4
    published = {play.stage.a: b"clip of a", play.stage.b: b"clip of b"}
    found: dict[str, set[bytes]] = {play.stage.a: set(), play.stage.b: set()}
    wrong: list[Exception] = []

    def ask(listed: ListedCamera) -> None:
        try:
            play.feed.newest()
            media = play.feed.fetch(listed, None)
            if media is not None:
                found[listed.camera.id].add(next(one for one in published.values() if play.is_of(media, one)))
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=ask, args=(listed,)) for listed in cameras]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert found == {camera: {content} for camera, content in published.items()}
