"""One visit to an RTSP server: asks what the stream is, has it sent over the same connection, and leaves.

RTSP 1.0 (RFC 2326) with everything interleaved on one TCP connection: no port of ours is opened, and no other address
is ever connected to.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from core.records import Status
from ingest.feed import FetchFailed
from ingest.fetch.retry import LONGEST_RETRY_AFTER_S
from ingest.stream.rtsp_auth import Challenge, Credentials, authorization, challenges
from ingest.stream.rtsp_sdp import UnreadableStream, VideoTrack, read_description
from ingest.stream.rtsp_wire import Interleaved, Reply, ServerRequest, Wire

_MAX_BETWEEN = 10_000
"""Packets that may come before a reply that is waited for."""

_STATUS_OF = {404: Status.WITHDRAWN, 410: Status.WITHDRAWN}
_SESSION_TIMEOUT_S = 60.0  # RFC 2326, 12.37


class RtspVisit:
    """The requests of one connection, in the order DESCRIBE, SETUP, PLAY; leaving the `with` block tears down.

    Every method raises `FetchFailed`. Credentials are sent to nobody who does not ask for them.
    """

    def __init__(self, wire: Wire, url: str, host: str, agent: str, credentials: Credentials | None) -> None:
        self._wire = wire
        self._url = url
        self._host = host
        self._agent = agent
        self._credentials = credentials
        self._challenge: Challenge | None = None
        self._answers_to_challenge = 0
        self._number = 0
        self._session: str | None = None
        self._session_timeout_s = _SESSION_TIMEOUT_S
        self._playing: str | None = None
        self._early: deque[Interleaved] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say goodbye, without waiting for an answer: the connection ends anyway."""
        if self._session is not None:
            with contextlib.suppress(FetchFailed):
                self._send("TEARDOWN", self._playing or self._url, {})
        self._wire.close()

    def describe(self) -> VideoTrack:
        """The video track of the stream."""
        self._exchange("OPTIONS", self._url, {})  # every client begins so; what the answer is changes nothing
        reply = self._ask("DESCRIBE", self._url, {"Accept": "application/sdp"})
        base = reply.header("content-base") or reply.header("content-location") or self._url
        try:
            return read_description(reply.body.decode("utf-8", "replace"), base)
        except UnreadableStream as error:
            raise FetchFailed(f"{self._host} {error}", remedy="Name a stream that sends H.264 or H.265") from error

    def set_up(self, track: VideoTrack) -> int:
        """Have the track sent on this connection; returns the channel of its packets. The next one has its reports."""
        reply = self._ask("SETUP", track.address, {"Transport": "RTP/AVP/TCP;unicast;interleaved=0-1"})
        session, *options = (reply.header("session") or "").split(";")
        if not session.strip():
            raise self._refused("SETUP", "opens no session")
        self._session = session.strip()
        for option in options:
            name, _, value = option.partition("=")
            if name.strip().lower() == "timeout" and value.strip().isdecimal():
                self._session_timeout_s = max(2.0, float(value[:6]))
        return self._channel(reply.header("transport") or "")

    def play(self, track: VideoTrack) -> Reply:
        """Have the stream begin."""
        self._playing = track.stream
        return self._ask("PLAY", track.stream, {"Range": "npt=0.000-"})

    def packets(self) -> Iterator[Interleaved]:
        """What is sent, without end, while the session is kept alive."""
        alive = time.monotonic()
        while self._early:
            yield self._early.popleft()
        while True:
            received = self._receive()
            if isinstance(received, Interleaved):
                yield received
            if time.monotonic() - alive > self._session_timeout_s / 2:
                alive = time.monotonic()
                self._send("OPTIONS", self._playing or self._url, {})

    def _channel(self, transport: str) -> int:
        fields = dict(part.strip().partition("=")[::2] for part in transport.split(",", maxsplit=1)[0].split(";"))
        if not transport.upper().startswith("RTP/AVP/TCP"):
            raise self._refused("SETUP", "does not send over the connection itself (RTP/AVP/TCP)")
        channel = fields.get("interleaved", "0").partition("-")[0]
        if not re.fullmatch(r"\d{1,3}", channel, re.ASCII) or int(channel) >= 255:
            raise self._refused("SETUP", f"names the channel {channel[:20]!r}, which is none")
        return int(channel)

    def _ask(self, method: str, url: str, headers: dict[str, str]) -> Reply:
        """Send a request and wait for its reply, with credentials where they are asked for."""
        reply = self._exchange(method, url, headers)
        for _ in range(2):  # who we are, and once again where the server's nonce has aged
            if reply.status != 401 or not self._take_up(reply):
                break
            reply = self._exchange(method, url, headers)
        if reply.status != 200:
            raise self._failed(method, reply)
        return reply

    def _exchange(self, method: str, url: str, headers: dict[str, str]) -> Reply:
        number = self._send(method, url, headers)
        while True:
            received = self._receive()
            if isinstance(received, Interleaved):
                self._early.append(received)
                if len(self._early) > _MAX_BETWEEN:
                    raise self._refused(method, "is not answered")
            elif isinstance(received, Reply) and received.header("cseq") in (str(number), None):
                return received

    def _receive(self) -> Reply | Interleaved | None:
        """None for a request of the server's, which is left unanswered: it may ask whether we are there."""
        received = self._wire.receive()
        if not isinstance(received, ServerRequest):
            return received
        if received.method == "REDIRECT":
            raise self._refused("REDIRECT", "asks us to go elsewhere, which is not followed")
        return None

    def _send(self, method: str, url: str, headers: dict[str, str]) -> int:
        self._number += 1
        fields = {"CSeq": str(self._number), "User-Agent": self._agent, **headers}
        if self._session is not None:
            fields["Session"] = self._session
        if self._challenge is not None and self._credentials is not None:
            self._answers_to_challenge += 1
            fields["Authorization"] = authorization(
                self._challenge, self._credentials, method, url, self._answers_to_challenge
            )
        lines = [f"{method} {url} RTSP/1.0", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
        self._wire.send("\r\n".join(lines).encode())
        return self._number

    def _take_up(self, reply: Reply) -> bool:
        """Whether there is a point in answering the server's challenge: a first one, or one in place of an aged one."""
        if self._credentials is None:
            return False
        offered = challenges(reply.headers.get("www-authenticate", ()))
        if not self._credentials.in_clear:
            offered = [challenge for challenge in offered if challenge.algorithm is not None]
        if not offered or (self._challenge is not None and not offered[0].stale):
            return False
        self._challenge = offered[0]
        self._answers_to_challenge = 0
        return True

    def _failed(self, method: str, reply: Reply) -> FetchFailed:
        answer = f"answers {method} with {reply.status} {reply.phrase}".rstrip()
        retry_after = reply.header("retry-after")
        if reply.status in (401, 403):
            remedy = "Set login with user and password_env"
            if self._challenge is not None:
                answer += ": the user and password are not accepted"
                remedy = "Look whether they are right"
            elif self._credentials is not None:
                answer += ": it takes no Digest (MD5, SHA-256)"
                remedy = "Have it take one or, where nobody can listen on the way, set in_clear under login for Basic"
        elif 300 <= reply.status < 400:
            answer += ": it asks us to go elsewhere, which is not followed"
            remedy = "Set url to where the stream is"
        else:
            remedy = "Look whether the camera's stream plays elsewhere"
        return FetchFailed(
            f"{self._host} {answer}",
            status=_STATUS_OF.get(reply.status, Status.UNREACHABLE),
            retry_after_s=_seconds(retry_after),
            remedy=remedy,
        )

    def _refused(self, subject: str, what: str) -> FetchFailed:
        return FetchFailed(f"{self._host}: {subject} {what}", remedy="Look whether the camera's stream plays elsewhere")


def _seconds(retry_after: str | None) -> float | None:
    """Of a `Retry-After`; a date, which RTSP allows too, no stream server was seen to send."""
    if retry_after is None or not (retry_after.isascii() and retry_after.isdecimal()):
        return None
    return min(float(retry_after), LONGEST_RETRY_AFTER_S)
