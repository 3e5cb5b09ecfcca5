"""What is known of a camera's clips by whoever published them before: a process that has ended, or handed it over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Promise:
    """A clip that was about to be published, or that was and of which nobody may have got the bytes."""

    event_time: datetime
    content: str


@dataclass(frozen=True)
class Known:
    """The newest clip of a camera that is durably accounted for: its event time, its content, what it repeats.

    `etag` is the publisher's name for it, so that it need not be fetched again to be known again.

    Of those `promised` it is not sure: whoever finds one of these contents again publishes it again as the clip that it
    was. `slot` is the newest moment of which it was told that there is a clip, or none; `cadence_s` the camera's pace.
    """

    event_time: datetime | None
    content: str | None
    repeats: datetime | None = None
    etag: str | None = None
    promised: tuple[Promise, ...] = ()
    slot: datetime | None = None
    cadence_s: float | None = None

    @property
    def newest(self) -> datetime | None:
        """The newest moment of which anything is known; None where nothing is."""
        return max((moment for moment in (self.event_time, self.slot) if moment is not None), default=None)
