"""Real clips, streamed and sampled, decode to the pixels of the file: by our own server, by GStreamer's, and by HLS."""

from __future__ import annotations

import io
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from feed_double.hls_stream import HlsDouble, mp4_segments, playlist, ts_segments
from feed_double.mp4_clip import TICKS_PER_S, RecordedClip, read_mp4
from feed_double.rtsp_stream import Door, RtspDouble, Stream, Trouble
from numpy.typing import NDArray

from core.clock import SystemClock
from ingest.decode import open_bytes
from ingest.decode_limits import DecodeLimits
from ingest.feed import FetchFailed
from ingest.feeds.hls import HlsConfig, HlsFeed
from ingest.feeds.rtsp import RtspConfig, RtspFeed
from ingest.fetch.guest import Budgets, Guest

SERVER = Path(__file__).parent.parent / "feed_double" / "gstreamer_server.py"
WEB = {"private_networks": ["127.0.0.1/32"], "requests_per_minute": 60_000}
CLIPS = ("clips/00001.07450.mp4", "days/04254/00_1489017728620.mp4", "clips/2019-07-02_09-01-45.122302_00001.03601.mp4")
SOME = [CLIPS[0], *(pytest.param(clip, marks=pytest.mark.slow) for clip in CLIPS[1:])]

Pictures = tuple[NDArray[Any], ...]


@pytest.fixture(params=SOME)
def recorded(request: pytest.FixtureRequest, shared_data: Path) -> Path:
    return shared_data / "jamcam" / request.param


@cache
def decoded(source: str | bytes) -> tuple[Pictures, list[float], float]:
    """Pictures, when each is shown in milliseconds, and how many the container promises."""
    opened: Any = io.BytesIO(source) if isinstance(source, bytes) else source
    capture = cv2.VideoCapture(opened, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    promised = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    pictures = []
    times_ms = []
    while capture.grab():
        times_ms.append(capture.get(cv2.CAP_PROP_POS_MSEC))
        pictures.append(capture.retrieve()[1])
    capture.release()
    return tuple(pictures), times_ms, promised


def same_film(content: bytes, path: Path, begin: int = 0, end: int | None = None) -> None:
    """The content decodes to the pictures [begin, end) of the file, pixel by pixel and at the same times."""
    pictures, times_ms, promised = decoded(content)
    wanted, wanted_ms, _ = decoded(path.read_bytes())
    wanted, wanted_ms = wanted[begin:end], wanted_ms[begin:end]
    assert len(pictures) == len(wanted) == promised
    assert all(np.array_equal(one, other) for one, other in zip(pictures, wanted, strict=True))
    assert times_ms == pytest.approx([at_ms - wanted_ms[0] for at_ms in wanted_ms], abs=1)


def by_rtsp(url: str, clip_s: float, **changes: Any) -> bytes:
    camera = {"id": "gate", "name": "Gate", "lat": 51.5, "lon": -0.1, "url": url, "clip_s": clip_s}
    config = RtspConfig.model_validate({"kind": "rtsp", "cameras": [camera], "web": WEB, **changes})
    guest = Guest(config.media_web, Budgets(SystemClock()), SystemClock())
    try:
        feed = RtspFeed(config, guest, SystemClock())
        media = feed.fetch(feed.cameras()[0], None)
    finally:
        guest.close()
    assert media is not None
    return media.content


def test_what_rtsp_samples_is_the_film(recorded: Path) -> None:
    clip = read_mp4(recorded)
    with RtspDouble(Stream(clip.pictures, clip.parameter_sets), Trouble(ends=True)) as double:
        same_film(by_rtsp(double.url, 10), recorded)
        same_film(by_rtsp(double.url, 4), recorded, end=100)


def test_the_worker_that_counts_opens_it(recorded: Path) -> None:
    """Within its limits: so many frames at such times, also of a stream that has been running for hours."""
    clip = later(read_mp4(recorded), 9 * 3600 * TICKS_PER_S)
    with RtspDouble(Stream(clip.pictures, clip.parameter_sets)) as double:
        content = by_rtsp(double.url, 8)
    sampled = open_bytes(content, "gate", 4, DecodeLimits())
    assert (sampled.decoded_frames, sampled.decode_errors) == (200, 0)
    assert sampled.duration_s == pytest.approx(8.0)
    assert [frame.offset_s for frame in sampled.frames] == pytest.approx([1.0, 3.0, 5.0, 7.0], abs=0.001)


def test_what_rtsp_samples_after_a_loss_is_the_film_with_a_hole(recorded: Path) -> None:
    """The clip is sent twice over; a packet of the first round is lost, and the second one begins with a key frame."""
    clip = read_mp4(recorded)
    with RtspDouble(Stream(clip.pictures, clip.parameter_sets), Trouble(lost=frozenset({90}))) as double:
        pictures, times_ms, _ = decoded(by_rtsp(double.url, 15))
    film, _, _ = decoded(recorded.read_bytes())
    hole = next(at for at, (one, two) in enumerate(pairwise(times_ms)) if two - one > 100) + 1
    assert len(pictures) - hole > 100
    assert all(np.array_equal(one, other) for one, other in zip(pictures, [*film[:hole], *film], strict=False))


def hls_files(clip: RecordedClip, form: str) -> dict[str, bytes]:
    if form == "ts":
        parts, head = ts_segments(clip, 2), ""
        files = {}
    else:
        init, parts = mp4_segments(clip, 2)
        files, head = {"/init.mp4": init}, '#EXT-X-MAP:URI="init.mp4"'
    names = [f"{at}.{form}" for at in range(len(parts))]
    files |= {f"/{name}": part for name, part in zip(names, parts, strict=True)}
    return files | {"/live.m3u8": playlist(names, 2, head=head)}


def later(clip: RecordedClip, ticks: int) -> RecordedClip:
    """The clip as a stream shows it that has been running for hours."""
    return replace(clip, pictures=tuple(replace(one, ticks=one.ticks + ticks) for one in clip.pictures))


@pytest.mark.parametrize("form", ["ts", "m4s"])
def test_what_hls_samples_is_the_film(recorded: Path, form: str) -> None:
    """Though the stream's own time is far from nought: what is promised is what is there."""
    with HlsDouble(hls_files(later(read_mp4(recorded), 9 * 3600 * TICKS_PER_S), form)) as double:
        camera = {"id": "gate", "name": "Gate", "lat": 51.5, "lon": -0.1, "url": f"{double.url}/live.m3u8"}
        config = HlsConfig.model_validate({"kind": "hls", "cameras": [camera], "web": WEB})
        guest = Guest(config.media_web, Budgets(SystemClock()), SystemClock())
        feed = HlsFeed(config, guest)
        media = feed.fetch(feed.cameras()[0], None)
        guest.close()
    assert media is not None
    same_film(media.content, recorded)


@contextmanager
def gstreamer(path: Path, user: str, password: str) -> Iterator[str]:
    command = ["/usr/bin/python3", str(SERVER), str(path.resolve()), user, password]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield f"rtsp://127.0.0.1:{server.stdout.readline().strip()}/street"
        finally:
            server.kill()


@pytest.mark.service
def test_a_server_that_is_not_ours_is_sampled(shared_data: Path) -> None:
    """GStreamer's RTSP server asks for a Digest and sends in real time."""
    path = shared_data / "jamcam" / CLIPS[0]
    login: Callable[[str], dict[str, str]] = lambda password: {"user": "viewer", "password": password}  # noqa: E731
    with gstreamer(path, "viewer", "pass word") as url:
        began = time.monotonic()
        same_film(by_rtsp(url, 2, login=login("pass word")), path, end=50)
        assert 1.5 < time.monotonic() - began < 15
        with pytest.raises(FetchFailed, match="not accepted"):
            by_rtsp(url, 2, login=login("wrong"))


def test_the_server_of_these_tests_is_one_for_ffmpeg_too(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FFmpeg reads from the double what the file holds, so the double speaks RTSP and not only what we understand."""
    film, _, _ = decoded(recorded.read_bytes())
    clip = read_mp4(recorded)
    stream, door = Stream(clip.pictures, clip.parameter_sets), Door("viewer", "password")
    monkeypatch.setenv("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp|protocol_whitelist;tcp,rtp,rtsp")
    with RtspDouble(stream, Trouble(ends=True), door) as double:
        pictures, _, _ = decoded(double.url.replace("rtsp://", "rtsp://viewer:password@"))
    assert len(pictures) == len(film)
    assert all(np.array_equal(one, other) for one, other in zip(pictures, film, strict=True))
