"""How each camera is, as it becomes known: from its feed, and from what became of its clips."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from core.health import CameraState, HealthEvent
from core.records import REASON_LENGTH, CountObservation, Status

_OF_STATUS = {
    Status.OK: CameraState.LIVE,
    Status.MOVED_VIEW: CameraState.MOVED,
    Status.FROZEN: CameraState.STALE,
}
"""What a clip says of its camera; everything else is a faulty picture."""

_SAYS_NOTHING = (Status.SKIPPED, Status.MODEL_ERROR)
"""Of the camera: the clip was there, and the trouble is ours."""


class HealthLog:
    """The state of every camera; tells `on_event` when one changes, and never twice the same.

    A state begins when the one before it began or later, so that what is kept of a camera is in order.
    """

    def __init__(
        self,
        on_event: Callable[[HealthEvent], None] = lambda _: None,
        known: Iterable[HealthEvent] = (),
        now: datetime | None = None,
    ) -> None:
        """`known` is how cameras were before a restart; waiting for the first visit after it is no other state.

        What is known of later than `now` was written by a clock that was wrong: it began now at the latest.
        """
        self.on_event = on_event
        self._lock = threading.Lock()
        self._states = {
            event.camera: event if now is None else event.model_copy(update={"since": min(event.since, now)})
            for event in known
        }

    def note(self, camera: str, state: CameraState, since: datetime, reason: str | None = None) -> None:
        """The camera is in `state` since then. Reasons of one state are compared: another reason is another event.

        To be waiting, for a reason, is news of a camera that was live: it was not watched. Of any other it is none.
        """
        reason = None if reason is None else reason[:REASON_LENGTH]
        with self._lock:
            known = self._states.get(camera)
            if known is not None:
                unwatched = reason is not None and known.state is CameraState.LIVE and known.since <= since
                if _same(known, state, reason) or (state is CameraState.WAITING and not unwatched):
                    return
                since = max(since, known.since)
            event = HealthEvent(camera=camera, since=since, state=state, reason=reason)
            self._states[camera] = event
            self.on_event(event)

    def forget(self, camera: str) -> None:
        """What is said of this camera next is told, whatever was said last: others have told of it meanwhile."""
        with self._lock:
            self._states.pop(camera, None)

    def counted(self, observations: Sequence[CountObservation]) -> None:
        """What became of clips, one status a clip, whatever the number of its zones."""
        for observation in observations:
            # Of a clip that never came its feed knows better when it makes the camera lost: one alone does not.
            missed = observation.frames == 0 and observation.content is None
            if missed or observation.status in _SAYS_NOTHING:
                continue
            state = _OF_STATUS.get(observation.status, CameraState.FAULTY)
            live = state is CameraState.LIVE
            self.note(observation.camera, state, observation.event_time, None if live else observation.reason)


def _same(known: HealthEvent, state: CameraState, reason: str | None) -> bool:
    """A camera that stays faulty or unreachable gives its reasons anew at every clip: only their kind matters."""
    return known.state is state and _kind(known.reason) == _kind(reason)


def _kind(reason: str | None) -> str:
    """The words of a reason without its figures, up to the first stop."""
    said = (reason or "").split(":")[0]
    return "".join(letter for letter in said if not letter.isdigit())
