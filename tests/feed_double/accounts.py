"""The store's rows against the double's ledger: what was owed, lost, or stands there twice, and how old it was."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path

import duckdb
import numpy as np
from feed_double.ledger import PublishedVersion
from numpy.typing import NDArray

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Row:
    """An observation, as far as it is looked at here."""

    camera: str
    zone: str
    event_time: datetime
    counted_at: datetime
    status: str
    reason: str | None
    content: str | None


@dataclass(frozen=True)
class Account:
    """Clips that differ in their bytes. `lost` were owed and are not in the store, `twice` are in it more than once.

    `late` could be had, though not for as long as is owed, or soon after their camera had failed, and were not seen.
    """

    owed: int
    lost: tuple[PublishedVersion, ...]
    late: tuple[PublishedVersion, ...]
    twice: tuple[tuple[str, str], ...]


def rows_of(store: Path) -> list[Row]:
    """Every observation of a store that nobody writes to now."""
    with duckdb.connect(str(store), read_only=True) as connection:
        found = connection.execute(
            "SELECT camera, zone, event_time, counted_at, status, reason, content FROM observations"
        ).fetchall()
    return [
        Row(camera, zone, at.replace(tzinfo=UTC), counted.replace(tzinfo=UTC), status, reason, content)
        for camera, zone, at, counted, status, reason, content in found
    ]


@dataclass(frozen=True)
class State:
    """A camera's state from `since` on."""

    camera: str
    since: datetime
    state: str


def states_of(store: Path) -> list[State]:
    """Every health event of a store that nobody writes to now."""
    with duckdb.connect(str(store), read_only=True) as connection:
        found = connection.execute("SELECT camera, since, state FROM health").fetchall()
    return [State(camera, since.replace(tzinfo=UTC), state) for camera, since, state in found]


def account(
    rows: Iterable[Row],
    versions: Iterable[PublishedVersion],
    watched: Span,
    *,
    long_enough: timedelta,
    blocked: Mapping[str, Sequence[Span]],
    recovering: Mapping[str, Sequence[Span]],
) -> Account:
    """Settle the accounts of what was published while it was `watched`.

    A clip is owed where it could be had `long_enough` on end: its camera was neither `blocked`, by a fault under which
    nobody can fetch it, nor `recovering`, when it may still be left alone for its failures. Clips are told apart by
    their bytes: a feed that is stuck gives one clip, however often it says that it is new.
    """
    stored = Counter((row.zone, row.content) for row in rows if row.content)
    seen = {content for _, content in stored}
    spans: dict[tuple[str, str], list[PublishedVersion]] = defaultdict(list)
    for version in versions:
        if version.size:
            spans[version.camera, version.content].append(version)
    owed, lost, late = 0, [], []
    for (camera, content), same in spans.items():
        begin = max(same[0].published_at, watched[0])
        end = min(same[-1].replaced_at or watched[1], watched[1])
        out = blocked.get(camera, ())
        if _longest((begin, end), (*out, *recovering.get(camera, ()))) >= long_enough:
            owed += 1
            if content not in seen:
                lost.append(same[0])
        elif content not in seen and _longest((begin, end), out) > timedelta(0):
            late.append(same[0])
    twice = tuple((zone, content) for (zone, content), times in stored.items() if times > 1 and content)
    return Account(owed, tuple(lost), tuple(late), twice)


def ages_s(rows: Iterable[Row], cameras: Iterable[str], span: Span, every_s: float = 5.0) -> NDArray[np.float64]:
    """Seconds since the newest counted clip of each camera began, at each moment of `span`: [moment, camera].

    Where nothing has been counted yet, since the beginning of `span` and longer: infinite.
    """
    moments = np.arange(span[0].timestamp(), span[1].timestamp(), every_s)
    counted: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in rows:
        if row.status == "ok":
            counted[row.camera].append((row.counted_at.timestamp(), row.event_time.timestamp()))
    columns = []
    for camera in cameras:
        lines = sorted(counted[camera])
        when = [at for at, _ in lines]
        newest = [-np.inf, *accumulate((event for _, event in lines), max)]
        columns.append(moments - np.array([newest[bisect_right(when, moment)] for moment in moments]))
    return np.column_stack(columns)


def _longest(span: Span, without: Iterable[Span]) -> timedelta:
    """The longest stretch of `span` that is in none of `without`; zero where there is none."""
    begin, end = span
    longest = timedelta(0)
    for out_from, out_to in sorted(without):
        if out_to > begin and out_from < end:
            longest = max(longest, out_from - begin)
            begin = max(begin, out_to)
    return max(longest, end - begin)
