"""The accounts of a doubled feed: what was owed and is missing is lost, what is there twice is told, ages are true."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from feed_double.accounts import Account, Look, Row, Span, account, ages_s
from feed_double.ledger import PublishedVersion

START = datetime(2026, 3, 12, 8, 0, tzinfo=UTC)
LONG_ENOUGH = timedelta(seconds=120)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def span(begin_s: float, end_s: float) -> Span:
    return at(begin_s), at(end_s)


def version(number: int, begin_s: float, end_s: float | None, content: str = "", size: int = 9) -> PublishedVersion:
    ended = None if end_s is None else at(end_s)
    name = content or f"clip {number}"
    return PublishedVersion("a", number, "mp4", name, size, at(begin_s), at(begin_s), None, replaced_at=ended)


def row(content: str, event_s: float, counted_s: float, status: str = "ok") -> Row:
    return Row("a", "a:view", at(event_s), at(counted_s), status, None, content)


def settled(
    rows: Sequence[Row], versions: Sequence[PublishedVersion], blocked: Sequence[Span] = (), after: Sequence[Span] = ()
) -> Account:
    """Watched from 0 to 1000 s."""
    return account(
        rows, versions, span(0, 1000), long_enough=LONG_ENOUGH, blocked={"a": blocked}, recovering={"a": after}
    )


def settle(
    rows: Sequence[Row], versions: Sequence[PublishedVersion], blocked: Sequence[Span] = (), after: Sequence[Span] = ()
) -> tuple[int, list[int], list[int], int]:
    """How many are owed, the numbers of the lost and of the late, and how many stand there twice."""
    found = settled(rows, versions, blocked, after)
    return (
        len(found.owed),
        [one.number for one in found.lost],
        [one.number for one in found.late],
        len(found.twice),
    )


def test_a_clip_that_stood_long_enough_is_owed() -> None:
    versions = [version(0, 0, 240), version(1, 240, 300), version(2, 300, None)]
    assert settle([], versions) == (2, [0, 2], [1], 0)
    assert settle([row("clip 0", 0, 9), row("clip 2", 300, 310, "skipped")], versions) == (2, [], [1], 0)


def test_only_the_time_that_was_watched_counts() -> None:
    """
           watched 0 |----------------------| 1000
    clip 0 |------------|  clip 1 |------------------|
    """
    assert settle([], [version(0, -500, 100), version(1, 900, 2000)]) == (0, [], [0, 1], 0)


def test_a_clip_that_nobody_could_fetch_is_not_owed() -> None:
    versions = [version(0, 0, 240)]
    assert settle([], versions, blocked=[span(60, 180)]) == (0, [], [0], 0)
    assert settle([], versions, blocked=[span(0, 240)]) == (0, [], [], 0)
    assert settle([], versions, blocked=[span(0, 60)], after=[span(60, 200)]) == (0, [], [0], 0)
    assert settle([], versions, blocked=[span(200, 230)]) == (1, [0], [], 0)


def test_a_feed_that_is_stuck_gives_one_clip() -> None:
    versions = [version(0, 0, 100, "same"), version(1, 100, 200, "same"), version(2, 200, 400, "other")]
    assert settle([row("same", 0, 5), row("other", 200, 205)], versions) == (2, [], [], 0)
    assert settle([], [version(0, 0, 900, size=0)]) == (0, [], [], 0)


def test_two_rows_of_one_clip_are_told() -> None:
    assert settle([row("clip 0", 0, 5), row("clip 0", 30, 35)], [version(0, 0, 240)]) == (1, [], [], 1)


def test_what_there_was_no_time_for_is_told_whether_its_bytes_are_known_or_not() -> None:
    versions = [version(0, 0, 240), version(1, 240, 480), version(2, 480, None)]
    rows = [row("clip 0", 0, 9, "skipped"), row("", 240, 490, "skipped"), row("clip 2", 480, 490)]
    assert settled(rows, versions).skipped == 2
    assert settle(rows, versions) == (3, [1], [], 0)
    assert settled(rows[2:], versions).skipped == 0


def test_an_age_is_that_of_the_newest_count_that_could_be_read() -> None:
    looks = [Look(at(10), {}), Look(at(20), {"a": at(5)}), Look(at(30), {"a": at(5), "b": at(28)})]
    assert ages_s(looks, ["a", "b"]).tolist() == [[np.inf, np.inf], [15, np.inf], [25, 2]]
    assert ages_s([], ["a"]).size == 0
