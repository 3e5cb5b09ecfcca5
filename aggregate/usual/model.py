"""The model of a usual week: what its parameters are, and what they say of a moment.

On the scale of `core/root_scale.py` the level at a local day d and hour h is

    level(d, h) = week[weekday(d), h] * own(d, h) * exp(season(d))            on ordinary days
                = week[Sunday, h] * holiday[h] * exp(season(d))               on public holidays

`own` is what eves, bridges and school holidays are in terms of their weekday (`aggregate/usual/calendar.py`), 1 on
other days; `season` is 0 at the day the model was fitted for, so `week` is what is usual then. The scale makes the
spread of small counts alike (Anscombe 1948); that the days' factors multiply makes it fit large ones, whose spread
grows with their level, too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from aggregate.tables import Integers
from aggregate.usual.calendar import PUBLIC_HOLIDAY, SATURDAY, SUNDAY, Calendar, Days, weekdays
from aggregate.usual.days import HOURS, WEEK, Roots
from aggregate.usual.effects import Effects

NAME = "week-on-root-1"
"""What `BaselineTable.model` says; another layout has another name."""

SEASON_KNOTS = 26
"""Fortnights of the year at which the season is kept; between them it is drawn straight."""

YEAR = 365.2425

HOUR_TAILS, QUARTER_TAILS, DAY_TAILS = 0, 1, 2

_SHAPES: dict[str, tuple[int, ...]] = {
    "week": (WEEK, HOURS),
    "holiday": (HOURS,),
    "eve": (HOURS,),
    "bridge": (HOURS,),
    "school": (2, HOURS),
    "season": (SEASON_KNOTS,),
    "spread": (3, HOURS),
    "error": (2,),
    "tails": (3, 2),
    "quarter": (2,),
    "day": (2,),
}
SIZE = sum(math.prod(shape) for shape in _SHAPES.values())
"""How many parameters a row has."""


@dataclass(frozen=True, eq=False)
class WeekModel:
    """The parameters of many zones, one a row, named. All of levels are on the root scale.

    `week` [row, weekday, hour]: levels. `holiday`, `eve`, `bridge` [row, hour], `school` [row, 2, hour]: see `Effects`.
    `season` [row, knot]: logarithms of factors. `spread` [row, 3, hour] (working days, Saturdays, Sundays): one robust
    standard deviation of single hours. `error` [row, 2]: the standard error of a level is sqrt((error0 spread)^2 +
    (error1 level)^2). `tails` [row, 3, 2]: between which multiples of the spread nine in ten hours, quarters and days
    lie. `quarter` [row, 2]: the spread of a quarter is sqrt(quarter0 spread^2 + quarter1). `day` [row, 2]: how many
    times the root of the mean of its hours the level of a day is, and its spread as a share of that.
    """

    week: Roots
    holiday: Roots
    eve: Roots
    bridge: Roots
    school: Roots
    season: Roots
    spread: Roots
    error: Roots
    tails: Roots
    quarter: Roots
    day: Roots

    @property
    def effects(self) -> Effects:
        """The factors of days of a kind of their own."""
        return Effects(self.holiday, self.eve, self.bridge, self.school)

    def packed(self) -> NDArray[np.float32]:
        """[row, parameter], as a `BaselineTable` holds them."""
        parts = [getattr(self, one.name) for one in fields(self)]
        return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1).astype(np.float32)

    @classmethod
    def unpacked(cls, parameters: NDArray[np.float32]) -> WeekModel:
        """Views of [row, parameter]; raises `ValueError` where they are not `SIZE`."""
        if parameters.ndim != 2 or parameters.shape[1] != SIZE:
            raise ValueError(f"a model {NAME} has {SIZE} parameters a row, got {parameters.shape}")
        parts, at = {}, 0
        for name, shape in _SHAPES.items():
            width = math.prod(shape)
            parts[name] = parameters[:, at : at + width].reshape(-1, *shape)
            at += width
        return cls(**parts)


def season_weights(days: Days) -> tuple[Integers, Integers, NDArray[np.float32]]:
    """Of each day the knots before and after it, and how far it is from the one to the other."""
    day_of_year = (days.astype("datetime64[D]") - days.astype("datetime64[Y]")).astype(np.int64)
    place = day_of_year / YEAR * SEASON_KNOTS
    before = np.floor(place).astype(np.int64)
    return before % SEASON_KNOTS, (before + 1) % SEASON_KNOTS, (place - before).astype(np.float32)


def season_at(season: Roots, days: Days) -> Roots:
    """[row, day]: the logarithm of the factor."""
    before, after, share = season_weights(days)
    return season[:, before] * (1 - share) + season[:, after] * share


def day_types(weekday: Integers) -> Integers:
    """0 for working days, 1 for Saturdays, 2 for Sundays."""
    return np.maximum(weekday - (SATURDAY - 1), 0)


def levels(model: WeekModel, days: Days, hours: Integers, calendar: Calendar) -> tuple[Roots, Roots]:
    """Level and spread [row, moment] of the hours that begin at these local days and hours, on the root scale."""
    weekday = weekdays(days)
    kinds = calendar.kinds(days)
    public = (kinds & PUBLIC_HOLIDAY) > 0
    level = model.week[:, weekday, hours]
    for kind in np.unique(kinds[~public & (kinds > 0)]):
        for weekend in (False, True):
            here = (kinds == kind) & ((weekday >= SATURDAY) == weekend)
            if here.any():
                level[:, here] *= model.effects.of(int(kind), weekend)[:, hours[here]]
    level[:, public] = model.week[:, SUNDAY, hours[public]] * model.holiday[:, hours[public]]
    if model.season.any():
        level *= np.exp(season_at(model.season, days))
    spread = model.spread[:, np.where(public, 2, day_types(weekday)), hours]
    return level, spread
