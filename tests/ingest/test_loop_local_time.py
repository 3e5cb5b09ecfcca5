"""Local times become the right moment or none: whatever is missing, repeated or late, no row lands in the wrong hour.

UTC     00:00 ......... 01:00 ......... 02:00          London, 25 October 2026
local   01:00 ... 01:59 01:00 ... 01:59 02:00
        first pass      second pass
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.loops.local_time import Unplaced, Written, moment_of, to_utc, utc_time

LONDON = ZoneInfo("Europe/London")
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
NIGHT = datetime(2026, 10, 24, 23, tzinfo=UTC)  # midnight in London, an hour before the first pass
FIRST = NIGHT + HOUR
SECOND = NIGHT + 2 * HOUR
LONG_AFTER = Written(by=NIGHT + timedelta(days=30))


def local(moments: list[datetime], zone: ZoneInfo = LONDON) -> list[datetime]:
    return [moment.astimezone(zone).replace(tzinfo=None, fold=0) for moment in moments]


def every(start: datetime, end: datetime, step: timedelta) -> list[datetime]:
    return [start + step * index for index in range(int((end - start) / step))]


def test_a_whole_night_is_placed_by_the_one_step_back() -> None:
    night = every(NIGHT, NIGHT + 5 * HOUR, MINUTE)
    assert to_utc(local(night), LONDON, step=MINUTE, written=LONG_AFTER) == night


def test_a_file_of_the_two_passes_alone_is_placed_though_the_first_has_begun() -> None:
    rows = [*every(FIRST + 30 * MINUTE, SECOND, MINUTE), *every(SECOND, SECOND + 45 * MINUTE, MINUTE)]
    assert to_utc(local(rows), LONDON, step=MINUTE, written=LONG_AFTER) == rows


def test_hourly_rows_are_placed_though_their_times_are_equal() -> None:
    night = every(NIGHT, NIGHT + 5 * HOUR, HOUR)
    assert to_utc(local(night), LONDON, step=HOUR, written=LONG_AFTER) == night


def test_one_pass_alone_is_not_placed_though_its_neighbours_are() -> None:
    night = [*every(NIGHT, FIRST, MINUTE), *every(SECOND, SECOND + 2 * HOUR, MINUTE)]
    placed = to_utc(local(night), LONDON, step=MINUTE, written=LONG_AFTER)
    left_out = [place for place in placed if isinstance(place, Unplaced)]
    assert len(left_out) == 60
    assert "came twice in Europe/London" in left_out[0].reason
    assert [place for place in placed if not isinstance(place, Unplaced)] == [
        moment for moment in night if not FIRST <= moment < SECOND + HOUR
    ]


def test_the_missing_hour_of_spring_is_no_time() -> None:
    placed = to_utc([datetime(2026, 3, 29, 1, 30)], LONDON, step=MINUTE, written=LONG_AFTER)  # noqa: DTZ001
    assert placed == [Unplaced("2026-03-29 01:30 does not exist in Europe/London: the clocks went forward")]
    around = [datetime(2026, 3, 29, 0, 59, tzinfo=UTC), datetime(2026, 3, 29, 1, 0, tzinfo=UTC)]
    assert to_utc(local(around), LONDON, step=MINUTE, written=LONG_AFTER) == around


def test_what_is_read_in_the_first_pass_is_of_the_first_pass() -> None:
    rows = every(FIRST, FIRST + 30 * MINUTE, MINUTE)
    assert to_utc(local(rows), LONDON, step=MINUTE, written=Written(by=rows[-1] + MINUTE)) == rows


@pytest.mark.parametrize("begin", [FIRST, SECOND])
def test_a_minute_file_is_of_the_pass_that_was_over_when_it_was_written(begin: datetime) -> None:
    row = begin + 20 * MINUTE
    written = Written(by=LONG_AFTER.by, at=row + 2 * MINUTE)
    assert to_utc(local([row, row]), LONDON, step=MINUTE, written=written) == [row, row]


def test_a_file_written_long_after_says_nothing_of_its_hour() -> None:
    written = Written(by=LONG_AFTER.by, at=SECOND + 2 * HOUR)
    (placed,) = to_utc(local([FIRST]), LONDON, step=MINUTE, written=written)
    assert isinstance(placed, Unplaced)


def test_a_file_written_before_its_rows_says_nothing_of_its_hour() -> None:
    written = Written(by=LONG_AFTER.by, at=datetime(1970, 1, 1, tzinfo=UTC))
    (placed,) = to_utc(local([SECOND]), LONDON, step=MINUTE, written=written)
    assert isinstance(placed, Unplaced)


def test_rows_out_of_order_are_not_placed_by_their_order() -> None:
    night = every(NIGHT, NIGHT + 5 * HOUR, 10 * MINUTE)
    backwards = night[::-1]
    placed = to_utc(local(backwards), LONDON, step=10 * MINUTE, written=LONG_AFTER)
    for moment, place in zip(backwards, placed, strict=True):
        assert place == moment or (isinstance(place, Unplaced) and FIRST <= moment < SECOND + HOUR)
    assert sum(isinstance(place, Unplaced) for place in placed) == 12


@pytest.mark.parametrize(
    "clock", [["01:30", "01:10", "01:40", "01:20"], ["03:00", "01:30", "01:10"], ["01:30", "00:20"]]
)
def test_what_goes_back_more_than_once_or_from_elsewhere_is_not_placed(clock: list[str]) -> None:
    rows = [datetime.fromisoformat(f"2026-10-25T{time}") for time in clock]
    for row, place in zip(rows, to_utc(rows, LONDON, step=MINUTE, written=LONG_AFTER), strict=True):
        assert isinstance(place, Unplaced) == (row.hour == 1)


def test_a_little_disorder_is_allowed_where_it_is_expected() -> None:
    night = every(NIGHT, NIGHT + 5 * HOUR, MINUTE)
    night[70], night[71] = night[71], night[70]
    night[59], night[60] = night[60], night[59]
    assert to_utc(local(night), LONDON, step=timedelta(seconds=1), written=LONG_AFTER, slack=5 * MINUTE) == night


def test_two_autumns_in_one_file_are_two_questions() -> None:
    years = [datetime(2025, 10, 26, 0, tzinfo=UTC), datetime(2026, 10, 25, 0, tzinfo=UTC)]
    rows = [moment for start in years for moment in every(start - HOUR, start + 3 * HOUR, 15 * MINUTE)]
    assert to_utc(local(rows), LONDON, step=15 * MINUTE, written=LONG_AFTER) == rows


ZONES = {
    "Europe/London": NIGHT,
    "Europe/Helsinki": NIGHT,
    "America/Havana": datetime(2026, 11, 1, 3, tzinfo=UTC),  # the hour before midnight comes twice
    "Australia/Lord_Howe": datetime(2026, 4, 4, 13, 30, tzinfo=UTC),  # half an hour comes twice
}


@settings(max_examples=150, deadline=None)
@given(
    zone=st.sampled_from(sorted(ZONES)),
    step=st.sampled_from([1, 5, 15, 30]),
    present=st.sets(st.integers(0, 59)),
    twice=st.sets(st.integers(0, 59)),
    read_after=st.integers(0, 400),
    told=st.booleans(),
)
def test_in_order_no_row_is_ever_placed_wrong(
    zone: str, step: int, present: set[int], twice: set[int], read_after: int, told: bool
) -> None:
    """Rows may be missing, be read at any time after the last of them, and stand twice.

    Twice not where rows are as long as the time that comes twice: there, two alike are its two passes.
    """
    start = ZONES[zone]
    longest = 30 if zone == "Australia/Lord_Howe" else 60
    truth = [
        start + timedelta(minutes=step) * index
        for index in sorted(present)
        for _ in range(2 if index in twice and step < longest else 1)
        if step * index < 300
    ]
    if not truth:
        return
    read = truth[-1] + timedelta(minutes=read_after)
    placed = to_utc(
        local(truth, ZoneInfo(zone)),
        ZoneInfo(zone),
        step=timedelta(minutes=step),
        written=Written(by=read, at=truth[-1] + MINUTE if told and len(truth) == 1 else None),
    )
    for moment, place in zip(truth, placed, strict=True):
        assert place == moment or isinstance(place, Unplaced)


@settings(max_examples=40, deadline=None)
@given(order=st.permutations(range(20)))
def test_without_a_repeated_hour_order_does_not_matter(order: list[int]) -> None:
    noon = datetime(2026, 10, 25, 12, tzinfo=UTC)
    rows = [noon + index * MINUTE for index in order]
    assert to_utc(local(rows), LONDON, step=MINUTE, written=LONG_AFTER) == rows


def test_a_time_with_an_offset_is_a_moment() -> None:
    assert utc_time("2026-10-25T01:30:00+01:00") == FIRST + 30 * MINUTE
    for nonsense in ("2026-10-25T01:30:00", "soon", None, 3):
        with pytest.raises(ValueError, match="is no time with an offset"):
            utc_time(nonsense)


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "1969-12-31T00:00:00Z"])
def test_a_time_that_no_counter_has_is_no_time(time: str) -> None:
    with pytest.raises(ValueError, match="is not from 1970 to 2999"):
        utc_time(time)


@pytest.mark.parametrize("time", [datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59)])  # noqa: DTZ001 - local
def test_a_local_time_that_no_counter_has_is_not_placed(time: datetime) -> None:
    by = Written(by=datetime(2026, 1, 1, tzinfo=UTC))
    for zone in ("Europe/Helsinki", "America/New_York"):
        (placed,) = to_utc([time], ZoneInfo(zone), step=timedelta(minutes=1), written=by)
        assert isinstance(placed, Unplaced)
        assert "is not from 1970" in placed.reason


@pytest.mark.parametrize(
    ("written_min", "read_min", "of"),
    [
        (-16, 999, None), (-14, 999, FIRST), (44, 999, FIRST), (46, 999, SECOND), (104, 999, SECOND), (106, 999, None),
        (-999, 44, FIRST), (-999, 46, None), (None, 44, FIRST), (None, None, None), (46, None, SECOND),
    ],
)  # fmt: skip
def test_a_time_alone_is_of_the_pass_in_which_it_was_written_by_a_clock_that_may_be_ahead(
    written_min: int | None, read_min: int | None, of: datetime | None
) -> None:
    """Minutes are counted from the first pass of 01:30."""
    first = FIRST + 30 * MINUTE
    by, at = (None if minutes is None else first + minutes * MINUTE for minutes in (read_min, written_min))
    placed = moment_of(local([first])[0], LONDON, Written(by=by, at=at))
    assert placed == of + 30 * MINUTE if of else isinstance(placed, Unplaced)
