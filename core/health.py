"""How each camera is: the states that its feed and its clips put it in, as events that are kept."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from core.config import Closed
from core.records import REASON_LENGTH, Identifier, UtcTime


class CameraState(StrEnum):
    """How a camera is, as its feed and its clips tell. Only a `live` one gives figures."""

    WAITING = "waiting"
    LIVE = "live"
    STALE = "stale"
    UNREACHABLE = "unreachable"
    WITHDRAWN = "withdrawn"
    FAULTY = "faulty"
    MOVED = "moved"


class HealthEvent(Closed):
    """A camera's state from `since` on, until its next event. `reason` is for the operator; null where it is live.

    `waiting`: not visited yet. `stale`: the feed answers, with nothing new since `since`. `unreachable`: it does not
    answer, or refuses. `withdrawn`: the publisher has switched the camera off, or taken it off its list. `faulty`: its
    clips cannot be counted. `moved`: it does not show the view that its zones were drawn in.
    """

    camera: Identifier
    since: UtcTime
    state: CameraState
    reason: str | None = Field(default=None, max_length=REASON_LENGTH)

    @model_validator(mode="after")
    def _trouble_is_explained(self) -> Self:
        if self.state not in (CameraState.LIVE, CameraState.WAITING) and not self.reason:
            raise ValueError(f"a camera that is {self.state} needs a reason")
        return self
