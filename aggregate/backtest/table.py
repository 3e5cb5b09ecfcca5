"""Any table of hourly counts as a history: one row an hour of a sensor, in CSV, plain, gzipped or in a zip.

    time                 sensor      count
    2014-02-01 07:00     Town Hall   1204
    2014-02-01 08:00     Town Hall

What cannot be taken for a count (text, a negative number, two different counts of one hour, a sensor that says nothing
but zero through hours that are always busy) is missing in the history, never zero, and `Account.notes` says how many
there were of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aggregate.backtest.reading_times import hours_of
from aggregate.backtest.table_file import read_columns
from aggregate.history import History, Levels
from aggregate.tables import Integers, Numbers
from core.errors import SourceError

HOUR_S = 3600
WEEK = 168
MOST_DIFFERENT = 0.02
"""Of all rows: beyond it time and sensor do not tell rows apart, and something else in the table does."""
LEAST_NUMBERS = 0.5
"""Of the cells that are not empty: below it the column is not one of counts."""
LONGEST_YEARS = 40

OUTAGE_HOURS, OUTAGE_COUNT = 12, 50.0
"""A sensor that says nothing but zero for so many hours, in which so many are usual, counts nobody: it is out."""

NOTHING = ("", "na", "n/a", "nan", "null", "none", "-", "--")


@dataclass(frozen=True)
class Columns:
    """Which columns of a table say what. Two of `time` are a date and an hour of it; several of `sensor` name one
    together; several of `count`, without a sensor, are a sensor each."""

    time: tuple[str, ...]
    count: tuple[str, ...]
    sensor: tuple[str, ...] = ()


@dataclass(frozen=True)
class Account:
    """What was found in a table. `notes` says in words what was not taken as it stood, each with how often."""

    rows: int
    sensors: int
    first: np.datetime64
    last: np.datetime64
    timezone: str
    observed: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class HourlyTable:
    """A table as a history of its hours, and what was found in it."""

    history: History
    account: Account


def read_table(path: Path, columns: Columns, *, timezone: str | None = None) -> HourlyTable:
    """The counts of `path` by sensor and hour.

    `timezone` is the clock of local times, and of what is usual; without it times are taken as they stand. Raises
    `SourceError` for a file that cannot be read, a column that is not there, and rows that are not hourly counts.
    """
    if len(columns.count) > 1 and columns.sensor:
        raise SourceError(
            f"{len(columns.count)} columns of counts and a column of sensors",
            remedy="name one column of counts, or leave out --sensor where each column is a sensor",
        )
    cells = read_columns(path, (*columns.time, *columns.sensor, *columns.count))
    if cells.empty:
        raise SourceError(f"{path.name} has no rows", remedy="export the counts anew, a row an hour of a sensor")
    notes: list[str] = []
    rows, names = _long(cells, columns, path, notes)
    sensor = rows["sensor"].to_numpy(dtype=np.int64)
    counts = _counts(rows["count"], ", ".join(columns.count), path, notes)
    times = hours_of(rows[list(columns.time)], sensor, timezone, path.name)
    known = times.known
    if not known.any():
        raise SourceError(f"no row of {path.name} has a time that can be read", remedy="name the column with --time")
    if not known.all():
        notes.append(f"{int((~known).sum()):,} rows without a time that can be used: left out")
    hour = times.hour[known]
    start, steps = int(hour.min()), int(hour.max() - hour.min()) + 1
    if steps > LONGEST_YEARS * 366 * 24:
        raise SourceError(
            f"the times of {path.name} reach from {_day(start)} to {_day(start + steps)}: a date is wrong",
            remedy="correct or remove the rows that cannot be of that time",
        )
    cell = sensor[known] * steps + hour - start
    value = _placed(cell, counts[known], len(names) * steps, path, notes).reshape(len(names), steps)
    silent = sum(_silence_outages(row) for row in value)
    if silent:
        notes.append(f"{silent:,} hours of nothing but zero where much is usual: taken for an outage, missing")
    history = History(
        columns.count[0] if len(columns.count) == 1 else "count", names, timezone or "UTC",
        np.datetime64(start, "h").astype("datetime64[us]"), HOUR_S, value, np.isfinite(value).astype(np.uint8),
    )  # fmt: skip
    account = Account(
        len(rows), len(names), history.start, history.starts[-1], history.timezone,
        float(np.isfinite(value).mean()), (*notes, *times.notes),
    )  # fmt: skip
    return HourlyTable(history, account)


def _long(cells: pd.DataFrame, columns: Columns, path: Path, notes: list[str]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Rows with the number of their `sensor` and their `count`, and the sensors' names."""
    if not columns.sensor:
        one = [cells[list(columns.time)].assign(count=cells[name], sensor=at) for at, name in enumerate(columns.count)]
        names = columns.count if len(columns.count) > 1 else (path.name.partition(".")[0],)
        return pd.concat(one, ignore_index=True), names
    named = cells[columns.sensor[0]]
    for more in columns.sensor[1:]:
        named = named + " / " + cells[more]
    nameless = (cells[list(columns.sensor)] == "").any(axis=1)
    if nameless.all():
        raise SourceError(f"column {columns.sensor[0]!r} of {path.name} is empty", remedy="name another with --sensor")
    if nameless.any():
        notes.append(f"{int(nameless.sum()):,} rows without a sensor: left out")
        cells, named = cells[~nameless], named[~nameless]
    codes, sensors = pd.factorize(named, sort=True)
    return (
        cells.rename(columns={columns.count[0]: "count"}).assign(sensor=codes).reset_index(drop=True),
        tuple(str(name) for name in sensors),
    )


def _counts(cells: pd.Series[str], column: str, path: Path, notes: list[str]) -> Numbers:
    """What was counted, NaN where a cell holds no count."""
    codes, texts = pd.factorize(cells)
    words = pd.Series(texts, dtype=str)
    plain = words.where(~words.str.fullmatch(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?"), words.str.replace(",", ""))
    numbers = pd.to_numeric(plain, errors="coerce").to_numpy(dtype=np.float64)
    empty = words.str.casefold().isin(NOTHING).to_numpy()
    negative, no_number = numbers < 0, ~np.isfinite(numbers) & ~empty
    rows = np.bincount(codes, minlength=len(texts))
    filled = rows[~empty].sum()
    if rows[~empty & ~no_number].sum() < max(1, LEAST_NUMBERS * filled):
        examples = ", ".join(repr(text) for text in words[no_number].head(3)) or "empty"
        raise SourceError(f"column {column!r} of {path.name} holds no counts: {examples}", remedy="say --count COLUMN")
    for which, what in (
        (empty, "rows without a count"),
        (no_number, "rows whose count is no number"),
        (negative, "rows with a negative count"),
    ):
        if which.any():
            examples = "" if which is empty else f" ({', '.join(repr(text) for text in words[which].head(3))})"
            notes.append(f"{int(rows[which].sum()):,} {what}{examples}: missing")
    counts: Numbers = np.where(negative | ~np.isfinite(numbers), np.nan, numbers)[codes]
    return counts


def _placed(cell: Integers, counts: Numbers, size: int, path: Path, notes: list[str]) -> Levels:
    """The count of each of `size` cells; what is said twice counts once, what is said differently is missing."""
    found = pd.DataFrame({"cell": cell, "count": counts})
    cells = found.groupby("cell")["count"].agg(["size", "min", "max"])
    again, differs = cells["size"] > 1, cells["min"] < cells["max"]
    doubled, different = int((cells["size"] - 1)[again & ~differs].sum()), int(cells["size"][differs].sum())
    if different > MOST_DIFFERENT * len(found):
        raise SourceError(
            f"{different:,} of {len(found):,} rows of {path.name} have the sensor and hour of another row and a "
            "different count",
            remedy="name every column that tells sensors apart (--sensor NAME,DIRECTION), or add such rows up first",
        )
    if doubled:
        notes.append(f"{doubled:,} rows that say again what another said: taken once")
    if different:
        notes.append(f"{different:,} rows with two different counts of one hour: missing")
    value = np.full(size, np.nan, dtype=np.float32)
    value[cells.index.to_numpy()] = cells["min"].where(~differs)
    return value


def _silence_outages(counts: NDArray[np.float32]) -> int:
    """Make the outages of one sensor missing, in place; how many hours."""
    weeks = -(-len(counts) // WEEK)
    padded = np.full(weeks * WEEK, np.nan)
    padded[: len(counts)] = counts
    by_hour = pd.DataFrame(padded.reshape(weeks, WEEK)).median().fillna(0.0).to_numpy()
    usual = np.tile(by_hour, weeks)[: len(counts)]
    edges = np.flatnonzero(np.diff(np.concatenate(([False], counts == 0, [False])).astype(np.int8)))
    silenced = 0
    for begin, end in edges.reshape(-1, 2):
        if end - begin >= OUTAGE_HOURS and usual[begin:end].sum() >= OUTAGE_COUNT:
            counts[begin:end] = np.nan
            silenced += int(end - begin)
    return silenced


def _day(hour: int) -> str:
    day: Any = np.datetime64(hour, "h").astype("datetime64[D]")
    return str(day)
