"""Which windows a moment belongs to.

Minutes are aligned to UTC, so all cameras share them. A day is the local day of the camera's time zone and lasts
23, 24 or 25 hours:

    Europe/London, 26 March 2017: clocks go forward at 01:00 UTC

    UTC    25T22   25T23   26T00   26T01 ... 26T22   26T23   27T00
    1d      ... 25 March ->|<------ 26 March (23 h) ->|<- 27 March
    60m    |       |       |       |     ... |       |       |

Every window is half-open: what happens at `end` belongs to the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from aggregate.tables import Spans, Text, Times, moment, text
from core.records import Window

WIDTH_S: dict[Window, int] = {
    Window.MINUTE: 60,
    Window.FIVE_MINUTES: 300,
    Window.QUARTER: 900,
    Window.HOUR: 3600,
}
"""Widths of the windows that are aligned to UTC, in seconds; a day has no fixed width."""


@dataclass(frozen=True)
class WindowBounds:
    """One window: half-open [start, end), UTC."""

    window: Window
    start: datetime
    end: datetime


@lru_cache(maxsize=4096)
def _local_day(day: date, timezone: str) -> tuple[datetime, datetime]:
    zone = ZoneInfo(timezone)
    start = datetime.combine(day, time(), zone)
    end = datetime.combine(day + timedelta(days=1), time(), zone)
    return start.astimezone(UTC), end.astimezone(UTC)


def window_at(window: Window, event_time: datetime, timezone: str) -> WindowBounds:
    """The window that holds `event_time`."""
    if window is Window.DAY:
        return WindowBounds(window, *_local_day(event_time.astimezone(ZoneInfo(timezone)).date(), timezone))
    width_s = WIDTH_S[window]
    start = datetime.fromtimestamp(event_time.timestamp() // width_s * width_s, UTC)
    return WindowBounds(window, start, start + timedelta(seconds=width_s))


def windows_at(window: Window, times: Times, timezones: Sequence[str]) -> tuple[Times, Times]:
    """Starts and ends of the windows that hold each of `times`, by the clock of its time zone."""
    if window is not Window.DAY:
        return _aligned(window, times)
    # A local day cannot be had by arithmetic on UTC; one look-up per quarter of an hour is enough, for every offset in
    # use is a multiple of it.
    quarters = times.astype("datetime64[m]").astype(np.int64) // 15
    timezone, names = pd.factorize(text(timezones))
    place, distinct = pd.factorize(quarters * len(names) + timezone)
    bounds = np.empty((len(distinct), 2), dtype="datetime64[us]")
    for number, key in enumerate(distinct.tolist()):
        quarter, name = divmod(key, len(names))
        at = datetime.fromtimestamp(quarter * 900, UTC)
        bounds[number] = [moment(edge) for edge in _local_day(at.astimezone(ZoneInfo(names[name])).date(), names[name])]
    return bounds[place, 0], bounds[place, 1]


def windows_touched(event_time: datetime, timezone: str) -> tuple[WindowBounds, ...]:
    """The windows that hold `event_time`, one of every width."""
    return tuple(window_at(window, event_time, timezone) for window in Window)


def days_between(start: datetime, end: datetime, timezone: str) -> tuple[Times, Times]:
    """Starts and ends of the local days that begin in [start, end), oldest first."""
    zone = ZoneInfo(timezone)
    first_day = start.astimezone(zone).date()
    days = (end.astimezone(zone).date() - first_day).days + 1
    bounds = [_local_day(first_day + timedelta(days=ahead), timezone) for ahead in range(days)]
    bounds = [(begins, ends) for begins, ends in bounds if start <= begins < end]
    return (
        np.array([moment(begins) for begins, _ in bounds], dtype="datetime64[us]"),
        np.array([moment(ends) for _, ends in bounds], dtype="datetime64[us]"),
    )


def spans_of(zones: Text, times: Times, timezone_of: Mapping[str, str]) -> Spans:
    """The distinct windows of every width that hold at least one event: one of a zone at a time.

    By width, zone (as they come) and start.
    """
    row, known = pd.factorize(zones)
    timezones = [timezone_of[zone] for zone in zones]
    found = []
    for window in Window:
        starts, ends = windows_at(window, times, timezones)
        order = np.lexsort((starts, row))
        same = (np.diff(row[order]) == 0) & (starts[order][1:] == starts[order][:-1])
        first = order[np.concatenate([[True], ~same])] if len(order) else order
        found.append(Spans(known[row[first]], text([window.value] * len(first)), starts[first], ends[first]))
    return Spans(
        *(np.concatenate([getattr(one, name) for one in found]) for name in ("zone", "window", "start", "end"))
    )


def stretches_of(spans: Spans) -> Spans:
    """What spans cover of the time of each zone: those that touch one another are one. By zone (as they come), start.

    Of the windows of an event the longest alone, unless a local midnight is within an hour of UTC.
    """
    zone, names = pd.factorize(spans.zone)
    order = np.lexsort((spans.start, zone))
    zone, start, end = zone[order], spans.start[order], spans.end[order]
    # The last end so far within the zone: ends as their places in time, beyond all those of the zones before.
    ends, place = np.unique(end, return_inverse=True)
    last = ends[np.maximum.accumulate(zone * len(ends) + place) % len(ends)] if len(ends) else ends
    first = np.ones(len(order), dtype=bool)
    first[1:] = (zone[1:] != zone[:-1]) | (start[1:] > last[:-1])
    begins = np.flatnonzero(first)
    until = last[np.append(begins[1:], len(order))[: len(begins)] - 1]
    return Spans(names[zone[begins]], text([""] * len(begins)), start[begins], until)


def hours_of(times: Times) -> Times:
    """The start of the hour (UTC) of each."""
    return _aligned(Window.HOUR, times)[0]


def _aligned(window: Window, times: Times) -> tuple[Times, Times]:
    width_us = WIDTH_S[window] * 1_000_000
    starts = times.astype("datetime64[us]").astype(np.int64) // width_us * width_us
    return starts.astype("datetime64[us]"), (starts + width_us).astype("datetime64[us]")
