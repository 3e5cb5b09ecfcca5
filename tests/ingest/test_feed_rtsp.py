"""The RTSP adapter against a server on loopback: what it samples, whom it tells its password, what it bears."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from feed_double.mp4_clip import Picture
from feed_double.rtsp_stream import SOURCE, Door, RtspDouble, Stream, Trouble
from feed_double.ts_reader import ReadPicture, read_ts
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import ConfigError
from core.records import REASON_LENGTH, Status
from ingest.feed import FetchFailed, Media
from ingest.feeds.rtsp import RtspConfig, RtspFeed
from ingest.fetch.guest import Budgets, Guest
from ingest.stream.rtsp_client import RtspVisit
from ingest.stream.rtsp_wire import Interleaved, Wire

NOW = datetime(2026, 3, 12, 8, tzinfo=UTC)
PASSWORD = "s3cret/pass word"
SPS, PPS = b"\x67\x42\x00\x1e", b"\x68\xce\x3c\x80"
VPS5, SPS5, PPS5 = b"\x40\x01\x0c", b"\x42\x01\x01", b"\x44\x01\xc0"


class StoppedClock:
    def now(self) -> datetime:
        return NOW

    def sleep(self, seconds: float) -> None:
        time.sleep(0)


def pictures(number: int = 75, group: int = 25, key: bytes = b"\x65\x88", other: bytes = b"\x41\x9a") -> list[Picture]:
    """Three seconds; key pictures need three packets."""
    return [
        Picture(
            nal_units=(key + bytes([at + 1]) * 3_000 if at % group == 0 else other + bytes([at + 1]) * 50,),
            ticks=3600 * at,
            key=at % group == 0,
        )
        for at in range(number)
    ]


STREAM = Stream(pictures(), (SPS, PPS))
PACKETS_OF_KEY = 3


def config(url: str, **changes: Any) -> RtspConfig:
    camera = {"id": "gate", "name": "Gate", "lat": 60.2, "lon": 24.9, "width": 640, "height": 360, "url": url}
    camera |= {"clip_s": 2.0, **changes.pop("camera", {})}
    web = {"private_networks": ["127.0.0.0/8"], "requests_per_minute": 60_000, **changes.pop("web", {})}
    return RtspConfig.model_validate({"kind": "rtsp", "cameras": [camera], "web": web, **changes})


def fetched(double: RtspDouble, environment: dict[str, str] | None = None, **changes: Any) -> Media:
    settings = config(changes.pop("url", double.url), **changes)
    guest = Guest(settings.media_web, Budgets(StoppedClock()), StoppedClock())
    try:
        feed = RtspFeed(settings, guest, StoppedClock(), environment or {})
        media = feed.fetch(feed.cameras()[0], None)
    finally:
        guest.close()
    assert media is not None
    return media


def shown(media: Media) -> list[int]:
    """The numbers of the pictures in a clip."""
    return [picture.nal_units[-1][-1] - 1 for picture in _read(media)]


def _read(media: Media) -> list[ReadPicture]:
    return list(read_ts(media.content)[1])


def test_a_clip_is_sampled_from_the_key_picture_on() -> None:
    """Whole pictures of two seconds with their times, from a server that we did not meet at its beginning."""
    with RtspDouble(replace(STREAM, begin_at=7)) as double:
        media = fetched(double)
    assert shown(media) == list(range(25, 75))
    first, *others = _read(media)
    assert first.nal_units[:2] == (SPS, PPS)
    assert first.key
    assert [picture.pts - first.pts for picture in others] == [3600 * at for at in range(1, 50)]
    assert double.visits == [["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]] or double.visits[0][-1] == "TEARDOWN"


def test_h265_is_sampled_as_well() -> None:
    frames = pictures(key=b"\x26\x01\xaf", other=b"\x02\x01\xd0")
    with RtspDouble(Stream(frames, (VPS5, SPS5, PPS5), coding="H265", sets_in_stream=True)) as double:
        media = fetched(double)
    assert shown(media) == list(range(50))
    kind, (first, *_) = read_ts(media.content)
    assert (kind, first.nal_units[:3]) == (0x24, (VPS5, SPS5, PPS5))


def test_parameter_sets_may_come_in_the_stream_alone() -> None:
    with RtspDouble(replace(STREAM, sets_in_description=False, sets_in_stream=True)) as double:
        assert _read(fetched(double))[0].nal_units[:2] == (SPS, PPS)


def test_the_guest_says_goodbye() -> None:
    with RtspDouble(STREAM, Trouble(silent_at=70)) as double:
        fetched(double, web={"read_timeout_s": 0.25})
        until = time.monotonic() + 5
        while "TEARDOWN" not in double.visits[0] and time.monotonic() < until:
            time.sleep(0.005)
    assert double.visits == [["OPTIONS", "DESCRIBE", "SETUP", "PLAY", "TEARDOWN"]]


def test_every_fetch_is_a_visit_of_its_own_also_from_many_threads() -> None:
    with RtspDouble(STREAM) as double:
        settings = config(double.url)
        guest = Guest(settings.media_web, Budgets(StoppedClock()), StoppedClock())
        feed = RtspFeed(settings, guest, StoppedClock(), {})
        clips: list[bytes] = []

        def fetch() -> None:
            media = feed.fetch(feed.cameras()[0], None)
            assert media is not None
            clips.append(media.content)

        threads = [threading.Thread(target=fetch) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        guest.close()
    assert len(clips) == 4
    assert len(set(clips)) == 1
    assert len(double.visits) == 4


# When it was filmed


@pytest.mark.parametrize("off_s", [0.0, -12.5, 29.0])
def test_the_time_is_what_the_sender_reports(off_s: float) -> None:
    filmed = NOW + timedelta(seconds=off_s)
    with RtspDouble(replace(STREAM, reported=filmed)) as double:
        event_time = fetched(double).event_time
    assert event_time is not None
    assert abs(event_time - filmed) < timedelta(milliseconds=1)


@pytest.mark.parametrize(
    "reported", [None, NOW - timedelta(hours=1), datetime(1970, 1, 1, tzinfo=UTC), NOW + timedelta(days=1)]
)
def test_a_sender_without_a_clock_or_with_a_wrong_one_films_when_it_sends(reported: datetime | None) -> None:
    with RtspDouble(replace(STREAM, reported=reported)) as double:
        assert fetched(double).event_time == NOW


# Who we are


@pytest.mark.parametrize("quality", [False, True])
@pytest.mark.parametrize("scheme", ["MD5", "SHA-256", "Basic"])
def test_a_server_that_asks_is_told_who_we_are(scheme: str, quality: bool) -> None:
    door = Door("viewer", PASSWORD, scheme, quality)
    with RtspDouble(STREAM, door=door) as double:
        login = {"user": "viewer", "password_env": "CAMERAS", "in_clear": scheme == "Basic"}
        media = fetched(double, {"CAMERAS": PASSWORD}, login=login)
    assert len(shown(media)) == 50
    assert "Authorization" not in "".join(double.heads[:2]), "nobody is told who does not ask"
    assert PASSWORD not in "".join(double.heads)


def test_a_nonce_that_has_aged_is_taken_anew() -> None:
    with RtspDouble(STREAM, door=Door("viewer", PASSWORD, quality=True, nonces=("a", "b", "c"))) as double:
        fetched(double, camera={"login": {"user": "viewer", "password": PASSWORD}})
    assert double.visits[0][:3] == ["OPTIONS", "DESCRIBE", "DESCRIBE"]


@pytest.mark.parametrize("scheme", ["MD5", "SHA-256", "Basic"])
def test_a_wrong_password_is_tried_once_and_never_told(scheme: str, caplog: pytest.LogCaptureFixture) -> None:
    with RtspDouble(STREAM, door=Door("viewer", "another", scheme)) as double, pytest.raises(FetchFailed) as failed:
        fetched(double, login={"user": "viewer", "password": PASSWORD, "in_clear": True})
    assert "not accepted" in failed.value.message
    assert double.visits[0] == ["OPTIONS", "DESCRIBE", "DESCRIBE"]
    said = f"{failed.value!s} {failed.value!r} {caplog.text} {failed.value.remedy}"
    assert PASSWORD not in said
    assert "viewer" not in said


def test_a_password_is_not_sent_in_clear_unasked() -> None:
    """Whoever stands between us and the camera can ask for Basic."""
    door = Door("viewer", PASSWORD, "Basic")
    with RtspDouble(STREAM, door=door) as double, pytest.raises(FetchFailed, match="takes no Digest") as failed:
        fetched(double, login={"user": "viewer", "password": PASSWORD})
    assert "in_clear" in failed.value.remedy
    assert not any("Authorization" in head for head in double.heads)


def test_a_login_that_is_missing_says_what_to_set() -> None:
    with RtspDouble(STREAM, door=Door("viewer", PASSWORD)) as double, pytest.raises(FetchFailed, match="password_env"):
        fetched(double)
    with pytest.raises(ConfigError, match="CAMERAS is not set"):
        fetched(double, login={"user": "viewer", "password_env": "CAMERAS"})


def test_a_configuration_shows_no_password() -> None:
    settings = config("rtsp://10.0.0.7/a", login={"user": "viewer", "password": PASSWORD})
    assert PASSWORD not in f"{settings!r} {settings.model_dump_json()}"


@pytest.mark.parametrize(
    "url",
    [
        f"rtsp://viewer:{PASSWORD}@10.0.0.7/a", "rtsp://10.0.0.7:99999/a", "rtsp://10.0.0.7/a b",
        "rtsp://10.0.0.7/\r\nX: y", "rtsps://10.0.0.7/a", "http://10.0.0.7/a", "rtsp://", "rtsp://[::1/a", "file:///etc/passwd",
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="url") as refusal:
        config(url)
    assert PASSWORD not in str(refusal.value)
    assert ("under login" in str(refusal.value)) == ("@" in url)


def test_a_camera_stands_in_the_list_once() -> None:
    camera = {"id": "gate", "name": "Gate", "lat": 60.2, "lon": 24.9, "url": "rtsp://10.0.0.7/a"}
    with pytest.raises(ValueError, match="'gate' stands in the list twice"):
        RtspConfig.model_validate({"kind": "rtsp", "cameras": [camera, camera]})
    with pytest.raises(ValueError, match="lists no camera"):
        RtspConfig.model_validate({"kind": "rtsp", "cameras": []})


def test_only_the_hosts_of_the_cameras_are_connected_to() -> None:
    assert config("rtsp://cam.example.org/a").media_web.hosts == ("cam.example.org",)
    with RtspDouble(STREAM) as double, pytest.raises(FetchFailed, match="not a public address"):
        fetched(double, web={"private_networks": []})
    assert double.visits == []


# Faults


def refused(trouble: Trouble, stream: Stream = STREAM, **changes: Any) -> FetchFailed:
    changes.setdefault("web", {"read_timeout_s": 0.25})
    with RtspDouble(stream, trouble) as double, pytest.raises(FetchFailed) as failed:
        fetched(double, **changes)
    assert failed.value.remedy
    assert len(str(failed.value)) < REASON_LENGTH
    return failed.value


def test_lost_packets_leave_a_hole_and_no_broken_picture() -> None:
    """Picture 10 loses its only packet: 10 to 24 are not taken, and the times of the rest stay theirs."""
    with RtspDouble(STREAM, Trouble(lost=frozenset({PACKETS_OF_KEY + 9}))) as double:
        media = fetched(double)
    assert shown(media) == [*range(10), *range(25, 50)]
    assert [picture.pts - _read(media)[0].pts for picture in _read(media)[9:11]] == [9 * 3600, 25 * 3600]


def test_a_line_that_loses_too_much_is_unreachable() -> None:
    failed = refused(Trouble(lost=frozenset(range(5, 5000, 8))))
    assert failed.status is Status.UNREACHABLE
    assert "lost packets" in failed.message
    assert "of 2 s came" in failed.message


@pytest.mark.parametrize("fault", ["hangs_up_at", "silent_at", "garbage_at", "truncated_at"])
def test_a_stream_that_breaks_off_early_is_unreachable_and_late_is_a_shorter_clip(fault: str) -> None:
    early = refused(Trouble(**{fault: 20}))
    assert "0.6 of 2 s came" in early.message or "0.7 of 2 s came" in early.message
    with RtspDouble(STREAM, Trouble(**{fault: 40})) as double:
        media = fetched(double, web={"read_timeout_s": 0.25})
    assert shown(media) == list(range(36)) or shown(media) == list(range(35))


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (Trouble(hangs_up_at=0), "ended the connection: it sent no key frame"),
        (Trouble(silent_at=0), "is silent: it sent no key frame"),
        (Trouble(garbage_at=0), "does not speak RTSP: it sent no key frame"),
        (Trouble(answers={"OPTIONS": b"HTTP/1.1 400 Bad Request\r\n\r\n"}), "does not speak RTSP"),
        (Trouble(answers={"OPTIONS": b"SSH-2.0-OpenSSH_9.2\r\n"}), "is silent"),
        (Trouble(answers={"OPTIONS": b"\x16\x03\x01"}), "does not speak RTSP"),
        (Trouble(answers={"DESCRIBE": b"RTSP/1.0 200 OK\r\nX: a\x1bb\r\n\r\n"}), "does not speak RTSP"),
        (Trouble(answers={"DESCRIBE": b"RTSP/1.0 200 OK\r\nX: " + b"a" * 20_000}), "header of more than 16384 bytes"),
        (Trouble(answers={"DESCRIBE": b"RTSP/1.0 200 OK\r\nContent-Length: 99999999999\r\n\r\n"}), "announces a body"),
        (Trouble(answers={"DESCRIBE": b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n"}), "announces a body"),
        (Trouble(answers={"DESCRIBE": b"RTSP/1.0 200 OK\r\nCSeq: {cseq}\r\n\r\n"}), "describes no video track"),
        (Trouble(answers={"SETUP": b"RTSP/1.0 200 OK\r\nCSeq: {cseq}\r\n\r\n"}), "opens no session"),
        (
            Trouble(answers={"SETUP": b"RTSP/1.0 200 OK\r\nSession: 1\r\nTransport: RTP/AVP;client_port=1-2\r\n\r\n"}),
            "does not send over the connection",
        ),
        (
            Trouble(answers={"SETUP": b"RTSP/1.0 200 OK\r\nSession: 1\r\nTransport: RTP/AVP/TCP;interleaved=\r\n\r\n"}),
            "names the channel",
        ),
        (Trouble(answers={"DESCRIBE": b"RTSP/1.0 404 Not Found\r\n\r\n"}), "404 Not Found"),
        (Trouble(answers={"PLAY": b"RTSP/1.0 454 Session Not Found\r\n\r\n"}), "PLAY with 454"),
        (Trouble(chatter=b"REDIRECT rtsp://x RTSP/1.0\r\nCSeq: 1\r\n\r\n"), "go elsewhere, which is not followed"),
        (Trouble(description="v=0\r\nm=video 0 RTP/AVP 26\r\n"), "payload type 26"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_said(trouble: Trouble, said: str) -> None:
    failed = refused(trouble)
    assert said in failed.message
    assert failed.status is (Status.WITHDRAWN if "404" in said else Status.UNREACHABLE)


def test_a_redirect_is_not_followed() -> None:
    moved = b"RTSP/1.0 302 Moved\r\nCSeq: {cseq}\r\nLocation: rtsp://10.1.2.3/a\r\n\r\n"
    assert "not followed" in refused(Trouble(answers={"DESCRIBE": moved})).message


def test_a_server_that_is_full_says_when_to_come_back() -> None:
    full = b"RTSP/1.0 503 Service Unavailable\r\nCSeq: {cseq}\r\nRetry-After: 40\r\n\r\n"
    assert refused(Trouble(answers={"DESCRIBE": full})).retry_after_s == 40.0


def test_a_stream_without_key_pictures_is_waited_for_and_no_longer() -> None:
    never = replace(STREAM, pictures=[picture for picture in STREAM.pictures if not picture.key])
    began = time.monotonic()
    failed = refused(Trouble(), never, key_frame_wait_s=0.2, web={"max_bytes": 1 << 30})
    assert "no key frame" in failed.message
    assert time.monotonic() - began < 5


def test_a_stream_without_measure_is_oversize() -> None:
    failed = refused(Trouble(), web={"max_bytes": 20_000})
    assert (failed.status, "max_bytes = 20,000" in failed.message) == (Status.OVERSIZE, True)


def test_a_server_that_answers_byte_by_byte_does_not_hold_us_up() -> None:
    began = time.monotonic()
    failed = refused(Trouble(every_byte_s=0.01), web={"read_timeout_s": 0.25, "deadline_s": 0.5})
    assert "takes too long" in failed.message
    assert time.monotonic() - began < 5


def test_packets_and_talk_before_the_answer_to_play_are_borne() -> None:
    chatter = b"$\x00\x00\x00" + b"$\x09\x00\x04abcd" + b"OPTIONS * RTSP/1.0\r\nCSeq: 9\r\n\r\n"
    with RtspDouble(STREAM, Trouble(chatter=chatter)) as double:
        assert len(shown(fetched(double))) == 50


def test_another_sender_in_the_middle_begins_the_clip_anew() -> None:
    with RtspDouble(STREAM, Trouble(source_of=lambda number: SOURCE + (number >= 20))) as double:
        assert shown(fetched(double))[0] == 25


def test_a_sender_that_begins_anew_for_ever_does_not_hold_us_up() -> None:
    began = time.monotonic()
    trouble = Trouble(source_of=lambda number: number // 9, pace_s=0.001)
    failed = refused(trouble, key_frame_wait_s=0.2, camera={"clip_s": 0.4}, web={"read_timeout_s": 5})
    assert "takes too long" in failed.message
    assert time.monotonic() - began < 5


class OneSided:
    """A connection on which the other side has said all that it will say."""

    def __init__(self, said: bytes) -> None:
        self._said = said

    def settimeout(self, seconds: float) -> None:
        assert seconds > 0

    def recv(self, most: int) -> bytes:
        taken, self._said = self._said[: min(most, 7)], self._said[min(most, 7) :]
        return taken


@given(
    said=st.binary(max_size=200),
    begin=st.sampled_from([b"", b"$\x00", b"RTSP/1.0 200 OK\r\n", b"RTSP/1.0 200\r\n\r\n"]),
)
@settings(max_examples=60)
def test_whatever_comes_over_the_wire_is_read_or_refused(said: bytes, begin: bytes) -> None:
    connection: Any = OneSided(begin + said)
    wire = Wire(connection, "cam", read_timeout_s=5, max_bytes=1000)

    def read_on() -> None:
        while True:
            wire.receive()

    with pytest.raises(FetchFailed):
        read_on()


class SendingWire:
    """Stands for a connection on which packets come without end, one a second."""

    def __init__(self, passing: list[float]) -> None:
        self.sent: list[str] = []
        self._passing = passing

    def receive(self) -> Interleaved:
        self._passing[0] += 1.0
        return Interleaved(0, b"")

    def send(self, message: bytes) -> None:
        self.sent.append(message.decode())

    def close(self) -> None:
        return None


def test_a_long_visit_is_kept_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice in the time after which a server ends a session that says nothing: RFC 2326, 12.37."""
    passing = [0.0]
    monkeypatch.setattr("ingest.stream.rtsp_client.time.monotonic", lambda: passing[0])
    wire: Any = SendingWire(passing)
    with RtspVisit(wire, "rtsp://cam/a", "cam", "busyness", None) as visit:
        for _ in zip(range(125), visit.packets(), strict=False):
            pass
    assert [message.split(" ", 1)[0] for message in wire.sent] == ["OPTIONS"] * 4
    assert "User-Agent: busyness\r\n" in wire.sent[0]
