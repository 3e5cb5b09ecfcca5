"""Which weeks of a past are held out: forecasts are made for them from what came before, never from them.

past   |------------------------|##|--------|##|--------|##|--------|##|   # held out, stretches of whole weeks

The stretches lie evenly over the last year, so that no season is judged for all. Where the past is shorter than two
years, over its second half.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import pandas as pd

from aggregate.history import History
from aggregate.tables import Integers
from core.errors import QueryError

WEEK_S = 7 * 86_400
YEAR_WEEKS = 52
LEAST_WEEKS_BEFORE = 3
"""What has to lie before the first held-out hour: two weeks to see a week repeat itself, and one to forecast from."""


@dataclass(frozen=True)
class Split:
    """The steps [begin, end) of a history are held out: whole weeks from a local midnight."""

    begin: int
    end: int


def splits(history: History, *, weeks: int = 8, stretches: int = 4) -> tuple[Split, ...]:
    """`weeks` held-out weeks in at most so many `stretches`, in order of time.

    Raises `QueryError` where the history is too short for them.
    """
    week = WEEK_S // history.step_s
    midnights = _midnights(history)
    end = int(midnights[-1]) if len(midnights) else history.steps
    reach = min(YEAR_WEEKS, end // week // 2)
    if reach < weeks or end - reach * week < LEAST_WEEKS_BEFORE * week:
        most = min(end // week // 2, end // week - LEAST_WEEKS_BEFORE)
        raise QueryError(
            f"{end / week:.1f} weeks of counts are too few to hold {weeks} of them out",
            remedy=f"at most {most} can be: --weeks {most}" if most >= 1 else "six weeks are the least",
        )
    parts = [len(part) for part in np.array_split(np.arange(weeks), min(stretches, weeks))]
    free = reach - weeks
    gaps = [len(part) for part in np.array_split(np.arange(free), len(parts))]
    ends = list(accumulate(gap + part for gap, part in zip(gaps, parts, strict=True)))
    first = end - reach * week
    found = []
    for until, part in zip(ends, parts, strict=True):
        near = first + (until - part) * week
        # Summer time may have begun or ended since: the day then begins an hour before or after.
        begin = int(midnights[np.abs(midnights - near).argmin()]) if len(midnights) else near
        found.append(Split(begin, min(begin + part * week, end)))
    return tuple(found)


def _midnights(history: History) -> Integers:
    """The steps that begin with a local day, and the end of the history where it ends with one."""
    boundaries = np.append(history.starts, history.end)
    local = pd.DatetimeIndex(boundaries).tz_localize("UTC").tz_convert(history.timezone)
    return np.flatnonzero(local.hour == 0)
