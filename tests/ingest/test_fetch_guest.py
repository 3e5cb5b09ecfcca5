"""A guest against publishers that answer in every way there is, on loopback."""

from __future__ import annotations

import gzip
import logging
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from importlib.metadata import version
from random import Random

import pytest
from fetch_servers import ManualClock, Reply, Server

from core.errors import ConfigError
from core.records import Status
from ingest.feed import FetchFailed, Version
from ingest.fetch.breaker import FAILURES_IN_A_ROW
from ingest.fetch.guest import Answer, Budgets, Failure, Guest, GuestConfig, Outcome, RequestOutcome, host_entry

SECRET = "hunter2"
MADE = datetime(2026, 3, 12, 7, 58, 30, tzinfo=UTC)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def outcomes() -> list[RequestOutcome]:
    return []


MakeGuest = Callable[..., Guest]


@pytest.fixture
def guest_with(
    server: Server, clock: ManualClock, outcomes: list[RequestOutcome], request: pytest.FixtureRequest
) -> MakeGuest:
    budgets = Budgets(clock, random=Random(1))

    def make(headers: dict[str, str] | None = None, **settings: object) -> Guest:
        config = GuestConfig.model_validate(
            {
                "hosts": [host_entry(server.url)],
                "private_networks": ["127.0.0.1/32"],
                "requests_per_minute": 6000,
                "deadline_s": 5,
            }
            | settings
        )
        guest = Guest(config, budgets, clock, headers=headers, on_request=outcomes.append, random=Random(2))
        request.addfinalizer(guest.close)
        return guest

    return make


@pytest.fixture
def guest(guest_with: MakeGuest) -> Guest:
    return guest_with()


def failure_of(guest: Guest, url: str, **how: object) -> Failure:
    with pytest.raises(FetchFailed) as failure:
        guest.get(url, **how)  # type: ignore[arg-type]
    assert isinstance(failure.value, Failure)
    assert failure.value.remedy
    return failure.value


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


def drip(head: bytes) -> Callable[[socket.socket], None]:
    def script(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(400):
            connection.sendall(b"a")
            time.sleep(0.01)

    return script


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 So\r\nContent-Length: 9999\r\n\r\n", b"HTTP/1.1 200 So\r\nA: "], ids=["body", "head"]
)
def test_a_slow_drip_ends_at_the_deadline(guest_with: MakeGuest, server: Server, head: bytes) -> None:
    """Each byte comes in time, and the whole never would: in the body, and in the head already."""
    server.replies["/"] = Reply(script=drip(head))
    began_s = time.monotonic()
    failure = failure_of(guest_with(deadline_s=0.15, read_timeout_s=0.1), f"{server.url}/")
    assert failure.outcome is Outcome.TIMEOUT
    assert time.monotonic() - began_s < 3


def test_the_deadline_is_of_all_redirects_together(guest_with: MakeGuest, server: Server) -> None:
    def send_on_late(connection: socket.socket) -> None:
        time.sleep(0.08)
        connection.sendall(Reply(302, {"Location": "/"}).encoded())

    server.replies["/"] = Reply(script=send_on_late)
    assert failure_of(guest_with(deadline_s=0.2), f"{server.url}/").outcome is Outcome.TIMEOUT
    assert len(server.asked) <= 3


def test_a_handshake_that_does_not_come_ends_at_the_deadline(guest_with: MakeGuest, server: Server) -> None:
    began_s = time.monotonic()
    guest = guest_with(deadline_s=0.1, connect_timeout_s=4)
    assert failure_of(guest, server.url.replace("http", "https")).outcome is Outcome.TIMEOUT
    assert time.monotonic() - began_s < 3


def test_silence_ends_at_the_read_timeout(guest_with: MakeGuest, server: Server) -> None:
    server.replies["/"] = Reply(script=lambda connection: time.sleep(3))
    began_s = time.monotonic()
    assert failure_of(guest_with(read_timeout_s=0.05), f"{server.url}/").outcome is Outcome.TIMEOUT
    assert time.monotonic() - began_s < 2.5
    assert len(server.asked) == 1


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_a_connection_that_breaks_is_tried_again_at_once_with_jitter(
    guest: Guest, server: Server, clock: ManualClock, outcomes: list[RequestOutcome]
) -> None:
    server.replies["/"] = [Reply(script=reset), Reply(body=b"ok")]
    assert guest.get(f"{server.url}/") is not None
    assert [outcome.outcome for outcome in outcomes] == [Outcome.CONNECTION, Outcome.OK]
    assert 0 < max(clock.slept) <= 0.5


@pytest.mark.parametrize(("status", "requests"), [(502, 2), (503, 2), (504, 2), (500, 1), (404, 1), (429, 1)])
def test_only_what_may_pass_in_a_moment_is_tried_again(
    guest: Guest, server: Server, status: int, requests: int
) -> None:
    server.replies["/"] = Reply(status)
    failure = failure_of(guest, f"{server.url}/")
    assert (failure.http_status, len(server.asked)) == (status, requests)


@pytest.mark.parametrize(
    ("status", "outcome", "meaning", "remedy"),
    [
        (401, Outcome.HTTP_4XX, Status.UNREACHABLE, "Check the key"),
        (403, Outcome.HTTP_4XX, Status.UNREACHABLE, "Check the key"),
        (404, Outcome.HTTP_4XX, Status.WITHDRAWN, "take it off the list"),
        (410, Outcome.HTTP_4XX, Status.WITHDRAWN, "take it off the list"),
        (418, Outcome.HTTP_4XX, Status.UNREACHABLE, "Check the address"),
        (429, Outcome.RATE_LIMITED, Status.UNREACHABLE, "Lower `requests_per_minute`"),
        (500, Outcome.HTTP_5XX, Status.UNREACHABLE, "asks it again"),
    ],
)
def test_each_refusal_says_what_it_means_and_what_to_do(
    guest: Guest, server: Server, status: int, outcome: Outcome, meaning: Status, remedy: str
) -> None:
    server.replies["/clip.mp4"] = Reply(status)
    failure = failure_of(guest, f"{server.url}/clip.mp4")
    assert (failure.outcome, failure.status) == (outcome, meaning)
    assert f"{server.url}/clip.mp4 answers HTTP {status}" in failure.message
    assert remedy in failure.remedy


@pytest.mark.parametrize("status", [429, 503])
def test_a_host_that_asks_for_it_is_left_alone_by_every_source(
    guest_with: MakeGuest, server: Server, clock: ManualClock, status: int
) -> None:
    first, second = guest_with(), guest_with()
    server.replies["/busy"] = Reply(status, {"Retry-After": "40"})
    assert failure_of(first, f"{server.url}/busy").retry_after_s == 40
    clock.sleep(39)
    failure = failure_of(second, f"{server.url}/other")
    assert (failure.outcome, failure.retry_after_s) == (Outcome.OPEN_CIRCUIT, 1)
    assert len(server.asked) == 1
    clock.sleep(1)
    assert second.get(f"{server.url}/other") is not None
    assert first.get(f"{server.url}/other") is not None


def test_retry_after_as_a_date_is_by_the_publishers_clock(guest: Guest, server: Server) -> None:
    """Its clock is a day behind ours: the minute that it asks for is a minute, not nothing."""
    server.replies["/"] = Reply(
        429, {"Date": "Wed, 11 Mar 2026 08:00:00 GMT", "Retry-After": "Wed, 11 Mar 2026 08:01:00 GMT"}
    )
    assert failure_of(guest, f"{server.url}/").retry_after_s == 60


def test_a_host_that_is_down_is_asked_only_to_see_whether_it_is_back(
    guest_with: MakeGuest, server: Server, clock: ManualClock, outcomes: list[RequestOutcome]
) -> None:
    guest = guest_with(attempts=1)
    server.replies["/"] = Reply(500)
    for _ in range(FAILURES_IN_A_ROW + 20):
        failure_of(guest, f"{server.url}/")
    assert len(server.asked) == FAILURES_IN_A_ROW
    assert [outcome.outcome for outcome in outcomes[FAILURES_IN_A_ROW:]] == [Outcome.OPEN_CIRCUIT] * 20
    server.replies["/"] = Reply()
    clock.sleep(failure_of(guest, f"{server.url}/").retry_after_s or 0)
    assert guest.get(f"{server.url}/") is not None


def test_redirects_are_followed_a_few_times_and_keys_stay_at_home(guest_with: MakeGuest, server: Server) -> None:
    with Server() as bucket:
        guest = guest_with({"app_key": SECRET}, hosts=[host_entry(server.url), host_entry(bucket.url)])
        server.replies["/a"] = Reply(302, {"Location": "/b?x=1"})
        server.replies["/b"] = Reply(307, {"Location": f"{bucket.url}/c"})
        answer = guest.get(f"{server.url}/a", headers={"X-Own": SECRET}, known=Version('"v"'))
        assert answer is not None
        assert (answer.url, answer.content) == (f"{bucket.url}/c", b"ok")
        assert [asked.headers.get("app_key") for asked in server.asked] == [SECRET, SECRET]
        assert SECRET not in bucket.asked[0].headers.values()
        assert bucket.asked[0].headers["if-none-match"] == '"v"'


def test_redirects_do_not_go_on_for_ever(guest: Guest, server: Server, outcomes: list[RequestOutcome]) -> None:
    server.replies["/a"] = Reply(301, {"Location": "/a"})
    assert failure_of(guest, f"{server.url}/a").outcome is Outcome.REDIRECTED
    assert len(server.asked) == len(outcomes) == 4


def test_a_redirect_to_a_host_that_is_not_listed_is_not_followed(
    guest: Guest, server: Server, outcomes: list[RequestOutcome]
) -> None:
    server.replies["/a"] = Reply(302, {"Location": f"http://localhost:{server.port}/{SECRET}?{SECRET}"})
    failure = failure_of(guest, f"{server.url}/a")
    assert failure.message.startswith(f"{server.url}/a redirects elsewhere: localhost:{server.port} is not asked")
    assert [(outcome.host, outcome.outcome) for outcome in outcomes] == [
        (host_entry(server.url), Outcome.REDIRECTED), ("-", Outcome.REFUSED_ADDRESS),
    ]  # fmt: skip


def test_no_failure_and_no_log_line_holds_a_key(
    guest_with: MakeGuest, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """Every way to fail, with a key in the query, a header and the answer; causes and logs down to DEBUG included."""
    caplog.set_level(logging.DEBUG)
    guest = guest_with({"app_key": SECRET}, attempts=1, read_timeout_s=0.05)
    ways = {
        "/404": Reply(404, body=SECRET.encode()),
        "/500": Reply(500),
        "/short": Reply(raw=f"HTTP/1.1 200 So\r\nContent-Length: 99\r\n\r\n{SECRET}".encode()),
        "/ssh": Reply(raw=f"{SECRET}\r\n\r\n".encode()),
        "/reset": Reply(script=reset),
        "/silent": Reply(script=lambda connection: time.sleep(0.1)),
        "/away": Reply(302, {"Location": f"http://user:{SECRET}@127.0.0.1/?{SECRET}"}),
        "/bomb": Reply(headers={"Content-Encoding": "gzip"}, body=gzip.compress(bytes(5_000_000))),
        "/429": Reply(429),
    }
    server.replies |= ways
    urls = [f"{server.url}{path}?app_key={SECRET}" for path in ways]
    for url in (*urls, f"http://elsewhere.example.org/?app_key={SECRET}", f"http://{SECRET}@127.0.0.1/"):
        with pytest.raises(FetchFailed) as failure:
            guest.get(url)
        error: BaseException | None = failure.value
        while error is not None:
            assert SECRET not in f"{error} {error!r}"
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    assert SECRET not in caplog.text


@pytest.mark.parametrize("headers", [{"app_key": f"{SECRET}\n"}, {"a b": "x"}, {"Host": "x"}, {"User-Agent": "Mozilla"},
                                     {"X": "é"}, {"X": ""}])  # fmt: skip
def test_a_header_that_cannot_be_sent_is_said_at_the_start_without_its_value(
    guest_with: MakeGuest, headers: dict[str, str]
) -> None:
    with pytest.raises(ConfigError) as failure:
        guest_with(headers)
    assert SECRET not in str(failure.value)


def test_what_is_posted_is_sent_once(guest_with: MakeGuest, server: Server) -> None:
    guest = guest_with({"Authorization": f"Bearer {SECRET}"})
    server.replies["/hook"] = Reply(202, body=b"thanks")
    answer = guest.post(f"{server.url}/hook", b'{"lost": 3}', headers={"Content-Type": "application/json"})
    assert answer.content == b"thanks"
    asked = server.asked[0]
    assert (asked.method, asked.body, asked.headers["content-type"]) == ("POST", b'{"lost": 3}', "application/json")
    for path, reply in {
        "/down": Reply(503),
        "/moved": Reply(308, {"Location": "/hook"}),
        "/cut": Reply(raw=b""),
    }.items():
        server.replies[path] = reply
        before = len(server.asked)
        with pytest.raises(Failure):
            guest.post(f"{server.url}{path}", b"{}")
        assert len(server.asked) == before + 1


def test_the_budget_is_waited_for_and_not_counted_against_the_deadline(
    guest_with: MakeGuest, server: Server, clock: ManualClock
) -> None:
    guest = guest_with(requests_per_minute=2, concurrency=1, deadline_s=5)
    began = clock.now()
    for _ in range(5):
        assert guest.get(f"{server.url}/") is not None
    assert clock.now() - began >= timedelta(minutes=2)


def test_closing_lets_go_of_whoever_waits(guest_with: MakeGuest, server: Server) -> None:
    hold = threading.Event()

    def keep_waiting(connection: socket.socket) -> None:
        hold.wait(2)

    server.replies["/slow"] = Reply(script=keep_waiting)
    busy, closing = guest_with(concurrency=1, attempts=1), guest_with(concurrency=1)
    failures: list[str] = []

    def ask(guest: Guest, path: str) -> None:
        try:
            guest.get(f"{server.url}{path}")
        except FetchFailed as failure:
            failures.append(failure.message)

    first = threading.Thread(target=ask, args=(busy, "/slow"))
    first.start()
    while not server.asked:
        time.sleep(0.001)
    second = threading.Thread(target=ask, args=(closing, "/"))
    second.start()
    time.sleep(0.01)
    closing.close()
    second.join(2)
    assert failures == [f"{host_entry(server.url)} is not asked: its source was closed"]
    hold.set()
    first.join(2)
    with pytest.raises(FetchFailed, match="was closed"):
        closing.get(f"{server.url}/")


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
