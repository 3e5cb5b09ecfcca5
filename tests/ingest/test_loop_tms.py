"""Finland's stations: their newest figures, which slide, and of which none is given twice."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hand_clock import HandClock
from hypothesis import given, settings
from hypothesis import strategies as st
from loop_doubles import Publisher, taken

from core.loops import LoopReading
from ingest.feed import FetchFailed
from ingest.loops.digitraffic_tms import DigitrafficTms, DigitrafficTmsConfig
from ingest.loops.poller import FeedTurn

NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TMS = "https://tie.digitraffic.fi/api/tms/v1/stations"


def sensor(number: int, value: float, measured: datetime, **more: object) -> dict[str, object]:
    return {"id": number, "stationId": 23001, "measuredTime": f"{measured:%Y-%m-%dT%H:%M:%SZ}", "value": value, **more}


def stations(*values: dict[str, object]) -> bytes:
    return json.dumps({"stations": [{"id": 23001, "tmsNumber": 1, "sensorValues": list(values)}]}).encode()


def station(number: int, lon: float, lat: float, status: str = "GATHERING") -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [lon, lat, 0]},
        "properties": {"id": number, "tmsNumber": number % 1000, "name": "vt1_Espoo", "collectionStatus": status},
    }


def tms(publisher: Publisher, clock: HandClock | None = None, **config: object) -> DigitrafficTms:
    return DigitrafficTms(
        DigitrafficTmsConfig.model_validate(config), publisher, clock or HandClock(NOON + 300 * MINUTE)
    )  # type: ignore[arg-type]


def under_way(publisher: Publisher, clock: HandClock | None = None, **config: object) -> DigitrafficTms:
    """A feed to which the publisher has shown another measurement before: what it shows now is given."""
    feed, page = tms(publisher, clock, **config), publisher.pages.get(f"{TMS}/data")
    before = [sensor(number, 0, NOON - 10 * MINUTE) for number in (5116, 5119)]
    publisher.pages[f"{TMS}/data"] = stations(*before)
    assert feed.readings() == ()
    if page is not None:
        publisher.pages[f"{TMS}/data"] = page
    return feed


def test_a_rate_of_an_hour_is_what_passed_in_five_minutes_in_each_direction() -> None:
    publisher = Publisher(
        {f"{TMS}/data": stations(sensor(5116, 240, NOON), sensor(5119, 0, NOON), sensor(5122, 88, NOON))}
    )
    readings = under_way(publisher).readings()
    assert [(reading.counter, reading.flow) for reading in readings] == [("23001.1", 20), ("23001.2", 0)]
    assert {(reading.start, reading.end) for reading in readings} == {(NOON - 5 * MINUTE, NOON)}


def test_the_full_hour_is_counted_as_it_is() -> None:
    window = {"timeWindowStart": "2026-06-10T11:00:00Z", "timeWindowEnd": "2026-06-10T11:59:59Z"}
    publisher = Publisher({f"{TMS}/data": stations(sensor(5054, 431, NOON, **window), sensor(5116, 240, NOON))})
    (reading,) = tms(publisher, window="60m").readings()
    assert (reading.start, reading.end, reading.flow) == (NOON - 60 * MINUTE, NOON, 431)


@pytest.mark.parametrize(
    ("window", "reason"),
    [
        ({}, "'None' is no time with an offset"),
        ({"timeWindowStart": "2026-06-10T11:00:00Z", "timeWindowEnd": "2026-06-10T11:05:00Z"}, "0:05:00, not an hour"),
    ],
)
def test_an_hour_that_is_none_is_left_out(window: dict[str, str], reason: str) -> None:
    feed = tms(Publisher({f"{TMS}/data": stations(sensor(5054, 431, NOON, **window))}), window="60m")
    assert feed.readings() == ()
    assert reason in feed.left_out[0].reason


def test_what_the_publisher_doubts_is_null() -> None:
    publisher = Publisher({f"{TMS}/data": stations(sensor(5116, 240, NOON, reliability="SUSPICIOUS"))})
    (reading,) = under_way(publisher).readings()
    assert (reading.flow, reading.reason) == (None, "the publisher calls it suspicious")


@settings(max_examples=50, deadline=None)
@given(steps=st.lists(st.integers(0, 700), min_size=1, max_size=30))
def test_sliding_windows_that_are_given_never_overlap(steps: list[int]) -> None:
    publisher = Publisher()
    feed = under_way(publisher)
    given_windows: list[LoopReading] = []
    measured = NOON
    for step in steps:
        measured += timedelta(seconds=step)
        publisher.pages[f"{TMS}/data"] = stations(sensor(5116, 60, measured))
        given_windows += feed.readings()
    windows = sorted({(reading.start, reading.end) for reading in given_windows})
    assert all(later[0] >= earlier[1] for earlier, later in pairwise(windows))
    assert windows


@pytest.mark.parametrize("ahead_min", [4, 600])
def test_a_measurement_from_the_future_is_left_out_and_silences_nobody(ahead_min: int) -> None:
    publisher = Publisher({f"{TMS}/data": stations(sensor(5116, 240, NOON + ahead_min * MINUTE))})
    clock = HandClock(NOON)
    feed = under_way(publisher, clock)
    assert feed.readings() == ()
    assert "in the future" in feed.left_out[0].reason
    publisher.pages[f"{TMS}/data"] = stations(sensor(5116, 60, NOON))
    assert [reading.flow for reading in feed.readings()] == [5]


def test_a_station_whose_clock_is_set_back_is_left_out_until_it_is_where_it_was() -> None:
    publisher = Publisher({f"{TMS}/data": stations(sensor(5116, 240, NOON))})
    feed = under_way(publisher)
    given_windows = [*feed.readings()]
    said = []
    for minutes in (-60, -55, -4, 1, 5):
        publisher.pages[f"{TMS}/data"] = stations(sensor(5116, 60, NOON + minutes * MINUTE))
        given_windows += feed.readings()
        said.append([one.reason for one in feed.left_out])
    assert [(reading.end - NOON) / MINUTE for reading in given_windows] == [0, 5]
    older = ["it is older than what was shown before, and given until 2026-06-10 12:00 UTC"]
    assert said == [older, older, [], [], []]


@settings(max_examples=100, deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.one_of(st.integers(0, 400), st.sampled_from([0, 60, 120, 180, 240, 300])),
            st.sampled_from(["kept", "lost", "restart", "forget"]),
            st.integers(0, 120),
        ),
        min_size=1,
        max_size=60,
    )
)
def test_windows_never_overlap_whoever_gave_them_and_whatever_was_handed_over(
    steps: list[tuple[int, str, int]],
) -> None:
    """Processes follow one another, some killed when what they gave had arrived already, and the new one may be shown
    an answer out of a cache that is up to two minutes older."""
    publisher = Publisher()
    clock = HandClock(NOON + 300 * MINUTE)
    feed = tms(publisher, clock)
    arrived: set[tuple[datetime, datetime]] = set()
    measured = NOON
    for step_s, fate, older_s in steps:
        measured += timedelta(seconds=step_s)
        fresh = fate in ("restart", "forget")
        if fate == "restart":
            feed = tms(publisher, clock)
        elif fate == "forget":
            feed.forget()
        shown = measured - timedelta(seconds=older_s if fresh else 0)
        publisher.pages[f"{TMS}/data"] = stations(sensor(5116, 60, shown))
        arrived |= {(one.start, one.end) for one in feed.readings()}
        if fate == "kept":
            feed.handed_over()
    windows = sorted(arrived)
    assert all(later[0] >= earlier[1] for earlier, later in pairwise(windows))


def test_after_a_start_windows_are_given_again_within_seven_minutes() -> None:
    publisher = Publisher()
    feed = tms(publisher)
    given_windows: list[LoopReading] = []
    for minute in range(20):
        publisher.pages[f"{TMS}/data"] = stations(sensor(5116, 60, NOON + minute * MINUTE))
        given_windows += taken(feed)
    ends = sorted({(reading.end - NOON) // MINUTE for reading in given_windows})
    assert ends == [7, 12, 17]


def test_stations_that_cannot_be_listed_do_not_keep_their_figures_back() -> None:
    publisher = Publisher({TMS: FetchFailed("no list")})
    clock, told = HandClock(NOON), []
    turn = FeedTurn(under_way(publisher, clock), clock, on_counters=told.append)
    ends = []
    for minute in range(0, 30, 5):
        clock.time = NOON + minute * MINUTE
        publisher.pages[f"{TMS}/data"] = stations(sensor(5116, 60, clock.time))
        ends += [reading.end for reading in turn.ask()]
        turn.handed_over()
        turn.list_counters()
    assert ends == [NOON + minute * MINUTE for minute in range(0, 30, 5)]
    assert told == []
    publisher.pages[TMS] = json.dumps({"features": [station(23001, 24.6, 60.2)]}).encode()
    clock.time += 15 * MINUTE
    turn.list_counters()
    assert [counter.id for counter in told[0]] == ["23001.1", "23001.2"]


def test_stations_are_listed_by_direction_within_the_area_and_in_use() -> None:
    listed = [station(23001, 24.6, 60.2), station(23002, 25.9, 66.0), station(23003, 24.6, 60.2, "REMOVED_PERMANENTLY")]
    publisher = Publisher(
        {
            TMS: json.dumps({"features": listed}).encode(),
            f"{TMS}/data": json.dumps(
                {"stations": [{"id": number, "sensorValues": [sensor(5116, 12, NOON)]} for number in (23001, 23002)]}
            ).encode(),
        }
    )
    feed = under_way(publisher, area={"west": 24.0, "south": 60.0, "east": 25.5, "north": 60.5})
    assert [reading.counter for reading in feed.readings()] == ["23001.1"]
    assert [(counter.id, counter.lat, counter.lon) for counter in feed.counters()] == [
        ("23001.1", 60.2, 24.6),
        ("23001.2", 60.2, 24.6),
    ]
