"""Lets the fragments of an MP4 begin at time 0, whatever the stream's clock shows (ISO/IEC 14496-12, 8.8).

A live stream counts from its own beginning, hours ago. Decoders take where the last fragment ends for the clip's
duration: of ten seconds they expect hours of frames, and what is checked against that number fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_LARGE = 1
_TO_THE_END = 0


@dataclass(frozen=True)
class _Box:
    """Where a box lies in the content: its name, and [begin, end) of what is in it."""

    at: int
    name: bytes
    begin: int
    end: int


def from_zero(content: bytes) -> bytes:
    """The clip with each track's times less that of its first fragment; what is damaged is left as it is.

    Segment indices (`sidx`), which tell the same times, become free space.
    """
    moved = bytearray(content)
    first: dict[bytes, int] = {}
    for box in _boxes(moved, 0, len(moved)):
        if box.name == b"sidx":
            moved[box.at + 4 : box.at + 8] = b"free"
        elif box.name == b"moof":
            for track in _boxes(moved, box.begin, box.end):
                if track.name == b"traf":
                    _move(moved, track, first)
    return bytes(moved)


def _move(content: bytearray, track: _Box, first: dict[bytes, int]) -> None:
    """`tfhd` names the track, `tfdt` its time: in 4 bytes or, from version 1 on, in 8."""
    boxes = {box.name: box for box in _boxes(content, track.begin, track.end)}
    named, timed = boxes.get(b"tfhd"), boxes.get(b"tfdt")
    if named is None or timed is None or timed.begin >= timed.end:
        return
    width = 8 if content[timed.begin] else 4
    at = timed.begin + 4
    if at + width > timed.end or named.begin + 8 > named.end:
        return
    time = int.from_bytes(content[at : at + width], "big")
    begin = first.setdefault(bytes(content[named.begin + 4 : named.begin + 8]), time)
    content[at : at + width] = max(0, time - begin).to_bytes(width, "big")


def _boxes(content: bytearray, begin: int, end: int) -> Iterator[_Box]:
    """The boxes that stand one behind the other in [begin, end), up to one that does not fit."""
    at = begin
    while at + 8 <= end:
        size, head = int.from_bytes(content[at : at + 4], "big"), 8
        if size == _LARGE:
            size, head = int.from_bytes(content[at + 8 : at + 16], "big"), 16
        elif size == _TO_THE_END:
            size = end - at
        if size < head or at + size > end:
            return
        yield _Box(at, bytes(content[at + 4 : at + 8]), at + head, at + size)
        at += size
