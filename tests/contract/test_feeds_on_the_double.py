"""The feeds against the publishers' doubles: two readings of one documentation agree, and no fault is a crash."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

import pytest
from feed_double.config import DoubleConfig, Fleet
from feed_double.double import FeedDouble
from feed_double.faults import ANSWER, CONTENT, LISTING, Fault, FaultKind, PathClass
from feed_double.media import Album
from feed_double.playable import OF_A_STATION
from loopback_publisher import ManualClock

from ingest.feed import Feed, FetchFailed
from ingest.feeds.digitraffic_weathercam import DigitrafficWeathercam, DigitrafficWeathercamConfig
from ingest.feeds.http_media import HttpMedia, HttpMediaConfig
from ingest.feeds.tfl_jamcam import TflJamCam, TflJamCamConfig
from ingest.fetch.config import GuestConfig
from ingest.fetch.guest import Budgets, Guest

START = datetime(2026, 3, 12, 8, 0, tzinfo=UTC)
HOUR_S = 3600.0
CANARY = "CANARY"
"""A key in the query of every address that is configured: no message may hold it."""
CLIP = (
    struct.pack(">I4s4s", 16, b"ftyp", b"isom") + bytes(4) + struct.pack(">I4s", 4008, b"mdat") + bytes(range(250)) * 16
)
ALBUMS = (Album((CLIP, CLIP[:-8])), Album((CLIP[:-16], CLIP[:-24])))
WEB = {"private_networks": ["127.0.0.1/32"], "requests_per_minute": 60_000, "attempts": 1, "max_bytes": 1 << 20}

Guests = Callable[[GuestConfig], Guest]


def tfl(double: FeedDouble, guests: Guests) -> Feed:
    config = TflJamCamConfig(
        kind="tfl_jamcam",
        api=double.addresses["tfl_api"],
        bucket=f"{double.addresses['tfl_bucket']}/jamcams.tfl.gov.uk/?key={CANARY}",
        app_key=CANARY,
        app_key_env=None,
        web=WEB,
    )
    return TflJamCam(config, guests(config.api_web), guests(config.media_web))


def digitraffic(double: FeedDouble, guests: Guests) -> Feed:
    config = DigitrafficWeathercamConfig(
        kind="digitraffic_weathercam",
        api=double.addresses["digitraffic_api"],
        stills=double.addresses["digitraffic_images"],
        municipalities=["Doubled"],
        web=WEB,
    )
    return DigitrafficWeathercam(config, guests(config.api_web), guests(config.media_web))


def template(double: FeedDouble, guests: Guests) -> Feed:
    host = double.addresses["template"]
    config = HttpMediaConfig(
        kind="http",
        name="template",
        url=f"{host}/cameras/{{id}}.jpg?key={CANARY}",
        csv={"url": f"{host}/cameras.csv?key={CANARY}"},
        web=WEB,
    )
    return HttpMedia(config, guests(config.media_web))


CAMERAS = 4
"""Of Digitraffic's: two stations with two presets each."""

FEEDS = {
    "tfl": (tfl, Fleet("tfl", CAMERAS, clips=ALBUMS)),
    "digitraffic": (digitraffic, Fleet("digitraffic", CAMERAS, cadence_s=600, centre=(60.2, 24.9))),
    "template": (template, Fleet("template", CAMERAS)),
}


@dataclass
class Doubled:
    feed: Feed
    double: FeedDouble
    clock: ManualClock


@pytest.fixture(scope="module", params=sorted(FEEDS))
def doubled(request: pytest.FixtureRequest) -> Iterator[Doubled]:
    build, fleet = FEEDS[request.param]
    clock = ManualClock(START)
    with ExitStack() as open_guests:
        double = open_guests.enter_context(FeedDouble(DoubleConfig((fleet,), seed=7, limits={}), clock))
        budgets = Budgets(clock)

        def guest(config: GuestConfig) -> Guest:
            opened = Guest(config, budgets, clock)
            open_guests.callback(opened.close)
            return opened

        yield Doubled(build(double, guest), double, clock)


@pytest.fixture
def well(doubled: Doubled) -> Iterator[Doubled]:
    """The double without a fault, and an hour later, when no host is left alone any more."""
    doubled.double.play(())
    doubled.clock.sleep(HOUR_S)
    yield doubled
    doubled.double.play(())


def test_the_double_is_read_as_its_publisher_means_it(well: Doubled) -> None:
    listed = well.feed.cameras()
    told = well.feed.newest()
    assert len(listed) == CAMERAS
    for one in listed:
        assert one.withdrawn is None
        media = well.feed.fetch(one, None)
        assert media is not None
        assert media.event_time is not None
        assert well.clock.now().timestamp() - HOUR_S < media.event_time.timestamp() <= well.clock.now().timestamp()
        assert told is None or told[one.camera.id].same(media.version) or told[one.camera.id].etag is None
        assert well.feed.fetch(one, media.version) is None
    later = well.feed.newest()
    assert (later is None) == (told is None)


def play(well: Doubled, kind: FaultKind, *cameras: str, on: PathClass = PathClass.MEDIA) -> None:
    """Let the double play a fault; where its publisher cannot, there is nothing to test."""
    try:
        well.double.play((Fault(kind, cameras, on=on, parameters=PARAMETERS.get(kind, {})),))
    except ValueError as error:
        pytest.skip(str(error))


METADATA = "http://169.254.169.254/latest/meta-data/"
PARAMETERS = {
    FaultKind.GZIP_BOMB: {"mebibytes": 4},
    FaultKind.OVERSIZE: {"mebibytes": 4},
    FaultKind.REDIRECT: {"targets": [METADATA]},
    FaultKind.FOREIGN_MEDIA: {"location": METADATA},
}
WAITING = {FaultKind.SLOW, FaultKind.STALLED}  # that a guest does not wait for ever is shown in its own tests


@pytest.mark.parametrize("kind", sorted(ANSWER - WAITING))
@pytest.mark.parametrize("on", [PathClass.CAMERAS, PathClass.NEWEST, PathClass.MEDIA])
def test_no_fault_of_an_answer_is_a_crash_and_none_outlasts_itself(
    well: Doubled, kind: FaultKind, on: PathClass
) -> None:
    """And a list with a fault is never an empty city: it is whole, or a failure."""
    listed = well.feed.cameras()
    play(well, kind, on=on)
    with suppress(FetchFailed):
        assert len(well.feed.cameras()) == CAMERAS
    with suppress(FetchFailed):
        assert well.feed.newest() is None or well.feed.newest() != {}
    for one in listed:
        with suppress(FetchFailed):
            media = well.feed.fetch(one, None)
            assert media is None or media.content
    well.double.play(())
    well.clock.sleep(HOUR_S)
    assert well.feed.cameras() == listed
    well.feed.newest()
    assert all(well.feed.fetch(one, None) is not None for one in listed)


@pytest.mark.parametrize("kind", sorted(CONTENT))
def test_whatever_is_published_is_bytes_or_a_failure(well: Doubled, kind: FaultKind) -> None:
    play(well, kind)
    for one in well.feed.cameras():
        with suppress(FetchFailed):
            media = well.feed.fetch(one, None)
            assert media is None or media.content


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("kind", sorted(LISTING - {FaultKind.FOREIGN_MEDIA}))
def test_a_list_that_changes_changes_the_cameras_that_are_named(
    well: Doubled, kind: FaultKind, place: int, caplog: pytest.LogCaptureFixture
) -> None:
    """The first preset of a station, and the second: no other one."""
    before = {one.camera.id: one for one in well.feed.cameras()}
    named = [list(before)[place]]
    if well.feed.name == "digitraffic" and kind in OF_A_STATION:
        named = list(before)[:2]
    play(well, kind, *named)
    after = {one.camera.id: one for one in well.feed.cameras()}
    if kind is FaultKind.LISTED_TWICE:
        assert after == before
        assert f"{named[0]} stands in the list twice" in caplog.text
        return
    assert sorted(name for name in before if after.get(name) != before[name]) == named
    if kind is FaultKind.MOVES:
        assert [after[name].camera.lat - before[name].camera.lat for name in named] == pytest.approx(
            [300 / 111_320] * len(named), abs=1e-5
        )
    elif kind is not FaultKind.SWITCHED_OFF:
        assert sorted(after) == sorted(set(before) - set(named))


def test_a_table_of_what_is_new_that_is_stuck_says_the_same_while_the_pictures_change(well: Doubled) -> None:
    one = well.feed.cameras()[0]
    shown = well.feed.fetch(one, None)
    assert shown is not None
    play(well, FaultKind.STUCK, on=PathClass.NEWEST)
    told = well.feed.newest()
    well.clock.sleep(HOUR_S)
    assert well.feed.newest() == told
    moved_on = well.feed.fetch(one, shown.version)
    assert moved_on is not None
    assert moved_on.content != shown.content
    well.double.play(())
    assert well.feed.newest() != told


def test_a_camera_whose_clips_are_said_to_be_elsewhere_is_not_followed_there(well: Doubled) -> None:
    camera = well.feed.cameras()[0].camera.id
    play(well, FaultKind.FOREIGN_MEDIA, camera)
    led_away, *others = well.feed.cameras()
    with pytest.raises(FetchFailed, match=r"169\.254\.169\.254"):
        well.feed.fetch(led_away, None)
    assert all(well.feed.fetch(one, None) is not None for one in others)


@pytest.mark.parametrize("kind", sorted(ANSWER - WAITING))
@pytest.mark.parametrize("on", [PathClass.CAMERAS, PathClass.NEWEST, PathClass.MEDIA])
def test_no_message_shows_the_query_of_an_address(
    well: Doubled, kind: FaultKind, on: PathClass, caplog: pytest.LogCaptureFixture
) -> None:
    """A key stands in it, or a camera's password: whatever is answered, neither failures nor logs hold it."""
    listed = [replace(one, location=f"{one.location.partition('?')[0]}?key={CANARY}") for one in well.feed.cameras()]
    play(well, kind, on=on)
    asking: list[Callable[[], object]] = [well.feed.cameras, well.feed.newest]
    asking += [partial(well.feed.fetch, one, None) for one in listed]
    told = []
    for ask in asking:
        try:
            ask()
        except FetchFailed as error:
            told += [str(error), error.message, error.remedy]
    assert not [text for text in (*told, caplog.text) if CANARY in text]
