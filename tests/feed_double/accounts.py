"""The store's rows against the double's ledger: what was owed, lost, or stands there twice, and how old it was."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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
    `skipped` are in the store as what there was no time for: how many clips, whether they were owed or not.
    """

    owed: tuple[PublishedVersion, ...]
    lost: tuple[PublishedVersion, ...]
    late: tuple[PublishedVersion, ...]
    twice: tuple[tuple[str, str], ...]
    skipped: int


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
    rows = list(rows)
    stored = Counter((row.zone, row.content) for row in rows if row.content)
    seen = {content for _, content in stored}
    spans: dict[tuple[str, str], list[PublishedVersion]] = defaultdict(list)
    for version in versions:
        if version.size:
            spans[version.camera, version.content].append(version)
    owed: list[PublishedVersion] = []
    lost: list[PublishedVersion] = []
    late: list[PublishedVersion] = []
    for (camera, content), same in spans.items():
        begin = max(same[0].published_at, watched[0])
        end = min(same[-1].replaced_at or watched[1], watched[1])
        out = blocked.get(camera, ())
        if longest((begin, end), (*out, *recovering.get(camera, ()))) >= long_enough:
            owed.append(same[-1])
            if content not in seen:
                lost.append(same[0])
        elif content not in seen and longest((begin, end), out) > timedelta(0):
            late.append(same[0])
    twice = tuple((zone, content) for (zone, content), times in stored.items() if times > 1 and content)
    skipped = {(row.camera, row.event_time) for row in rows if row.status == "skipped"}
    return Account(tuple(owed), tuple(lost), tuple(late), twice, len(skipped))


@dataclass(frozen=True)
class Look:
    """What a client of the API could read at a moment: of each camera the event time of its newest counted clip."""

    at: datetime
    newest: Mapping[str, datetime]


def ages_s(looks: Sequence[Look], cameras: Sequence[str]) -> NDArray[np.float64]:
    """Seconds since the newest counted clip of each camera began, as it was read: [look, camera].

    Infinite where nothing of it could be read yet.
    """
    return np.array(
        [
            [(look.at - look.newest[camera]).total_seconds() if camera in look.newest else np.inf for camera in cameras]
            for look in looks
        ]
    ).reshape(len(looks), len(cameras))


def longest(span: Span, without: Iterable[Span]) -> timedelta:
    """The longest stretch of `span` that is in none of `without`; zero where there is none."""
    begin, end = span
    found = timedelta(0)
    for out_from, out_to in sorted(without):
        if out_to > begin and out_from < end:
            found = max(found, out_from - begin)
            begin = max(begin, out_to)
    return max(found, end - begin)
