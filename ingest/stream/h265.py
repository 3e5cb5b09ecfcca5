"""How H.265 is written: its NAL units (ITU-T H.265, table 7-1) and its RTP payloads (RFC 7798).

Single units, aggregation packets and fragments are read, without decoding order numbers: a stream that sends them
(sprop-max-don-diff above 0) is refused by `ingest.stream.rtsp_sdp`.
"""

from __future__ import annotations

from collections.abc import Sequence

from ingest.stream.nal import BrokenPayload, Codec, Fragment, NalFormat, split_lengths

_HEADER_BYTES = 2
_AGGREGATION = 48
_FRAGMENTATION = 49
_SLICES = range(32)
_KEY_SLICES = range(16, 24)  # of a random access picture (IRAP)


def _read(payload: bytes) -> Sequence[bytes] | Fragment:
    if len(payload) <= _HEADER_BYTES:
        raise BrokenPayload("an empty payload")
    kind = _type(payload)
    if kind < _AGGREGATION:
        return (payload,)
    if kind == _AGGREGATION:
        return split_lengths(payload[_HEADER_BYTES:])
    if kind == _FRAGMENTATION:
        return _fragment(payload)
    raise BrokenPayload(f"a payload of type {kind}, which carries no picture")


def _fragment(payload: bytes) -> Fragment:
    """The type of the unit stands in the header of the fragment (4.4.3)."""
    if len(payload) <= _HEADER_BYTES + 1:
        raise BrokenPayload("a fragment without content")
    header = payload[_HEADER_BYTES]
    return Fragment(
        first=bool(header & 0x80),
        last=bool(header & 0x40),
        header=bytes([payload[0] & 0x81 | (header & 0x3F) << 1, payload[1]]),
        content=payload[_HEADER_BYTES + 1 :],
    )


def _type(unit: bytes) -> int:
    return unit[0] >> 1 & 0x3F


H265 = NalFormat(
    codec=Codec.H265,
    read=_read,
    is_slice=lambda unit: _type(unit) in _SLICES,
    is_first=lambda unit: unit[2:3] >= b"\x80",  # first_slice_segment_in_pic_flag (7.3.6.1)
    is_key=lambda unit: _type(unit) in _KEY_SLICES,
)
