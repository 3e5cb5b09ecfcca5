"""What is counted, and one figure for each of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import Field, PositiveFloat

from core.config import Closed

CLASSES = ("pedestrian", "cyclist", "motorcycle", "car", "van", "truck", "bus")
"""What is counted, in the order of every per-class array (`[..., class]`)."""

PEOPLE = ("pedestrian", "cyclist")
VEHICLES = ("motorcycle", "car", "van", "truck", "bus")

SERIES = (*CLASSES, "people", "vehicles")
"""The classes and their two sums; `people` and `vehicles` are sums, never means."""

OF_PEOPLE = tuple(name in (*PEOPLE, "people") for name in SERIES)
"""Of each of `SERIES`, whether it counts people; the others count vehicles."""

MOST_PRESENT = 10_000.0
"""More than this no camera sees at once: of a picture of 352 x 288 each would have ten pixels. A count beyond it is
none, and would speak alone for a whole day."""

Figure = Annotated[float, Field(ge=0, le=MOST_PRESENT)]


class Figures(Closed):
    """One non-negative figure for each class and for the two sums (`SERIES`)."""

    pedestrian: Figure
    cyclist: Figure
    motorcycle: Figure
    car: Figure
    van: Figure
    truck: Figure
    bus: Figure
    people: Figure
    vehicles: Figure

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """From `len(SERIES)` values in the order of `SERIES`."""
        if len(values) != len(SERIES):
            raise ValueError(f"expected {len(SERIES)} figures ({', '.join(SERIES)}), got {len(values)}")
        return cls(**{name: float(value) for name, value in zip(SERIES, values, strict=True)})

    def get(self, series: str) -> float:
        """The figure of one of `SERIES`."""
        value: float = getattr(self, series)
        return value


class Gains(Closed):
    """What the counted numbers of people, and of vehicles, were multiplied by to correct the counter's bias."""

    people: PositiveFloat = 1.0
    vehicles: PositiveFloat = 1.0


class Shares(Closed):
    """Of the counter's standard error, what the clips of one hour share, of people and of vehicles: it does not average
    out however many clips there are."""

    people: float = Field(default=1.0, ge=0, le=1)
    vehicles: float = Field(default=1.0, ge=0, le=1)
