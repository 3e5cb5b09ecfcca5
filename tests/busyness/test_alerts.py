"""Alerts are few and true: each loss is said once and once over, short ones never.

minute      0        10        20        30        40        50
camera a    live  lost--------------------------------live----------
said                                        lost          back (5 min later)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from busyness.alerts import Alert, AlertKind, AlertsConfig, Losses
from core.health import CameraState, HealthEvent

START = datetime(2026, 11, 22, 8, tzinfo=UTC)
CITY = {f"cam{index}": "tfl" for index in range(20)}


def at(minute: float) -> datetime:
    return START + timedelta(minutes=minute)


def event(camera: str, state: CameraState, minute: float) -> HealthEvent:
    reason = None if state is CameraState.LIVE else f"it is {state}"
    return HealthEvent(camera=camera, since=at(minute), state=state, reason=reason)


def lost(camera: str, minute: float, state: CameraState = CameraState.UNREACHABLE) -> HealthEvent:
    return event(camera, state, minute)


def live(camera: str, minute: float) -> HealthEvent:
    return event(camera, CameraState.LIVE, minute)


def told(
    events: Sequence[HealthEvent],
    until: int,
    *,
    config: AlertsConfig | None = None,
    sources: Mapping[str, str] = CITY,
    every: int = 1,
) -> list[Alert]:
    """What is said of the events, with a tick every so many minutes."""
    losses = Losses(config or AlertsConfig(), sources)
    said: list[Alert] = []
    waiting = sorted(events, key=lambda one: one.since)
    for minute in range(0, until + 1, every):
        while waiting and waiting[0].since <= at(minute):
            losses.note(waiting.pop(0))
        said += losses.tick(at(minute))
    return said


def kinds(alerts: Sequence[Alert]) -> list[str]:
    return [f"{alert.kind} {alert.camera or alert.source}" for alert in alerts]


def test_a_loss_is_said_once_after_its_time_and_once_when_it_is_over() -> None:
    said = told([live("cam1", 0), lost("cam1", 5), live("cam1", 45)], 120)
    assert kinds(said) == ["camera_lost cam1", "camera_back cam1"]
    assert [alert.at for alert in said] == [at(35), at(50)]
    assert said[0].text == "camera cam1 (tfl) lost since 2026-11-22 08:05 UTC: it is unreachable"
    assert said[1].text == "camera cam1 (tfl) back, was lost since 2026-11-22 08:05 UTC"
    assert said[1].until == at(45)


def test_a_loss_of_another_kind_is_the_same_loss_with_its_newest_reason() -> None:
    said = told([lost("cam1", 0, CameraState.STALE), lost("cam1", 20), lost("cam1", 40, CameraState.FAULTY)], 90)
    assert kinds(said) == ["camera_lost cam1"]
    assert said[0].since == at(0)
    assert said[0].reason == "it is unreachable"


def test_an_outage_that_is_too_short_is_not_said_however_often_it_comes() -> None:
    flapping = [one for minute in range(0, 300, 30) for one in (lost("cam1", minute), live("cam1", minute + 29))]
    assert told(flapping, 320) == []


def test_a_camera_that_comes_and_goes_while_it_is_lost_stays_lost() -> None:
    flapping = [one for minute in range(40, 200, 10) for one in (live("cam1", minute), lost("cam1", minute + 4))]
    said = told([lost("cam1", 0), *flapping, live("cam1", 210)], 240)
    assert kinds(said) == ["camera_lost cam1", "camera_back cam1"]


def test_a_source_that_has_lost_many_is_said_instead_of_its_cameras() -> None:
    gone = [lost(f"cam{index}", index / 10) for index in range(8)]
    back = [live(f"cam{index}", 60) for index in range(8)]
    said = told([*gone, *back], 120)
    assert kinds(said) == ["source_lost tfl", "source_back tfl"]
    assert said[0].text == "8 of 20 cameras of source tfl lost since 2026-11-22 08:00 UTC"
    assert [alert.at for alert in said] == [at(11), at(65)]


def test_cameras_that_stay_lost_when_their_source_is_back_are_said_then() -> None:
    gone = [lost(f"cam{index}", 0) for index in range(8)]
    back = [live(f"cam{index}", 60) for index in range(1, 8)]
    assert kinds(told([*gone, *back], 120)) == ["source_lost tfl", "source_back tfl", "camera_lost cam0"]


def test_a_camera_that_was_said_before_its_source_is_still_said_to_be_back() -> None:
    gone = [lost("cam0", 0), *(lost(f"cam{index}", 40) for index in range(1, 9))]
    said = told([*gone, live("cam0", 70)], 100)
    assert kinds(said) == ["camera_lost cam0", "source_lost tfl", "camera_back cam0"]


def test_a_source_between_the_two_shares_neither_comes_nor_goes() -> None:
    """Four of twenty lose it, two or fewer bring it back."""
    gone = [lost(f"cam{index}", 0) for index in range(4)]
    swing = [
        one for minute in range(30, 90, 6) for one in (live("cam3", minute), lost("cam3", minute + 3))
    ]  # three and four
    assert kinds(told([*gone, *swing], 95)) == ["source_lost tfl"]


def test_one_camera_of_a_small_source_is_a_camera() -> None:
    said = told([lost("a", 0)], 60, sources={"a": "square", "b": "square"})
    assert kinds(said) == ["camera_lost a"]


def test_what_the_publisher_has_withdrawn_is_quiet_unless_asked_for() -> None:
    gone = [lost(f"cam{index}", 0, CameraState.WITHDRAWN) for index in range(12)]
    assert told(gone, 60) == []
    asked = AlertsConfig(states=(CameraState.WITHDRAWN,))
    assert kinds(told(gone, 60, config=asked)) == ["source_lost tfl"]


def test_withdrawn_cameras_are_no_part_of_a_share() -> None:
    withdrawn = [lost(f"cam{index}", 0, CameraState.WITHDRAWN) for index in range(10)]
    gone = [lost("cam10", 0), lost("cam11", 0)]
    said = told([*withdrawn, *gone], 15)
    assert [(alert.lost, alert.watched) for alert in said] == [(2, 10)]


def test_repeating_is_off_until_it_is_asked_for() -> None:
    assert len(told([lost("cam1", 0)], 600)) == 1
    again = told([lost("cam1", 0)], 600, config=AlertsConfig(repeat_min=60))
    assert [alert.at for alert in again] == [at(minute) for minute in range(30, 601, 60)]
    assert [alert.again for alert in again] == [False] + [True] * 9
    assert "still lost" in again[1].text


def test_a_camera_that_is_not_watched_any_more_ends_what_was_said_of_it() -> None:
    losses = Losses(AlertsConfig(), CITY)
    losses.note(lost("cam1", 0))
    assert kinds(losses.tick(at(30))) == ["camera_lost cam1"]
    losses.watch({name: source for name, source in CITY.items() if name != "cam1"})
    assert [alert.text for alert in losses.tick(at(31))] == [
        "camera cam1 (tfl) back, was lost since 2026-11-22 08:00 UTC: it is not watched any more"
    ]
    assert losses.tick(at(500)) == []


def test_a_source_without_cameras_ends_what_was_said_of_it() -> None:
    losses = Losses(AlertsConfig(), CITY)
    for camera in CITY:
        losses.note(lost(camera, 0))
    assert kinds(losses.tick(at(30))) == ["source_lost tfl"]
    losses.watch({})
    assert kinds(losses.tick(at(31))) == ["source_back tfl"]
    assert losses.tick(at(500)) == []


def test_of_one_moment_the_last_event_holds_and_an_older_one_changes_nothing() -> None:
    losses = Losses(AlertsConfig(), CITY)
    for one in (lost("cam1", 10), live("cam1", 10), lost("cam1", 5)):
        losses.note(one)
    assert losses.tick(at(300)) == []


def test_live_cameras_cannot_be_called_lost() -> None:
    with pytest.raises(ValidationError, match="is not lost"):
        AlertsConfig(states=(CameraState.LIVE,))


histories = st.lists(
    st.tuples(st.sampled_from(sorted(CITY)[:6]), st.sampled_from(CameraState), st.integers(0, 300)),
    max_size=60,
    unique_by=lambda one: (one[0], one[2]),
)
FEW = {name: "a" if index < 3 else "b" for index, name in enumerate(sorted(CITY)[:6])}


@settings(max_examples=60, deadline=None)
@given(history=histories, share=st.sampled_from([0.2, 0.5, 1.0]), back_min=st.sampled_from([0.0, 5.0]))
def test_every_loss_is_over_once_or_stays_open(
    history: list[tuple[str, CameraState, int]], share: float, back_min: float
) -> None:
    events = [event(*one) for one in history]
    said = told(events, 400, config=AlertsConfig(source_lost_share=share, back_min=back_min), sources=FEW, every=5)
    open_now: Counter[str] = Counter()
    for alert in said:
        open_now[alert.camera or alert.source] += 1 if alert.kind.endswith("lost") else -1
        assert open_now[alert.camera or alert.source] in (0, 1)
        assert alert.since <= alert.at
        assert alert.until is None or alert.since <= alert.until <= alert.at


@settings(max_examples=60, deadline=None)
@given(history=histories)
def test_no_camera_is_said_whose_outage_is_shorter_than_asked(history: list[tuple[str, CameraState, int]]) -> None:
    events = sorted((event(*one) for one in history), key=lambda one: one.since)
    config = AlertsConfig(source_lost_share=1.0)
    for alert in told(events, 400, config=config, sources=FEW, every=5):
        if alert.kind is AlertKind.CAMERA_LOST:
            assert alert.at - alert.since >= timedelta(minutes=30)
            during = [
                one.state for one in events if one.camera == alert.camera and alert.since <= one.since <= alert.at
            ]
            assert all(state in config.states for state in during)


@settings(max_examples=60, deadline=None)
@given(history=histories, order=st.randoms(use_true_random=False))
def test_the_order_of_events_of_one_moment_does_not_matter(
    history: list[tuple[str, CameraState, int]], order: Random
) -> None:
    coarse = {(camera, minute // 20 * 20): (camera, state, minute // 20 * 20) for camera, state, minute in history}
    events = [event(*one) for one in coarse.values()]
    shuffled = events[:]
    order.shuffle(shuffled)
    assert told(events, 400, sources=FEW, every=5) == told(shuffled, 400, sources=FEW, every=5)
