"""Writes coded pictures as an MPEG transport stream, so that frames that came one by one are a clip again.

One programme with one video stream (ISO/IEC 13818-1): a PAT and a PMT, then a PES packet for each picture, with its
presentation time. H.264 (2.14) and H.265 (2.17) are carried in Annex B form, each access unit behind a delimiter.
Nothing is decoded or coded: the NAL units go in as they came.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ingest.stream.nal import Codec

TICKS_PER_S = 90_000
"""The unit of presentation times, and of RTP timestamps of video."""

PACKET_BYTES = 188

_PMT_PID = 0x1000
_VIDEO_PID = 0x0100
_PROGRAMME = 1
_PAYLOAD_BYTES = PACKET_BYTES - 4
_START_CODE = b"\x00\x00\x00\x01"
_PTS_MASK = (1 << 33) - 1
_LEAD_TICKS = TICKS_PER_S // 2
"""How far the presentation times lie behind the programme clock, so that a decoder has time to decode."""

_STREAM_TYPE = {Codec.H264: 0x1B, Codec.H265: 0x24}  # table 2-34
_DELIMITER = {Codec.H264: b"\x09\xf0", Codec.H265: b"\x46\x01\x50"}  # any slice type may follow


@dataclass(frozen=True, repr=False)
class AccessUnit:
    """The NAL units of one picture, without start codes, and when it is shown, in ticks from the clip's beginning."""

    nal_units: Sequence[bytes]
    ticks: int
    key: bool


def transport_stream(codec: Codec, pictures: Iterable[AccessUnit]) -> bytes:
    """The pictures, in decoding order, as one transport stream.

    The tables are repeated at every key frame. Raises `ValueError` for a picture before the clip's beginning.
    """
    return b"".join(_Writer(codec).packets(pictures))


class _Writer:
    """Numbers the packets of each PID, as the standard asks (2.4.3.3)."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._counters: dict[int, int] = {}
        self._clock = 0

    def packets(self, pictures: Iterable[AccessUnit]) -> Iterator[bytes]:
        tables = _pat(), _pmt(_STREAM_TYPE[self._codec])
        for number, picture in enumerate(pictures):
            if picture.key or number == 0:
                yield self._packet(0, b"\x00" + tables[0], b"", start=True)
                yield self._packet(_PMT_PID, b"\x00" + tables[1], b"", start=True)
            yield from self._picture(picture)

    def _picture(self, picture: AccessUnit) -> Iterator[bytes]:
        if picture.ticks < 0:
            raise ValueError(f"a picture lies {-picture.ticks / TICKS_PER_S:.3f} s before the clip's beginning")
        self._clock = max(self._clock, picture.ticks)  # pictures are not shown in the order in which they are sent
        content = _pes_header(picture.ticks + _LEAD_TICKS) + _annex_b(self._codec, picture.nal_units)
        adaptation = _adaptation(picture.key, self._clock)
        at = 0
        while at < len(content):
            room = _PAYLOAD_BYTES - (len(adaptation) + 1 if adaptation else 0)
            yield self._packet(_VIDEO_PID, content[at : at + room], adaptation, start=at == 0)
            at += room
            adaptation = b""

    def _packet(self, pid: int, payload: bytes, adaptation: bytes, *, start: bool) -> bytes:
        """Four bytes of header (2.4.3.2), the adaptation field, filled up where the payload does not fill it."""
        counter = self._counters.get(pid, 0)
        self._counters[pid] = (counter + 1) % 16
        filled = _filled(adaptation, _PAYLOAD_BYTES - len(payload))
        control = 0x30 if filled else 0x10
        return struct.pack(">BHB", 0x47, (0x4000 if start else 0) | pid, control | counter) + filled + payload


def _filled(adaptation: bytes, room: int) -> bytes:
    """An adaptation field of exactly `room` bytes with its length, or none."""
    if room == 0:
        return b""
    if room == 1:
        return b"\x00"
    body = adaptation or b"\x00"
    return bytes([room - 1]) + body.ljust(room - 1, b"\xff")


def _adaptation(key: bool, pcr: int) -> bytes:
    """Flags (random access, programme clock) and the clock: 33 bits of 90 kHz and 9 of its 300th (2.4.3.5)."""
    return bytes([0x10 | (0x40 if key else 0)]) + ((pcr & _PTS_MASK) << 15 | 0x3F << 9).to_bytes(6, "big")


def _pes_header(pts: int) -> bytes:
    """Of a video stream with a presentation time; its length is left open, which video may (2.4.3.7)."""
    pts &= _PTS_MASK
    stamp = struct.pack(">BHH", 0x21 | (pts >> 29) & 0x0E, (pts >> 14) & 0xFFFE | 1, (pts << 1) & 0xFFFE | 1)
    return b"\x00\x00\x01\xe0\x00\x00\x84\x80\x05" + stamp


def _annex_b(codec: Codec, nal_units: Sequence[bytes]) -> bytes:
    delimiter = _DELIMITER[codec]
    bare = [unit for unit in nal_units if unit[: len(delimiter) - 1] != delimiter[:-1]]
    return b"".join(_START_CODE + unit for unit in (delimiter, *bare))


def _pat() -> bytes:
    return _section(0x00, _PROGRAMME, struct.pack(">HH", _PROGRAMME, 0xE000 | _PMT_PID))


def _pmt(stream_type: int) -> bytes:
    clock_and_no_descriptors = struct.pack(">HH", 0xE000 | _VIDEO_PID, 0xF000)
    stream = struct.pack(">BHH", stream_type, 0xE000 | _VIDEO_PID, 0xF000)
    return _section(0x02, _PROGRAMME, clock_and_no_descriptors + stream)


def _section(table: int, number: int, body: bytes) -> bytes:
    """A section of version 0, current, the only one (2.4.4), with its checksum."""
    head = struct.pack(">BHHBBB", table, 0xB000 | (len(body) + 9), number, 0xC1, 0, 0)
    return head + body + struct.pack(">I", _crc32(head + body))


def _crc32(content: bytes) -> int:
    """The CRC of annex A: polynomial 0x04C11DB7, from all ones, neither reflected nor inverted."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    return crc
