"""While a publisher does not list its cameras: those of its list before are visited, and what is not known is said."""

from __future__ import annotations

import pytest
from city_double import START, Publisher, Run, failing
from hand_clock import HandClock
from shared_city import Process, World

from core.errors import StoreError
from core.health import CameraState, HealthEvent
from core.records import Camera
from core.shelf import Document
from core.shelf_memory import MemoryShelf
from ingest.city.known_lists import KnownLists
from ingest.city.source import as_listed
from ingest.feed import ListedCamera

HOUR = 3600.0
DOWN = failing("*list", message="double answered 503")


def cameras(*names: str) -> list[Camera]:
    return [Camera(id=name, name=name, lat=51.5, lon=-0.1) for name in names]


def live(*names: str) -> list[HealthEvent]:
    return [HealthEvent(camera=name, since=START, state=CameraState.LIVE) for name in names]


def named_anew(listed: ListedCamera, learned_s: float | None) -> Camera:
    return as_listed(listed, learned_s).model_copy(update={"name": "a new name"})


def test_after_a_restart_cameras_are_visited_by_the_list_before() -> None:
    lists = KnownLists(MemoryShelf())
    clock = HandClock(START)
    first = Run(Publisher(clock, withdrawn={"c": "switched off"}), lists=lists)
    first.go(HOUR)
    again = Run(Publisher(clock, fault=DOWN), already=dict(first.city.runners[0].known), lists=lists)
    again.go(HOUR)
    assert len(again.counted("a")) >= 13, "a clip every four minutes"
    contents = [clip.content for clip in (*first.clips, *again.clips) if clip.content]
    assert len(contents) == len(set(contents)), "and none twice"
    assert again.counted("c") == [], "what was withdrawn then is withdrawn still"
    assert CameraState.WITHDRAWN in [event.state for event in again.events if event.camera == "c"]
    assert again.city.list_failures["double"] > 5
    again.publisher.fault = lambda _: None
    again.go(HOUR)
    assert again.counted("c"), "the list of now holds as soon as it comes"


def test_a_feed_that_is_exchanged_goes_on_with_the_list_of_its_predecessor() -> None:
    """As when its contact changes. What its media say is told all the same."""
    clock = HandClock(START)
    run = Run(Publisher(clock, lists_newest=True))
    run.go(HOUR)
    successor = Publisher(clock, lists_newest=True, fault=DOWN)
    run.city.replace([successor], as_listed)
    before = len(run.counted("a"))
    run.go(HOUR)
    assert len(run.counted("a")) - before >= 13
    successor.fault = failing("*list", "*newest", "a", "b", "c")
    run.go(HOUR)
    assert len(run.faults("a")) >= 10
    assert run.events[-1].state is CameraState.UNREACHABLE


@pytest.mark.parametrize("exchanged", [True, False])
def test_what_somebody_no_longer_wants_to_watch_is_not_watched_by_the_list_before(*, exchanged: bool) -> None:
    """He has narrowed the source, for a reason, and its list cannot be had."""
    lists, clock = KnownLists(MemoryShelf()), HandClock(START)
    run = Run(Publisher(clock), lists=lists)
    run.go(HOUR)
    narrowed = Publisher(clock, fault=DOWN, choice="only a")
    if exchanged:
        run.city.replace([narrowed], as_listed)
    else:
        run = Run(narrowed, lists=lists)
    run.go(HOUR)
    assert narrowed.fetches == []
    narrowed.fault, narrowed.hidden = lambda _: None, {"b", "c"}
    run.go(HOUR)
    assert {camera for _, camera in narrowed.fetches} == {"a"}


def test_a_camera_that_the_list_of_now_lacks_is_withdrawn_although_it_was_visited() -> None:
    lists, clock = KnownLists(MemoryShelf()), HandClock(START)
    Run(Publisher(clock, names=("a", "b", "c", "d", "e", "f")), lists=lists).go(60)
    run = Run(Publisher(clock, names=("a", "b", "c", "d", "e", "f"), fault=DOWN), lists=lists)
    run.go(HOUR / 2)
    run.publisher.fault, run.publisher.hidden = lambda _: None, {"f"}
    run.go(HOUR)
    assert [event.state for event in run.events if event.camera == "f"][-1] is CameraState.WITHDRAWN


def test_cameras_of_which_no_list_is_kept_say_that_they_cannot_be_reached() -> None:
    run = Run(Publisher(HandClock(START), fault=DOWN), before=cameras("a", "b", "c"), known=live("a", "b", "c"))
    run.go(HOUR)
    said = [(event.camera, event.state) for event in run.events]
    assert said == [(name, CameraState.UNREACHABLE) for name in "abc"], "once each"
    assert run.events[0].reason == "double: its list of cameras cannot be had: double answered 503"
    assert set(run.city.sources.items()) == {(name, "double") for name in "abc"}, "the alarm asks of which source"
    assert {camera.id for camera in run.city.cameras} == {"a", "b", "c"}
    run.publisher.fault = lambda _: None
    run.go(HOUR)
    assert run.counted("a")


def test_an_adapter_that_raises_what_it_should_not_has_no_list() -> None:
    def broken(camera: str) -> None:
        if camera == "*list":
            raise KeyError("places")

    run = Run(Publisher(HandClock(START), fault=broken), before=cameras("a"), known=live("a"))
    run.go(60)
    assert [event.state for event in run.events] == [CameraState.UNREACHABLE]
    assert "KeyError" in (run.events[0].reason or "")


def test_whose_a_camera_is_shows_when_every_feed_was_asked() -> None:
    clock = HandClock(START)
    run = Run(Publisher(clock, names=("a",), fault=DOWN), before=cameras("a", "x"), known=live("a", "x"))
    other = Publisher(clock, names=("x",), name="other")
    run.city.replace([run.publisher, other], as_listed)
    assert {camera.id for camera in run.city.cameras} == {"a", "x"}, "those of which nobody knows whose they are stay"
    run.go(HOUR)
    assert [(event.camera, event.state) for event in run.events] == [("a", CameraState.UNREACHABLE)]
    assert dict(run.city.sources) == {"a": "double", "x": "other"}


def test_new_names_hold_at_once_although_the_list_cannot_be_had(caplog: pytest.LogCaptureFixture) -> None:
    run = Run(Publisher(HandClock(START)))
    run.go(HOUR)
    told: list[set[str]] = []
    run.city.on_cameras = lambda found: told.append({camera.name for camera in found})
    run.publisher.fault = DOWN
    run.city.replace([run.publisher], named_anew)
    assert {camera.name for camera in run.city.cameras} == {"a new name"}
    assert told == [{"a new name"}]
    assert "holds as soon as" not in caplog.text
    run.city.replace([Publisher(run.clock, fault=DOWN)], as_listed)
    assert "double: what is new of it holds as soon as it has given its list of cameras" in caplog.text
    assert {camera.name for camera in run.city.cameras} == {"a new name"}
    run.go(5)
    assert {camera.name for camera in run.city.cameras} == {"a", "b", "c"}, "with the list before, by its new names"


def test_a_process_of_a_cluster_goes_on_with_the_list_that_another_has_kept() -> None:
    world = World(places=2)
    first = world.add()
    for place in range(2):
        world.give(place, first)
    world.go(HOUR)
    world.kill(first)
    world.publisher = {"fault": DOWN}
    second: Process = world.add()
    for place in range(2):
        world.give(place, second)
    began = len(world.records)
    world.go(HOUR)
    assert {record.clip.camera for record in world.records[began:]} == {"a", "b", "c"}
    assert len(world.records) - began >= 40


class TestKnownLists:
    LISTED = (
        ListedCamera(Camera(id="a", name="High St", lat=51.5, lon=-0.1, cadence_s=240.0), "https://double/a"),
        ListedCamera(Camera(id="b", name="b", lat=60.2, lon=24.9, timezone="Europe/Helsinki"), "x", "switched off"),
    )

    def test_a_list_is_read_as_it_was_kept_and_an_empty_one_takes_no_place(self) -> None:
        lists = KnownLists(shelf := MemoryShelf())
        assert lists.of("tfl", "all") == ()
        lists.keep("tfl", "all", self.LISTED)
        kept = shelf.get("tfl.json")
        lists.keep("tfl", "all", self.LISTED)
        lists.keep("tfl", "all", ())
        assert KnownLists(shelf).of("tfl", "all") == self.LISTED
        assert shelf.get("tfl.json") == kept, "the same list is not written again"
        lists.keep("tfl", "all", self.LISTED[:1])
        assert lists.of("tfl", "all") == self.LISTED[:1]
        assert lists.of("tfl", "another choice") == ()

    def test_one_that_cannot_be_read_is_said_and_is_none(self, caplog: pytest.LogCaptureFixture) -> None:
        lists = KnownLists(shelf := MemoryShelf())
        shelf.put("tfl.json", "{", version=None)
        assert lists.of("tfl", "all") == ()
        assert "tfl: its list of cameras of before cannot be read" in caplog.text

    def test_a_shelf_that_is_away_is_said_and_stops_nothing(self, caplog: pytest.LogCaptureFixture) -> None:
        class Away(MemoryShelf):
            def get(self, name: str) -> Document | None:
                raise StoreError("the database is away")

        run = Run(Publisher(HandClock(START)), lists=KnownLists(Away()))
        run.go(HOUR)
        assert len(run.counted("a")) >= 13
        assert "its list of cameras could not be kept: the database is away" in caplog.text
        assert KnownLists(Away()).of("tfl", "all") == ()
