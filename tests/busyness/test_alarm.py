"""An alarm goes on where the one before it was: what was said is not said again, what came back meanwhile is said."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hand_clock import HandClock

from busyness import alarm as alarm_module
from busyness.alarm import Alarm, Watched
from busyness.alerts import AlertKind, AlertsConfig, WebhookConfig
from core.errors import StoreError
from core.health import CameraState, HealthEvent
from core.shelf_memory import MemoryShelf

START = datetime(2026, 1, 1, tzinfo=UTC)
CONFIG = AlertsConfig(webhooks=(WebhookConfig(url="https://hooks.example.org/x"),))
CITY = {f"cam{index}": "tfl" for index in range(10)}


def at(minute: float) -> datetime:
    return START + timedelta(minutes=minute)


class Hook:
    """A guest whose webhook takes what it is told."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    def post(self, url: str, content: bytes, *, headers: Mapping[str, str]) -> None:
        self.told += json.loads(content)["alerts"]

    def close(self) -> None:
        pass


class Process:
    """Processes of one installation, one after the other: the shelf and the stored states of cameras outlive them."""

    def __init__(self) -> None:
        self.shelf = MemoryShelf()
        self.states: dict[str, HealthEvent] = {}
        self.watched = Watched(CITY)
        self.hook = Hook()
        self.away = False

    def live(self, camera: str, minute: float) -> None:
        self.states[camera] = HealthEvent(camera=camera, since=at(minute), state=CameraState.LIVE)

    def lost(self, camera: str, minute: float, state: CameraState = CameraState.UNREACHABLE) -> None:
        self.states[camera] = HealthEvent(camera=camera, since=at(minute), state=state, reason="timeout")

    def health(self) -> list[HealthEvent]:
        if self.away:
            raise StoreError("it is away")
        return list(self.states.values())

    def run(self, begin: int, end: int, config: AlertsConfig = CONFIG) -> list[str]:
        """A process that runs for these minutes; returns what the webhook is told by it."""
        clock, before = HandClock(at(begin)), len(self.hook.told)
        alarm = Alarm(
            config, lambda *_: self.hook, clock,  # type: ignore[arg-type, return-value]
            watched=lambda: self.watched, health=self.health, shelf=self.shelf,
        )  # fmt: skip
        for minute in range(begin, end):
            clock.time = at(minute)
            alarm._tick()
        alarm.start()
        alarm.stop()  # which sends what waits
        return [f"{one['kind']} {one['camera'] or one['source']}" for one in self.hook.told[before:]]


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Process:
    monkeypatch.setattr(alarm_module, "LOOK_S", 0.01)
    return Process()


def test_a_loss_that_was_said_is_not_said_again_after_a_restart(process: Process) -> None:
    process.lost("cam1", 0)
    assert process.run(0, 60) == ["camera_lost cam1"]
    assert process.run(60, 300) == []
    assert process.run(300, 400, CONFIG.model_copy(update={"camera_lost_min": 10.0})) == [], "nor another setting"


@pytest.mark.parametrize("back", [70, 101])
def test_a_camera_that_is_back_while_the_process_is_down_or_just_after_is_said_to_be_back(
    process: Process, back: int
) -> None:
    process.lost("cam1", 0)
    process.run(0, 60)
    if back < 100:
        process.live("cam1", back)
    assert process.run(100, 101) == (["camera_back cam1"] if back < 100 else [])
    process.live("cam1", back)
    assert process.run(102, 120) == ([] if back < 100 else ["camera_back cam1"])
    over = process.hook.told[-1]
    assert (over["since"], over["until"]) == (f"{at(0):%Y-%m-%dT%H:%M:%SZ}", f"{at(back):%Y-%m-%dT%H:%M:%SZ}")


def test_a_source_that_was_said_is_said_once_and_back_once(process: Process) -> None:
    for camera in CITY:
        process.lost(camera, 0)
    assert process.run(0, 60) == ["source_lost tfl"]
    assert process.run(60, 90) == []
    for camera in CITY:
        process.live(camera, 95)
    assert process.run(100, 120) == ["source_back tfl"]


def test_cameras_that_wait_for_their_first_visit_do_not_bring_a_source_back(process: Process) -> None:
    for camera in CITY:
        process.lost(camera, 0)
    process.run(0, 60)
    for camera in CITY:
        process.lost(camera, 59, CameraState.WAITING)
    assert process.run(70, 100) == []
    for camera in CITY:
        process.live(camera, 100)
    assert process.run(100, 120) == ["source_back tfl"]


def test_nothing_is_over_for_want_of_a_list(process: Process) -> None:
    """After a restart lists come late: what is not listed yet is not what is not watched any more."""
    process.lost("cam1", 0)
    process.run(0, 60)
    process.watched = Watched({}, complete=False)
    assert process.run(60, 90) == []
    process.watched = Watched({})
    assert process.run(90, 100) == ["camera_back cam1"]
    assert process.hook.told[-1]["reason"] == "it is not watched any more"


def test_a_source_is_not_over_for_want_of_a_list(process: Process) -> None:
    for camera in CITY:
        process.lost(camera, 0)
    process.run(0, 60)
    process.watched = Watched({}, complete=False)
    assert process.run(60, 90) == []


def test_what_cannot_be_kept_is_said_as_soon_as_it_can(
    process: Process, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: object, **__: object) -> None:
        raise StoreError("the shelf is away")

    process.lost("cam1", 0)
    with monkeypatch.context() as broken:
        broken.setattr(process.shelf, "put", away)
        assert process.run(0, 60) == []
    assert "the shelf is away" in caplog.text
    assert process.run(60, 62) == ["camera_lost cam1"]


def test_of_two_that_would_say_the_same_one_says_it(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two workers of a cluster may both believe for a moment that it is their turn."""
    process.lost("cam1", 0)
    put = process.shelf.put

    def other_first(name: str, text: str, *, version: int | None) -> int | None:
        monkeypatch.setattr(process.shelf, "put", put)
        assert process.run(40, 41) == ["camera_lost cam1"]
        return put(name, text, version=version)

    monkeypatch.setattr(process.shelf, "put", other_first)
    process.run(40, 41)
    assert [one["kind"] for one in process.hook.told] == [AlertKind.CAMERA_LOST]


def test_what_the_store_learnt_late_is_judged_at_the_next_tick(process: Process) -> None:
    """Events are gathered before they are stored: none is missed for coming after an alarm has begun."""
    process.away = True
    assert process.run(0, 1) == []
    process.away = False
    process.lost("cam1", 0)
    assert process.run(40, 41) == ["camera_lost cam1"]
