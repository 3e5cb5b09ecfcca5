"""A reading as it is published: all series of one zone and window, in one of its revisions."""

from __future__ import annotations

from typing import Self

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from core.config import Closed
from core.figures import SERIES
from core.records import REASON_LENGTH, Identifier, Reading, TrustState, UtcTime, Window, never_a_silent_zero

_ALL = frozenset(SERIES)

PER_SERIES = ("mean", "low", "high", "peak", "stationary_share")


class SeriesReading(Closed):
    """The figures of one series; see `Reading`. Null where the reading is missing."""

    mean: NonNegativeFloat | None
    low: NonNegativeFloat | None
    high: NonNegativeFloat | None
    peak: NonNegativeFloat | None
    stationary_share: float | None = Field(ge=0, le=1)


class ReadingRevision(Closed):
    """What became of one zone in one window, as of `revision`; a later revision replaces it. See `Reading`."""

    zone: Identifier
    camera: Identifier
    window: Window
    start: UtcTime
    end: UtcTime
    revision: PositiveInt
    derived_at: UtcTime
    series: dict[str, SeriesReading]
    area_m2: PositiveFloat | None = None
    calibration_error: NonNegativeFloat | None = None
    vehicles_m2: NonNegativeFloat | None = None
    crowded_share: float | None = Field(default=None, ge=0, le=1)
    coverage: float = Field(ge=0, le=1)
    clips_counted: NonNegativeInt
    clips_expected: PositiveInt
    state: TrustState
    reason: str | None = Field(max_length=REASON_LENGTH)

    @model_validator(mode="after")
    def _is_readings(self) -> Self:
        """What its fields do not say already: the rules of `Reading`."""
        if self.series.keys() != _ALL:
            raise ValueError(f"a revision has all series: {', '.join(SERIES)}")
        figures = ((one.mean, one.low, one.high) for one in self.series.values())
        never_a_silent_zero(self.state, self.reason, self.start, self.end, figures)
        return self

    @property
    def place(self) -> str:
        """What it is a revision of."""
        return f"{self.zone}/{self.window.value}/{self.start.isoformat()}"

    def readings(self) -> tuple[Reading, ...]:
        """One reading for each series."""
        shared = {name: getattr(self, name) for name in _SHARED}
        return tuple(
            Reading(series=name, **shared, **{part: getattr(self.series[name], part) for part in PER_SERIES})
            for name in SERIES
        )

    @classmethod
    def of(cls, readings: tuple[Reading, ...]) -> Self:
        """From the readings of all series of one zone, window and revision. Raises `ValueError` for others."""
        first = readings[0]
        shared = {name: getattr(first, name) for name in _SHARED}
        if any(getattr(one, name) != value for one in readings for name, value in shared.items()):
            raise ValueError("a revision is of one zone and window")
        return cls(
            **shared,
            series={one.series: SeriesReading(**{part: getattr(one, part) for part in PER_SERIES}) for one in readings},
        )


_SHARED = tuple(name for name in ReadingRevision.model_fields if name != "series")
