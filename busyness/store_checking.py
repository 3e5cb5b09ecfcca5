"""Whether a store is sound, and what is in it: figures that are the same for two stores that hold the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import numpy as np

from aggregate.contents import Contents, Digest, Kept, parts_of_day
from aggregate.tables import ReadingTable
from busyness.store_copying import AT_ONCE, Step, digest_of_day, in_silence
from core.figures import SERIES
from core.records import Window


@dataclass(frozen=True)
class Table:
    """What a store has of one kind: how many rows, of how many days, from when to when, and their checksum."""

    rows: int
    days: int
    first: date | None
    last: date | None
    checksum: str


@dataclass(frozen=True)
class Checked:
    """What is in a store, and what is wrong with it, in words; none where it is sound."""

    tables: Mapping[str, Table]
    problems: Sequence[str] = field(default=())


def check(store: Contents, step: Step = in_silence) -> Checked:
    """Read all that a store holds once, and hold its parts against each other.

    A camera's watermark is at its newest observation or, where retention has let that go, after it; and every window
    has one current reading, which is its newest revision.
    """
    tables = {}
    problems: list[str] = []
    for kept in Kept:
        days = store.days(kept)
        digest = Digest()
        for day, rows in days.items():
            digest += digest_of_day(store, kept, day, rows)
            problems += _problems(store, kept, day, rows)
            step(kept.value, rows)
        first, last = (min(days), max(days)) if days else (None, None)
        tables[kept.value] = Table(digest.rows, len(days), first, last, f"{digest.checksum:032x}")
        if digest.rows != sum(days.values()):
            problems.append(f"{kept.value}: {sum(days.values())} rows are counted, and {digest.rows} found")
    return Checked(tables, tuple(problems))


def _problems(store: Contents, kept: Kept, day: date, rows: int) -> Iterator[str]:
    for start, end in parts_of_day(day, rows, AT_ONCE):
        if kept.window is not None:
            yield from _revisions(store, kept.window, start, end)
        elif kept is Kept.OBSERVATIONS:
            yield from _watermarks(store, start, end)


def _watermarks(store: Contents, start: datetime, end: datetime) -> Iterator[str]:
    newest: dict[str, datetime] = {}
    for one in store.observed(start, end):
        newest[one.camera] = max(one.event_time, newest.get(one.camera, one.event_time))
    watermarks = store.watermarks(sorted(newest))
    for camera, time in sorted(newest.items()):
        if camera not in watermarks or time > watermarks[camera]:
            yield f"camera {camera}: an observation of {time.isoformat()} is newer than its watermark"


def _revisions(store: Contents, window: Window, start: datetime, end: datetime) -> Iterator[str]:
    revised = _newest(store.revised(window, start, end))
    current = store.readings(window=window, series=SERIES[:1], start=start, end=end)
    told = dict(zip(_keys(current), current.revision.tolist(), strict=True))
    if len(told) != len(current):
        yield f"readings of {window} from {start.isoformat()}: {len(current) - len(told)} windows have two current ones"
    differing = sorted(key for key in revised.keys() | told.keys() if revised.get(key) != told.get(key))
    for zone, since in differing[:3]:
        yield f"zone {zone}: of the {window} from {since} not the newest revision is current"
    if len(differing) > 3:
        yield f"readings of {window} from {start.isoformat()}: as {len(differing) - 3} more"


def _newest(readings: ReadingTable) -> dict[tuple[str, np.datetime64], int]:
    newest: dict[tuple[str, np.datetime64], int] = {}
    for key, revision in zip(_keys(readings), readings.revision.tolist(), strict=True):
        newest[key] = max(revision, newest.get(key, 0))
    return newest


def _keys(readings: ReadingTable) -> Iterator[tuple[str, np.datetime64]]:
    return zip(readings.zone, readings.start, strict=True)
