"""Reads a transport stream back, strictly: what it must not be is an `AssertionError`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

VIDEO_PID = 0x0100


@dataclass(frozen=True)
class ReadPicture:
    """A picture of a transport stream: NAL units without the delimiter, PTS in ticks, whether it is marked as key."""

    nal_units: tuple[bytes, ...]
    pts: int
    key: bool


def read_ts(content: bytes) -> tuple[int, Sequence[ReadPicture]]:
    """The stream type of the video, and its pictures. Checks sync, counters, checksums and lengths."""
    assert content, "an empty stream"
    assert len(content) % 188 == 0
    counters: dict[int, int] = {}
    pes: list[tuple[bytearray, bool]] = []
    types: set[int] = set()
    for at in range(0, len(content), 188):
        packet = content[at : at + 188]
        assert packet[0] == 0x47
        start, pid = packet[1] >> 6 & 1, (packet[1] & 0x1F) << 8 | packet[2]
        if pid in counters:
            assert packet[3] & 15 == (counters[pid] + 1) % 16, "packets are counted"
        counters[pid] = packet[3] & 15
        begin, key = 4, False
        if packet[3] & 0x20:
            begin += 1 + packet[4]
            key = packet[4] > 0 and bool(packet[5] & 0x40)
            assert begin <= 188
        payload = packet[begin:]
        if pid == VIDEO_PID:
            if start:
                pes.append((bytearray(), key))
            pes[-1][0].extend(payload)
        else:
            assert start
            section = payload[1 : 4 + ((payload[2] & 15) << 8 | payload[3])]
            assert crc(section) == 0, "a section's checksum makes the whole nought"
            types |= {section[12]} if section[0] == 2 else set()
    assert len(types) == 1
    return types.pop(), [_picture(bytes(body), key) for body, key in pes]


def crc(content: bytes) -> int:
    """CRC-32/MPEG-2."""
    value = 0xFFFFFFFF
    for byte in content:
        for bit in range(7, -1, -1):
            top = value >> 31 ^ byte >> bit & 1
            value = value << 1 & 0xFFFFFFFF ^ (0x04C11DB7 if top else 0)
    return value


def _picture(pes: bytes, key: bool) -> ReadPicture:
    assert pes[:4] == b"\x00\x00\x01\xe0"
    assert pes[7] == 0x80
    stamp = pes[9:14]
    assert stamp[0] >> 4 == 2
    assert stamp[0] & stamp[2] & stamp[4] & 1
    pts = (stamp[0] >> 1 & 7) << 30 | stamp[1] << 22 | stamp[2] >> 1 << 15 | stamp[3] << 7 | stamp[4] >> 1
    _, delimiter, *units = pes[14:].split(b"\x00\x00\x00\x01")
    assert delimiter in (b"\x09\xf0", b"\x46\x01\x50")
    return ReadPicture(tuple(units), pts, key)
