"""Reads how a stream describes itself (SDP, RFC 8866): which track is video, how it is coded, how it is asked for.

Of the first video track: its number and coding (`rtpmap`), what a decoder has to know before the first picture
(`fmtp`: RFC 6184, 8.1 and RFC 7798, 7.1), and its address (`control`: RFC 2326, appendix C).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ingest.stream.h264 import H264
from ingest.stream.h265 import H265
from ingest.stream.nal import NalFormat

_ADDRESS = re.compile(r"[!-~]{1,1000}")  # nothing that could end a line of a request
_VIDEO_CLOCK = "90000"


class UnreadableStream(ValueError):
    """A description without video that we can sample; the message says what it has."""


@dataclass(frozen=True)
class VideoTrack:
    """A track as it is asked for. `address` is that of the track, `stream` that of all tracks together."""

    address: str
    stream: str
    payload_type: int
    form: NalFormat
    parameter_sets: Sequence[bytes]


def read_description(text: str, base: str) -> VideoTrack:
    """The first video track of a description that was found at `base`. Raises `UnreadableStream`."""
    if not _ADDRESS.fullmatch(base):
        raise UnreadableStream("names itself with an address that is none")
    session, *media = _sections(text)
    for section in media:
        kind, _, payload_type = _media_line(section)
        if kind == "video":
            return _video(section, payload_type, base, _address(base, session))
    raise UnreadableStream("describes no video track")


def _sections(text: str) -> list[list[str]]:
    """The lines of the session, then those of each track, which begin with `m=`."""
    sections: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.startswith("m="):
            sections.append([])
        sections[-1].append(line.strip())
    return sections


def _media_line(section: Sequence[str]) -> tuple[str, str, str]:
    """`m=video 0 RTP/AVP 96`: kind, protocol, the first payload type."""
    words = section[0][2:].split()
    if len(words) < 4:
        raise UnreadableStream(f"has the unreadable track {section[0][:80]!r}")
    return words[0], words[2], words[3]


def _video(section: Sequence[str], payload_type: str, base: str, stream: str) -> VideoTrack:
    coding, _, clock = _attribute(section, f"rtpmap:{payload_type} ").partition("/")
    form = {"H264": H264, "H265": H265}.get(coding.strip().upper())
    if form is None or not payload_type.isascii() or not payload_type.isdigit():
        raise UnreadableStream(
            f"sends video as {coding[:40] or f'payload type {payload_type[:10]}'}, not H.264 or H.265"
        )
    if clock.strip().partition("/")[0] != _VIDEO_CLOCK:
        raise UnreadableStream(f"has a video clock of {clock[:20] or 'no'} Hz, not {_VIDEO_CLOCK}")
    parameters = _parameters(_attribute(section, f"fmtp:{payload_type} "))
    if parameters.get("packetization-mode", "0") == "2" or parameters.get("sprop-max-don-diff", "0") != "0":
        raise UnreadableStream("sends its packets in interleaved order, which no camera needs to")
    sets = ",".join(
        parameters.get(name, "") for name in ("sprop-vps", "sprop-sps", "sprop-pps", "sprop-parameter-sets")
    )
    return VideoTrack(
        address=_address(base, section),
        stream=stream,
        payload_type=int(payload_type),
        form=form,
        parameter_sets=_decoded(sets),
    )


def _attribute(section: Sequence[str], name: str) -> str:
    start = f"a={name}"
    return next((line[len(start) :].strip() for line in section if line.startswith(start)), "")


def _parameters(fmtp: str) -> Mapping[str, str]:
    pairs = (part.partition("=") for part in fmtp.split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _decoded(sets: str) -> Sequence[bytes]:
    """What cannot be read is left out: streams repeat their parameter sets before every key frame."""
    decoded = []
    for word in filter(None, (word.strip() for word in sets.split(","))):
        try:
            decoded.append(base64.b64decode(word, validate=True))
        except (binascii.Error, ValueError):
            continue
    return tuple(filter(None, decoded))


def _address(base: str, section: Sequence[str]) -> str:
    """As RTSP clients resolve it: what stands in `control` is put behind the base, whatever the base ends with."""
    control = _attribute(section, "control:")
    if control in ("", "*"):
        return base
    if not _ADDRESS.fullmatch(control):
        raise UnreadableStream("has a track whose address is not one")
    if re.match(r"rtsps?://", control, re.IGNORECASE):
        return control
    return f"{base.rstrip('/')}/{control.lstrip('/')}"
