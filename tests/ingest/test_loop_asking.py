"""The feeds of loops with the real guest, against a publisher on loopback: unchanged, not there yet, not JSON."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network

import pytest
from hand_clock import HandClock
from loop_doubles import taken

from ingest.feed import FetchFailed
from ingest.fetch.guest import Budgets, Guest, GuestConfig
from ingest.fetch.json_answer import ask_json, members
from ingest.loops.lido_tiku import LidoTiku, LidoTikuConfig
from ingest.loops.poller import FeedTurn
from ingest.loops.tfl_scoot import TflScoot, TflScootConfig

NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)
ROW = "2026-01-14 11:5{}:00, N00/002e1, N, 600, 12, 0, 40, 10, 7, 0, 24, CENT\n"


class Site:
    """Files by path; answers 304 where they have not changed, and counts what it answers."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[bytes, datetime]] = {}
        self.answers: Counter[int] = Counter()
        self.host = ""


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body, modified = site.files.get(self.path.partition("?")[0], (b"", None))
            since = self.headers.get("If-Modified-Since")
            if modified is None:
                status = 404
            elif since is not None and parsedate_to_datetime(since) >= modified:
                status = 304
            else:
                status = 200
            site.answers[status] += 1
            self.send_response(status)
            if modified is not None:
                self.send_header("Last-Modified", format_datetime(modified, usegmt=True))
            if status != 304:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if status == 200:
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    site.host = f"127.0.0.1:{server.server_port}"
    yield site
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def clock() -> HandClock:
    return HandClock(NOON)


@pytest.fixture
def guest(site: Site, clock: HandClock) -> Iterator[Guest]:
    config = GuestConfig(hosts=(site.host,), private_networks=(ip_network("127.0.0.1/32"),), requests_per_minute=6000)
    guest = Guest(config, Budgets(clock), clock)
    yield guest
    guest.close()


def test_minute_files_are_had_once_and_what_is_not_there_yet_is_no_failure(
    site: Site, guest: Guest, clock: HandClock
) -> None:
    url = f"http://{site.host}/{{year}}{{month}}{{day}}-{{hour}}{{minute}}.csv"
    feed = TflScoot(TflScootConfig(url=url, look_back_min=9), guest, clock)
    assert taken(feed) == ()  # nothing is there, and the host answers
    assert feed.left_out == ()
    for minute in range(4, 9):
        written = datetime(2026, 1, 14, 11, 51 + minute, tzinfo=UTC)
        site.files[f"/20260114-115{minute}.csv"] = (ROW.format(minute).encode(), written)
    clock.time += timedelta(minutes=1)
    assert [reading.start.minute for reading in taken(feed)] == [54, 55, 56, 57, 58]
    clock.time += timedelta(minutes=2)
    assert taken(feed) == ()
    assert site.answers[304] > 0


def test_an_answer_that_is_not_json_is_a_failure_of_the_publisher(site: Site, guest: Guest) -> None:
    site.files["/x"] = (b"<html>", NOON)
    with pytest.raises(FetchFailed, match="not JSON"):
        ask_json(guest, f"http://{site.host}/x")
    site.files["/y"] = (b'{"a": [{"b": 1}, 2]}', NOON)
    assert members(ask_json(guest, f"http://{site.host}/y"), "a") == [{"b": 1}]


def test_no_message_holds_the_query_of_an_address(site: Site, guest: Guest, caplog: pytest.LogCaptureFixture) -> None:
    """A presigned address is a key: what is left out, what failed and what is logged shows the rest of it alone."""
    url = f"http://{site.host}/{{year}}{{month}}{{day}}.csv?key=CANARY"
    clock = HandClock(NOON)
    feed = TflScoot(TflScootConfig(url=url, look_back_min=9), guest, clock)
    site.files["/20260114.csv"] = ((ROW.format(4) + "no, row\n").encode(), NOON)
    assert len(FeedTurn(feed, clock).ask()) == 1
    clock.time += timedelta(hours=1)
    site.files["/20260114.csv"] = (b"\xff", NOON + timedelta(minutes=1))
    feed.readings()
    told = [*map(str, feed.left_out), caplog.text]
    assert feed.left_out
    for path, content in (("/page", b"<html>"), ("/bomb", b"[" * 100_000)):
        site.files[path] = (content, NOON)
        with pytest.raises(FetchFailed) as failure:
            ask_json(guest, f"http://{site.host}{path}?key=CANARY")
        told += [str(failure.value), failure.value.remedy]
    with pytest.raises(FetchFailed) as failure:
        ask_json(guest, f"http://{site.host}/none?key=CANARY")
    told.append(str(failure.value))
    lido = LidoTiku(LidoTikuConfig(url=f"http://{site.host}/api?key=CANARY"), guest, HandClock(NOON))
    with pytest.raises(FetchFailed) as failure:
        lido.readings()
    told.append(str(failure.value))
    assert not [text for text in told if "CANARY" in text]
    assert sum(site.host in text for text in told) == len(told) - 2  # the others are remedies
