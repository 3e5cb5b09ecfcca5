"""The hours of a period as the clocks of a street show them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from aggregate.tables import Integers, Rows, Times


def clock_hours(starts: Times, timezone: str) -> Integers:
    """The hours of the local clock in which these times (UTC) fall, counted from its 1970."""
    local = pd.DatetimeIndex(starts).tz_localize("UTC").tz_convert(timezone).tz_localize(None)
    hours: Integers = local.to_numpy().astype("datetime64[h]").astype(np.int64)
    return hours


@dataclass(frozen=True, eq=False)
class LocalHours(Rows):
    """Of each hour: the number of its local `day` from 0 on, `weekday` (0 Monday), `hour` of the day, and when the
    first hour of the day began (`midnight`, UTC; the first hour of the period for its first day)."""

    day: Integers
    weekday: Integers
    hour: Integers
    midnight: Times

    @property
    def week_hour(self) -> Integers:
        """0 to 167, from Monday midnight on."""
        return self.weekday * 24 + self.hour


def local_hours(starts: Times, timezone: str) -> LocalHours:
    """Of hours that begin at `starts` (UTC, in order); an hour of half a zone's offset is of the day it begins in."""
    hours = clock_hours(starts, timezone)
    date = hours // 24
    _, first, day = np.unique(date, return_index=True, return_inverse=True)
    return LocalHours(
        day=np.asarray(day, dtype=np.int64),
        weekday=(date + 3) % 7,  # 1 January 1970 was a Thursday
        hour=hours % 24,
        midnight=np.asarray(starts)[first[day]] if len(starts) else np.asarray(starts),
    )
