"""What a fitted week says of windows: quarters, hours and days."""

from __future__ import annotations

import numpy as np
import pandas as pd

from aggregate.local_time import clock_hours
from aggregate.tables import Numbers, Times
from aggregate.usual.baselines import Expectation
from aggregate.usual.calendar import Calendar
from aggregate.usual.days import HOURS, Roots
from aggregate.usual.model import DAY_TAILS, HOUR_TAILS, QUARTER_TAILS, WeekModel, levels
from core.records import Window
from core.root_scale import OFFSET

HALF_HOUR = np.timedelta64(30, "m")
HALF_QUARTER = np.timedelta64(450, "s")


def told(model: WeekModel, window: Window, starts: Times, timezone: str, calendar: Calendar) -> Expectation:
    """Arrays [row, start]; NaN of windows of other widths than a quarter, an hour or a local day."""
    if window is Window.HOUR:
        return _banded(model, *_hours(model, starts, timezone, calendar), HOUR_TAILS)
    if window is Window.QUARTER:
        return _banded(model, *_quarters(model, starts, timezone, calendar), QUARTER_TAILS)
    if window is Window.DAY:
        return _banded(model, *_days(model, starts, timezone, calendar), DAY_TAILS)
    return nothing(len(model.week), len(starts))


def nothing(rows: int, starts: int) -> Expectation:
    """Nothing is known of any window."""
    return Expectation(*(np.full((rows, starts), np.nan) for _ in range(5)))


def quarter_levels(model: WeekModel, starts: Times, timezone: str, calendar: Calendar) -> tuple[Roots, Roots]:
    """Level and spread of hours [row, start] in the middle of the quarters that begin at `starts`.

    The level of an hour is that of its middle; between the middles of hours it is drawn straight.
    """
    middle = np.asarray(starts + (HALF_QUARTER - HALF_HOUR), dtype="datetime64[us]")
    share = ((_local(middle, timezone).minute + 0.5) / 60).to_numpy().astype(np.float32)
    before, spread_before = _hours(model, middle, timezone, calendar)
    after, spread_after = _hours(model, np.asarray(middle + 2 * HALF_HOUR, dtype="datetime64[us]"), timezone, calendar)
    return before + share * (after - before), spread_before + share * (spread_after - spread_before)


def _local(starts: Times, timezone: str) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(starts).tz_localize("UTC").tz_convert(timezone)


def _hours(model: WeekModel, starts: Times, timezone: str, calendar: Calendar) -> tuple[Roots, Roots]:
    at = clock_hours(starts, timezone)
    return levels(model, (at // HOURS).astype("datetime64[D]"), at % HOURS, calendar)


def _quarters(model: WeekModel, starts: Times, timezone: str, calendar: Calendar) -> tuple[Roots, Roots]:
    level, spread = quarter_levels(model, starts, timezone, calendar)
    scaled, added = model.quarter[:, :1], model.quarter[:, 1:]
    return level, np.sqrt(scaled * spread**2 + added)


def _days(model: WeekModel, starts: Times, timezone: str, calendar: Calendar) -> tuple[Roots, Roots]:
    """A day has all hours of the clock once, also where the clocks change. An hour that is never seen has no say."""
    days = (clock_hours(starts, timezone) // HOURS).astype("datetime64[D]")
    hours, _ = levels(model, np.repeat(days, HOURS), np.tile(np.arange(HOURS), len(days)), calendar)
    squares = np.square(hours.reshape(len(hours), len(days), HOURS))
    known = np.isfinite(squares)
    mean = np.where(known, squares, 0).sum(axis=2) / np.where(known.any(axis=2), known.sum(axis=2), np.nan)
    level = np.sqrt(mean) * model.day[:, :1]
    return level.astype(np.float32), (level * model.day[:, 1:]).astype(np.float32)


def _banded(model: WeekModel, level: Roots, spread: Roots, window: int) -> Expectation:
    tails = model.tails[:, window]
    error = np.hypot(model.error[:, :1] * spread, model.error[:, 1:] * level)
    return Expectation(
        expected=_counts(level),
        # d count / d root = 2 root; where nobody is expected, half an error up is still some.
        error=(2 * np.maximum(level, np.float32(np.sqrt(OFFSET))) * error).astype(np.float64),
        low=_counts(level + np.minimum(tails[:, :1] * spread, 0)),
        high=_counts(level + np.maximum(tails[:, 1:] * spread, 0)),
        spread=spread.astype(np.float64),
    )


def _counts(level: Roots) -> Numbers:
    return np.asarray(np.maximum(np.square(np.maximum(level, 0)) - np.float32(OFFSET), 0), dtype=np.float64)
