"""What was changed in a street, where and when: the question that comes later is whether it worked."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from core.config import Closed
from core.records import REASON_LENGTH, Identifier, UtcTime


class InterventionKind(StrEnum):
    """What was done."""

    WIDER_PAVEMENT = "wider_pavement"
    MOVED_BUS_STOP = "moved_bus_stop"
    CLOSED_LANE = "closed_lane"
    CLOSED_STREET = "closed_street"
    CYCLE_LANE = "cycle_lane"
    CROSSING = "crossing"
    SIGNAL = "signal"
    PARKING = "parking"
    OTHER = "other"


class Intervention(Closed):
    """One change of the street, as somebody registered it. `zones` are those it was made for: where it should be seen.

    It begins at `start` and lasts until `end`, for good where that is null. `works_from`, where it is given, is when
    the works before it began: what was counted between that and `start` is of neither before nor after. `spill_zones`
    are those that may feel it too (a street beside a closed one): they are no controls.
    """

    id: Identifier
    name: str = Field(min_length=1, max_length=200)
    kind: InterventionKind
    zones: tuple[Identifier, ...] = Field(min_length=1, max_length=200)
    spill_zones: tuple[Identifier, ...] = Field(default=(), max_length=2000)
    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    start: UtcTime
    end: UtcTime | None = None
    works_from: UtcTime | None = None
    note: str | None = Field(default=None, max_length=REASON_LENGTH)
    registered_by: str | None = Field(default=None, max_length=200)
    registered_at: UtcTime

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end is not None and self.end <= self.start:
            raise ValueError("an intervention ends after it starts; leave `end` out where it stays")
        if self.works_from is not None and self.works_from > self.start:
            raise ValueError("the works for an intervention begin before it: works_from <= start")
        both = set(self.zones) & set(self.spill_zones)
        if both:
            raise ValueError(f"zone {sorted(both)[0]!r} is among `zones` and among `spill_zones`: it is one of them")
        return self

    @property
    def before_until(self) -> datetime:
        """The end of the time before it."""
        return self.works_from or self.start
