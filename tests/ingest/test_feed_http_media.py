"""Cameras with an address each: their lists in three forms, and everything that those may get wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from answering_guest import NOW, AnsweringGuest
from pydantic import ValidationError

from core.records import Camera, Zone
from ingest.feed import FetchFailed, ListedCamera, Version
from ingest.feeds.http_media import HttpMedia, HttpMediaConfig

TEMPLATE = "https://cams.example.org/{id}/latest.jpg"


def config(**said: Any) -> HttpMediaConfig:
    return HttpMediaConfig(**({"kind": "http", "name": "city", "url": TEMPLATE} | said))


def feed(table: dict[str, bytes | FetchFailed] | None = None, **said: Any) -> tuple[HttpMedia, AnsweringGuest]:
    guest: Any = AnsweringGuest(table or {})
    return HttpMedia(config(**said), guest), guest


def listed(table: dict[str, bytes | FetchFailed] | None = None, **said: Any) -> dict[str, ListedCamera]:
    return {one.camera.id: one for one in feed(table, **said)[0].cameras()}


def test_cameras_in_the_configuration_keep_what_it_says_of_them() -> None:
    """And have what it says of all of them where it is silent of one."""
    zone = {"id": "kerb", "name": "Kerb"}
    inline = [
        {"id": "bridge:1", "name": "Bridge", "lat": 54.9, "lon": -1.6, "cadence_s": 60, "zones": [zone]},
        {"id": "own", "name": "Own", "lat": 54.9, "lon": -1.6, "url": "http://10.0.0.7/snap.jpg?ch=1"},
    ]
    cameras = listed(cameras=inline, width=640, height=480, cadence_s=900, timezone="Europe/Dublin")
    bridge = cameras["bridge:1"]
    assert bridge.location == "https://cams.example.org/bridge%3A1/latest.jpg"
    assert bridge.camera == Camera(
        id="bridge:1", name="Bridge", lat=54.9, lon=-1.6, cadence_s=60, timezone="Europe/Dublin",
        width=640, height=480, zones=(Zone(id="kerb", name="Kerb"),),
    )  # fmt: skip
    assert cameras["own"].location == "http://10.0.0.7/snap.jpg?ch=1"
    assert cameras["own"].camera.cadence_s == 900


CSV = "\ufeffcam, label ,y,x,link\nA1,Quay Side,54.97,-1.6,https://cams.example.org/a.jpg\nB2,,54.98,-1.61,\n"
COLUMNS = {"id": "cam", "name": "label", "lat": "y", "lon": "x", "url": "link"}


def test_a_table_from_a_file_or_an_address(tmp_path: Path) -> None:
    path = tmp_path / "cameras.csv"
    path.write_text(CSV, encoding="utf-8")
    at = "https://cams.example.org/list.csv"
    for place, table in (({"path": path}, {}), ({"url": at}, {at: CSV.encode()})):
        cameras = listed(table, csv={**place, "columns": COLUMNS})
        assert cameras["A1"].location == "https://cams.example.org/a.jpg"
        assert cameras["B2"].location == "https://cams.example.org/B2/latest.jpg"
        assert (cameras["A1"].camera.name, cameras["B2"].camera.name) == ("Quay Side", "B2")


def test_a_feature_collection_with_ids_of_its_own() -> None:
    point = {"type": "Point", "coordinates": [-1.6, 54.97]}
    features = [
        {"type": "Feature", "id": 17, "properties": {"title": "Quay"}, "geometry": point},
        {"type": "Feature", "properties": {"id": "x", "title": None}, "geometry": point},
        {"type": "Feature", "id": "no-place", "properties": None, "geometry": None},
        {"type": "Feature", "id": True, "properties": {}, "geometry": point},
    ]
    at = "https://cams.example.org/cams.geojson"
    content = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    cameras = listed({at: content}, geojson={"url": at, "properties": {"name": "title"}})
    assert {name: one.camera.name for name, one in cameras.items()} == {"17": "Quay", "x": "x"}
    assert (cameras["17"].camera.lat, cameras["17"].camera.lon) == (54.97, -1.6)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("C3,Swapped,-1.6,154.97,", "at -1.6, 154.97|"),
        ("C3,Nowhere,0,0,", "at 0, 0"),
        ("C3,Nowhere,,,", "C3: it has no position"),
        ("C3,Far,95,10,", "which is nowhere"),
        (",Nameless,54.9,-1.6,", "it has no cam"),
        ("C 3,Spaced,54.9,-1.6,", "is no camera: its id"),
        ("A1,Again,54.9,-1.6,", "stands in the list twice"),
        ("C3,Odd,54.9,-1.6,ftp://x/y", "no address of its clip"),
        ("C3", "C3: it has no position"),
    ],
)
def test_a_bad_row_is_left_out(row: str, why: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "cameras.csv").write_text(CSV + row + "\n", encoding="utf-8")
    found = listed(csv={"path": tmp_path / "cameras.csv", "columns": COLUMNS})
    assert {"A1", "B2"} <= set(found)
    assert set(found) == {"A1", "B2"} or why.endswith("|"), "degrees that can be are believed: set an area"
    assert why.endswith("|") or why in caplog.messages[0]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "has no column cam, label, y, x, link"),
        (b"<html><body>no</body></html>", "has no column"),
        (b"cam;label;y;x;link\nA;B;1;2;", "it has cam;label;y;x;link"),
        (b"\xff\xfe\x00", "not a CSV in UTF-8"),
        (b'cam,label,y,x,link\n"' + b"z" * 200_000, "not a CSV in UTF-8: field larger"),
        (b"cam,label,y,x,link\n", "lists no camera at all"),
    ],
)
def test_a_table_that_cannot_be_read_says_what_is_wrong_with_it(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "cameras.csv").write_bytes(content)
    with pytest.raises(FetchFailed) as caught:
        listed(csv={"path": tmp_path / "cameras.csv", "columns": COLUMNS})
    assert says in caught.value.message
    assert caught.value.remedy


def test_a_list_that_is_not_there_or_too_large_says_so(tmp_path: Path) -> None:
    with pytest.raises(FetchFailed, match="cannot be read: No such file"):
        listed(csv={"path": tmp_path / "gone.csv"})
    (tmp_path / "large.csv").write_bytes(b"x" * 101)
    with pytest.raises(FetchFailed, match="is over 100 bytes"):
        listed(csv={"path": tmp_path / "large.csv"}, web={"max_bytes": 100})


ONE = {"id": "a", "name": "A", "lat": 1, "lon": 1}


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({}, "list the cameras in one way"),
        ({"cameras": [ONE], "csv": {"path": "x"}}, "list the cameras in one way"),
        ({"cameras": [ONE], "url": None}, "where is a camera's clip"),
        ({"csv": {"path": "x"}, "url": None}, "where is a camera's clip"),
        ({"cameras": [ONE], "url": "https://x.org/one.jpg"}, "id in one place"),
        ({"cameras": [ONE], "url": "https://x.org/{name}/{id}.jpg"}, "id in one place"),
        ({"cameras": [ONE], "url": "file:///etc/{id}"}, "pattern"),
        ({"cameras": [ONE], "url": "https://{id}.example.org/snap.jpg"}, "pattern"),
        ({"cameras": [ONE], "url": "https://example.org:no/{id}"}, "not a plain URL"),
        ({"csv": {"path": "x", "columns": {"url": "link"}}, "url": None}, "which hosts may be asked"),
        ({"csv": {}}, "at a path or at a url"),
        ({"csv": {"path": "x", "url": "https://x.org/y"}}, "at a path or at a url"),
        ({"csv": {"path": "x", "delimiter": ";;"}}, "at most 1 character"),
        ({"cameras": [ONE], "name": "Two Words"}, "pattern"),
    ],
)
def test_a_configuration_that_cannot_be_meant_is_refused(said: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        config(**said)


def test_only_the_hosts_that_the_operator_wrote_may_be_asked() -> None:
    """A list that came over the web does not get to choose whom its reader asks."""
    inline = config(cameras=[ONE, ONE | {"id": "b", "url": "http://10.0.0.7:8080/b.jpg"}])
    assert inline.media_web.hosts == ("cams.example.org", "10.0.0.7:8080")
    linked = {"url": "https://lists.example.org/l.csv", "columns": {"url": "link"}}
    table = config(url=None, csv=linked, web={"hosts": ["*.cams.example.org"], "requests_per_minute": 5})
    assert table.media_web.hosts == ("lists.example.org", "*.cams.example.org")
    assert table.media_web.requests_per_minute == 5


def test_only_the_cameras_in_the_area() -> None:
    box = {"south": 0, "west": 0, "north": 2, "east": 2}
    assert list(listed(cameras=[ONE, ONE | {"id": "b", "lat": 5}], area=box)) == ["a"]


@pytest.mark.parametrize(
    ("content", "content_type", "says"),
    [
        (b"", "image/jpeg", "is empty"),
        (b"<html>sorry</html>", "text/html; charset=utf-8", "is text/html and not a clip"),
        (b'{"error": 1}', "application/json", "is application/json and not a clip"),
    ],
)
def test_a_page_that_says_sorry_is_no_clip(content: bytes, content_type: str, says: str) -> None:
    media, guest = feed(cameras=[ONE])
    one = media.cameras()[0]
    guest.table, guest.content_type = {one.location: content}, content_type
    with pytest.raises(FetchFailed, match=says):
        media.fetch(one, None)


def test_a_picture_is_one_whatever_the_publisher_calls_it_and_is_asked_for_once() -> None:
    media, guest = feed(cameras=[ONE])
    one = media.cameras()[0]
    guest.table, guest.content_type = {one.location: b"\xff\xd8\xff\xe0 picture"}, "text/plain"
    fetched = media.fetch(one, Version('"0"'))
    assert fetched is not None
    assert (fetched.event_time, fetched.version) == (NOW, Version('"1"', NOW))
    assert media.fetch(one, fetched.version) is None
    assert [known for _, known, _ in guest.asked] == [Version('"0"'), fetched.version]
    assert media.newest() is None
