"""Finland's weather cameras as Digitraffic writes them, and everything that it may get wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from answering_guest import NOW, AnsweringGuest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ingest.feed import FetchFailed, ListedCamera, Version
from ingest.feeds.digitraffic_weathercam import DigitrafficWeathercam, DigitrafficWeathercamConfig

STATIONS = "https://tie.digitraffic.fi/api/weathercam/v1/stations"


def station(
    station_id: str = "C01675",
    name: str = "kt51_Helsinki_Lauttasaari",
    presets: object = (("00", True), ("01", True), ("09", False)),
    at: object = (24.88, 60.16, 0.0),
    **said: Any,
) -> dict[str, Any]:
    """A feature of the list; presets by their last two digits and whether they are collected."""
    if isinstance(presets, tuple):
        presets = [{"id": f"{station_id}{number}", "inCollection": collected} for number, collected in presets]
    return {
        "type": "Feature",
        "id": station_id,
        "geometry": {"type": "Point", "coordinates": list(at) if isinstance(at, tuple) else at},
        "properties": {
            "id": station_id,
            "name": name,
            "collectionStatus": "GATHERING",
            "state": None,
            "dataUpdatedTime": "2026-03-12T07:00:00Z",
            "presets": presets,
        }
        | said,
    }


def feed(stations: object, table: object = None, **config: Any) -> tuple[DigitrafficWeathercam, AnsweringGuest]:
    listing = stations if isinstance(stations, bytes) else json.dumps(collection(stations)).encode()
    data = table if isinstance(table, bytes) else json.dumps(table).encode()
    guest: Any = AnsweringGuest({STATIONS: listing, f"{STATIONS}/data": data})
    return DigitrafficWeathercam(
        DigitrafficWeathercamConfig(kind="digitraffic_weathercam", **config), guest, guest
    ), guest


def collection(stations: object) -> object:
    return {"type": "FeatureCollection", "features": stations} if isinstance(stations, list) else stations


def listed(stations: object, **config: Any) -> dict[str, ListedCamera]:
    return {one.camera.id: one for one in feed(stations, **config)[0].cameras()}


def test_each_preset_in_collection_is_a_camera() -> None:
    cameras = listed([station()])
    assert list(cameras) == ["C0167500", "C0167501"]
    one = cameras["C0167501"]
    assert one.location == "https://weathercam.digitraffic.fi/C0167501.jpg"
    assert (one.camera.name, one.camera.lat, one.camera.lon) == ("kt51 Helsinki Lauttasaari (01)", 60.16, 24.88)
    assert (one.camera.timezone, one.camera.cadence_s) == ("Europe/Helsinki", 600.0)


def test_a_station_out_of_use_for_a_time_is_withdrawn_and_one_for_good_is_gone() -> None:
    cameras = listed(
        [
            station(collectionStatus="REMOVED_TEMPORARILY"),
            station("C01676", collectionStatus="REMOVED_PERMANENTLY"),
            station("C01677", collectionStatus=None),
        ]
    )
    assert cameras["C0167500"].withdrawn == "its station is out of use (REMOVED_TEMPORARILY)"
    assert cameras["C0167700"].withdrawn is None
    assert not any(name.startswith("C01676") for name in cameras)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, {"C01675", "C01706", "C03501"}),
        ({"municipalities": ["helsinki"]}, {"C01675", "C01706"}),
        ({"municipalities": ["HA\u0308MEENLINNA"]}, {"C03501"}),
        ({"ids": ["C01706", "C0350100"]}, {"C01706", "C03501"}),
        ({"municipalities": ["Helsinki"], "ids": ["C01706"]}, {"C01706"}),
        ({"area": {"south": 60.1, "west": 24.7, "north": 60.3, "east": 25.3}}, {"C01675", "C01706"}),
    ],
)
def test_a_city_wants_its_own_cameras(filters: dict[str, Any], found: set[str]) -> None:
    """Filters of several kinds must all hold; names agree however they are capitalised and encoded."""
    finland = [
        station(),
        station("C01706", "vt1_Helsinki_Munkkiniemi", at=(24.87, 60.2)),
        station("C03501", "vt3_Hämeenlinna", at=(24.46, 60.99)),
    ]
    assert {name[:6] for name in listed(finland, **filters)} == found


def test_filters_that_leave_nothing_say_so() -> None:
    with pytest.raises(FetchFailed, match="none that is wanted") as caught:
        listed([station()], municipalities=["Atlantis"])
    assert "filters" in caught.value.remedy


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (station("C09999", at=(60.16, 24.88)), "C0999900: it is at 24.88, 60.16, where this publisher has no camera"),
        (station("C09999", at=(None, None)), "C0999900: it has no position"),
        (station("C09999", at=(0, 0)), "at 0, 0"),
        (station("C09999", at="here"), "C0999900: it has no point"),
        (station("C09999", presets=None), "station C09999: it has no presets"),
        (station("C09999", presets=["C0999900"]), "station C09999: it has no presets"),
        (station("C09999", presets=[{"inCollection": True}]), "it has no id"),
        (station("C09999", presets=[{"id": "C09/../x", "inCollection": True}]), "is no camera: its id"),
        (station(), "C0167500 stands in the list twice"),
        (None, "no object with fields"),
        ({"type": "Feature", "properties": None}, "no object with fields"),
    ],
)
def test_a_bad_station_is_left_out_with_one_line(bad: object, why: str, caplog: pytest.LogCaptureFixture) -> None:
    assert list(listed([station(), bad])) == ["C0167500", "C0167501"]
    (line,) = caplog.messages
    assert why in line


def test_a_preset_whose_collection_is_not_plainly_said_is_not_watched() -> None:
    unclear = [
        {"id": "C0167500", "inCollection": True},
        {"id": "C0167501"},
        {"id": "C0167502", "inCollection": "maybe"},
    ]
    assert list(listed([station(presets=unclear)])) == ["C0167500"]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"<html>", "not JSON, but a page"),
        ([], "lists no camera at all"),
        ({"message": "no"}, "is not a list of entries: no"),
        ({"type": "FeatureCollection"}, "is not a list"),
        ({"type": "FeatureCollection", "features": {}}, "is not a list"),
        ("x", "should be a FeatureCollection"),
    ],
)
def test_an_answer_that_is_no_list_is_a_failure(answer: object, says: str) -> None:
    with pytest.raises(FetchFailed) as caught:
        listed(answer)
    assert says in caught.value.message


def test_every_question_names_the_application_and_the_guest_is_told_the_limits() -> None:
    weather, guest = feed([station()], {"stations": []}, user="Helsinki/busyness")
    one = weather.cameras()[0]
    for ask in (weather.newest, lambda: weather.fetch(one, None)):
        with pytest.raises(FetchFailed):
            ask()
    assert [headers for _, _, headers in guest.asked] == [{"Digitraffic-User": "Helsinki/busyness"}] * 3
    config = DigitrafficWeathercamConfig(kind="digitraffic_weathercam")
    assert (config.api_web.requests_per_minute, config.media_web.requests_per_minute) == (60, 300)
    assert (config.api_web.hosts, config.media_web.hosts) == (("tie.digitraffic.fi",), ("weathercam.digitraffic.fi",))
    with pytest.raises(ValidationError, match="user"):
        DigitrafficWeathercamConfig(kind="digitraffic_weathercam", user="a\r\nX-Other: b")


def measured(minutes: float, **more: object) -> object:
    at = NOW + timedelta(minutes=minutes)
    presets = [{"id": "C0167500", "measuredTime": at.isoformat().replace("+00:00", "Z")}, *more.get("presets", [])]
    return {"dataUpdatedTime": "x", "stations": [{"id": "C01675", "presets": presets}, *more.get("stations", [])]}


def test_the_table_tells_when_each_preset_was_filmed_and_what_is_odd_in_it_is_nothing() -> None:
    odd = [
        {"id": "C0167501", "measuredTime": None},
        {"id": "C0167502"},
        {"id": "C0167503", "measuredTime": "soon"},
        {"id": "C0167504", "measuredTime": "2026-03-12T08:00:00"},
        {"id": 5, "measuredTime": "2026-03-12T08:00:00Z"},
        None,
    ]
    weather, _ = feed([station()], measured(0, presets=odd, stations=[None, {"id": "C1"}, {"presets": 3}]))
    assert weather.newest() == {"C0167500": Version(modified=datetime(2026, 3, 12, 8, 0, tzinfo=UTC))}


@pytest.mark.parametrize("table", [b"<html>", [], {}, {"stations": None}, {"stations": [{"presets": []}]}])
def test_a_table_of_nothing_is_a_failure(table: object) -> None:
    with pytest.raises(FetchFailed) as caught:
        feed([station()], table)[0].newest()
    assert caught.value.remedy


def test_a_still_that_was_written_after_the_last_filming_is_the_newest() -> None:
    """The table has no etags and another clock: by times alone, every still would look new for ever."""
    weather, guest = feed([station()])
    one = weather.cameras()[0]
    guest.table = {**guest.table, one.location: b"\xff\xd8\xff still"}
    media = weather.fetch(one, None)  # written at NOW
    assert media is not None
    for minutes, new in ((-10, False), (0, False), (0.9, False), (1.1, True), (10, True)):
        guest.table = {**guest.table, f"{STATIONS}/data": json.dumps(measured(minutes)).encode()}
        told = weather.newest()
        assert told is not None
        assert told["C0167500"].same(media.version) is not new, minutes


@settings(max_examples=80, deadline=None)
@given(
    said=st.dictionaries(
        st.sampled_from(["id", "name", "collectionStatus", "presets", "municipality", "state"]),
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(max_size=5)
        | st.lists(st.none() | st.integers(), max_size=2),
    )
)
def test_whatever_a_station_says_the_others_are_listed(said: dict[str, Any]) -> None:
    assert "C0170600" in listed([station(**said), station("C01706", "vt1_Helsinki")])


@pytest.mark.parametrize("written", ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-12:00"])
def test_a_time_at_the_end_of_the_calendar_is_left_out(written: str) -> None:
    presets = [{"id": "C0167500", "measuredTime": written}, {"id": "C0167501", "measuredTime": "2026-03-12T07:00:00Z"}]
    newest = feed([station()], {"stations": [{"id": "C01675", "presets": presets}]})[0].newest()
    assert newest is not None
    assert list(newest) == ["C0167501"]


def test_a_still_written_in_the_last_year_can_be_compared() -> None:
    table = {"stations": [{"id": "C01675", "presets": [{"id": "C0167500", "measuredTime": "2026-03-12T07:00:00Z"}]}]}
    cameras, guest = feed([station()], table)
    guest.table = {**guest.table, "https://weathercam.digitraffic.fi/C0167500.jpg": b"\xff\xd8\xff\xe0"}
    guest.version = Version('"a"', datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
    assert cameras.fetch(cameras.cameras()[0], None) is not None
    assert cameras.newest() == {"C0167500": guest.version}
