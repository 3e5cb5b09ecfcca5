"""Clips that were published and replaced between two visits: each told once as skipped, and none that was served."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from city_double import START, Publisher, Run
from hand_clock import HandClock
from hypothesis import given
from hypothesis import strategies as st

from core.health import CameraState
from core.records import Camera, ClipReady, Status
from ingest.city.config import CityConfig
from ingest.city.waiting import WaitingRoom
from ingest.city.watch import FAR_S, PASSED_OVER, UNWATCHED, CameraWatch
from ingest.feed import FetchFailed, ListedCamera, Media, Version
from ingest.known import Known

T0 = datetime(2026, 3, 12, 8, 0, tzinfo=UTC)
CADENCE_S = 240.0
LAG_S = 20.0
CAMERA = Camera(id="a", name="a", lat=51.5, lon=-0.1, cadence_s=CADENCE_S)


def at(second: float) -> datetime:
    return T0 + timedelta(seconds=second)


def a_watch(*, keeps: bool = False) -> CameraWatch:
    listed = ListedCamera(CAMERA, "https://double/a.mp4")
    return CameraWatch(listed, CAMERA, CityConfig(), lambda *_: None, Random(1), keeps=keeps)


def arrives(watch: CameraWatch, number: int, filmed: datetime | None, now: datetime) -> list[ClipReady]:
    return list(watch.arrived(Media(f"clip {number}".encode(), filmed, Version(str(number), filmed)), now))


def faults(clips: list[ClipReady]) -> list[ClipReady]:
    return [clip for clip in clips if clip.fault is not None]


VISITS = st.lists(
    st.tuples(
        st.integers(0, 4),  # clips that come and go unseen before this visit
        st.floats(0, 0.8),  # how late it comes, in cadences
        st.sampled_from(["", "look", "again"]),  # and is followed by another one, with nothing new
    ),
    min_size=1,
    max_size=15,
)


@given(VISITS, st.lists(st.floats(-0.03, 0.03), min_size=90, max_size=90))
def test_what_was_not_served_is_told_once_and_what_was_never_is(visits: list, jitter: list[float]) -> None:
    watch = a_watch()
    filmed = [at(CADENCE_S * (number + jitter[number])) for number in range(90)]
    served: list[int] = []
    told: list[ClipReady] = []
    number = -1
    for passed_over, late, then in [(0, 0.0, "")] * 5 + visits:
        number += passed_over + 1
        came = filmed[number] + timedelta(seconds=LAG_S + late * CADENCE_S)
        found = arrives(watch, number, filmed[number], came)
        assert [clip.event_time for clip in found if clip.fault is None] == [filmed[number]]
        if then == "look":
            found += watch.unchanged(came + timedelta(seconds=20))
        if then == "again":
            found += arrives(watch, served[-1] if served else number, filmed[number], came + timedelta(seconds=20))
        served.append(number)
        told += faults(found)
    unserved = sorted(set(range(number)) - set(served))
    assert {clip.fault.status for clip in told} <= {Status.SKIPPED}
    assert len(told) == len(unserved)
    for clip, missing in zip(told, unserved, strict=True):
        assert abs((clip.event_time - filmed[missing]).total_seconds()) < 0.3 * CADENCE_S


@given(st.lists(st.tuples(st.integers(0, int(FAR_S / CADENCE_S)), st.floats(0, 4)), max_size=30), st.booleans())
def test_in_any_order_no_moment_is_told_twice_and_what_is_older_tells_nothing(arrivals: list, keeps: bool) -> None:
    """Publishers of several servers give old and new in turn."""
    watch, now, told = a_watch(keeps=keeps), at(0), []
    for number, late in arrivals:
        filmed = at(CADENCE_S * number)
        now = max(now, filmed) + timedelta(seconds=late * CADENCE_S)
        newest = watch.event_time
        found = faults(arrives(watch, number, filmed, now))
        if newest is not None and filmed <= newest:
            assert [clip for clip in found if clip.fault.status is Status.SKIPPED] == []
        assert all(clip.event_time < now for clip in found)
        told += [clip.event_time for clip in found]
    assert all(later > earlier for earlier, later in pairwise(told))


def test_a_publisher_that_keeps_its_clips_replaces_none() -> None:
    watch = a_watch(keeps=True)
    found = [clip for number in (0, 1, 2, 3, 9) for clip in arrives(watch, number, at(CADENCE_S * number), at(2200))]
    assert faults(found) == []


def test_when_it_was_looked_at_in_vain_nothing_had_been_published() -> None:
    """A publisher that slows down to one and a half cadences has skipped nothing: we were looking."""
    watch, told = a_watch(), []
    for second in (0, 240, 480, 720, 960):
        arrives(watch, second, at(second), at(second + LAG_S))
    for number in range(1, 4):
        due = 960 + 370 * number
        for before in (120, 90, 60, 30):
            told += watch.unchanged(at(due + LAG_S - before))
        told += faults(arrives(watch, due, at(due), at(due + LAG_S)))
    assert told == []


def test_a_publisher_that_tells_no_time_may_give_a_clip_that_is_nearly_a_cadence_old() -> None:
    watch = a_watch()
    assert faults([*arrives(watch, 0, None, at(0)), *arrives(watch, 1, None, at(1.9 * CADENCE_S))]) == []
    assert len(faults(arrives(watch, 4, None, at(5 * CADENCE_S)))) == 1, "of two, at least one was missed"


def test_clips_of_a_failing_publisher_are_told_with_its_failure() -> None:
    watch = a_watch()
    for number in range(4):
        arrives(watch, number, at(CADENCE_S * number), at(CADENCE_S * number + LAG_S))
    told = list(watch.failed(FetchFailed("double answered 503", retry_after_s=900), at(CADENCE_S * 4 + LAG_S)))
    told += faults(arrives(watch, 7, at(CADENCE_S * 7), at(CADENCE_S * 7 + LAG_S)))
    assert [clip.event_time for clip in told] == [at(CADENCE_S * number) for number in (4, 5, 6)]
    assert {clip.fault.status for clip in told} == {Status.UNREACHABLE}
    assert faults(arrives(watch, 9, at(CADENCE_S * 9), at(CADENCE_S * 9)))[0].fault.status is Status.SKIPPED


def test_clips_that_nobody_fetched_tell_nothing_of_the_pace() -> None:
    """Long overload: every third clip is fetched, and the two between go on being told."""
    watch, told = a_watch(), []
    for number in range(0, 90, 3):
        told += faults(arrives(watch, number, at(CADENCE_S * number), at(CADENCE_S * number + LAG_S)))
    assert len(told) == 2 * 29
    assert watch.cadence_s == CADENCE_S


def test_what_was_told_is_not_told_again_by_whoever_goes_on() -> None:
    first = a_watch()
    for number in range(4):
        arrives(first, number, at(CADENCE_S * number), at(CADENCE_S * number + LAG_S))
    told = list(first.failed(FetchFailed("double answered 503"), at(CADENCE_S * 7)))
    second = a_watch()
    assert first.known is not None
    second.resume(first.known, at(CADENCE_S * 7 + 1))
    told += second.failed(FetchFailed("double answered 503"), at(CADENCE_S * 7 + 5))
    told += faults(arrives(second, 9, at(CADENCE_S * 9), at(CADENCE_S * 9 + LAG_S)))
    assert [clip.event_time for clip in told] == [at(CADENCE_S * number) for number in range(4, 9)]


def test_where_nobody_knows_what_was_told_nothing_is() -> None:
    watch = a_watch()
    watch.resume(Known(at(0), "content"), at(1))
    assert faults(arrives(watch, 20, at(CADENCE_S * 20), at(CADENCE_S * 20 + LAG_S))) == []


def test_what_came_and_went_while_nothing_ran_is_told_as_that() -> None:
    """Eight of nine clips; the ninth could still be had when we came, and was replaced before it was asked for."""
    watch = a_watch()
    watch.resume(Known(at(0), "content", slot=at(0)), at(CADENCE_S * 10 - 1))
    told = faults(arrives(watch, 10, at(CADENCE_S * 10), at(CADENCE_S * 10 + LAG_S)))
    assert [clip.event_time for clip in told] == [at(CADENCE_S * number) for number in range(1, 10)]
    assert [clip.fault for clip in told] == [UNWATCHED] * 8 + [PASSED_OVER]


def test_what_is_said_of_a_camera_begins_when_it_is_watched_again() -> None:
    """It fails at the first visit, which says nothing of the half hour before. Of the last clip it is not sure yet."""
    watch = a_watch()
    watch.resume(Known(at(0), "content", slot=at(CADENCE_S * 2)), at(CADENCE_S * 9))
    told = list(watch.failed(FetchFailed("double answered 503"), at(CADENCE_S * 12)))
    assert [clip.event_time for clip in told] == [at(CADENCE_S * number) for number in range(3, 11)]
    assert [clip.fault == UNWATCHED for clip in told] == [True] * 5 + [False] * 3
    assert {clip.fault.status for clip in told[5:] if clip.fault} == {Status.UNREACHABLE}


def test_what_stood_still_while_nothing_ran_was_not_there() -> None:
    watch = a_watch()
    content = hashlib.sha256(b"clip 0").hexdigest()[:32]
    watch.resume(Known(at(0), content, slot=at(0)), at(CADENCE_S * 9))
    told = faults(arrives(watch, 0, at(0), at(CADENCE_S * 9 + 1)))
    assert len(told) == 7
    assert {clip.fault.status for clip in told if clip.fault} == {Status.FROZEN}


@pytest.mark.parametrize(
    ("down", "lag_s", "answers"),
    [(1.9, LAG_S, False), (6.9, LAG_S, False), (7.3, LAG_S, False), (7.3, 0.9 * CADENCE_S, False),
     (1.87, 0.9 * CADENCE_S, True)],
)  # fmt: skip
def test_a_clip_that_can_still_be_had_after_a_restart_is_not_told_before_it_is_counted(
    down: float, lag_s: float, answers: bool
) -> None:
    """The first request fails, as where the network comes later than we, or finds nothing new of a late publisher."""
    watch = a_watch()
    watch.resume(Known(at(0), "content", slot=at(0)), at(CADENCE_S * down))
    now = at(CADENCE_S * down + 5)
    told = list(watch.unchanged(now) if answers else watch.failed(FetchFailed("double answered 503"), now))
    there = int((CADENCE_S * down + 12 - lag_s) / CADENCE_S)
    told += arrives(watch, there, at(CADENCE_S * there), at(CADENCE_S * down + 12))
    assert [clip.event_time for clip in told] == [at(CADENCE_S * number) for number in range(1, there + 1)]


def test_what_a_publisher_keeps_is_not_told_as_gone() -> None:
    """A folder that comes an hour late after a restart: its files are counted, and nothing else is said of the hour."""
    watch = a_watch(keeps=True)
    watch.resume(Known(at(0), "content", slot=at(0)), at(CADENCE_S * 15))
    told = list(watch.failed(FetchFailed("no such folder"), at(CADENCE_S * 15 + 5)))
    for number in range(1, 16):
        told += arrives(watch, number, at(CADENCE_S * number), at(CADENCE_S * 15 + 30 + number))
    assert [clip.event_time for clip in told] == [at(CADENCE_S * number) for number in range(1, 16)]


def test_what_nobody_watched_is_not_for_want_of_time() -> None:
    skipped: list[str] = []
    room = WaitingRoom(1_000)
    room.on_skip = skipped.append
    for fault in (UNWATCHED, PASSED_OVER):
        room.put_fault(ClipReady(camera="a", event_time=at(0), location="a", fault=fault))
    assert skipped == ["a"]
    assert [room.take(0.0).fault for _ in range(2)] == [UNWATCHED, PASSED_OVER]  # type: ignore[union-attr]


def test_what_was_missed_long_ago_is_not_told() -> None:
    watch = a_watch()
    arrives(watch, 0, at(0), at(LAG_S))
    found = faults(arrives(watch, 1000, at(CADENCE_S * 1000), at(CADENCE_S * 1000 + LAG_S)))
    assert 28 <= len(found) <= 30, "two hours"
    assert found[0].event_time > at(CADENCE_S * 1000 - 7200)


@pytest.mark.parametrize("lists_newest", [True, False])
def test_visits_that_come_late_leave_no_clip_without_a_word(lists_newest: bool) -> None:
    """A budget or threads that are too few: every quarter of an hour a visit, and clips every four minutes."""
    run = Run(Publisher(HandClock(START), lists_newest=lists_newest))
    run.go(3600)
    run.clips.clear()
    counted: Counter[str] = Counter()
    run.city.waiting.on_skip = lambda camera: counted.update([camera])
    run.go(3 * 3600, tick_s=900)
    for camera in run.publisher.names:
        served = {clip.event_time for clip in run.counted(camera)}
        first, last = min(served), max(served)
        published = [first + timedelta(seconds=CADENCE_S * number) for number in range(60)]
        missing = [time for time in published if time < last and time not in served]
        told = [clip for clip in run.faults(camera) if first < clip.event_time < last]
        assert len(missing) >= 20
        assert [clip.event_time for clip in told] == missing
        assert {clip.fault.status for clip in told} == {Status.SKIPPED}
        assert counted[camera] == len(run.faults(camera)), "they are counted as skipped"


@dataclass
class Unsteady(Publisher):
    """Clips up to a fifth of a cadence early or late."""

    def filmed(self, camera: str, number: int) -> datetime:
        wobble = Random(f"{camera} {number}").uniform(-0.2, 0.2)
        return super().filmed(camera, number) + timedelta(seconds=wobble * self.cadence_s)

    def number(self, camera: str) -> int:
        now = self.clock.now() - timedelta(seconds=self.lag_s)
        guess = math.floor((now - START).total_seconds() / self.cadence_s) + 2
        return next(number for number in range(guess, guess - 9, -1) if self.filmed(camera, number) <= now)


@pytest.mark.parametrize("lists_newest", [True, False])
@pytest.mark.parametrize("cadence_s", [60.0, 240.0, 600.0])
def test_of_an_unsteady_camera_that_is_watched_nothing_is_told(lists_newest: bool, cadence_s: float) -> None:
    publisher = Unsteady(HandClock(START), cadence_s=cadence_s, lists_newest=lists_newest)
    run = Run(publisher)
    run.go(40 * cadence_s)
    run.clips.clear()
    run.go(60 * cadence_s)
    for camera in publisher.names:
        assert run.faults(camera) == []
        assert len(run.counted(camera)) in (59, 60, 61)


def test_after_a_restart_a_time_that_is_far_too_old_is_not_the_pictures() -> None:
    """A server that dates every answer with its own start; the clip that would show that it never moves is gone."""
    watch = a_watch()
    watch.resume(Known(at(0), "content"), at(1))
    born = at(-70 * 86_400)
    times = [
        clip.event_time
        for number in (1, 2)
        for clip in watch.arrived(Media(f"{number}".encode(), born, Version(None, born)), at(CADENCE_S * number))
    ]
    assert times == [at(CADENCE_S), at(2 * CADENCE_S)]


@dataclass
class SetBack(Publisher):
    """Its clock is set back by `hours` some time, and right again later."""

    hours: float = 0.0

    def version(self, camera: str) -> Version:
        told = super().version(camera)
        return Version(told.etag, told.modified - timedelta(hours=self.hours)) if told.modified else told


@pytest.mark.parametrize("hours", [1, 5])
@pytest.mark.parametrize("lists_newest", [True, False])
def test_a_publishers_clock_that_is_set_back_costs_no_clip(lists_newest: bool, hours: int) -> None:
    publisher = SetBack(HandClock(START), lists_newest=lists_newest)
    run = Run(publisher)
    run.go(7200)
    set_back = publisher.clock.now()
    publisher.hours = hours
    run.go(7200)
    publisher.hours = 0
    right_again = publisher.clock.now()
    run.go(7200)
    for camera in publisher.names:
        times = [clip.event_time for clip in run.counted(camera)]
        assert len(times) in (89, 90, 91), "a clip every four minutes, in six hours"
        (told,) = run.faults(camera)
        assert told.fault.status is Status.FROZEN, "in the place of the first clip of the other clock"
        (misplaced,) = [place for place, (one, other) in enumerate(pairwise(times), 1) if other < one]
        assert times[misplaced] == pytest.approx(set_back - timedelta(hours=hours), abs=timedelta(seconds=300))
        times[misplaced] = told.event_time
        assert all(abs((other - one).total_seconds() - CADENCE_S) < 75 for one, other in pairwise(times))
        assert max(times) > right_again + timedelta(seconds=6500)
    assert {event.state for event in run.events} <= {CameraState.WAITING, CameraState.LIVE}


@pytest.mark.parametrize("keeps", [True, False])
def test_what_may_have_come_late_keeps_its_time(keeps: bool) -> None:
    """A server that lags; and, however old, a file that its writer brings late."""
    watch = a_watch(keeps=keeps)
    watch.resume(Known(at(0), "content"), at(1))
    filmed = at(-FAR_S) if not keeps else at(-70 * 86_400)
    assert [clip.event_time for clip in arrives(watch, 1, filmed, at(60))] == [filmed]
