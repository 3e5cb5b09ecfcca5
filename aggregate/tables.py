"""Many clips, windows and readings at once: frozen records of equally long columns.

The stages below handle a batch of fifty clips or a year of a city alike, so they pass columns, not objects.
Times are naive `datetime64[us]` in UTC, text columns are object arrays of str, null figures are NaN.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.config import Closed
from core.loops import LoopReading
from core.records import Reading, TrustState, Window

Text = NDArray[np.object_]
Times = NDArray[np.datetime64]
Numbers = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]


def text(values: Sequence[str | None]) -> Text:
    """A text column; None is null."""
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def moment(time: datetime) -> np.datetime64:
    """An aware time as the tables hold it."""
    return np.datetime64(time.astimezone(UTC).replace(tzinfo=None), "us")


def aware(time: np.datetime64) -> datetime:
    """A time of a table as the records hold it."""
    naive: datetime = time.astype("datetime64[us]").item()
    return naive.replace(tzinfo=UTC)


def instants(times: Sequence[datetime | None]) -> pd.DatetimeIndex:
    """A column of aware times for a data frame, datetime64[us, UTC]; None is NaT."""
    naive = [None if time is None else moment(time) for time in times]
    return pd.DatetimeIndex(np.array(naive, dtype="datetime64[us]")).tz_localize("UTC")


def times_of(times: Sequence[datetime]) -> Times:
    """Aware times as the tables hold them; `moment` of many."""
    since = (time - _EPOCH for time in times)
    us = ((one.days * 86_400 + one.seconds) * 1_000_000 + one.microseconds for one in since)
    return np.fromiter(us, np.int64, len(times)).astype("datetime64[us]")


def numbers_of(records: Sequence[Closed | None], width: int) -> Numbers:
    """The fields of records that have nothing but numbers, in their order: [record, field], NaN where there is none."""
    fields: Iterable[Iterable[float]]
    if all(records):
        fields = map(dict.values, map(vars, records))
    else:
        nothing = (np.nan,) * width
        fields = (nothing if one is None else vars(one).values() for one in records)
    return np.fromiter(chain.from_iterable(fields), np.float64, len(records) * width).reshape(-1, width)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Rows:
    """Base of the tables: frozen dataclasses whose array fields all have one row per item in their first axis."""

    def _columns(self) -> dict[str, NDArray[Any]]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}

    def __len__(self) -> int:
        return len(next(iter(self._columns().values())))

    def take(self, rows: Mask | Integers) -> Self:
        """The rows of a mask or of positions."""
        kept: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        kept.update({name: column[rows] for name, column in self._columns().items()})
        return type(self)(**kept)


@dataclass(frozen=True, eq=False)
class Clips(Rows):
    """Stored observations. `present`, `peak`, `stationary`, `high`: [clip, series] in the order of `SERIES`.

    `shared_by_people`, `shared_by_vehicles`: see `core.figures.Shares`; `area_m2`, `area_error` and `crowded_share` are
    those of `core.ground.ObservedGround`. NaN where there is none.
    """

    id: Text
    camera: Text
    zone: Text
    event_time: Times
    counted_at: Times
    status: Text
    present: Numbers
    peak: Numbers
    stationary: Numbers
    high: Numbers
    shared_by_people: Numbers
    shared_by_vehicles: Numbers
    area_m2: Numbers
    area_error: Numbers
    crowded_share: Numbers


@dataclass(frozen=True, eq=False)
class Spans(Rows):
    """Windows of zones: half-open [start, end)."""

    zone: Text
    window: Text
    start: Times
    end: Times


@dataclass(frozen=True, eq=False)
class ReadingTable(Rows):
    """Readings of all `series` of a window in one row. `mean` to `stationary_share`: [row, series].

    `area_m2` to `crowded_share` (`GROUND`) are the row's, of whichever series: see `core.records.Reading`.
    """

    series: tuple[str, ...]
    zone: Text
    camera: Text
    window: Text
    start: Times
    end: Times
    mean: Numbers
    low: Numbers
    high: Numbers
    peak: Numbers
    stationary_share: Numbers
    area_m2: Numbers
    calibration_error: Numbers
    vehicles_m2: Numbers
    crowded_share: Numbers
    coverage: Numbers
    clips_counted: Integers
    clips_expected: Integers
    state: Text
    reason: Text
    revision: Integers
    derived_at: Times

    def same_content(self, other: ReadingTable) -> Mask:
        """Per row, whether every column but `revision` and `derived_at` is the same; both tables equally long."""
        same: Mask = np.ones(len(self), dtype=bool)
        theirs = other._columns()
        for name, ours in self._columns().items():
            if name in ("revision", "derived_at"):
                continue
            equal = ours == theirs[name]
            if ours.dtype.kind == "f":
                equal |= np.isnan(ours) & np.isnan(theirs[name])
            same &= equal.all(axis=1) if equal.ndim == 2 else equal.astype(bool)
        return same

    def select(self, series: Sequence[str]) -> ReadingTable:
        """The same rows with the figures of these of its series alone."""
        columns = [self.series.index(one) for one in series]
        return replace(
            self,
            series=tuple(series),
            mean=self.mean[:, columns],
            low=self.low[:, columns],
            high=self.high[:, columns],
            peak=self.peak[:, columns],
            stationary_share=self.stationary_share[:, columns],
        )

    def records(self) -> list[Reading]:
        """One `Reading` per row and series."""
        figures = {name: nullable(getattr(self, name)) for name in FIGURES}
        ground = {name: nullable(getattr(self, name)) for name in GROUND}
        readings: list[Reading] = []
        for row in range(len(self)):
            shared = {
                "zone": self.zone[row],
                "camera": self.camera[row],
                "window": Window(self.window[row]),
                "start": aware(self.start[row]),
                "end": aware(self.end[row]),
                **{name: values[row] for name, values in ground.items()},
                "coverage": float(self.coverage[row]),
                "clips_counted": int(self.clips_counted[row]),
                "clips_expected": int(self.clips_expected[row]),
                "state": TrustState(self.state[row]),
                "reason": self.reason[row],
                "revision": int(self.revision[row]),
                "derived_at": aware(self.derived_at[row]),
            }
            for column, series in enumerate(self.series):
                one = {name: values[row][column] for name, values in figures.items()}
                readings.append(Reading.model_validate({**shared, **one, "series": series}))
        return readings


@dataclass(frozen=True, eq=False)
class LoopTable(Rows):
    """Readings of loops and counters (`core.loops.LoopReading`): one series of one interval [start, end) a row."""

    counter: Text
    series: Text
    start: Times
    end: Times
    flow: Numbers
    occupancy: Numbers
    reason: Text

    def records(self) -> list[LoopReading]:
        """One `LoopReading` per row."""
        columns = (self.counter, self.series, self.start, self.end, self.flow, self.occupancy, self.reason)
        return [
            LoopReading(
                counter=counter,
                series=series,
                start=aware(start),
                end=aware(end),
                flow=None if np.isnan(flow) else float(flow),
                occupancy=None if np.isnan(occupancy) else float(occupancy),
                reason=reason,
            )
            for counter, series, start, end, flow, occupancy, reason in zip(*columns, strict=True)
        ]


FIGURES = ("mean", "low", "high", "peak", "stationary_share")
"""The columns of a `ReadingTable` that hold a figure per series."""

GROUND = ("area_m2", "calibration_error", "vehicles_m2", "crowded_share")
"""The columns of a `ReadingTable` that say what the ground of the zone was: one figure a row."""


def nullable(figures: Numbers) -> list[Any]:
    """Figures, or rows of them, with None for NaN."""
    nullable = figures.astype(object)
    nullable[np.isnan(figures)] = None
    listed: list[Any] = nullable.tolist()
    return listed


def joined(tables: Sequence[ReadingTable]) -> ReadingTable:
    """The rows of tables of the same series, one table after the other; there is at least one."""
    first = tables[0]
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(one, name) for one in tables]) for name in first._columns()
    }
    return replace(first, **columns)


def no_readings(series: Sequence[str]) -> ReadingTable:
    """A table without rows."""
    nothing, never, none = text([]), np.empty(0, dtype="datetime64[us]"), np.empty(0, dtype=np.int64)
    return ReadingTable(
        series=tuple(series),
        zone=nothing,
        camera=nothing,
        window=nothing,
        start=never,
        end=never,
        **{name: np.empty((0, len(series))) for name in FIGURES},
        **{name: np.empty(0) for name in GROUND},
        coverage=np.empty(0),
        clips_counted=none,
        clips_expected=none,
        state=nothing,
        reason=nothing,
        revision=none,
        derived_at=never,
    )


def by_width(windows: Text) -> dict[str, Integers]:
    """The rows of each width of window that there is, by its value."""
    widths = {window.value: np.flatnonzero(windows == window.value) for window in Window}
    return {width: rows for width, rows in widths.items() if len(rows)}
