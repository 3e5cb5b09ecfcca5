"""The faults of the feed double do what they say; one that a publisher cannot play is refused."""

from __future__ import annotations

import gzip
import hashlib
import json
import struct
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from doubled_london import BUCKET, CARD, CLIP, OTHER, S3, START, always, clip_of, doubles, get, tfl
from feed_double.config import DoubleConfig, Fleet
from feed_double.double import FeedDouble
from feed_double.faults import ANSWER, CONTENT, LISTING, Fault, FaultKind, PathClass
from feed_double.media import dimension_bomb, gzip_bomb
from hand_clock import HandClock


@pytest.fixture
def clock() -> HandClock:
    return HandClock(START)


@pytest.fixture
def doubled(clock: HandClock) -> Iterator[Callable[..., FeedDouble]]:
    with doubles(clock) as start:
        yield start


# -- faults: what is published ----------------------------------------------------------------------------------


def editions(double: FeedDouble, clock: HandClock) -> tuple[httpx.Response, httpx.Response]:
    """A camera's clip, and the one of ten minutes later."""
    first = clip_of(double)
    clock.sleep(600)
    return first, clip_of(double)


@pytest.mark.parametrize(
    ("kind", "same_bytes", "same_etag", "same_modified"),
    [
        (FaultKind.FROZEN_STILL, True, True, True),
        (FaultKind.FROZEN_TOUCHED, True, True, False),
        (FaultKind.FROZEN_RETAGGED, True, False, False),
    ],
)
def test_a_frozen_feed_gives_the_same_bytes(
    kind: FaultKind,
    same_bytes: bool,
    same_etag: bool,
    same_modified: bool,
    doubled: Callable[..., FeedDouble],
    clock: HandClock,
) -> None:
    one, two = editions(doubled(always(kind)), clock)
    assert (one.content == two.content) is same_bytes
    assert (one.headers["etag"] == two.headers["etag"]) is same_etag
    assert (one.headers["last-modified"] == two.headers["last-modified"]) is same_modified


def test_spoiled_clips_are_what_their_fault_says(doubled: Callable[..., FeedDouble]) -> None:
    def published(kind: FaultKind, **parameters: Any) -> bytes:
        return clip_of(doubled(always(kind, **parameters))).content

    whole = clip_of(doubled()).content
    assert published(FaultKind.PLACEHOLDER).startswith(CARD)
    assert OTHER[16:200] in published(FaultKind.MOVED_VIEW)
    corrupt = published(FaultKind.CORRUPT)
    assert len(corrupt) == len(whole)
    assert corrupt[:1000] == whole[:1000]
    assert corrupt != whole
    assert len(published(FaultKind.CUT_CLIP, share=0.25)) == len(whole) // 4
    assert published(FaultKind.EMPTY) == b""
    assert published(FaultKind.DIMENSION_BOMB, format="png")[16:24] == struct.pack(">II", 60_000, 60_000)


def test_the_placeholder_still_is_a_flat_grey_card(doubled: Callable[..., FeedDouble]) -> None:
    double = doubled(always(FaultKind.PLACEHOLDER))
    still = get(double, "tfl_bucket", f"{BUCKET}/00009.00000.jpg").content
    card = cv2.imdecode(np.frombuffer(still, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert card.shape == (288, 352)
    assert np.mean(np.abs(card.astype(int) - 128) < 8) > 0.8


def test_a_bomb_in_a_header_is_small_and_says_that_it_is_large(shared_data: Path) -> None:
    for form in ("png", "jpeg"):
        assert len(dimension_bomb(form)) < 4096
    clip = next((shared_data / "jamcam" / "days" / "04254").glob("*.mp4")).read_bytes()
    lying = dimension_bomb("mp4", clip)
    assert len(lying) == len(clip)
    assert struct.pack(">HH", 60_000, 60_000) in lying


# -- faults: how it is answered ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "parameters", "status"),
    [
        (FaultKind.NOT_MODIFIED, {}, 304),
        (FaultKind.NOT_FOUND, {}, 404),
        (FaultKind.FORBIDDEN, {}, 403),
        (FaultKind.TOO_MANY, {}, 429),
        (FaultKind.SERVER_ERROR, {"status": 500}, 500),
        (FaultKind.SKEWED, {}, 200),
    ],
)
def test_a_status_is_played(
    kind: FaultKind, parameters: dict[str, Any], status: int, doubled: Callable[..., FeedDouble]
) -> None:
    double = doubled(always(kind, **parameters))
    assert clip_of(double).status_code == status
    assert clip_of(double, 1).status_code == 200
    assert double.ledger.requests[0].fault == kind


def test_retry_after_comes_in_both_ways(doubled: Callable[..., FeedDouble]) -> None:
    seconds = clip_of(doubled(always(FaultKind.TOO_MANY, retry_after_s=90)))
    date = clip_of(doubled(always(FaultKind.TOO_MANY, retry_after_s=90, as_date=True)))
    assert seconds.headers["retry-after"] == "90"
    assert parsedate_to_datetime(date.headers["retry-after"]) == START + timedelta(seconds=90)


def test_errors_come_in_bursts(doubled: Callable[..., FeedDouble], clock: HandClock) -> None:
    double, statuses = doubled(always(FaultKind.SERVER_ERROR, every_s=60, for_s=20)), []
    for _ in range(6):
        statuses.append(clip_of(double).status_code)
        clock.sleep(20)
    assert statuses == [503, 200, 200] * 2


def test_a_body_breaks_off(doubled: Callable[..., FeedDouble]) -> None:
    for kind, broken in (
        (FaultKind.TRUNCATED, httpx.RemoteProtocolError),
        (FaultKind.RESET, (httpx.ReadError, httpx.RemoteProtocolError)),
    ):
        double = doubled(always(kind))
        with pytest.raises(broken):
            clip_of(double)
        assert {version.served for version in double.ledger.versions} == {0}


def test_a_body_stalls_or_trickles(doubled: Callable[..., FeedDouble]) -> None:
    stalled = doubled(always(FaultKind.STALLED))
    with pytest.raises(httpx.ReadTimeout), httpx.Client(trust_env=False, timeout=0.05) as client:
        client.get(f"{stalled.addresses['tfl_bucket']}{BUCKET}/00009.00000.mp4")
    slow = clip_of(doubled(always(FaultKind.SLOW, bytes_per_s=40_000)))
    assert slow.elapsed > timedelta(seconds=0.05)
    assert hashlib.md5(slow.content).hexdigest() in slow.headers["etag"]


def test_headers_lie_about_type_and_length(doubled: Callable[..., FeedDouble]) -> None:
    assert clip_of(doubled(always(FaultKind.WRONG_TYPE))).headers["content-type"] == "text/html"
    shorter = clip_of(doubled(always(FaultKind.WRONG_LENGTH, factor=0.5)))
    assert CLIP.startswith(shorter.content)
    with pytest.raises(httpx.RemoteProtocolError):
        clip_of(doubled(always(FaultKind.WRONG_LENGTH, factor=2)))


def test_something_else_comes_with_200(doubled: Callable[..., FeedDouble]) -> None:
    page = clip_of(doubled(always(FaultKind.WEB_PAGE)))
    assert page.status_code == 200
    assert page.text.startswith("<!DOCTYPE html>")
    large = clip_of(doubled(always(FaultKind.OVERSIZE, mebibytes=3)))
    assert len(large.content) == int(large.headers["content-length"]) == 3 << 20
    unannounced = clip_of(doubled(always(FaultKind.OVERSIZE, mebibytes=2, announced=False)))
    assert "content-length" not in unannounced.headers
    assert len(unannounced.content) == 2 << 20


def test_a_gzip_bomb_is_a_thousandth_of_what_it_unpacks_to(doubled: Callable[..., FeedDouble]) -> None:
    bomb = gzip_bomb(8)
    assert gzip.decompress(bomb) == bytes(8 << 20)
    assert len(bomb) < 16 << 10
    answer = clip_of(doubled(always(FaultKind.GZIP_BOMB, mebibytes=8)))
    assert len(answer.content) == 8 << 20


def test_clocks_are_skewed_together_or_alone(doubled: Callable[..., FeedDouble]) -> None:
    def times(double: FeedDouble) -> tuple[datetime, datetime]:
        answer = clip_of(double)
        return parsedate_to_datetime(answer.headers["date"]), parsedate_to_datetime(answer.headers["last-modified"])

    right, made = times(doubled())
    hours = timedelta(hours=5)
    assert times(doubled(always(FaultKind.SKEWED, hours=5))) == (right + hours, made + hours)
    assert times(doubled(always(FaultKind.SKEWED_MODIFIED, hours=5))) == (right, made + hours)


def test_redirects_lead_astray_or_round_in_circles(doubled: Callable[..., FeedDouble]) -> None:
    targets = ["http://127.0.0.2:9/", "http://example.org/"]
    double = doubled(always(FaultKind.REDIRECT, targets=targets), always(FaultKind.REDIRECT_LOOP, 1))
    assert [clip_of(double).headers["location"] for _ in range(3)] == [*targets, targets[0]]
    with httpx.Client(trust_env=False, follow_redirects=True) as client, pytest.raises(httpx.TooManyRedirects):
        client.get(f"{double.addresses['tfl_bucket']}{BUCKET}/00009.00001.mp4")


# -- faults: lists ----------------------------------------------------------------------------------------------


def test_the_list_changes_and_lies(doubled: Callable[..., FeedDouble], clock: HandClock) -> None:
    def one(kind: FaultKind, index: int, **parameters: Any) -> Fault:
        return Fault(kind, (f"00009.{index:05d}",), from_s=0, to_s=600, parameters=parameters)

    double = doubled(
        one(FaultKind.APPEARS, 0),
        one(FaultKind.MOVES, 1, metres=500),
        one(FaultKind.SWITCHED_OFF, 2),
        one(FaultKind.LISTED_TWICE, 3),
        one(FaultKind.NO_POSITION, 4),
        one(FaultKind.FOREIGN_MEDIA, 5, location="file:///etc/passwd"),
        Fault(FaultKind.VANISHES, ("00009.00006",), from_s=600),
        fleet=tfl(7),
    )

    def listed() -> list[dict[str, Any]]:
        return get(double, "tfl_api", "/Place/Type/JamCam").json()

    faulty = listed()
    clock.sleep(600)
    places = {place["id"][-1]: place for place in listed()}
    assert [place["id"][-1] for place in faulty] == ["1", "2", "3", "3", "4", "5", "6"]
    assert sorted(places) == ["0", "1", "2", "3", "4", "5"]
    during = {place["id"][-1]: place for place in faulty}
    assert during["1"]["lat"] - places["1"]["lat"] == pytest.approx(500 / 111_320, abs=1e-5)
    assert (during["4"]["lat"], during["4"]["lon"]) == (None, None)

    def says(place: dict[str, Any], key: str) -> str:
        return next(line["value"] for line in place["additionalProperties"] if line["key"] == key)

    assert (says(during["2"], "available"), says(places["2"], "available")) == ("false", "true")
    assert says(during["5"], "videoUrl") == "file:///etc/passwd"


@pytest.mark.parametrize(("kind", "content"), [(FaultKind.NOTHING, b"[]"), (FaultKind.GARBAGE, bytes(range(256)) * 8)])
def test_a_list_is_empty_or_no_list_at_all(kind: FaultKind, content: bytes, doubled: Callable[..., FeedDouble]) -> None:
    double = doubled(Fault(kind, on=PathClass.CAMERAS))
    answer = get(double, "tfl_api", "/Place/Type/JamCam")
    assert (answer.status_code, answer.content) == (200, content)
    assert clip_of(double).status_code == 200


def test_a_listing_gets_stuck_while_the_clips_go_on(doubled: Callable[..., FeedDouble], clock: HandClock) -> None:
    double = doubled(Fault(FaultKind.STUCK, from_s=600, to_s=4200, on=PathClass.NEWEST))

    def looked() -> tuple[str, str, str]:
        page = get(double, "tfl_bucket", BUCKET)
        listed = next(one for one in ET.fromstring(page.content).iter(f"{S3}Contents") if ".mp4" in one[0].text)
        return listed.find(f"{S3}ETag").text, clip_of(double).headers["etag"], page.headers["date"]

    def after(seconds: float) -> tuple[str, str, str]:
        clock.sleep(seconds)
        return looked()

    before, begun, during, ended = looked(), after(600), after(1800), after(1800)
    assert before[0] == before[1] != begun[1]
    assert begun[0] == begun[1] == during[0]
    assert during[1] not in (during[0], ended[1])
    assert ended[0] == ended[1]
    assert len({date for *_, date in (before, begun, during, ended)}) == 4
    assert Counter(one.fault for one in double.ledger.requests) == {None: 6, "stuck": 2}


@pytest.mark.parametrize("place", [0, 1])
def test_digitraffics_list_changes_for_the_preset_that_is_named(place: int, doubled: Callable[..., FeedDouble]) -> None:
    fleet = Fleet("digitraffic", 4, cadence_s=600, centre=(60.2, 24.9))

    def presets(*kinds: FaultKind) -> list[str]:
        hit = (f"C990000{place + 1}",)
        double = doubled(*(Fault(kind, hit) for kind in kinds), fleet=fleet)
        stations = get(double, "digitraffic_api", "/api/weathercam/v1/stations").json()["features"]
        listed = [preset for station in stations for preset in station["properties"]["presets"]]
        return [preset["id"][3:] for preset in listed if preset["inCollection"]]

    whole = ["00001", "00002", "00101", "00102"]
    without = whole[:place] + whole[place + 1 :]
    assert presets() == whole
    assert presets(FaultKind.VANISHES) == presets(FaultKind.APPEARS) == presets(FaultKind.SWITCHED_OFF) == without
    assert presets(FaultKind.LISTED_TWICE) == sorted([*whole, whole[place]])


def test_a_station_of_which_no_preset_is_listed_is_not_listed(doubled: Callable[..., FeedDouble]) -> None:
    gone = Fault(FaultKind.VANISHES, ("C9900001", "C9900002"))
    moved = Fault(FaultKind.MOVES, ("C9900101", "C9900102"), from_s=60)
    double = doubled(gone, moved, fleet=Fleet("digitraffic", 4, cadence_s=600, centre=(60.2, 24.9)))
    (station,) = get(double, "digitraffic_api", "/api/weathercam/v1/stations").json()["features"]
    double.clock.sleep(60)
    (elsewhere,) = get(double, "digitraffic_api", "/api/weathercam/v1/stations").json()["features"]
    assert station["id"] == elsewhere["id"] == "C99001"
    north = elsewhere["geometry"]["coordinates"][1] - station["geometry"]["coordinates"][1]
    assert north == pytest.approx(300 / 111_320, abs=1e-5)


def test_the_table_of_a_template_host_changes(doubled: Callable[..., FeedDouble]) -> None:
    def rows(*kinds: FaultKind) -> list[list[str]]:
        double = doubled(*(Fault(kind, ("cam-0001",)) for kind in kinds), fleet=Fleet("template", 3))
        return [row.split(",") for row in get(double, "template", "/cameras.csv").text.splitlines()[1:]]

    whole = rows()
    assert rows(FaultKind.VANISHES) == rows(FaultKind.APPEARS) == [whole[0], whole[2]]
    assert rows(FaultKind.LISTED_TWICE) == [whole[0], whole[1], whole[1], whole[2]]
    assert rows(FaultKind.NO_POSITION)[1][2:] == ["", ""]
    moved = rows(FaultKind.MOVES)
    assert float(moved[1][2]) - float(whole[1][2]) == pytest.approx(300 / 111_320, abs=1e-5)
    assert [moved[0], moved[2]] == [whole[0], whole[2]]


TFL, FINLAND, PLAIN = tfl(4), Fleet("digitraffic", 4), Fleet("template", 2)
ONE_ALBUM = tfl(4, clips=TFL.clips[:1])


@pytest.mark.parametrize(
    ("fault", "fleets", "why"),
    [
        (Fault(FaultKind.FOREIGN_MEDIA, parameters={"location": "x:"}), (FINLAND, PLAIN), "says nothing of that"),
        (Fault(FaultKind.SWITCHED_OFF, ("cam-0000",)), (TFL, PLAIN), "template cannot play switched_off"),
        (Fault(FaultKind.MOVES, ("C9900002",)), (FINLAND,), "name C9900001 too"),
        (Fault(FaultKind.NO_POSITION, share=0.25), (FINLAND,), "one position for all presets"),
        (Fault(FaultKind.GARBAGE, on=PathClass.NEWEST), (PLAIN,), "no list of what is new"),
        (Fault(FaultKind.GARBAGE, ("cam-0000",), on=PathClass.CAMERAS), (PLAIN,), "name no cameras"),
        (Fault(FaultKind.STUCK), (TFL,), "only lists get stuck"),
        (Fault(FaultKind.SKEWED_MODIFIED, on=PathClass.NEWEST), (TFL,), "no Last-Modified"),
        (Fault(FaultKind.MOVED_VIEW), (ONE_ALBUM,), "another view is another album"),
        (Fault(FaultKind.REDIRECT), (TFL,), "needs targets"),
        (Fault(FaultKind.FOREIGN_MEDIA), (TFL,), "needs location"),
        (Fault(FaultKind.SLOW, share=0.01), (TFL,), "hits nobody"),
        (Fault(FaultKind.SLOW, ("nobody",)), (TFL,), "not doubled"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fault_that_would_change_nothing_is_refused(fault: Fault, fleets: tuple[Fleet, ...], why: str) -> None:
    double = FeedDouble(DoubleConfig(fleets), HandClock(START))
    with pytest.raises(ValueError, match=why):
        double.play((fault,))
    with pytest.raises(ValueError, match=why):
        FeedDouble(DoubleConfig(fleets, (fault,)), HandClock(START))


def test_a_fault_of_everybody_is_played_by_those_who_can() -> None:
    double = FeedDouble(DoubleConfig((TFL, PLAIN)), HandClock(START))
    double.play((Fault(FaultKind.SWITCHED_OFF), Fault(FaultKind.STUCK, on=PathClass.NEWEST)))
    assert double.plan.listed("00009.00000", 0).keys() == {FaultKind.SWITCHED_OFF}


def test_every_kind_of_fault_is_of_one_sort_and_survives_json() -> None:
    assert set(FaultKind) == CONTENT | ANSWER | LISTING
    assert len(CONTENT) + len(ANSWER) + len(LISTING) == len(FaultKind)
    for kind in FaultKind:
        fault = Fault(kind, ("a",), from_s=3, parameters={"x": 1})
        assert Fault.from_json(json.loads(json.dumps(fault.to_json()))) == fault
