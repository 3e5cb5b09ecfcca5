"""Reads RTP (RFC 3550): packets of video, and the sender reports that say what time their timestamps mean."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_FIXED_HEADER_BYTES = 12
_SENDER_REPORT = 200
_SENDER_REPORT_BYTES = 20  # up to and with the RTP timestamp
_NTP_EPOCH = datetime(1900, 1, 1, tzinfo=UTC)
_WRAP = 1 << 32


@dataclass(frozen=True, repr=False)
class RtpPacket:
    """One packet (5.1). `sequence` counts packets modulo 2**16, `timestamp` ticks modulo 2**32.

    `marker` ends a picture (RFC 6184, 5.1; RFC 7798, 4.1).
    """

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    source: int
    payload: bytes


@dataclass(frozen=True)
class SenderReport:
    """The sender's clock at an RTP timestamp (6.4.1). `wall_time` is in UTC; None where the sender has no clock."""

    source: int
    wall_time: datetime | None
    timestamp: int


def read_packet(content: bytes) -> RtpPacket | None:
    """A packet of version 2 without its extension and padding; None for anything else."""
    if len(content) < _FIXED_HEADER_BYTES:
        return None
    first, second, sequence, timestamp, source = struct.unpack(">BBHII", content[:_FIXED_HEADER_BYTES])
    if first >> 6 != 2:
        return None
    at = _FIXED_HEADER_BYTES + 4 * (first & 0x0F)
    if first & 0x10:
        if len(content) < at + 4:
            return None
        at += 4 + 4 * struct.unpack(">H", content[at + 2 : at + 4])[0]
    padding = content[-1] if first & 0x20 else 0
    if at + padding > len(content):
        return None
    payload = content[at : len(content) - padding]
    return RtpPacket(second & 0x7F, bool(second & 0x80), sequence, timestamp, source, payload)


def read_sender_report(content: bytes) -> SenderReport | None:
    """The sender report with which a compound RTCP packet begins (6.1); None where it begins with another."""
    if len(content) < _SENDER_REPORT_BYTES or content[0] >> 6 != 2 or content[1] != _SENDER_REPORT:
        return None
    source, seconds, fraction, timestamp = struct.unpack(">IIII", content[4:_SENDER_REPORT_BYTES])
    wall_time = _NTP_EPOCH + timedelta(seconds=seconds + fraction / _WRAP) if seconds else None
    return SenderReport(source, wall_time, timestamp)


def ticks_between(earlier: int, later: int) -> int:
    """From one RTP timestamp to another, across the wrap at 2**32: negative where `later` lies before."""
    return (later - earlier + _WRAP // 2) % _WRAP - _WRAP // 2
