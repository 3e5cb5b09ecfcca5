"""A guest against publishers that are slow, refuse, send on or break: how it fails, waits and comes back."""

from __future__ import annotations

import gzip
import logging
import socket
import struct
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from fetch_guests import MakeGuest, failure_of
from fetch_servers import ManualClock, Reply, Server

from core.errors import ConfigError
from core.records import Status
from ingest.feed import FetchFailed, Version
from ingest.fetch.breaker import FAILURES_IN_A_ROW
from ingest.fetch.guest import Failure, Guest, Outcome, RequestOutcome, host_entry

SECRET = "hunter2"


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
