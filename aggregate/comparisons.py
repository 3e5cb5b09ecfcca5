"""How busy it has been lately against what is usual, or against a named period ("before lockdown"), by time of week.

Sums are held against the means of usual windows (`Expectation.mean`), not against their middles: those add up to less.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd

from aggregate.grid import ZoneOfCamera
from aggregate.level_change import LevelChange, level_change
from aggregate.local_time import clock_hours
from aggregate.nouns import NOUNS
from aggregate.query import expect_hours
from aggregate.tables import Integers, instants, text
from aggregate.usual.baselines import ROLLING, BaselineState
from aggregate.usual_answers import Field, UsualAnswers
from core.errors import QueryError
from core.records import Window

MOST_RANGE = timedelta(days=366)
MOST_ROWS = 200_000
_CHUNK = 64
_DECIMALS = 6
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

COMPARISON_COLUMNS = (
    "zone",
    "camera",
    "class",
    "reference",
    "weekday",
    "hour",
    "start",
    "end",
    "mean",
    "baseline",
    "index",
    "index_low",
    "index_high",
    "days",
    "hours",
    "hours_due",
    "state",
    "reason",
    "words",
)
"""Order of a frame of comparisons: `start`, `end` are datetime64[us, UTC], figures float64 (NaN for null), `days`,
`hours` and `hours_due` int64, the rest object columns of str, and `hour` of int (None for null)."""

_DTYPES: dict[str, str] = (
    dict.fromkeys(COMPARISON_COLUMNS, "object")
    | dict.fromkeys(("start", "end"), "datetime64[us, UTC]")
    | dict.fromkeys(("mean", "baseline", "index", "index_low", "index_high"), "float64")
    | dict.fromkeys(("days", "hours", "hours_due"), "int64")
)


class Grain(StrEnum):
    """The parts of the week that are compared: all of it, its days, the hours of a day, or the hours of a week."""

    WEEK = "week"
    WEEKDAY = "weekday"
    HOUR = "hour"
    HOUR_OF_WEEK = "hour_of_week"

    def cells(self) -> list[tuple[str | None, int | None]]:
        """(weekday, hour) of each part, None where it is of all of them."""
        days: Sequence[str | None] = _WEEKDAYS if self in (Grain.WEEKDAY, Grain.HOUR_OF_WEEK) else (None,)
        hours: Sequence[int | None] = range(24) if self in (Grain.HOUR, Grain.HOUR_OF_WEEK) else (None,)
        return [(day, hour) for day in days for hour in hours]

    def cell_of(self, local_hour: Integers) -> Integers:
        """The position among `cells` of hours of the local clock since 1970."""
        hour, weekday = local_hour % 24, (local_hour // 24 + 3) % 7  # 1 January 1970 was a Thursday
        by_hour = hour if self in (Grain.HOUR, Grain.HOUR_OF_WEEK) else np.zeros_like(hour)
        by_day = weekday if self in (Grain.WEEKDAY, Grain.HOUR_OF_WEEK) else np.zeros_like(hour)
        return by_day * (24 if self is Grain.HOUR_OF_WEEK else 1) + by_hour

    @property
    def least_days(self) -> int:
        """So many days have to be counted for an interval that says something."""
        return 7 if self in (Grain.WEEK, Grain.HOUR) else 3


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What is compared: what was counted in the hours of [start, end), with what `reference` expects of them."""

    series: tuple[str, ...]
    start: datetime
    end: datetime
    reference: str = ROLLING
    grain: Grain = Grain.WEEK


def compare(usual: UsualAnswers, zones: Sequence[ZoneOfCamera], asked: Comparison) -> pd.DataFrame:
    """One row (`COMPARISON_COLUMNS`) per zone, class and part of the week; the zones of a time zone stand together.

    Raises `NotFound` for a reference that there is not, `QueryError` for a period that is too long or
    holds no hour, or too many rows.
    """
    usual.expect_reference(asked.reference)
    if asked.end - asked.start > MOST_RANGE:
        raise QueryError(
            f"the period from {asked.start:%Y-%m-%d} has more than {MOST_RANGE.days} days",
            remedy="ask for a part of it",
        )
    rows = len(zones) * len(asked.series) * len(asked.grain.cells())
    if rows > MOST_ROWS:
        raise QueryError(
            f"that would be {rows} rows, and at most {MOST_ROWS} are told at once",
            remedy="name zones or cameras, give a bbox, or say by=week",
        )
    expect_hours(asked.start, asked.end)
    frames = [_compared(usual, chunk, asked) for chunk in _chunks(zones)]
    frames = frames or [pd.DataFrame({name: [] for name in COMPARISON_COLUMNS})]
    return pd.concat([frame.astype(_DTYPES) for frame in frames], ignore_index=True)


def _chunks(zones: Sequence[ZoneOfCamera]) -> Iterator[list[ZoneOfCamera]]:
    """Some zones of one time zone at a time: a year of their hours fits into 25 MB."""
    for timezone in sorted({one.camera.timezone for one in zones}):
        held = [one for one in zones if one.camera.timezone == timezone]
        yield from (held[begin : begin + _CHUNK] for begin in range(0, len(held), _CHUNK))


def _compared(usual: UsualAnswers, zones: Sequence[ZoneOfCamera], asked: Comparison) -> pd.DataFrame:
    cells = asked.grain.cells()
    shape = len(zones), len(asked.series), len(cells)
    figures = {name: np.full(shape, np.nan) for name in ("mean", "baseline", "index", "index_low", "index_high")}
    counts = {name: np.zeros(shape, dtype=np.int64) for name in ("days", "hours", "hours_due")}
    states, reasons = np.empty(shape, dtype=object), np.empty(shape, dtype=object)
    for column, series in enumerate(asked.series):
        field = usual.field(zones, series, Window.HOUR, asked.start, asked.end, reference=asked.reference)
        local = clock_hours(field.history.starts, zones[0].camera.timezone)
        cell = asked.grain.cell_of(local)
        change = _change(field, local, cell, len(cells))
        told = (change.counted, change.expected, change.ratio, change.low, change.high)
        for name, values in zip(figures, told, strict=True):
            figures[name][:, column] = values.round(_DECIMALS)
        counts["days"][:, column], counts["hours"][:, column] = change.days, change.hours
        counts["hours_due"][:, column] = np.bincount(cell, minlength=len(cells))
        states[:, column] = field.usual.state[:, None]
        reasons[:, column] = field.usual.reason[:, None]
    known = np.isin(states.astype(str), (BaselineState.OK.value, BaselineState.BORROWED.value))
    short = known & (counts["days"] < asked.grain.least_days)
    states[short] = BaselineState.INSUFFICIENT_HISTORY.value
    reasons[short] = [_too_few(days, asked.grain.least_days) for days in counts["days"][short]]
    for name in ("index", "index_low", "index_high"):
        figures[name][short] = np.nan
    each = np.prod(shape[1:], dtype=int)
    table: dict[str, Any] = {
        "zone": np.repeat(text([one.zone.id for one in zones]), each),
        "camera": np.repeat(text([one.camera.id for one in zones]), each),
        "class": np.tile(np.repeat(text(asked.series), len(cells)), len(zones)),
        "reference": np.full(len(zones) * each, asked.reference, dtype=object),
        "weekday": np.tile(text([day for day, _ in cells]), len(zones) * len(asked.series)),
        "hour": [hour for _, hour in cells] * (len(zones) * len(asked.series)),
        "start": instants([asked.start] * (len(zones) * each)),
        "end": instants([asked.end] * (len(zones) * each)),
        **{name: values.reshape(-1) for name, values in figures.items()},
        **{name: values.reshape(-1) for name, values in counts.items()},
        "state": states.reshape(-1),
        "reason": reasons.reshape(-1),
    }
    frame = pd.DataFrame({name: pd.Series(column, dtype=_DTYPES[name]) for name, column in table.items()})
    columns = (frame[name] for name in ("class", "reference", "index", "index_low", "index_high"))
    frame["words"] = pd.Series([_words(*row) for row in zip(*columns, strict=True)], dtype=object)
    return frame[list(COMPARISON_COLUMNS)]


def _change(field: Field, local: Integers, cell: Integers, cells: int) -> LevelChange:
    """`local` [hour] are hours of the local clock since 1970."""
    return level_change(
        field.history.value.astype(np.float64),
        field.usual.expectation.mean,
        field.usual.expectation.error,
        day=local // 24,
        level=Grain.HOUR_OF_WEEK.cell_of(local),
        cell=cell,
        cells=cells,
    )


def _too_few(days: int, least: int) -> str:
    return f"{days} days were counted in this period, and at least {least} are needed to compare"


def _words(series: str, reference: str, index: float, low: float, high: float) -> str | None:
    """The change as a planner reads it; None where there is none to tell."""
    if np.isnan(index):
        return None
    where = "usual" if reference == ROLLING else f"in the period {reference!r}"
    what = NOUNS[series]
    percent, least, most = (round(100 * (value - 1)) for value in (index, low, high))
    if least <= 0 <= most:
        return f"about as many {what} as {where}: {percent:+d} %, 90 % interval {least:+d} to {most:+d} %"
    more, (near, far) = ("more", (least, most)) if percent > 0 else ("fewer", (-most, -least))
    return f"{abs(percent)} % {more} {what} than {where} (90 % interval {near} to {far} % {more})"
