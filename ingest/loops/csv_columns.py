"""Readings in any CSV: which column says when, which counter, what was counted and how many.

    Date,Hour,SensorID,PedestrianCount            timezone: Australia/Melbourne
    01-Jan-2012,0,4,3363                          columns:
                                                    time: [Date, Hour]
                                                    time_format: "%d-%b-%Y %H"
                                                    counter: SensorID
                                                    flows: {PedestrianCount: pedestrian}
                                                  interval_min: 60

One row may hold several classes, one a column (`flows`), or say in a column which class it is (`series`, with `words`,
and `flow`). Times without an offset are local times of `timezone`; see `ingest.loops.local_time` for the hour that
comes twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, PositiveFloat, model_validator

from core.clock import Clock
from core.config import Closed
from core.figures import SERIES
from core.loops import LoopCounter
from core.records import Identifier, TimeZoneName
from ingest.fetch.guest import Guest
from ingest.loop import LeftOut
from ingest.loops.asking import DatedFiles
from ingest.loops.file_feed import FileFeed, with_guest
from ingest.loops.files import Row, Sheet, Shelf, require_one, rows_of
from ingest.loops.gathering import CounterIds, Gathering, figure
from ingest.loops.local_time import Unplaced, Written, to_utc, utc_time
from ingest.loops.positions import PositionsConfig, read_positions
from ingest.loops.web import LoopWeb


class Columns(Closed):
    """The columns of the file by their headings. Several columns of `time` are read with a space between them."""

    time: tuple[str, ...] = Field(min_length=1, max_length=5)
    time_format: str | None = Field(default=None, description="as strptime reads it; without it, ISO 8601")
    counter: str | None = Field(default=None, description="without it, the whole file is of `only_counter`")
    flows: dict[str, str] = Field(default={}, description="columns with a count, and what each counts")
    series: str | None = Field(default=None, description="the column that says what a row counts")
    words: dict[str, str] = Field(default={}, description="what the words in it mean")
    flow: str | None = Field(default=None, description="the column with the count of a row that says what it counts")
    occupancy: str | None = None
    fault: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.flows) == (self.series is not None) or (self.series is None) != (self.flow is None):
            raise ValueError("give flows: {column: class}, or series: with flow: and words:")
        unknown = [series for series in (*self.flows.values(), *self.words.values()) if series not in SERIES]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is not counted here: one of {', '.join(SERIES)}")
        return self

    @property
    def used(self) -> tuple[str, ...]:
        """Every column that must be there."""
        maybe = (self.counter, self.series, self.flow, self.occupancy, self.fault)
        return (*self.time, *self.flows, *(name for name in maybe if name is not None))


class CsvColumnsConfig(Closed):
    """A file or folder on this machine, or a URL, asked for whenever it is polled.

    `full` is what the occupancy column says of a loop that is always covered: 1, or 100 where it is in percent. A row
    whose fault column says one of `fault_words` (small letters) has no figures.
    """

    kind: Literal["csv_columns"] = "csv_columns"
    name: Identifier
    path: Path | None = None
    url: str | None = Field(default=None, pattern=r"^https?://", max_length=1000)
    columns: Columns
    only_counter: str | None = Field(default=None, min_length=1, max_length=100)
    prefix: str = Field(default="", max_length=40, description="put before the counters' names, to tell them apart")
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    encoding: str = Field(default="utf-8-sig", max_length=40)
    timezone: TimeZoneName
    interval_min: PositiveFloat = Field(le=1440)
    stamp: Literal["start", "end"] = "start"
    full: PositiveFloat = 100.0
    fault_words: tuple[str, ...] = ("1", "y", "yes", "true", "fault", "faulty")
    positions: PositionsConfig | None = None
    poll_s: PositiveFloat = Field(default=300.0, ge=1, le=86_400)
    web: LoopWeb = Field(default=LoopWeb(), description="further hosts, your own networks, how often, how long")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        require_one(path=self.path, url=self.url)
        require_one(**{"columns.counter": self.columns.counter, "only_counter": self.only_counter})
        return self


@dataclass(frozen=True)
class _Line:
    """One row that could be read: its time in the publisher's words, and its flows by series."""

    place: str
    time: datetime
    counter: str
    flows: Mapping[str, float | None]
    occupancy: float | None
    faulty: bool


class CsvColumns(FileFeed):
    """`LoopFeed` of files with a heading. Raises `SourceError` where the table of positions cannot be read."""

    def __init__(self, config: CsvColumnsConfig, guest: Guest | None, clock: Clock) -> None:
        self._config = config
        self._zone = ZoneInfo(config.timezone)
        self._interval = timedelta(minutes=config.interval_min)
        self._clock = clock
        self._ids = CounterIds(config.prefix)
        self._counters: dict[str, LoopCounter] = {}
        no_counters: Sequence[LeftOut] = ()
        if config.positions is not None:
            self._counters, no_counters = read_positions(
                config.positions, self._ids, timezone=config.timezone, source=config.name
            )
        super().__init__(config.name, config.poll_s, _sheets(config, guest, clock), no_counters)

    def counters(self) -> Sequence[LoopCounter]:
        return tuple(self._counters[name] for name in sorted(self._counters))

    def _read(self, sheet: Sheet, gathering: Gathering) -> None:
        lines: dict[tuple[str, ...], list[_Line]] = {}
        for line in self._lines(sheet):
            if isinstance(line, LeftOut):
                gathering.leave_out(line.place, line.reason)
                continue
            alike = lines.setdefault((line.counter, *line.flows), [])
            if not alike or not _same_line(alike[-1], line):
                alike.append(line)
        written = Written(by=self._clock.now(), at=sheet.written_at)
        for (counter, *_), alike in lines.items():
            self._counters.setdefault(
                counter,
                LoopCounter(id=counter, name=counter, timezone=self._config.timezone, source=self._config.name),
            )
            for line, stamp in zip(alike, self._moments(alike, written), strict=True):
                if isinstance(stamp, Unplaced):
                    gathering.leave_out(line.place, stamp.reason)
                else:
                    self._take(line, stamp, gathering)

    def _moments(self, lines: Sequence[_Line], written: Written) -> list[datetime | Unplaced]:
        """The times of one counter's rows in UTC; those without an offset by their order."""
        local = [line.time for line in lines if line.time.tzinfo is None]
        placed = iter(to_utc(local, self._zone, step=self._interval, written=written))
        return [next(placed) if line.time.tzinfo is None else line.time for line in lines]

    def _take(self, line: _Line, stamp: datetime, gathering: Gathering) -> None:
        start = stamp - self._interval if self._config.stamp == "end" else stamp
        for series, flow in line.flows.items():
            known = None if line.faulty else flow
            reason = "the publisher marks it as faulty" if line.faulty else "the publisher gives no figure"
            gathering.take(
                line.place,
                counter=line.counter,
                series=series,
                start=start,
                end=start + self._interval,
                flow=known,
                occupancy=None if line.faulty else line.occupancy,
                reason=reason if known is None else None,
            )

    def _lines(self, sheet: Sheet) -> Iterator[_Line | LeftOut]:
        heading: dict[str, int] | None = None
        for row in rows_of(sheet, delimiter=self._config.delimiter, encoding=self._config.encoding):
            if isinstance(row, LeftOut):
                yield row
            elif heading is None:
                heading = {name: index for index, name in enumerate(row.fields)}
                absent = [name for name in self._config.columns.used if name not in heading]
                if absent:
                    yield LeftOut(row.place, f"there is no column {absent[0]!r} among {', '.join(row.fields)[:300]}")
                    return
            else:
                try:
                    yield self._line(row, heading)
                except ValueError as error:
                    yield LeftOut(row.place, str(error))

    def _line(self, row: Row, heading: Mapping[str, int]) -> _Line:
        """Raises `ValueError` that says what is wrong with the row."""
        if len(row.fields) != len(heading):
            raise ValueError(f"has {len(row.fields)} fields, its heading {len(heading)}")
        columns = self._config.columns
        field = {name: row.fields[index] for name, index in heading.items()}
        faulty = columns.fault is not None and field[columns.fault].lower() in self._config.fault_words
        if columns.series is not None and columns.flow is not None:
            word = field[columns.series]
            series = columns.words.get(word, word)
            if series not in SERIES:
                raise ValueError(f"counts {word[:40]!r}, which is not in words")
            wanted = {columns.flow: series}
        else:
            wanted = columns.flows
        flows = {series: None if faulty else figure(field[name], name) for name, series in wanted.items()}
        occupancy = None
        if columns.occupancy is not None and not faulty:
            occupancy = figure(field[columns.occupancy], columns.occupancy)
        if occupancy is not None and occupancy > self._config.full:
            raise ValueError(
                f"{columns.occupancy} {occupancy:g} is over {self._config.full:g}, which is always covered"
            )
        return _Line(
            place=row.place,
            time=_time(" ".join(field[name] for name in columns.time), columns.time_format),
            counter=self._ids.of(field[columns.counter] if columns.counter else self._config.only_counter or ""),
            flows=flows,
            occupancy=None if occupancy is None else occupancy / self._config.full,
            faulty=faulty,
        )


def _time(text: str, pattern: str | None) -> datetime:
    try:
        time = datetime.strptime(text, pattern) if pattern else datetime.fromisoformat(text)  # noqa: DTZ007 - local
        return time if time.tzinfo is None else utc_time(time.isoformat())
    except ValueError:
        raise ValueError(f"{text[:60]!r} is no time as {pattern or '2020-03-02T08:15:00'}") from None


def _same_line(one: _Line, other: _Line) -> bool:
    """Rows of one counter that follow one another and say the same are one row that stands twice."""
    return (one.time, one.flows, one.occupancy, one.faulty) == (other.time, other.flows, other.occupancy, other.faulty)


def _sheets(config: CsvColumnsConfig, guest: Guest | None, clock: Clock) -> Shelf | DatedFiles:
    if config.url is None:
        return Shelf(config.path or Path())
    url = config.url
    asked = with_guest(guest, config.name)
    return DatedFiles(asked, clock, spans=lambda now: [(url, now)], poll_s=config.poll_s, late=timedelta(0))
