"""The feed double itself: its answers have the publishers' shapes, its faults do what they say, its ledger knows."""

from __future__ import annotations

import gzip
import hashlib
import json
import socket
import struct
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from feed_double.config import DoubleConfig, Fleet
from feed_double.double import FeedDouble
from feed_double.faults import ANSWER, CONTENT, LISTING, Fault, FaultKind, PathClass
from feed_double.ledger import requests_from, versions_from
from feed_double.media import Album, dimension_bomb, gzip_bomb, marked, street_still
from hand_clock import HandClock

START = datetime(2026, 3, 12, 8, 0, tzinfo=UTC)
CLIP = (
    struct.pack(">I4s4s", 16, b"ftyp", b"isom") + bytes(4) + struct.pack(">I4s", 4008, b"mdat") + bytes(range(250)) * 16
)
OTHER = CLIP.replace(bytes(range(250)), bytes(reversed(range(250))))
CARD = CLIP[:2000]
S3 = "{http://s3.amazonaws.com/doc/2006-03-01/}"
BUCKET = "/jamcams.tfl.gov.uk"


def tfl(count: int = 4, **settings: Any) -> Fleet:
    albums = {"clips": (Album((CLIP, CLIP[:-8])), Album((OTHER, OTHER[:-8]))), "placeholders": Album((CARD,))}
    return Fleet("tfl", count, **{"cadence_s": 240, "jitter_s": 10, **albums, **settings})


@pytest.fixture
def clock() -> HandClock:
    return HandClock(START)


@pytest.fixture
def doubled(clock: HandClock) -> Iterator[Callable[..., FeedDouble]]:
    """Starts a double; ends it after the test."""
    with ExitStack() as running:

        def start(*faults: Fault, fleet: Fleet | None = None, **settings: Any) -> FeedDouble:
            config = DoubleConfig((fleet or tfl(),), faults, seed=7, **settings)
            return running.enter_context(FeedDouble(config, clock))

        yield start


def get(double: FeedDouble, host: str, path: str, **headers: str) -> httpx.Response:
    with httpx.Client(trust_env=False, timeout=5) as client:
        return client.get(double.addresses[host] + path, headers={k.replace("_", "-"): v for k, v in headers.items()})


def clip_of(double: FeedDouble, index: int = 0, **headers: str) -> httpx.Response:
    return get(double, "tfl_bucket", f"{BUCKET}/{double.cameras['tfl'][index].id}.mp4", **headers)


def first_noted(double: FeedDouble) -> httpx.Response:
    """The first clip of the first camera, once the double has noted that it went out, which comes a little later."""
    clip = clip_of(double)
    deadline = time.monotonic() + 10
    while not any(version.served for version in double.ledger.versions):
        assert time.monotonic() < deadline, "it never noted it"
        time.sleep(0.001)
    return clip


def always(kind: FaultKind, double_index: int = 0, **parameters: Any) -> Fault:
    return Fault(kind, (f"00009.{double_index:05d}",), parameters=parameters)


# -- shapes -----------------------------------------------------------------------------------------------------


def test_the_camera_list_is_a_list_of_tfl_places(doubled: Callable[..., FeedDouble]) -> None:
    double = doubled()
    answer = get(double, "tfl_api", "/Place/Type/JamCam")
    assert answer.headers["content-encoding"] == "gzip"
    place = answer.json()[0]
    assert list(place) == [
        *(
            "$type",
            "id",
            "url",
            "commonName",
            "placeType",
            "additionalProperties",
            "children",
            "childrenUrls",
            "lat",
            "lon",
        )
    ]
    assert place["$type"] == "Tfl.Api.Presentation.Entities.Place, Tfl.Api.Presentation.Entities"
    assert (place["id"], place["placeType"]) == ("JamCams_00009.00000", "JamCam")
    said = {line["key"]: line for line in place["additionalProperties"]}
    assert list(said) == ["available", "imageUrl", "videoUrl", "view"]
    assert set(said["view"]) == {"$type", "category", "key", "sourceSystemKey", "value", "modified"}
    assert said["videoUrl"]["value"] == f"{double.addresses['tfl_bucket']}{BUCKET}/00009.00000.mp4"
    assert said["available"]["value"] == "true"


def test_positions_are_those_of_the_real_cameras(doubled: Callable[..., FeedDouble], shared_data: Path) -> None:
    positions = shared_data / "geo" / "jamcams.geojson"
    double = doubled(fleet=tfl(911, positions=positions))
    places = get(double, "tfl_api", "/Place/Type/JamCam").json()
    real = {
        feature["properties"]["videoUrl"].rsplit("/", 1)[1].removesuffix(".mp4"): feature["geometry"]["coordinates"]
        for feature in json.loads(positions.read_text())["features"]
    }
    doubles = {place["id"].removeprefix("JamCams_"): [place["lon"], place["lat"]] for place in places}
    assert len(doubles) == 911
    assert {key: doubles[key] for key in real} == real


def test_the_listing_has_the_elements_of_a_real_page(doubled: Callable[..., FeedDouble], shared_data: Path) -> None:
    real = ET.parse(shared_data / "geo" / "jamcams_bucket_listing.xml").getroot()
    page = ET.fromstring(get(doubled(fleet=tfl(600)), "tfl_bucket", BUCKET).content)

    def shape(node: ET.Element) -> list[Any]:
        return [node.tag, *(shape(child) for child in node)]

    assert shape(page) == shape(real)
    assert page.find(f"{S3}IsTruncated").text == "true"
    assert len(page.find(f"{S3}Contents/{S3}LastModified").text) == len("2024-02-12T00:50:19.000Z")


def test_the_listing_goes_on_after_the_marker_until_every_key_was_given(doubled: Callable[..., FeedDouble]) -> None:
    double, keys, marker = doubled(fleet=tfl(1100)), [], ""
    for _ in range(3):
        page = ET.fromstring(get(double, "tfl_bucket", f"{BUCKET}/?marker={marker}").content)
        keys += [key.text for key in page.iter(f"{S3}Key")]
        marker = keys[-1]
        if page.find(f"{S3}IsTruncated").text == "false":
            break
    assert len(keys) == len(set(keys)) == 2200
    assert keys == sorted(keys)


def test_an_object_is_as_the_listing_says_and_304_where_it_is_known(doubled: Callable[..., FeedDouble]) -> None:
    double = doubled()
    listed = next(
        contents
        for contents in ET.fromstring(get(double, "tfl_bucket", BUCKET).content).iter(f"{S3}Contents")
        if contents.find(f"{S3}Key").text == "00009.00000.mp4"
    )
    clip = clip_of(double)
    assert clip.headers["etag"] == listed.find(f"{S3}ETag").text == f'"{hashlib.md5(clip.content).hexdigest()}"'
    assert len(clip.content) == int(listed.find(f"{S3}Size").text)
    assert clip.headers["accept-ranges"] == "bytes"
    modified = parsedate_to_datetime(clip.headers["last-modified"])
    assert modified == datetime.fromisoformat(listed.find(f"{S3}LastModified").text)
    assert START - timedelta(seconds=240) <= modified <= START
    assert clip_of(double, if_none_match=clip.headers["etag"]).status_code == 304
    assert clip_of(double, if_modified_since=clip.headers["last-modified"]).status_code == 304
    assert clip_of(double, if_none_match='"other"').status_code == 200


def test_digitraffic_gives_stations_times_and_stills(doubled: Callable[..., FeedDouble]) -> None:
    double = doubled(fleet=Fleet("digitraffic", 5, cadence_s=600, centre=(60.2, 24.9)))
    stations = get(double, "digitraffic_api", "/api/weathercam/v1/stations").json()
    data = get(double, "digitraffic_api", "/api/weathercam/v1/stations/data").json()
    assert [feature["id"] for feature in stations["features"]] == ["C99000", "C99001", "C99002"]
    station = stations["features"][0]
    assert station["properties"]["presets"] == [{"id": f"C99000{n}", "inCollection": True} for n in ("01", "02")]
    assert station["geometry"]["coordinates"][0] == pytest.approx(24.9, abs=0.2)
    assert set(data["stations"][0]["presets"][0]) == {"id", "dataUpdatedTime", "measuredTime"}
    still = get(double, "digitraffic_images", "/C9900001.jpg")
    assert still.headers["content-type"] == "image/jpeg"
    assert cv2.imdecode(np.frombuffer(still.content, np.uint8), cv2.IMREAD_COLOR) is not None
    measured = datetime.fromisoformat(data["stations"][0]["presets"][0]["measuredTime"])
    assert parsedate_to_datetime(still.headers["last-modified"]) == measured


def test_a_template_host_gives_each_camera_at_its_address(doubled: Callable[..., FeedDouble]) -> None:
    double = doubled(fleet=Fleet("template", 2))
    rows = get(double, "template", "/cameras.csv").text.splitlines()
    assert [row.split(",")[0] for row in rows] == ["id", "cam-0000", "cam-0001"]
    assert get(double, "template", "/cameras/cam-0001.jpg").content.startswith(b"\xff\xd8")
    assert get(double, "template", "/cameras/cam-0009.jpg").status_code == 404


# -- publishing -------------------------------------------------------------------------------------------------


def test_every_edition_is_new_bytes_of_the_same_view(doubled: Callable[..., FeedDouble], clock: HandClock) -> None:
    double, clips = doubled(), []
    for _ in range(5):
        clips.append(clip_of(double).content)
        clock.sleep(270)
    assert len(set(clips)) == 5
    assert all(clip.startswith(CLIP[:-8]) for clip in clips)
    assert not any(OTHER[16:200] in clip for clip in clips)


def test_a_marked_picture_is_the_same_picture() -> None:
    still = street_still(3)
    again = marked(still, "edition 9").body
    assert again != still
    decoded = [cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) for content in (still, again)]
    assert np.array_equal(*decoded)


def test_two_doubles_of_one_seed_publish_the_same(doubled: Callable[..., FeedDouble], clock: HandClock) -> None:
    faults = (Fault(FaultKind.CORRUPT, share=0.5), Fault(FaultKind.SLOW, share=0.25))
    doubles = [doubled(*faults, fleet=tfl(20)) for _ in range(2)]
    clock.sleep(3600)
    one, two = (json.loads(get(double, "control", "/_ledger").text) for double in doubles)
    assert one["versions"] == two["versions"]
    assert one["faults"] == two["faults"]
    assert [len(fault["cameras"]) for fault in one["faults"]] == [10, 5]


def test_the_ledger_accounts_for_every_version_and_request(
    doubled: Callable[..., FeedDouble], clock: HandClock
) -> None:
    double = doubled(always(FaultKind.PLACEHOLDER, 1))
    first = first_noted(double)
    clip_of(double, if_none_match=first.headers["etag"])
    clock.sleep(1200)
    clip_of(double, 1)
    report = json.loads(get(double, "control", "/_ledger").text)
    versions, requests = versions_from(report["versions"]), requests_from(report["requests"])
    mine = sorted((v for v in versions if v.camera == "00009.00000"), key=lambda version: version.number)
    assert [version.number for version in mine] == list(range(len(mine)))
    assert len(mine) in (5, 6)
    assert mine[0].content == hashlib.sha256(first.content).hexdigest()[:32]
    assert (mine[0].served, mine[0].first_served_at) == (1, START)
    assert all(one.replaced_at == two.published_at for one, two in pairwise(mine))
    assert mine[-1].replaced_at is None
    assert {version.fault for version in versions if version.camera == "00009.00001"} == {"placeholder"}
    assert [(seen.status, bool(seen.known)) for seen in requests] == [(200, False), (304, True), (200, False)]
    assert {seen.on for seen in requests} == {"media"}


def test_a_held_clip_waits_until_it_was_fetched_and_given_time(
    doubled: Callable[..., FeedDouble], clock: HandClock
) -> None:
    double = doubled(hold_s=60.0)
    clock.sleep(3600)
    clip = first_noted(double)
    clock.sleep(50)
    assert clip_of(double, if_none_match=clip.headers["etag"]).status_code == 304
    clock.sleep(11)
    assert clip_of(double, if_none_match=clip.headers["etag"]).status_code == 200


def test_a_paused_double_publishes_nothing_new(doubled: Callable[..., FeedDouble], clock: HandClock) -> None:
    double = doubled()
    before = clip_of(double).headers["etag"]
    httpx.post(double.addresses["control"] + "/_pause", trust_env=False)
    clock.sleep(3600)
    assert clip_of(double).headers["etag"] == before
    httpx.post(double.addresses["control"] + "/_resume", trust_env=False)
    assert clip_of(double).headers["etag"] == before
    clock.sleep(300)
    assert clip_of(double).headers["etag"] != before
    assert len([v for v in double.ledger.versions if v.camera == "00009.00000"]) in (2, 3)


# -- limits and traps -------------------------------------------------------------------------------------------


def test_who_asks_more_often_than_is_published_gets_429(doubled: Callable[..., FeedDouble], clock: HandClock) -> None:
    double = doubled(limits={"tfl_api": 3})
    statuses = [get(double, "tfl_api", "/Place/Type/JamCam").status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    assert get(double, "tfl_api", "/Place/Type/JamCam?app_key=x").status_code == 200
    clock.sleep(61)
    assert get(double, "tfl_api", "/Place/Type/JamCam").status_code == 200
    assert [seen.over_limit for seen in double.ledger.requests] == [False, False, False, True, False, False]


def test_a_trap_counts_who_was_led_to_it(doubled: Callable[..., FeedDouble]) -> None:
    double = doubled()
    for trap in double.traps:
        with socket.create_connection(trap, timeout=5) as led:
            led.recv(1)
    assert "127.0.0.2" in double.ledger.forbidden
    assert double.ledger.forbidden == {address: 1 for address, _ in double.traps}


# -- faults: what is published ----------------------------------------------------------------------------------


def editions(double: FeedDouble, clock: HandClock) -> tuple[httpx.Response, httpx.Response]:
    """A camera's clip, and the one of ten minutes later."""
    first = clip_of(double)
    clock.sleep(600)
    return first, clip_of(double)


@pytest.mark.parametrize(
    ("kind", "same_bytes", "same_etag", "same_modified"),
    [
        (FaultKind.FROZEN_STILL, True, True, True),
        (FaultKind.FROZEN_TOUCHED, True, True, False),
        (FaultKind.FROZEN_RETAGGED, True, False, False),
    ],
)
def test_a_frozen_feed_gives_the_same_bytes(
    kind: FaultKind,
    same_bytes: bool,
    same_etag: bool,
    same_modified: bool,
    doubled: Callable[..., FeedDouble],
    clock: HandClock,
) -> None:
    one, two = editions(doubled(always(kind)), clock)
    assert (one.content == two.content) is same_bytes
    assert (one.headers["etag"] == two.headers["etag"]) is same_etag
    assert (one.headers["last-modified"] == two.headers["last-modified"]) is same_modified


def test_spoiled_clips_are_what_their_fault_says(doubled: Callable[..., FeedDouble]) -> None:
    def published(kind: FaultKind, **parameters: Any) -> bytes:
        return clip_of(doubled(always(kind, **parameters))).content

    whole = clip_of(doubled()).content
    assert published(FaultKind.PLACEHOLDER).startswith(CARD)
    assert OTHER[16:200] in published(FaultKind.MOVED_VIEW)
    corrupt = published(FaultKind.CORRUPT)
    assert len(corrupt) == len(whole)
    assert corrupt[:1000] == whole[:1000]
    assert corrupt != whole
    assert len(published(FaultKind.CUT_CLIP, share=0.25)) == len(whole) // 4
    assert published(FaultKind.EMPTY) == b""
    assert published(FaultKind.DIMENSION_BOMB, format="png")[16:24] == struct.pack(">II", 60_000, 60_000)


def test_the_placeholder_still_is_a_flat_grey_card(doubled: Callable[..., FeedDouble]) -> None:
    double = doubled(always(FaultKind.PLACEHOLDER))
    still = get(double, "tfl_bucket", f"{BUCKET}/00009.00000.jpg").content
    card = cv2.imdecode(np.frombuffer(still, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert card.shape == (288, 352)
    assert np.mean(np.abs(card.astype(int) - 128) < 8) > 0.8


def test_a_bomb_in_a_header_is_small_and_says_that_it_is_large(shared_data: Path) -> None:
    for form in ("png", "jpeg"):
        assert len(dimension_bomb(form)) < 4096
    clip = next((shared_data / "jamcam" / "days" / "04254").glob("*.mp4")).read_bytes()
    lying = dimension_bomb("mp4", clip)
    assert len(lying) == len(clip)
    assert struct.pack(">HH", 60_000, 60_000) in lying


# -- faults: how it is answered ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "parameters", "status"),
    [
        (FaultKind.NOT_MODIFIED, {}, 304),
        (FaultKind.NOT_FOUND, {}, 404),
        (FaultKind.FORBIDDEN, {}, 403),
        (FaultKind.TOO_MANY, {}, 429),
        (FaultKind.SERVER_ERROR, {"status": 500}, 500),
        (FaultKind.SKEWED, {}, 200),
    ],
)
def test_a_status_is_played(
    kind: FaultKind, parameters: dict[str, Any], status: int, doubled: Callable[..., FeedDouble]
) -> None:
    double = doubled(always(kind, **parameters))
    assert clip_of(double).status_code == status
    assert clip_of(double, 1).status_code == 200
    assert double.ledger.requests[0].fault == kind


def test_retry_after_comes_in_both_ways(doubled: Callable[..., FeedDouble]) -> None:
    seconds = clip_of(doubled(always(FaultKind.TOO_MANY, retry_after_s=90)))
    date = clip_of(doubled(always(FaultKind.TOO_MANY, retry_after_s=90, as_date=True)))
    assert seconds.headers["retry-after"] == "90"
    assert parsedate_to_datetime(date.headers["retry-after"]) == START + timedelta(seconds=90)


def test_errors_come_in_bursts(doubled: Callable[..., FeedDouble], clock: HandClock) -> None:
    double, statuses = doubled(always(FaultKind.SERVER_ERROR, every_s=60, for_s=20)), []
    for _ in range(6):
        statuses.append(clip_of(double).status_code)
        clock.sleep(20)
    assert statuses == [503, 200, 200] * 2


def test_a_body_breaks_off(doubled: Callable[..., FeedDouble]) -> None:
    for kind, broken in (
        (FaultKind.TRUNCATED, httpx.RemoteProtocolError),
        (FaultKind.RESET, (httpx.ReadError, httpx.RemoteProtocolError)),
    ):
        double = doubled(always(kind))
        with pytest.raises(broken):
            clip_of(double)
        assert {version.served for version in double.ledger.versions} == {0}


def test_a_body_stalls_or_trickles(doubled: Callable[..., FeedDouble]) -> None:
    stalled = doubled(always(FaultKind.STALLED))
    with pytest.raises(httpx.ReadTimeout), httpx.Client(trust_env=False, timeout=0.05) as client:
        client.get(f"{stalled.addresses['tfl_bucket']}{BUCKET}/00009.00000.mp4")
    slow = clip_of(doubled(always(FaultKind.SLOW, bytes_per_s=40_000)))
    assert slow.elapsed > timedelta(seconds=0.05)
    assert hashlib.md5(slow.content).hexdigest() in slow.headers["etag"]


def test_headers_lie_about_type_and_length(doubled: Callable[..., FeedDouble]) -> None:
    assert clip_of(doubled(always(FaultKind.WRONG_TYPE))).headers["content-type"] == "text/html"
    shorter = clip_of(doubled(always(FaultKind.WRONG_LENGTH, factor=0.5)))
    assert CLIP.startswith(shorter.content)
    with pytest.raises(httpx.RemoteProtocolError):
        clip_of(doubled(always(FaultKind.WRONG_LENGTH, factor=2)))


def test_something_else_comes_with_200(doubled: Callable[..., FeedDouble]) -> None:
    page = clip_of(doubled(always(FaultKind.WEB_PAGE)))
    assert page.status_code == 200
    assert page.text.startswith("<!DOCTYPE html>")
    large = clip_of(doubled(always(FaultKind.OVERSIZE, mebibytes=3)))
    assert len(large.content) == int(large.headers["content-length"]) == 3 << 20
    unannounced = clip_of(doubled(always(FaultKind.OVERSIZE, mebibytes=2, announced=False)))
    assert "content-length" not in unannounced.headers
    assert len(unannounced.content) == 2 << 20


def test_a_gzip_bomb_is_a_thousandth_of_what_it_unpacks_to(doubled: Callable[..., FeedDouble]) -> None:
    bomb = gzip_bomb(8)
    assert gzip.decompress(bomb) == bytes(8 << 20)
    assert len(bomb) < 16 << 10
    answer = clip_of(doubled(always(FaultKind.GZIP_BOMB, mebibytes=8)))
    assert len(answer.content) == 8 << 20


def test_clocks_are_skewed_together_or_alone(doubled: Callable[..., FeedDouble]) -> None:
    def times(double: FeedDouble) -> tuple[datetime, datetime]:
        answer = clip_of(double)
        return parsedate_to_datetime(answer.headers["date"]), parsedate_to_datetime(answer.headers["last-modified"])

    right, made = times(doubled())
    hours = timedelta(hours=5)
    assert times(doubled(always(FaultKind.SKEWED, hours=5))) == (right + hours, made + hours)
    assert times(doubled(always(FaultKind.SKEWED_MODIFIED, hours=5))) == (right, made + hours)


def test_redirects_lead_astray_or_round_in_circles(doubled: Callable[..., FeedDouble]) -> None:
    targets = ["http://127.0.0.2:9/", "http://example.org/"]
    double = doubled(always(FaultKind.REDIRECT, targets=targets), always(FaultKind.REDIRECT_LOOP, 1))
    assert [clip_of(double).headers["location"] for _ in range(3)] == [*targets, targets[0]]
    with httpx.Client(trust_env=False, follow_redirects=True) as client, pytest.raises(httpx.TooManyRedirects):
        client.get(f"{double.addresses['tfl_bucket']}{BUCKET}/00009.00001.mp4")


# -- faults: lists ----------------------------------------------------------------------------------------------


def test_the_list_changes_and_lies(doubled: Callable[..., FeedDouble], clock: HandClock) -> None:
    def one(kind: FaultKind, index: int, **parameters: Any) -> Fault:
        return Fault(kind, (f"00009.{index:05d}",), from_s=0, to_s=600, parameters=parameters)

    double = doubled(
        one(FaultKind.APPEARS, 0),
        one(FaultKind.MOVES, 1, metres=500),
        one(FaultKind.SWITCHED_OFF, 2),
        one(FaultKind.LISTED_TWICE, 3),
        one(FaultKind.NO_POSITION, 4),
        one(FaultKind.FOREIGN_MEDIA, 5, location="file:///etc/passwd"),
        Fault(FaultKind.VANISHES, ("00009.00006",), from_s=600),
        fleet=tfl(7),
    )

    def listed() -> list[dict[str, Any]]:
        return get(double, "tfl_api", "/Place/Type/JamCam").json()

    faulty = listed()
    clock.sleep(600)
    places = {place["id"][-1]: place for place in listed()}
    assert [place["id"][-1] for place in faulty] == ["1", "2", "3", "3", "4", "5", "6"]
    assert sorted(places) == ["0", "1", "2", "3", "4", "5"]
    during = {place["id"][-1]: place for place in faulty}
    assert during["1"]["lat"] - places["1"]["lat"] == pytest.approx(500 / 111_320, abs=1e-5)
    assert (during["4"]["lat"], during["4"]["lon"]) == (None, None)

    def says(place: dict[str, Any], key: str) -> str:
        return next(line["value"] for line in place["additionalProperties"] if line["key"] == key)

    assert (says(during["2"], "available"), says(places["2"], "available")) == ("false", "true")
    assert says(during["5"], "videoUrl") == "file:///etc/passwd"


@pytest.mark.parametrize(("kind", "content"), [(FaultKind.NOTHING, b"[]"), (FaultKind.GARBAGE, bytes(range(256)) * 8)])
def test_a_list_is_empty_or_no_list_at_all(kind: FaultKind, content: bytes, doubled: Callable[..., FeedDouble]) -> None:
    double = doubled(Fault(kind, on=PathClass.CAMERAS))
    answer = get(double, "tfl_api", "/Place/Type/JamCam")
    assert (answer.status_code, answer.content) == (200, content)
    assert clip_of(double).status_code == 200


def test_every_kind_of_fault_is_of_one_sort_and_survives_json() -> None:
    assert set(FaultKind) == CONTENT | ANSWER | LISTING
    assert len(CONTENT) + len(ANSWER) + len(LISTING) == len(FaultKind)
    for kind in FaultKind:
        fault = Fault(kind, ("a",), from_s=3, parameters={"x": 1})
        assert Fault.from_json(json.loads(json.dumps(fault.to_json()))) == fault
    with pytest.raises(ValueError, match="not doubled"):
        FeedDouble(DoubleConfig((tfl(),), (Fault(FaultKind.SLOW, ("nobody",)),)), HandClock(START))


def test_the_double_runs_as_a_process_of_its_own(tmp_path: Path) -> None:
    serve = Path(__file__).parents[1] / "feed_double" / "serve.py"
    clip, config = tmp_path / "clip.mp4", tmp_path / "double.json"
    clip.write_bytes(CLIP)
    clock = {"start": START.isoformat(), "speedup": 100, "origin": datetime.now(UTC).isoformat()}
    fleet = {"publisher": "tfl", "count": 2, "clips": [[str(clip)]]}
    config.write_text(json.dumps({"fleets": [fleet], "clock": clock}))
    process = subprocess.Popen([sys.executable, serve, "--config", config], stdout=subprocess.PIPE, text=True)
    try:
        addresses = json.loads(process.stdout.readline())["addresses"]
        report = httpx.get(addresses["control"] + "/_ledger", trust_env=False).json()
        assert datetime.fromisoformat(report["start"]) == START
        assert timedelta(0) < datetime.fromisoformat(report["now"]) - START < timedelta(hours=1)
    finally:
        process.terminate()
        process.stdout.close()
        assert process.wait(10) == 0
