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
how many there were. Five minutes without a vehicle are a zero where the station, in either direction, is not silent for
longer than `silent_min` around them; else they are null, since a station that says nothing may be broken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
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
    """What is read of a row, until its file is read: many of them are held at once."""

    place: str
    local: datetime
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
        rows: dict[int, list[_Vehicle]] = {}
        for row in rows_of(sheet, delimiter=";"):
            if isinstance(row, LeftOut):
                gathering.leave_out(row.place, row.reason)
                continue
            try:
                station, vehicle = _vehicle(row)
            except ValueError as error:
                gathering.leave_out(row.place, f"is no vehicle: {error}")
                continue
            rows.setdefault(station, []).append(vehicle)
        written = Written(by=self._clock.now())
        for station, vehicles in rows.items():
            day = _Day(station, sheet.place)
            times = to_utc(
                [vehicle.local for vehicle in vehicles],
                HELSINKI,
                step=timedelta(seconds=1),
                written=written,
                slack=SLACK,
            )
            for vehicle, moment in zip(vehicles, times, strict=True):
                if isinstance(moment, Unplaced):
                    gathering.leave_out(vehicle.place, moment.reason)
                    continue
                (day.faulty if vehicle.faulty else day.passed)[_five_minutes(moment), vehicle.direction] += 1
                day.heard.append(moment)
            day.heard.sort()
            if day.heard:
                yield day

    def _give(self, day: _Day, gathering: Gathering) -> None:
        start, end = _local_day(day.heard[len(day.heard) // 2])
        silences = _silences([start, *day.heard, min(end, self._clock.now())], self._silent)
        window = start
        while window < end and window + FIVE_MINUTES <= self._clock.now():
            silent = next((one for one in silences if one[0] < window + FIVE_MINUTES and window < one[1]), None)
            for direction in DIRECTIONS:
                passed, faulty = day.passed[window, direction], day.faulty[window, direction]
                flow, reason = _said(passed, faulty, silent)
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


def _said(passed: int, faulty: int, silent: tuple[datetime, datetime] | None) -> tuple[float | None, str | None]:
    """The flow of five minutes and what is to be said of it; `silent` is a silence that covers a part of them."""
    nothing_heard = (
        f"nothing was heard of the station from {silent[0]:%H:%M} to {silent[1]:%H:%M} UTC" if silent else None
    )
    if faulty and not passed:
        return None, f"all {faulty} that passed are marked as faulty"
    if silent and not passed:
        return None, nothing_heard
    return float(passed), f"{faulty} more are marked as faulty and not counted" if faulty else nothing_heard


def _vehicle(row: Row) -> tuple[int, _Vehicle]:
    """The station of a row, and what is read of it. Raises `ValueError`."""
    fields = row.fields
    if len(fields) != FIELDS:
        raise ValueError(f"{len(fields)} fields, not {FIELDS}")
    station, year, day, hour, minute, second, hundredths = (int(part) for part in fields[:7])
    if fields[12] not in ("0", "1"):
        raise ValueError(f"the fault flag is {fields[12][:20]!r}, not 0 or 1")
    direction = int(fields[9])
    if direction not in DIRECTIONS or not 1 <= day <= 366 or not 0 <= year <= 99 or station < 1:
        raise ValueError("station, year, day or direction is out of range")
    local = datetime.combine(date(2000 + year, 1, 1) + timedelta(days=day - 1), datetime.min.time()).replace(
        hour=hour, minute=minute, second=second, microsecond=hundredths * 10_000
    )
    return station, _Vehicle(row.place, local, direction, fields[12] == "1")


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
