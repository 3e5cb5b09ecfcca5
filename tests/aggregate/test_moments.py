"""What clips add up to depends neither on their order nor on the parts that they are added in, to the last bit."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from street_counts import NOON, TOWER, counted, figures, ground
from street_tables import clips_of

from aggregate.moments import Moments, moments_of, newest_counts, nothing
from aggregate.tables import Spans, moment, text
from core.records import SERIES, CountObservation, Shares, Status

PEOPLE = SERIES.index("people")
CAMERA_OF = {"tower:view": TOWER}


def span(start: datetime, end: datetime) -> Spans:
    return Spans(text(["tower:view"]), text([""]), np.array([moment(start)]), np.array([moment(end)]))


def added(clips: list[CountObservation], minutes: float = 60, start: datetime = NOON) -> Moments:
    """What the clips of so many minutes add up to."""
    within = span(start, start + timedelta(minutes=minutes))
    return moments_of(within, newest_counts(clips_of(clips), CAMERA_OF))


def test_sums_of_two_clips() -> None:
    first = counted(
        NOON,
        figures(pedestrian=1.5, car=2),
        peak=figures(pedestrian=3),
        stationary=figures(pedestrian=0.5),
        ground=ground(area_m2=100, area_error=0.1, crowded_share=0.25),
    )
    second = counted(NOON + timedelta(minutes=5), figures(pedestrian=0.25), peak=figures(pedestrian=1))
    second = second.model_copy(update={"stationary": None})
    both = added([first, second])
    assert both.of_status(Status.OK).tolist() == [2]
    assert both.sum_of("present")[0, PEOPLE] == 1_750_000
    assert both.sum_of("squares")[0, PEOPLE] == 2_250_000 + 62_500
    assert both.peak[0, PEOPLE] == 3_000_000
    assert (both.sum_of("still")[0, PEOPLE], both.sum_of("among")[0, PEOPLE]) == (500_000, 1_500_000)
    assert (both.sum_of("area")[0], both.sum_of("grounded")[0], both.sum_of("area_error")[0]) == (10**8, 1, 10**7)
    assert (both.sum_of("crowded")[0], both.sum_of("crowding")[0]) == (250_000, 1)


def test_a_clip_that_was_not_counted_is_a_clip_and_no_more() -> None:
    dark = added([counted(NOON, status=Status.DARK)])
    assert dark.of_status(Status.DARK).tolist() == [1]
    assert dark.sums.sum() == 1
    assert not dark.peak.any()


def test_nothing_is_added_where_no_clip_is() -> None:
    later = added([counted(NOON)], start=NOON + timedelta(hours=1))
    assert np.array_equal(later.numbers, nothing(1).numbers)


SIXTH_DECIMALS = st.integers(0, 40_000_000).map(lambda millionths: millionths / 1e6)


@st.composite
def hours(draw: st.DrawFn) -> list[CountObservation]:
    """Clips of an hour, with figures of six decimals, some of them not counted."""
    minutes = draw(st.lists(st.integers(0, 59), min_size=1, max_size=12, unique=True))
    shares = st.none() | st.builds(Shares, people=st.floats(0, 1), vehicles=st.floats(0, 1))
    grounds = st.none() | st.builds(ground, area_m2=st.floats(1, 1e5), area_error=st.floats(0, 2))
    clips = []
    for minute in minutes:
        at = NOON + timedelta(minutes=minute)
        if draw(st.integers(0, 3)) == 0:
            clips.append(counted(at, status=Status.DARK))
            continue
        present = figures(pedestrian=draw(SIXTH_DECIMALS), bus=draw(SIXTH_DECIMALS))
        clips.append(counted(at, present, low=present, high=present, shared=draw(shares), ground=draw(grounds)))
    return clips


@settings(max_examples=50, deadline=None)
@given(clips=hours(), minute=st.integers(0, 60), data=st.data())
def test_the_parts_of_an_hour_add_up_to_it_in_any_order(
    clips: list[CountObservation], minute: int, data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(clips))
    parts = added(shuffled, minute) + added(clips, 60 - minute, NOON + timedelta(minutes=minute))
    assert np.array_equal(parts.numbers, added(clips).numbers)


@given(clips=hours())
def test_kept_numbers_are_the_moments(clips: list[CountObservation]) -> None:
    moments = added(clips)
    again = Moments.of_numbers(moments.numbers)
    assert np.array_equal(again.sums, moments.sums)
    assert np.array_equal(again.peak, moments.peak)
