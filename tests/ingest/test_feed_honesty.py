"""What has to be said of a camera that fails: no clip of it without a word, and it itself in the state of its fault."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from feed_double.accounts import Row, State
from feed_double.faults import Fault, FaultKind
from feed_double.honesty import HARMLESS, SAID, Promises, promises
from feed_double.ledger import PublishedVersion

from core.health import CameraState

START = datetime(2026, 3, 12, 8, 0, tzinfo=UTC)
CADENCE_S = 240.0


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def version(number: int, begin_s: float, end_s: float | None) -> PublishedVersion:
    ended = None if end_s is None else at(end_s)
    return PublishedVersion("a", number, "mp4", f"clip {number}", 9, at(begin_s), at(begin_s), None, replaced_at=ended)


def row(event_s: float, status: str = "unreachable", reason: str | None = "why", content: str | None = None) -> Row:
    return Row("a", "a:view", at(event_s), at(event_s + 400), status, reason, content)


def held(rows: list[Row] = [], states: list[State] = [], *faults: Fault) -> Promises:  # noqa: B006 - only read
    """Clips every 240 s, blocked from 200 to 1000 s: those of 240, 480 and 720 s came and went."""
    return promises(
        rows,
        states,
        [version(number, number * CADENCE_S, (number + 1) * CADENCE_S) for number in range(5)],
        faults,
        {"a": [(at(200), at(1000))]},
        start=START,
        cadence=timedelta(seconds=CADENCE_S),
        stale_after=3.0,
    )


def test_a_clip_that_nobody_could_fetch_has_a_null_with_its_reason() -> None:
    assert [one.number for one in held().clips] == [1, 2, 3]
    assert held([row(250), row(470), row(700)]).clips == ()
    assert [one.number for one in held([row(250), row(700)]).clips] == [2]
    assert [one.number for one in held([row(250), row(470, reason=None), row(700)]).clips] == [2]
    assert held().due == 3


def test_the_row_of_a_clip_that_was_fetched_after_all_speaks_for_it() -> None:
    skewed = row(18_000, "ok", None, "clip 2")
    assert [one.number for one in held([row(240, "ok", None, "clip 1"), skewed]).clips] == [3]


def fault(kind: FaultKind, to_s: float = 1000, **parameters: object) -> Fault:
    return Fault(kind, ("a",), from_s=200, to_s=to_s, parameters=parameters)


def state(since_s: float, name: CameraState) -> State:
    return State("a", at(since_s), name.value)


LIVE, LOST = CameraState.LIVE, CameraState.UNREACHABLE


@pytest.mark.parametrize(
    ("states", "untold"),
    [
        ([], 1),
        ([state(0, LIVE)], 1),
        ([state(0, LIVE), state(300, LOST)], 0),
        ([state(0, LIVE), state(300, CameraState.STALE)], 1),
        ([state(0, LIVE), state(1300, LOST)], 1),
        ([state(100, LOST), state(190, LIVE)], 1),
        ([state(100, LOST), state(500, LIVE)], 0),
    ],
)
def test_a_camera_is_said_to_be_what_its_fault_makes_of_it(states: list[State], untold: int) -> None:
    found = held([row(240), row(480), row(720)], states, fault(FaultKind.RESET))
    assert (found.due, found.untold) == (4, untold)


def test_nothing_has_to_be_said_of_what_does_not_last_or_does_no_harm() -> None:
    assert held([], [], fault(FaultKind.RESET, to_s=600)).cameras == ()
    assert held([], [], fault(FaultKind.FROZEN_STILL, to_s=900)).cameras == ()
    assert len(held([], [], fault(FaultKind.FROZEN_STILL)).cameras) == 1
    assert held([], [], fault(FaultKind.DIMENSION_BOMB, format="mp4")).cameras == ()
    assert len(held([], [], fault(FaultKind.DIMENSION_BOMB, format="png")).cameras) == 1
    assert held([], [], Fault(FaultKind.RESET, from_s=200, to_s=1000)).cameras == ()


def test_every_word_is_a_state_of_a_camera() -> None:
    assert {name for names in SAID.values() for name in names} <= {one.value for one in CameraState}
    assert HARMLESS.keys() <= SAID.keys()
