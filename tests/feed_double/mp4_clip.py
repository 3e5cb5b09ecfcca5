"""Takes a recorded MP4 clip apart (ISO/IEC 14496-12): the NAL units of its pictures, for the doubles to send anew."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

TICKS_PER_S = 90_000

_FOLDERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl")


@dataclass(frozen=True)
class Picture:
    """One coded picture: its NAL units without lengths or start codes, shown at `ticks` of 90 kHz."""

    nal_units: tuple[bytes, ...]
    ticks: int
    key: bool


@dataclass(frozen=True)
class RecordedClip:
    """H.264 pictures in decoding order, and the parameter sets (SPS, then PPS) that they need.

    `description` is the box of the file that says the same (`stsd`).
    """

    parameter_sets: tuple[bytes, ...]
    pictures: tuple[Picture, ...]
    size_px: tuple[int, int]
    description: bytes


def read_mp4(path: Path) -> RecordedClip:
    """The first video track of a file whose samples are H.264 (`avc1`)."""
    content = path.read_bytes()
    for track in _tracks(content):
        if b"avc1" in track[b"stsd"]:
            return _clip(content, track)
    raise ValueError(f"{path.name} has no H.264 track")


def _tracks(content: bytes) -> Iterator[dict[bytes, bytes]]:
    yield from (dict(_boxes(body)) for name, body in _boxes(content) if name == b"trak")


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Every box in the order of the file; folders first, then what is in them."""
    at = 0
    while at + 8 <= len(content):
        size, name = struct.unpack(">I4s", content[at : at + 8])
        body = content[at + 8 : at + size] if size else content[at + 8 :]
        yield name, body
        if name in _FOLDERS:
            yield from _boxes(body)
        at += size or len(content)


def _clip(content: bytes, track: dict[bytes, bytes]) -> RecordedClip:
    avcc = track[b"stsd"].index(b"avcC") + 4
    parameter_sets, length_bytes = _avcc(track[b"stsd"][avcc:])
    timescale = struct.unpack(">I", track[b"mdhd"][12:16])[0]
    sizes = _sizes(track[b"stsz"])
    durations = [d for n, d in _pairs(track[b"stts"], ">II") for _ in range(n)]
    shifts = [s for n, s in _pairs(track[b"ctts"], ">Ii") for _ in range(n)] if b"ctts" in track else [0] * len(sizes)
    keys = set(_numbers(track[b"stss"])) if b"stss" in track else set(range(1, len(sizes) + 1))
    starts = [0, *accumulate(durations)]
    pictures = [
        Picture(
            nal_units=tuple(_nal_units(content[offset : offset + size], length_bytes)),
            ticks=(starts[at] + shifts[at]) * TICKS_PER_S // timescale,
            key=at + 1 in keys,
        )
        for at, (offset, size) in enumerate(zip(_offsets(track, sizes), sizes, strict=True))
    ]
    entry = track[b"stsd"]
    size_px = struct.unpack(">HH", entry[40:44])
    return RecordedClip(parameter_sets, tuple(pictures), size_px, struct.pack(">I4s", len(entry) + 8, b"stsd") + entry)


def _avcc(box: bytes) -> tuple[tuple[bytes, ...], int]:
    """Parameter sets and how many bytes tell the length of a NAL unit (ISO/IEC 14496-15, 5.3.3.1)."""
    at, sets = 5, []
    for mask in (0x1F, 0xFF):
        number = box[at] & mask
        at += 1
        for _ in range(number):
            length = struct.unpack(">H", box[at : at + 2])[0]
            sets.append(box[at + 2 : at + 2 + length])
            at += 2 + length
    return tuple(sets), (box[4] & 3) + 1


def _sizes(box: bytes) -> list[int]:
    same, number = struct.unpack(">II", box[4:12])
    return [same] * number if same else list(struct.unpack(f">{number}I", box[12 : 12 + 4 * number]))


def _offsets(track: dict[bytes, bytes], sizes: list[int]) -> Iterator[int]:
    """Where each sample lies: samples stand one behind the other in chunks, as many as `stsc` says."""
    wide = b"co64" in track
    chunks = _numbers(track[b"co64" if wide else b"stco"], 8 if wide else 4)
    runs = _triples(track[b"stsc"])
    at = 0
    for number, chunk in enumerate(chunks, start=1):
        per_chunk = [n for first, n in runs if first <= number][-1]
        for _ in range(per_chunk):
            yield chunk
            chunk += sizes[at]  # noqa: PLW2901
            at += 1


def _numbers(box: bytes, width: int = 4) -> list[int]:
    number = struct.unpack(">I", box[4:8])[0]
    return list(struct.unpack(f">{number}{'Q' if width == 8 else 'I'}", box[8 : 8 + width * number]))


def _pairs(box: bytes, form: str) -> list[tuple[int, int]]:
    number = struct.unpack(">I", box[4:8])[0]
    return [struct.unpack(form, box[8 + 8 * n : 16 + 8 * n]) for n in range(number)]


def _triples(box: bytes) -> list[tuple[int, int]]:
    number = struct.unpack(">I", box[4:8])[0]
    return [struct.unpack(">II", box[8 + 12 * n : 16 + 12 * n]) for n in range(number)]


def _nal_units(sample: bytes, length_bytes: int) -> Iterator[bytes]:
    at = 0
    while at + length_bytes <= len(sample):
        length = int.from_bytes(sample[at : at + length_bytes], "big")
        yield sample[at + length_bytes : at + length_bytes + length]
        at += length_bytes + length
