"""The answer to "did it work", and the question it answers. `measure.py` leads from the one to the other."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import expm1, log1p
from typing import Self

from aggregate.effects.panel import Timing
from aggregate.effects.pre_trend import Trend
from aggregate.history import History
from aggregate.tables import Integers, Mask, Numbers, Text
from aggregate.usual.calendar import Days

TOLD_BELOW = 0.05
"""The p-value from which on a change is told as one."""


class EffectState(StrEnum):
    """How far the answer carries: measured against controls; against its own past alone; or not at all."""

    MEASURED = "measured"
    UNCONTROLLED = "uncontrolled"
    REFUSED = "refused"


class Method(StrEnum):
    """What the answer rests on."""

    DIFFERENCE_IN_DIFFERENCES = "difference_in_differences"
    INTERRUPTED_TIME_SERIES = "interrupted_time_series"


@dataclass(frozen=True, eq=False)
class Study:
    """What is asked. Of `history` (hours) the zones `treated` [zone] belong to the intervention; `candidates` [zone]
    may be compared with them: they are far enough away, and nothing was done there. `camera` [zone] is whose view each
    is of, `where` [zone, 2] its latitude and longitude in degrees. `off_days` are local dates to be left out.
    """

    history: History
    treated: Mask
    candidates: Mask
    camera: Text
    where: Numbers
    timing: Timing
    off_days: Days | None = None


@dataclass(frozen=True)
class Change:
    """A change as a share of what would have been without it (-0.2 is a fifth fewer), with its 90 % interval."""

    change: float
    low: float
    high: float
    p_value: float

    @property
    def told(self) -> bool:
        """Whether it is beyond chance."""
        return self.p_value < TOLD_BELOW

    @property
    def logarithm(self) -> float:
        """log(1 + change)."""
        return log1p(self.change)

    @classmethod
    def of(cls, logarithm: float, reach: float, p_value: float) -> Self:
        """From logarithms: the estimate, and how far the interval reaches on either side."""
        return cls(expm1(logarithm), expm1(logarithm - reach), expm1(logarithm + reach), p_value)


@dataclass(frozen=True)
class Levels:
    """How many were present on average over the week, in all zones of the intervention together: before, after, and
    after as it would have been without. `controls_change` is the share by which the controls changed meanwhile."""

    before: float
    after: float
    without: float
    controls_change: float | None


@dataclass(frozen=True)
class Checks:
    """What else was asked, of the same figures; null where it could not be.

    `trend` is that before the intervention (`feigned` is what it alone would make of the change). `placebo_places`
    other places were asked, of which the share `placebo_share` (the treated among them) changed as much, each against
    its own noise. `placebo_in_time` is the change found where nothing was done yet. `clustered_error` is the error of
    the same change by regression, clustered by zone and week. `synthetic_change` is the change by synthetic control.
    """

    trend: Trend | None = None
    placebo_places: int = 0
    placebo_share: float | None = None
    placebo_in_time: Change | None = None
    clustered_error: float | None = None
    synthetic_change: float | None = None
    synthetic_fit_error: float | None = None


@dataclass(frozen=True, eq=False)
class Course:
    """The weeks of the intervention, to be drawn: arrays [week], NaN where unknown. Levels are ratios to the mean of
    the weeks before. `begins` are local dates; `expected` is what would have been without it, `low` and `high` where
    nine of ten weeks would have been by chance.
    """

    begins: Days
    number: Integers
    observed: Numbers
    expected: Numbers
    low: Numbers
    high: Numbers


@dataclass(frozen=True)
class ZoneChange:
    """One zone of several: its own change, null where it alone does not carry one, with the reason."""

    zone: str
    change: Change | None
    reason: str | None = None


@dataclass(frozen=True, eq=False)
class Effect:
    """The answer for one series. `reason` says why it is `refused`, or why there were no controls; `change` and what
    follows from it is null where it is refused. `weeks_before`, `weeks_after` are those with enough counted; `coverage`
    is the share of what is usual that fell into counted hours, before and after.
    """

    series: str
    state: EffectState
    reason: str | None = None
    method: Method | None = None
    change: Change | None = None
    levels: Levels | None = None
    weeks_before: int = 0
    weeks_after: int = 0
    coverage: tuple[float, float] | None = None
    controls: tuple[str, ...] = ()
    zones: tuple[ZoneChange, ...] = ()
    checks: Checks = Checks()
    warnings: tuple[str, ...] = ()
    course: Course | None = None
