"""The desk judges and keeps sites by a child that fits, and gathers backgrounds in memory."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.problems import Conflict, NotReady
from busyness import backgrounds, calibration_child
from busyness.backgrounds import MOST_CAMERAS, Backgrounds
from busyness.calibration_child import CalibrationChild, ChildLost
from busyness.calibration_desk import Desk
from busyness.calibration_jobs import BackgroundJob, ChildSetup, EmptyStreet, Judged, JudgeJob, TooFew, Waiting
from busyness.past_clips import RecordedClips, RenderedClips, chosen
from busyness.sites import Sites, new_site
from core.errors import BackgroundRefused, BusynessError, CalibrationRefused, ConfigError, NotFound
from core.figures import SERIES, Figures
from core.ground import LocalFrame
from core.judgement import Gathering, GatheringState, Judgement
from core.records import Camera, ClipReady, CountObservation, Lighting, Status, Zone, ZoneKind, observation_id
from core.site import (
    KnownHeight,
    KnownLength,
    KnownSizes,
    MapPoint,
    ParallelLines,
    Site,
    ZoneCollection,
    ZoneFeature,
    ZonePolygon,
    ZoneProperties,
)
from detect.background_limits import LEAST_CLIPS, MOST_CLIPS
from detect.scene import ClipReport, Scene
from ingest.folder import FolderConfig, FolderSource
from ingest.jail.limits import JailLimits
from ingest.jail.process import Loss, WorkerLost
from ingest.refusal import unreachable

NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)
PAVEMENT = ((40.0, 280.0), (150.0, 280.0), (160.0, 170.0), (130.0, 170.0))
CAMERA = Camera(
    id="06710", name="Tower", lat=51.5, lon=-0.1,
    zones=(Zone(id="06710:north", name="North", kind=ZoneKind.PAVEMENT, polygon=PAVEMENT, effective_width_m=3.0),),
)  # fmt: skip
FIT = ChildSetup(jail=JailLimits(wall_s=20, start_s=60))


def seen(east_m: float, north_m: float, up_m: float = 0.0) -> tuple[float, float]:
    """Where a camera 8 m up, looking 20 degrees down, sees a place."""
    below_m = 8.0 - up_m
    depth_m = 0.93969 * north_m + 0.34202 * below_m
    return 176 + 400 * east_m / depth_m, 144 + 400 * (0.93969 * below_m - 0.34202 * north_m) / depth_m


def matched(*places: tuple[float, float]) -> tuple[MapPoint, ...]:
    frame = LocalFrame(CAMERA.lat, CAMERA.lon)
    found = []
    for east, north in places:
        lat, lon = frame.degrees(east, north)
        found.append(MapPoint(px=seen(east, north), lat=lat, lon=lon))
    return tuple(found)


def site_with(*places: tuple[float, float], **more: Any) -> Site:
    return new_site(CAMERA).model_copy(update={"map_points": matched(*places), **more})


AREA_M2 = 19.9
"""Of the pavement, by the shoelace formula over where its corners are on the ground below that camera."""

SIX = tuple((east, north) for east in (-4.0, 4.0) for north in (14.0, 22.0, 32.0))


@pytest.fixture(scope="module")
def child() -> Iterator[CalibrationChild]:
    child = CalibrationChild(FIT)
    child.begin()
    yield child
    child.close()


@dataclass
class Room:
    """What a desk stands in: a folder of sites, read anew at each save as an installation does."""

    folder: Path | None
    drawn: tuple[Camera, ...] = ()
    sites: Sites = field(init=False)

    def __post_init__(self) -> None:
        self.sites = Sites(self.folder, (), self.drawn)

    def save(self, site: Site) -> Path:
        sites = self.sites.having(site)
        path = sites.save(site)
        self.sites = sites
        return path

    def desk(self, child: CalibrationChild, gathering: Backgrounds | None = None) -> Desk:
        return Desk(
            cameras=lambda: (CAMERA,), sites=lambda: self.sites, save_site=self.save, child=child,
            backgrounds=gathering or Backgrounds(FIT, lambda _: Scene()),
        )  # fmt: skip


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def test_a_new_site_has_the_zones_of_its_camera(room: Room, child: CalibrationChild) -> None:
    opened = room.desk(child).open("06710")
    assert (opened.can_save, opened.why_not) == (True, None)
    (zone,) = opened.site.zones.features
    assert (zone.id, zone.properties.kind, zone.properties.effective_width_m) == ("06710:north", "pavement", 3.0)
    assert zone.geometry.coordinates[0] == (*PAVEMENT, PAVEMENT[0])
    assert (opened.site.lat, opened.site.width, opened.camera.name) == (51.5, 352, "Tower")


def test_it_judges_what_is_drawn(room: Room, child: CalibrationChild) -> None:
    desk = room.desk(child)
    judged = desk.judge("06710", site_with(*SIX))
    assert judged.fit is not None
    assert judged.refused is None
    assert judged.height_m == pytest.approx(8.0, abs=0.1)
    assert judged.zones[0].area_m2 == pytest.approx(AREA_M2, rel=0.02)
    assert judged.zones[0].outline is not None
    assert len(judged.grid) > 5
    assert judged.horizon is None or all(0 <= y <= 288 for _, y in judged.horizon)


def test_without_points_there_is_nothing_to_refuse(room: Room, child: CalibrationChild) -> None:
    judged = room.desk(child).judge("06710", new_site(CAMERA))
    assert (judged.fit, judged.refused) == (None, None)
    assert (judged.zones[0].refused, judged.zones[0].area_m2) == (None, None)


def test_what_cannot_be_is_said_and_not_raised(room: Room, child: CalibrationChild) -> None:
    """Points on a line are no plane; a zone that crosses itself is refused and the others are judged."""
    judged = room.desk(child).judge("06710", site_with(*((0.0, 12.0 + north) for north in (0, 5, 10, 15))))
    assert judged.fit is None
    assert judged.refused is not None
    assert judged.refused.message
    crossed = ZoneFeature(
        id="06710:crossed", properties=ZoneProperties(name="crossed", kind=ZoneKind.PAVEMENT),
        geometry=ZonePolygon(coordinates=(((50, 200), (150, 280), (150, 200), (50, 280), (50, 200)),)),
    )  # fmt: skip
    site = site_with(*SIX)
    zones = ZoneCollection(features=(*site.zones.features, crossed))
    good, bad = room.desk(child).judge("06710", site.model_copy(update={"zones": zones})).zones
    assert good.area_m2 is not None
    assert bad.refused is not None
    assert "crosses itself" in bad.refused.message


def test_a_site_of_known_sizes_is_judged_in_the_jail_too(room: Room, child: CalibrationChild) -> None:
    kerbs = tuple((seen(east, 14), seen(east, 32)) for east in (-4.0, 0.0, 4.0))
    sizes = KnownSizes(
        lengths=(
            KnownLength(from_px=seen(-4, 14), to_px=seen(4, 14), length_m=8, what="width of the carriageway"),
            KnownLength(from_px=seen(0, 14), to_px=seen(0, 22), length_m=8, what="a marking and its gap"),
        ),
        heights=(KnownHeight(foot_px=seen(4, 22), top_px=seen(4, 22, 3), height_m=3, what="a post"),),
        parallels=(ParallelLines(lines=kerbs, what="kerbs"),),
    )
    judged = room.desk(child).judge("06710", new_site(CAMERA).model_copy(update={"sizes": sizes}))
    assert judged.refused is None
    assert judged.height_m == pytest.approx(8.0, rel=0.1)


def test_what_is_saved_is_fitted_kept_and_opened_again(room: Room, child: CalibrationChild) -> None:
    desk = room.desk(child)
    saved = desk.save("06710", site_with(*SIX))
    assert saved.fitted is not None
    assert saved.fitted.of == saved.ground_hash
    assert desk.open("06710").site == saved
    assert [path.name for path in room.folder.iterdir()] == ["06710.json"] if room.folder else False
    dressed = room.sites.dressed(CAMERA)
    assert dressed.plane is not None
    assert dressed.zones[0].ground is not None


def test_what_is_refused_is_not_kept(room: Room, child: CalibrationChild) -> None:
    desk = room.desk(child)
    with pytest.raises(CalibrationRefused):
        desk.save("06710", site_with((0, 12), (0, 17), (0, 22), (0, 27)))
    with pytest.raises(CalibrationRefused, match="site of camera '04254'"):
        desk.save("06710", site_with(*SIX, camera="04254"))
    with pytest.raises(CalibrationRefused, match="640x480"):
        desk.save("06710", site_with(*SIX, width=640, height=480))
    with pytest.raises(NotFound, match="no camera '1'"):
        desk.save("1", site_with(*SIX))
    assert room.folder is not None
    assert list(room.folder.iterdir()) == []


def test_it_says_why_nothing_can_be_kept(child: CalibrationChild, tmp_path: Path) -> None:
    homeless = Room(None).desk(child)
    opened = homeless.open("06710")
    assert opened.can_save is False
    assert "set sites:" in (opened.why_not or "")
    with pytest.raises(Conflict, match="no folder for site files"):
        homeless.save("06710", site_with(*SIX))
    with pytest.raises(Conflict, match="no folder for site files"):
        homeless.background("06710", keep=True)
    twice = Room(tmp_path, drawn=(CAMERA,)).desk(child).open("06710")
    assert "zones under cameras:" in (twice.why_not or "")


def test_a_child_that_was_killed_is_replaced_unnoticed(room: Room, child: CalibrationChild) -> None:
    desk = room.desk(child)
    desk.judge("06710", site_with(*SIX))
    before = child.pid
    assert before is not None
    os.kill(before, signal.SIGKILL)
    assert desk.judge("06710", site_with(*SIX)).fit is not None
    assert child.pid not in (None, before)


def test_a_child_that_does_not_answer_is_said() -> None:
    child = CalibrationChild(FIT.model_copy(update={"jail": JailLimits(wall_s=0.3)}))
    try:
        with pytest.raises(ChildLost, match=r"ended while it did \(wall_time\)\. ask again"):
            stop_and_ask(child)
    finally:
        child.close()
    with pytest.raises(NotReady, match="stopping"):
        child.ask(JudgeJob(site=new_site(CAMERA)))


def stop_and_ask(child: CalibrationChild) -> None:
    """Ask until the child is ready, then stop it and ask once more."""
    child.ask(JudgeJob(site=new_site(CAMERA)))
    assert child.pid is not None
    os.kill(child.pid, signal.SIGSTOP)
    child.ask(JudgeJob(site=new_site(CAMERA)))


def test_a_child_is_ended_when_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []

    class Quick:
        pid, ended = 7, False

        def __init__(self, *_: Any) -> None:
            opened.append(self)

        def greeting(self) -> bytes:
            return Waiting().model_dump_json().encode()

        def ask(self, said: bytes, media: bytes) -> bytes:
            assert not self.ended
            return Judged(judgement=Judgement()).model_dump_json().encode()

        def close(self) -> None:
            self.ended = True

    monkeypatch.setattr(calibration_child, "Jail", Quick)
    child = CalibrationChild(FIT, idle_s=0.02)
    for number in range(3):
        assert child.pid is None
        assert isinstance(child.ask(JudgeJob(site=new_site(CAMERA))), Judged)
        wait(lambda: child.pid is None)
        assert [one.ended for one in opened] == [True] * (number + 1)
    child.close()


def test_a_child_that_fits_opens_no_clip(child: CalibrationChild) -> None:
    with pytest.raises(BusynessError, match="opens no clips"):
        child.ask(BackgroundJob(clips=(), lengths=(), scene=Scene()))


# Backgrounds, with a child that does as it is told.


@dataclass(eq=False)
class Played:
    """What the children of a test do, and what they were given."""

    makes: EmptyStreet | TooFew | Exception = field(default_factory=lambda: street(b"\x89PNG"))
    jobs: list[tuple[BackgroundJob, bytes]] = field(default_factory=list)
    killers: tuple[bytes, ...] = ()
    go: threading.Event = field(default_factory=threading.Event)
    closed: int = 0

    def __call__(self, setup: ChildSetup, *, idle_s: float) -> Played:
        return self

    def ask(self, job: BackgroundJob, media: bytes = b"") -> EmptyStreet | TooFew:
        self.jobs.append((job, media))
        assert self.go.wait(5)
        if any(killer in media for killer in self.killers):
            raise ChildLost(WorkerLost(Loss.CRASH, "SIGSEGV"))
        if isinstance(self.makes, Exception):
            raise self.makes
        return self.makes if len(job.clips) >= LEAST_CLIPS else TooFew(used=len(job.clips))

    def close(self) -> None:
        self.closed += 1


def street(png: bytes) -> EmptyStreet:
    return EmptyStreet(png=png, clips=LEAST_CLIPS, hidden=0.1)


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Played:
    played = Played()
    played.go.set()
    monkeypatch.setattr(backgrounds, "CalibrationChild", played)
    return played


def wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def gathered(gathering: Backgrounds, camera: Camera = CAMERA) -> Gathering:
    """What it says once it is no longer being made."""
    told: list[Gathering] = []

    def done() -> bool:
        told.append(gathering.ask(camera))
        return told[-1].state is not GatheringState.GATHERING

    wait(done)
    return told[-1]


def clip_at(minutes: float, camera: str = "06710") -> ClipReady:
    return ClipReady(camera=camera, event_time=NOON + timedelta(minutes=minutes), location="https://x/?key=secret")


def report_on(clip: ClipReady, status: Status = Status.OK, light: Lighting = Lighting.DAY) -> ClipReport:
    figures = Figures.of([0.0] * len(SERIES)) if status is Status.OK else None
    observation = CountObservation(
        id=observation_id(clip.camera, "z", clip.event_time, "m@1"), camera=clip.camera, zone="z",
        event_time=clip.event_time, duration_s=10, status=status, reason=None if figures else "why", frames=5,
        present=figures, peak=figures, spread=figures, lighting=light, model="m@1", counted_at=clip.event_time,
    )  # fmt: skip
    return ClipReport(observations=(observation,))


@dataclass
class Shelf:
    """`PastClips` of a test."""

    clips: tuple[ClipReady, ...]
    missing: tuple[int, ...] = ()

    def of(self, camera: Camera) -> Sequence[ClipReady]:
        return self.clips

    def read(self, clip: ClipReady) -> bytes:
        number = self.clips.index(clip)
        if number in self.missing:
            raise unreachable("clip", "is gone", "")
        return b"<%d>" % number


def shelf(count: int = 20, **more: Any) -> Shelf:
    return Shelf(tuple(clip_at(5 * number) for number in range(count)), **more)


def test_of_clips_that_are_there_it_is_made_at_once_and_given_once(played: Played, tmp_path: Path) -> None:
    gathering = Backgrounds(FIT, lambda _: Scene(), shelf(missing=(3,)))
    assert gathered(gathering).state is GatheringState.READY
    assert gathering.take("06710") == b"\x89PNG"
    with pytest.raises(NotFound, match=r"it was shown, or nobody asked\. ask again"):
        gathering.take("06710")
    ((job, media),) = played.jobs
    assert len(job.clips) == 19, "without the one that is gone"
    assert media.startswith(b"<0><1><2><4>")
    assert sum(job.lengths) == len(media)
    assert {clip.location for clip in job.clips} == {"clip"}, "where it is from, and with which key, is not told"
    assert played.closed == 1, "its child is ended"
    gathering.close()


def test_of_feeds_clips_are_taken_as_they_are_counted(played: Played) -> None:
    gathering = Backgrounds(FIT, lambda _: Scene())
    offer(gathering, clip_at(-5))
    told = gathering.ask(CAMERA)
    assert (told.state, told.clips, told.of) == (GatheringState.GATHERING, 0, LEAST_CLIPS), "nobody had asked before"
    assert "one every 5 min" in (told.reason or "")
    for number in range(LEAST_CLIPS - 1):
        offer(gathering, clip_at(5 * number))
        offer(gathering, clip_at(5 * number + 1))  # too soon after it
        offer(gathering, clip_at(5 * number), status=Status.SMEARED)
        offer(gathering, clip_at(5 * number, "04254"))
        if number < 4:
            offer(gathering, clip_at(5 * number), light=Lighting.NIGHT)
    assert gathering.ask(CAMERA).clips == LEAST_CLIPS - 1
    assert played.jobs == []
    offer(gathering, clip_at(500))
    assert gathered(gathering).state is GatheringState.READY
    ((job, _),) = played.jobs
    assert len(job.clips) == LEAST_CLIPS, "of one light"
    gathering.close()


def offer(gathering: Backgrounds, clip: ClipReady, **more: Any) -> None:
    gathering.offer(clip, report_on(clip, **more), b"bytes")


@pytest.mark.parametrize(
    ("makes", "reason"),
    [
        (BackgroundRefused("people stand there", remedy="ask later"), "people stand there. ask later"),
        (
            TooFew(used=3, why=("too dark", "frozen")),
            "3 of 20 clips could be used, and 12 are needed: too dark; frozen",
        ),
        (RuntimeError("a mistake"), "the log says why"),
    ],
)
def test_why_there_is_none_is_said_and_one_may_ask_again(played: Played, makes: Any, reason: str) -> None:
    played.makes = makes
    gathering = Backgrounds(FIT, lambda _: Scene(), shelf())
    told = gathered(gathering)
    assert told.state is GatheringState.REFUSED
    assert reason in (told.reason or "")
    played.makes = street(b"\x89PNG")
    assert gathered(gathering).state is GatheringState.READY
    gathering.close()


def test_a_clip_that_ends_the_child_is_left_out(played: Played) -> None:
    played.killers = (b"<7>",)
    gathering = Backgrounds(FIT, lambda _: Scene(), shelf())
    assert gathered(gathering).state is GatheringState.READY
    job, media = played.jobs[-1]
    assert len(job.clips) == 19
    assert b"<7>" not in media
    gathering.close()


def test_where_every_clip_ends_the_child_it_stops_trying(played: Played) -> None:
    played.killers = (b"<",)
    gathering = Backgrounds(FIT, lambda _: Scene(), shelf())
    told = gathered(gathering)
    assert told.state is GatheringState.REFUSED
    assert "ended while it did" in (told.reason or "")
    assert len(played.jobs) < 8
    gathering.close()


def test_it_is_forgotten_when_nobody_asks(played: Played) -> None:
    gathering = Backgrounds(FIT, lambda _: Scene(), shelf(), forget_s=0.2)
    assert gathered(gathering).state is GatheringState.READY

    def gone() -> bool:
        return not gathering._wanted

    wait(gone)
    with pytest.raises(NotFound):
        gathering.take("06710")
    gathering.close()


def test_few_cameras_at_a_time_are_gathered(played: Played) -> None:
    gathering = Backgrounds(FIT, lambda _: Scene())
    for number in range(MOST_CAMERAS + 2):
        gathering.ask(CAMERA.model_copy(update={"id": f"c{number}"}))
    assert list(gathering._wanted) == [f"c{number}" for number in range(2, MOST_CAMERAS + 2)]
    gathering.close()
    assert gathering.ask(CAMERA).state is GatheringState.REFUSED


def test_while_it_is_made_there_is_nothing_to_take_and_closing_lets_go(played: Played) -> None:
    played.go.clear()
    gathering = Backgrounds(FIT, lambda _: Scene(), shelf())
    assert gathering.ask(CAMERA).state is GatheringState.GATHERING
    with pytest.raises(NotFound, match="still being made"):
        gathering.take("06710")
    wait(lambda: bool(played.jobs))
    gathering.close()
    played.go.set()
    wait(lambda: not gathering._making.locked())
    assert gathering._wanted == {}


def test_one_picture_is_made_at_a_time_and_one_that_is_forgotten_is_not(played: Played) -> None:
    """Each child may take a gigabyte: an operator who clicks through the cameras does not start as many."""
    played.go.clear()
    gathering = Backgrounds(FIT, lambda _: Scene(), shelf())
    cameras = [CAMERA.model_copy(update={"id": f"c{number}"}) for number in range(MOST_CAMERAS + 2)]
    gathering.ask(cameras[0])
    wait(lambda: len(played.jobs) == 1)
    for camera in cameras[1:]:
        gathering.ask(camera)
    wait(lambda: played.closed > 0)
    assert played.closed == 1, "the first was forgotten while it was made: its child is ended"
    assert len(played.jobs) == 1
    assert gathering.ask(cameras[-1]).reason == "the picture of another camera is made first"
    played.go.set()
    for camera in cameras[2:]:
        assert gathered(gathering, camera).state is GatheringState.READY
    assert len(played.jobs) == 1 + MOST_CAMERAS, "nor is one that nobody asks for any more"
    gathering.close()


def test_a_child_that_is_closed_while_it_starts_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    starting, go, ended = threading.Event(), threading.Event(), threading.Event()

    class Slow:
        pid = 7

        def __init__(self, *_: Any) -> None:
            starting.set()
            assert go.wait(5)

        def close(self) -> None:
            ended.set()

    monkeypatch.setattr(calibration_child, "Jail", Slow)
    child = CalibrationChild(FIT)
    child.begin()
    assert starting.wait(5)
    threading.Timer(0.05, go.set).start()
    child.close()
    assert ended.is_set()
    assert child.pid is None


def test_it_is_kept_only_where_the_operator_says_so(played: Played, room: Room, child: CalibrationChild) -> None:
    assert room.folder is not None
    desk = room.desk(child, Backgrounds(FIT, lambda _: Scene(), shelf()))
    wait(lambda: desk.gather("06710").state is GatheringState.READY)
    assert desk.background("06710", keep=False) == b"\x89PNG"
    assert list(room.folder.iterdir()) == []
    wait(lambda: desk.gather("06710").state is GatheringState.READY)
    desk.background("06710", keep=True)
    assert [(path.name, path.read_bytes()) for path in room.folder.iterdir()] == [("06710.png", b"\x89PNG")]
    desk.backgrounds.close()


def test_a_picture_that_cannot_be_kept_is_not_lost(played: Played, room: Room, child: CalibrationChild) -> None:
    """Of a feed it took an hour."""
    assert room.folder is not None
    desk = room.desk(child, Backgrounds(FIT, lambda _: Scene(), shelf()))
    wait(lambda: desk.gather("06710").state is GatheringState.READY)
    in_the_way = room.folder / "06710.png"
    in_the_way.mkdir()
    with pytest.raises(Conflict, match=r"06710\.png cannot be written: Is a directory"):
        desk.background("06710", keep=True)
    assert list(room.folder.iterdir()) == [in_the_way], "nothing half-written is left"
    in_the_way.rmdir()
    assert desk.background("06710", keep=True) == in_the_way.read_bytes()
    desk.backgrounds.close()


# Which of the clips that are there.


def test_clips_of_the_bright_hours_are_chosen_and_spread_over_them() -> None:
    day = [clip_at(minute) for minute in range(-720, 720, 2)]
    found = chosen(day, CAMERA)
    assert len(found) == MOST_CLIPS
    hours = sorted(clip.event_time.hour + clip.event_time.minute / 60 for clip in found)
    assert 8.4 < hours[0] < 9
    assert 15 < hours[-1] <= 15.5
    far_east = CAMERA.model_copy(update={"timezone": "Australia/Brisbane"})
    assert min(clip.event_time.hour for clip in chosen(day, far_east)) < 3, "by the camera's clock"


def test_where_there_are_few_the_nearest_to_noon_are_chosen_apart_from_each_other() -> None:
    night = [clip_at(minute) for minute in (-600, -599, -598, -500, -400, -399)]
    assert [clip.event_time for clip in chosen(night, CAMERA)] == [
        clip_at(minute).event_time for minute in (-400, -500, -600)
    ]


def test_recorded_and_rendered_clips(tmp_path: Path) -> None:
    for minute in range(0, 20, 5):
        path = tmp_path / "06710" / f"12_{int((NOON + timedelta(minutes=minute)).timestamp() * 1000)}.mp4"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"%d" % minute)
    recorded = RecordedClips(FolderSource(FolderConfig(path=tmp_path), (CAMERA,)), 1000)
    assert [recorded.read(clip) for clip in recorded.of(CAMERA)] == [b"0", b"5", b"10", b"15"]

    class Clock:
        def now(self) -> datetime:
            return NOON

        def sleep(self, seconds: float) -> None:
            raise AssertionError("nobody waits")

    rendered = RenderedClips(Clock())
    clips = rendered.of(CAMERA)
    assert len(clips) == MOST_CLIPS
    assert all(NOON - timedelta(days=1) < clip.event_time < NOON for clip in clips)
    assert clips[0].location.startswith("synthetic:06710/")
    rendered.read(clips[0])


def test_sites_need_a_folder() -> None:
    with pytest.raises(ConfigError):
        Sites().path_of("06710")
