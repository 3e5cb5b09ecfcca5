"""Any CSV: columns by name, classes as columns or words, and Melbourne's real counts of pedestrians."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hand_clock import HandClock
from loop_doubles import Publisher
from pydantic import ValidationError

from ingest.feed import FetchFailed
from ingest.loops.csv_columns import CsvColumns, CsvColumnsConfig

NOW = datetime(2026, 6, 10, 12, tzinfo=UTC)


def feed(tmp_path: Path, text: str, **settings: object) -> CsvColumns:
    (tmp_path / "counts.csv").write_text(text, encoding="utf-8")
    config: dict[str, object] = {
        "name": "ours", "path": tmp_path / "counts.csv", "timezone": "Europe/London", "interval_min": 15,
        "columns": {"time": ["time"], "counter": "site", "flows": {"cars": "car", "bikes": "cyclist"}},
    }  # fmt: skip
    return CsvColumns(CsvColumnsConfig.model_validate(config | settings), None, HandClock(NOW))


def test_one_column_a_class_gives_one_reading_a_class(tmp_path: Path) -> None:
    readings = feed(tmp_path, "time,site,cars,bikes\n2026-06-10 09:00,A1,12,0\n2026-06-10 09:15,A1,,3\n").readings()
    start = datetime(2026, 6, 10, 8, tzinfo=UTC)
    assert [(one.start - start, one.series, one.flow) for one in readings] == [
        (timedelta(0), "car", 12),
        (timedelta(0), "cyclist", 0),
        (timedelta(minutes=15), "car", None),
        (timedelta(minutes=15), "cyclist", 3),
    ]
    assert readings[2].reason == "the publisher gives no figure"


def test_a_column_may_say_which_class_a_row_counts(tmp_path: Path) -> None:
    text = (
        "time,site,what,n,occ\n2026-06-10 09:00,A1,PKW,12,40\n2026-06-10 09:00,A1,LKW,1,40\n2026-06-10 09:00,A1,?,1,2\n"
    )
    columns = {
        "time": ["time"], "counter": "site", "series": "what", "words": {"PKW": "car", "LKW": "truck"}, "flow": "n",
        "occupancy": "occ",
    }  # fmt: skip
    one = feed(tmp_path, text, columns=columns)
    assert [(reading.series, reading.flow, reading.occupancy) for reading in one.readings()] == [
        ("car", 12, 0.4),
        ("truck", 1, 0.4),
    ]
    assert one.left_out[0].place == "counts.csv, line 4"
    assert "'?', which is not in words" in one.left_out[0].reason


def test_hourly_rows_of_several_classes_pass_the_repeated_hour(tmp_path: Path) -> None:
    start = datetime(2026, 10, 24, 22, tzinfo=UTC)
    rows = ["time,site,what,n"]
    for hour in range(6):
        local = (start + timedelta(hours=hour)).astimezone(ZoneInfo("Europe/London"))
        rows += [f"{local:%Y-%m-%d %H:%M},A1,{word},{10 * hour + index}" for index, word in enumerate(("car", "bus"))]
    columns = {"time": ["time"], "counter": "site", "series": "what", "flow": "n"}
    one = feed(tmp_path, "\n".join(rows), columns=columns, interval_min=60)
    one._clock.time = start + timedelta(days=9)
    cars = {reading.start: reading.flow for reading in one.readings() if reading.series == "car"}
    assert cars == {start + timedelta(hours=hour): 10 * hour for hour in range(6)}


def test_times_with_an_offset_are_taken_as_they_are(tmp_path: Path) -> None:
    one = feed(tmp_path, "time,site,cars,bikes\n2026-10-25T01:30:00+01:00,A1,1,1\n2026-10-25T01:30:00+00:00,A1,2,2\n")
    assert [reading.flow for reading in one.readings()] == [1, 1, 2, 2]


def test_a_heading_without_the_column_is_said_and_nothing_is_read(tmp_path: Path) -> None:
    one = feed(tmp_path, "time,site,autos,bikes\n2026-06-10 09:00,A1,12,0\n")
    assert one.readings() == ()
    assert one.left_out[0].reason == "there is no column 'cars' among time, site, autos, bikes"


def test_names_that_would_be_one_id_are_not_mixed(tmp_path: Path) -> None:
    text = "time,site,cars,bikes\n2026-06-10 09:00,Town Hall,1,1\n2026-06-10 09:00,Town-Hall,2,2\n"
    one = feed(tmp_path, text, prefix="m:")
    assert {reading.counter for reading in one.readings()} == {"m:Town-Hall"}
    assert "'Town Hall' and 'Town-Hall' would both be called m:Town-Hall" in one.left_out[0].reason


def test_a_file_may_be_of_one_counter(tmp_path: Path) -> None:
    columns = {"time": ["time"], "flows": {"cars": "vehicles"}}
    one = feed(tmp_path, "time,cars\n2026-06-10 09:00,7\n", columns=columns, only_counter="gate")
    assert [reading.counter for reading in one.readings()] == ["gate"]


def test_a_url_is_asked_whenever_it_is_polled_and_its_absence_is_a_failure() -> None:
    publisher, clock = Publisher(), HandClock(NOW)
    config = CsvColumnsConfig.model_validate(
        {
            "name": "ours", "url": "https://counts.example.org/today.csv", "timezone": "Europe/London",
            "interval_min": 15, "columns": {"time": ["t"], "counter": "c", "flows": {"n": "pedestrian"}},
        }
    )  # fmt: skip
    one = CsvColumns(config, publisher, clock)  # type: ignore[arg-type]
    with pytest.raises(FetchFailed):
        one.readings()
    for more in range(3):
        clock.time += timedelta(minutes=5)
        rows = "".join(f"2026-06-10 0{hour}:00,A,{hour}\n" for hour in range(more + 1))
        publisher.publish("https://counts.example.org/today.csv", "t,c,n\n" + rows)
        assert len(one.readings()) == more + 1


@pytest.mark.parametrize(
    "columns",
    [
        {"time": ["t"], "counter": "c"},
        {"time": ["t"], "counter": "c", "flows": {"n": "pedestrian"}, "series": "s", "flow": "n"},
        {"time": ["t"], "counter": "c", "flows": {"n": "walkers"}},
        {"time": ["t"], "counter": "c", "series": "s"},
    ],
)
def test_columns_that_say_nothing_or_two_things_are_refused(columns: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CsvColumnsConfig.model_validate(
            {"name": "x", "path": "x.csv", "timezone": "UTC", "interval_min": 5, "columns": columns}
        )


def test_melbourne_is_read_as_it_is_published(shared_data: Path, tmp_path: Path) -> None:
    """The days around the end of summer time in 2012, with the sensors' positions."""
    folder = shared_data / "series" / "melbourne"
    days = ("29-Mar-2012", "30-Mar-2012", "31-Mar-2012", "01-Apr-2012", "02-Apr-2012", "03-Apr-2012")
    wanted: list[str] = []
    with zipfile.ZipFile(folder / "pedestriancounts_melbourne_2906.zip") as archive:
        (name,) = archive.namelist()
        with archive.open(name) as raw:
            lines = io.TextIOWrapper(raw, encoding="utf-8", newline="")
            wanted.append(next(lines))
            for line in lines:
                if line.startswith(days):
                    wanted.append(line)
                elif len(wanted) > 1:
                    break
    (tmp_path / "counts.csv").write_text("".join(wanted), encoding="utf-8")
    config = CsvColumnsConfig.model_validate(
        {
            "name": "melbourne", "path": tmp_path, "timezone": "Australia/Melbourne", "interval_min": 60,
            "columns": {
                "time": ["Date", "Hour"], "time_format": "%d-%b-%Y %H", "counter": "SensorID",
                "flows": {"PedestrianCount": "pedestrian"},
            },
            "positions": {
                "path": folder / "Pedestrian_sensor_locations.csv", "id": "Sensor ID", "name": "Sensor Description",
                "lat": "Latitude", "lon": "Longitude",
            },
        }
    )  # fmt: skip
    melbourne = CsvColumns(config, None, HandClock(NOW))
    readings = melbourne.readings()
    rows = list(csv.DictReader(wanted))
    first = next(row for row in rows if row["SensorID"] == "4")
    assert next(one for one in readings if one.counter == "4").flow == float(first["PedestrianCount"])
    at_two = [row for row in rows if row["Date"] == "01-Apr-2012" and row["Hour"] == "2"]
    assert len(melbourne.left_out) == len(at_two) > 0  # the hour that came twice stands there once: which, nobody says
    assert all("2012-04-01 02:00 came twice" in one.reason for one in melbourne.left_out)
    assert len(readings) == len(rows) - len(at_two)
    by_hour = dict.fromkeys(range(24), 0.0)
    for one in readings:
        by_hour[one.start.astimezone(ZoneInfo("Australia/Melbourne")).hour] += one.flow or 0
    assert max(by_hour, key=by_hour.__getitem__) in (12, 13, 17)  # the lunch hour, or the way home
    assert min(by_hour, key=by_hour.__getitem__) in (3, 4, 5)
    placed = [counter for counter in melbourne.counters() if counter.lat is not None]
    assert all(-37.9 < counter.lat < -37.7 for counter in placed if counter.lat is not None)
    assert {one.counter for one in readings} <= {counter.id for counter in melbourne.counters()}
