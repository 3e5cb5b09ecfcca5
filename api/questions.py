"""The questions one can ask of what is stored, each a closed record: a misspelt parameter is refused, not ignored."""

from __future__ import annotations

from pydantic import Field

from api.parameters import (
    Boxed,
    Compared,
    Counted,
    Formatted,
    InStates,
    OfCameras,
    OfKinds,
    OfPeriod,
    OfZones,
    Paged,
    from_field,
    to_field,
)
from api.written import Classes, Moment, Names, as_text, as_time
from core.figures import SERIES


class HealthQuestion(InStates, Boxed, Formatted):
    """Of which cameras."""


class CameraHealthQuestion(Formatted, OfPeriod):
    """Of which time."""

    start: Moment = from_field("a day before the end without it, and at most 366 days before it")
    end: Moment = to_field("the present without it")


class StatesQuestion(OfCameras, InStates, Boxed, Formatted, OfPeriod):
    """Which cameras, which states, which time."""

    start: Moment = from_field("a day before the end without it, and at most 31 days before it")
    end: Moment = to_field("the present without it")


class LoopsQuestion(Boxed, Formatted):
    """Which counters."""


class LoopReadingsQuestion(Formatted, Paged, OfPeriod):
    """Which loop readings."""

    counter: Names = Field(
        default=None,
        description="counter ids, comma-separated or repeated; all without it",
        examples=["scoot:N01-111a1"],
        json_schema_extra=as_text,
    )
    classes: Classes | None = Field(
        default=None,
        alias="class",
        description=f"what is counted, comma-separated or repeated: {', '.join(SERIES)}; all without it",
        examples=["vehicles"],
        json_schema_extra=as_text,
    )
    start: Moment = from_field("the beginning of what is stored without it")
    end: Moment = to_field("the end of what is stored without it")


class CamerasQuestion(Boxed, Formatted):
    """Which cameras."""


class ZonesQuestion(OfCameras, OfKinds, Formatted):
    """Which zones."""


class LatestQuestion(Counted, OfKinds, Boxed, Compared, Formatted):
    """Which newest readings."""


class LiveQuestion(Counted):
    """Which readings to be told of as they change."""


class ReadingsQuestion(Counted, OfZones, OfKinds, Boxed, Compared, Formatted, Paged, OfPeriod):
    """Which readings, of which time, as known when."""

    start: Moment = from_field("the beginning of what is stored without it")
    end: Moment = to_field("the end of what is stored without it")
    as_of: Moment = Field(
        default=None,
        description="the figures as they were known at this time, before later revisions, ISO 8601 with offset",
        examples=["2017-03-10T00:00:00Z"],
        json_schema_extra=as_time,
    )
