"""TfL SCOOT: the loops in London's roads before its signals, one CSV a minute with a row for each detector.

The twelve columns, without a heading, and what they mean, as read from the Alan Turing Institute's reader of this feed
(github alan-turing-institute/clean-air-infrastructure, `cleanair/inputs/scoot_writer.py`, 2020-22):

    0 timestamp, London local time   4 occupancy, percent of the minute   8 occupancy, raw count
    1 detector, as N00/002e1         5 congestion, percent                9 congestion, raw count
    2 faulty, Y or N                 6 saturation, percent               10 saturation, raw count
    3 flow, vehicles an hour         7 flow, raw count                   11 region

The flow is a rate (the reader divides it by 60 for the minute). Files are called `YYYYMMDD-HHMM.csv`, in local time,
below `Control/TIMSScoot/YYYY/MM/DD/`, in a bucket of TfL's that is closed: TfL gives AWS keys on request, and each
request has to be signed with them. No loop feed signs requests or sends credentials: copy the files to this machine
with a tool that does (`aws s3 sync`) and name the folder in `path`; `url` is for an open mirror. That reader takes the
timestamp as the start of its minute (its first version took it as the end); `stamp` says which.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, PositiveFloat, PositiveInt, field_validator, model_validator

from core.clock import Clock
from core.config import Closed
from core.loops import LoopCounter
from core.records import Identifier
from ingest.fetch.guest import Guest
from ingest.loop import LeftOut
from ingest.loops.asking import DatedFiles
from ingest.loops.file_feed import FileFeed, with_guest
from ingest.loops.files import Row, Sheet, Shelf, require_one, rows_of
from ingest.loops.gathering import CounterIds, Gathering, figure
from ingest.loops.local_time import Unplaced, Written, to_utc
from ingest.loops.positions import PositionsConfig, read_positions
from ingest.loops.web import LoopWeb

LONDON = ZoneInfo("Europe/London")
MINUTE = timedelta(minutes=1)
COLUMNS = 12
_FIELDS = re.compile(r"\{(\w*)\}")
_FIELD_FORMATS = {"year": "%Y", "month": "%m", "day": "%d", "hour": "%H", "minute": "%M"}


class TflScootConfig(Closed):
    """Where the CSV files are: below `path` on this machine, or at `url` with {year} {month} {day} {hour} {minute}.

    TfL's own bucket wants signed requests, which are not made here: `url` is for a mirror that is open. A URL without
    {minute} is one file an hour, without {hour} one a day. `look_back_min` is how far back files are
    asked for again, since they come late or are changed; `detectors` is a table of the detectors' positions.
    """

    kind: Literal["tfl_scoot"] = "tfl_scoot"
    name: Identifier = "tfl_scoot"
    path: Path | None = None
    url: str | None = Field(default=None, pattern=r"^https?://", max_length=1000)
    detectors: PositionsConfig | None = None
    stamp: Literal["start", "end"] = Field(default="start", description="which end of its minute a timestamp names")
    poll_s: PositiveFloat = Field(default=60.0, ge=1, le=86_400)
    look_back_min: PositiveInt = Field(default=180, le=10_080)
    web: LoopWeb = Field(default=LoopWeb(), description="further hosts, your own networks, how often, how long")

    @field_validator("url")
    @classmethod
    def _dated(cls, url: str | None) -> str | None:
        named = _FIELDS.findall(url or "")
        if url is not None and (not {"year", "month", "day"} <= set(named) <= set(_FIELD_FORMATS)):
            raise ValueError("name the file with {year} {month} {day} and, as it needs, {hour} {minute}; nothing else")
        return url

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        require_one(path=self.path, url=self.url)
        return self


@dataclass(frozen=True)
class _Passing:
    """One row that could be read but for its time, which is in London's."""

    place: str
    local: datetime
    detector: str
    flow: float | None
    occupancy: float | None
    reason: str | None


class TflScoot(FileFeed):
    """`LoopFeed` of SCOOT detectors. `guest` asks for the files; none is needed for files on this machine.

    Raises `SourceError` where the table of detectors cannot be read.
    """

    def __init__(self, config: TflScootConfig, guest: Guest | None, clock: Clock) -> None:
        self._clock = clock
        self._stamped_at_end = config.stamp == "end"
        self._ids = CounterIds()
        self._counters: dict[str, LoopCounter] = {}
        no_counters: Sequence[LeftOut] = ()
        if config.detectors is not None:
            self._counters, no_counters = read_positions(
                config.detectors, self._ids, timezone=LONDON.key, source="TfL SCOOT"
            )
        super().__init__(config.name, config.poll_s, _sheets(config, guest, clock), no_counters)

    def counters(self) -> Sequence[LoopCounter]:
        return tuple(self._counters[name] for name in sorted(self._counters))

    def _read(self, sheet: Sheet, gathering: Gathering) -> None:
        rows: dict[str, list[_Passing]] = {}
        for row in rows_of(sheet):
            if isinstance(row, LeftOut):
                gathering.leave_out(row.place, row.reason)
                continue
            try:
                passing = self._passing(row)
            except ValueError as error:
                gathering.leave_out(row.place, str(error))
                continue
            of_detector = rows.setdefault(passing.detector, [])
            if not of_detector or not _same_row(of_detector[-1], passing):
                of_detector.append(passing)
        written = Written(by=self._clock.now(), at=sheet.written_at)
        for detector, passings in rows.items():
            self._counters.setdefault(
                detector, LoopCounter(id=detector, name=detector, timezone=LONDON.key, source="TfL SCOOT")
            )
            times = to_utc([one.local for one in passings], LONDON, step=MINUTE, written=written)
            for passing, stamp in zip(passings, times, strict=True):
                if isinstance(stamp, Unplaced):
                    gathering.leave_out(passing.place, stamp.reason)
                    continue
                start = stamp - MINUTE if self._stamped_at_end else stamp
                gathering.take(
                    passing.place,
                    counter=detector,
                    series="vehicles",
                    start=start,
                    end=start + MINUTE,
                    flow=passing.flow,
                    occupancy=passing.occupancy,
                    reason=passing.reason,
                )

    def _passing(self, row: Row) -> _Passing:
        """Raises `ValueError` that says what is wrong with the row."""
        if len(row.fields) != COLUMNS:
            raise ValueError(f"has {len(row.fields)} fields, not the {COLUMNS} of SCOOT")
        local = _timestamp(row.fields[0])
        detector = self._ids.of(row.fields[1])
        match row.fields[2].upper():
            case "Y":
                return _Passing(row.place, local, detector, None, None, "TfL marks the detector as faulty")
            case "N":
                hourly = figure(row.fields[3], "the flow")
                percent = figure(row.fields[4], "the occupancy")
            case other:
                raise ValueError(f"the fault flag is {other[:20]!r}, not Y or N")
        if percent is not None and percent > 100:
            raise ValueError(f"the occupancy is {percent:g} %, over 100 %")
        return _Passing(
            row.place,
            local,
            detector,
            None if hourly is None else hourly / 60,
            None if percent is None else percent / 100,
            "TfL gives no flow" if hourly is None else None,
        )


def _timestamp(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is no time as 2020-03-02 08:15:00") from None
    if time.tzinfo is not None:
        raise ValueError(f"{text[:40]!r} has an offset, and SCOOT is in local time without one")
    return time


def _same_row(one: _Passing, other: _Passing) -> bool:
    """Rows of one detector that follow one another and say the same are one row that stands twice."""
    return (one.local, one.flow, one.occupancy, one.reason) == (other.local, other.flow, other.occupancy, other.reason)


def _spans(url: str, now: datetime, look_back: timedelta) -> Iterator[tuple[str, datetime]]:
    """The addresses of the files that cover the time looked back over, with the end of each; newest first.

    They are named in local time: the hour that comes twice is one file, which the publisher may write twice.
    """
    step = MINUTE if "{minute}" in url else timedelta(hours=1) if "{hour}" in url else timedelta(days=1)
    moment = now - MINUTE if step == MINUTE else now
    named: dict[str, datetime] = {}
    while moment > now - look_back - step:
        local = moment.astimezone(LONDON)
        address = url.format(**{name: local.strftime(written) for name, written in _FIELD_FORMATS.items()})
        named.setdefault(address, _end_of(local, step))
        moment -= min(step, timedelta(hours=1))
    yield from named.items()


def _end_of(local: datetime, step: timedelta) -> datetime:
    if step > timedelta(hours=1):
        return (local.replace(hour=0, minute=0, second=0, microsecond=0) + step).astimezone(UTC)
    minute = local.minute if step == MINUTE else 0
    return local.astimezone(UTC).replace(minute=minute, second=0, microsecond=0) + step


def _sheets(config: TflScootConfig, guest: Guest | None, clock: Clock) -> Shelf | DatedFiles:
    if config.url is None:
        return Shelf(config.path or Path())
    url, look_back = config.url, timedelta(minutes=config.look_back_min)
    asked = with_guest(guest, config.name)
    return DatedFiles(asked, clock, spans=lambda now: _spans(url, now, look_back), poll_s=config.poll_s)
