"""The hours of a period as the clocks of a street show them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from aggregate.tables import Integers, Rows, Times


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
    local = pd.DatetimeIndex(starts).tz_localize("UTC").tz_convert(timezone)
    dates = local.tz_localize(None).normalize()
    _, first, day = np.unique(dates.to_numpy(), return_index=True, return_inverse=True)
    return LocalHours(
        day=np.asarray(day, dtype=np.int64),
        weekday=np.asarray(local.day_of_week, dtype=np.int64),
        hour=np.asarray(local.hour, dtype=np.int64),
        midnight=np.asarray(starts)[first[day]] if len(starts) else np.asarray(starts),
    )
