"""The JamCams' list as TfL writes it, and everything that it may get wrong."""

from __future__ import annotations

import json
import traceback
from pathlib import Path
from typing import Any

import pytest
from answering_guest import AnsweringGuest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from core.clock import SystemClock
from core.records import LOCATION_LENGTH
from ingest.feed import FetchFailed, ListedCamera, Version
from ingest.feeds.tfl_jamcam import TflJamCam, TflJamCamConfig
from ingest.fetch.guest import Budgets, Guest

LIST = "https://api.tfl.gov.uk/Place/Type/JamCam"
BUCKET = "https://s3-eu-west-1.amazonaws.com/jamcams.tfl.gov.uk/"


def place(number: str = "00001.06710", **said: Any) -> dict[str, Any]:
    """An entry of the list; `available`, `imageUrl` and `videoUrl` are said among its properties."""
    properties = {
        "available": said.pop("available", "true"),
        "imageUrl": said.pop("imageUrl", f"{BUCKET}{number}.jpg"),
        "videoUrl": said.pop("videoUrl", f"{BUCKET}{number}.mp4"),
        "view": "East",
    }
    return {
        "$type": "Tfl.Api.Presentation.Entities.Place, Tfl.Api.Presentation.Entities",
        "id": f"JamCams_{number}",
        "commonName": "Kew Bridge  Northside",
        "placeType": "JamCam",
        "additionalProperties": [
            {"key": key, "value": value, "modified": "2026-03-12T07:00:00Z"}
            for key, value in properties.items()
            if value is not None
        ],
        "lat": 51.4891,
        "lon": -0.2877,
    } | said


def feed(answer: object, **config: Any) -> TflJamCam:
    content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    guest: Any = AnsweringGuest({LIST: content})
    return TflJamCam(TflJamCamConfig(kind="tfl_jamcam", **({"app_key_env": None} | config)), guest, guest)


def listed(answer: object, **config: Any) -> dict[str, ListedCamera]:
    return {one.camera.id: one for one in feed(answer, **config).cameras()}


def test_an_entry_is_a_camera_with_the_address_of_its_clip() -> None:
    one = listed([place()])["00001.06710"]
    camera = one.camera
    assert (camera.name, camera.lat, camera.lon) == ("Kew Bridge Northside", 51.4891, -0.2877)
    assert (camera.timezone, camera.cadence_s, camera.width, camera.height) == ("Europe/London", 240.0, 352, 288)
    assert (one.location, one.withdrawn) == (f"{BUCKET}00001.06710.mp4", None)
    assert listed([place()], media="still")["00001.06710"].location == f"{BUCKET}00001.06710.jpg"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"available": "false"}, "switched this camera off"),
        ({"available": False}, "switched this camera off"),
        ({"available": "maybe"}, "does not say whether this camera is on (available: 'maybe')"),
        ({"available": ""}, "does not say whether"),
        ({"videoUrl": None}, "without an address of its clips"),
        ({"videoUrl": "javascript:alert(1)"}, "without an address of its clips"),
        ({"videoUrl": {"nested": 1}}, "without an address of its clips"),
        ({"additionalProperties": None}, "without an address of its clips"),
    ],
)
def test_a_camera_without_pictures_stays_listed_with_the_reason(said: dict[str, Any], why: str) -> None:
    cameras = listed([place(**said), place("00001.04254")])
    assert why in (cameras["00001.06710"].withdrawn or "")
    assert cameras["00001.06710"].location
    assert cameras["00001.04254"].withdrawn is None


def test_a_flag_that_is_missing_or_true_by_any_spelling_is_on() -> None:
    for available in (None, "true", "True", True):
        assert listed([place(available=available)])["00001.06710"].withdrawn is None


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (place(lat=-0.2877, lon=51.4891), "lat and lon are swapped"),
        (place(lat=None), "has no position: lat 'None'"),
        (place(lat=0, lon=0), "at 0, 0"),
        (place(lat="nan"), "has no position"),
        (place(lat=60.17, lon=24.94), "where this publisher has no camera"),
        (place(lat=True), "has no position"),
        (place(id="JamCams_"), "has no id|is no camera"),
        (place(id=None), "has no id"),
        (place(id="JamCams_../../etc"), "is no camera: its id"),
        (place(id="JamCams_" + "9" * 200), "is no camera: its id"),
        (place("00001.04254"), "stands in the list twice"),
        (None, "no object with fields but NoneType"),
        ("JamCams_1", "no object with fields but str"),
        ({}, "has no id"),
    ],
)
def test_a_bad_entry_is_left_out_with_one_line_and_takes_no_other_with_it(
    entry: object, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    tfl = feed([place("00001.04254"), entry, place("00001.09800", lat="51.5883", lon="-0.0616")])
    for _ in range(2):
        assert [one.camera.id for one in tfl.cameras()] == ["00001.04254", "00001.09800"]
    (line,) = caplog.messages
    assert line.startswith("tfl: left out 1 of 3 listed: entry 2: ")
    assert any(part in line for part in why.split("|"))


def test_many_bad_entries_are_one_short_line(caplog: pytest.LogCaptureFixture) -> None:
    listed([place(), *([place(lat=None)] * 500)])
    (line,) = caplog.messages
    assert "left out 500 of 501" in line
    assert line.endswith("; and 495 more")
    assert len(line) < 600


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"<html>We are sorry</html>", "is not JSON, but a page"),
        (b"", "is not JSON"),
        (b"[{", "is not JSON"),
        (b"\xff\xfe\x00", "is not JSON"),
        (b"[" * 200_000, "is not JSON"),
        (b'[{"id": ' + b"9" * 5000 + b"}]", "is not JSON"),
        ({"httpStatusCode": 429, "message": "Rate limit is exceeded."}, "Rate limit is exceeded"),
        ("cameras", "is not a list"),
        (None, "is not a list"),
        ([], "lists no camera at all"),
        ([place(lat=None), {}], "lists no camera that can be read: entry 1"),
    ],
)
def test_an_answer_that_is_no_list_of_cameras_is_a_failure_and_not_an_empty_city(answer: object, says: str) -> None:
    with pytest.raises(FetchFailed) as caught:
        feed(answer).cameras()
    assert says in caught.value.message
    assert caught.value.remedy


def test_only_the_cameras_in_the_area_are_wanted() -> None:
    city = [place(), place("00002.00865", lat=51.60067, lon=-0.01594)]
    area = {"south": 51.55, "west": -0.1, "north": 51.7, "east": 0.1}
    assert list(listed(city, area=area)) == ["00002.00865"]
    with pytest.raises(FetchFailed, match="none that is wanted"):
        listed(city, area=area | {"south": 51.65})
    with pytest.raises(ValidationError, match="south below its north"):
        listed(city, area=area | {"north": 51.0})


def test_only_the_cameras_that_are_named_are_wanted() -> None:
    city = [place(), place("00001.04254"), place("00002.00865", lat=None)]
    assert list(listed(city, ids=["06710"])) == ["00001.06710"]
    assert list(listed(city, ids=["00001.04254", "06710", "9"])) == ["00001.06710", "00001.04254"]


def test_the_listing_tells_of_clips_or_of_stills() -> None:
    content = (
        b"<ListBucketResult><IsTruncated>false</IsTruncated>"
        b"<Contents><Key>1.jpg</Key><ETag>j</ETag></Contents><Contents><Key>1.mp4</Key><ETag>m</ETag></Contents>"
        b"<Contents><Key>readme.txt</Key><ETag>t</ETag></Contents></ListBucketResult>"
    )
    guest: Any = AnsweringGuest({BUCKET: content})
    for media, etag in (("clip", "m"), ("still", "j")):
        tfl = TflJamCam(TflJamCamConfig(kind="tfl_jamcam", media=media), guest, guest)
        assert tfl.newest() == {"1": Version(etag, None)}
    guest.table = {BUCKET: b"<ListBucketResult/>"}
    with pytest.raises(FetchFailed, match="none is a still"):
        tfl.newest()
    assert TflJamCam(TflJamCamConfig(kind="tfl_jamcam", bucket=None), guest, guest).newest() is None


def test_the_app_key_is_sent_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TFL_KEY", "s3cret key")
    config = TflJamCamConfig(kind="tfl_jamcam", app_key_env="MY_TFL_KEY")
    assert config.api_web.requests_per_minute == 500
    guest: Any = AnsweringGuest({f"{LIST}?app_key=s3cret+key": json.dumps([place()]).encode()})
    assert len(TflJamCam(config, guest, guest).cameras()) == 1
    written = TflJamCamConfig(kind="tfl_jamcam", app_key="in the file")
    assert (written.key(), "in the file" in repr(written) + str(written.model_dump())) == ("in the file", False)
    real = Guest(config.api_web, Budgets(SystemClock()), SystemClock(), resolve=lambda *_: ())
    with pytest.raises(FetchFailed) as caught:
        TflJamCam(config, real, real).cameras()
    real.close()
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))
    assert "api.tfl.gov.uk" in str(caught.value)


def test_the_limits_are_those_that_tfl_publishes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TFL_APP_KEY", raising=False)
    config = TflJamCamConfig(kind="tfl_jamcam", web={"contact": "traffic@example.org"})
    assert (config.api_web.requests_per_minute, config.api_web.hosts) == (50, ("api.tfl.gov.uk",))
    assert (config.media_web.requests_per_minute, config.media_web.hosts) == (600, ("s3-eu-west-1.amazonaws.com",))
    assert config.api_web.contact == config.media_web.contact == "traffic@example.org"
    mirror = TflJamCamConfig(kind="tfl_jamcam", bucket="https://mirror.example.org:8443/cams/")
    assert mirror.media_web.hosts == ("s3-eu-west-1.amazonaws.com", "mirror.example.org:8443")


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=50, deadline=None)
@given(said=st.dictionaries(st.sampled_from(sorted(place())), JSON_VALUES, max_size=6), extra=JSON_VALUES)
def test_whatever_json_an_entry_is_the_others_are_listed(said: dict[str, Any], extra: object) -> None:
    assert "00001.04254" in listed([place() | said, extra, place("00001.04254")])


def test_the_real_cameras_are_listed(shared_data: Path) -> None:
    """The 900 JamCams as they were published, put back into the form of the API."""
    features = json.loads((shared_data / "geo" / "jamcams.geojson").read_text())["features"]
    entries = [
        place(
            feature["properties"]["videoUrl"].rsplit("/", 1)[1].removesuffix(".mp4"),
            available=feature["properties"]["available"],
            videoUrl=feature["properties"]["videoUrl"],
            lat=feature["geometry"]["coordinates"][1],
            lon=feature["geometry"]["coordinates"][0],
        )
        for feature in features
    ]
    cameras = listed(entries)
    assert (len(cameras), sum(one.withdrawn is not None for one in cameras.values())) == (900, 161)


def test_an_address_longer_than_a_location_leaves_its_camera_out(caplog: pytest.LogCaptureFixture) -> None:
    long = "https://cams.example.org/" + "a" * LOCATION_LENGTH
    assert list(listed([place(videoUrl=long), place("00002.00865")])) == ["00002.00865"]
    assert "has an address of" in caplog.text
