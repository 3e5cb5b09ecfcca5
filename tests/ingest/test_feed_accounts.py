"""The accounts of a doubled feed: what was owed and is missing is lost, what is there twice is told, ages are true."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from feed_double.accounts import Row, Span, account, ages_s
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


def settle(
    rows: Sequence[Row], versions: Sequence[PublishedVersion], blocked: Sequence[Span] = (), after: Sequence[Span] = ()
) -> tuple[int, list[int], list[int], int]:
    """Owed, the numbers of the lost and of the late, and how many stand there twice; watched from 0 to 1000 s."""
    settled = account(
        rows, versions, span(0, 1000), long_enough=LONG_ENOUGH, blocked={"a": blocked}, recovering={"a": after}
    )
    return (
        settled.owed,
        [one.number for one in settled.lost],
        [one.number for one in settled.late],
        len(settled.twice),
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


def test_an_age_is_that_of_the_newest_counted_clip() -> None:
    rows = [row("one", 0, 10), row("two", 20, 30), row("late", 5, 32), row("dark", 33, 34, "dark")]
    ages = ages_s(rows, ["a", "b"], span(0, 40), every_s=5)
    assert ages[:, 0].tolist() == [np.inf, np.inf, 10, 15, 20, 25, 10, 15]
    assert np.isinf(ages[:, 1]).all()
