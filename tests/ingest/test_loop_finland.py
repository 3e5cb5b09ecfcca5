"""The raw history of Finland's stations and Helsinki's counters, in the shapes that their publishers give them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from hand_clock import HandClock
from loop_doubles import Answer, Publisher

from ingest.feed import FetchFailed, Version
from ingest.loops.digitraffic_history import DigitrafficHistory, DigitrafficHistoryConfig
from ingest.loops.lido_tiku import LidoTiku, LidoTikuConfig

NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HELSINKI = ZoneInfo("Europe/Helsinki")
AUTUMN = datetime(2026, 10, 25, 0, tzinfo=UTC)  # the first pass of 03:00 in Helsinki


# --- the raw history ---


def vehicle(moment: datetime, direction: int = 1, fault: int = 0, *, station: int = 101) -> str:
    local = moment.astimezone(HELSINKI)
    day = local.timetuple().tm_yday
    return (
        f"{station};{local:%y};{day};{local.hour};{local.minute};{local.second};{local.microsecond // 10_000}"
        f";4.2;1;{direction};1;80;{fault};5;7;0\n"
    )


def a_day(*vehicles: str, folder: Path, silent_min: int = 30, now: datetime | None = None) -> DigitrafficHistory:
    (folder / "lamraw_101_26_1.csv").write_text("".join(vehicles), encoding="utf-8")
    config = DigitrafficHistoryConfig(path=folder, silent_min=silent_min)
    return DigitrafficHistory(config, None, HandClock(now or NOON + timedelta(days=200)))


def flows(feed: DigitrafficHistory, counter: str = "101.1") -> dict[datetime, float | None]:
    return {reading.start: reading.flow for reading in feed.readings() if reading.counter == counter}


def test_vehicles_become_counts_of_five_minutes_by_direction(tmp_path: Path) -> None:
    rows = [vehicle(NOON + index * MINUTE / 2, 1 + index % 2) for index in range(40)]
    feed = a_day(*rows, folder=tmp_path)
    one = flows(feed)
    feed.handed_over()
    assert [one[NOON + window * MINUTE] for window in (0, 5, 10, 15)] == [5, 5, 5, 5]
    assert feed.readings() == ()  # the file has not changed
    assert flows(a_day(*rows, folder=tmp_path), "101.2")[NOON] == 5


def test_five_minutes_without_a_vehicle_are_a_zero_only_while_the_station_is_heard_of(tmp_path: Path) -> None:
    feed = a_day(vehicle(NOON), vehicle(NOON + 20 * MINUTE), vehicle(NOON + 80 * MINUTE), folder=tmp_path)
    readings = {reading.start: reading for reading in feed.readings() if reading.counter == "101.1"}
    assert [readings[NOON + window * MINUTE].flow for window in (0, 5, 15)] == [1, 0, 0]
    silent = readings[NOON + 40 * MINUTE]
    assert (silent.flow, silent.reason) == (None, "nothing was heard of the station from 12:20 to 13:20 UTC")
    assert readings[NOON - timedelta(hours=3)].flow is None


def test_faulty_rows_are_not_counted_and_said(tmp_path: Path) -> None:
    rows = [vehicle(NOON), vehicle(NOON, fault=1), vehicle(NOON + 6 * MINUTE, fault=1)]
    readings = {one.start: one for one in a_day(*rows, folder=tmp_path).readings() if one.counter == "101.1"}
    assert (readings[NOON].flow, readings[NOON].reason) == (1, "1 more are marked as faulty and not counted")
    assert (readings[NOON + 5 * MINUTE].flow, readings[NOON + 5 * MINUTE].reason) == (
        None,
        "all 1 that passed are marked as faulty",
    )


def test_the_day_with_a_repeated_hour_has_25_hours(tmp_path: Path) -> None:
    midnight = AUTUMN - timedelta(hours=3)
    rows = [vehicle(midnight + index * 5 * MINUTE + 12 * timedelta(seconds=1)) for index in range(25 * 12)]
    found = flows(a_day(*rows, folder=tmp_path))
    assert list(found) == [midnight + index * 5 * MINUTE for index in range(25 * 12)]
    assert set(found.values()) == {1}


def test_rows_that_are_no_vehicle_are_named(tmp_path: Path) -> None:
    feed = a_day(vehicle(NOON), "101;26;400;0;0;0;0;4;1;1;1;80;0;0;0;0\n", "101;26\n", folder=tmp_path)
    assert flows(feed)[NOON] == 1
    assert [one.place for one in feed.left_out] == ["lamraw_101_26_1.csv, line 2", "lamraw_101_26_1.csv, line 3"]


def test_the_files_of_the_last_days_are_asked_for_by_the_day_of_the_year() -> None:
    publisher = Publisher()
    now = datetime(2026, 1, 1, 22, 30, tzinfo=UTC)  # in Finland the second of January has begun
    config = DigitrafficHistoryConfig(stations=(101,), days=2)
    raw = "https://tie.digitraffic.fi/api/tms/v1/history/raw"
    publisher.publish(f"{raw}/lamraw_101_25_365.csv", vehicle(datetime(2025, 12, 31, 9, tzinfo=UTC)))
    feed = DigitrafficHistory(config, publisher, HandClock(now))  # type: ignore[arg-type]
    assert flows(feed)[datetime(2025, 12, 31, 9, tzinfo=UTC)] == 1
    assert publisher.asked == [f"{raw}/lamraw_101_25_365.csv", f"{raw}/lamraw_101_26_1.csv"]


# --- LIDO-TIKU ---


class Lido:
    """Pages of observations, by the cursor in the address."""

    def __init__(self, *pages: list[dict[str, Any]]) -> None:
        self.pages = pages
        self.asked: list[str] = []
        self.endless = False

    def get(self, url: str, **_: Any) -> Answer:
        self.asked.append(url)
        question = parse_qs(urlsplit(url).query)
        number = int(question.get("cursor", ["0"])[0])
        following = f"http://internal.example/api/observations/?cursor={number + 1}"
        more = number + 1 < len(self.pages) or self.endless
        page = {"next": following if more else None, "results": self.pages[min(number, len(self.pages) - 1)]}
        return Answer(json.dumps(page).encode(), Version())


def observation(minute: int, value: float | None, vehicle_type: str = "bicycle", **more: object) -> dict[str, Any]:
    moment = (NOON + minute * MINUTE).astimezone(HELSINKI)
    return {
        "typeofmeasurement": "count", "phenomenondurationseconds": 900, "vehicletype": vehicle_type, "direction": "",
        "unit": "kpl", "value": value, "datetime": moment.isoformat(), "source": "EcoCounter", "counterId": 83, **more,
    }  # fmt: skip


def lido(publisher: object, **config: object) -> LidoTiku:
    return LidoTiku(LidoTikuConfig.model_validate(config), publisher, HandClock(NOON))  # type: ignore[arg-type]


def test_pages_are_followed_by_their_question_and_never_to_another_host() -> None:
    publisher = Lido([observation(0, 3)], [observation(15, 4)])
    readings = lido(publisher).readings()
    assert [(reading.counter, reading.series, reading.flow) for reading in readings] == [
        ("lido:83", "cyclist", 3),
        ("lido:83", "cyclist", 4),
    ]
    assert [urlsplit(url).hostname for url in publisher.asked] == ["lidotiku.api.hel.fi"] * 2
    assert parse_qs(urlsplit(publisher.asked[0]).query)["startDate"] == ["2026-06-09"]


def test_pages_that_never_end_are_a_failure() -> None:
    publisher = Lido([observation(0, 3)])
    publisher.endless = True
    with pytest.raises(FetchFailed, match="more than 100 pages"):
        lido(publisher).readings()


def test_kinds_of_one_class_add_up_and_an_unknown_part_makes_the_sum_unknown() -> None:
    types = {"HA-PA": "vehicles", "KAIP": "vehicles"}
    whole = Lido([observation(0, 3, "HA-PA"), observation(0, 2, "KAIP"), observation(0, 2, "KAIP")])
    assert [reading.flow for reading in lido(whole, vehicle_types=types).readings()] == [5]
    part = Lido([observation(0, 3, "HA-PA"), observation(0, None, "KAIP")])
    (reading,) = lido(part, vehicle_types=types).readings()
    assert (reading.flow, reading.reason) == (None, "no value for kaip")
    unreadable = lido(Lido([observation(0, 3, "HA-PA"), observation(0, -2, "KAIP")]), vehicle_types=types)
    assert [(one.flow, one.reason) for one in unreadable.readings()] == [(None, "no value for kaip")]
    assert "'-2' is no number of what passed" in unreadable.left_out[0].reason


def test_pedestrians_and_cyclists_of_one_counter_are_two_series() -> None:
    readings = lido(Lido([observation(0, 3), observation(0, 8, "pedestrian")])).readings()
    assert {reading.series: reading.flow for reading in readings} == {"cyclist": 3, "pedestrian": 8}


def test_what_is_not_a_count_of_ours_is_not_taken_and_the_unknown_is_named() -> None:
    feed = lido(
        Lido(
            [
                observation(0, 41, typeofmeasurement="speed"),
                observation(0, 3, "hovercraft"),
                observation(0, 3, datetime="2026-06-10T12:00:00"),
                observation(0, 3, phenomenondurationseconds=0),
                observation(0, 3, source="Marksman"),
            ]
        ),
        sources=["EcoCounter"],
    )
    assert feed.readings() == ()
    assert [one.place for one in feed.left_out] == [f"lido_tiku, page 1, observation {line}" for line in (2, 3, 4)]
    assert "'hovercraft', which is not in vehicle_types" in feed.left_out[0].reason


def test_directions_are_counters_with_the_position_of_their_place() -> None:
    feature = {"geometry": {"type": "Point", "coordinates": [24.9, 60.2]}, "properties": {"id": 83, "name": "Baana"}}
    pages = [[observation(0, 3, direction="Itään"), observation(0, 5, direction="Länteen")]]

    class Both(Lido):
        def get(self, url: str, **more: Any) -> Answer:
            if "/counters/" not in url:
                return super().get(url, **more)
            listed = {"next": None, "results": {"type": "FeatureCollection", "features": [feature]}}
            return Answer(json.dumps(listed).encode(), Version())

    feed = lido(Both(*pages))
    assert [counter.id for counter in feed.counters()] == ["lido:83"]
    assert [reading.counter for reading in feed.readings()] == ["lido:83.Itaan", "lido:83.Lanteen"]
    assert [(one.id, one.name, one.lat) for one in feed.counters()] == [
        ("lido:83.Itaan", "Baana, Itään", 60.2),
        ("lido:83.Lanteen", "Baana, Länteen", 60.2),
    ]
