"""A guest against publishers that answer in every way there is, on loopback."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from importlib.metadata import version

import pytest
from fetch_guests import MakeGuest, failure_of
from fetch_servers import ManualClock, Reply, Server

from core.records import Status
from ingest.feed import Version
from ingest.fetch.guest import Answer, Guest, Outcome, RequestOutcome, host_entry

MADE = datetime(2026, 3, 12, 7, 58, 30, tzinfo=UTC)


def test_it_says_who_it_is_and_keeps_its_connection(guest_with: MakeGuest, server: Server) -> None:
    guest = guest_with({"Digitraffic-User": "Helsinki/busyness"}, contact="https://busyness.example.org")
    for _ in range(3):
        answer = guest.get(f"{server.url}/v1/stations?lang=en", headers={"Accept": "application/geo+json"})
        assert answer is not None
        assert answer.content == b"ok"
    assert server.connections == 1
    asked = server.asked[0]
    assert (asked.method, asked.path) == ("GET", "/v1/stations?lang=en")
    assert asked.headers == {
        "host": host_entry(server.url),
        "user-agent": f"busyness/{version('busyness')} (https://busyness.example.org)",
        "accept": "application/geo+json",
        "accept-encoding": "gzip, deflate",
        "digitraffic-user": "Helsinki/busyness",
    }


def test_what_has_not_changed_is_not_sent_again(guest: Guest, server: Server, outcomes: list[RequestOutcome]) -> None:
    written = {"ETag": '"a1"', "Last-Modified": "Thu, 12 Mar 2026 07:58:30 GMT", "Content-Type": "video/mp4"}
    server.replies["/clip.mp4"] = [Reply(headers=written, body=b"film"), Reply(304, written)]
    first = guest.get(f"{server.url}/clip.mp4")
    assert first is not None
    assert (first.version, first.content_type) == (Version('"a1"', MADE), "video/mp4")
    assert guest.get(f"{server.url}/clip.mp4", known=first.version) is None
    assert server.connections == 1
    assert server.asked[1].headers["if-none-match"] == '"a1"'
    assert server.asked[1].headers["if-modified-since"] == "Thu, 12 Mar 2026 07:58:30 GMT"
    entry = host_entry(server.url)
    assert [(outcome.host, outcome.outcome, outcome.bytes) for outcome in outcomes] == [
        (entry, Outcome.OK, 4), (entry, Outcome.NOT_MODIFIED, 0),
    ]  # fmt: skip


def test_not_modified_is_no_answer_to_who_knows_nothing(guest: Guest, server: Server) -> None:
    server.replies["/"] = Reply(304)
    assert failure_of(guest, f"{server.url}/").outcome is Outcome.TRUNCATED


def test_garbled_words_about_the_version_are_as_if_there_were_none(guest: Guest, server: Server) -> None:
    server.replies["/"] = Reply(
        headers={"ETag": "x" * 5000, "Last-Modified": "yesterday", "Date": "never", "Age": "1e9"}
    )
    answer = guest.get(f"{server.url}/")
    assert answer is not None
    assert (answer.version, answer.server_time, answer.event_time()) == (Version(), None, None)


def test_packed_answers_are_unpacked_and_bombs_given_up(guest: Guest, server: Server) -> None:
    server.replies["/list"] = Reply(headers={"Content-Encoding": "gzip"}, body=gzip.compress(b"[]" * 999))
    server.replies["/bomb"] = Reply(headers={"Content-Encoding": "gzip"}, body=gzip.compress(bytes(20_000_000)))
    answer = guest.get(f"{server.url}/list")
    assert answer is not None
    assert answer.content == b"[]" * 999
    failure = failure_of(guest, f"{server.url}/bomb")
    assert (failure.outcome, failure.status) == (Outcome.OVERSIZE, Status.OVERSIZE)


def test_what_is_too_large_is_refused_when_announced_and_given_up_when_not(guest: Guest, server: Server) -> None:
    server.replies["/announced"] = Reply(raw=b"HTTP/1.1 200 So\r\nContent-Length: 999999999999\r\n\r\n")
    server.replies["/silent"] = Reply(raw=b"HTTP/1.1 200 So\r\n\r\n" + bytes(100_000))
    for path in ("/announced", "/silent"):
        failure = failure_of(guest, f"{server.url}{path}", max_bytes=50_000)
        assert (failure.outcome, failure.status) == (Outcome.OVERSIZE, Status.OVERSIZE)
        assert "50,000 bytes" in failure.message


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 So\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 So\r\nContent-Length: 2\r\n\r\nlonger",
        b"HTTP/1.1 200 So\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
        b"HTTP/1.1 200 So\r\nTransfer-Encoding: chunked\r\n\r\nz\r\nshort\r\n",
        b"HTTP/1.1 200 So\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"whole")[:-3],
        b"HTTP/1.1 206 So\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 204 So\r\n\r\n",
    ],
    ids=["cut", "longer", "unended", "unchunked", "unpacked", "part", "nothing"],
)
def test_an_answer_that_is_not_whole_is_a_failure(guest: Guest, server: Server, raw: bytes) -> None:
    server.replies["/"] = Reply(raw=raw)
    assert failure_of(guest, f"{server.url}/").outcome is Outcome.TRUNCATED
    assert len(server.asked) == 1


def test_a_part_is_an_answer_to_who_asked_for_one(guest: Guest, server: Server) -> None:
    server.replies["/"] = Reply(206, {"Content-Range": "bytes 0-1/9"}, b"ok")
    part = guest.get(f"{server.url}/", headers={"Range": "bytes=0-1"})
    assert part is not None
    assert (part.content, server.asked[0].headers["accept-encoding"]) == (b"ok", "identity")


@pytest.mark.parametrize(
    "raw", [b"SSH-2.0-OpenSSH_9.6\r\n\r\n", b"HTTP/1.1 200 So\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok",
            b"HTTP/1.1 200 So\r\nA: " + b"a" * 200_000, b"HTTP/1.1 200 So\r\nnot a header\r\n\r\n", b"\x16\x03\x01"],
    ids=["ssh", "two-lengths", "endless-head", "no-header", "tls"],
)  # fmt: skip
def test_what_is_not_http_is_a_failure_that_repeats_nothing_of_it(guest: Guest, server: Server, raw: bytes) -> None:
    server.replies["/"] = Reply(raw=raw)
    failure = failure_of(guest, f"{server.url}/")
    assert failure.outcome is Outcome.CONNECTION
    assert failure.message == f"{server.url}/ does not answer in HTTP"


def answer(modified: datetime | None, server_time: datetime | None, received_at: datetime) -> Answer:
    return Answer(b"", Version(None, modified), None, "http://a/", server_time, received_at)


@pytest.mark.parametrize(
    ("server_ahead_s", "expected"),
    [(0, MADE), (30, MADE), (-30, MADE), (31, MADE - timedelta(minutes=1)), (-3600, MADE + timedelta(hours=1)),
     (3610, MADE - timedelta(hours=1)), (None, MADE)],
)  # fmt: skip
def test_event_time_is_by_our_clock_and_the_same_at_each_fetch(
    server_ahead_s: float | None, expected: datetime
) -> None:
    received = datetime(2026, 3, 12, 8, tzinfo=UTC)
    server_time = None if server_ahead_s is None else received + timedelta(seconds=server_ahead_s)
    assert answer(MADE, server_time, received).event_time() == expected


@pytest.mark.parametrize("apart_s", [30, 90, -30, 3630])
def test_a_clock_that_jitters_does_not_move_the_event_time_of_a_version(
    guest: Guest, server: Server, clock: ManualClock, apart_s: int
) -> None:
    """A `Date` has whole seconds, an answer takes its time: near half a minute the rounding must not go to and fro."""
    times = set()
    for jitter_s in (0, 2, -2, 1, -3, 4):
        date = clock.now() + timedelta(seconds=apart_s + jitter_s)
        headers = {"Date": format_datetime(date, usegmt=True), "Last-Modified": format_datetime(MADE, usegmt=True)}
        server.replies["/"] = Reply(headers=headers)
        again = guest.get(f"{server.url}/")
        assert again is not None
        times.add(again.event_time())
    server.replies["/"] = Reply(headers={"Last-Modified": format_datetime(MADE, usegmt=True)})
    undated = guest.get(f"{server.url}/")
    assert undated is not None
    times.add(undated.event_time())
    assert len(times) == 1
    (made,) = times
    assert made is not None
    assert abs(MADE - timedelta(seconds=apart_s) - made) <= timedelta(seconds=34)


def test_a_clock_that_is_set_moves_the_event_time(guest: Guest, server: Server, clock: ManualClock) -> None:
    times = []
    for ahead in (timedelta(0), timedelta(hours=5), timedelta(seconds=20)):
        date = format_datetime(clock.now() + ahead, usegmt=True)
        server.replies["/"] = Reply(headers={"Date": date, "Last-Modified": format_datetime(MADE + ahead, usegmt=True)})
        seen = guest.get(f"{server.url}/")
        assert seen is not None
        times.append(seen.event_time())
    assert times == [MADE, MADE, MADE + timedelta(seconds=20)]


@pytest.mark.parametrize(("etag", "known"), [('"' + "a" * 198 + '"', True), ('"' + "a" * 199 + '"', False)])
def test_an_etag_that_is_too_long_to_be_kept_is_none(guest: Guest, server: Server, etag: str, known: bool) -> None:
    server.replies["/"] = Reply(headers={"ETag": etag})
    tagged = guest.get(f"{server.url}/")
    assert tagged is not None
    assert tagged.version.etag == (etag if known else None)


def test_a_caches_age_is_added_to_the_date_it_kept(guest: Guest, server: Server, clock: ManualClock) -> None:
    server.replies["/"] = Reply(
        headers={
            "Date": "Thu, 12 Mar 2026 07:50:00 GMT",
            "Age": "600",
            "Last-Modified": "Thu, 12 Mar 2026 07:49:00 GMT",
        }
    )
    cached = guest.get(f"{server.url}/")
    assert cached is not None
    assert cached.server_time == clock.now()
    assert cached.event_time() == cached.version.modified


def test_an_answer_does_not_print_what_it_holds() -> None:
    assert "content" not in repr(answer(None, None, MADE))
