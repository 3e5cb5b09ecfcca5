"""Our own downtime is no uptime of the cameras: what nobody watched is told as that, and not as live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from city_double import START
from hand_clock import HandClock
from shared_city import World

from core.health import CameraState, HealthEvent
from core.records import Camera
from ingest.city.config import CityConfig
from ingest.city.health import HealthLog
from ingest.city.source import NOT_WATCHED, CitySource
from ingest.known import Known

HOUR = timedelta(hours=1)
CADENCE = timedelta(seconds=300)
CAMERAS = [Camera(id=name, name=name, lat=51.5, lon=-0.1, cadence_s=300.0) for name in "abc"]


def states(**of: CameraState) -> list[HealthEvent]:
    return [
        HealthEvent(camera=camera, since=START, state=state, reason=None if state is CameraState.LIVE else "it is so")
        for camera, state in of.items()
    ]


def started(known: Sequence[HealthEvent], newest: Mapping[str, datetime], now: datetime) -> list[HealthEvent]:
    """What a process says when it starts after another one, whose newest clips were of these times."""
    told: list[HealthEvent] = []
    clock = HandClock(now)
    already = {camera: Known(time, "x" * 32) for camera, time in newest.items()}
    health = HealthLog(told.append, known, now)
    CitySource([], CityConfig(), clock, health, before=CAMERAS, already=already).start()
    return told


def test_after_a_long_time_a_camera_that_was_live_was_not_watched_since_its_next_clip_was_due() -> None:
    newest = {"a": START + 4 * HOUR, "b": START + 4 * HOUR, "c": START + 4 * HOUR, "gone": START}
    known = states(a=CameraState.LIVE, b=CameraState.UNREACHABLE, c=CameraState.WITHDRAWN, gone=CameraState.LIVE)
    since = START + 4 * HOUR + CADENCE
    assert started(known, newest, START + 24 * HOUR) == [
        HealthEvent(camera="a", since=since, state=CameraState.WAITING, reason=NOT_WATCHED)
    ]


def test_a_restart_that_is_shorter_than_what_makes_a_camera_stale_is_none() -> None:
    known = states(a=CameraState.LIVE)
    assert started(known, {"a": START}, START + 3 * CADENCE) == []
    assert started(known, {"a": START}, START + 3 * CADENCE + timedelta(seconds=1))
    assert started([], {}, START) == []


def test_an_unwatched_camera_is_live_again_with_its_next_clip_and_said_once() -> None:
    told: list[HealthEvent] = []
    log = HealthLog(told.append, states(a=CameraState.LIVE))
    for _ in range(2):
        log.note("a", CameraState.WAITING, START + HOUR, NOT_WATCHED)
    log.note("a", CameraState.WAITING, START + 2 * HOUR, None)
    log.note("a", CameraState.LIVE, START + 3 * HOUR)
    log.note("a", CameraState.WAITING, START + HOUR, NOT_WATCHED)
    assert [(event.state, event.since) for event in told] == [
        (CameraState.WAITING, START + HOUR),
        (CameraState.LIVE, START + 3 * HOUR),
    ]


def test_in_a_cluster_whoever_takes_a_place_over_says_how_long_it_was_nobodys() -> None:
    world = World(places=2, before=CAMERAS)
    first, second = world.add(), world.add()
    for place in range(2):
        world.give(place, first)
    world.go(3600)
    last = {
        name: max(record.clip.event_time for record in world.records if record.clip.camera == name) for name in "abc"
    }
    for place in range(2):
        world.give(place, second)
    world.go(600)
    assert NOT_WATCHED not in {note.reason for note in world.notes}, "it was watched all the time"
    last |= {record.clip.camera: record.clip.event_time for record in world.records}
    world.kill(second)
    world.clock.sleep(20 * 3600)
    world.kill(first)
    third = world.add()
    for place in range(2):
        world.give(place, third)
    world.go(60)
    said = {note.camera: note.since for note in world.notes if note.reason == NOT_WATCHED}
    assert said.keys() == last.keys()
    for camera, since in said.items():
        assert since - last[camera] <= 2 * CADENCE, "since its last clip, or what was told of it after that"
