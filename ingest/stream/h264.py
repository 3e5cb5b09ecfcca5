"""How H.264 is written: its NAL units (ITU-T H.264, table 7-1) and its RTP payloads (RFC 6184).

The single-unit and the non-interleaved mode are read: single units, STAP-A and FU-A.
"""

from __future__ import annotations

from collections.abc import Sequence

from ingest.stream.nal import BrokenPayload, Codec, Fragment, NalFormat, split_lengths

_STAP_A = 24
_FU_A = 28
_SLICES = range(1, 6)
_KEY_SLICE = 5  # of an IDR picture


def _read(payload: bytes) -> Sequence[bytes] | Fragment:
    if not payload:
        raise BrokenPayload("an empty payload")
    kind = _type(payload)
    if 1 <= kind < _STAP_A:
        return (payload,)
    if kind == _STAP_A:
        return split_lengths(payload[1:])
    if kind == _FU_A:
        return _fragment(payload)
    raise BrokenPayload(f"a payload of type {kind}, which is not of the non-interleaved mode")


def _fragment(payload: bytes) -> Fragment:
    """The header of the unit is spread over the indicator and the header of the fragment (5.8)."""
    if len(payload) < 3:
        raise BrokenPayload("a fragment without content")
    indicator, header = payload[0], payload[1]
    return Fragment(
        first=bool(header & 0x80),
        last=bool(header & 0x40),
        header=bytes([indicator & 0xE0 | header & 0x1F]),
        content=payload[2:],
    )


def _type(unit: bytes) -> int:
    return unit[0] & 0x1F


H264 = NalFormat(
    codec=Codec.H264,
    read=_read,
    is_slice=lambda unit: _type(unit) in _SLICES,
    is_first=lambda unit: unit[1:2] >= b"\x80",  # first_mb_in_slice (7.3.3) is 0, which ue(v) writes as one bit
    is_key=lambda unit: _type(unit) == _KEY_SLICE,
)
