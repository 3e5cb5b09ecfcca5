"""`make bench-kill-ingest` can see a loss: what a killed parent had is lost where its publisher has gone on.

seconds      0    10        30   36                    90   96
a parent          ready ----killed    ready -----------killed   ready ----
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from doubled_city.kills import fetches_of, in_hand, settle, untold
from feed_double.accounts import Row
from feed_double.ledger import PublishedVersion

START = datetime(2026, 3, 12, 8, 0, tzinfo=UTC)
KILLED, AGAIN = 30, 90
DOWNS = ((0, 10), (KILLED, 36), (AGAIN, 96))


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def version(number: int, begin_s: float, end_s: float | None, served: int = 1) -> PublishedVersion:
    replaced = None if end_s is None else at(end_s)
    return PublishedVersion(
        "a", number, "mp4", f"clip {number}", 9, at(begin_s), at(begin_s), None, replaced_at=replaced, served=served
    )


def row(content: str | None, counted_s: float, status: str) -> Row:
    return Row(
        camera="a", zone="a", event_time=at(0), counted_at=at(counted_s), status=status, reason=None, content=content
    )


@pytest.mark.parametrize(
    ("published", "fetched", "stored", "became"),
    [
        pytest.param((20, 40), [21], True, "stored", id="counted"),
        pytest.param((20, 40), [21], False, "lost_in_flight", id="it waited or was gathered at the kill"),
        pytest.param((20, 41), [21], False, "lost_in_flight", id="the next parent had no time for it"),
        pytest.param((20, 40), [21, 37], True, "fetched_again", id="the next parent had it too"),
        pytest.param((20, 60), [21, 37], False, "lost_alive", id="the next parent lost it"),
        pytest.param((20, 60), [21], False, "lost_alive", id="the next parent took it for known"),
        pytest.param((11, 40), [11.5], False, "lost_alive", id="the parent had it for too long"),
        pytest.param((100, 120), [101], False, "lost_alive", id="nobody was killed"),
        pytest.param((40, 60), [], False, "lost_alive", id="nobody fetched it, and could have"),
        pytest.param((29, 35), [], False, "replaced_while_down", id="replaced while no parent ran"),
        pytest.param((33, 38), [], False, "replaced_while_down", id="gone as soon as a parent was ready"),
        pytest.param((29, 60), [], False, "lost_alive", id="there before, and long after"),
        pytest.param((80, None), [], False, "lost_alive", id="shown to the end"),
    ],
)
def test_what_becomes_of_a_clip(
    published: tuple[float, float | None], fetched: list[float], stored: bool, became: str
) -> None:
    one = version(1, *published)
    account = settle(
        {one.content} if stored else set(),
        [one],
        {("a", 1): [at(seconds) for seconds in fetched]},
        [(at(since), at(until)) for since, until in DOWNS],
        at(130),
        in_flight_at_most=timedelta(seconds=15),
    )
    assert account.clips == 1
    told = {
        "lost_alive": len(account.lost_alive),
        "lost_in_flight": len(account.in_flight),
        "replaced_while_down": len(account.replaced_while_down),
        "fetched_again": account.fetched_again,
    }
    assert told == dict.fromkeys(told, 0) | ({} if became == "stored" else {became: 1})


@pytest.mark.parametrize("end_s", [9, 14, 60])
def test_what_lay_there_before_the_first_parent_was_ready_is_none_of_the_runs_clips(end_s: float) -> None:
    downs = [(at(since), at(until)) for since, until in DOWNS]
    account = settle([], [version(0, -8, end_s)], {}, downs, at(130), in_flight_at_most=timedelta(seconds=15))
    assert (account.clips, account.lost_alive, account.replaced_while_down) == (0, (), ())


def test_a_clip_in_flight_says_how_long_it_had_been_there_and_with_whom_it_was_lost() -> None:
    downs = [(at(since), at(until)) for since, until in DOWNS]
    fetches = {("a", 1): [at(21)], ("a", 2): [at(85), at(88)]}
    account = settle(
        [], [version(1, 20, 40), version(2, 84, 99)], fetches, downs, at(130), in_flight_at_most=timedelta(seconds=15)
    )
    assert [one.seconds for one in account.in_flight] == [9, 2]
    assert account.lost_a_kill == {at(KILLED): 1, at(AGAIN): 1}


def test_a_row_of_a_killed_worker_needs_a_kill_of_its_own() -> None:
    rows = [
        row("counted", 31, "ok"), row("skipped", 31, "skipped"), row("moved", 31, "moved_view"),
        row("in hand", 32, "undecodable"), row("more than one kill takes", 33, "model_error"),
        row("long after", 70, "model_error"), row("in hand again", 89, "undecodable"), row(None, 91, "undecodable"),
    ]  # fmt: skip
    explained, others = in_hand(rows, [at(KILLED), at(AGAIN)])
    assert [one.content for one in explained] == ["in hand", "in hand again"]
    assert [one.content for one in others] == ["more than one kill takes", "long after"]


def null(seconds: float) -> Row:
    return Row(
        camera="a", zone="a", event_time=at(seconds), counted_at=at(200), status="skipped", reason="why", content=None
    )


@pytest.mark.parametrize(
    ("nulls", "silent", "beside"),
    [
        pytest.param((40, 60), [], 0, id="one for each"),
        pytest.param((45, 70), [], 0, id="not quite in their places"),
        pytest.param((52,), [3], 0, id="one for both"),
        pytest.param((), [2, 3], 0, id="none"),
        pytest.param((22, 40), [3], 1, id="one is of a clip that is counted"),
        pytest.param((130,), [2, 3], 0, id="of another time"),
    ],
)
def test_a_clip_that_is_not_counted_needs_a_null_of_its_own(
    nulls: tuple[float, ...], silent: list[int], beside: int
) -> None:
    versions = [version(number, 20 * number, 20 * number + 20) for number in (1, 2, 3, 4)]
    rows = [row("clip 1", 21, "ok"), row("clip 4", 81, "ok"), *map(null, nulls)]
    left, doubled = untold(versions, versions[1:3], rows, timedelta(seconds=20))
    assert ([one.number for one in left], doubled) == (silent, beside)


class Request:
    """As far as it is looked at."""

    def __init__(self, seconds: float, number: int | None, status: int) -> None:
        self.at, self.camera, self.version, self.status = at(seconds), "a", number, status


def test_only_what_was_given_whole_was_fetched() -> None:
    requests = [Request(5, 1, 200), Request(3, 1, 200), Request(4, 1, 304), Request(6, 2, 200), Request(7, None, 200)]
    fetches = fetches_of(requests, [version(1, 0, 9), version(2, 5, 9, served=0)])
    assert fetches == {("a", 1): [at(3), at(5)]}
