"""Counts by hand: a CSV with the columns time, zone, class, count. All that is wrong with it is said at once."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from core.errors import SourceError
from core.figures import SERIES
from core.records import Camera

COLUMNS = ("time", "zone", "class", "count")
EXAMPLE = "2017-03-09T08:05:00Z,06710:view,people,7"

MOST_TOLD = 20
MOST_COUNTED = 10_000.0


@dataclass(frozen=True)
class ManualCount:
    """How many of `series` (one of `SERIES`) someone counted in `zone` at `time` (UTC), in line `line` of the file."""

    line: int
    time: datetime
    zone: str
    series: str
    count: float


def read_manual_counts(path: Path, camera: Camera, *, local_time: bool) -> tuple[ManualCount, ...]:
    """The counts of one camera, in the order of the file.

    A time has an offset, or with `local_time` it may have none and is that of the camera's time zone. Raises
    `SourceError` that names every line that cannot be used (the first `MOST_TOLD`).
    """
    rows: list[ManualCount] = []
    wrong: list[str] = []
    line_of: dict[tuple[datetime, str, str], int] = {}
    for line, cells in _lines(path):
        try:
            row = _row(line, cells, camera, local_time)
        except ValueError as error:
            wrong.append(f"line {line}: {error}")
            continue
        first = line_of.setdefault((row.time, row.zone, row.series), line)
        if first != line:
            wrong.append(f"line {line}: the same time, zone and class as line {first}")
        rows.append(row)
    if wrong:
        more = [f"and {len(wrong) - MOST_TOLD} more lines"] if len(wrong) > MOST_TOLD else []
        raise SourceError(
            f"{path} cannot be used:\n  " + "\n  ".join(wrong[:MOST_TOLD] + more),
            remedy=f"mend those lines; one reads {EXAMPLE}",
        )
    if not rows:
        raise SourceError(f"{path} holds no counts", remedy=f"a line reads {EXAMPLE}")
    return tuple(rows)


def _lines(path: Path) -> Sequence[tuple[int, Mapping[str, str]]]:
    """The cells of every line that is not empty, by column, with its number in the file."""
    try:
        text = path.read_text(encoding="utf-8-sig")  # spreadsheets put a mark before the first letter
    except OSError as error:
        raise SourceError(f"the counts {path} cannot be read: {error.strerror}", remedy="check the path") from error
    except UnicodeDecodeError as error:
        raise SourceError(f"{path} is not text in UTF-8", remedy="save it as CSV in UTF-8") from error
    try:
        reader = csv.reader(text.splitlines(), strict=True)
        found = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except csv.Error as error:
        raise SourceError(f"{path} is not a CSV: {error}", remedy=f"a line reads {EXAMPLE}") from error
    found = [(line, cells) for line, cells in found if any(cells)]
    head = found[0][1] if found else []
    if sorted(head) != sorted(COLUMNS):
        raise SourceError(
            f"{path} has the columns {', '.join(head) or 'of an empty file'}, expected {', '.join(COLUMNS)}",
            remedy="name them in the first line, separated by commas",
        )
    return [(line, _cells(head, cells)) for line, cells in found[1:]]


def _cells(head: Sequence[str], cells: Sequence[str]) -> Mapping[str, str]:
    """By column; empty where the line does not have as many cells as the head, which no row can be read from."""
    return dict(zip(head, cells, strict=True)) if len(cells) == len(head) else {}


def _row(line: int, cells: Mapping[str, str], camera: Camera, local_time: bool) -> ManualCount:
    if not cells:
        raise ValueError(f"expected {len(COLUMNS)} cells")
    zones = [zone.id for zone in camera.counted_zones]
    if cells["zone"] not in zones:
        raise ValueError(f"camera {camera.id} has no zone {cells['zone']!r}: one of {', '.join(zones)}")
    if cells["class"] not in SERIES:
        raise ValueError(f"unknown class {cells['class']!r}: one of {', '.join(SERIES)}")
    time = _time(cells["time"], ZoneInfo(camera.timezone) if local_time else None)
    return ManualCount(line, time, cells["zone"], cells["class"], _count(cells["count"]))


def _count(told: str) -> float:
    try:
        count = float(told)
    except ValueError:
        count = math.nan
    if not 0.0 <= count <= MOST_COUNTED:
        raise ValueError(f"the count {told!r} is no number from 0 to {MOST_COUNTED:.0f}")
    return count


def _time(told: str, zone: ZoneInfo | None) -> datetime:
    try:
        time = datetime.fromisoformat(told)
    except ValueError as error:
        raise ValueError(f"the time {told!r} is none: write it as 2017-03-09T08:05:00Z") from error
    if time.utcoffset() is None:
        if zone is None:
            raise ValueError(
                f"the time {told!r} has no offset: end it in Z or +01:00, or say --local-time if it is the camera's"
            )
        time = _in_zone(time, told, zone)
    return time.astimezone(UTC)


def _in_zone(naive: datetime, told: str, zone: ZoneInfo) -> datetime:
    """The one moment at which the clocks of `zone` show `naive`; where they are changed it is none, or two."""
    earlier, later = (naive.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if earlier.utcoffset() != later.utcoffset():
        raise ValueError(f"the local time {told!r} is when clocks are changed in {zone.key}: give its offset")
    return earlier
