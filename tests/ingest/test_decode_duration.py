"""The longest clip is as long whatever its container says: it is refused at the frame that passes the limit."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from core.records import Status
from ingest import decode
from ingest.decode import frame_at, open_bytes, open_media
from ingest.decode_limits import DecodeLimits
from ingest.source import UnusableClip

LIMITS = DecodeLimits(max_duration_s=20)

_DURATION = bytes.fromhex("448988")  # RFC 9559, 5.1.2: how long the segment is, a float of 8 bytes


def a_frame_a_second(path: Path, frames: int) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 1.0, (32, 32))
    assert writer.isOpened()
    for level in range(frames):
        writer.write(np.full((32, 32, 3), level, np.uint8))
    writer.release()
    return path


def unannounced(path: Path) -> Path:
    """The clip, where its container had said how long it is, has eleven bytes of nothing (EBMLVoid)."""
    content = bytearray(path.read_bytes())
    at = content.index(_DURATION)
    content[at : at + 11] = b"\xec\x89" + bytes(9)
    path.write_bytes(content)
    return path


class Walked:
    """Counts the frames that are decoded of every clip that is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.frames = 0
        walked, opened = self, decode._capture

        class Counting:
            def __init__(self, capture: cv2.VideoCapture) -> None:
                self._capture = capture

            def __getattr__(self, name: str) -> object:
                walked.frames += name == "grab"
                return getattr(self._capture, name)

        monkeypatch.setattr(decode, "_capture", lambda stream, name: Counting(opened(stream, name)))


def test_a_clip_that_does_not_say_how_long_it_is_is_refused_when_it_is_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = unannounced(a_frame_a_second(tmp_path / "clip.mkv", 60))
    walked = Walked(monkeypatch)
    with pytest.raises(UnusableClip) as caught:
        open_media(path, 4, LIMITS)
    assert caught.value.status is Status.OVERSIZE
    assert caught.value.message == "clip.mkv has more than 20 s, over the limit max_duration_s = 20"
    assert caught.value.remedy
    assert walked.frames == 21, "what comes after the limit is not decoded"


def test_one_that_does_not_say_it_and_is_not_too_long_is_whole(tmp_path: Path) -> None:
    clip = open_media(unannounced(a_frame_a_second(tmp_path / "clip.mkv", 20)), 4, LIMITS)
    assert (clip.duration_s, clip.decoded_frames, clip.decode_errors) == (20, 20, 0)
    assert [frame.offset_s for frame in clip.frames] == [2, 7, 12, 17]


def test_frames_that_are_further_apart_than_announced_are_told_by_their_own_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixty frames at a hundred a second would be half a second."""
    path = unannounced(a_frame_a_second(tmp_path / "clip.mkv", 60))
    walked = Walked(monkeypatch)
    monkeypatch.setattr(decode, "_frame_rate", lambda _: 100.0)
    with pytest.raises(UnusableClip, match="more than 20 s"):
        open_media(path, 4, LIMITS)
    assert walked.frames == 22


def test_a_single_frame_is_held_to_it_too(tmp_path: Path) -> None:
    path = unannounced(a_frame_a_second(tmp_path / "clip.mkv", 60))
    assert frame_at(path, 19, LIMITS).width_px == 32
    with pytest.raises(UnusableClip, match="more than 20 s"):
        frame_at(path, 20, LIMITS)


def test_a_clip_of_just_the_longest_time_is_decoded(tmp_path: Path) -> None:
    content = a_frame_a_second(tmp_path / "clip.mkv", 20).read_bytes()
    assert open_bytes(content, "clip", 4, LIMITS).duration_s == 20
