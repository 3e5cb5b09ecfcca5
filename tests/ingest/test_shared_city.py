"""Ingest processes share a city: no clip is lost or fetched twice, whoever takes over from whom, and dies when."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from city_double import START, failing
from shared_city import Died, Process, Published, World

from core.errors import BusError, StoreError
from core.health import CameraState
from core.ownership import place_of
from core.records import Status

HOUR = 3600.0
NAMES = tuple("abcdefghij")
LONG_S = 150.0
"""So long a clip was there, and its camera somebody's, to be found at all: first visits are spread over half a minute,
and come after the first question for what is new."""


def number_of(one: Published, world: World) -> int:
    """The publisher's number of a published clip."""
    publisher = world.processes[0].publisher
    camera = one.clip.camera
    numbers = range(-2, publisher.number(camera) + 1)
    return next(n for n in numbers if hashlib.sha256(f"{camera} {n}".encode()).hexdigest()[:32] == one.clip.content)


def shown(world: World, camera: str, number: int) -> tuple[datetime, datetime]:
    """From when till when the publisher shows a clip."""
    publisher = world.processes[0].publisher
    begins = publisher.filmed(camera, number) + timedelta(seconds=publisher.lag_s)
    return begins, begins + timedelta(seconds=publisher.cadence_s)


def had_long(world: World, camera: str, number: int) -> bool:
    """Whether one process had the camera long enough while the clip was shown."""
    begins, ends = shown(world, camera, number)
    terms = [(at, owner) for at, place, owner in world.terms if place == place_of(camera, world.places)]
    spans = pairwise([*terms, (world.clock.now(), None)])
    return any(
        owner is not None and (min(until, ends) - max(since, begins)).total_seconds() >= LONG_S
        for (since, owner), (until, _) in spans
    )


def check(world: World) -> None:
    """What holds whatever has happened. Prints nothing and returns nothing: it asserts."""
    records = world.records
    assert all(one.owned for one in world.published), "nothing is published of a camera that is another's"
    times: dict[tuple[str, str | None], set[datetime]] = defaultdict(set)
    for one in records:
        times[one.clip.camera, one.clip.content].add(one.clip.event_time)
    assert all(len(of_clip) == 1 for of_clip in times.values()), "a clip that is published again is the same record"
    for camera in NAMES:
        in_order = [one.clip.event_time for one in records if one.clip.camera == camera]
        assert in_order == sorted(in_order), "in the order of their times, repeats included"
    fetched: set[tuple[int, str, bytes, int]] = set()
    for fetch in world.fetches:
        content = hashlib.sha256(fetch.content).hexdigest()[:32]
        assert fetch.known is None or fetch.known.content != content, "what was kept as done is not fetched again"
        key = (fetch.process, fetch.camera, fetch.content, fetch.term)
        assert key not in fetched, "nor anything by one owner in one term"
        fetched.add(key)


def published_numbers(world: World, *, counted: bool = False) -> set[tuple[str, int]]:
    return {(one.clip.camera, number_of(one, world)) for one in world.records if one.counted or not counted}


def expected_numbers(world: World, since: datetime, until: datetime) -> set[tuple[str, int]]:
    """The clips that were shown in a time, and whose camera somebody had long enough."""
    publisher = world.processes[0].publisher
    return {
        (camera, number)
        for camera in NAMES
        for number in range(publisher.number(camera))
        if since < shown(world, camera, number)[0] and shown(world, camera, number)[1] < until
        if had_long(world, camera, number)
    }


def storm(seed: int) -> None:
    """Takeovers, deaths in the middle of any act, a shelf and a bus that fail, newcomers: at random for 40 minutes."""
    random = Random(seed)
    publisher = {"names": NAMES, "tells_time": seed % 2 == 0, "lists_newest": seed % 4 < 2, "cadence_s": 240.0}
    world = World(publisher=publisher, seed=seed, borrows=random.choice((1.0, 0.8)))
    for _ in range(3):
        world.add()
    world.share_out()

    def trouble(_: Process) -> None:
        chance = random.random()
        if chance < 0.002:
            raise Died
        if chance < 0.01:
            raise StoreError("away") if random.random() < 0.5 else BusError("away")

    def something_happens() -> None:
        chance = random.random()
        if chance < 0.1 and world.living:
            world.give(random.randrange(world.places), random.choice(world.living), unheard=chance < 0.05)
        elif chance < 0.12 and len(world.living) > 1:
            world.kill(random.choice(world.living))
        elif (chance < 0.2 and len(world.living) < 4) or not world.living:
            world.add()
        if chance > 0.8:  # the group takes note of who has gone
            world.share_out()

    def while_it_is_fetched(process: Process) -> None:
        if random.random() < 0.1:
            world.give(random.randrange(world.places), random.choice(world.living))
            process.publish()

    world.go(HOUR / 4)
    world.trouble, world.meanwhile = trouble, while_it_is_fetched
    world.go(HOUR * 2 / 3, something_happens)
    world.trouble = world.meanwhile = lambda _: None
    world.living or world.add()
    world.share_out()
    calm = world.clock.now()
    world.go(HOUR / 4)
    check(world)
    found = published_numbers(world)
    assert expected_numbers(world, START + timedelta(seconds=900), world.clock.now()) - found == set()
    in_calm = expected_numbers(world, calm, world.clock.now() - timedelta(seconds=60))
    assert len(in_calm) >= 20
    assert in_calm - published_numbers(world, counted=True) == set(), "and their bytes reach a worker"


@pytest.mark.parametrize("seed", range(4))
def test_whoever_takes_over_and_dies_no_clip_is_lost_and_none_is_two(seed: int) -> None:
    storm(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4, 44))
def test_many_more_takeovers_and_deaths(seed: int) -> None:
    storm(seed)


def two(**publisher: object) -> tuple[World, Process, Process]:
    """A process that has everything for half an hour, and another one that has nothing."""
    world = World(publisher={"names": NAMES, **publisher})
    first, second = world.add(), world.add()
    for place in range(world.places):
        world.give(place, first)
    world.go(HOUR / 2)
    return world, first, second


def hand_over(world: World, to: Process) -> None:
    for place in range(world.places):
        world.give(place, to)


@pytest.mark.parametrize("lists_newest", [True, False])
def test_a_takeover_in_peace_fetches_nothing_again(lists_newest: bool) -> None:
    """The version is known too, so that not even the same bytes come again; and the pace need not be learned anew."""
    world, _, second = two(lists_newest=lists_newest)
    before = {(one.camera, one.content) for one in world.fetches}
    hand_over(world, second)
    world.go(HOUR / 4)
    after = [(one.camera, one.content) for one in world.fetches if one.process == 1]
    assert len(after) >= 3 * len(NAMES)
    assert before.isdisjoint(after)
    assert {camera.cadence_s for camera in second.city.cameras} == {240.0}, "listed as 300"
    check(world)
    assert expected_numbers(world, START + timedelta(seconds=900), world.clock.now()) <= published_numbers(world)


def test_what_an_answer_under_way_brings_after_the_loss_is_let_go() -> None:
    world, first, second = two()
    lost_at = []

    def lose_it(process: Process) -> None:
        if process is first and not lost_at:
            lost_at.append(world.clock.now())
            hand_over(world, second)
            process.publish()  # its publishing thread hears of it while the fetching one waits for the answer

    world.meanwhile = lose_it
    world.go(HOUR / 4)
    late = [one for one in world.published if one.process == 0 and one.at >= lost_at[0]]
    assert late == []
    assert first.city.waiting.clips == 0
    check(world)
    assert expected_numbers(world, START + timedelta(seconds=900), world.clock.now()) <= published_numbers(world)


@pytest.mark.parametrize("act", ["promised", "published"])
def test_a_clip_that_its_publisher_died_with_is_the_same_record_again(act: str) -> None:
    """Its publisher tells no time, so that only the promise knows when it was first seen."""
    world, _, second = two(tells_time=False)
    dying: list[str] = []

    def published(record: Published) -> None:
        arrived(record)
        dying.append("published")

    def trouble(process: Process) -> None:
        if dying and process.number == 0:
            raise Died

    def written(name: str, text: str) -> None:
        keep(name, text)
        if '"promised":[{' in text:
            dying.append("promised")

    arrived, keep = world.arrived, world.written
    world.trouble = trouble
    if act == "promised":
        world.written = written  # type: ignore[method-assign]
    else:
        world.arrived = published  # type: ignore[method-assign]
    while world.processes[0].alive:
        world.go(5)
    died, world.trouble = world.clock.now(), lambda _: None
    world.arrived, world.written = arrived, keep  # type: ignore[method-assign]
    world.go(20)
    hand_over(world, second)
    world.go(90)
    last = max(fetch.at for fetch in world.fetches if fetch.process == 0)
    fetched = {(one.camera, hashlib.sha256(one.content).hexdigest()[:32]) for one in world.fetches if one.at == last}
    again = [one.clip for one in world.records if (one.clip.camera, one.clip.content) in fetched and one.process == 1]
    assert {(clip.camera, clip.content) for clip in again} == fetched
    assert all(clip.event_time <= died for clip in again), "of the time at which the dead one had seen it"
    check(world)


def test_one_that_was_overtaken_and_has_not_heard_of_it_publishes_nothing() -> None:
    world, first, second = two()
    for place in range(world.places):
        world.give(place, second, unheard=True)
    second.publish()
    first.city.look = lambda: True  # type: ignore[method-assign] - it does not come to look either
    overtaken = world.clock.now()
    world.go(HOUR / 4)
    assert [one for one in world.published if one.process == 0 and one.at >= overtaken] == []
    check(world)


def test_a_moment_in_which_nobody_owns_anything_changes_nothing() -> None:
    """Processes that share their places anew have none for some seconds."""
    world, first, _ = two()
    fetches, held = len(world.fetches), set(first.ownership.held)
    watches = dict(first.city.runners[0]._watches)
    first.ownership.held.clear()
    published = len(world.published)
    world.go(10)
    assert (len(world.fetches), len(world.published)) == (fetches, published), "nothing is asked, nothing published"
    first.ownership.held |= held
    world.go(60)
    assert first.city.runners[0]._watches == watches
    assert len(world.published) > published
    check(world)


def test_who_owns_nothing_asks_for_nothing_and_who_owns_some_lists_all() -> None:
    world = World(publisher={"names": NAMES})
    some, none = world.add(), world.add()
    asked: dict[int, list[str]] = {0: [], 1: []}
    for process in (some, none):
        process.publisher.fault = asked[process.number].append
    world.give(1, some)
    world.go(HOUR / 4)
    assert asked[1] == []
    own = {name for name in NAMES if place_of(name, world.places) == 1}
    assert set(asked[0]) == {"*list", "*newest"} | own
    assert {camera.id for camera in some.city.cameras} == set(NAMES)
    assert {event.camera for event in world.notes} == own, "and it speaks of its own alone"


def test_whoever_saves_the_cameras_learns_the_paces_of_the_others() -> None:
    world = World(publisher={"names": NAMES, "cadence_s": 120.0})
    saver, other = world.add(), world.add()
    world.give(0, saver)
    for place in range(1, world.places):
        world.give(place, other)
    world.go(HOUR / 2)
    saver.city.learn_paces()
    world.go(700)
    assert {camera.cadence_s for camera in saver.city.cameras} == {120.0}


def test_what_was_missed_is_told_once_through_a_takeover() -> None:
    world, first, second = two()
    for process in (first, second):
        process.publisher.fault = failing("a")
    world.go(1_300)
    hand_over(world, second)
    world.go(HOUR)
    missed = [one.clip.event_time for one in world.published if one.clip.fault and one.clip.camera == "a"]
    assert missed == sorted(missed)
    gaps_s = [(later - earlier).total_seconds() for earlier, later in pairwise(missed)]
    assert all(200 <= gap_s <= 320 for gap_s in gaps_s), gaps_s
    assert {one.process for one in world.published if one.clip.fault} == {0, 1}


def test_when_workers_do_not_come_for_clips_the_freshest_waits_where_it_was_fetched() -> None:
    """Bounded: what is lent takes half of its memory, and everything else is skipped with its reason."""
    world, first, _ = two()
    first.loans._most_bytes = 40  # of four bytes each
    world.borrows = 0.0
    world.go(HOUR)
    assert first.loans.waiting <= 7
    told = [one.clip.fault.status for one in world.published if one.clip.fault]
    assert set(told) == {Status.SKIPPED}
    assert len(told) > 100
    newest = {name: first.publisher.number(name) for name in NAMES}
    world.borrows = 1.0
    world.go(60)
    fresh = {(one.clip.camera, number_of(one, world)) for one in world.records[-len(NAMES) :]}
    assert len(fresh & set(newest.items())) >= 6
    check(world)


def test_a_shelf_and_a_bus_that_are_away_hold_everything_up_and_lose_nothing() -> None:
    world, first, _ = two()
    for error in (StoreError("the database is away"), BusError("the broker is away")):

        def away(_: Process, error: Exception = error) -> None:
            raise error

        world.trouble = away
        published = len(world.published)
        world.go(200)
        assert len(world.published) == published
        world.trouble = lambda _: None
        world.go(200)
    check(world)
    assert expected_numbers(world, START + timedelta(seconds=900), world.clock.now()) <= published_numbers(world)
    assert first.city.waiting.clips == 0


def test_a_camera_that_comes_back_and_fails_again_is_told_again() -> None:
    """What became of its clips is told by others: no state of a camera is remembered longer than to its next clip."""
    world, first, _ = two()
    for _ in range(2):
        first.publisher.fault = failing("a")
        world.go(HOUR / 2)
        first.publisher.fault = lambda _: None
        world.go(HOUR / 2)
    states = [event.state for event in world.notes if event.camera == "a"]
    assert states == [CameraState.WAITING, CameraState.UNREACHABLE, CameraState.UNREACHABLE]


def test_who_cannot_publish_hears_all_the_same_that_its_cameras_are_anothers() -> None:
    """Its publishing thread hangs at a broker out of its reach; its fetching ones ask for nothing any more."""
    world, first, second = two()
    first.publish = lambda: None  # type: ignore[method-assign]
    lost = {place for place in range(world.places) if place % 2}
    for place in lost:
        world.give(place, second)
    since = world.clock.now()
    world.go(HOUR / 4)
    asked = {one.camera for one in world.fetches if one.process == 0 and one.at >= since}
    assert asked
    assert {place_of(camera, world.places) for camera in asked}.isdisjoint(lost)
