"""From bytes to frames in memory: clips and stills, within limits, quietly, and never back to a disk.

What is decoded is recognised by its first bytes, not by its name, and its limits are checked before a picture is
decoded: the size of a still is read from its header (`ingest.header`), that of a clip from its container. What a
container does not announce, or not truly, is refused at the frame that passes the limit. A clip is walked frame by
frame, since a JamCam clip holds a single key frame and nothing can be skipped, but only the sampled frames are
converted to RGB.

FFmpeg gets bytes in memory and never a path, one decoding thread (workers run side by side; on 352x288 it is also the
fastest), four containers and no protocol at all: a playlist that calls itself a clip, or a clip that refers to another
file, can open nothing. The jailed worker (`ingest/jail`) holds what is left.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from core.records import Status
from ingest.clip import SampledClip
from ingest.decode_limits import DEFAULT_MAX_PIXELS, DecodeLimits
from ingest.file_reader import read_file
from ingest.filename import printable
from ingest.frame import Frame, Pixels
from ingest.header import HEAD_BYTES, Kind, recognise, still_header
from ingest.refusal import oversize, undecodable
from ingest.source import UnusableClip

# OpenCV reads these once, when it first needs them: set before it is imported.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET: a broken clip is an observation, not log lines
# The rest is not left to whoever started this process: options that it inherited would take the place of the list.
os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = "protocol_whitelist;none|format_whitelist;mov,matroska,avi,mpegts"
os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = str(DEFAULT_MAX_PIXELS)  # OpenCV's own guard, behind ours

import cv2

cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def open_media(path: Path, frames: int, limits: DecodeLimits) -> SampledClip:
    """Read a file within `limits` and decode it: see `open_bytes`.

    Raises `UnusableClip` as that does, and unreachable where the file is missing, no file or not readable.
    """
    return open_bytes(read_file(path, limits.max_bytes), printable(path.name), frames, limits)


def open_bytes(content: bytes, name: str, frames: int, limits: DecodeLimits) -> SampledClip:
    """Decode a clip or a still to at most `frames` evenly spaced frames; a still gives one. `name` is for messages.

    Raises `UnusableClip`: oversize (over one of `limits`, or more than the memory that this process may have),
    undecodable (not a picture or clip, empty, damaged, or broken off too early).
    """
    if frames < 1:
        raise ValueError(f"at least one frame has to be sampled, got {frames}")
    kind = _recognised(content, name, limits)
    try:
        if kind is Kind.CLIP:
            return _open_clip(_Stream(content), name, frames, limits)
        return _open_still(content, name, kind, limits)
    except MemoryError as error:
        raise _too_large(name) from error


def frame_at(path: Path, index: int, limits: DecodeLimits) -> Frame:
    """Frame `index` of a clip, counted from 0 in the order of decoding; a still has frame 0 alone.

    A clip is walked from its beginning: seeking where there is a single key frame lands elsewhere. Raises
    `UnusableClip` as `open_media` does, and undecodable where the clip ends before that frame.
    """
    if index < 0:
        raise ValueError(f"frames are counted from 0, got {index}")
    content, name = read_file(path, limits.max_bytes), printable(path.name)
    kind = _recognised(content, name, limits)
    if kind is Kind.CLIP:
        stream = _Stream(content)
        found, _ = _walk(name, _within_limits(stream, name, limits), (index,), limits, stop=index + 1)
    else:
        found = list(_open_still(content, name, kind, limits).frames[index : index + 1])
    if not found:
        raise undecodable(name, f"has no frame {index}")
    return found[0]


def _recognised(content: bytes, name: str, limits: DecodeLimits) -> Kind:
    if not content:
        raise undecodable(name, "is empty (0 bytes)")
    if len(content) > limits.max_bytes:
        raise oversize(name, f"{len(content)} bytes", "max_bytes", limits.max_bytes)
    kind = recognise(content[:HEAD_BYTES])
    if kind is None:
        raise undecodable(name, "is neither a clip (MP4, MOV, MKV, AVI, TS) nor a still (JPEG, PNG)")
    return kind


def _open_still(content: bytes, name: str, kind: Kind, limits: DecodeLimits) -> SampledClip:
    header = still_header(content, kind)
    if header is None:
        raise undecodable(name, f"is a {kind} whose header is damaged")
    _check_pixels(name, header.width_px, header.height_px, limits)
    if not header.complete:
        raise undecodable(name, f"is a {kind} that is damaged or breaks off before its end")
    try:
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error as error:
        raise _failed(error, name, f"is a damaged {kind}") from error
    if pixels is None:
        raise undecodable(name, f"is a damaged {kind}")
    return SampledClip(frames=(Frame(_as_pixels(pixels), 0.0),), duration_s=0.0, decoded_frames=1)


class _Stream(io.BytesIO):
    """Bytes for FFmpeg to read. OpenCV 5.0 ends the process with a segmentation fault where seeking raises."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a place; -1 for one that cannot be: a damaged clip refers to such."""
        try:
            return super().seek(offset, whence)
        except (ValueError, OverflowError):
            return -1


def _open_clip(stream: _Stream, name: str, frames: int, limits: DecodeLimits) -> SampledClip:
    """Two walks at most: the second only where the container promised another number of frames than it held.

    The caller holds `stream` until this returns: OpenCV 5.0 lets go of it without Python's lock, so that the process
    ends with a segmentation fault where nobody else holds it.
    """
    capture = _within_limits(stream, name, limits)
    promised = _promised_frames(capture)
    fps = _frame_rate(capture)
    sampled, decoded = _walk(name, capture, evenly_spaced(promised, frames), limits)
    if decoded < promised * limits.min_decoded_share or decoded == 0:
        raise undecodable(name, f"breaks off: {decoded} of {promised} promised frames could be decoded")
    if decoded != promised:
        sampled, decoded = _walk(name, _capture(stream, name), evenly_spaced(decoded, frames), limits)
    return SampledClip(
        frames=tuple(sampled),
        duration_s=decoded / fps,
        decoded_frames=decoded,
        decode_errors=max(0, promised - decoded),
    )


def evenly_spaced(total: int, wanted: int) -> list[int]:
    """The middles of `wanted` equal parts of `total` frames, as indices; all of them where there are fewer."""
    count = min(total, wanted)
    return [(2 * part + 1) * total // (2 * count) for part in range(count)]


def _within_limits(stream: _Stream, name: str, limits: DecodeLimits) -> cv2.VideoCapture:
    """The clip, opened; refused where what its container announces is over a limit."""
    capture = _capture(stream, name)
    promised = _promised_frames(capture)
    duration_s = promised / _frame_rate(capture)
    _check_pixels(name, int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)), limits)
    if promised > limits.max_frames:
        raise oversize(name, f"{promised} frames", "max_frames", limits.max_frames)
    if duration_s > limits.max_duration_s:
        raise oversize(name, f"{duration_s:.0f} s", "max_duration_s", limits.max_duration_s)
    return capture


def _capture(stream: _Stream, name: str) -> cv2.VideoCapture:
    stream.seek(0)
    source: Any = stream  # OpenCV takes any object with read and seek; its stubs know of another class only
    try:
        capture: cv2.VideoCapture = cv2.VideoCapture(source, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    except cv2.error as error:
        raise _failed(error, name, "cannot be opened as a clip") from error
    if not capture.isOpened():
        raise undecodable(name, "cannot be opened as a clip: it is damaged, or breaks off before its index")
    return capture


def _walk(
    name: str, capture: cv2.VideoCapture, wanted: Sequence[int], limits: DecodeLimits, stop: int | None = None
) -> tuple[list[Frame], int]:
    """Decode every frame, or the first `stop`, and keep those at the indices `wanted`.

    Returns them and the number of frames decoded. The capture is closed. Its time is told by the number of its frames
    and by their own times, and neither may be over the limit: frames may be far apart.
    """
    indices = set(wanted)
    fps = _frame_rate(capture)
    sampled: list[Frame] = []
    decoded = 0
    try:
        while decoded != stop and capture.grab():
            offset_s = max(0.0, capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
            if max(offset_s, (decoded + 1) / fps) > limits.max_duration_s:
                raise oversize(name, f"more than {limits.max_duration_s:g} s", "max_duration_s", limits.max_duration_s)
            if decoded in indices:
                given, picture = capture.retrieve()
                if not given:
                    break
                _check_pixels(name, picture.shape[1], picture.shape[0], limits)
                sampled.append(Frame(_as_pixels(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)), offset_s))
            decoded += 1
            if decoded > limits.max_frames:
                raise oversize(name, f"more than {limits.max_frames} frames", "max_frames", limits.max_frames)
    except cv2.error as error:
        raise _failed(error, name, f"cannot be decoded after frame {decoded}") from error
    finally:
        capture.release()
    if len({(frame.width_px, frame.height_px) for frame in sampled}) > 1:
        raise undecodable(name, "changes its picture size between frames")
    return sampled, decoded


def _promised_frames(capture: cv2.VideoCapture) -> int:
    """How many frames the container announces; 0 where it does not say."""
    promised = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    return int(promised) if isfinite(promised) and promised > 0 else 0


def _frame_rate(capture: cv2.VideoCapture) -> float:
    """Frames per second as announced; JamCam's 25 where the container gives none or an absurd one."""
    fps = capture.get(cv2.CAP_PROP_FPS)
    return float(fps) if isfinite(fps) and 0.1 <= fps <= 240 else 25.0


def _as_pixels(picture: cv2.typing.MatLike) -> Pixels:
    return np.ascontiguousarray(picture, dtype=np.uint8)


def _check_pixels(name: str, width_px: int, height_px: int, limits: DecodeLimits) -> None:
    if width_px * height_px > limits.max_pixels:
        size = f"{width_px}x{height_px} pixels ({width_px * height_px / 1e6:.1f} megapixels)"
        raise oversize(name, size, "max_pixels", limits.max_pixels)
    if width_px < 1 or height_px < 1:
        raise undecodable(name, "has a picture without width or height")


def _failed(error: cv2.error, name: str, what: str) -> UnusableClip:
    return _too_large(name) if error.code == cv2.Error.StsNoMem else undecodable(name, what)


def _too_large(name: str) -> UnusableClip:
    return UnusableClip(
        Status.OVERSIZE,
        f"{name} needs more memory to decode than the worker may have (memory_mb)",
        remedy="Give one of smaller pictures, or raise memory_mb of the jail",
    )
