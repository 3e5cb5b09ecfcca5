"""Local times in UTC: by the order in which rows stand, by when a file was written, and never by a guess.

When summer time ends, an hour of local time comes twice. Rows that stand in the order of time tell which is which only
where the clock is seen to go back:

    local   00:59  01:00 ... 01:59  01:00 ... 01:59  02:00        one step back: what is before it is the first pass
    local   00:59  01:00 ... 01:59                   02:00        no step back: either pass may be the one that is there

In the second case one thing more is known: nothing is written before it has happened, and a publisher writes soon. A
row whose second reading lies after the writing is of the first pass; rows that were written soon after their second
reading are of the second. What stays open has no time, and the row is left out with the reason. When summer time begins
an hour is missing; a row that claims to be of it is left out too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from zoneinfo import ZoneInfo

_AHEAD = timedelta(minutes=1)
"""A stamp may lie so far after the time of writing: at the end of the minute, or by a clock that is a little off."""

_PROMPT = 0.75
"""A row that was written within this share of the repeated time after its second reading is of the second pass."""

FIRST_YEAR, LAST_YEAR = 1970, 2999
"""Of times that are believed. What is beyond is a slip, and near the ends of the calendar no time can be moved."""

_NOT_IN_ORDER = "the rows are not in the order of time: it cannot be told which they are"


@dataclass(frozen=True)
class Unplaced:
    """A local time that is no moment, or could be two."""

    reason: str


@dataclass(frozen=True)
class Written:
    """What is known of when rows were written: not after `by`; and `at`, where the publisher or the file tells it.

    An `at` before the rows is none: a restored file may bear any time. `by` is None where nobody knows.
    """

    by: datetime | None
    at: datetime | None = None


@dataclass(frozen=True)
class _Repeated:
    """Where rows of one repeated hour stand among the others, and their two readings."""

    places: range
    first: Sequence[datetime]
    second: Sequence[datetime]


def to_utc(
    local: Sequence[datetime],
    zone: ZoneInfo,
    *,
    step: timedelta,
    written: Written,
    slack: timedelta = timedelta(0),
    ahead: timedelta = _AHEAD,
) -> list[datetime | Unplaced]:
    """The times, without offset, of one counter's rows, in the order of the file, as moments in UTC.

    `step` is the time from row to row: with steps as long as the repeated time, equal times that follow one another
    are its two passes; with shorter ones they are one row that stands twice. Rows may be out of order by `slack`, and
    so far `ahead` of the time of writing.
    """
    placed: list[datetime | Unplaced] = [_placed_alone(time, zone) for time in local]
    for place, time in enumerate(local):
        if placed[place] == Unplaced("") and not _exists(time, zone):
            placed[place] = Unplaced(f"{time:%Y-%m-%d %H:%M} does not exist in {zone.key}: the clocks went forward")
    open_places = [place for place, moment in enumerate(placed) if moment == Unplaced("")]
    for _, grouped in groupby(open_places, key=lambda place: local[place].date()):
        places = list(grouped)
        repeated = _Repeated(
            range(places[0], places[-1] + 1),
            [_reading(local[place], zone, 0) for place in places],
            [_reading(local[place], zone, 1) for place in places],
        )
        passes = _passes(repeated, placed, step=step, slack=slack, ahead=ahead, written=written)
        for index, place in enumerate(places):
            if isinstance(passes, str):
                placed[place] = Unplaced(f"{local[place]:%Y-%m-%d %H:%M} came twice in {zone.key}, and {passes}")
            else:
                placed[place] = (repeated.first if index < passes else repeated.second)[index]
    return placed


def _passes(
    repeated: _Repeated,
    placed: Sequence[datetime | Unplaced],
    *,
    step: timedelta,
    slack: timedelta,
    ahead: timedelta,
    written: Written,
) -> int | str:
    """How many of the rows are of the first pass, the others being of the second; or why that cannot be told."""
    first, second = repeated.first, repeated.second
    length = second[0] - first[0]
    before = [moment for moment in placed[: repeated.places.start] if isinstance(moment, datetime)]
    after = [moment for moment in placed[repeated.places.stop :] if isinstance(moment, datetime)]
    between = [
        moment for moment in placed[repeated.places.start : repeated.places.stop] if isinstance(moment, datetime)
    ]
    if (
        any(not min(first) - slack <= moment <= max(second) + slack for moment in between)
        or max(before, default=min(first)) > min(first) + slack
        or min(after, default=max(second)) < max(second) - slack
        or (between and not slack)
    ):
        return _NOT_IN_ORDER
    back = [
        place
        for place, (one, next_one) in enumerate(pairwise(first), start=1)
        if one - next_one > slack or (one == next_one and step >= length)
    ]
    at = written.at if written.at is not None and written.at >= max(first) - ahead else None
    latest = min((moment for moment in (written.by, at) if moment is not None), default=max(second))
    if len(back) > 1 or (back and max(second[back[0] :]) > latest + ahead):
        return _NOT_IN_ORDER
    if back:
        return back[0]
    if max(second) > latest + ahead:
        return len(first)
    if at is not None and all(at - moment < length * _PROMPT for moment in second):
        return 0
    return "it is there only once: it cannot be told which it is"


def moment_of(local: datetime, zone: ZoneInfo, written: Written) -> datetime | Unplaced:
    """A time without offset that stands alone, as that in a file's name, in UTC: see `to_utc`.

    The clock that names files is a recorder's. Of the repeated time a quarter is left to it to be ahead, and the rest
    to the file to come late, so that every time of writing speaks for one pass.

        01:30 local is       00:30 or                01:30 UTC
        written    |--- first pass ----|--- second pass ---|--- it cannot be told
                 00:15               01:15               02:15
    """
    length = _reading(local, zone, 1) - _reading(local, zone, 0) if _is_believed(local) else timedelta(0)
    (moment,) = to_utc([local], zone, step=timedelta(0), written=written, ahead=length * (1 - _PROMPT))
    return moment


def utc_time(text: object) -> datetime:
    """A time with its offset, as ISO 8601 writes it, in UTC. Raises `ValueError`."""
    try:
        time = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise ValueError(f"{str(text)[:40]!r} is no time with an offset")
    if not _is_believed(time):
        raise ValueError(f"{str(text)[:40]!r} is not from {FIRST_YEAR} to {LAST_YEAR}")
    return time.astimezone(UTC)


def _placed_alone(time: datetime, zone: ZoneInfo) -> datetime | Unplaced:
    """The one moment that a local time can be; with an empty reason where its neighbours have to tell."""
    if not _is_believed(time):
        return Unplaced(f"{time.isoformat()} is not from {FIRST_YEAR} to {LAST_YEAR}")
    early, late = _reading(time, zone, 0), _reading(time, zone, 1)
    return early if early == late else Unplaced("")


def _is_believed(time: datetime) -> bool:
    return FIRST_YEAR <= time.year <= LAST_YEAR


def _exists(time: datetime, zone: ZoneInfo) -> bool:
    return _reading(time, zone, 0).astimezone(zone).replace(tzinfo=None, fold=0) == time


def _reading(time: datetime, zone: ZoneInfo, fold: int) -> datetime:
    return time.replace(tzinfo=zone, fold=fold).astimezone(UTC)
