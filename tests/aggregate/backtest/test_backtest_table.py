"""Any hourly table becomes a history; what is no count is missing and said, what is no hourly table is refused."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregate.backtest.table import Columns, HourlyTable, read_table
from core.errors import SourceError

LONG = Columns(time=("time",), count=("count",), sensor=("sensor",))


def table(folder: Path, *rows: str, head: str = "time,sensor,count", name: str = "counts.csv") -> Path:
    path = folder / name
    path.write_text("\n".join((head, *rows)) + "\n", encoding="utf-8")
    return path


def read(folder: Path, *rows: str, columns: Columns = LONG, timezone: str | None = None, **how: str) -> HourlyTable:
    return read_table(table(folder, *rows, **how), columns, timezone=timezone)


def counted(found: HourlyTable) -> list[list[float | None]]:
    return [[None if np.isnan(one) else float(one) for one in row] for row in found.history.value]


def test_rows_become_sensors_and_hours_and_what_is_not_there_is_missing(tmp_path: Path) -> None:
    found = read(tmp_path, "2024-03-01 08:00,b,5", "2024-03-01 10:00,a,0", "2024-03-01 09:00,b,7")
    assert found.history.zones == ("a", "b")
    assert found.history.start == np.datetime64("2024-03-01T08:00")
    assert counted(found) == [[None, None, 0.0], [5.0, 7.0, None]]
    assert found.history.clips.tolist() == [[0, 0, 1], [1, 1, 0]]


def test_what_is_no_count_is_missing_and_said_never_zero(tmp_path: Path) -> None:
    rows = [f"2024-03-01 0{hour}:00,a,{count}" for hour, count in enumerate(("-4", "x", "", "NA", '"1,234"', "7"))]
    found = read(tmp_path, *rows)
    assert counted(found) == [[None, None, None, None, 1234.0, 7.0]]
    said = " ".join(found.account.notes)
    assert "1 rows with a negative count ('-4')" in said
    assert "1 rows whose count is no number ('x')" in said
    assert "2 rows without a count" in said


def test_the_same_row_twice_counts_once_and_two_different_counts_of_an_hour_are_missing(tmp_path: Path) -> None:
    rows = [f"2024-03-{1 + hour // 24:02d} {hour % 24:02d}:00,a,{hour}" for hour in range(200)]
    found = read(tmp_path, *rows, rows[3], "2024-03-01 05:00,a,99")
    assert counted(found)[0][3:7] == [3.0, 4.0, None, 6.0]
    assert any("say again" in note for note in found.account.notes)
    assert any("two different counts" in note for note in found.account.notes)


def test_rows_that_something_else_tells_apart_are_refused(tmp_path: Path) -> None:
    rows = [f"2024-03-01 {hour:02d}:00,a,{way},{hour + way}" for hour in range(24) for way in (1, 2)]
    head = "time,sensor,direction,count"
    with pytest.raises(SourceError, match=r"different count.*--sensor NAME,DIRECTION"):
        read(tmp_path, *rows, head=head)
    both = Columns(time=("time",), count=("count",), sensor=("sensor", "direction"))
    assert read(tmp_path, *rows, head=head, columns=both).history.zones == ("a / 1", "a / 2")


@pytest.mark.parametrize(
    "times",
    [
        ("01-Mar-2024 23:00", "02-Mar-2024 00:00"),
        ("2024-03-01T23:00:00", "2024-03-02T00:00:00"),
        ("2024-03-01 23:00:00.000", "2024-03-02 00:00:00.000"),
        ("2024-03-01T23:00Z", "2024-03-02T00:00Z"),
        ("2024-03-02T10:00:00+11:00", "2024-03-02T11:00:00+11:00"),
        ("2024030123", "2024030200"),
        ("1709334000", "1709337600"),
        ("1709334000000", "1709337600000"),
        ('"March 01, 2024 11:00:00 PM"', '"March 02, 2024 12:00:00 AM"'),
        ("2024/03/01 23:00", "2024/03/02 00:00"),
        ("01.03.2024 23:00", "02.03.2024 00:00"),
    ],
)
def test_times_are_read_as_people_and_machines_write_them(tmp_path: Path, times: tuple[str, str]) -> None:
    more = () if "." not in times[0][:3] else ("15.03.2024 00:00,a,3",)
    found = read(tmp_path, f"{times[0]},a,1", f"{times[1]},a,2", *more)
    assert found.history.start == np.datetime64("2024-03-01T23:00")
    assert counted(found)[0][:2] == [1.0, 2.0]


def test_a_date_and_an_hour_may_stand_in_two_columns(tmp_path: Path) -> None:
    """As Melbourne publishes its sensors."""
    columns = Columns(time=("Date", "Hour"), count=("PedestrianCount",), sensor=("SensorName",))
    head = "Date,Day_of_week,Hour,SensorID,SensorName,PedestrianCount"
    rows = [f"{day:02d}-Jan-2012,Sunday,{hour},4,Town Hall (West),{hour}" for day in (1, 2) for hour in range(24)]
    found = read(tmp_path, *rows, head=head, columns=columns, timezone="Australia/Melbourne")
    assert found.history.start == np.datetime64("2011-12-31T13:00")  # UTC+11 in summer
    assert counted(found)[0][:3] == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("hours", [("7", "8"), ("7.0", "8.0"), ("07:00", "08:00"), ("7 AM", "8 AM"), ("7-8", "8-9")])
def test_hours_of_the_day_are_read_as_they_are_written(tmp_path: Path, hours: tuple[str, str]) -> None:
    columns = Columns(time=("day", "hour"), count=("count",))
    found = read(
        tmp_path,
        *(f"2024-03-01,{hour},{hour.lstrip('0')[0]}" for hour in hours),
        head="day,hour,count",
        columns=columns,
    )
    assert found.history.start == np.datetime64("2024-03-01T07:00")
    assert counted(found)[0] == [7.0, 8.0]


def test_hours_to_24_are_those_that_end_then(tmp_path: Path) -> None:
    columns = Columns(time=("day", "hour"), count=("count",))
    rows = [f"2024-03-0{day},{hour},{hour}" for day in (1, 2) for hour in range(1, 25)]
    found = read(tmp_path, *rows, head="day,hour,count", columns=columns)
    assert found.history.start == np.datetime64("2024-03-01T00:00")
    assert found.history.steps == 48
    with pytest.raises(SourceError, match="0 to 24"):
        read(tmp_path, *rows, "2024-03-03,0,1", head="day,hour,count", columns=columns)


def test_times_that_cannot_be_told_are_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"more than one way.*03/04/2024"):
        read(tmp_path, "03/04/2024 08:00,a,1", "03/04/2024 09:00,a,1")
    with pytest.raises(SourceError, match=r"days and no hours.*--time DATE,HOUR"):
        read(tmp_path, "2024-03-01,a,1", "2024-03-02,a,1")
    with pytest.raises(SourceError, match=r"cannot be read: 'soon'"):
        read(tmp_path, "soon,a,1", "later,a,1")
    with pytest.raises(SourceError, match=r"not hourly.*0, 15, 30, 45"):
        read(tmp_path, *(f"2024-03-01 08:{minute:02d},a,1" for minute in (0, 15, 30, 45)))
    with pytest.raises(SourceError, match=r"some times .* carry an offset"):
        read(tmp_path, "2024-03-01T08:00Z,a,1", "2024-03-01T09:00,a,1")
    three = Columns(time=("a", "b", "c"), count=("count",))
    with pytest.raises(SourceError, match=r"3 columns of time"):
        read(tmp_path, "1,2,3,4", head="a,b,c,count", columns=three)


def test_a_missing_column_is_named_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no column 'sensors'; did you mean 'sensor'.*time, sensor, count"):
        read(tmp_path, "2024-03-01 08:00,a,1", columns=Columns(("time",), ("count",), ("sensors",)))
    found = read(tmp_path, "2024-03-01 08:00,a,1", head="Time , SENSOR,Count")
    assert counted(found) == [[1.0]]


def test_a_column_of_words_is_no_column_of_counts(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"holds no counts: 'a'"):
        read(tmp_path, "2024-03-01 08:00,a,1", columns=Columns(("time",), ("sensor",)))


def test_several_columns_of_counts_are_a_sensor_each(tmp_path: Path) -> None:
    """As cycle counters are often published."""
    wide = Columns(time=("time",), count=("east", "west"))
    found = read(tmp_path, "2024-03-01 08:00,1,2", "2024-03-01 09:00,3,4", head="time,east,west", columns=wide)
    assert found.history.zones == ("east", "west")
    assert counted(found) == [[1.0, 3.0], [2.0, 4.0]]


def test_the_hour_that_comes_twice_is_told_apart_by_its_rows_or_left_out(tmp_path: Path) -> None:
    """London, 27 October 2024: 01:00 is first summer time, then not."""
    rows = [f"2024-10-27 {hour},a,{count}" for hour, count in (("00:00", 1), ("01:00", 2), ("01:00", 3), ("02:00", 4))]
    found = read(tmp_path, *rows, "2024-10-27 01:00,b,9", timezone="Europe/London")
    assert found.history.start == np.datetime64("2024-10-26T23:00")
    assert counted(found) == [[1.0, 2.0, 3.0, 4.0], [None] * 4]
    assert any("comes twice" in note for note in found.account.notes)


def test_rows_that_are_cut_short_or_have_no_time_are_left_out_and_said(tmp_path: Path) -> None:
    rows = [f"2024-03-{1 + hour // 24:02d} {hour % 24:02d}:00,a,{hour}" for hour in range(100)]
    for timezone in (None, "Europe/London"):
        found = read(tmp_path, *rows, "never,a,5", "2024-03-09 00:00", timezone=timezone)
        assert found.history.steps == 100
        assert any("1 rows without a time" in note for note in found.account.notes)
        assert any("1 rows without a sensor" in note for note in found.account.notes)


def test_hours_that_the_clock_skips_are_left_out_and_say_what_may_be_wrong(tmp_path: Path) -> None:
    rows = [f"2024-03-31 0{hour}:00,{sensor},1" for hour in range(4) for sensor in "ab"]
    found = read(tmp_path, *rows, timezone="Europe/London")
    assert counted(found) == [[1.0, 1.0, 1.0]] * 2
    assert any("2 rows of hours that the clock of Europe/London skips" in note for note in found.account.notes)
    assert any("Etc/GMT" in note for note in found.account.notes)


def test_an_outage_does_not_look_like_a_quiet_street(tmp_path: Path) -> None:
    """A day of zeros where hundreds are usual is missing; quiet nights and a quiet sensor are zero."""
    times = pd.date_range("2024-03-04", periods=6 * 168, freq="h")
    busy = np.where(times.hour < 5, 0, 40)
    busy[500:530] = 0
    rows = [f"{time:%Y-%m-%d %H:%M},busy,{count}" for time, count in zip(times, busy, strict=True)]
    rows += [f"{time:%Y-%m-%d %H:%M},quiet,{int(time.hour == 12 and time.day % 7 == 0)}" for time in times]
    found = read(tmp_path, *rows)
    value = dict(zip(found.history.zones, found.history.value, strict=True))
    assert np.isnan(value["busy"][500:530]).all()
    assert (value["busy"][:5] == 0).all()
    assert np.isfinite(value["quiet"]).all()
    assert any("taken for an outage" in note for note in found.account.notes)


def test_zipped_gzipped_and_otherwise_separated_tables_are_read(tmp_path: Path) -> None:
    text = "time;sensor;count\n2024-03-01 08:00;Café;5\n"
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as packed:
        packed.writestr("counts.csv", text)
    (tmp_path / "one.csv.gz").write_bytes(gzip.compress(text.encode("cp1252")))
    for name in ("one.zip", "one.csv.gz"):
        found = read_table(tmp_path / name, LONG)
        assert (found.history.zones, counted(found)) == (("Café",), [[5.0]])


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as packed:
        packed.writestr("a.csv", "x")
        packed.writestr("b.csv", "x")
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "picture.csv").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "head.csv").write_text("time,sensor,count\n")
    for name, why in (
        ("two.zip", "holds 2 files"), ("empty.csv", "is empty"), ("picture.csv", "columns|cannot be read|no text"),
        ("head.csv", "no rows"), ("not_there.csv", "cannot be read"),
    ):  # fmt: skip
        with pytest.raises(SourceError, match=why):
            read_table(tmp_path / name, LONG)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(24)), again=st.lists(st.integers(0, 23), max_size=6))
def test_neither_order_nor_repetition_of_rows_matters(tmp_path: Path, order: list[int], again: list[int]) -> None:
    rows = [f"2024-03-01 {hour:02d}:00,{'ab'[hour % 2]},{hour * hour}" for hour in range(24)]
    plain = read(tmp_path, *rows)
    shuffled = read(tmp_path, *(rows[at] for at in [*order, *again]))
    assert counted(plain) == counted(shuffled)
