"""Reads HLS playlists (RFC 8216): which variants of a stream there are, and which segments its newest seconds lie in.

The library `m3u8` reads the tags. It is given text and gives back what stands in it: the part of it that could fetch is
never called. A playlist is written by others, so its size is bounded, and so is what takes the library long.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

import m3u8

MAX_PLAYLIST_BYTES = 1 << 20
"""A window of several hours. Reading it takes 1.5 s at the worst, 0.3 s with addresses of a usual length."""

MAX_KEYS = 100
"""`m3u8` compares each key with all before it."""

MAX_SEGMENTS = 60
"""Of one clip."""

MAX_NUMBER = (1 << 64) - 1
"""The largest decimal-integer (RFC 8216, 4.2): of a media sequence, of a byte range."""

MAX_DURATION_S = 86_400.0
"""Of one segment. They last seconds."""

_SOUND = ("mp4a", "ac-3", "ec-3", "opus", "flac", "mp3")
"""What codecs begin with that carry no picture."""


class UnreadablePlaylist(ValueError):
    """Not a playlist, or one that no clip can be taken from; the message says why."""


@dataclass(frozen=True)
class Piece:
    """A resource, or the `length` bytes of it from `start` on."""

    url: str
    start: int = 0
    length: int | None = None


@dataclass(frozen=True)
class Segment:
    """One segment. `init` is what has to stand before it (fMP4), `began` when it was filmed, in UTC."""

    piece: Piece
    init: Piece | None
    duration_s: float
    began: datetime | None
    encryption: str | None
    after_discontinuity: bool
    gap: bool


@dataclass(frozen=True)
class Variant:
    """One rendition of a stream. Size in pixels, None where it is not said."""

    url: str
    bandwidth: int
    size_px: tuple[int, int] | None
    has_video: bool


@dataclass(frozen=True)
class Master:
    """A playlist of playlists."""

    variants: Sequence[Variant]

    def best(self, width_px: int, height_px: int) -> Variant:
        """The variant of that size, or the smallest that is not smaller, or the largest; of equals that of fewest bits.

        Raises `UnreadablePlaylist` where there is no picture in any.
        """
        seen = [variant for variant in self.variants if variant.has_video]
        if not seen:
            raise UnreadablePlaylist("lists no variant with a picture")

        def distance(variant: Variant) -> tuple[int, int, int]:
            if variant.size_px is None:
                return 3, 0, variant.bandwidth
            wide, high = variant.size_px
            if (wide, high) == (width_px, height_px):
                return 0, 0, variant.bandwidth
            covers = wide >= width_px and high >= height_px
            return (1, wide * high, variant.bandwidth) if covers else (2, -wide * high, variant.bandwidth)

        return min(seen, key=distance)


@dataclass(frozen=True)
class MediaPlaylist:
    """Segments, the newest last; `last` is the media sequence number of that one."""

    segments: Sequence[Segment]
    last: int

    def newest(self, clip_s: float) -> Sequence[Segment]:
        """The fewest last segments that cover `clip_s` seconds and belong together.

        None of them lies before a discontinuity, a gap, or another initialisation. Raises `UnreadablePlaylist` where
        there are none, or they are encrypted.
        """
        chosen: list[Segment] = []
        for segment in reversed(self.segments):
            if segment.gap or (chosen and segment.init != chosen[-1].init):
                break
            chosen.append(segment)
            covered_s = sum(one.duration_s for one in chosen)
            if segment.after_discontinuity or covered_s >= clip_s or len(chosen) == MAX_SEGMENTS:
                break
        if not chosen:
            raise UnreadablePlaylist(
                "has no segment" if not self.segments else "has a gap in place of its last segment"
            )
        encryption = next((segment.encryption for segment in chosen if segment.encryption), None)
        if encryption:
            raise UnreadablePlaylist(f"is encrypted ({encryption})")
        return chosen[::-1]


def read_playlist(content: bytes, url: str) -> Master | MediaPlaylist:
    """A playlist that was found at `url`. Raises `UnreadablePlaylist`."""
    text = content.decode("utf-8", "replace").removeprefix("\ufeff")
    if not text.startswith("#EXTM3U"):
        raise UnreadablePlaylist("is not a playlist: it does not begin with #EXTM3U")
    if text.count("#EXT-X-KEY") > MAX_KEYS:
        raise UnreadablePlaylist(f"names more than {MAX_KEYS} keys")
    try:
        read: Any = m3u8.loads(text)
        if read.is_variant:
            return Master(tuple(_variant(playlist, url) for playlist in read.playlists))
        segments = _segments(read.segments, url)
        return MediaPlaylist(segments, _number(read.media_sequence or 0, "media sequence") + len(segments) - 1)
    except UnreadablePlaylist:
        raise
    except Exception as error:  # whatever the library stumbles over, the publisher has written it
        raise UnreadablePlaylist(f"cannot be read ({type(error).__name__})") from error


def _variant(playlist: Any, url: str) -> Variant:
    info = playlist.stream_info
    codecs = [word.strip().lower() for word in (info.codecs or "").split(",") if word.strip()]
    sound_alone = bool(codecs) and all(codec.startswith(_SOUND) for codec in codecs)
    return Variant(
        url=urljoin(url, playlist.uri),
        bandwidth=info.bandwidth or 0,
        size_px=tuple(info.resolution) if info.resolution else None,
        has_video=not sound_alone,
    )


def _segments(listed: Any, url: str) -> Sequence[Segment]:
    segments: list[Segment] = []
    ends: dict[str, int] = {}
    timed = False
    for segment in listed:
        if not segment.uri:  # parts of a segment that is not whole yet
            continue
        # The library counts on through a discontinuity, where time may jump.
        timed = segment.program_date_time is not None or (timed and not segment.discontinuity)
        piece = _piece(segment.uri, segment.byterange, url, ends)
        init = segment.init_section
        segments.append(
            Segment(
                piece=piece,
                init=_piece(init.uri, init.byterange, url, {}) if init is not None else None,
                duration_s=_duration(segment.duration),
                began=_utc(segment.current_program_date_time) if timed else None,
                encryption=_encryption(segment.key),
                after_discontinuity=bool(segment.discontinuity),
                gap=bool(segment.gap_tag),
            )
        )
    return tuple(segments)


def _piece(uri: str, byte_range: str | None, url: str, ends: dict[str, int]) -> Piece:
    """`byte_range` is `length@start`; without a start it goes on where the one before ended (4.3.2.2)."""
    address = urljoin(url, uri)
    if byte_range is None:
        return Piece(address)
    length, _, start = byte_range.partition("@")
    begin = _number(int(start), "byte range") if start else ends.get(address, 0)
    piece = Piece(address, begin, _number(int(length), "byte range"))
    if int(length) < 1:
        raise UnreadablePlaylist(f"has the byte range {byte_range[:40]!r}, which is none")
    ends[address] = piece.start + int(length)
    return piece


def _number(number: int, what: str) -> int:
    if not 0 <= number <= MAX_NUMBER:
        raise UnreadablePlaylist(f"has a {what} with a number that is below 0 or over 2^64 - 1")
    return number


def _duration(seconds: float | None) -> float:
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        raise UnreadablePlaylist("has a segment without a duration")
    if seconds > MAX_DURATION_S:
        raise UnreadablePlaylist("has a segment that lasts longer than a day")
    return float(seconds)


def _encryption(key: Any) -> str | None:
    return None if key is None or key.method in (None, "NONE") else str(key.method)[:40]


def _utc(moment: datetime | None) -> datetime | None:
    """A time without its offset could be any: it is none."""
    return moment.astimezone(UTC) if moment is not None and moment.utcoffset() is not None else None
