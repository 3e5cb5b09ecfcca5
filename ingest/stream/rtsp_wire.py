"""What goes over an RTSP connection: messages, and between them the packets of the stream (RFC 2326, 10.12).

Everything has a bound: a header, a body, the bytes of the whole connection, the wait for the next ones, and the time
that the whole may take. Whatever is not RTSP ends the connection.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.records import Status
from ingest.feed import FetchFailed

MAX_HEAD_BYTES = 16 * 1024
MAX_BODY_BYTES = 64 * 1024

_PACKET_MARK = ord("$")
_END_OF_HEAD = b"\r\n\r\n"
_READ_BYTES = 64 * 1024


@dataclass(frozen=True)
class Reply:
    """A server's answer. Names of headers are in lower case; one may stand more than once."""

    status: int
    phrase: str
    headers: Mapping[str, Sequence[str]]
    body: bytes = field(repr=False)

    def header(self, name: str) -> str | None:
        """The first header of this name."""
        return next(iter(self.headers.get(name, ())), None)


@dataclass(frozen=True)
class ServerRequest:
    """What a server asks of us, between its packets."""

    method: str


@dataclass(frozen=True, repr=False)
class Interleaved:
    """An RTP or RTCP packet of the stream; the channel says of which track."""

    channel: int
    content: bytes


class Wire:
    """One connection. `host` names it in messages.

    Every method raises `FetchFailed`: unreachable where the connection ends, is silent or is not RTSP; oversize
    where more than `max_bytes` came.
    """

    def __init__(self, connection: socket.socket, host: str, *, read_timeout_s: float, max_bytes: int) -> None:
        self._connection = connection
        self._host = host
        self._read_timeout_s = read_timeout_s
        self._max_bytes = max_bytes
        self._deadline = time.monotonic() + read_timeout_s
        self._received = bytearray()
        self._total = 0

    def allow(self, seconds: float) -> None:
        """From now on, and all together, what follows may take so long."""
        self._deadline = time.monotonic() + seconds

    def send(self, message: bytes) -> None:
        """Send a whole message."""
        try:
            self._connection.settimeout(self._patience())
            self._connection.sendall(message)
        except OSError as error:
            raise self._failed(f"ended the connection ({_why(error)})") from error

    def receive(self) -> Reply | ServerRequest | Interleaved:
        """The next message or packet."""
        self._fill(1)
        if self._received[0] == _PACKET_MARK:
            self._fill(4)
            length = int.from_bytes(self._received[2:4], "big")
            self._fill(4 + length)
            packet = self._take(4 + length)
            return Interleaved(packet[1], packet[4:])
        return self._message()

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def _message(self) -> Reply | ServerRequest:
        head = self._head()
        first, *lines = head.replace("\t", " ").split("\r\n")
        if not all(map(str.isprintable, (first, *lines))):  # parts of it go into our own requests
            raise self._failed("does not speak RTSP")
        words = first.split(" ", 2)
        headers: dict[str, list[str]] = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers.setdefault(name.strip().lower(), []).append(value.strip())
        body = self._body(headers.get("content-length", ["0"])[0])
        if words[0].startswith("RTSP/") and len(words) > 1 and len(words[1]) == 3 and words[1].isdecimal():
            return Reply(int(words[1]), words[2][:100] if len(words) > 2 else "", headers, body)
        if words[-1].startswith("RTSP/"):
            return ServerRequest(words[0][:40])
        raise self._failed("does not speak RTSP")

    def _head(self) -> str:
        while (end := self._received.find(_END_OF_HEAD)) < 0:
            if not self._received[:1].isalpha():
                raise self._failed("does not speak RTSP")
            if len(self._received) > MAX_HEAD_BYTES:
                raise self._failed(f"sends a header of more than {MAX_HEAD_BYTES} bytes")
            self._fill(len(self._received) + 1)
        if end > MAX_HEAD_BYTES:
            raise self._failed(f"sends a header of more than {MAX_HEAD_BYTES} bytes")
        return self._take(end + len(_END_OF_HEAD))[:end].decode("utf-8", "replace")

    def _body(self, length: str) -> bytes:
        if not (length.isascii() and length.isdecimal()) or len(length) > 9 or int(length) > MAX_BODY_BYTES:
            raise self._failed(f"announces a body of {length[:20]!r} bytes, over the limit of {MAX_BODY_BYTES}")
        self._fill(int(length))
        return self._take(int(length))

    def _take(self, length: int) -> bytes:
        taken = bytes(self._received[:length])
        del self._received[:length]
        return taken

    def _fill(self, length: int) -> None:
        """Wait until at least `length` bytes are there."""
        while len(self._received) < length:
            try:
                self._connection.settimeout(self._patience())
                read = self._connection.recv(_READ_BYTES)
            except TimeoutError as error:
                late = time.monotonic() >= self._deadline
                raise self._failed("takes too long" if late else "is silent") from error
            except OSError as error:
                raise self._failed(f"ended the connection ({_why(error)})") from error
            if not read:
                raise self._failed("ended the connection")
            self._received += read
            self._total += len(read)
            if self._total > self._max_bytes:
                raise FetchFailed(
                    f"{self._host} sent more than max_bytes = {self._max_bytes:,}",
                    status=Status.OVERSIZE,
                    remedy="Name a smaller stream of the camera, or raise max_bytes",
                )

    def _patience(self) -> float:
        """How long to wait for the next bytes, in seconds."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise self._failed("takes too long")
        return min(left, self._read_timeout_s)

    def _failed(self, what: str) -> FetchFailed:
        return FetchFailed(f"{self._host} {what}", remedy="Look whether the camera's stream plays elsewhere")


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__
