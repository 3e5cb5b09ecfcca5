"""A day is derived from what was noted of it and the clips since, and is the same as from all of its clips."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from street_counts import TOWER, StoppedClock, counted, figures

from aggregate.aggregator import Aggregator
from aggregate.duckdb_store import DuckDBStore
from aggregate.policy import AggregatePolicy
from aggregate.tables import Clips, ReadingTable, Spans, aware
from core.records import Camera, CountObservation, Status, Window

MIDNIGHT = datetime(2017, 3, 9, tzinfo=UTC)
ZONE = "tower:view"


class WatchedStore(DuckDBStore):
    """Knows how many clips were read at once, last."""

    clips_read = 0

    def clips(self, spans: Spans) -> Clips:
        found = super().clips(spans)
        self.clips_read = len(found)
        return found


def clip(minute: float, cars: float = 2.0, **changes: object) -> CountObservation:
    return counted(MIDNIGHT + timedelta(minutes=minute), figures(car=cars)).model_copy(update=changes)


class Day:
    """A store in memory, and its aggregator."""

    def __init__(self, *cameras: Camera) -> None:
        self.store = WatchedStore.open(None)
        self.store.save_cameras(cameras or [TOWER])
        self.aggregator = Aggregator(self.store, AggregatePolicy(), StoppedClock())

    def accept(self, *clips: CountObservation) -> None:
        self.aggregator.accept(clips)

    @property
    def noted_through(self) -> datetime | None:
        noted = self.store.days_so_far([ZONE])
        return aware(noted.through[0]) if len(noted) else None

    def readings(self) -> dict[str, ReadingTable]:
        ever = MIDNIGHT - timedelta(days=3), MIDNIGHT + timedelta(weeks=100)
        return {
            window: self.store.readings(window=window, series=("car", "people"), start=ever[0], end=ever[1])
            for window in Window
        }


@pytest.fixture
def day() -> Iterator[Day]:
    day = Day()
    with closing(day.store):
        yield day


def same(ours: ReadingTable, theirs: ReadingTable) -> bool:
    ours, theirs = (table.take(np.lexsort((table.start, table.zone.astype(str)))) for table in (ours, theirs))
    return len(ours) == len(theirs) and bool(ours.same_content(theirs).all())


def test_the_hours_that_are_past_are_not_read_again(day: Day) -> None:
    for minute in range(0, 6 * 60, 5):
        day.accept(clip(minute))
    assert day.noted_through == MIDNIGHT + timedelta(hours=5)
    day.accept(clip(6 * 60))
    assert day.store.clips_read == 13, "the hour before, which is over now, and the clip that began the next"
    day.accept(clip(6 * 60 + 5))
    assert day.store.clips_read == 2
    (reading,) = day.readings()[Window.DAY].select(["car"]).records()
    assert (reading.clips_counted, reading.mean) == (74, 2.0)


def test_a_clip_of_a_past_hour_makes_the_note_anew(day: Day) -> None:
    day.accept(*(clip(minute) for minute in range(0, 180, 5)))
    assert day.noted_through == MIDNIGHT + timedelta(hours=2)
    day.accept(clip(31, cars=39))
    assert day.store.clips_read == 37
    assert day.noted_through == MIDNIGHT + timedelta(hours=2)
    day.accept(clip(180))
    (reading,) = day.readings()[Window.DAY].select(["car"]).records()
    assert (reading.clips_counted, reading.peak) == (38, 39.0)


def test_a_recount_of_a_past_hour_counts(day: Day) -> None:
    day.accept(*(clip(minute) for minute in range(0, 120, 5)))
    recount = counted(MIDNIGHT, figures(car=26), counted_at=datetime(2017, 3, 12, tzinfo=UTC))
    day.accept(recount)
    (reading,) = day.readings()[Window.DAY].select(["car"]).records()
    assert reading.mean == 3.0


def test_what_comes_again_changes_nothing(day: Day) -> None:
    """Not the note, and no hour: the day's first begins when the day does, and is another window."""
    clips = [clip(minute, cars=minute) for minute in range(0, 180, 5)]
    day.accept(*clips)
    before = day.readings()
    assert day.aggregator.accept(clips[:3]) == []
    assert day.noted_through == MIDNIGHT + timedelta(hours=2)
    assert all(same(before[window], table) for window, table in day.readings().items())


def test_the_day_before_does_not_take_the_place_of_todays_note(day: Day) -> None:
    day.accept(*(clip(minute) for minute in range(0, 120, 5)))
    day.accept(clip(-100), clip(-30))
    assert day.noted_through == MIDNIGHT + timedelta(hours=1)


def test_of_two_days_at_once_the_newer_is_noted(day: Day) -> None:
    day.accept(*(clip(minute) for minute in range(-180, 120, 5)))
    assert day.noted_through == MIDNIGHT + timedelta(hours=1)


def test_another_camera_of_the_zone_has_a_day_of_its_own(day: Day) -> None:
    day.accept(*(clip(minute) for minute in range(0, 120, 5)))
    zone = TOWER.counted_zones[0]
    other = TOWER.model_copy(update={"id": "twin", "zones": (zone,)})
    day.store.save_cameras([other])
    day.accept(counted(MIDNIGHT + timedelta(minutes=125), figures(car=7), camera="twin", zone=ZONE))
    (reading,) = day.readings()[Window.DAY].select(["car"]).records()
    assert (reading.camera, reading.clips_counted, reading.mean) == ("twin", 1, 7.0)
    day.store.save_cameras([TOWER])
    day.accept(clip(130))
    (reading,) = day.readings()[Window.DAY].select(["car"]).records()
    assert (reading.camera, reading.clips_counted) == ("tower", 25)


def test_a_camera_that_had_the_zone_before_notes_nothing_of_it(day: Day) -> None:
    """Its clips may come late, beside those of the one that has the zone now: two would write one row."""
    (zone,) = TOWER.counted_zones
    now = TOWER.model_copy(update={"id": "twin", "zones": (zone,)})
    before = TOWER.model_copy(update={"zones": (zone.model_copy(update={"id": "tower:other"}),)})
    day.store.save_cameras([before, now])
    day.accept(*(counted(MIDNIGHT + timedelta(minutes=at), camera="twin", zone=ZONE) for at in range(0, 120, 5)))
    day.accept(*(clip(minute) for minute in range(-300, 0, 5)))
    assert day.store.days_so_far([ZONE]).camera.tolist() == ["twin"]


def test_rebuilding_reads_all_clips_and_lets_go_of_what_was_noted(day: Day) -> None:
    day.accept(*(clip(minute) for minute in range(0, 120, 5)))
    noted = day.store.days_so_far([ZONE])
    noted.moments[:] += 1000  # as nothing of ours would
    day.store.note_days(noted)
    before = day.readings()
    day.aggregator.rebuild(MIDNIGHT, MIDNIGHT + timedelta(days=1))
    assert day.noted_through is None
    assert all(same(before[window], table) for window, table in day.readings().items())


TIMEZONES = {
    "london": "Europe/London",
    "kolkata": "Asia/Kolkata",
    "kathmandu": "Asia/Kathmandu",
    "new-york": "America/New_York",
}


@pytest.fixture(scope="module")
def cities() -> Iterator[tuple[Day, Day]]:
    """A camera in each time zone, twice."""
    cameras = [TOWER.model_copy(update={"id": name, "timezone": zone}) for name, zone in TIMEZONES.items()]
    two = Day(*cameras), Day(*cameras)
    yield two
    for city in two:
        city.store.close()


weeks = itertools.count()


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(minutes=st.lists(st.integers(-900, 900), min_size=1, max_size=20), data=st.data())
def test_any_order_and_any_batches_give_what_all_clips_give(
    cities: tuple[Day, Day], minutes: list[int], data: st.DataObject
) -> None:
    """Two days of clips, in batches, with repeats and recounts, where the day begins on the hour and where not."""
    begin = MIDNIGHT + timedelta(weeks=next(weeks))  # so that a store can serve many examples
    cars = st.integers(0, 30_000_000).map(lambda millionths: millionths / 1e6)
    clips = [
        counted(
            begin + timedelta(minutes=minute),
            figures(car=data.draw(cars)),
            camera=data.draw(st.sampled_from(sorted(TIMEZONES))),
            status=data.draw(st.sampled_from([Status.OK, Status.OK, Status.DARK])),
            counted_at=begin + timedelta(days=3, seconds=number),
        )
        for number, minute in enumerate(minutes)
    ]
    size = data.draw(st.integers(1, 10))
    noting, anew = cities
    for first in range(0, len(clips), size):
        noting.accept(*clips[first : first + size])
    anew.store.upsert_observations(clips)
    anew.aggregator.rebuild(begin - timedelta(days=2), begin + timedelta(days=2))
    theirs = anew.readings()
    assert all(same(ours, theirs[window]) for window, ours in noting.readings().items())
