"""From health events to outages: how a camera was at every moment of a period.

Of one camera:

    events      L....U......U'....L.......          L live, U unreachable, U' again, for another reason
    ranges  ????[ live )[ unreachable )[ live )     half-open, merged by state; before the first event: waiting
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.health import CameraState, HealthEvent
from core.records import REASON_LENGTH

UNKNOWN = "nothing is known of this time"
"""Why a camera is `waiting` before its first event."""

TROUBLE = tuple(state for state in CameraState if state not in (CameraState.LIVE, CameraState.WAITING))
"""The states that are outages. A camera that is waiting is not known to be down."""


@dataclass(frozen=True)
class StateRange:
    """A camera's state in the half-open, not empty [start, end). `reason` is null where it is live."""

    state: CameraState
    start: datetime
    end: datetime
    reason: str | None

    @property
    def duration(self) -> timedelta:
        return self.end - self.start


def state_ranges(events: Iterable[HealthEvent], start: datetime, end: datetime) -> tuple[StateRange, ...]:
    """The states of one camera in [start, end): disjoint, in order, without a gap, neighbours of different states.

    `events` in any order, any number of times, with at least the one that was in force at `start`. Of two events of the
    very same time one counts, the same one in every order. Empty where the period is.
    """
    if start >= end:
        return ()
    last = {event.since: event for event in sorted(events, key=_order)}
    happened = [event for since, event in last.items() if since < end]
    spans: list[StateRange] = []
    if not happened or happened[0].since > start:
        until = happened[0].since if happened else end
        spans.append(StateRange(CameraState.WAITING, start, until, UNKNOWN))
    untils = [*(event.since for event in happened[1:]), end]
    for event, until in zip(happened, untils, strict=False):  # one end more where nothing happened
        if until > start:
            spans.append(StateRange(event.state, max(event.since, start), until, event.reason))
    return _merged(spans)


def outages(ranges: Sequence[StateRange]) -> tuple[StateRange, ...]:
    """The ranges in which the camera gave no figures though it was looked at."""
    return tuple(one for one in ranges if one.state in TROUBLE)


def uptime(ranges: Sequence[StateRange]) -> float | None:
    """The share (0..1) of the time known that the camera was live; None where nothing is known."""
    live = sum((one.duration for one in ranges if one.state is CameraState.LIVE), timedelta())
    known = sum((one.duration for one in ranges if one.state is not CameraState.WAITING), timedelta())
    return live / known if known else None


def _order(event: HealthEvent) -> tuple[datetime, str, str]:
    return event.since, event.state.value, event.reason or ""


def _merged(spans: Sequence[StateRange]) -> tuple[StateRange, ...]:
    """Neighbours of one state as one range; its reason is the first, and the last where that is another."""
    runs: list[list[StateRange]] = []
    for span in spans:
        if runs and runs[-1][-1].state is span.state:
            runs[-1].append(span)
        else:
            runs.append([span])
    return tuple(
        StateRange(run[0].state, run[0].start, run[-1].end, _reasons(run[0].reason, run[-1].reason)) for run in runs
    )


def _reasons(first: str | None, last: str | None) -> str | None:
    if first is None or last is None or first == last:
        return first or last
    return f"{first}; in the end: {last}"[:REASON_LENGTH]
