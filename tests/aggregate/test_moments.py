"""What clips add up to depends neither on their order nor on the parts that they are added in, to the last bit."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from street_counts import NOON, TOWER, counted, figures, ground
from street_tables import clips_of

from aggregate.moments import NUMBERS, Moments, moments_of, newest_counts, nothing
from aggregate.tables import Spans, moment, text
from core.figures import MOST_PRESENT, SERIES, Shares
from core.records import CountObservation, Status

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


@pytest.mark.parametrize(("area_m2", "area_error"), [(1e6, 1e300), (1e20, 0.1)])
def test_a_day_of_the_largest_figures_that_a_record_takes_adds_up(area_m2: float, area_error: float) -> None:
    """A clip a second: what is beyond 64 bits would come back as less than nothing."""
    most = figures(pedestrian=MOST_PRESENT, car=MOST_PRESENT)
    still = figures(car=MOST_PRESENT)
    clip = counted(NOON, most, low=figures(), high=most, stationary=still, ground=ground(area_m2, area_error))
    moments = added([clip])
    assert moments.sums.min() == 0
    assert int(moments.sums.max()) * 24 * 60 * 60 < 2**63
    assert moments.sum_of("squares")[0, PEOPLE] == 10**14


@pytest.mark.parametrize("area_m2", [1e-9, 1e7])
def test_ground_of_an_area_that_no_picture_shows_is_not_known(area_m2: float) -> None:
    sums = added([counted(NOON, ground=ground(area_m2))])
    assert not any(sums.sum_of(name).any() for name in ("area", "grounded", "area_error"))
    assert sums.of_status(Status.OK).tolist() == [1]


def test_what_stores_keep_of_a_day_is_what_it_was() -> None:
    """Whoever has to change this: notes of before say something else, so a migration of each store empties them."""
    of_series = ("present", "squares", "still", "among", "error", "erring", "shared")
    of_clip = ("area", "grounded", "area_error", "crowded", "crowding")
    kept = Moments.of_numbers(np.arange(NUMBERS)[np.newaxis])
    assert [kept.of_status(status)[0] for status in Status] == list(range(15))
    assert [kept.sum_of(name)[0, 0] for name in of_series] == list(range(15, 78, 9))
    assert [kept.sum_of(name)[0] for name in of_clip] == list(range(78, 83))
    assert kept.peak.tolist() == [list(range(83, 92))]


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
