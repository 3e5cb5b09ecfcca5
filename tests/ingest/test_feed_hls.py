"""The HLS adapter against a publisher on loopback, and playlists of every kind against RFC 8216."""

from __future__ import annotations

import struct
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from feed_double.hls_stream import HlsDouble, playlist
from hypothesis import given, settings
from hypothesis import strategies as st

from core.clock import SystemClock
from core.records import Status
from ingest.feed import FetchFailed, Media, Version
from ingest.feeds.hls import HlsConfig, HlsFeed
from ingest.fetch.guest import Budgets, Guest
from ingest.stream.fmp4 import from_zero
from ingest.stream.hls_playlist import (
    MAX_KEYS,
    MAX_PLAYLIST_BYTES,
    Master,
    MediaPlaylist,
    Piece,
    UnreadablePlaylist,
    read_playlist,
)

URL = "https://cdn.example.org/cam/live.m3u8?token=abc"
SEGMENTS = {f"/cam/{at}.ts": bytes([at]) * 500 for at in range(8)}
NAMES = [f"{at}.ts" for at in range(8)]


def media_playlist(content: bytes) -> MediaPlaylist:
    read = read_playlist(content, URL)
    assert isinstance(read, MediaPlaylist)
    return read


def fetched(
    double: HlsDouble, known: Version | None = None, path: str = "/cam/live.m3u8", **changes: Any
) -> Media | None:
    camera = {"id": "gate", "name": "Gate", "lat": 60.2, "lon": 24.9, "url": f"{double.url}{path}", "clip_s": 5.0}
    camera |= changes.pop("camera", {})
    web = {"private_networks": ["127.0.0.1/32"], "requests_per_minute": 60_000, "attempts": 1, **changes.pop("web", {})}
    config = HlsConfig.model_validate({"kind": "hls", "cameras": [camera], "web": web, **changes})
    guest = Guest(config.media_web, Budgets(SystemClock()), SystemClock())
    try:
        feed = HlsFeed(config, guest)
        return feed.fetch(feed.cameras()[0], known)
    finally:
        guest.close()


def refused(double: HlsDouble, **changes: Any) -> FetchFailed:
    with pytest.raises(FetchFailed) as failed:
        fetched(double, **changes)
    assert failed.value.message
    return failed.value


def publish(*segments: str, first: int = 0, head: str = "", seconds: float = 2.0) -> dict[str, bytes]:
    return SEGMENTS | {"/cam/live.m3u8": playlist(segments or NAMES, seconds, first=first, head=head)}


# The adapter


def test_the_newest_segments_that_cover_the_clip_are_fetched_once() -> None:
    with HlsDouble(publish(first=40)) as double:
        media = fetched(double)
        assert media is not None
        assert media.content == SEGMENTS["/cam/5.ts"] + SEGMENTS["/cam/6.ts"] + SEGMENTS["/cam/7.ts"]
        assert media.version == Version(etag="47")
        assert fetched(double, media.version) is None, "the same sequence is nothing new"
        assert double.asked.count("/cam/7.ts") == 1
        double.files |= publish(*NAMES[1:], "0.ts", first=41)
        newer = fetched(double, media.version)
        assert newer is not None
        assert newer.content.endswith(SEGMENTS["/cam/0.ts"])


def test_a_rendition_of_the_size_of_the_camera_is_taken() -> None:
    renditions = (
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100,RESOLUTION=320x180\nlow/live.m3u8\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=900,RESOLUTION=640x360\n/cam/live.m3u8\n"
    )
    with HlsDouble(publish() | {"/main.m3u8": renditions.encode()}) as double:
        fetched(double, path="/main.m3u8", camera={"width": 640, "height": 360})
        assert double.asked[:2] == ["/main.m3u8", "/cam/live.m3u8"]
        double.files["/cam/live.m3u8"] = renditions.encode()
        failed = refused(double, path="/main.m3u8", camera={"width": 640, "height": 360})
    assert "renditions where its segments should be" in failed.message


def test_time_is_that_of_the_playlist_by_our_clock() -> None:
    """The publisher's clock is an hour ahead, and says so in its answers."""
    now = datetime.now(UTC).replace(microsecond=0)
    ahead = timedelta(hours=1)
    head = f"#EXT-X-PROGRAM-DATE-TIME:{now + ahead - timedelta(seconds=16):%Y-%m-%dT%H:%M:%S.250+00:00}"
    with HlsDouble(publish(head=head), ahead=ahead) as double:
        media = fetched(double)
    assert media is not None
    assert media.event_time == now - timedelta(seconds=6) + timedelta(milliseconds=250)
    assert media.version.modified == media.event_time + ahead


def test_without_a_time_in_the_playlist_it_is_that_of_the_last_segment() -> None:
    """A segment is written when it has ended."""
    written = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=4)
    with HlsDouble(publish(), modified=written) as double:
        media = fetched(double)
        assert media is not None
        assert media.event_time == written - timedelta(seconds=6)
        double.modified = None
        untold = fetched(double)
    assert untold is not None
    assert untold.event_time is None


def test_a_time_that_has_not_come_yet_is_not_taken() -> None:
    with HlsDouble(publish(head="#EXT-X-PROGRAM-DATE-TIME:2099-01-01T00:00:00Z")) as double:
        media = fetched(double)
    assert media is not None
    assert media.event_time is None


@pytest.mark.parametrize("ranges", [True, False])
def test_byte_ranges_are_cut_from_one_resource(ranges: bool) -> None:
    """Also where the server sends the whole, as it may. The third range goes on where the second ended."""
    content = bytes(range(256)) * 4
    names = ["#EXT-X-BYTERANGE:100@50\nall.ts", "#EXT-X-BYTERANGE:10@300\nall.ts", "#EXT-X-BYTERANGE:20\nall.ts"]
    with HlsDouble(publish(*names) | {"/cam/all.ts": content}, ranges=ranges) as double:
        media = fetched(double)
        assert media is not None
        assert media.content == content[50:150] + content[300:330]
        double.files |= publish("#EXT-X-BYTERANGE:100@1000\nall.ts")
        assert "does not have the bytes" in refused(double).message


def test_an_initialisation_stands_before_its_segments() -> None:
    with HlsDouble(publish(*NAMES[:4], '#EXT-X-MAP:URI="new.mp4"\n4.ts', "5.ts") | {"/cam/new.mp4": b"init"}) as double:
        media = fetched(double)
    assert media is not None
    assert media.content == b"init" + SEGMENTS["/cam/4.ts"] + SEGMENTS["/cam/5.ts"], "none of another initialisation"


@pytest.mark.parametrize(
    "uri",
    [
        "https://elsewhere.example.org/7.ts",
        "http://127.0.0.2/7.ts",
        "file:///etc/passwd",
        "data:video/mp2t;base64,Rw==",
    ],
)
def test_a_segment_elsewhere_is_refused(uri: str) -> None:
    with HlsDouble(publish(uri)) as double:
        failed = refused(double)
    assert failed.status is Status.UNREACHABLE
    assert "is not ask" in failed.message


def test_a_segment_that_redirects_elsewhere_is_refused() -> None:
    with HlsDouble(publish("7.ts"), redirects={"/cam/7.ts": "http://169.254.169.254/latest/meta-data"}) as double:
        failed = refused(double)
    assert "redirects" in failed.message
    assert "169.254.169.254:80 is not asked" in failed.message


def test_a_segment_that_has_gone_is_no_camera_that_has_gone() -> None:
    with HlsDouble(publish("9.ts")) as double:
        assert refused(double).status is Status.UNREACHABLE


def test_clips_and_playlists_are_bounded() -> None:
    with HlsDouble(publish()) as double:
        assert refused(double, web={"max_bytes": 1200}).status is Status.OVERSIZE
        double.files |= publish("#EXT-X-BYTERANGE:2000@0\n7.ts")
        assert refused(double, web={"max_bytes": 1200}).status is Status.OVERSIZE
        double.files["/cam/live.m3u8"] = b"#EXTM3U\n" * (MAX_PLAYLIST_BYTES // 8 + 1)
        assert refused(double).status is Status.OVERSIZE


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<html>sorry</html>", "is not a playlist"),
        (b"", "is not a playlist"),
        (playlist(["7.ts"], 2, head='#EXT-X-KEY:METHOD=AES-128,URI="k"'), "is encrypted (AES-128)"),
        (playlist([], 2), "has no segment"),
        (playlist(["6.ts", "#EXT-X-GAP\n7.ts"], 2), "has a gap"),
        (playlist(["7.ts"], 2).replace(b"2.000", b"nan"), "has a segment without a duration"),
        (playlist(["7.ts"], 2).replace(b"2.000", b"never"), "cannot be read (ValueError)"),
        (playlist(["#EXT-X-BYTERANGE:-5@0\n7.ts"], 2), "byte range"),
        (b"#EXTM3U\n" + b"#EXT-X-KEY:METHOD=NONE\n" * (MAX_KEYS + 1), f"more than {MAX_KEYS} keys"),
        (b'#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="mp4a.40.2"\na.m3u8\n', "no variant with a picture"),
    ],
)
def test_a_playlist_that_gives_no_clip_says_why(content: bytes, said: str) -> None:
    with HlsDouble(SEGMENTS | {"/cam/live.m3u8": content}) as double:
        failed = refused(double, path="/cam/live.m3u8?token=abc")
    assert said in failed.message
    assert "token=abc" not in failed.message
    assert failed.status is Status.UNREACHABLE


# Playlists


def test_only_what_follows_the_last_discontinuity_belongs_together() -> None:
    names = [*NAMES[:5], "#EXT-X-DISCONTINUITY\n5.ts", "6.ts"]
    newest = media_playlist(playlist(names, 2)).newest(10)
    assert [segment.piece.url[-4:] for segment in newest] == ["5.ts", "6.ts"]


def test_a_gap_and_an_encrypted_past_do_not_matter_to_what_comes_after() -> None:
    names = ['#EXT-X-KEY:METHOD=AES-128,URI="k"\n0.ts', "#EXT-X-KEY:METHOD=NONE\n#EXT-X-GAP\n1.ts", "2.ts", "3.ts"]
    newest = media_playlist(playlist(names, 2)).newest(10)
    assert [segment.piece.url[-4:] for segment in newest] == ["2.ts", "3.ts"]


def test_time_does_not_run_on_through_a_discontinuity() -> None:
    names = ["#EXT-X-PROGRAM-DATE-TIME:2026-03-12T10:00:00.000+02:00\n0.ts", "1.ts", "#EXT-X-DISCONTINUITY\n2.ts"]
    began = [segment.began for segment in media_playlist(playlist(names, 2)).segments]
    assert began == [datetime(2026, 3, 12, 8, tzinfo=UTC), datetime(2026, 3, 12, 8, 0, 2, tzinfo=UTC), None]


def test_a_time_without_an_offset_is_none() -> None:
    listed = media_playlist(playlist(["#EXT-X-PROGRAM-DATE-TIME:2026-03-12T10:00:00\n0.ts"], 2))
    assert listed.segments[0].began is None


def test_parts_of_a_segment_that_is_not_whole_yet_are_left_out() -> None:
    """Low latency: RFC 8216 bis, 4.4.4.9."""
    content = playlist(
        ["0.ts"], 2, tail='#EXT-X-PART:DURATION=0.5,URI="1.0.ts"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI="1.1.ts"'
    )
    listed = media_playlist(content)
    assert ([segment.piece for segment in listed.segments], listed.last) == (
        [Piece("https://cdn.example.org/cam/0.ts")],
        0,
    )


@pytest.mark.parametrize(
    ("size_px", "wanted"),
    [((640, 360), "b"), ((352, 288), "b"), ((1000, 500), "d"), ((4000, 3000), "d"), ((100, 100), "a")],
)
def test_the_rendition_is_the_smallest_that_covers_the_camera(size_px: tuple[int, int], wanted: str) -> None:
    content = (
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100,RESOLUTION=320x180\na\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=500,RESOLUTION=640x360\nb\n#EXT-X-STREAM-INF:BANDWIDTH=900,RESOLUTION=640x360\nc\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=2000,RESOLUTION=1280x720\nd\n#EXT-X-STREAM-INF:BANDWIDTH=1\ne\n"
        '#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=640x360,CODECS="mp4a.40.2"\nf\n'
    )
    read = read_playlist(content.encode(), "https://cdn.example.org/")
    assert isinstance(read, Master)
    assert read.best(*size_px).url == f"https://cdn.example.org/{wanted}"


TAGS = st.sampled_from(
    [
        "#EXTINF:2,", "#EXTINF:x", "#EXTINF:1e999,", "#EXT-X-BYTERANGE:1@", "#EXT-X-BYTERANGE:a", "#EXT-X-MAP:URI=",
        "#EXT-X-KEY:", "#EXT-X-KEY:METHOD=NONE", "#EXT-X-MEDIA-SEQUENCE:x", "#EXT-X-MEDIA-SEQUENCE:-4", "a.ts", "\0",
        "#EXT-X-PROGRAM-DATE-TIME:x", "#EXT-X-PROGRAM-DATE-TIME:9999-12-31T23:59:59Z", "#EXT-X-PART:URI", "http://[x",
        "#EXT-X-STREAM-INF:RESOLUTION=ax1", "#EXT-X-STREAM-INF:", "#EXT-X-SKIP:SKIPPED-SEGMENTS=3",
        "#EXT-X-DISCONTINUITY", "#EXT-X-ENDLIST",
    ]
)  # fmt: skip


@settings(max_examples=60)
@given(st.lists(st.one_of(TAGS, st.text(max_size=20)), max_size=12))
def test_whatever_a_playlist_says_it_is_read_or_refused(lines: list[str]) -> None:
    try:
        read = read_playlist("\n".join(["#EXTM3U", *lines]).encode(), URL)
        if isinstance(read, MediaPlaylist):
            read.newest(10)
        else:
            read.best(352, 288)
    except UnreadablePlaylist:
        return


# Fragments


def box(name: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I4s", len(body) + 8, name) + body


def fragment(time: int, track: int = 1, wide: bool = True) -> bytes:
    stamp = struct.pack(">BxxxQ" if wide else ">BxxxI", wide, time)
    head = box(b"tfhd", struct.pack(">II", 0, track))
    return box(b"sidx", bytes(12)) + box(b"moof", box(b"mfhd", bytes(8)), box(b"traf", head, box(b"tfdt", stamp)))


def test_fragments_of_each_track_begin_at_nought() -> None:
    init = box(b"ftyp", b"iso6") + box(b"moov", b"anything")
    live = [
        fragment(9_000_000),
        fragment(440, track=2, wide=False),
        fragment(9_180_000),
        fragment(441, track=2, wide=False),
    ]
    zero = [fragment(0), fragment(0, track=2, wide=False), fragment(180_000), fragment(1, track=2, wide=False)]
    assert from_zero(init + b"".join(live)) == (init + b"".join(zero)).replace(b"sidx", b"free")


@given(st.binary(max_size=80), st.integers(0, 90))
def test_what_is_damaged_is_left_as_long_as_it_was(noise: bytes, cut: int) -> None:
    for content in (noise, fragment(7)[:cut] + noise, box(b"moof", noise), box(b"moof", box(b"traf", noise))):
        assert len(from_zero(content)) == len(content)


@pytest.mark.parametrize(
    ("head", "seconds", "said"),
    [
        (f"#EXT-X-MEDIA-SEQUENCE:{'9' * 300}", 2.0, "media sequence with a number"),
        ("#EXT-X-MEDIA-SEQUENCE:-5", 2.0, "media sequence with a number"),
        ("", 1e300, "longer than a day"),
    ],
)
def test_figures_that_no_stream_has_are_refused(head: str, seconds: float, said: str) -> None:
    """A version's name has at most 200 characters, and a time can be moved by so much and no more."""
    text = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n{head}\n#EXTINF:{seconds},\na.ts\n".encode()
    with pytest.raises(UnreadablePlaylist, match=said):
        read_playlist(text, URL)


@pytest.mark.parametrize("byte_range", [f"5@{'9' * 4300}", f"{'9' * 4299}@0", "5@-1"])
def test_a_byte_range_beyond_every_file_is_refused(byte_range: str) -> None:
    text = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n#EXT-X-BYTERANGE:{byte_range}\na.ts\n".encode()
    with pytest.raises(UnreadablePlaylist):
        read_playlist(text, URL)


@pytest.mark.parametrize("head", ["", "#EXT-X-PROGRAM-DATE-TIME:9999-12-31T23:59:59Z"])
def test_a_time_at_the_end_of_the_calendar_is_not_taken(head: str) -> None:
    written = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    with HlsDouble(publish("7.ts", head=head), modified=written) as double, suppress(FetchFailed):
        media = fetched(double)
        assert media is not None
        assert media.event_time is None
