"""NAL units, the pieces that H.264 and H.265 pictures are sent in, and how they are put together from RTP payloads.

What the two codings have in common is here; `ingest.stream.h264` and `ingest.stream.h265` say how each is written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

MAX_NAL_BYTES = 8 * 1024 * 1024
"""A key frame of an 8K camera is a few megabytes."""


class Codec(StrEnum):
    """What pictures are coded in."""

    H264 = "H.264"
    H265 = "H.265"


class BrokenPayload(ValueError):
    """An RTP payload that no sender may send."""


@dataclass(frozen=True, repr=False)
class Fragment:
    """A part of one unit. `header` is the header of that unit, which only its first fragment is put behind."""

    first: bool
    last: bool
    header: bytes
    content: bytes


@dataclass(frozen=True)
class NalFormat:
    """How a coding is written. `read` raises `BrokenPayload`; the others look at the header of a unit.

    `is_slice` tells a part of the picture itself, `is_first` the part that begins with its upper left corner, `is_key`
    one of a picture at which decoding can begin.
    """

    codec: Codec
    read: Callable[[bytes], Sequence[bytes] | Fragment]
    is_slice: Callable[[bytes], bool]
    is_first: Callable[[bytes], bool]
    is_key: Callable[[bytes], bool]


class Depacketizer:
    """RTP payloads in order of their sequence in, NAL units out."""

    def __init__(self, form: NalFormat) -> None:
        self._format = form
        self._begun = bytearray()

    def reset(self) -> None:
        """After a lost packet: forget the unit whose beginning has come."""
        self._begun.clear()

    def units(self, payload: bytes) -> Sequence[bytes]:
        """The units that the payload completes. Raises `BrokenPayload`."""
        read = self._format.read(payload)
        if not isinstance(read, Fragment):
            return read
        if read.first:
            self._begun[:] = read.header
        elif not self._begun:
            return ()  # its beginning came before we did, or was lost
        self._begun += read.content
        if len(self._begun) > MAX_NAL_BYTES:
            raise BrokenPayload(f"a unit of more than {MAX_NAL_BYTES} bytes")
        if not read.last:
            return ()
        unit = bytes(self._begun)
        self.reset()
        return (unit,)


def split_lengths(content: bytes) -> Sequence[bytes]:
    """Units that stand one behind the other, each after its length in two bytes. Raises `BrokenPayload`."""
    units = []
    at = 0
    while at < len(content):
        length = int.from_bytes(content[at : at + 2], "big")
        unit = content[at + 2 : at + 2 + length]
        if not unit or len(unit) != length:
            raise BrokenPayload("an aggregate whose lengths do not fit")
        units.append(unit)
        at += 2 + length
    if not units:
        raise BrokenPayload("an aggregate without content")
    return units
