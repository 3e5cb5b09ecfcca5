"""Cameras that a list lacks: a few have left it; of many at once, the list is asked again."""

from __future__ import annotations

import pytest
from city_double import START, Publisher, Run
from hand_clock import HandClock
from hypothesis import given
from hypothesis import strategies as st

from core.health import CameraState
from core.records import Camera
from core.shelf_memory import MemoryShelf
from ingest.city.known_lists import KnownLists
from ingest.city.leaving import MANY, Leaving
from ingest.feed import ListedCamera

TEN = tuple("abcdefghij")
LISTED = {name: ListedCamera(Camera(id=name, name=name, lat=51, lon=0), f"https://double/{name}") for name in TEN}
LIST_EVERY_S = 600.0


def withdrawn(run: Run) -> set[str]:
    return {event.camera for event in run.events if event.state is CameraState.WITHDRAWN}


def test_a_list_that_is_cut_off_once_takes_no_camera_away(caplog: pytest.LogCaptureFixture) -> None:
    publisher = Publisher(HandClock(START), names=TEN)
    run = Run(publisher)
    run.go(3600)
    publisher.hidden = set(TEN[1:])
    run.go(LIST_EVERY_S)
    publisher.hidden = set()
    run.go(2 * LIST_EVERY_S)
    assert withdrawn(run) == set()
    assert all(len(run.counted(camera)) >= 19 for camera in TEN), "they were visited all the time"
    assert caplog.text.count("its list lacks 9 of the 10 cameras that it had") == 1


def test_nor_does_one_that_is_cut_off_right_after_a_restart() -> None:
    lists, clock = KnownLists(MemoryShelf()), HandClock(START)
    Run(Publisher(clock, names=TEN), lists=lists).go(60)
    publisher = Publisher(clock, names=TEN, hidden=set(TEN[1:]))
    run = Run(publisher, lists=lists)
    run.go(LIST_EVERY_S)
    assert all(run.counted(camera) for camera in TEN), "they are visited as before"
    run.go(LIST_EVERY_S)
    assert withdrawn(run) == set(TEN[1:]), "unless the next list lacks them too"


def test_many_that_two_lists_lack_have_left_and_come_back_with_the_next() -> None:
    publisher = Publisher(HandClock(START), names=TEN)
    run = Run(publisher)
    run.go(3600)
    publisher.hidden = set(TEN[4:])
    run.go(LIST_EVERY_S)
    assert withdrawn(run) == set()
    run.go(LIST_EVERY_S)
    assert withdrawn(run) == set(TEN[4:])
    publisher.hidden = set()
    run.go(2 * LIST_EVERY_S)
    assert all(run.counted(camera)[-1].event_time > START for camera in TEN[4:])
    before = len(run.counted("j"))
    run.go(1200)
    assert len(run.counted("j")) >= before + 4


@pytest.mark.parametrize("hidden", [{"a"}, {"a", "b"}])
def test_a_few_leave_at_once(hidden: set[str]) -> None:
    publisher = Publisher(HandClock(START), names=TEN)
    run = Run(publisher)
    run.go(3600)
    publisher.hidden = hidden
    run.go(LIST_EVERY_S)
    assert withdrawn(run) == hidden


@given(st.lists(st.sets(st.sampled_from(TEN)), max_size=20))
def test_whoever_leaves_was_lacked_twice_or_left_with_few(lists: list[set[str]]) -> None:
    leaving, known, lacked = Leaving("double"), dict(LISTED), set()
    for names in lists:
        staying = {one.camera.id for one in leaving.stay([LISTED[name] for name in sorted(names)], known)}
        assert staying.isdisjoint(names)
        left = known.keys() - names - staying
        assert left <= lacked or len(left) <= max(1, MANY * len(known))
        lacked = known.keys() - names
        known = {name: LISTED[name] for name in names | staying}
