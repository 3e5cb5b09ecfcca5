"""What loops in the road and other counters say beside the cameras: readings of what passed, not of what is present."""

from __future__ import annotations

from typing import Self

from pydantic import Field, NonNegativeFloat, model_validator

from core.config import Closed
from core.figures import SERIES
from core.records import REASON_LENGTH, Identifier, TimeZoneName, UtcTime


class LoopReading(Closed):
    """What a loop in the road, or another counter at a fixed place, counted in the half-open interval [start, end).

    `flow` is how many passed in that time, by what the counter tells apart: `vehicles`, or one of `CLASSES`; null is
    not known, never none. `occupancy` is the share of the time that the loop was covered. A reading that the publisher
    marks as faulty has no figures and says so in `reason`.
    """

    counter: Identifier
    series: str = Field(description="one of SERIES: what was counted")
    start: UtcTime
    end: UtcTime
    flow: NonNegativeFloat | None = None
    occupancy: float | None = Field(default=None, ge=0, le=1)
    reason: str | None = Field(default=None, max_length=REASON_LENGTH)

    @model_validator(mode="after")
    def _never_a_silent_zero(self) -> Self:
        if self.series not in SERIES:
            raise ValueError(f"unknown series {self.series!r}: one of {', '.join(SERIES)}")
        if not self.start < self.end:
            raise ValueError("an interval is half-open and not empty: start < end")
        if self.flow is None and self.occupancy is None and not self.reason:
            raise ValueError("a loop reading without figures needs a reason")
        return self


class LoopCounter(Closed):
    """A loop or counter and where it stands, in WGS84 degrees. `bearing_deg` is the direction of what it counts."""

    id: Identifier
    name: str = Field(min_length=1, max_length=200)
    lat: float | None = Field(default=None, ge=-90, le=90)
    lon: float | None = Field(default=None, ge=-180, le=180)
    timezone: TimeZoneName = "Europe/London"
    source: str = Field(min_length=1, max_length=100, description="whose counter it is, as in TfL SCOOT")
    bearing_deg: float | None = Field(default=None, ge=0, lt=360)
