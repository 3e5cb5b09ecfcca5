"""The storm: every fault is in it, cameras that come back owe clips, and what a client reads is looked at honestly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from doubled_city.reading import Client
from doubled_city.storm import came_back, own_spans, spans, storm
from feed_double.accounts import account, longest
from feed_double.config import DoubleConfig, Fleet
from feed_double.double import FeedDouble
from feed_double.faults import Fault, FaultKind, PathClass
from feed_double.media import Album
from feed_storm import RECOVERY
from hand_clock import HandClock

START = datetime(2026, 3, 12, 8, 0, tzinfo=UTC)
CADENCE = timedelta(seconds=240)
LENGTH_S = 1800.0
ALBUMS = (Album((b"one street",)), Album((b"another",)))
TRAPS = [f"http://127.0.0.2:{port}/" for port in range(1, 5)]


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_every_kind_of_fault_is_in_the_storm_and_can_be_played() -> None:
    double = FeedDouble(DoubleConfig((Fleet("tfl", 911, clips=ALBUMS),), seed=1), HandClock(START))
    weather = storm([camera.id for camera in double.cameras["tfl"]], LENGTH_S, 1, TRAPS)
    double.play(weather.faults)
    assert {fault.kind for fault in weather.faults} == set(FaultKind)
    assert len(weather.healthy) == round(0.7 * 911)


def test_cameras_that_have_come_back_owe_clips() -> None:
    """One that never comes back is lost, and can be seen to be."""
    clock = HandClock(START)
    double = FeedDouble(DoubleConfig((Fleet("tfl", 300, clips=ALBUMS),), seed=1), clock)
    cameras = [camera.id for camera in double.cameras["tfl"]]
    weather = storm(cameras, LENGTH_S, 1, TRAPS)
    double.play(weather.faults)
    clock.sleep(LENGTH_S)
    double.report()
    recovery = RECOVERY * CADENCE
    blocked, recovering = spans(weather.faults, cameras, START, recovery)
    settled = account(
        [],
        double.ledger.versions,
        (at(10), at(LENGTH_S)),
        long_enough=CADENCE / 2,
        blocked=blocked,
        recovering=recovering,
    )
    back = came_back(settled.owed, weather.faults, START, recovery)
    failed = {camera for camera, out in own_spans(weather.faults, START).items() if out}
    assert len(failed) > 40
    assert failed <= {version.camera for version in back} & {version.camera for version in settled.lost}


def test_the_listing_is_stuck_for_longer_than_a_clip_stays() -> None:
    stuck = [fault for fault in storm(["a"], LENGTH_S, 1, TRAPS).faults if fault.kind is FaultKind.STUCK]
    assert [(one.on, one.to_s - one.from_s >= 1.5 * 240) for one in stuck] == [(PathClass.NEWEST, True)]


def test_only_a_fault_that_keeps_clips_away_blocks() -> None:
    faults = [Fault(FaultKind.APPEARS, ("a",), to_s=60), Fault(FaultKind.RESET, ("b",), from_s=10, to_s=60)]
    assert own_spans([*faults, Fault(FaultKind.MOVES, ("c",))], START) == {
        "a": [(at(0), at(60))],
        "b": [(at(10), at(60))],
    }
    blocked, _ = spans(faults, ["a", "b"], START, timedelta(0))
    assert longest((at(0), at(60)), blocked["a"]) == timedelta(0)


def test_what_cannot_be_read_grows_old() -> None:
    answers = iter([{"a": at(0)}, httpx.ReadTimeout("no answer"), {"a": at(60)}])

    def read() -> dict[str, datetime]:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    client = Client(read)
    for _ in range(3):
        client.look()
    assert [look.newest for look in client.looks] == [{"a": at(0)}, {"a": at(0)}, {"a": at(60)}]
    assert client.failed == 1
    assert client.looks == sorted(client.looks, key=lambda look: look.at)


@pytest.mark.parametrize("seed", range(3))
def test_the_recovery_ends_before_the_storm(seed: int) -> None:
    cameras = [f"c{number}" for number in range(100)]
    weather = storm(cameras, LENGTH_S, seed, TRAPS)
    _, recovering = spans(weather.faults, cameras, START, RECOVERY * CADENCE)
    assert max(end for out in recovering.values() for _, end in out) <= at(LENGTH_S) - CADENCE
