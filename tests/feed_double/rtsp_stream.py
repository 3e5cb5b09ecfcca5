"""An RTSP server on loopback that streams recorded or hand-written pictures, as cameras do, and fails as they do.

It says who may watch with its own few lines of Digest, not with those of the adapter.
"""

from __future__ import annotations

import base64
import hashlib
import re
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from feed_double.mp4_clip import Picture

PAYLOAD_BYTES = 1400
PAYLOAD_TYPE = 96
SOURCE = 0x0DD1E5
NONCE = "5e72a1c9"


@dataclass(frozen=True)
class Stream:
    """What is streamed. `coding` is H264 or H265; pictures in decoding order, from `begin_at` on, again and again."""

    pictures: Sequence[Picture]
    parameter_sets: Sequence[bytes]
    coding: str = "H264"
    begin_at: int = 0
    first_timestamp: int = 0xFFFF_F000  # wraps soon
    first_sequence: int = 65_500  # as well
    sets_in_description: bool = True
    sets_in_stream: bool = False
    reported: datetime | None = None  # when the first picture was filmed


@dataclass(frozen=True)
class Trouble:
    """What goes wrong. Packets are numbered from 0 in the order in which they are sent."""

    lost: frozenset[int] = frozenset()
    hangs_up_at: int | None = None
    silent_at: int | None = None
    garbage_at: int | None = None
    truncated_at: int | None = None
    source_of: Callable[[int], int] = lambda _: SOURCE
    pace_s: float = 0.0  # between two packets
    ends: bool = False  # after its last picture, instead of beginning again
    answers: Mapping[str, bytes] = field(default_factory=dict)  # raw, by method
    chatter: bytes = b""  # sent before the reply to PLAY
    description: str | None = None
    every_byte_s: float = 0.0  # the reply to DESCRIBE comes byte by byte


@dataclass(frozen=True)
class Door:
    """Who may watch. `scheme` is Digest MD5, Digest SHA-256, or Basic."""

    user: str
    password: str
    scheme: str = "MD5"
    quality: bool = False
    nonces: Sequence[str] = (NONCE,)  # the next one after each use of the one before, which is then stale


class RtspDouble:
    """A server; `visits` are the methods of each connection so far, in order."""

    def __init__(self, stream: Stream, trouble: Trouble | None = None, door: Door | None = None) -> None:
        self.stream = stream
        self.trouble = trouble or Trouble()
        self.door = door
        self.visits: list[list[str]] = []
        self.heads: list[str] = []
        self.closing = threading.Event()
        double = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                _Visit(double, self.request).serve()

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler, bind_and_activate=True)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/street"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Visit:
    """One connection."""

    def __init__(self, double: RtspDouble, connection: object) -> None:
        self._double = double
        self._connection = connection
        self._methods: list[str] = []
        self._channel = 0
        double.visits.append(self._methods)
        self._nonces = list(double.door.nonces) if double.door else []

    def serve(self) -> None:
        received = b""
        try:
            while True:
                while b"\r\n\r\n" not in received:
                    read = self._connection.recv(4096)
                    if not read:
                        return
                    received += read
                head, _, received = received.partition(b"\r\n\r\n")
                if not self._answer(head.decode()):
                    return
        except OSError:  # the guest has left
            pass
        finally:
            self._connection.close()

    def _answer(self, head: str) -> bool:
        first, *lines = head.split("\r\n")
        method, url, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self._methods.append(method)
        self._double.heads.append(head)
        trouble = self._double.trouble
        if method in trouble.answers:
            self._connection.sendall(trouble.answers[method].replace(b"{cseq}", headers["cseq"].encode()))
            return True
        if method != "OPTIONS" and not self._let_in(method, headers):
            self._reply(headers, "401 Unauthorized", self._challenge())
            return True
        if method == "DESCRIBE":
            extra = f"Content-Base: {url}/\r\nContent-Type: application/sdp\r\n"
            self._reply(headers, "200 OK", extra, trouble.description or _description(self._double.stream))
        elif method == "SETUP":
            if url.endswith("track1"):
                self._channel = int(headers["transport"].partition("interleaved=")[2].partition("-")[0])
            self._reply(headers, "200 OK", f"Session: 4711;timeout=60\r\nTransport: {headers['transport']};ssrc=1\r\n")
        elif method == "PLAY":
            self._connection.sendall(trouble.chatter)
            self._reply(headers, "200 OK", "Session: 4711\r\n")
            return self._play()
        else:
            self._reply(headers, "200 OK", "Public: DESCRIBE, SETUP, PLAY, TEARDOWN\r\n")
        return method != "TEARDOWN"

    def _reply(self, headers: Mapping[str, str], status: str, extra: str, body: str = "") -> None:
        text = f"RTSP/1.0 {status}\r\nCSeq: {headers['cseq']}\r\n{extra}Content-Length: {len(body)}\r\n\r\n{body}"
        if self._double.trouble.every_byte_s and body:
            for letter in text:
                self._connection.sendall(letter.encode())
                if self._double.closing.wait(self._double.trouble.every_byte_s):
                    return
        else:
            self._connection.sendall(text.encode())

    def _challenge(self) -> str:
        door = self._double.door
        assert door is not None
        if door.scheme == "Basic":
            return 'WWW-Authenticate: Basic realm="cams"\r\n'
        quality = ', qop="auth"' if door.quality else ""
        stale = ", stale=TRUE" if self._nonces[0] != door.nonces[0] else ""
        return (
            f'WWW-Authenticate: Digest realm="the \\"cams\\"", nonce="{self._nonces[0]}", '
            f"algorithm={door.scheme}{quality}{stale}\r\nWWW-Authenticate: Negotiate\r\n"
        )

    def _let_in(self, method: str, headers: Mapping[str, str]) -> bool:
        door, said = self._double.door, headers.get("authorization", "")
        if door is None:
            return True
        if door.scheme == "Basic":
            return said == "Basic " + base64.b64encode(f"{door.user}:{door.password}".encode()).decode()
        fields = {
            name: quoted or bare for name, quoted, bare in re.findall(r'(\w+)=(?:"((?:\\.|[^"])*)"|([^,]+))', said)
        }
        if not fields:
            return False
        kind = "md5" if door.scheme == "MD5" else "sha256"
        nonce = self._nonces[0]
        middle = f"{nonce}:{fields['nc']}:{fields['cnonce']}:{fields['qop']}" if door.quality else nonce
        who = _digest(kind, f'{door.user}:the "cams":{door.password}')
        expected = _digest(kind, f"{who}:{middle}:" + _digest(kind, f"{method}:{fields['uri']}"))
        right = fields["response"] == expected and fields["username"] == door.user
        if right and len(self._nonces) > 1:
            self._nonces.pop(0)
        return right

    def _listen(self) -> bool:
        """Send nothing more; note what the guest says until it leaves."""
        self._connection.settimeout(20)
        while said := self._connection.recv(4096):
            self._methods += re.findall(r"^([A-Z]+) rtsp://", said.decode(), re.MULTILINE)
        return False

    def _play(self) -> bool:
        stream, trouble = self._double.stream, self._double.trouble
        if stream.reported is not None:
            self._connection.sendall(_interleaved(self._channel + 1, _sender_report(stream)))
        for number, packet in enumerate(_packets(stream, endless=not trouble.ends)):
            if self._double.closing.is_set() or number == trouble.hangs_up_at:
                return False
            if number == trouble.silent_at:
                return self._listen()
            if number == trouble.garbage_at:
                self._connection.sendall(b"\x00\x01 what is this")
            if number == trouble.truncated_at:
                self._connection.sendall(_interleaved(self._channel, packet)[:-9])
                return False
            packet = packet[:8] + struct.pack(">I", trouble.source_of(number)) + packet[12:]  # noqa: PLW2901
            if trouble.pace_s:
                self._double.closing.wait(trouble.pace_s)
            if number not in trouble.lost:
                self._connection.sendall(_interleaved(self._channel, packet))
        return False


def _digest(kind: str, text: str) -> str:
    return hashlib.new(kind, text.encode()).hexdigest()


def _description(stream: Stream) -> str:
    sets = [base64.b64encode(unit).decode() for unit in stream.parameter_sets]
    if not stream.sets_in_description:
        parameters = "packetization-mode=1"
    elif stream.coding == "H264":
        parameters = f"packetization-mode=1;sprop-parameter-sets={','.join(sets)}"
    else:
        names = ("sprop-vps", "sprop-sps", "sprop-pps")
        parameters = ";".join(f"{name}={text}" for name, text in zip(names, sets, strict=True))
    return "\r\n".join((
        "v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=street", "t=0 0", "a=control:*",
        "m=audio 0 RTP/AVP 0", "a=control:track0",
        f"m=video 0 RTP/AVP {PAYLOAD_TYPE}", f"a=rtpmap:{PAYLOAD_TYPE} {stream.coding}/90000",
        f"a=fmtp:{PAYLOAD_TYPE} {parameters}", "a=control:track1", "",
    ))  # fmt: skip


def _sender_report(stream: Stream) -> bytes:
    """Of two seconds after the first picture."""
    assert stream.reported is not None
    seconds = (stream.reported - datetime(1900, 1, 1, tzinfo=UTC)).total_seconds() + 2.0
    timestamp = (_timestamp(stream, stream.pictures[stream.begin_at], 0) + 2 * 90_000) % (1 << 32)
    whole = int(seconds)
    return struct.pack(">BBHIIIIII", 0x80, 200, 6, SOURCE, whole, int((seconds - whole) * 2**32), timestamp, 0, 0)


def _timestamp(stream: Stream, picture: Picture, shift: int) -> int:
    return (stream.first_timestamp + picture.ticks + shift) % (1 << 32)


def _packets(stream: Stream, *, endless: bool) -> Iterator[bytes]:
    pictures, sequence, shift = stream.pictures[stream.begin_at :], stream.first_sequence, 0
    length = max(picture.ticks for picture in stream.pictures) + 3600
    while True:
        for picture in pictures:
            sets = stream.parameter_sets if picture.key and stream.sets_in_stream else ()
            payloads = list(_payloads(stream.coding, sets, picture.nal_units))
            for number, payload in enumerate(payloads, start=1):
                marker = 0x80 if number == len(payloads) else 0
                stamp = _timestamp(stream, picture, shift)
                yield struct.pack(">BBHII", 0x80, marker | PAYLOAD_TYPE, sequence, stamp, SOURCE) + payload
                sequence = (sequence + 1) % (1 << 16)
        if not endless:
            return
        pictures, shift = stream.pictures, shift + length


def _payloads(coding: str, sets: Sequence[bytes], units: Sequence[bytes]) -> Iterator[bytes]:
    """Parameter sets in an aggregate; units that are too large in fragments."""
    if sets:
        together = b"".join(struct.pack(">H", len(unit)) + unit for unit in sets)
        yield (b"\x18" if coding == "H264" else b"\x60\x01") + together
    for unit in units:
        if len(unit) <= PAYLOAD_BYTES:
            yield unit
            continue
        bare = 1 if coding == "H264" else 2
        kind = unit[0] & 0x1F if coding == "H264" else unit[0] >> 1 & 0x3F
        head = bytes([unit[0] & 0xE0 | 28]) if coding == "H264" else bytes([unit[0] & 0x81 | 49 << 1, unit[1]])
        for at in range(bare, len(unit), PAYLOAD_BYTES):
            first, last = at == bare, at + PAYLOAD_BYTES >= len(unit)
            yield head + bytes([first << 7 | last << 6 | kind]) + unit[at : at + PAYLOAD_BYTES]


def _interleaved(channel: int, packet: bytes) -> bytes:
    return struct.pack(">cBH", b"$", channel, len(packet)) + packet
