"""The feed double itself: its answers have the publishers' shapes, and its ledger knows."""

from __future__ import annotations

import hashlib
import json
import socket
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from doubled_london import BUCKET, CLIP, OTHER, S3, START, always, clip_of, doubles, first_noted, get, tfl
from feed_double.config import Fleet
from feed_double.double import FeedDouble
from feed_double.faults import Fault, FaultKind, PathClass
from feed_double.ledger import requests_from, versions_from
from feed_double.media import marked, street_still
from hand_clock import HandClock


@pytest.fixture
def clock() -> HandClock:
    return HandClock(START)


@pytest.fixture
def doubled(clock: HandClock) -> Iterator[Callable[..., FeedDouble]]:
    with doubles(clock) as start:
        yield start


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


def test_who_comes_back_before_the_time_that_was_asked_for_is_noted(
    doubled: Callable[..., FeedDouble], clock: HandClock
) -> None:
    """
    429: 30 s   on its way   429 again: 30 s   too early   as asked
    |-----------|------------|-----------------|-----------|------> s
    0           0.5          2, too early      29          32
    """
    wait = {"retry_after_s": 30}
    double = doubled(Fault(FaultKind.TOO_MANY, to_s=10, on=PathClass.CAMERAS, parameters=wait), limits={})
    for pause_s in (0, 0.5, 1.5, 27, 3):
        clock.sleep(pause_s)
        get(double, "tfl_api", "/Place/Type/JamCam")
    clip_of(double)  # another host
    seen = double.ledger.requests
    assert [one.status for one in seen] == [429, 429, 429, 200, 200, 200]
    assert [one.too_early for one in seen] == [False, False, True, True, False, False]


def test_how_many_requests_are_under_way_is_noted(doubled: Callable[..., FeedDouble]) -> None:
    """Who has hung up is not under way, whatever is still to be sent to him."""
    double = doubled(always(FaultKind.STALLED))
    host, port = double.addresses["tfl_bucket"].removeprefix("http://").split(":")
    asked = f"GET {BUCKET}/00009.00000.mp4 HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    with (
        socket.create_connection((host, int(port)), timeout=5) as one,
        socket.create_connection((host, int(port))) as two,
    ):
        for waiting in (one, two):
            waiting.sendall(asked)
            assert waiting.recv(1)
        clip_of(double, 1)
    assert [seen.at_once for seen in double.ledger.requests] == [1, 2, 3]
    deadline = time.monotonic() + 10
    while double.ledger.requests[-1].at_once > 1:  # until the double has seen that they hung up
        assert time.monotonic() < deadline
        clip_of(double, 1)


def test_a_trap_counts_who_was_led_to_it(doubled: Callable[..., FeedDouble]) -> None:
    double = doubled()
    for trap in double.traps:
        with socket.create_connection(trap, timeout=5) as led:
            led.recv(1)
    assert "127.0.0.2" in double.ledger.forbidden
    assert double.ledger.forbidden == {address: 1 for address, _ in double.traps}


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
