"""The parts of the city's scheduling, each by itself: waiting room, agenda, cadence, health."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.health import CameraState, HealthEvent
from core.records import ClipFault, ClipReady, Status
from ingest.city.agenda import Agenda
from ingest.city.cadence import Cadence
from ingest.city.health import HealthLog
from ingest.city.waiting import WaitingRoom
from ingest.source import UnusableClip

T0 = datetime(2026, 3, 12, 8, 0, tzinfo=UTC)


def clip(camera: str, second: int) -> ClipReady:
    return ClipReady(camera=camera, event_time=T0 + timedelta(seconds=second), location="https://double/x")


ARRIVALS = st.lists(
    st.tuples(st.sampled_from("abcde"), st.integers(0, 50), st.integers(1, 60), st.booleans()), max_size=60
)


@given(ARRIVALS)
def test_every_clip_leaves_the_waiting_room_once_counted_or_skipped(arrivals: list) -> None:
    """In any order of arrivals and takings; never more bytes than allowed, and none left at the end."""
    room = WaitingRoom(100)
    put: list[tuple[str, datetime]] = []
    left: list[ClipReady] = []

    def take() -> None:
        taken = room.take(0)
        if taken is not None:
            left.append(taken)
            if taken.fault is None:
                room.read(taken)

    for camera, second, size, taking in arrivals:
        one = clip(camera, second)
        if (camera, one.event_time) not in put:
            put.append((camera, one.event_time))
            room.put(one, b"x" * size)
        assert room.bytes <= 100
        if taking:
            take()
    for _ in range(2 * len(put)):
        take()
    assert sorted((one.camera, one.event_time) for one in left) == sorted(put)
    assert (room.bytes, room.clips) == (0, 0)
    assert {one.fault.status for one in left if one.fault} <= {Status.SKIPPED}


def test_the_freshest_goes_first_and_a_newer_clip_replaces_its_cameras_last() -> None:
    room = WaitingRoom(1_000)
    for camera, second in (("a", 10), ("b", 30), ("c", 20), ("a", 40)):
        room.put(clip(camera, second), b"bytes")
    skipped = room.take(0)
    assert skipped.fault == ClipFault(status=Status.SKIPPED, reason=skipped.fault.reason)
    assert (skipped.camera, skipped.event_time) == ("a", T0 + timedelta(seconds=10))
    assert [room.take(0).camera for _ in range(3)] == ["a", "b", "c"]


def test_the_bytes_of_a_clip_are_given_once() -> None:
    room = WaitingRoom(1_000)
    room.put(clip("a", 1), b"bytes")
    taken = room.take(0)
    assert room.read(taken) == b"bytes"
    with pytest.raises(UnusableClip, match="no longer in memory"):
        room.read(taken)


def test_a_closed_room_lets_go_of_what_waits_and_what_was_taken_is_still_counted() -> None:
    """A clip in hand when the process is asked to end would be a null for ever: its bytes could not be had again."""
    room = WaitingRoom(1_000)
    room.put(clip("a", 1), b"bytes in hand")
    taken = room.take(0)
    room.put(clip("a", 2), b"bytes")
    room.close()
    room.put(clip("b", 1), b"bytes")
    assert room.take(0) is None
    assert room.read(taken) == b"bytes in hand"
    assert room.bytes == 0


def test_clips_of_cameras_that_have_gone_leave_no_bytes_whether_they_wait_or_were_taken() -> None:
    room = WaitingRoom(1_000)
    for camera in ("gone", "stays"):
        room.put(clip(camera, 1), b"bytes")
    taken = {one.camera: one for one in (room.take(0), room.take(0))}
    for camera in ("gone", "stays"):
        room.put(clip(camera, 2), b"bytes")
    room.forget({"stays"})
    assert room.read(taken["stays"]) == b"bytes"
    with pytest.raises(UnusableClip, match="no longer in memory"):
        room.read(taken["gone"])
    assert room.bytes == len(b"bytes")


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 100), st.sampled_from(["put", "hasten", "postpone"]))))
def test_the_agenda_gives_each_visit_once_and_in_order(entries: list) -> None:
    agenda, due = Agenda(), {}
    for key, second, how in entries:
        at = T0 + timedelta(seconds=second)
        getattr(agenda, how)(key, at)
        if how == "put":
            due[key] = at
        elif key in due:
            due[key] = min(due[key], at) if how == "hasten" else max(due[key], at)
    assert agenda.take(T0 - timedelta(seconds=1)) is None
    taken = [agenda.take(T0 + timedelta(seconds=100)) for _ in due]
    assert sorted(taken) == sorted(due)
    assert [due[key] for key in taken] == sorted(due.values())
    assert (agenda.take(T0 + timedelta(days=1)), len(agenda)) == (None, 0)


@given(
    st.floats(20, 3_600),
    st.lists(st.tuples(st.floats(-0.1, 0.1), st.booleans()), min_size=30, max_size=60),
)
def test_the_cadence_is_learned_through_jitter_and_missed_clips(cadence_s: float, clips: list) -> None:
    """Jitter of a tenth; a quarter of the clips missed, never two in a row."""
    learned, missed = Cadence(300.0), False
    for number, (jitter, miss) in enumerate(clips):
        missed = miss and not missed and number % 4 == 0
        if not missed:
            learned.saw(T0 + timedelta(seconds=cadence_s * (number + jitter)))
    assert learned.seconds == pytest.approx(cadence_s, rel=0.2)


@pytest.mark.parametrize("seed", range(20))
def test_an_unsteady_publisher_is_not_taken_for_a_faster_one(seed: int) -> None:
    learned, random = Cadence(240.0), Random(seed)
    for number in range(200):
        learned.saw(T0 + timedelta(seconds=240.0 * (number + random.uniform(-0.2, 0.2))))
        assert learned.seconds >= 0.79 * 240.0 or number < 15, "by all of its last intervals"


def test_after_one_much_shorter_interval_the_cadence_is_doubted_and_after_two_it_is_forgotten() -> None:
    learned = Cadence(300.0)
    for second in (0, 480, 960, 1440, 1680):
        learned.saw(T0 + timedelta(seconds=second))
    assert (learned.seconds, learned.doubted) == (480, True)
    for second in (1920, 2160):
        learned.saw(T0 + timedelta(seconds=second))
    assert (learned.seconds, learned.doubted) == (240, False)


@given(st.permutations(range(6)))
def test_an_older_clip_tells_nothing_of_the_cadence(order: list[int]) -> None:
    learned = Cadence(300.0)
    for number in order:
        learned.saw(T0 + timedelta(seconds=100 * number))
    assert learned.seconds >= 100


NEWS = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(CameraState), st.integers(0, 500)), max_size=40)


@given(NEWS)
def test_health_events_are_in_order_and_never_repeat(news: list) -> None:
    events: list[HealthEvent] = []
    health = HealthLog(events.append)
    for camera, state, second in news:
        health.note(camera, state, T0 + timedelta(seconds=second), "why" if state is not CameraState.LIVE else None)
    for camera in "ab":
        own = [event for event in events if event.camera == camera]
        assert [event.since for event in own] == sorted(event.since for event in own)
        assert all(before.state is not after.state for before, after in pairwise(own))


def test_reasons_that_differ_in_figures_only_are_one_outage() -> None:
    events: list[HealthEvent] = []
    health = HealthLog(events.append)
    for second in range(5):
        reason = f"placeholder card: {80 + second} % of the picture is one flat tone"
        health.note("a", CameraState.FAULTY, T0 + timedelta(seconds=second), reason)
    health.note("a", CameraState.FAULTY, T0 + timedelta(seconds=9), "smeared: rows are dragged")
    assert [event.since for event in events] == [T0, T0 + timedelta(seconds=9)]


def test_two_contents_of_one_time_are_two_clips() -> None:
    """A file that is written anew keeps its time: each count has the bytes that it is named by."""
    room = WaitingRoom(1_000)
    one, other = (clip("a", 1).model_copy(update={"content": letter * 32}) for letter in "ab")
    room.put(one, b"first")
    taken = room.take(0)
    room.put(other, b"second")
    again = room.take(0)
    assert (room.read(taken), room.read(again), room.bytes) == (b"first", b"second", 0)


def test_what_waits_of_a_camera_that_left_is_let_go() -> None:
    room = WaitingRoom(1_000)
    room.put(clip("a", 1), b"bytes")
    room.put(clip("b", 2), b"bytes")
    room.forget({"a"})
    assert (room.bytes, room.take(0).camera, room.take(0)) == (5, "a", None)


def test_a_state_of_the_future_began_now() -> None:
    events: list[HealthEvent] = []
    wrong = HealthEvent(camera="a", since=T0 + timedelta(days=365), state=CameraState.LIVE)
    health = HealthLog(events.append, known=[wrong], now=T0)
    health.note("a", CameraState.STALE, T0 + timedelta(minutes=5), "nothing new")
    assert [event.since for event in events] == [T0 + timedelta(minutes=5)]
