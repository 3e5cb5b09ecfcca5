"""A city's feeds as a source: every clip once, by its content; every missed one told; and how each camera is."""

from __future__ import annotations

import itertools
from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest
from city_double import START, Publisher, Run, at_random, failing
from hand_clock import HandClock
from hypothesis import given, settings
from hypothesis import strategies as st

from core.health import CameraState
from core.records import Camera, Status
from ingest.city.config import CityConfig
from ingest.city.health import HealthLog
from ingest.city.source import CitySource, as_listed
from ingest.city.watch import CameraWatch
from ingest.feed import FetchFailed, Media, Version
from ingest.known import Known

HOUR = 3600.0


def states(run: Run, camera: str) -> list[CameraState]:
    return [event.state for event in run.events if event.camera == camera]


@pytest.mark.parametrize("lists_newest", [True, False])
@settings(max_examples=25, deadline=None)
@given(
    cadence_s=st.sampled_from([60.0, 120.0, 240.0, 600.0]),
    lag_s=st.floats(0, 50),
    failing_share=st.sampled_from([0.0, 0.2]),
    seed=st.integers(0, 9),
)
def test_every_clip_is_found_exactly_once(
    lists_newest: bool, cadence_s: float, lag_s: float, failing_share: float, seed: int
) -> None:
    """Whatever the pace of the publisher, and although the list of cameras says another one."""
    publisher = Publisher(HandClock(START), cadence_s=cadence_s, lag_s=lag_s, lists_newest=lists_newest)
    publisher.fault = at_random(failing_share, seed)
    run = Run(publisher)
    run.go(2 * HOUR)
    for camera in publisher.names:
        times = [clip.event_time for clip in run.counted(camera)]
        assert len(times) == len(set(times)), "none twice"
        assert times == sorted(times)
        published = [publisher.filmed(camera, number) for number in range(publisher.number(camera))]
        first, last = START + timedelta(minutes=20), run.clock.now() - timedelta(minutes=10)
        late = [time for time in published if first < time < last]
        missing = set(late) - set(times)
        assert len(missing) <= (0.15 * len(late) if failing_share else 0), "none lost once the pace is known"
        if not failing_share:
            missed = [clip for clip in run.faults(camera) if clip.event_time > START + timedelta(minutes=45)]
            assert missed == [], "what was published is not told as missed"


def test_the_event_time_is_the_publishers_and_the_content_names_the_clip() -> None:
    run = Run(Publisher(HandClock(START), lists_newest=True))
    run.go(HOUR / 2)
    clip = run.counted("a")[-1]
    assert clip.event_time == run.publisher.filmed("a", run.publisher.number("a"))
    assert clip.content is not None
    assert clip.etag == run.publisher.version("a").etag


def test_a_publisher_that_tells_no_time_gives_the_time_of_the_change() -> None:
    run = Run(Publisher(HandClock(START), tells_time=False, lag_s=0))
    run.go(2 * HOUR)
    ages_s = [
        (clip.event_time - run.publisher.filmed("a", int(clip.etag.split("-")[1]))).total_seconds()
        for clip in run.counted("a")[5:]
    ]
    assert max(ages_s) <= 60, "seen soon after it changed"
    assert len({clip.content for clip in run.counted("a")}) == len(run.counted("a"))


def test_the_same_bytes_under_a_new_name_are_not_a_new_clip() -> None:
    publisher = Publisher(HandClock(START))
    run = Run(publisher)
    run.go(HOUR / 2)
    before = len(run.counted("a"))
    stuck = publisher.number("a")
    original = publisher.fetch

    def renamed(listed, known):
        media = original(listed, None)
        if listed.camera.id != "a":
            return media
        now = run.clock.now()
        return Media(f"a {stuck}".encode(), now, Version(f"new-{now}", now))

    publisher.fetch = renamed
    run.go(HOUR / 2)
    assert len(run.counted("a")) == before
    assert CameraState.STALE in states(run, "a")


def test_a_frozen_feed_is_stale_since_its_last_clip_and_comes_back_by_itself() -> None:
    publisher = Publisher(HandClock(START), lists_newest=True)
    run = Run(publisher)
    run.go(HOUR / 2)
    publisher.frozen["b"] = publisher.number("b")
    last = publisher.filmed("b", publisher.number("b"))
    run.go(HOUR)
    stale = [event for event in run.events if event.camera == "b" and event.state is CameraState.STALE]
    assert [event.since for event in stale] == [last]
    missed = [clip for clip in run.faults("b") if clip.event_time > last]
    assert {clip.fault.status for clip in missed} == {Status.FROZEN}
    assert 13 <= len(missed) <= 15, "one for each clip that was due in the hour"
    del publisher.frozen["b"]
    run.go(HOUR / 2)
    assert run.counted("b")[-1].event_time > last + timedelta(hours=1)


def test_a_feed_that_fails_is_told_slot_by_slot_and_asked_ever_more_rarely() -> None:
    publisher = Publisher(HandClock(START))
    run = Run(publisher)
    run.go(HOUR / 2)
    publisher.fault = failing("c")
    began = run.clock.now()
    run.go(HOUR)
    missed = [clip for clip in run.faults("c") if clip.event_time > began - timedelta(minutes=5)]
    assert {clip.fault.status for clip in missed} == {Status.UNREACHABLE}
    assert all("503" in clip.fault.reason for clip in missed)
    assert 13 <= len(missed) <= 16
    slots = [clip.event_time for clip in missed]
    assert len(set(slots)) == len(slots)
    assert states(run, "c")[-1] is CameraState.UNREACHABLE
    asked = [time for time, camera in publisher.fetches if camera == "c" and time > began]
    assert len(asked) < 60, "backoff, not a hammer"


def test_retry_after_is_kept() -> None:
    publisher = Publisher(HandClock(START))
    publisher.fault = failing("a", retry_after_s=900.0)
    run = Run(publisher)
    run.go(HOUR)
    asked = [time for time, camera in publisher.fetches if camera == "a"]
    assert len(asked) >= 3
    assert all(later - earlier >= timedelta(seconds=900) for earlier, later in pairwise(asked))


def test_a_withdrawn_camera_is_not_asked_and_says_why() -> None:
    publisher = Publisher(HandClock(START))
    publisher.withdrawn["a"] = "the publisher has switched it off (available is false)"
    run = Run(publisher)
    run.go(HOUR)
    assert [camera for _, camera in publisher.fetches if camera == "a"] == []
    assert {clip.fault.status for clip in run.faults("a")} == {Status.WITHDRAWN}
    assert states(run, "a") == [CameraState.WAITING, CameraState.WITHDRAWN]
    del publisher.withdrawn["a"]
    run.go(HOUR)
    assert len(run.counted("a")) > 8


def test_cameras_appear_vanish_and_move_while_it_runs() -> None:
    publisher = Publisher(HandClock(START))
    publisher.hidden.add("c")
    run = Run(publisher)
    told: list[set[str]] = []
    run.city.on_cameras = lambda cameras: told.append({camera.id for camera in cameras})
    run.go(HOUR / 2)
    assert {camera.id for camera in run.city.cameras} == {"a", "b"}
    publisher.hidden = {"a"}
    publisher.lat = 51.6
    run.go(HOUR / 2)
    assert {camera.id: camera.lat for camera in run.city.cameras} == {"a": 51.5, "b": 51.6, "c": 51.6}
    assert {camera.id for camera in run.city.cameras} == {"a", "b", "c"}, "one that vanished stays known"
    assert states(run, "a")[-1] is CameraState.WITHDRAWN
    assert run.counted("c")
    assert told[0] == {"a", "b"}
    assert told[-1] == {"a", "b", "c"}


def test_a_list_that_cannot_be_had_is_asked_for_again_and_said(caplog: pytest.LogCaptureFixture) -> None:
    publisher = Publisher(HandClock(START))
    publisher.fault = failing("*list", message="double sent HTML")
    run = Run(publisher)
    run.go(300)
    assert run.city.cameras == ()
    assert run.city.list_failures["double"] > 1
    assert "double: its list of cameras cannot be had: double sent HTML" in caplog.text
    publisher.fault = lambda _: None
    run.go(HOUR)
    assert run.city.list_failures == {"double": 0}
    assert run.counted("a")


def test_without_the_word_of_what_is_new_cameras_are_asked_one_by_one() -> None:
    publisher = Publisher(HandClock(START), lists_newest=True)
    run = Run(publisher)
    run.go(HOUR)
    publisher.fault = failing("*newest")
    began = run.clock.now()
    run.go(HOUR)
    found = [clip for clip in run.counted("a") if clip.event_time > began]
    assert len(found) >= 14


def test_after_a_restart_nothing_is_found_twice() -> None:
    publisher = Publisher(HandClock(START))
    first = Run(publisher)
    first.go(HOUR)
    newest = {camera: first.counted(camera)[-1] for camera in publisher.names}
    already = {camera: Known(clip.event_time, clip.content) for camera, clip in newest.items()}
    second = Run(publisher, already=already)
    second.go(HOUR)
    for camera in publisher.names:
        assert second.counted(camera)[0].event_time > newest[camera].event_time


def test_a_publisher_that_becomes_faster_is_followed() -> None:
    publisher = Publisher(HandClock(START), cadence_s=480.0)
    run = Run(publisher)
    run.go(2 * HOUR)
    publisher.cadence_s = 240.0
    run.go(3 * HOUR)
    began = run.clock.now()
    run.go(HOUR)
    for camera in publisher.names:
        assert len([clip for clip in run.counted(camera) if clip.event_time > began]) in (14, 15)


def test_the_pace_is_learned_and_told_with_the_camera() -> None:
    publisher = Publisher(HandClock(START), cadence_s=120.0)
    run = Run(publisher)
    run.go(HOUR)
    assert {camera.cadence_s for camera in run.city.cameras} == {120.0}, "listed as 300"


def test_an_adapter_that_raises_what_it_should_not_makes_its_camera_unreachable() -> None:
    publisher = Publisher(HandClock(START))

    def broken(camera: str) -> None:
        if camera == "b":
            raise KeyError("videoUrl")

    publisher.fault = broken
    run = Run(publisher)
    run.go(HOUR)
    assert states(run, "b")[-1] is CameraState.UNREACHABLE
    assert run.counted("a")


def test_of_a_backlog_nothing_is_skipped_however_slowly_it_is_counted() -> None:
    """A publisher that keeps several clips: the next one is fetched when the one before has gone to be counted."""
    publisher, left = Publisher(HandClock(START), names=("a",)), list(range(6))

    def oldest(listed, known):
        if not left:
            return None
        number = left.pop(0)
        filmed = publisher.filmed("a", number - 100)
        return Media(f"a {number}".encode(), filmed, Version(str(number), filmed), more=bool(left))

    publisher.fetch = oldest
    run = Run(publisher)
    taken = []
    for _ in range(200):
        while run.city.runners[0].step():
            pass
        run.clock.sleep(5.0)
        if run.clock.now().second % 20 == 0 and (clip := run.city.waiting.take(0)) is not None and not clip.fault:
            taken.append(run.city.read(clip))
    assert taken == [f"a {number}".encode() for number in range(6)]


def test_feeds_are_exchanged_while_it_runs_and_nothing_is_found_twice() -> None:
    """As when the configuration changes: a feed that stays goes on, a new one goes on after what the old one found."""
    clock = HandClock(START)
    first, other = Publisher(clock, names=("a", "b")), Publisher(clock, names=("x",), name="other")
    run = Run(first)
    run.go(HOUR)
    successor = Publisher(clock, names=("a", "b"))
    run.city.replace([successor, other], as_listed)
    run.go(HOUR)
    contents = [clip.content for clip in run.clips if clip.content]
    assert len(contents) == len(set(contents))
    assert len(run.counted("a")) >= 27
    assert run.counted("x")
    assert set(run.city.sources.items()) == {("a", "double"), ("b", "double"), ("x", "other")}
    last = max(time for time, _ in first.fetches)
    run.city.replace([other], as_listed)
    run.go(HOUR)
    assert max(time for time, _ in first.fetches) == last
    assert {camera.id for camera in run.city.cameras} == {"x"}
    run.city.stop()


def test_a_camera_that_fails_for_weeks_is_still_asked() -> None:
    publisher = Publisher(HandClock(START))
    (listed, *_) = publisher.cameras()
    watch = CameraWatch(listed, listed.camera, CityConfig(), lambda *_: None, Random(1))
    for _ in range(3_000):
        list(watch.failed(FetchFailed("double answered 503"), publisher.clock.now()))
    assert watch.due(publisher.clock.now(), FetchFailed("double answered 503")) > publisher.clock.now()


def test_what_goes_wrong_in_a_visit_ends_neither_the_thread_nor_the_visit(caplog: pytest.LogCaptureFixture) -> None:
    publisher = Publisher(HandClock(START), lists_newest=True)
    run = Run(publisher)
    faults = iter([OSError("disk full"), OverflowError("year 9999")])

    def full(_: object) -> None:
        if (fault := next(faults, None)) is not None:
            raise fault

    run.city.on_cameras = full
    run.go(20)
    assert "disk full" in caplog.text
    run.go(HOUR)
    assert len(run.counted("a")) >= 13


def test_two_feeds_of_one_id_are_not_counted_as_one_street(caplog: pytest.LogCaptureFixture) -> None:
    clock = HandClock(START)
    first, second = Publisher(clock, names=("a",)), Publisher(clock, names=("a", "b"), name="second")
    run = Run(first)
    run.city.replace([first, second], as_listed)
    run.go(HOUR)
    assert {camera for _, camera in second.fetches} == {"b"}
    assert dict(run.city.sources) == {"a": "double", "b": "second"}
    assert caplog.text.count("second/a, which has the same id, is not counted") == 1


def test_old_and_new_in_turn_are_two_clips_and_not_many() -> None:
    publisher = Publisher(HandClock(START), names=("a",), tells_time=False)
    turns = itertools.count()

    def edges(listed, known):
        return Media(f"edge {next(turns) % 2}".encode(), None, Version())

    publisher.fetch = edges
    run = Run(publisher)
    run.go(HOUR)
    assert len(run.counted("a")) == 2


def test_a_time_that_never_moves_is_not_that_of_the_picture() -> None:
    """A server that dates every answer with its own start: each clip has its own time all the same."""
    publisher = Publisher(HandClock(START), names=("a",))
    born = START - timedelta(days=70)

    def fixed(listed, known):
        return Media(f"a {publisher.number('a')}".encode(), born, Version(None, born))

    publisher.fetch = fixed
    run = Run(publisher)
    run.go(2 * HOUR)
    times = [clip.event_time for clip in run.counted("a")]
    assert len(times) >= 25
    assert len(set(times)) == len(times)
    assert all(time >= START for time in times[1:])


def test_cameras_known_before_stay_until_every_feed_has_given_its_list() -> None:
    """A start while a publisher is down, and a changed configuration: no camera leaves the map for that."""
    clock = HandClock(START)
    publisher, other = Publisher(clock, names=("a",)), Publisher(clock, names=("x",), name="other")
    other.fault = failing("*list")
    before = [Camera(id=name, name=name, lat=51, lon=0) for name in ("a", "x", "gone")]
    saved: list[set[str]] = []
    city = CitySource(
        [publisher, other], CityConfig(), clock, HealthLog(), before=before,
        on_cameras=lambda cameras: saved.append({camera.id for camera in cameras}),
    )  # fmt: skip
    assert {camera.id for camera in city.cameras} == {"a", "x", "gone"}

    def step() -> None:
        for _ in range(200):
            for runner in city.runners:
                runner.step()
            clock.sleep(5)

    step()
    assert saved[-1] == {"a", "x", "gone"}
    other.fault = lambda _: None
    step()
    assert saved[-1] == {"a", "x"}
    successor = Publisher(clock, names=("x",), name="other", fault=failing("*list"))
    city.replace([publisher, successor], as_listed)
    step()
    assert saved[-1] == {"a", "x"}, "until its successor has listed"
    assert city.sources["x"] == "other"
    city.replace([publisher], as_listed)
    assert saved[-1] == {"a"}


def test_an_answer_that_comes_after_its_feed_was_exchanged_is_let_go() -> None:
    publisher = Publisher(HandClock(START), names=("a",))
    run = Run(publisher)
    run.go(HOUR / 2)
    fetch = publisher.fetch

    def exchanged_meanwhile(listed, known):
        media = fetch(listed, None)
        run.city.replace([Publisher(run.clock, names=("a",))], as_listed)
        publisher.fetch = fetch
        return media

    publisher.fetch = exchanged_meanwhile
    run.go(HOUR / 2)
    contents = [clip.content for clip in run.clips if clip.content]
    assert len(contents) == len(set(contents))


def test_every_missed_clip_of_a_long_retry_after_is_told() -> None:
    publisher = Publisher(HandClock(START), names=("a",))
    run = Run(publisher)
    run.go(HOUR / 2)
    publisher.fault = failing("a", retry_after_s=3600.0)
    began = run.clock.now()
    run.go(4 * HOUR)
    missed = [clip for clip in run.faults("a") if clip.event_time > began]
    assert 44 <= len(missed) <= 60, "those of the last hour are told at the next visit"
