"""When the rows of somebody else's table were counted: dates as people write them, local clocks, summer time."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aggregate.tables import Integers, Mask, Times
from core.errors import SourceError

HOUR = np.timedelta64(1, "h")
NEARLY_ALL = 0.98
"""Of the different times of a table a way of writing dates has to read; the rest is rubbish and is said to be."""
SKIPPED_OFTEN = 0.5

_DATES = (
    "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%Y", "%Y/%m/%d", "%Y.%m.%d", "%d-%b-%Y", "%d-%b-%y",
    "%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y",
)  # fmt: skip
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", " %I %p", " %H", "T%H:%M", "T%H:%M:%S", ", %H:%M")
_PACKED = r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_OFFSET = r"(?:[Zz]|[+-]\d\d:?\d\d|[+-]\d\d|UTC|GMT)$"
_HOUR = r"^(\d{1,2})(?:\.0+)?(?::00)?(?::00)?(?:\s*(?:-|–|to)\s*\d{1,2}(?::00)?)?$"
_EPOCHS = ((1e8, 1e10, "s"), (1e11, 1e13, "ms"))


@dataclass(frozen=True, eq=False)
class RowTimes:
    """Of each row the hour it counted, in hours since 1970 UTC, where it is `known`; `notes` are for the reader."""

    hour: Integers
    known: Mask
    notes: tuple[str, ...]


def hours_of(columns: pd.DataFrame, sensor: Integers, timezone: str | None, table: str) -> RowTimes:
    """The hours of the rows of a table, whose one or two time `columns` are text: a time, or a date and an hour of it.

    Raises `SourceError` where they cannot be read, could be read in two ways, or are not hours.
    """
    if columns.shape[1] > 2:
        raise SourceError(
            f"{columns.shape[1]} columns of time of {table}: {', '.join(map(str, columns))}",
            remedy="name one with date and time, or one with the date and one with the hour: --time DATE,HOUR",
        )
    names = [str(name) for name in columns]
    codes, texts = pd.factorize(columns[names[0]])
    told, in_utc = _read_times(pd.Series(texts, dtype=str), names[0], table)
    moment = told[codes]
    if len(names) == 2:
        days: Times = moment.astype("datetime64[D]").astype("datetime64[h]")
        since, said = _hours(columns[names[1]], names[1], table)
        moment = days + since
    else:
        said = ()
        _refuse_days(moment, names[0], table)
    hour, off = _whole_hours(moment, table)
    off = (*said, *off)
    if in_utc:
        known = ~np.isnat(hour)
        clock = () if timezone else ("times carry their offset; weeks and days are those of UTC without --timezone",)
        return RowTimes(hour.astype(np.int64), known, (*off, *clock))
    if timezone is None:
        note = "times are taken as they stand, on a clock without summer time; --timezone names a local one"
        return RowTimes(hour.astype(np.int64), ~np.isnat(hour), (*off, note))
    utc, notes = _localised(hour, sensor, timezone)
    return RowTimes(utc.astype(np.int64), ~np.isnat(utc), (*off, *notes))


def _read_times(texts: pd.Series[str], column: str, table: str) -> tuple[Times, bool]:
    """Times of different texts, NaT where a text is none, and whether they carry an offset and are in UTC now."""
    filled = texts[texts != ""]
    if filled.empty:
        raise SourceError(f"column {column!r} of {table} is empty", remedy="name another with --time")
    for packed, how in ((_PACKED, "%Y%m%d"), (_PACKED + r"(?:[01]\d|2[0-3])", "%Y%m%d%H")):
        if filled.str.fullmatch(packed).mean() >= NEARLY_ALL:
            return _as_times(pd.to_datetime(texts, format=how, errors="coerce")), False
    numbers = pd.to_numeric(texts, errors="coerce").to_numpy(dtype=np.float64)
    for least, most, unit in _EPOCHS:
        fitting = (numbers >= least) & (numbers < most)
        if fitting.sum() >= NEARLY_ALL * len(filled):
            since = np.where(fitting, numbers, 0) * {"s": 1_000_000, "ms": 1000}[unit]
            return np.where(fitting, since.astype("datetime64[us]"), np.datetime64("NaT")), True
    iso = pd.to_datetime(texts, format="ISO8601", utc=True, errors="coerce")
    if iso.notna().sum() >= NEARLY_ALL * len(filled):
        offsets = filled.str.contains(r"\d[T ]\d") & filled.str.contains(_OFFSET)
        if 0 < offsets.sum() < len(filled):
            raise SourceError(
                f"some times of column {column!r} of {table} carry an offset and some do not",
                remedy="write all of them with one, as 2017-03-09T08:00+01:00, or none",
            )
        return _as_times(iso.dt.tz_localize(None)), bool(offsets.all())
    return _written_times(texts, len(filled), column, table), False


def _written_times(texts: pd.Series[str], filled: int, column: str, table: str) -> Times:
    """Times in the one way of writing dates that reads them."""
    some = texts[texts != ""].head(200)
    found: dict[str, pd.Series[pd.Timestamp]] = {}
    for date, clock in product(_DATES, _CLOCKS):
        how = date + clock
        if pd.to_datetime(some, format=how, errors="coerce").notna().mean() < NEARLY_ALL / 2:
            continue
        read = pd.to_datetime(texts, format=how, errors="coerce")
        if read.notna().sum() >= NEARLY_ALL * filled:
            found[how] = read
    if not found:
        examples = ", ".join(repr(text) for text in some.head(3))
        raise SourceError(
            f"the times of column {column!r} of {table} cannot be read: {examples}",
            remedy="write them as 2017-03-09T08:00, or name another column with --time",
        )
    first, *others = found.values()
    if any(not first.equals(other) for other in others):
        ways = " and ".join(found)
        raise SourceError(
            f"the dates of column {column!r} of {table} can be read in more than one way ({ways}): {some.iloc[0]!r}",
            remedy="write them as 2017-03-09",
        )
    return _as_times(first)


def _as_times(read: pd.Series[pd.Timestamp]) -> Times:
    return read.to_numpy().astype("datetime64[us]")


def _hours(column: pd.Series[str], name: str, table: str) -> tuple[NDArray[np.timedelta64], tuple[str, ...]]:
    """The hours of a column of hours of the day, NaT where a row has none: 0 to 23, clock times, spans, or 1 to 24."""
    codes, texts = pd.factorize(column)
    words = pd.Series(texts, dtype=str)
    numbers = pd.to_numeric(words.str.extract(_HOUR)[0], errors="coerce")
    for clock in ("%I %p", "%I:%M %p", "%I%p"):
        read = pd.to_datetime(words.where(numbers.isna()), format=clock, errors="coerce")
        numbers = numbers.fillna(read.dt.hour)
    filled = int((words != "").sum())
    if not filled or numbers.notna().sum() < NEARLY_ALL * filled or numbers.max() > 24:
        raise SourceError(
            f"column {name!r} of {table} is no hour of the day: {', '.join(map(repr, texts[:3]))}",
            remedy="hours are 0 to 23, or times as 07:00",
        )
    notes: tuple[str, ...] = ()
    if numbers.max() == 24:
        if numbers.min() < 1:
            raise SourceError(
                f"column {name!r} of {table} has hours from 0 to 24",
                remedy="write 0 to 23, by their beginning",
            )
        numbers, notes = numbers - 1, ("hours are 1 to 24: each is taken for the hour that ends with it",)
    hours = np.where(numbers.isna(), np.iinfo(np.int64).min, numbers.fillna(0).astype(np.int64))
    return hours.astype("timedelta64[h]")[codes], notes


def _refuse_days(moment: Times, column: str, table: str) -> None:
    known = moment[~np.isnat(moment)]
    days = known.astype("datetime64[D]")
    if len(known) > 1 and (known == days).all() and len(np.unique(days)) > 1:
        raise SourceError(
            f"column {column!r} of {table} has days and no hours",
            remedy="name the column with the hour too: --time DATE,HOUR; counts of days are no hourly counts",
        )


def _whole_hours(moment: Times, table: str) -> tuple[Times, tuple[str, ...]]:
    """The hours that times lie in; rows that do not lie at the minute all others do are left out, and said."""
    hour = moment.astype("datetime64[h]")
    known = ~np.isnat(moment)
    minute = (moment - hour).astype("timedelta64[m]").astype(np.int64)
    minutes, rows = np.unique(minute[known], return_counts=True)
    if len(minutes) == 0:
        return hour, ()
    usual = minutes[rows.argmax()]
    if rows.max() < NEARLY_ALL * rows.sum():
        some = ", ".join(str(one) for one in minutes[:6])
        raise SourceError(
            f"{table} is not hourly: its times lie at the minutes {some}",
            remedy="add up each sensor's counts to hours first",
        )
    other = known & (minute != usual)
    hour[other] = np.datetime64("NaT")
    notes = [] if usual == 0 else [f"times lie at minute {usual}: they are taken for the hour they lie in"]
    if other.any():
        notes.append(f"{int(other.sum()):,} rows at other minutes than all the others: left out")
    return hour, tuple(notes)


def _localised(hour: Times, sensor: Integers, timezone: str) -> tuple[Times, tuple[str, ...]]:
    """UTC hours of local ones. The hour that summer time ends with comes twice: two rows of a sensor are the two, in
    their order; a single one could be either or both, and is left out."""
    hours, codes = np.unique(hour, return_inverse=True)
    local = pd.DatetimeIndex(hours.astype("datetime64[us]"))
    summer, winter = (
        local.tz_localize(timezone, ambiguous=np.full(len(local), first), nonexistent="NaT") for first in (True, False)
    )
    first, second = (one.tz_convert(None).to_numpy().astype("datetime64[us]") for one in (summer, winter))
    skipped: Mask = (np.isnat(first) & ~np.isnat(hours))[codes]
    twice = np.asarray(first != second) & ~np.isnat(first)
    utc = first[codes]
    rows = np.flatnonzero(twice[codes])
    notes = []
    if len(rows):
        of = pd.DataFrame({"sensor": sensor[rows], "hour": codes[rows]}).groupby(["sensor", "hour"])
        turn, times = of.cumcount().to_numpy(), of["hour"].transform("size").to_numpy()
        utc[rows[turn == 1]] = second[codes[rows[turn == 1]]]
        lost = rows[times != 2]
        utc[lost] = np.datetime64("NaT")
        if len(lost):
            notes.append(
                f"{len(lost):,} rows of the hour that comes twice when summer time ends: left out, for they do not say "
                "which of the two they are of"
            )
    if skipped.any():
        words = f"{int(skipped.sum()):,} rows of hours that the clock of {timezone} skips: left out"
        springs = len(np.unique(hour[skipped]))
        if skipped.sum() >= SKIPPED_OFTEN * springs * len(np.unique(sensor)):
            words += "; the table may keep one clock all year: name that, as --timezone Etc/GMT-10 for UTC+10"
        notes.append(words)
    return utc.astype("datetime64[h]"), tuple(notes)
