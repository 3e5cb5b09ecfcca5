"""Counts by hand are read strictly: what cannot be meant is said with its line, all of it at once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from manual_street import STREET

from busyness.validation.manual_counts import MOST_TOLD, ManualCount, read_manual_counts
from core.errors import SourceError

HEAD = "time,zone,class,count\n"


def read(folder: Path, text: str, *, local_time: bool = False) -> tuple[ManualCount, ...]:
    path = folder / "counts.csv"
    path.write_bytes(text.encode())
    return read_manual_counts(path, STREET, local_time=local_time)


def test_times_with_an_offset_are_what_they_say(tmp_path: Path) -> None:
    """In any order of columns, with the mark, the line ends and the blank lines that spreadsheets leave."""
    lines = ("\ufeffzone,count,class,time", "pavement, 7 ,people,2017-06-09T09:05:00+01:00", "",
             "road,2.5,car,2017-03-09T08:05:00Z", "")  # fmt: skip
    text = "\r\n".join(lines)
    assert read(tmp_path, text) == (
        ManualCount(2, datetime(2017, 6, 9, 8, 5, tzinfo=UTC), "pavement", "people", 7.0),
        ManualCount(4, datetime(2017, 3, 9, 8, 5, tzinfo=UTC), "road", "car", 2.5),
    )


def test_a_time_without_offset_is_the_cameras_only_where_that_is_said(tmp_path: Path) -> None:
    text = HEAD + "2017-06-09 09:05,pavement,people,7\n"
    with pytest.raises(SourceError, match=r"line 2: the time '2017-06-09 09:05' has no offset.*--local-time"):
        read(tmp_path, text)
    (row,) = read(tmp_path, text, local_time=True)
    assert row.time == datetime(2017, 6, 9, 8, 5, tzinfo=UTC), "British summer time"
    (row,) = read(tmp_path, HEAD + "2017-06-09T09:05Z,pavement,people,7\n", local_time=True)
    assert row.time == datetime(2017, 6, 9, 9, 5, tzinfo=UTC), "an offset speaks for itself"


@pytest.mark.parametrize("time", ["2017-10-29T01:30:00", "2017-03-26T01:30:00"])
def test_a_local_time_that_is_none_or_two_is_refused(tmp_path: Path, time: str) -> None:
    """The hour that comes twice in October, and the one that does not come in March."""
    with pytest.raises(SourceError, match="is when clocks are changed in Europe/London: give its offset"):
        read(tmp_path, f"{HEAD}{time},pavement,people,7\n", local_time=True)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("2017-03-09T08:05:00Z,kerb,people,7", "camera 00001 has no zone 'kerb': one of pavement, road"),
        ("2017-03-09T08:05:00Z,road,cars,7", "unknown class 'cars': one of pedestrian, cyclist"),
        ("2017-03-09T08:05:00Z,road,car,-1", "the count '-1' is no number from 0"),
        ("2017-03-09T08:05:00Z,road,car,many", "the count 'many' is no number"),
        ("2017-03-09T08:05:00Z,road,car,nan", "the count 'nan' is no number"),
        ("2017-03-09T08:05:00Z,road,car,inf", "the count 'inf' is no number"),
        ("2017-03-09T08:05:00Z,road,car,", "the count '' is no number"),
        ("9 March,road,car,7", "the time '9 March' is none"),
        ("2017-03-09T08:05:00Z,road,car", "expected 4 cells"),
        ("2017-03-09T08:05:00Z,road,car,7,x", "expected 4 cells"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(SourceError, match="line 3: ") as raised:
        read(tmp_path, HEAD + "2017-03-09T08:05:00Z,road,bus,1\n" + line + "\n")
    assert message in str(raised.value)
    assert "line 2" not in str(raised.value)


def test_all_that_is_wrong_is_said_at_once_but_not_without_end(tmp_path: Path) -> None:
    lines = "2017-03-09T08:05:00Z,road,car,1\n2017-03-09T08:05:00+00:00,road,car,2\n" + "x,road,car,1\n" * MOST_TOLD
    with pytest.raises(SourceError) as raised:
        read(tmp_path, HEAD + lines)
    assert "line 3: the same time, zone and class as line 2" in str(raised.value)
    assert f"line {MOST_TOLD + 2}:" in str(raised.value)
    assert "and 1 more lines" in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has the columns of an empty file"),
        (HEAD, "holds no counts"),
        ("time;zone;class;count\n", "expected time, zone, class, count"),
        ("time,zone,class,count,note\n", "expected time, zone, class, count"),
        (HEAD + '"2017', "is not a CSV"),
    ],
)
def test_a_file_that_is_no_table_of_counts_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read(tmp_path, text)


def test_a_file_that_is_not_text_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "clip.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SourceError, match="is not text in UTF-8"):
        read_manual_counts(tmp_path / "clip.csv", STREET, local_time=False)
    with pytest.raises(SourceError, match="cannot be read"):
        read_manual_counts(tmp_path / "none.csv", STREET, local_time=False)
