"""An HLS publisher on loopback: playlists and segments of recorded pictures, as MPEG-TS or as fragmented MP4."""

from __future__ import annotations

import re
import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from types import TracebackType
from typing import Self

from feed_double.mp4_clip import TICKS_PER_S, Picture, RecordedClip

from ingest.stream.mpeg_ts import AccessUnit, transport_stream
from ingest.stream.nal import Codec


@dataclass
class HlsDouble:
    """Serves `files` by path. `ranges` says whether it answers a byte range with that part, or with the whole."""

    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    redirects: dict[str, str] = field(default_factory=dict)
    modified: datetime | None = None
    ahead: timedelta = timedelta(0)  # its clock against ours
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.005,), daemon=True)
        self._thread.start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(double: HlsDouble) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            double.asked.append(self.path)
            path = self.path.partition("?")[0]
            if path in double.redirects:
                self.send_response(302)
                self.send_header("Location", double.redirects[path])
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            content = double.files.get(path)
            part = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            if content is not None and part is not None and double.ranges:
                self._send(206, content[int(part[1]) : int(part[2]) + 1])
            else:
                self._send(404 if content is None else 200, content or b"")

        def _send(self, status: int, content: bytes) -> None:
            self.send_response(status)
            if double.modified is not None:
                self.send_header("Last-Modified", format_datetime(double.modified, usegmt=True))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def date_time_string(self, timestamp: float | None = None) -> str:
            return format_datetime(datetime.now(UTC) + double.ahead, usegmt=True)

        def log_message(self, format: str, *args: object) -> None:
            return None

    return Handler


def ts_segments(clip: RecordedClip, seconds: float) -> Sequence[bytes]:
    """The clip cut into transport streams, each with its own tables and with times that go on from the one before."""
    return [
        transport_stream(
            Codec.H264,
            (
                AccessUnit((*(clip.parameter_sets if one.key else ()), *one.nal_units), one.ticks, one.key)
                for one in part
            ),
        )
        for part in _cut(clip.pictures, seconds)
    ]


def mp4_segments(clip: RecordedClip, seconds: float) -> tuple[bytes, Sequence[bytes]]:
    """An initialisation and fragments (ISO/IEC 14496-12, 8.8)."""
    init = _box(b"ftyp", b"iso5\x00\x00\x02\x00iso5iso6mp41") + _movie(clip)
    return init, [_fragment(number, part) for number, part in enumerate(_cut(clip.pictures, seconds), start=1)]


def playlist(segments: Sequence[str], seconds: float, *, first: int = 0, head: str = "", tail: str = "") -> bytes:
    """A live media playlist; an entry of `segments` may have tags of its own before it, each on a line."""
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:6",
        f"#EXT-X-TARGETDURATION:{round(seconds) or 1}",
        f"#EXT-X-MEDIA-SEQUENCE:{first}",
    ]
    lines += [head] if head else []
    for segment in segments:
        *tags, uri = segment.split("\n")
        lines += [*tags, f"#EXTINF:{seconds:.3f},", uri]
    return "\n".join([*lines, tail]).encode()


def _cut(pictures: Sequence[Picture], seconds: float) -> list[list[Picture]]:
    parts: dict[int, list[Picture]] = {}
    for picture in pictures:
        parts.setdefault(int(picture.ticks / (seconds * TICKS_PER_S)), []).append(picture)
    return [parts[number] for number in sorted(parts)]


def _box(name: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I4s", len(body) + 8, name) + body


def _full(name: bytes, flags: int, *content: bytes) -> bytes:
    return _box(name, struct.pack(">I", flags), *content)


_UNITY = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def _movie(clip: RecordedClip) -> bytes:
    width_px, height_px = clip.size_px
    empty = (_full(name, 0, struct.pack(">I", 0)) for name in (b"stts", b"stsc", b"stco"))
    table = _box(b"stbl", clip.description, *empty, _full(b"stsz", 0, struct.pack(">II", 0, 0)))
    reference = _box(b"dinf", _full(b"dref", 0, struct.pack(">I", 1), _full(b"url ", 1)))
    media = _box(
        b"mdia",
        _full(b"mdhd", 0, struct.pack(">IIIIHH", 0, 0, TICKS_PER_S, 0, 0x55C4, 0)),
        _full(b"hdlr", 0, struct.pack(">I4s12x", 0, b"vide"), b"v\x00"),
        _box(b"minf", _full(b"vmhd", 1, bytes(8)), reference, table),
    )
    size = struct.pack(">II", width_px << 16, height_px << 16)
    head = _full(b"tkhd", 3, struct.pack(">IIIII8xHHHH", 0, 0, 1, 0, 0, 0, 0, 0, 0), _UNITY, size)
    movie = _full(
        b"mvhd", 0, struct.pack(">IIIIIH10x", 0, 0, TICKS_PER_S, 0, 0x10000, 0x100), _UNITY, bytes(24), b"\0\0\0\2"
    )
    extends = _box(b"mvex", _full(b"trex", 0, struct.pack(">IIIII", 1, 1, 0, 0, 0)))
    return _box(b"moov", movie, _box(b"trak", head, media), extends)


def _fragment(number: int, pictures: Sequence[Picture]) -> bytes:
    samples = [b"".join(struct.pack(">I", len(unit)) + unit for unit in one.nal_units) for one in pictures]
    times = [one.ticks for one in pictures]
    steps = [later - earlier for earlier, later in pairwise(times)] or [3600]
    rows = b"".join(
        struct.pack(">III", step, len(sample), 0x2000000 if one.key else 0x1010000)
        for step, sample, one in zip([*steps, steps[-1]], samples, pictures, strict=True)
    )

    def moof(offset: int) -> bytes:
        run = _full(b"trun", 0x701, struct.pack(">Ii", len(samples), offset), rows)
        begin = _full(b"tfdt", 0x1000000, struct.pack(">Q", times[0]))
        track = _box(b"traf", _full(b"tfhd", 0x20000, struct.pack(">I", 1)), begin, run)
        return _box(b"moof", _full(b"mfhd", 0, struct.pack(">I", number)), track)

    return moof(len(moof(0)) + 8) + _box(b"mdat", *samples)
