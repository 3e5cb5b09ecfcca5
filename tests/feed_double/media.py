"""Recorded media made distinct, or spoiled, without coding a picture anew."""

from __future__ import annotations

import hashlib
import random
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import cv2
import numpy as np
from feed_double.faults import Fault, FaultKind

GIGAPIXEL_SIDE = 60_000


@dataclass(frozen=True)
class Medium:
    """The bytes of one edition of a clip or still, in parts so that the recording itself is shared."""

    parts: tuple[bytes, ...]

    @property
    def body(self) -> bytes:
        return b"".join(self.parts)

    @cached_property
    def size(self) -> int:
        return sum(map(len, self.parts))

    @cached_property
    def content(self) -> str:
        """As `CountObservation.content`: half of the SHA-256 of the bytes."""
        return hashlib.sha256(self.body).hexdigest()[:32]

    @cached_property
    def md5(self) -> str:
        """What S3 tags an object with, without the quotes."""
        return hashlib.md5(self.body).hexdigest()


@dataclass(frozen=True)
class Album:
    """The recordings of one street, in the order in which they are published; paths are read when they are needed."""

    recordings: tuple[Path | bytes, ...]

    def __len__(self) -> int:
        return len(self.recordings)

    def medium(self, index: int, mark: str) -> Medium:
        """The recording `index`, made distinct by `mark`."""
        recording = self.recordings[index % len(self.recordings)]
        return marked(_read(recording) if isinstance(recording, Path) else recording, mark)


@cache
def _read(path: Path) -> bytes:
    return path.read_bytes()


def marked(content: bytes, mark: str) -> Medium:
    """The same picture in other bytes: a comment in a JPEG, a `free` box at the end of anything else."""
    note = mark.encode()
    if content.startswith(b"\xff\xd8"):
        return Medium((content[:2], b"\xff\xfe" + struct.pack(">H", len(note) + 2) + note, content[2:]))
    return Medium((content, struct.pack(">I4s", len(note) + 8, b"free") + note))


def spoiled(medium: Medium, fault: Fault, seed: str) -> Medium:
    """The medium that a camera publishes under a content fault; other bytes for another `seed`."""
    body = medium.body
    match fault.kind:
        case FaultKind.CORRUPT:
            begin, length = len(body) // 3, max(1, len(body) // 4)
            noise = random.Random(seed).randbytes(length)
            return Medium((body[:begin], noise, body[begin + length :]))
        case FaultKind.CUT_CLIP:
            return Medium((body[: int(len(body) * fault.parameters.get("share", 0.5))],))
        case FaultKind.EMPTY:
            return Medium((b"",))
        case FaultKind.DIMENSION_BOMB:
            return Medium((dimension_bomb(fault.parameters.get("format", "png"), body), seed.encode()))
    raise ValueError(f"{fault.kind} spoils no medium")


def dimension_bomb(form: str, clip: bytes = b"") -> bytes:
    """A small file whose header announces 60,000 x 60,000 pixels; `clip` is the MP4 whose header is made to lie."""
    side = GIGAPIXEL_SIDE
    if form == "mp4" and (entry := clip.find(b"avc1", clip.find(b"stsd"))) > 0:
        at = entry + 4 + 24  # after the entry's type: reserved, data reference, predefined; then width and height
        return clip[:at] + struct.pack(">HH", side, side) + clip[at + 4 :]
    if form == "jpeg":
        frame_header = b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, side, side, 1) + b"\x01\x11\x00"
        return b"\xff\xd8" + frame_header + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + bytes(64) + b"\xff\xd9"

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1 << 20))) + chunk(b"IEND", b"")


@cache
def gzip_bomb(mebibytes: int) -> bytes:
    """That many MiB of zeros as gzip, a thousandth of the size: one deflated block, fully flushed, again and again."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = deflate.compress(bytes(1 << 20)) + deflate.flush(zlib.Z_FULL_FLUSH)
    header = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
    checksum = 0
    for _ in range(mebibytes):
        checksum = zlib.crc32(bytes(1 << 20), checksum)
    return header + block * mebibytes + b"\x03\x00" + struct.pack("<II", checksum, (mebibytes << 20) & 0xFFFFFFFF)


@cache
def placeholder_still() -> bytes:
    """A grey card as the publisher shows it while operators use the camera, 352x288, JPEG."""
    card = np.full((288, 352, 3), 128, np.uint8)
    for line, text in enumerate(("Camera currently in use", "keeping London moving")):
        cv2.putText(card, text, (40, 130 + 30 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (235, 235, 235), 1)
    return cv2.imencode(".jpg", card, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


@cache
def street_still(seed: int) -> bytes:
    """A small picture with edges that differs by seed: for doubles that were given no stills."""
    drawing = np.random.default_rng(seed)
    picture = np.kron(drawing.integers(40, 216, (9, 11, 3), np.uint8), np.ones((32, 32, 1), np.uint8))
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()


def albums(folders: Sequence[Sequence[str]]) -> tuple[Album, ...]:
    """Albums of the paths that a configuration names."""
    return tuple(Album(tuple(Path(path) for path in paths)) for paths in folders)
