"""What readings say of what is usual: the level expected of such a window, its usual range, and the busyness index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggregate.grid import Grid, ZoneOfCamera
from aggregate.tables import Integers, Mask, Numbers, ReadingTable, moment
from aggregate.usual.baselines import ROLLING, BaselineState
from aggregate.usual.busyness_index import busyness_index
from aggregate.usual_answers import NEVER_BUILT, Usual, UsualAnswers
from core.records import Reading, Window

_FIGURES = ("baseline", "baseline_low", "baseline_high", "index", "index_low", "index_high")
_WORDS = ("baseline_state", "baseline_reason")
USUAL_COLUMNS = (*_FIGURES, *_WORDS)
"""The columns that a reading has of what is usual: float64 (NaN for null), but the state, which is a str, and its
reason, which is a str or None.

The baseline is told of windows in which nothing was counted too; the index needs both.
"""

_DECIMALS = 6
LEAST_OF_DAY = 0.75
"""The mean of a morning is not that of a day: a day of a smaller coverage is not compared."""
PART_OF_DAY = "too little of the day was counted to hold it against a whole one: ask for 60m"


def usual_columns(
    usual: UsualAnswers, table: ReadingTable, grid: Grid, reference: str = ROLLING
) -> dict[str, NDArray[Any]]:
    """`USUAL_COLUMNS` of every row and series of a table, whose rows are those of the grid.

    Raises `NotFound` for a reference that there is not.
    """
    shape = len(table), len(table.series)
    columns: dict[str, NDArray[Any]] = {name: np.full(shape, np.nan) for name in _FIGURES}
    columns |= {name: np.full(shape, None, dtype=object) for name in _WORDS}
    starts, step = np.unique(grid.start, return_inverse=True)
    expected = usual.expectations(grid.zones, table.series, grid.window, starts, reference)
    for column, told in enumerate(expected):
        counted = _Counted(
            grid.window, table.mean[:, column], table.low[:, column], table.high[:, column], table.coverage
        )
        for name, values in _told(told, grid.zone_row, step, counted).items():
            columns[name][:, column] = values
    return {name: column.reshape(-1) for name, column in columns.items()}


def usual_rows(
    usual: UsualAnswers, readings: Sequence[Reading], zones: Mapping[str, ZoneOfCamera]
) -> list[dict[str, float | str | None]]:
    """`USUAL_COLUMNS` of each record by name, None for null; `zones` has the zones of now by id."""
    rows: list[dict[str, float | str | None]] = [
        dict.fromkeys(_FIGURES) | {"baseline_state": BaselineState.NONE.value, "baseline_reason": NEVER_BUILT}
        for _ in readings
    ]
    asked: dict[tuple[str, Window], list[int]] = {}
    for row, reading in enumerate(readings):
        if reading.zone in zones:
            asked.setdefault((reading.series, reading.window), []).append(row)
    for (series, window), places in asked.items():
        held = [readings[row] for row in places]
        known = {reading.zone: row for row, reading in enumerate({one.zone: one for one in held}.values())}
        starts, step = np.unique(np.array([moment(one.start) for one in held]), return_inverse=True)
        told = usual.expectation([zones[zone] for zone in known], series, window, starts)
        zone_row = np.array([known[one.zone] for one in held])
        figures = ([getattr(one, name) for one in held] for name in ("mean", "low", "high", "coverage"))
        counted = _Counted(window, *(np.array(values, dtype=np.float64) for values in figures))
        columns = {name: values.tolist() for name, values in _told(told, zone_row, step, counted).items()}
        for place, row in enumerate(places):
            rows[row] = {name: _nullable(values[place]) for name, values in columns.items()}
    return rows


@dataclass(frozen=True, eq=False)
class _Counted:
    """What was counted in windows of one width."""

    window: Window
    mean: Numbers
    low: Numbers
    high: Numbers
    coverage: Numbers

    @property
    def comparable(self) -> Mask:
        """Whether the mean is one of the whole window: that of a morning is not what is usual of a day."""
        whole: Mask = self.coverage >= (LEAST_OF_DAY if self.window is Window.DAY else 0.0)
        return whole


def _told(told: Usual, zone: Integers, step: Integers, counted: _Counted) -> dict[str, NDArray[Any]]:
    """The columns of windows that were `counted` so; `zone`, `step` are their positions in what is `told`."""
    place = (zone, step)
    expected, comparable = told.expectation.expected[place], counted.comparable
    mean = np.where(comparable, counted.mean, np.nan)
    index = busyness_index(mean, counted.low, counted.high, expected, told.expectation.error[place])
    figures = (expected, told.expectation.low[place], told.expectation.high[place], *index)
    segment = told.segment[step]
    reason = told.reasons[zone, segment]
    part = ~comparable & ~np.isnan(counted.mean) & ~np.isnan(expected)
    reason[part] = PART_OF_DAY
    return {
        **{name: values.round(_DECIMALS) for name, values in zip(_FIGURES, figures, strict=True)},
        "baseline_state": told.states[zone, segment],
        "baseline_reason": reason,
    }


def _nullable(value: float | str | None) -> float | str | None:
    return None if isinstance(value, float) and np.isnan(value) else value
