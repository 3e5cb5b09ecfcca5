"""Clips and stills become sampled frames, or one clear reason; nothing else."""

from __future__ import annotations

import contextlib
import os
import stat
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from core.records import ClipReady, Status
from ingest import decode
from ingest.decode import evenly_spaced, frame_at, open_bytes, open_media
from ingest.decode_limits import DecodeLimits
from ingest.file_reader import FileReader, read_file
from ingest.source import UnusableClip

LIMITS = DecodeLimits()


def write_clip(path: Path, frames: int = 50, size: tuple[int, int] = (64, 48), code: str = "MJPG") -> Path:
    """A clip at 25 frames/s whose frame k is red with level 4 k, over dark blue."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*code), 25.0, size)
    assert writer.isOpened()
    for index in range(frames):
        picture = np.zeros((size[1], size[0], 3), np.uint8)
        picture[:] = (30, 0, 4 * index)  # OpenCV writes blue, green, red
        writer.write(picture)
    writer.release()
    return path


def refused(path: Path, limits: DecodeLimits = LIMITS) -> UnusableClip:
    with pytest.raises(UnusableClip) as caught:
        open_media(path, 8, limits)
    return caught.value


@given(total=st.integers(0, 5000), wanted=st.integers(1, 64))
def test_samples_are_the_middles_of_equal_parts(total: int, wanted: int) -> None:
    indices = evenly_spaced(total, wanted)
    assert len(indices) == len(set(indices)) == min(total, wanted)
    assert indices == sorted(indices)
    if indices:
        assert indices[0] >= 0
        assert indices[-1] < total
        assert abs(indices[0] - (total - 1 - indices[-1])) <= 1, "as far from the beginning as from the end"
        gaps = np.diff(indices)
        assert gaps.size == 0 or gaps.max() - gaps.min() <= 1


def test_a_clip_gives_evenly_spaced_rgb_frames_oldest_first(tmp_path: Path) -> None:
    clip = open_media(write_clip(tmp_path / "clip.avi"), 5, LIMITS)
    assert (clip.decoded_frames, clip.decode_errors, clip.duration_s) == (50, 0, 2.0)
    red = [int(np.median(frame.pixels[..., 0])) for frame in clip.frames]
    assert red == pytest.approx([4 * index for index in (5, 15, 25, 35, 45)], abs=6)
    assert int(np.median(clip.frames[0].pixels[..., 2])) == pytest.approx(30, abs=6), "blue is the third channel"
    assert [frame.offset_s for frame in clip.frames] == pytest.approx([0.2, 0.6, 1.0, 1.4, 1.8])


@pytest.mark.parametrize("code", ["MJPG", "mp4v"])
def test_a_frame_is_found_by_its_index(tmp_path: Path, code: str) -> None:
    """In mp4v, frames between the key frames are differences: only a walk from the beginning gives them right."""
    path = write_clip(tmp_path / ("clip.avi" if code == "MJPG" else "clip.mp4"), code=code)
    for index in (0, 17, 49):
        frame = frame_at(path, index, LIMITS)
        assert int(np.median(frame.pixels[..., 0])) == pytest.approx(4 * index, abs=6)
        assert frame.offset_s == pytest.approx(index / 25)


def test_a_frame_that_is_not_there_says_so(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.avi")
    still = tmp_path / "still.png"
    cv2.imwrite(str(still), np.full((40, 60, 3), (10, 20, 230), np.uint8))
    assert frame_at(still, 0, LIMITS).pixels[20, 30].max() == 230
    for path, index in ((clip, 50), (still, 1)):
        with pytest.raises(UnusableClip, match=f"{path.name} has no frame {index}") as caught:
            frame_at(path, index, LIMITS)
        assert caught.value.status is Status.UNDECODABLE
    with pytest.raises(ValueError, match="counted from 0"):
        frame_at(clip, -1, LIMITS)


@pytest.mark.parametrize(
    "limits", [DecodeLimits(max_bytes=1000), DecodeLimits(max_pixels=1000), DecodeLimits(max_frames=49)]
)
def test_a_single_frame_is_held_to_the_limits_of_its_clip(tmp_path: Path, limits: DecodeLimits) -> None:
    with pytest.raises(UnusableClip) as caught:
        frame_at(write_clip(tmp_path / "clip.avi"), 0, limits)
    assert caught.value.status is Status.OVERSIZE


def test_a_name_that_is_not_utf8_is_opened_and_named_in_print(tmp_path: Path) -> None:
    """OpenCV would end the process on such a `str`; a message with one could be neither printed nor stored."""
    path = tmp_path / os.fsdecode(b"\xff.mp4")
    try:
        write_clip(tmp_path / "clip.mp4", code="mp4v").rename(path)
    except OSError:
        pytest.skip("needs a file system that takes any bytes as a name")
    assert len(open_media(path, 4, LIMITS).frames) == 4
    assert refused(path, DecodeLimits(max_bytes=1000)).message.startswith(r"\xff.mp4 has ")
    path.write_bytes(path.read_bytes()[:500])
    assert refused(path).message.startswith(r"\xff.mp4 cannot be opened")
    path.unlink()
    assert refused(path).message.startswith(r"\xff.mp4 cannot be read")
    path.mkdir()
    assert refused(path).message == r"\xff.mp4 is not a file"


def test_a_clip_with_fewer_frames_than_wanted_gives_them_all(tmp_path: Path) -> None:
    assert len(open_media(write_clip(tmp_path / "clip.mp4", frames=3, code="mp4v"), 8, LIMITS).frames) == 3


def test_a_clip_is_recognised_by_its_content_whatever_its_name(tmp_path: Path) -> None:
    named = write_clip(tmp_path / "clip.avi").rename(tmp_path / "http:odd 100%d name.txt")
    assert len(open_media(named, 4, LIMITS).frames) == 4


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_still_gives_one_rgb_frame(tmp_path: Path, suffix: str, channels: int) -> None:
    path = tmp_path / f"still{suffix}"
    picture = np.full((40, 60, channels), 200, np.uint8)
    if channels > 1:
        picture[..., :3] = (10, 20, 230)
    cv2.imwrite(str(path), picture[..., : 3 if suffix == ".jpg" and channels == 4 else channels])
    clip = open_media(path, 8, LIMITS)
    (frame,) = clip.frames
    assert (frame.width_px, frame.height_px, frame.offset_s, clip.duration_s) == (60, 40, 0.0, 0.0)
    assert [int(level) for level in frame.pixels[20, 30]] == pytest.approx(
        [200] * 3 if channels == 1 else [230, 20, 10], abs=6
    )


def _text(path: Path) -> None:
    path.write_text("not a clip\n" * 500)


def _playlist(path: Path) -> None:
    path.write_text(f"#EXTM3U\n#EXTINF:10,\n{path}\n#EXT-X-ENDLIST\n")


def _clip_without_its_end(path: Path) -> None:
    whole = write_clip(path, code="mp4v").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def _still_without_its_end(path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (200, 300, 3), np.uint8)
    content = cv2.imencode(".jpg", noise)[1].tobytes()
    path.write_bytes(content[: len(content) // 2])


def _damaged_png(path: Path) -> None:
    content = bytearray(cv2.imencode(".png", np.random.default_rng(1).integers(0, 255, (50, 50, 3), np.uint8))[1])
    content[60:200] = bytes(140)
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (_text, "neither a clip"),
        (_playlist, "neither a clip"),
        (lambda path: path.write_bytes(b""), "empty"),
        (lambda path: path.write_bytes(b"\xff\xd8\xff\xe0"), "header is damaged"),
        (lambda path: path.write_bytes(b"\0\0\0\x20ftypisom" + bytes(3000)), "cannot be opened"),
        (_clip_without_its_end, "breaks off before its index"),
        (_still_without_its_end, "JPEG that is damaged or breaks off"),
        (_damaged_png, "PNG that is damaged"),
    ],
)
def test_what_cannot_be_decoded_says_so(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], make: Callable[[Path], object], says: str
) -> None:
    path = tmp_path / "06710.mp4"
    make(path)
    error = refused(path)
    assert error.status is Status.UNDECODABLE
    assert "06710.mp4" in error.message
    assert says in error.message
    assert error.remedy
    assert capfd.readouterr() == ("", ""), "decoders print nothing"


def test_what_is_not_there_is_unreachable(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.mp4", tmp_path, tmp_path / "no\0name"):
        error = refused(path)
        assert error.status is Status.UNREACHABLE
        assert path.name in error.message


def _png_header(width_px: int, height_px: int) -> bytes:
    return (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBB", 13, b"IHDR", width_px, height_px, 8, 2, 0, 0, 0) + bytes(64)
    )


def _jpeg_header(width_px: int, height_px: int) -> bytes:
    thumbnail = b"\xff\xe1" + struct.pack(">H", 40) + bytes(38)
    return b"\xff\xd8" + thumbnail + b"\xff\xff\xc0" + struct.pack(">HBHH", 17, 8, height_px, width_px) + bytes(64)


@pytest.mark.parametrize("header", [_png_header, _jpeg_header])
def test_a_100_megapixel_image_is_refused_from_its_header_alone(
    tmp_path: Path, header: Callable[[int, int], bytes]
) -> None:
    path = tmp_path / "huge.jpg"
    path.write_bytes(header(12_000, 9_000))  # no pixel follows: nothing could be decoded
    error = refused(path)
    assert error.status is Status.OVERSIZE
    assert "12000x9000 pixels (108.0 megapixels)" in error.message
    assert "max_pixels = 8,294,400" in error.message


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (DecodeLimits(max_bytes=1000), "max_bytes"),
        (DecodeLimits(max_pixels=1000), "64x48 pixels"),
        (DecodeLimits(max_duration_s=1.5), "2 s, over the limit max_duration_s = 1.5"),
        (DecodeLimits(max_frames=49), "50 frames, over the limit max_frames = 49"),
    ],
)
def test_every_limit_is_named_with_what_exceeds_it(tmp_path: Path, limits: DecodeLimits, says: str) -> None:
    error = refused(write_clip(tmp_path / "clip.avi"), limits)
    assert error.status is Status.OVERSIZE
    assert says in error.message


def test_a_limit_is_positive_and_known() -> None:
    for wrong in ({"max_bytes": 0}, {"max_pixels": -1}, {"min_decoded_share": 1.5}, {"max_colour": 3}):
        with pytest.raises(ValidationError):
            DecodeLimits.model_validate(wrong)


def test_a_clip_that_breaks_off_late_counts_with_what_it_has(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.avi")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.75)])
    clip = open_media(path, 6, LIMITS)
    assert 30 <= clip.decoded_frames < 50
    assert clip.decode_errors == 50 - clip.decoded_frames
    assert clip.duration_s == clip.decoded_frames / 25
    red = [int(np.median(frame.pixels[..., 0])) for frame in clip.frames]
    expected = [4 * index for index in evenly_spaced(clip.decoded_frames, 6)]
    assert red == pytest.approx(expected, abs=6), "the samples are spread over the decoded part"


def test_a_clip_that_breaks_off_early_says_how_much_of_it_was_decoded(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.avi")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.35)])
    error = refused(path)
    assert error.status is Status.UNDECODABLE
    assert "of 50 promised frames could be decoded" in error.message


@settings(max_examples=60, deadline=None)
@given(
    start=st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"\0\0\0\x20ftypisom", b"RIFF\0\0\0\0AVI LIST"]),
    rest=st.binary(max_size=400),
)
def test_no_bytes_whatever_crash_the_decoder(start: bytes, rest: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        path.write_bytes(start + rest)
        with contextlib.suppress(UnusableClip):
            assert open_media(path, 3, LIMITS).frames


def test_the_reader_gives_the_bytes_of_a_reference_and_decoding_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_clip(tmp_path / "clip.avi")
    monkeypatch.chdir(tmp_path)
    reference = ClipReady.model_validate(
        {"camera": "06710", "event_time": "2017-03-09T08:00:00Z", "location": str(path)}
    )
    content = FileReader(LIMITS.max_bytes).read(reference)
    assert content == path.read_bytes()
    assert len(open_bytes(content, path.name, 4, LIMITS).frames) == 4
    assert list(tmp_path.iterdir()) == [path]


def test_a_real_clip_is_whole(shared_data: Path) -> None:
    clip = open_media(shared_data / "jamcam" / "clips" / "clip_3.mp4", 8, LIMITS)
    assert len(clip.frames) == 8
    assert {(frame.width_px, frame.height_px) for frame in clip.frames} == {(352, 288)}
    assert (clip.decoded_frames, clip.decode_errors, clip.duration_s) == (232, 0, 9.28)


@pytest.mark.parametrize(
    ("suffix", "code"),
    [("mp4", "mp4v"), ("mov", "mp4v"), ("mkv", "mp4v"), ("webm", "VP80"), ("avi", "MJPG"), ("ts", "mp4v")],
)
def test_every_container_is_decoded_from_memory(tmp_path: Path, suffix: str, code: str) -> None:
    content = write_clip(tmp_path / f"clip.{suffix}", code=code).read_bytes()
    clip = open_bytes(content, "clip", 5, LIMITS)
    assert (clip.decoded_frames, clip.duration_s) == (50, 2.0)
    red = [int(np.median(frame.pixels[..., 0])) for frame in clip.frames]
    assert red == pytest.approx([4 * index for index in (5, 15, 25, 35, 45)], abs=8)


def test_bytes_are_held_to_the_limits_and_named_in_what_is_said(tmp_path: Path) -> None:
    content = write_clip(tmp_path / "clip.avi").read_bytes()
    with pytest.raises(UnusableClip, match=r"^06710\.mp4 has \d+ bytes, over the limit max_bytes = 1,000") as caught:
        open_bytes(content, "06710.mp4", 5, DecodeLimits(max_bytes=1000))
    assert caught.value.status is Status.OVERSIZE
    with pytest.raises(ValueError, match="at least one frame"):
        open_bytes(content, "06710.mp4", 0, LIMITS)


def test_a_file_that_grows_while_it_is_read_is_still_held_to_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(bytes(1000))
    shrunk = os.stat_result((stat.S_IFREG, *[0] * 5, 10, *[0] * 3))
    monkeypatch.setattr(Path, "stat", lambda *_, **__: shrunk)
    with pytest.raises(UnusableClip, match="more than 100 bytes"):
        read_file(path, 100)


@pytest.mark.parametrize(
    "text",
    ["#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{path}\n#EXT-X-ENDLIST\n", "ffconcat version 1.0\nfile {path}\n"],
)
def test_ffmpeg_itself_opens_no_other_file_for_a_playlist(tmp_path: Path, text: str) -> None:
    """Past `recognise`, which refuses it first: neither the format nor any protocol is allowed to it."""
    sound = write_clip(tmp_path / "sound.ts", code="mp4v")
    with pytest.raises(UnusableClip, match="cannot be opened"):
        decode._capture(decode._Stream(text.format(path=sound).encode()), "list")


def test_a_clip_that_refers_to_another_file_does_not_get_it(tmp_path: Path) -> None:
    """An MP4 may say that its samples lie elsewhere (`dref`, ISO/IEC 14496-12, 8.7.2): there is no elsewhere."""
    content = write_clip(tmp_path / "clip.mp4", code="mp4v").read_bytes()
    at = content.index(b"dref")
    elsewhere = b"file://" + os.fsencode(tmp_path / "clip.mp4") + b"\0"
    entry = struct.pack(">I4sI", 12 + len(elsewhere), b"url ", 0) + elsewhere
    referring = content[: at + 4] + struct.pack(">II", 0, 1) + entry + content[at + 4 + 8 + 12 :]

    def decoded() -> int | str:
        try:
            return open_bytes(referring, "clip", 2, LIMITS).decoded_frames
        except UnusableClip as error:
            return error.message

    with_it = decoded()
    (tmp_path / "clip.mp4").unlink()
    assert decoded() == with_it, "whether the other file is there makes no difference"


def test_a_place_that_cannot_be_is_answered_and_not_raised() -> None:
    """OpenCV 5.0 would end the process; damaged indices do ask for such places."""
    stream = decode._Stream(b"clip")
    assert [stream.seek(-5), stream.seek(1 << 80), stream.seek(2), stream.seek(0, 2), stream.seek(0, 99)] == [
        -1, -1, 2, 4, -1,
    ]  # fmt: skip


def test_a_decoder_without_memory_says_which_limit_to_raise(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    still = cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes()

    def no_memory(*_: object) -> None:
        raise MemoryError

    def opencv_without_memory(*_: object) -> None:
        error = cv2.error("Insufficient memory")
        error.code = cv2.Error.StsNoMem
        raise error

    for fail in (no_memory, opencv_without_memory):
        monkeypatch.setattr(cv2, "imdecode", fail)
        with pytest.raises(UnusableClip, match="raise memory_mb of the jail") as caught:
            open_bytes(still, "still.png", 1, LIMITS)
        assert caught.value.status is Status.OVERSIZE


def test_the_environment_cannot_take_the_allow_list_of_ffmpeg_away() -> None:
    """Outside the jail, whose child gets few variables, what was inherited would be what FFmpeg goes by."""
    inherited = {"OPENCV_FFMPEG_CAPTURE_OPTIONS": "protocol_whitelist;file", "OPENCV_IO_MAX_IMAGE_PIXELS": "1"}
    asked = f"import os, ingest.decode; print([os.environ[name] for name in {tuple(inherited)}])"
    told = subprocess.run(
        [sys.executable, "-c", asked], env=dict(os.environ) | inherited, cwd=Path(__file__).parents[2],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "protocol_whitelist;none|format_whitelist;mov" in told
    assert str(3840 * 2160) in told
