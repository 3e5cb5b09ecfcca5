"""How far a count is off: the counter's bias, and an interval that holds what a human counts in nine frames of ten.

The error of a count grows with the count, about as its square root, so it is told on the scale on which it does not:

    y = sqrt(count + 3/8)                       (core/root_scale.py)
    [low, high] = (y - z s)^2 - 3/8 .. (y + z s)^2 - 3/8,    low not below zero, z = 1.645

One number s (`sqrt_error`) therefore holds for an empty street and for a crowd, for the whole view and for a zone of
it; people and vehicles have one each, by day and by night. Their classes have that of their group: what a class is off
by on top, the confusion of a van with a car, is not in it.

An error model belongs to the weights that it was measured with. A counter without one gives no interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt, model_validator

from core.config import Closed
from core.figures import CLASSES, OF_PEOPLE, Gains, Shares
from core.records import Identifier, Lighting, UtcTime
from core.root_scale import limits
from detect.model import CountingModel

Z_90 = 1.6448536269514722
"""The 95 % quantile of the standard normal distribution: with both tails, the interval is of `INTERVAL_LEVEL`."""

LEAST_GAIN, MOST_GAIN = 0.5, 2.0
"""A counter that is further off than this is not mended by a factor."""

LEAST_ZONE_GAIN, MOST_ZONE_GAIN = 0.25, 4.0
"""The same of one zone. It may be further off than the view: a narrow one takes in what spills over from its neighbours
and loses as much to them, and those who stand behind a bus or in a shelter are of one zone, and nobody else is."""

_OF_PEOPLE = np.array(OF_PEOPLE)

PerSeries = NDArray[np.float64]
"""One value for each of `SERIES` in the last axis."""


class GroupError(Closed):
    """How far people, or vehicles, are off in one light."""

    gain: float = Field(ge=LEAST_ZONE_GAIN, le=MOST_ZONE_GAIN, description="corrected = gain * counted")
    sqrt_error: float = Field(
        gt=0, le=20, description="s: standard error of sqrt(corrected + 3/8), such that 1.645 s covers nine in ten"
    )
    shared: float = Field(
        default=1.0, ge=0, le=1, description="of s, what the clips of one site share: it does not average out over them"
    )
    frames: PositiveInt = Field(description="frames, or clips, counted by hand that it was fitted on")
    sites: PositiveInt = Field(description="how many cameras (of one camera: hours) those are of")


class LightErrors(Closed):
    """The errors in one light; null for a group that too few counts by hand speak of."""

    people: GroupError | None = None
    vehicles: GroupError | None = None


class ErrorsByLight(Closed):
    """The errors by day and by night; null for a light of which nothing is known."""

    day: LightErrors | None = None
    night: LightErrors | None = None

    def at(self, lighting: Lighting) -> LightErrors:
        """What is known of one light; nothing known is an empty record."""
        return (self.day if lighting is Lighting.DAY else self.night) or LightErrors()


class ErrorModel(ErrorsByLight):
    """The errors of one counting model, in `models/manifest.json` beside its hash."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="of the weights whose counts were compared")


class ZoneErrors(ErrorsByLight):
    """The errors in one zone of a camera, where enough counts by hand speak of it alone."""

    zone: Identifier


class Calibration(ErrorsByLight):
    """The errors of one model at one camera, from counts by hand there. `version` counts from 1 and is never reused.

    What `zones` say of a zone holds there, what the calibration says itself everywhere else.
    """

    camera: Identifier
    version: PositiveInt
    made_at: UtcTime
    model: str = Field(min_length=1, description="name and hash, as stored with every observation")
    rows: PositiveInt = Field(description="manual counts that were used")
    dropped_at: UtcTime | None = Field(default=None, description="a dropped version is not used any more")
    zones: tuple[ZoneErrors, ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if all(light == LightErrors() for light in map(self.at, Lighting)):
            raise ValueError("a calibration has the errors of at least one group in one light")
        return self

    def of_zone(self, zone: str, lighting: Lighting) -> LightErrors:
        """What is known of a zone in one light: its own errors of a group, else the camera's."""
        own = next((one.at(lighting) for one in self.zones if one.zone == zone), LightErrors())
        everywhere = self.at(lighting)
        return LightErrors(people=own.people or everywhere.people, vehicles=own.vehicles or everywhere.vehicles)

    @property
    def name(self) -> str:
        """As observations carry it: `06710/2`."""
        return f"{self.camera}/{self.version}"


@dataclass(frozen=True)
class Correction:
    """What is known of the errors of a clip's counts; None where nothing is. `calibration`: see `CountObservation`."""

    people: GroupError | None = None
    vehicles: GroupError | None = None
    calibration: str | None = None

    @property
    def gain(self) -> Gains | None:
        """What to multiply counts by; None where the bias of neither group is known."""
        if self.people is None and self.vehicles is None:
            return None
        return Gains(
            people=self.people.gain if self.people else 1.0, vehicles=self.vehicles.gain if self.vehicles else 1.0
        )

    @property
    def shared(self) -> Shares | None:
        """What part of the errors clips have in common; None where there is no interval."""
        if self.people is None or self.vehicles is None:
            return None
        return Shares(people=self.people.shared, vehicles=self.vehicles.shared)

    def factors(self) -> PerSeries:
        """The gain of every series; 1 where the bias is not known."""
        gain = self.gain or Gains()
        return np.where(_OF_PEOPLE, gain.people, gain.vehicles)

    def interval(self, corrected: PerSeries) -> tuple[PerSeries, PerSeries] | None:
        """Low and high of corrected counts; None unless the errors of people and of vehicles are known."""
        if self.people is None or self.vehicles is None:
            return None
        return interval(corrected, np.where(_OF_PEOPLE, self.people.sqrt_error, self.vehicles.sqrt_error))


def errors_of(model: CountingModel) -> ErrorModel | None:
    """The error model that came with a counting model; None for one without, as box detectors and users' own are."""
    errors: ErrorModel | None = getattr(model, "errors", None)
    return errors


def known_errors(
    lighting: Lighting, model: ErrorsByLight | None, calibration: Calibration | None, zone: str = ""
) -> Correction:
    """The camera's own calibration where it speaks of a group in this light, and of `zone` most of all, else the
    model's error model."""
    general = model.at(lighting) if model else LightErrors()
    own = calibration.of_zone(zone, lighting) if calibration else LightErrors()
    used = calibration is not None and own != LightErrors()
    return Correction(
        people=own.people or general.people,
        vehicles=own.vehicles or general.vehicles,
        calibration=calibration.name if used and calibration else None,
    )


def interval(corrected: PerSeries, sqrt_error: PerSeries | float) -> tuple[PerSeries, PerSeries]:
    """The 90 % limits of corrected counts: 0 <= low <= corrected <= high."""
    return limits(corrected, Z_90 * np.asarray(sqrt_error, dtype=np.float64))


def group_counts(by_class: Sequence[float] | PerSeries) -> tuple[float, float]:
    """People and vehicles of counts by class, [class] in the order of `CLASSES`."""
    counts = np.asarray(by_class, dtype=np.float64)
    of_people = _OF_PEOPLE[: len(CLASSES)]
    return float(counts[of_people].sum()), float(counts[~of_people].sum())
