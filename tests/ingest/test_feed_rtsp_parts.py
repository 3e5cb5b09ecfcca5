"""The parts of the RTSP adapter, each against its standard: RTP, NAL units, SDP, Digest, transport streams, losses."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from feed_double.ts_reader import read_ts
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.stream.h264 import H264
from ingest.stream.h265 import H265
from ingest.stream.mpeg_ts import AccessUnit, transport_stream
from ingest.stream.nal import MAX_NAL_BYTES, BrokenPayload, Codec, Depacketizer, NalFormat
from ingest.stream.rtp import RtpPacket, read_packet, read_sender_report, ticks_between
from ingest.stream.rtsp_auth import Challenge, Credentials, authorization, challenges
from ingest.stream.rtsp_clip import ClipOfPackets
from ingest.stream.rtsp_sdp import UnreadableStream, VideoTrack, read_description

SPS, PPS = b"\x67\x42\x00\x1e", b"\x68\xce\x3c\x80"


# RTP


def packet(**changes: int) -> bytes:
    fields = {"first": 0x80, "second": 0xE0, "sequence": 7, "timestamp": 9000, "source": 5} | changes
    return struct.pack(">BBHII", *fields.values())


def test_a_packet_is_read_with_and_without_what_may_stand_around_its_payload() -> None:
    assert read_packet(packet() + b"abc") == RtpPacket(96, True, 7, 9000, 5, b"abc")
    contributors = packet(first=0x82) + bytes(8) + b"abc"
    extended = packet(first=0x90) + b"\xbe\xde\x00\x02" + bytes(8) + b"abc"
    padded = packet(first=0xA0) + b"abc" + b"\x00\x00\x03"
    for content in (contributors, extended, padded):
        read = read_packet(content)
        assert read is not None
        assert read.payload == b"abc"


@given(st.binary(max_size=60))
def test_whatever_comes_is_a_packet_or_none(content: bytes) -> None:
    read_packet(content)
    read_sender_report(content)


def test_a_sender_report_tells_the_time() -> None:
    """Half a second past 2026-03-12 08:00 UTC, in seconds since 1900 and their 2**-32 parts."""
    seconds = int((datetime(2026, 3, 12, 8, tzinfo=UTC) - datetime(1900, 1, 1, tzinfo=UTC)).total_seconds())
    content = struct.pack(">BBHIIIIII", 0x80, 200, 6, 5, seconds, 1 << 31, 9000, 0, 0)
    report = read_sender_report(content)
    assert report is not None
    assert report.wall_time == datetime(2026, 3, 12, 8, 0, 0, 500_000, tzinfo=UTC)
    no_clock = read_sender_report(struct.pack(">BBHIIIIII", 0x80, 200, 6, 5, 0, 0, 9000, 0, 0))
    assert no_clock is not None
    assert no_clock.wall_time is None


@given(st.integers(0, 2**32 - 1), st.integers(-(2**31), 2**31 - 1))
def test_timestamps_are_compared_across_their_wrap(earlier: int, step: int) -> None:
    assert ticks_between(earlier, (earlier + step) % 2**32) == step


# NAL units


def fragments(unit: bytes, size: int, form: NalFormat) -> list[bytes]:
    if form is H264:
        head, kind, bare = bytes([unit[0] & 0xE0 | 28]), unit[0] & 0x1F, 1
    else:
        head, kind, bare = bytes([unit[0] & 0x81 | 49 << 1, unit[1]]), unit[0] >> 1 & 0x3F, 2
    parts = [unit[at : at + size] for at in range(bare, len(unit), size)]
    last = len(parts) - 1
    return [head + bytes([(n == 0) << 7 | (n == last) << 6 | kind]) + part for n, part in enumerate(parts)]


@pytest.mark.parametrize(("form", "header"), [(H264, b"\x65"), (H265, b"\x26\x01")])
@given(body=st.binary(min_size=40, max_size=400), size=st.integers(1, 30))
def test_a_unit_in_fragments_is_the_unit(form: NalFormat, header: bytes, body: bytes, size: int) -> None:
    unit = header + body
    depacketizer = Depacketizer(form)
    units = [whole for part in fragments(unit, size, form) for whole in depacketizer.units(part)]
    assert units == [unit]


@pytest.mark.parametrize(("form", "aggregate"), [(H264, b"\x18"), (H265, b"\x60\x01")])
def test_an_aggregate_is_its_units(form: NalFormat, aggregate: bytes) -> None:
    together = aggregate + b"".join(struct.pack(">H", len(unit)) + unit for unit in (SPS, PPS))
    assert Depacketizer(form).units(together) == [SPS, PPS]


@pytest.mark.parametrize("form", [H264, H265])
def test_fragments_whose_beginning_was_missed_are_left_out(form: NalFormat) -> None:
    header = b"\x65" if form is H264 else b"\x26\x01"
    late = fragments(header + bytes(90), 30, form)[1:]
    assert [list(Depacketizer(form).units(part)) for part in late] == [[], []]


BROKEN_H264 = [b"", b"\x00", b"\x1d\x00", b"\x1c\x80", b"\x18\x00\x09abc", b"\x18", b"\x18\x00\x00"]
BROKEN_H265 = [b"", b"\x26", b"\x62\x01\x80", b"\x64\x01\x80\x00", b"\x60\x01\x00\x09abc"]


@pytest.mark.parametrize(
    ("form", "payload"), [*((H264, one) for one in BROKEN_H264), *((H265, one) for one in BROKEN_H265)]
)
def test_payloads_that_no_sender_may_send_are_refused(form: NalFormat, payload: bytes) -> None:
    with pytest.raises(BrokenPayload):
        Depacketizer(form).units(payload)


@pytest.mark.parametrize("form", [H264, H265])
def test_a_unit_without_end_is_given_up(form: NalFormat) -> None:
    begin, middle, _ = fragments((b"\x65" if form is H264 else b"\x26\x01") + bytes(180_000), 60_000, form)
    depacketizer = Depacketizer(form)
    depacketizer.units(begin)
    more = [depacketizer.units(middle) for _ in range(MAX_NAL_BYTES // 60_000 - 1)]
    assert not any(more)
    with pytest.raises(BrokenPayload, match="more than"):
        depacketizer.units(middle)


# SDP


def description(media: str, session: str = "") -> str:
    return f"v=0\r\ns=x\r\n{session}m=audio 0 RTP/AVP 0\r\na=control:a\r\n{media}"


H264_MEDIA = (
    "m=video 0 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n"
    "a=fmtp:97 profile-level-id=42001e; packetization-mode=1; sprop-parameter-sets=Z0IAHg==,aM48gA==\r\n"
    "a=control:trackID=2\r\n"
)
BASE = "rtsp://10.0.0.7/live?channel=1"


def test_the_video_track_is_found_behind_others() -> None:
    track = read_description(description(H264_MEDIA, "a=control:*\r\n"), BASE)
    assert (track.payload_type, track.form, track.parameter_sets) == (97, H264, (SPS, PPS))
    assert track.address == "rtsp://10.0.0.7/live?channel=1/trackID=2", "as VLC and FFmpeg resolve it"
    assert track.stream == BASE


def test_an_absolute_address_of_a_track_stands_for_itself() -> None:
    media = H264_MEDIA.replace("trackID=2", "rtsp://10.0.0.7:8554/x/t2")
    assert read_description(description(media), BASE).address == "rtsp://10.0.0.7:8554/x/t2"


def test_a_base_that_could_end_a_line_of_a_request_is_refused() -> None:
    with pytest.raises(UnreadableStream, match="address that is none"):
        read_description(description(H264_MEDIA), "rtsp://x/ RTSP/1.0")


def test_h265_has_three_parameter_sets_and_a_damaged_one_is_left_out() -> None:
    media = (
        "m=video 0 RTP/AVP 98\r\na=rtpmap:98 h265/90000\r\n"
        "a=fmtp:98 sprop-vps=QAE=; sprop-sps=Q*E=; sprop-pps=RAE=; sprop-max-don-diff=0\r\n"
    )
    track = read_description(description(media), BASE)
    assert (track.form, track.parameter_sets, track.address) == (H265, (b"\x40\x01", b"\x44\x01"), BASE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no video track"),
        (description(""), "no video track"),
        (description("m=video 0 RTP/AVP 26\r\n"), "payload type 26"),
        (description("m=video 0 RTP/AVP 97\r\na=rtpmap:97 VP8/90000\r\n"), "VP8"),
        (description("m=video\r\n"), "unreadable track"),
        (description(H264_MEDIA.replace("mode=1", "mode=2")), "interleaved"),
        (description(H264_MEDIA.replace("90000", "1000")), "1000 Hz"),
        (description(H264_MEDIA.replace("trackID=2", "a b")), "address"),
    ],
)
def test_what_cannot_be_sampled_says_why(text: str, said: str) -> None:
    with pytest.raises(UnreadableStream, match=said):
        read_description(text, BASE)


@given(st.text(max_size=300))
def test_whatever_a_description_says_it_is_read_or_refused(text: str) -> None:
    for form in (text, description(text), description(H264_MEDIA + text)):
        try:
            read_description(form, BASE)
        except UnreadableStream:
            continue


# Digest and Basic


def test_the_known_answers_of_digest() -> None:
    """RFC 2617, 3.5 without a quality of protection, as RTSP servers ask it; computed by hand from its formula."""
    challenge = Challenge("MD5", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5cc")
    said = authorization(challenge, Credentials("Mufasa", "Circle Of Life"), "GET", "/dir/index.html", 1)
    assert 'response="670fd8c2df070c60b045671b8b24ff02"' in said
    assert 'opaque="5cc"' in said
    assert "Circle" not in said


def test_the_safest_challenge_that_we_can_answer_comes_first() -> None:
    offered = challenges(
        [
            'Basic realm="x"',
            'Digest realm="a, \\"b\\"", nonce="1", algorithm=MD5, Digest realm="a", nonce="2", algorithm=SHA-256',
            'Digest realm="a", nonce="3", algorithm=MD5-sess',
            'Digest realm="a", nonce="4", qop="auth-int"',
            "Negotiate abc",
            "",
        ]
    )
    assert [challenge.algorithm for challenge in offered] == ["SHA-256", "MD5", None]
    assert offered[1].realm == 'a, "b"'


def test_credentials_do_not_print() -> None:
    assert "secret" not in repr(Credentials("user", "secret"))


# The transport stream


PICTURES = st.lists(
    st.tuples(
        st.lists(st.binary(min_size=1, max_size=600).map(lambda body: b"\x41" + body.replace(b"\0", b"\1"))),
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


@pytest.mark.parametrize(("codec", "stream_type"), [(Codec.H264, 0x1B), (Codec.H265, 0x24)])
@settings(max_examples=25)
@given(pictures=PICTURES)
def test_a_transport_stream_gives_back_what_was_put_in(
    codec: Codec, stream_type: int, pictures: list[tuple[list[bytes], bool]]
) -> None:
    """Whatever the lengths: packets of 188 bytes, counted, with whole tables and every picture's time."""
    units = [AccessUnit(tuple(nals), 3600 * at, key) for at, (nals, key) in enumerate(pictures)]
    kind, read = read_ts(transport_stream(codec, units))
    assert kind == stream_type
    assert [(picture.nal_units, picture.key) for picture in read] == [(one.nal_units, one.key) for one in units]
    assert [picture.pts - read[0].pts for picture in read] == [one.ticks for one in units]


def test_a_delimiter_that_was_sent_is_not_doubled_and_time_does_not_go_below_nought() -> None:
    _, (picture,) = read_ts(transport_stream(Codec.H264, [AccessUnit((b"\x09\x10", b"\x65\x01"), 0, True)]))
    assert picture.nal_units == (b"\x65\x01",)
    with pytest.raises(ValueError, match="before the clip's beginning"):
        transport_stream(Codec.H264, [AccessUnit((b"\x65\x01",), -9000, True)])


# Losses


TRACK = VideoTrack("rtsp://x/t", "rtsp://x/", 96, H264, (SPS, PPS))
GROUP = 5
PACKETS = 3


def stream(pictures: int, source: int = 5) -> list[RtpPacket]:
    """25 pictures a second, every fifth one a key picture; two slices each, the first one in two packets.

    Wraps in sequence and timestamp.
    """
    packets = []
    for at in range(pictures):
        kind = b"\x65" if at % GROUP == 0 else b"\x41"
        first, second = kind + b"\x88" + bytes([at + 1]) * 38, kind + b"\x44" + bytes([at + 1]) * 8
        for part, payload in enumerate([*fragments(first, 20, H264), second]):
            sequence, timestamp = (65_530 + PACKETS * at + part) % 65_536, (2**32 - 7200 + 3600 * at) % 2**32
            packets.append(RtpPacket(96, payload == second, sequence, timestamp, source, payload))
    return packets


def shown(clip: ClipOfPackets) -> list[int]:
    """Which pictures of `stream` the clip holds, each of them whole."""
    _, pictures = read_ts(clip.content())
    slices = [picture.nal_units[-2:] for picture in pictures]
    assert all((len(first), len(second)) == (40, 10) for first, second in slices)
    assert all(set(first[2:]) == set(second[2:]) for first, second in slices)
    return [first[2] - 1 for first, _ in slices]


def taken(packets: Sequence[RtpPacket], clip_s: float = 0.8) -> ClipOfPackets:
    clip = ClipOfPackets(TRACK, clip_s)
    for one in packets:
        if clip.complete:
            break
        clip.add(one)
    return clip


def test_a_clip_begins_at_a_key_picture_and_ends_when_it_is_long_enough() -> None:
    clip = taken(stream(40)[5:])
    assert clip.complete
    assert clip.losses == 0
    assert shown(clip) == list(range(5, 25))
    assert clip.kept_s == pytest.approx(0.76)
    _, pictures = read_ts(clip.content())
    assert pictures[0].nal_units[:2] == (SPS, PPS)


@settings(max_examples=40)
@given(lost=st.sets(st.integers(0, 119), max_size=20), again=st.dictionaries(st.integers(0, 119), st.integers(0, 119)))
def test_a_picture_is_kept_if_it_and_all_since_its_key_picture_came_whole(
    lost: set[int], again: dict[int, int]
) -> None:
    """Whatever is lost, and whatever comes once more after it has come."""
    packets = stream(40)
    clip = ClipOfPackets(TRACK, 30)
    for at, one in enumerate(packets):
        if at not in lost:
            clip.add(one)
            earlier = again.get(at, at)
            if earlier <= at and earlier not in lost:
                clip.add(packets[earlier])
    clip.finish()
    whole = [not set(range(PACKETS * at, PACKETS * at + PACKETS)) & lost for at in range(40)]
    wanted = [at for at in range(40) if all(whole[at // GROUP * GROUP : at + 1])]
    assert (shown(clip) if clip.begun else []) == wanted


def test_pictures_after_a_loss_wait_for_the_next_key_picture() -> None:
    packets = stream(40)
    clip = taken(packets[:21] + packets[22:])
    assert shown(clip) == [*range(7), *range(10, 20)]
    assert clip.losses == 1
    assert clip.kept_s == pytest.approx(0.24 + 0.36)


def test_a_sender_that_begins_anew_begins_the_clip_anew() -> None:
    clip = taken(stream(8) + stream(40, source=6))
    assert shown(clip) == list(range(20))
    leap = [
        RtpPacket(96, one.marker, (one.sequence + 8 * PACKETS) % 65_536, one.timestamp + 2**31 - 1, 5, one.payload)
        for one in stream(40)
    ]
    leapt = [
        RtpPacket(one.payload_type, one.marker, one.sequence, one.timestamp % 2**32, 5, one.payload) for one in leap
    ]
    assert shown(taken(stream(8) + leapt))[0] % GROUP == 0


def test_parameter_sets_that_come_alone_are_put_before_their_picture() -> None:
    """Some cameras send them with a marker and a timestamp of their own."""
    new_sps = b"\x67\x64\x00\x28"
    sets = [RtpPacket(96, True, 65_528, 1, 5, new_sps), RtpPacket(96, True, 65_529, 1, 5, PPS)]
    _, pictures = read_ts(taken(sets + stream(40)).content())
    assert pictures[0].nal_units[:3] == (SPS, new_sps, PPS)


def test_a_picture_that_was_cut_off_is_not_in_the_clip() -> None:
    clip = ClipOfPackets(TRACK, 30)
    for one in stream(8)[:-1]:
        clip.add(one)
    clip.finish()
    assert shown(clip) == list(range(7))


def test_the_time_of_the_first_picture_is_reckoned_from_the_report() -> None:
    clip = taken(stream(40))
    at = datetime(2026, 3, 12, 8, tzinfo=UTC)
    seconds = int((at - datetime(1900, 1, 1, tzinfo=UTC)).total_seconds())
    content = struct.pack(">BBHIIIIII", 0x80, 200, 6, 5, seconds, 0, 90_000 - 7200, 0, 0)
    report = read_sender_report(content)
    assert report is not None
    assert clip.begins_at(report) == at - timedelta(seconds=1)
