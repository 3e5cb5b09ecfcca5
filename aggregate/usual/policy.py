"""The few numbers that decide what is usual, and the named periods it may be compared with."""

from __future__ import annotations

from datetime import date
from typing import Self

from pydantic import Field, field_validator, model_validator

from aggregate.usual.baselines import ROLLING
from core.config import Closed
from core.figures import SERIES


class UsualPolicy(Closed):
    """How much of the past says what is usual, and of what."""

    classes: tuple[str, ...] = Field(
        default=("people", "vehicles"), min_length=1, description="what baselines are built of, as cyclist, bus, people"
    )
    history_weeks: int = Field(
        default=106, ge=4, le=520, description="weeks of the past a baseline is made of; two years show the seasons"
    )
    least_weeks: float = Field(
        default=3.0, ge=1, le=52, description="weeks of its own past from which on a zone needs no others to lean on"
    )
    least_hours: int = Field(
        default=24, ge=1, le=1000, description="hours of its own past a zone needs to borrow the week of zones like it"
    )
    half_life_weeks: float = Field(
        default=8.0, ge=1, le=520, description="age at which a week of the past counts half as much as a new one"
    )

    @field_validator("classes")
    @classmethod
    def _counted(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        for name in classes:
            if name not in SERIES:
                raise ValueError(f"class {name!r} is not counted; classes are {', '.join(SERIES)}")
        return tuple(dict.fromkeys(classes))


class Period(Closed):
    """A named stretch of the past to compare with, as "before lockdown"; local days, both included."""

    name: str = Field(min_length=1, max_length=80, description="what it is called in questions and answers")
    start: date
    end: date

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.name == ROLLING:
            raise ValueError(f"a period cannot be called {ROLLING!r}: that is the baseline that moves with time")
        if self.end < self.start:
            raise ValueError(f"period {self.name!r} ends on {self.end}, before it starts on {self.start}")
        return self
