"""SCOOT: TfL's twelve columns, London's clock changes, and files that come late or twice."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hand_clock import HandClock
from loop_doubles import Publisher, taken
from pydantic import ValidationError

from core.errors import SourceError
from ingest.feed import FetchFailed
from ingest.loops.positions import PositionsConfig
from ingest.loops.tfl_scoot import TflScoot, TflScootConfig

NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MINUTES_URL = "https://scoot.example.org/{year}/{month}/{day}/{year}{month}{day}-{hour}{minute}.csv"
AUTUMN = datetime(2026, 10, 25, 0, tzinfo=UTC)  # the first pass of 01:00 in London


def row(when: str, detector: str = "N00/002e1", fault: str = "N", flow: str = "600", occupancy: str = "12") -> str:
    return f"{when}, {detector}, {fault}, {flow}, {occupancy}, 0, 40, 10, 7, 0, 24, CENT\n"


def in_london(moment: datetime) -> str:
    return f"{moment.astimezone(ZoneInfo('Europe/London')):%Y-%m-%d %H:%M:%S}"


def from_file(tmp_path: Path, text: str, *, now: datetime = NOON, **settings: object) -> TflScoot:
    (tmp_path / "readings.csv").write_text(text, encoding="utf-8")
    os.utime(tmp_path / "readings.csv", (4e9, 4e9))  # copied long after: its time tells nothing
    return TflScoot(TflScootConfig(path=tmp_path, **settings), None, HandClock(now))  # type: ignore[arg-type]


def minute_address(moment: datetime) -> str:
    local = moment.astimezone(ZoneInfo("Europe/London"))
    return f"https://scoot.example.org/{local:%Y/%m/%d/%Y%m%d-%H%M}.csv"


def test_flow_is_of_the_minute_and_occupancy_a_share(tmp_path: Path) -> None:
    (reading,) = from_file(tmp_path, row("2026-06-10 09:30:00")).readings()
    assert (reading.start, reading.end) == (
        datetime(2026, 6, 10, 8, 30, tzinfo=UTC),
        datetime(2026, 6, 10, 8, 31, tzinfo=UTC),
    )
    assert (reading.counter, reading.series) == ("N00:002e1", "vehicles")
    assert reading.flow == pytest.approx(10)
    assert reading.occupancy == pytest.approx(0.12)


def test_a_timestamp_may_name_the_end_of_its_minute(tmp_path: Path) -> None:
    (reading,) = from_file(tmp_path, row("2026-06-10 09:30:00"), stamp="end").readings()
    assert reading.end == datetime(2026, 6, 10, 8, 30, tzinfo=UTC)


def test_a_detector_without_flow_is_null_and_keeps_its_occupancy(tmp_path: Path) -> None:
    (reading,) = from_file(tmp_path, row("2026-06-10 09:30:00", flow="")).readings()
    assert (reading.flow, reading.occupancy, reading.reason) == (None, pytest.approx(0.12), "TfL gives no flow")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("2026-06-10 09:30:00, N00/002e1, N, 600\n", "has 4 fields, not the 12 of SCOOT"),
        (row("half past nine"), "'half past nine' is no time"),
        (row("2026-06-10T09:30:00Z"), "has an offset"),
        (row("2026-06-10 09:30:00", detector="??"), "is no name of a counter"),
        (row("2026-06-10 09:30:00", fault="perhaps"), "the fault flag is 'PERHAPS', not Y or N"),
        (row("2026-06-10 09:30:00", flow="-3"), "the flow '-3' is no number of what passed"),
        (row("2026-06-10 09:30:00", flow="nan"), "the flow 'nan' is no number of what passed"),
        (row("2026-06-10 09:30:00", occupancy="140"), "the occupancy is 140 %, over 100 %"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_with_its_line(tmp_path: Path, line: str, reason: str) -> None:
    feed = from_file(tmp_path, row("2026-06-10 09:29:00") + line)
    assert len(feed.readings()) == 1
    (left_out,) = feed.left_out
    assert left_out.place == "readings.csv, line 2"
    assert reason in left_out.reason


def test_the_night_of_the_repeated_hour_is_whole_and_in_order(tmp_path: Path) -> None:
    night = [AUTUMN - timedelta(hours=1) + index * MINUTE for index in range(240)]
    text = "".join(
        row(in_london(moment), detector=detector, flow=f"{60 * index}")
        for index, moment in enumerate(night)
        for detector in ("N00/002e1", "N00/003a1")
    )
    feed = from_file(tmp_path, text, now=NOON + timedelta(days=365))
    readings = [reading for reading in feed.readings() if reading.counter == "N00:002e1"]
    assert [(reading.start, reading.flow) for reading in readings] == [
        (moment, index) for index, moment in enumerate(night)
    ]
    assert feed.left_out == ()


def test_half_of_the_repeated_hour_is_left_out_and_said(tmp_path: Path) -> None:
    text = row("2026-10-25 00:59:00") + row("2026-10-25 01:00:00") + row("2026-10-25 02:00:00")
    feed = from_file(tmp_path, text, now=NOON + timedelta(days=365))
    assert len(feed.readings()) == 2
    assert "came twice in Europe/London, and it is there only once" in feed.left_out[0].reason


def test_a_row_of_the_missing_hour_is_left_out_and_said(tmp_path: Path) -> None:
    feed = from_file(tmp_path, row("2026-03-29 01:10:00"))
    assert feed.readings() == ()
    assert "does not exist in Europe/London" in feed.left_out[0].reason


def test_each_pass_of_the_repeated_hour_is_known_while_it_is_lived_through() -> None:
    """The second pass replaces the files of the first: they have the same names."""
    publisher, clock = Publisher(), HandClock(AUTUMN - 5 * MINUTE)
    feed = TflScoot(TflScootConfig(url=MINUTES_URL, look_back_min=30), publisher, clock)  # type: ignore[arg-type]
    given: dict[datetime, float | None] = {}
    for minute in range(-5, 135):
        moment = AUTUMN + minute * MINUTE
        publisher.publish(minute_address(moment), row(in_london(moment), flow=f"{60 * (minute + 10)}"), moment + MINUTE)
        clock.time = moment + 1.5 * MINUTE
        given |= {reading.start: reading.flow for reading in taken(feed)}
    assert given == {AUTUMN + minute * MINUTE: minute + 10 for minute in range(-5, 135)}


def test_files_are_asked_again_at_twice_their_age_and_a_late_one_is_had() -> None:
    publisher, clock = Publisher(), HandClock(NOON)
    feed = TflScoot(TflScootConfig(url=MINUTES_URL, look_back_min=60), publisher, clock)  # type: ignore[arg-type]
    late = NOON + 3 * MINUTE
    given = []
    for minute in range(60):
        moment = NOON + minute * MINUTE
        if moment != late:
            publisher.publish(minute_address(moment), row(in_london(moment)), moment + MINUTE)
        if minute == 20:
            publisher.publish(minute_address(late), row(in_london(late)), moment)
        clock.time = moment + 1.2 * MINUTE
        before = len(publisher.asked)
        given += taken(feed)
        if minute:
            assert len(publisher.asked) - before <= 12
    assert [reading.start for reading in given].count(late) == 1
    assert len(given) == 60
    assert len([address for address in publisher.asked if address == minute_address(NOON)]) <= 8


def test_a_file_that_never_comes_is_told_and_no_failure() -> None:
    publisher, clock = Publisher(), HandClock(NOON)
    feed = TflScoot(TflScootConfig(url=MINUTES_URL, look_back_min=60), publisher, clock)  # type: ignore[arg-type]
    publisher.publish(minute_address(NOON - 2 * MINUTE), row(in_london(NOON - 2 * MINUTE)))
    assert len(taken(feed)) == 1
    missing = [one.place for one in feed.left_out]
    assert minute_address(NOON - 40 * MINUTE) in missing
    assert minute_address(NOON - 3 * MINUTE) not in missing  # it may still come


def test_a_publisher_that_does_not_answer_is_a_failure_with_its_wish() -> None:
    publisher = Publisher(dict.fromkeys([minute_address(NOON - MINUTE)], FetchFailed("busy", retry_after_s=77)))
    feed = TflScoot(TflScootConfig(url=MINUTES_URL, look_back_min=1), publisher, HandClock(NOON))  # type: ignore[arg-type]
    publisher.pages[minute_address(NOON - 2 * MINUTE)] = FetchFailed("busy", retry_after_s=77)
    with pytest.raises(FetchFailed, match="busy") as failure:
        taken(feed)
    assert failure.value.retry_after_s == 77
    assert len(publisher.asked) == 1  # it asked to be left alone


def test_a_growing_hour_file_is_read_while_it_grows() -> None:
    publisher, clock = Publisher(), HandClock(NOON + 2 * MINUTE)
    url = "https://scoot.example.org/{year}{month}{day}-{hour}.csv"
    feed = TflScoot(TflScootConfig(url=url, look_back_min=60), publisher, clock)  # type: ignore[arg-type]
    address = "https://scoot.example.org/20260610-13.csv"
    publisher.publish(address, row(in_london(NOON)), NOON + MINUTE)
    assert len(taken(feed)) == 1
    publisher.publish(address, row(in_london(NOON)) + row(in_london(NOON + MINUTE)), NOON + 2 * MINUTE)
    clock.time += MINUTE
    assert len(taken(feed)) == 2
    clock.time += MINUTE
    assert taken(feed) == ()


def test_a_file_whose_publisher_names_no_version_is_given_once() -> None:
    publisher, clock = Publisher(), HandClock(NOON)
    url = "https://scoot.example.org/{year}{month}{day}.csv"
    feed = TflScoot(TflScootConfig(url=url, look_back_min=60), publisher, clock)  # type: ignore[arg-type]
    publisher.publish("https://scoot.example.org/20260610.csv", row(in_london(NOON)))
    assert len(taken(feed)) == 1
    clock.time += MINUTE
    assert taken(feed) == ()
    assert len(publisher.asked) == 3  # this day twice, the one before only after as long again


def test_of_two_rows_for_one_minute_the_later_holds_and_the_earlier_is_named(tmp_path: Path) -> None:
    when = "2026-06-10 09:30:00"
    feed = from_file(tmp_path, row(when, flow="60") + row(when, flow="120"))
    assert [reading.flow for reading in feed.readings()] == [2]
    assert [str(one) for one in feed.left_out] == [
        "readings.csv, line 1: readings.csv, line 2 gives the same interval of N00:002e1 with other figures"
    ]


def test_files_are_read_when_they_are_new_or_changed(tmp_path: Path) -> None:
    feed = from_file(tmp_path, row("2026-06-10 09:30:00"))
    assert len(taken(feed)) == 1
    assert taken(feed) == ()
    (tmp_path / "more.csv").write_text(row("2026-06-10 09:31:00"), encoding="utf-8")
    assert len(taken(feed)) == 1


def test_a_folder_that_is_not_there_and_a_file_that_is_too_large_are_said(tmp_path: Path) -> None:
    with pytest.raises(FetchFailed, match="there is no"):
        TflScoot(TflScootConfig(path=tmp_path / "none"), None, HandClock(NOON)).readings()
    with (tmp_path / "large.csv").open("wb") as file:
        file.truncate((16 << 20) + 1)
    feed = TflScoot(TflScootConfig(path=tmp_path), None, HandClock(NOON))
    assert feed.readings() == ()
    assert "over the limit of 16777216: split it" in feed.left_out[0].reason


def test_detectors_have_positions_from_their_table(tmp_path: Path) -> None:
    table = tmp_path / "detectors.txt"
    table.write_text("id,name,lat,lon\nN00/002e1,Strand,51.51,-0.12\nN00/003a1,Nowhere,north,-0.1\n", encoding="utf-8")
    feed = from_file(tmp_path, row("2026-06-10 09:30:00", detector="N09/001a1"), detectors={"path": table})
    feed.readings()
    assert [(counter.id, counter.lat) for counter in feed.counters()] == [("N00:002e1", 51.51), ("N09:001a1", None)]
    assert feed.left_out[0].place == "detectors.txt, line 3"
    with pytest.raises(SourceError, match="there is no column 'latitude'"):
        from_file(tmp_path, "", detectors=PositionsConfig(path=table, lat="latitude"))


@pytest.mark.parametrize("settings", [{}, {"path": ".", "url": MINUTES_URL}, {"url": "https://x.org/{year}.csv"}])
def test_a_configuration_says_in_one_way_where_the_files_are(settings: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        TflScootConfig.model_validate(settings)
