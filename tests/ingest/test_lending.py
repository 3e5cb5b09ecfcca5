"""Clips are lent within the cluster: by their hash, to whoever has the secret; nothing else is served to anybody."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hand_clock import HandClock
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from core.clock import SystemClock
from core.errors import ConfigError
from core.records import ClipReady, Status
from ingest.borrowing import Borrower
from ingest.lending.config import LendingConfig
from ingest.lending.loans import Loans
from ingest.lending.server import Lender
from ingest.source import UnusableClip

NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)
SECRET = "a-secret-of-this-cluster"
MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUSYNESS_LEND_TOKEN", SECRET)


def config(**changed: object) -> LendingConfig:
    return LendingConfig(port=0, **changed)


def clip_of(content: bytes, camera: str = "a", seconds: float = 0) -> ClipReady:
    name = hashlib.sha256(content).hexdigest()[:32]
    event_time = NOON + timedelta(seconds=seconds)
    return ClipReady(camera=camera, event_time=event_time, location="https://double/a", content=name)


@pytest.fixture
def loans() -> Loans:
    return Loans(4, 600.0, SystemClock())


@pytest.fixture
def lender(loans: Loans) -> Iterator[Lender]:
    with Lender(config(), loans) as lender:
        yield lender


@pytest.fixture
def borrower() -> Iterator[Borrower]:
    borrower = Borrower(config(borrow_timeout_s=2.0), MIB)
    yield borrower
    borrower.close()


def lent(lender: Lender, loans: Loans, content: bytes) -> ClipReady:
    clip = clip_of(content)
    loans.lend(clip, content)
    return clip.model_copy(update={"location": lender.location(clip.content or "")})


def test_a_clip_is_borrowed_and_can_be_again(lender: Lender, loans: Loans, borrower: Borrower) -> None:
    """A worker that dies with a clip in hand has a successor."""
    content = bytes(range(256)) * 1000
    clip = lent(lender, loans, content)
    assert borrower.lent(clip)
    assert not borrower.lent(clip.model_copy(update={"location": "/clips/a.mp4"}))
    assert [borrower.read(clip) for _ in range(3)] == [content] * 3
    assert (loans.waiting, loans.bytes) == (0, len(content))


def test_many_borrow_at_once(lender: Lender, loans: Loans, borrower: Borrower) -> None:
    clips = {bytes([number]) * 50_000: None for number in range(24)}
    got: dict[bytes, bytes] = {}

    def borrow(content: bytes, clip: ClipReady) -> None:
        got[content] = borrower.read(clip)

    threads = [threading.Thread(target=borrow, args=(content, lent(lender, loans, content))) for content in clips]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == {content: content for content in clips}


NOT_SERVED = (
    "/", "/clips/", "/clips", "/clips/../etc/passwd", "/clips/..%2f..%2fetc%2fpasswd", "/../../../../etc/passwd",
    "/clips/{name}/", "/clips/{name}?x=1", "/clips/{name}#x", "/clips/{upper}", "/clips/{short}",
    "/clips/{name}0", "/clips/%2e%2e/{name}", "/clips/./{name}", "/CLIPS/{name}", "/healthz", "/metrics",
    "/clips/{name}%00", "/clips/file:///etc/passwd", "http://{host}/clips/{name}x",
)  # fmt: skip


def asked(lender: Lender, request: bytes) -> tuple[int, bytes]:
    """The status and the whole body of an answer to a request as it is written, byte by byte."""
    host, port = lender.address.removeprefix("http://").rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


@pytest.mark.parametrize("path", NOT_SERVED)
def test_nothing_else_is_served(path: str, lender: Lender, loans: Loans) -> None:
    """Also to one who has the secret: there are no files here, only what is lent."""
    clip = lent(lender, loans, b"the bytes of a clip")
    name = clip.content or ""
    line = path.format(name=name, upper=name.upper(), short=name[:-1], host=lender.address.removeprefix("http://"))
    head = f"GET {line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\n\r\n"
    status, body = asked(lender, head.encode())
    assert status in (400, 404)
    assert b"bytes of a clip" not in body
    assert b"root:" not in body
    assert loans.waiting == 1


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=60))
def test_no_made_up_name_is_found(path: str) -> None:
    from ingest.lending.server import ONE_CLIP

    asked = ONE_CLIP.fullmatch(f"/clips/{path}")
    assert (asked is not None) == (len(path) == 32 and set(path) <= set("0123456789abcdef"))


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get", "BREW"])
def test_there_is_no_other_method(method: str, lender: Lender, loans: Loans) -> None:
    clip = lent(lender, loans, b"the bytes of a clip")
    head = f"{method} /clips/{clip.content} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\n\r\n"
    status, body = asked(lender, head.encode())
    assert status in (400, 501)
    assert b"the bytes" not in body


@pytest.mark.parametrize(
    "said", ["", "Authorization: Bearer wrong\r\n", f"Authorization: {SECRET}\r\n", f"Cookie: {SECRET}\r\n",
             f"Authorization: Bearer {SECRET}x\r\n", "Authorization: Bearer \r\n", "Authorization: Bearer \xe9\r\n"]
)  # fmt: skip
def test_only_who_has_the_secret_borrows(said: str, lender: Lender, loans: Loans) -> None:
    """And who has not, does not learn what is lent either."""
    clip = lent(lender, loans, b"the bytes of a clip")
    for name in (clip.content, "0" * 32):
        status, body = asked(lender, f"GET /clips/{name} HTTP/1.1\r\nHost: x\r\n{said}\r\n".encode("latin-1"))
        assert (status, body) == (401, b"clips are lent to this cluster's workers alone")
    assert loans.waiting == 1


def test_the_answer_tells_nothing_of_who_answers(lender: Lender) -> None:
    answer = httpx.get(f"{lender.address}/clips/{'0' * 32}", headers={"Authorization": f"Bearer {SECRET}"})
    assert answer.status_code == 410
    assert answer.headers["server"].strip() == "busyness"
    assert answer.headers["cache-control"] == "no-store"


def test_who_says_nothing_holds_nobody_up(lender: Lender, loans: Loans, borrower: Borrower) -> None:
    clip = lent(lender, loans, b"content")
    host, port = lender.address.removeprefix("http://").rsplit(":", 1)
    silent = [socket.create_connection((host, int(port))) for _ in range(8)]
    assert borrower.read(clip) == b"content"
    for connection in silent:
        connection.close()


def refusal(borrower: Borrower, clip: ClipReady) -> UnusableClip:
    with pytest.raises(UnusableClip) as caught:
        borrower.read(clip)
    return caught.value


def test_other_bytes_than_those_named_are_not_taken(lender: Lender, loans: Loans, borrower: Borrower) -> None:
    clip = lent(lender, loans, b"content")
    loans._loans[clip.content or ""].content = b"other bytes"
    refused = refusal(borrower, clip)
    assert refused.status is Status.SKIPPED
    assert "other bytes" in refused.message


def test_what_is_gone_or_has_no_lender_any_more_is_skipped(lender: Lender, loans: Loans, borrower: Borrower) -> None:
    """The trouble is ours, and the same clip may come again: it is not the camera that is unreachable."""
    clip = clip_of(b"never lent")
    gone = clip.model_copy(update={"location": lender.location(clip.content or "")})
    assert refusal(borrower, gone).status is Status.SKIPPED
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/clips/{clip.content}"
    refused = refusal(borrower, clip.model_copy(update={"location": nobody}))
    assert refused.status is Status.SKIPPED
    assert "does not answer" in refused.message


def test_another_secret_is_named(lender: Lender, loans: Loans, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = lent(lender, loans, b"content")
    monkeypatch.setenv("BUSYNESS_LEND_TOKEN", "another-secret-than-the-lenders")
    stranger = Borrower(config(), MIB)
    assert "give all workers the same" in refusal(stranger, clip).message
    stranger.close()


def test_a_clip_over_the_limit_is_not_held(lender: Lender, loans: Loans, borrower: Borrower) -> None:
    assert refusal(borrower, lent(lender, loans, b"x" * (MIB + 1))).status is Status.OVERSIZE


NOT_OURS = (
    "http://169.254.169.254/clips/{name}", "http://evil.example.org/clips/{name}", "https://127.0.0.1/clips/{name}",
    "http://127.0.0.1/clips/../{name}", "http://127.0.0.1/clips/{name}?x", "http://127.0.0.1/latest/{name}",
    "http://127.0.0.1@evil.example.org/clips/{name}", "http://127.0.0.1.evil.org/clips/{name}", "file:///clips/{name}",
    "http://[::1]/clips/{name}", "http://127.0.0.1:99999/clips/{name}", "http://0x7f.1/clips/{name}",
    "http://127.0.0.2/clips/{name}", "/clips/{name}", "http:///clips/{name}", "http://2130706433/clips/{name}",
    "http://localhost./clips/{name}x", "ftp://localhost/clips/{name}", "http://notlocalhost/clips/{name}",
)  # fmt: skip


@pytest.mark.parametrize("location", NOT_OURS)
def test_an_address_that_is_no_lenders_is_not_asked(
    location: str, borrower: Borrower, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands on the bus may be anybody's word: the secret goes to our own lenders alone."""
    monkeypatch.setattr(borrower, "_ask", lambda *_: pytest.fail("it was asked"))
    clip = clip_of(b"content")
    clip = clip.model_copy(update={"location": location.format(name=clip.content)})
    refused = refusal(borrower, clip)
    assert refused.status is Status.UNREACHABLE
    assert "ingest.lend.lenders" in refused.remedy


def test_lenders_have_one_port_and_are_told_by_name_address_or_network() -> None:
    lenders = config(lenders=("10.2.0.0/16", "*.ingest.city", "lender", "fd00::/8"))
    for host in ("10.2.3.4", "a.ingest.city", "LENDER", "lender.", "fd00::7"):
        assert lenders.may_borrow_from(host), host
    for host in ("10.3.0.1", "ingest.city", "aingest.city", "lender.evil", "fe80::1", "", "10.2.3.4.evil"):
        assert not lenders.may_borrow_from(host), host
    fixed = Borrower(LendingConfig(port=8322), MIB)
    clip = clip_of(b"content")
    other_port = clip.model_copy(update={"location": f"http://127.0.0.1:22/clips/{clip.content}"})
    assert refusal(fixed, other_port).status is Status.UNREACHABLE
    fixed.close()


@pytest.mark.parametrize("entry", ["", "*", "*.", "a b", "10.0.0.0/33", "http://lender", "lender:80", "-a"])
def test_a_lender_that_is_none_is_refused(entry: str) -> None:
    with pytest.raises(ValidationError, match="lenders"):
        config(lenders=(entry,))


@pytest.mark.parametrize("token", ["", "short", "with a space in it, alas", "with-é-in-it-and-long-enough"])
def test_without_a_good_secret_nothing_begins(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUSYNESS_LEND_TOKEN", token)
    with pytest.raises(ConfigError, match="BUSYNESS_LEND_TOKEN"):
        Borrower(config(), MIB)
    with pytest.raises(ConfigError, match="openssl rand"):
        Lender(config(), Loans(1, 60.0, SystemClock()))


def test_a_port_that_is_in_use_is_said(lender: Lender, loans: Loans) -> None:
    with pytest.raises(ConfigError, match=r"ingest\.lend\.host"):
        Lender(LendingConfig(port=int(lender.address.rsplit(":", 1)[1])), loans)


def test_a_pod_is_reached_by_its_own_address(monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere = config(host="0.0.0.0")
    assert everywhere.reached_as() == socket.gethostname().lower()
    monkeypatch.setenv("BUSYNESS_LEND_HOST", "10.2.0.7")
    assert everywhere.reached_as() == "10.2.0.7"
    monkeypatch.setenv("BUSYNESS_LEND_HOST", "fd00::7")
    assert everywhere.reached_as() == "[fd00::7]"


# What is held, and for how long


def small(clock: HandClock) -> Loans:
    """Of four bytes, half of which may wait."""
    loans = Loans(1, 600.0, clock)
    loans._most_bytes = 4
    return loans


def test_what_nobody_has_fetched_is_never_let_go_for_want_of_room() -> None:
    clock = HandClock(NOON)
    loans = small(clock)
    contents = [b"a", b"b", b"c"]
    assert loans.room
    loans.lend(clip_of(b"a"), b"a")
    assert loans.room
    loans.lend(clip_of(b"b"), b"b")
    assert not loans.room, "back-pressure"
    loans.lend(clip_of(b"c"), b"c")  # whoever lends all the same
    assert [loans.ask(clip_of(content).content or "") for content in contents] == contents
    assert loans.room
    for number in range(4):
        loans.lend(clip_of(b"%d" % number), b"%d" % number)
        loans.ask(clip_of(b"%d" % number).content or "")
    assert loans.bytes <= 5
    assert [loans.ask(clip_of(content).content or "") for content in contents] == [None] * 3, "the oldest go first"


def test_a_clip_larger_than_all_room_can_be_lent_alone() -> None:
    loans = small(HandClock(NOON))
    loans.lend(clip_of(b"larger than that"), b"larger than that")
    assert not loans.room
    assert loans.ask(clip_of(b"larger than that").content or "") == b"larger than that"
    assert loans.room


def test_after_a_while_it_is_gone_and_said() -> None:
    clock, expired = HandClock(NOON), []
    loans = Loans(1, 600.0, clock, on_expired=expired.append)
    one, other = clip_of(b"one"), clip_of(b"other")
    loans.lend(one, b"one")
    loans.lend(other, b"other")
    assert loans.ask(one.content or "") == b"one"
    assert loans.reached() == [one]
    clock.sleep(599)
    assert loans.ask(one.content or "") == b"one", "asked for again, it is kept again"
    clock.sleep(2)
    assert loans.ask(other.content or "") is None
    assert loans.reached() == [other], "nothing more can be done for it"
    assert expired == [1]
    clock.sleep(600)
    assert (loans.ask(one.content or ""), loans.bytes, loans.waiting) == (None, 0, 0)
    assert expired == [1]


def test_one_content_may_be_the_clip_of_many_cameras() -> None:
    """A publisher's card for cameras that are off. Its bytes are held once, and what is withdrawn is not waited for."""
    loans = Loans(1, 600.0, HandClock(NOON))
    clips = [clip_of(b"card", camera) for camera in "abc"]
    for clip in clips:
        loans.lend(clip, b"card")
    assert (loans.waiting, loans.bytes) == (3, 4)
    loans.withdraw(clips[0])
    loans.withdraw(clips[0])
    assert loans.waiting == 2
    assert loans.ask(clips[1].content or "") == b"card"
    assert loans.reached() == clips[1:]


@given(st.lists(st.tuples(st.sampled_from("lawt"), st.integers(0, 5), st.integers(1, 900)), max_size=60))
def test_the_books_are_right_whatever_happens(acts: list[tuple[str, int, int]]) -> None:
    """Every clip that was lent is reached, withdrawn or waiting, and the bytes are those that are held."""
    clock = HandClock(NOON)
    loans = small(clock)
    open_: set[ClipReady] = set()
    for number, (act, which, seconds) in enumerate(acts):
        content = b"x" * which + b"%d" % which
        if act == "l":
            clip = clip_of(content, seconds=number)
            loans.lend(clip, content)
            open_.add(clip)
        elif act == "a":
            loans.ask(clip_of(content).content or "")
        elif act == "w" and open_:
            gone = min(open_, key=lambda clip: clip.event_time)
            loans.withdraw(gone)
            open_.discard(gone)
        else:
            clock.sleep(seconds)
        open_.difference_update(loans.reached())
        assert loans.waiting == len(open_)
        assert loans.bytes == sum(len(loan.content) for loan in loans._loans.values())
        assert loans._waiting_bytes == sum(len(loan.content) for loan in loans._loans.values() if loan.waits)
