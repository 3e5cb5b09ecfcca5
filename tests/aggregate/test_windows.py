"""Windows are half-open, aligned to UTC in minutes and to the camera's local midnight in days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregate.tables import Spans, aware, moment, text, times_of
from aggregate.windows import days_between, spans_of, stretches_of, window_at, windows_at, windows_touched
from core.records import Window

ZONES = ("UTC", "Europe/London", "Europe/Helsinki", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Sao_Paulo")
moments = st.datetimes(datetime(2015, 1, 1), datetime(2035, 1, 1)).map(lambda time: time.replace(tzinfo=UTC))  # noqa: DTZ001


def test_a_moment_is_in_one_window_of_every_width() -> None:
    """
    08:07:30 UTC on 9 March 2017, London (UTC that day)

           08:00       08:05  07  08    08:10    08:15          09:00
    1m     |           |      |-x-|
    5m     |           |--------x-------|
    15m    |--------------------x----------------|
    60m    |--------------------x-------------------------------|
    1d  <-----------------------x---------------------------------->
    """
    at = datetime(2017, 3, 9, 8, 7, 30, tzinfo=UTC)
    found = {bounds.window: (bounds.start, bounds.end) for bounds in windows_touched(at, "Europe/London")}
    eight = datetime(2017, 3, 9, 8, tzinfo=UTC)
    assert found == {
        Window.MINUTE: (eight + timedelta(minutes=7), eight + timedelta(minutes=8)),
        Window.FIVE_MINUTES: (eight + timedelta(minutes=5), eight + timedelta(minutes=10)),
        Window.QUARTER: (eight, eight + timedelta(minutes=15)),
        Window.HOUR: (eight, eight + timedelta(hours=1)),
        Window.DAY: (eight - timedelta(hours=8), eight + timedelta(hours=16)),
    }


def test_what_happens_at_the_end_belongs_to_the_next_window() -> None:
    """
    08:14:59.999999  08:15
    ------------- x )[ y ---
    """
    quarter = datetime(2017, 3, 9, 8, 15, tzinfo=UTC)
    assert window_at(Window.QUARTER, quarter - timedelta(microseconds=1), "UTC").end == quarter
    assert window_at(Window.QUARTER, quarter, "UTC").start == quarter


@pytest.mark.parametrize(
    ("noon", "timezone", "start", "hours"),
    [
        # London, 26 March 2017: 00:00 is 00:00 UTC, clocks go forward at 01:00, midnight is 23:00 UTC
        (datetime(2017, 3, 26, 12, tzinfo=UTC), "Europe/London", datetime(2017, 3, 26, tzinfo=UTC), 23),
        (datetime(2017, 3, 27, 12, tzinfo=UTC), "Europe/London", datetime(2017, 3, 26, 23, tzinfo=UTC), 24),
        # London, 29 October 2017: 00:00 is 23:00 UTC the day before, clocks go back
        (datetime(2017, 10, 29, 12, tzinfo=UTC), "Europe/London", datetime(2017, 10, 28, 23, tzinfo=UTC), 25),
        (datetime(2017, 3, 9, 12, tzinfo=UTC), "Europe/Helsinki", datetime(2017, 3, 8, 22, tzinfo=UTC), 24),
        # Lord Howe Island moves its clocks by half an hour
        (datetime(2017, 4, 2, 3, tzinfo=UTC), "Australia/Lord_Howe", datetime(2017, 4, 1, 13, tzinfo=UTC), 24.5),
    ],
)
def test_a_day_is_the_local_day(noon: datetime, timezone: str, start: datetime, hours: float) -> None:
    bounds = window_at(Window.DAY, noon, timezone)
    assert bounds.start == start
    assert bounds.end - bounds.start == timedelta(hours=hours)


@given(at=moments, timezone=st.sampled_from(ZONES), window=st.sampled_from(list(Window)))
def test_every_moment_is_in_exactly_the_window_that_says_so(at: datetime, timezone: str, window: Window) -> None:
    bounds = window_at(window, at, timezone)
    assert bounds.start <= at < bounds.end
    assert window_at(window, bounds.start, timezone) == bounds
    assert window_at(window, bounds.end, timezone).start == bounds.end


@settings(max_examples=50)
@given(places=st.lists(st.tuples(moments, st.sampled_from(ZONES)), max_size=12), window=st.sampled_from(list(Window)))
def test_many_moments_are_in_the_windows_that_each_of_them_is_in(
    places: list[tuple[datetime, str]], window: Window
) -> None:
    """The fast way over many moments gives what asking for one after the other does, each by its own clock."""
    times = np.array([moment(at) for at, _ in places], dtype="datetime64[us]")
    starts, ends = windows_at(window, times, [timezone for _, timezone in places])
    one_by_one = [window_at(window, at, timezone) for at, timezone in places]
    assert [(aware(start), aware(end)) for start, end in zip(starts, ends, strict=True)] == [
        (bounds.start, bounds.end) for bounds in one_by_one
    ]


@settings(max_examples=50)
@given(start=moments, days=st.integers(0, 9), timezone=st.sampled_from(ZONES))
def test_days_between_follow_one_another_without_gap(start: datetime, days: int, timezone: str) -> None:
    end = start + timedelta(days=days, hours=5)
    starts, ends = days_between(start, end, timezone)
    assert (starts[1:] == ends[:-1]).all()
    assert ((starts >= moment(start)) & (starts < moment(end))).all()
    assert days <= len(starts) <= days + 1
    for begins, finishes in zip(starts, ends, strict=True):
        assert window_at(Window.DAY, aware(begins), timezone).end == aware(finishes)


@settings(max_examples=30)
@given(times=st.lists(moments, min_size=1, max_size=20), timezone=st.sampled_from(ZONES))
def test_many_events_touch_what_each_of_them_touches(times: list[datetime], timezone: str) -> None:
    """The fast way over many events finds the same windows as asking for one after the other."""
    spans = spans_of(text(["zone"] * len(times)), times_of(times), {"zone": timezone})
    fast = list(zip(spans.window, spans.start.tolist(), spans.end.tolist(), strict=True))
    one_by_one = {bounds for time in times for bounds in windows_touched(time, timezone)}
    slow = {
        (bounds.window.value, bounds.start.replace(tzinfo=None), bounds.end.replace(tzinfo=None))
        for bounds in one_by_one
    }
    assert set(fast) == slow
    assert len(fast) == len(slow)


def test_the_windows_of_a_day_are_one_stretch_and_those_of_another_year_another() -> None:
    """
    zone   |-60m-|
           |----------1d----------|   years   |----------1d----------|
    -->    [----------------------)           [----------------------)
    """
    times = [
        datetime(2017, 3, 9, 8, tzinfo=UTC),
        datetime(2017, 3, 9, 23, tzinfo=UTC),
        datetime(2025, 3, 9, tzinfo=UTC),
    ]
    stretches = stretches_of(spans_of(text(["zone"] * 3), times_of(times), {"zone": "UTC"}))
    assert stretches.zone.tolist() == ["zone"] * 2
    assert [str(start)[:13] for start in stretches.start] == ["2017-03-09T00", "2025-03-09T00"]
    assert [str(end)[:13] for end in stretches.end] == ["2017-03-10T00", "2025-03-10T00"]


hours = st.tuples(st.sampled_from(("a", "b")), st.integers(0, 12), st.integers(1, 4))


@given(spans=st.lists(hours, max_size=12))
def test_stretches_cover_what_their_spans_do_and_leave_gaps_between_them(spans: list[tuple[str, int, int]]) -> None:
    zero = np.datetime64("2025-03-03", "us")
    starts = zero + np.array([start for _, start, _ in spans], dtype="timedelta64[h]")
    ends = starts + np.array([length for _, _, length in spans], dtype="timedelta64[h]")
    zones = text([zone for zone, _, _ in spans])
    found = stretches_of(Spans(zones, text([""] * len(spans)), starts.astype("M8[us]"), ends.astype("M8[us]")))
    covered = {(zone, hour) for zone, start, length in spans for hour in range(start, start + length)}
    edges = [(zone, (start - zero) // np.timedelta64(1, "h"), (end - zero) // np.timedelta64(1, "h"))
             for zone, start, end in zip(found.zone, found.start, found.end, strict=True)]  # fmt: skip
    assert {(zone, hour) for zone, start, end in edges for hour in range(start, end)} == covered
    assert not any((zone, end) in covered for zone, _, end in edges), "those that touch are one"
    assert len(edges) == len(set(edges))
