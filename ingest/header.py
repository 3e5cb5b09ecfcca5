"""What a file is and how large its picture is, from its first bytes: nothing is decoded here.

Formats: JPEG (ITU-T T.81, Annex B), PNG (ISO/IEC 15948, section 11.2.1), and the containers of clips: MP4 and
QuickTime (ISO/IEC 14496-12), Matroska and WebM (RFC 9559), AVI, MPEG transport stream (ISO/IEC 13818-1).
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import StrEnum

HEAD_BYTES = 4096
"""How much of a file `recognise` needs."""

_JPEG_START = b"\xff\xd8\xff"
_JPEG_END = b"\xff\xd9"
_JPEG_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF0..SOF15 without DHT, JPG, DAC
_JPEG_BARE_MARKERS = frozenset((0x01, *range(0xD0, 0xD8)))  # no length follows
_PNG_START = b"\x89PNG\r\n\x1a\n"
_MP4_BOXES = frozenset((b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide"))
_MATROSKA_START = b"\x1a\x45\xdf\xa3"
_TS_PACKET_BYTES = 188


class Kind(StrEnum):
    """The formats that are opened."""

    JPEG = "JPEG"
    PNG = "PNG"
    CLIP = "clip"


@dataclass(frozen=True)
class StillHeader:
    """The picture's size in pixels, and whether the file is whole: up to its end mark, and by its checksums if any."""

    width_px: int
    height_px: int
    complete: bool


def recognise(head: bytes) -> Kind | None:
    """The format that the first `HEAD_BYTES` of a file announce, whatever the file is called; None for any other."""
    if head.startswith(_JPEG_START):
        return Kind.JPEG
    if head.startswith(_PNG_START):
        return Kind.PNG
    avi = head.startswith(b"RIFF") and head[8:12] == b"AVI "
    transport_stream = len(head) > _TS_PACKET_BYTES and head[0] == head[_TS_PACKET_BYTES] == 0x47
    if head[4:8] in _MP4_BOXES or head.startswith(_MATROSKA_START) or avi or transport_stream:
        return Kind.CLIP
    return None


def still_header(content: bytes, kind: Kind) -> StillHeader | None:
    """Read the header of a whole JPEG or PNG file; None where it is damaged."""
    return _png_header(content) if kind is Kind.PNG else _jpeg_header(content)


def _png_header(content: bytes) -> StillHeader | None:
    if len(content) < 24 or content[12:16] != b"IHDR":
        return None
    width_px, height_px = struct.unpack(">II", content[16:24])
    return StillHeader(width_px, height_px, complete=_png_is_whole(content))


def _png_is_whole(content: bytes) -> bool:
    """Every chunk up to the last one, IEND, is there and has the checksum it states."""
    at = len(_PNG_START)
    while at + 12 <= len(content):
        length, name = struct.unpack(">I4s", content[at : at + 8])
        body, checksum = content[at + 4 : at + 8 + length], content[at + 8 + length : at + 12 + length]
        if checksum != struct.pack(">I", zlib.crc32(body)):
            return False
        if name == b"IEND":
            return True
        at += 12 + length
    return False


def _jpeg_header(content: bytes) -> StillHeader | None:
    """Walk the marker segments to the frame header. Its end mark counts only after it: a thumbnail has its own."""
    at = 2
    while at + 9 <= len(content):
        if content[at] != 0xFF:
            return None
        marker = content[at + 1]
        if marker == 0xFF:  # fill byte before a marker
            at += 1
        elif marker in _JPEG_BARE_MARKERS:
            at += 2
        elif marker in _JPEG_FRAME_MARKERS:
            height_px, width_px = struct.unpack(">HH", content[at + 5 : at + 9])
            return StillHeader(width_px, height_px, complete=content.find(_JPEG_END, at) >= 0)
        else:
            at += 2 + struct.unpack(">H", content[at + 2 : at + 4])[0]
    return None
