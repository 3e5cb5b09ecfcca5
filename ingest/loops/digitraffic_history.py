"""The raw history of Finland's traffic measurement stations: what passed on days that are over, in five minutes each.

Fintraffic publishes, under CC BY 4.0, one CSV a station and day with a row for each vehicle, in the morning after, at
`/api/tms/v1/history/raw/lamraw_[station]_[yy]_[day of the year].csv`: sixteen fields between semicolons, no heading, in
Finnish local time (https://www.digitraffic.fi/en/road-traffic/lam/, "LAM-raakadata"; github tmfg/digitraffic
`pages/lam.md`):

    0 station   4 minute       8 lane        12 faulty, 0 or 1
    1 year, yy  5 second       9 direction   13 total time (technical)
    2 day       6 hundredths  10 class       14 gap (technical)
    3 hour      7 length, m   11 speed       15 queue begins (technical)

A row tells of one vehicle, so no row outlives the reading of its file: each adds one to the five minutes of its
direction and is gone. Length, lane, class and speed are not read. Faulty rows are not counted, and the five minutes say
how many there were. Nor are rows that cannot be read: the five minutes of each say so, in both directions; where its
time cannot be read either, those are all that it may be of, by the rows before and after it. Five minutes without a
vehicle are a zero where they have no such row, and the station, in either direction, is not silent for longer than
`silent_min` around them; else they are null, since a station that says nothing may be broken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Literal, NamedTuple, Self
from zoneinfo import ZoneInfo

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from core.clock import Clock
from core.config import Closed
from core.loops import LoopCounter
from core.records import Identifier
from ingest.fetch.guest import Guest
from ingest.loop import LeftOut
from ingest.loops.asking import DatedFiles
from ingest.loops.file_feed import FileFeed, with_guest
from ingest.loops.files import Row, Sheet, Shelf, require_one, rows_of
from ingest.loops.gathering import Gathering
from ingest.loops.local_time import Unplaced, Written, to_utc
from ingest.loops.web import LoopWeb

HELSINKI = ZoneInfo("Europe/Helsinki")
FIELDS = 16
DIRECTIONS = (1, 2)
SLACK = timedelta(minutes=5)
"""Rows of several lanes stand a little out of order."""

_PUBLISHED_BY = timedelta(hours=12)
"""Files come in the morning after their day, typically by nine."""

FIVE_MINUTES = timedelta(minutes=5)


class DigitrafficHistoryConfig(Closed):
    """Stations by the number that their files carry, and how many days are asked back; or files on this machine."""

    kind: Literal["digitraffic_history"] = "digitraffic_history"
    name: Identifier = "digitraffic_history"
    url: str = Field(default="https://tie.digitraffic.fi", pattern=r"^https?://", max_length=500)
    stations: tuple[PositiveInt, ...] | None = Field(default=None, min_length=1)
    path: Path | None = None
    days: PositiveInt = Field(default=3, le=60)
    silent_min: PositiveInt = Field(default=30, le=1440)
    poll_s: PositiveFloat = Field(default=3600.0, ge=60, le=86_400)
    web: LoopWeb = Field(default=LoopWeb(), description="further hosts, your own networks, how often, how long")

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        require_one(stations=self.stations, path=self.path)
        return self


class _Vehicle(NamedTuple):
    """What is read of a row, until its file is read: many of them are held at once.

    Of a row that is damaged the station is None, since it may be of any in the file, and so is the time if it is lost.
    """

    place: str
    station: int | None
    local: datetime | None
    direction: int
    faulty: bool


@dataclass
class _Day:
    """What one file says: when the station was heard of, and how many passed in which five minutes, by direction."""

    station: int
    place: str
    heard: list[datetime] = field(default_factory=list)
    passed: Counter[tuple[datetime, int]] = field(default_factory=Counter)
    faulty: Counter[tuple[datetime, int]] = field(default_factory=Counter)
    damaged: Counter[datetime] = field(default_factory=Counter)


class DigitrafficHistory(FileFeed):
    """`LoopFeed` of days that are over. `guest` asks for the files; none is needed for files on this machine."""

    def __init__(self, config: DigitrafficHistoryConfig, guest: Guest | None, clock: Clock) -> None:
        self._clock = clock
        self._silent = timedelta(minutes=config.silent_min)
        self._stations: set[int] = set()
        super().__init__(config.name, config.poll_s, _sheets(config, guest, clock))

    def counters(self) -> Sequence[LoopCounter]:
        return tuple(
            LoopCounter(
                id=f"{station}.{direction}",
                name=f"{station}, direction {direction}",
                timezone=HELSINKI.key,
                source="Fintraffic TMS",
            )
            for station in sorted(self._stations)
            for direction in DIRECTIONS
        )

    def _read(self, sheet: Sheet, gathering: Gathering) -> None:
        for day in self._days(sheet, gathering):
            self._stations.add(day.station)
            self._give(day, gathering)

    def _days(self, sheet: Sheet, gathering: Gathering) -> Iterator[_Day]:
        """The stations of a file: one, as a rule."""
        vehicles: list[_Vehicle] = []
        for row in rows_of(sheet, delimiter=";"):
            if isinstance(row, LeftOut):
                gathering.leave_out(row.place, row.reason)
                vehicles.append(_damaged(row.place, None))
                continue
            try:
                vehicles.append(_vehicle(row))
            except ValueError as error:
                gathering.leave_out(row.place, f"is no vehicle: {error}")
                vehicles.append(_damaged(row.place, _time(row)))
        for station in sorted({vehicle.station for vehicle in vehicles if vehicle.station is not None}):
            day = self._day(station, [one for one in vehicles if one.station in (station, None)], sheet, gathering)
            if day.heard:
                yield day

    def _day(self, station: int, vehicles: Sequence[_Vehicle], sheet: Sheet, gathering: Gathering) -> _Day:
        """The rows of a station, those that are damaged among them, in the order of the file."""
        day = _Day(station, sheet.place)
        moments = self._moments(vehicles)
        for vehicle, moment in zip(vehicles, moments, strict=True):
            if vehicle.station is None:  # it is left out already
                if isinstance(moment, datetime):
                    day.damaged[_five_minutes(moment)] += 1
            elif isinstance(moment, datetime):
                (day.faulty if vehicle.faulty else day.passed)[_five_minutes(moment), vehicle.direction] += 1
                day.heard.append(moment)
            elif moment is not None:
                gathering.leave_out(vehicle.place, moment.reason)
        day.heard.sort()
        if day.heard:
            for window, count in _lost(moments, *_local_day(day.heard[len(day.heard) // 2])):
                day.damaged[window] += count
        return day

    def _moments(self, vehicles: Sequence[_Vehicle]) -> Sequence[datetime | Unplaced | None]:
        """When each passed; None where its time cannot be read."""
        times = to_utc(
            [vehicle.local for vehicle in vehicles if vehicle.local is not None],
            HELSINKI,
            step=timedelta(seconds=1),
            written=Written(by=self._clock.now()),
            slack=SLACK,
        )
        placed = iter(times)
        return [None if vehicle.local is None else next(placed) for vehicle in vehicles]

    def _give(self, day: _Day, gathering: Gathering) -> None:
        start, end = _local_day(day.heard[len(day.heard) // 2])
        silences = _silences([start, *day.heard, min(end, self._clock.now())], self._silent)
        window = start
        while window < end and window + FIVE_MINUTES <= self._clock.now():
            silent = next((one for one in silences if one[0] < window + FIVE_MINUTES and window < one[1]), None)
            for direction in DIRECTIONS:
                passed, faulty = day.passed[window, direction], day.faulty[window, direction]
                flow, reason = _said(passed, faulty, day.damaged[window], silent)
                gathering.take(
                    f"{day.place}, {window:%H:%M} UTC",
                    counter=f"{day.station}.{direction}",
                    series="vehicles",
                    start=window,
                    end=window + FIVE_MINUTES,
                    flow=flow,
                    reason=reason,
                )
            window += FIVE_MINUTES


def _said(
    passed: int, faulty: int, damaged: int, silent: tuple[datetime, datetime] | None
) -> tuple[float | None, str | None]:
    """The flow of five minutes and what is to be said of it; `silent` is a silence that covers a part of them."""
    said = []
    if faulty:
        more = f"{faulty} more are marked as faulty and not counted"
        said.append(more if passed else f"all {faulty} that passed are marked as faulty")
    if damaged:
        said.append(f"rows that cannot be read, up to {damaged}, are not counted")
    if silent and not said:
        said.append(f"nothing was heard of the station from {silent[0]:%H:%M} to {silent[1]:%H:%M} UTC")
    return float(passed) if passed or not said else None, "; ".join(said) or None


def _vehicle(row: Row) -> _Vehicle:
    """What is read of a row. Raises `ValueError` where it is damaged."""
    fields = row.fields
    if len(fields) != FIELDS:
        raise ValueError(f"{len(fields)} fields, not {FIELDS}")
    local = _local(fields)
    if fields[12] not in ("0", "1"):
        raise ValueError(f"the fault flag is {fields[12][:20]!r}, not 0 or 1")
    station, direction = int(fields[0]), int(fields[9])
    if direction not in DIRECTIONS or station < 1:
        raise ValueError("station or direction is out of range")
    return _Vehicle(row.place, station, local, direction, fields[12] == "1")


def _damaged(place: str, local: datetime | None) -> _Vehicle:
    return _Vehicle(place, None, local, direction=0, faulty=True)


def _time(row: Row) -> datetime | None:
    """The local time of a damaged row; None where fields are lost, since the others need not be where they were."""
    try:
        return _local(row.fields) if len(row.fields) == FIELDS else None
    except ValueError:
        return None


def _local(fields: Sequence[str]) -> datetime:
    """Raises `ValueError`."""
    year, day, hour, minute, second, hundredths = (int(part) for part in fields[1:7])
    if not 1 <= day <= 366 or not 0 <= year <= 99:
        raise ValueError("year or day is out of range")
    return datetime.combine(date(2000 + year, 1, 1) + timedelta(days=day - 1), datetime.min.time()).replace(
        hour=hour, minute=minute, second=second, microsecond=hundredths * 10_000
    )


def _lost(
    moments: Sequence[datetime | Unplaced | None], start: datetime, end: datetime
) -> Iterator[tuple[datetime, int]]:
    """The five minutes of [start, end) that rows may be of whose moment is not known, each with how many, at most.

    Rows stand in the order of time but for `SLACK`, so such a row is between the one above it and the one below.
    """

    def known(before: datetime, one: datetime | Unplaced | None) -> datetime:
        return one if isinstance(one, datetime) else before

    above = accumulate(moments, known, initial=start)
    below = [*accumulate(reversed(moments), known, initial=end)][::-1]
    between = Counter(
        (min(before, after), max(before, after))
        for one, before, after in zip(moments, above, below, strict=False)
        if not isinstance(one, datetime)
    )
    for (first, last), count in between.items():
        window = _five_minutes(max(start, first - SLACK))
        while window <= min(end, last + SLACK):
            yield window, count
            window += FIVE_MINUTES


def _silences(heard: Sequence[datetime], limit: timedelta) -> list[tuple[datetime, datetime]]:
    return [(before, after) for before, after in pairwise(heard) if after - before > limit]


def _local_day(moment: datetime) -> tuple[datetime, datetime]:
    midnight = moment.astimezone(HELSINKI).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight.astimezone(UTC), (midnight + timedelta(days=1)).astimezone(UTC)


def _five_minutes(moment: datetime) -> datetime:
    return moment.replace(minute=moment.minute - moment.minute % 5, second=0, microsecond=0)


def _spans(config: DigitrafficHistoryConfig, now: datetime) -> Iterator[tuple[str, datetime]]:
    """The files of the days that are over, newest first, with the end of each day."""
    today = now.astimezone(HELSINKI).date()
    for back in range(1, config.days + 1):
        day = today - timedelta(days=back)
        after = day + timedelta(days=1)
        end = datetime(after.year, after.month, after.day, tzinfo=HELSINKI).astimezone(UTC)
        for station in config.stations or ():
            named = f"lamraw_{station}_{day.year % 100}_{day.timetuple().tm_yday}.csv"
            yield f"{config.url}/api/tms/v1/history/raw/{named}", end


def _sheets(config: DigitrafficHistoryConfig, guest: Guest | None, clock: Clock) -> Shelf | DatedFiles:
    if config.stations is None:
        return Shelf(config.path or Path(), "lamraw_*.csv")
    asked = with_guest(guest, config.name)
    return DatedFiles(asked, clock, spans=lambda now: _spans(config, now), poll_s=config.poll_s, late=_PUBLISHED_BY)
