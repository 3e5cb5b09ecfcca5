"""Clips are counted in a jailed child; whatever becomes of it, each zone has its observation, the next clip a child."""

from __future__ import annotations

import errno
import logging
import os
import re
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from busyness.jailed_counter import CounterClosed, JailedCounter, media_name
from busyness.worker_jobs import Failed, Ready, WorkerSetup
from core.errors import BusynessError, ConfigError, ModelError
from core.records import Camera, ClipFault, ClipReady, Status, Zone
from detect.counter import ClipCounter
from detect.error_model import Calibration, GroupError, LightErrors
from detect.ground.sited import grounded
from detect.registry import open_model
from detect.resolution import ResolutionLimit
from ingest.city.waiting import WaitingRoom
from ingest.clip import SampledClip
from ingest.decode import open_bytes
from ingest.decode_limits import DecodeLimits
from ingest.file_reader import FileReader
from ingest.jail.limits import JailLimits
from ingest.jail.process import Loss, NotStarted, WorkerLost
from ingest.rendering import RenderedStreet
from ingest.source import UnusableClip
from ingest.synthetic import SyntheticConfig

NOON = datetime(2017, 3, 9, 12, tzinfo=UTC)
STREET = SyntheticConfig(cameras=2)
CAMERA = Camera(
    id="00001", name="one", lat=51.5, lon=-0.1,
    zones=(
        Zone(id="left", name="left", polygon=((0, 0), (176, 0), (176, 288), (0, 288))),
        Zone(id="right", name="right", polygon=((176, 0), (352, 0), (352, 288), (176, 288))),
    ),
)  # fmt: skip


class FixedClock:
    def now(self) -> datetime:
        return NOON + timedelta(hours=1)

    def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody waits")


@dataclass
class Shelf:
    """A `MediaReader` of what lies on it, by location."""

    kept: dict[str, bytes | Exception | None] = field(default_factory=dict)

    def read(self, clip: ClipReady) -> bytes | None:
        found = self.kept[clip.location]
        if isinstance(found, Exception):
            raise found
        return found


@dataclass
class Here:
    """Opens one clip in this process."""

    media: bytes

    def open(self, clip: ClipReady, frames: int) -> SampledClip:
        return open_bytes(self.media, clip.location, frames, DecodeLimits())


def street_clip(path: Path) -> bytes:
    """Two seconds of a synthetic street, encoded."""
    street = RenderedStreet(STREET)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 5.0, (352, 288))
    for frame in street.open(next(iter(street.clips())), 10).frames:
        writer.write(cv2.cvtColor(np.array(frame.pixels, subok=False), cv2.COLOR_RGB2BGR))
    writer.release()
    return path.read_bytes()


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return street_clip(tmp_path_factory.mktemp("clips") / "clip.mp4")


@pytest.fixture(scope="module")
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture(scope="module")
def counter(shelf: Shelf) -> Iterator[JailedCounter]:
    """One child for the whole module; it can render the street as well."""
    setup = WorkerSetup(model="lowres-2", frames_per_clip=4, street=STREET)
    counter = JailedCounter(setup, shelf, FixedClock())
    yield counter
    counter.close()


def clip_at(location: str, camera: str = "00001", **more: Any) -> ClipReady:
    return ClipReady(camera=camera, event_time=NOON, location=location, **more)


def test_a_jailed_clip_counts_as_one_in_this_process(counter: JailedCounter, shelf: Shelf, media: bytes) -> None:
    clip = clip_at("clip.mp4", content="ab" * 16)
    shelf.kept[clip.location] = media
    jailed = counter.report(CAMERA, clip)
    here = ClipCounter(open_model("lowres-2"), Here(media), 4, FixedClock()).report(CAMERA, clip, None)
    assert jailed == here
    assert [one.zone for one in jailed.observations] == ["left", "right"]
    assert all(one.status is Status.OK for one in jailed.observations)
    assert jailed.observations[0].counted_at == FixedClock().now(), "by the parent's clock"
    assert counter.model == jailed.observations[0].model


def test_it_says_what_the_jail_is_made_of(counter: JailedCounter) -> None:
    assert "at most 1.8 s of processor time a clip" in counter.jail


def test_a_clip_of_the_synthetic_street_is_rendered_in_the_child(counter: JailedCounter, shelf: Shelf) -> None:
    street = RenderedStreet(STREET)
    clip = next(iter(street.clips()))
    shelf.kept[clip.location] = None
    assert {one.status for one in counter.report(street.cameras[0], clip).observations} == {Status.OK}


def test_a_camera_of_any_time_zone_is_counted_though_no_file_can_be_opened(
    counter: JailedCounter, shelf: Shelf, media: bytes
) -> None:
    shelf.kept["clip"] = media
    for zone in ("Europe/Helsinki", "Pacific/Auckland", "America/Argentina/Ushuaia"):
        camera = CAMERA.model_copy(update={"timezone": zone})
        assert counter.report(camera, clip_at("clip")).observations[0].status is Status.OK


def test_a_calibration_goes_with_the_clip(counter: JailedCounter, shelf: Shelf, media: bytes) -> None:
    shelf.kept["clip"] = media
    light = LightErrors(people=GroupError(gain=1.5, sqrt_error=0.5, frames=9, sites=1))
    calibration = Calibration(
        camera="00001", version=1, made_at=NOON, model=counter.model, rows=9, day=light, night=light
    )
    counter.calibrations = {"00001": calibration}
    try:
        calibrated = counter.report(CAMERA, clip_at("clip")).observations
    finally:
        counter.calibrations = {}
    plain = counter.report(CAMERA, clip_at("clip")).observations
    assert {one.calibration for one in calibrated} == {"00001/1"}
    assert {one.calibration for one in plain} == {None}


@pytest.mark.parametrize(
    ("content", "status", "says"),
    [
        (b"", Status.UNDECODABLE, "clip.mp4 is empty"),
        (b"not a clip" * 100, Status.UNDECODABLE, "clip.mp4 is neither a clip"),
        (UnusableClip(Status.UNREACHABLE, "gone"), Status.UNREACHABLE, "gone"),
    ],
)
def test_what_cannot_be_examined_has_its_reason_in_every_zone(
    counter: JailedCounter, shelf: Shelf, content: bytes | Exception, status: Status, says: str
) -> None:
    clip = clip_at("https://feed.example.org/06710/clip.mp4?app_key=secret", content="cd" * 16)
    shelf.kept[clip.location] = content
    observations = counter.report(CAMERA, clip).observations
    assert [one.zone for one in observations] == ["left", "right"]
    for one in observations:
        assert (one.status, one.present, one.content) == (status, None, clip.content)
        assert one.reason is not None
        assert one.reason.startswith(says)
        assert "secret" not in one.reason


def test_a_clip_with_a_fault_never_reaches_the_child(counter: JailedCounter) -> None:
    fault = ClipFault(status=Status.SKIPPED, reason="waited too long")
    report = counter.report(CAMERA, clip_at("nowhere", fault=fault))
    assert [(one.status, one.reason) for one in report.observations] == [(Status.SKIPPED, "waited too long")] * 2
    assert report.sight is None


STRIP = Camera(id="00001", name="a strip", lat=51.5, lon=-0.1, width=7680, height=500)
"""Shows people up to 1920 px a metre."""


def test_a_clip_of_a_camera_that_shows_faces_never_reaches_the_child(
    counter: JailedCounter, shelf: Shelf, media: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*_: object) -> bytes:
        raise AssertionError("the child was given a clip of a camera that shows faces")

    shelf.kept["faces.mp4"] = media
    monkeypatch.setattr(counter._jail, "ask", asked)
    (one,) = counter.report(STRIP, clip_at("faces.mp4")).observations
    assert one.status is Status.OVERSIZE
    assert one.reason is not None
    assert one.reason.startswith("it shows people up to 1920 px a metre; to show them below 125")


def test_clips_of_a_camera_that_shows_faces_do_not_stay_in_memory(
    counter: JailedCounter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would fill the waiting room in the end, and every other camera would be skipped for want of it."""
    room = WaitingRoom(100)
    monkeypatch.setattr(counter, "_reader", room)
    for number in range(3):
        room.put(clip_at(f"{number}.mp4", content=f"{number:032d}"), b"x" * 60)
        taken = room.take(0.0)
        assert taken is not None
        assert counter.report(STRIP, taken).observations[0].status is Status.OVERSIZE
        assert room.bytes == 0


def test_the_limit_of_the_configuration_holds_in_the_child(shelf: Shelf, media: bytes) -> None:
    """352 px of at least 4 m are 88 px a metre: below 30 there are 119x98 left."""
    setup = WorkerSetup(model="lowres-2", frames_per_clip=2, resolution=ResolutionLimit(most_px_per_m=30))
    counter = JailedCounter(setup, shelf, FixedClock())
    try:
        result = counter.count("clip.mp4", media)
    finally:
        counter.close()
    assert (result.status, result.counts) == (Status.OVERSIZE, None)
    assert "its picture of 352x288 would have to be 119x98, too small to count in" in (result.reason or "")


def test_a_calibrated_camera_is_counted_in_the_child_as_here(counter: JailedCounter, shelf: Shelf) -> None:
    street = RenderedStreet(STREET)
    clip = next(iter(street.clips()))
    shelf.kept[clip.location] = None
    camera = grounded(street.cameras[0])
    jailed = counter.report(camera, clip)
    assert jailed == ClipCounter(open_model("lowres-2"), street, 4, FixedClock()).report(camera, clip, None)
    assert all(one.ground is not None for one in jailed.observations)


def test_a_child_killed_at_any_time_costs_no_clip(counter: JailedCounter, shelf: Shelf, media: bytes) -> None:
    shelf.kept["clip"] = media
    counter.report(CAMERA, clip_at("clip"))
    assert counter.pid is not None
    os.kill(counter.pid, signal.SIGKILL)
    assert counter.report(CAMERA, clip_at("clip")).observations[0].status is Status.OK


@pytest.mark.parametrize(
    ("lost", "status", "says"),
    [
        (WorkerLost(Loss.CPU_TIME), Status.OVERSIZE, "more than cpu_s = 1.8 s of processor time"),
        (WorkerLost(Loss.WALL_TIME), Status.OVERSIZE, "no answer after wall_s = 30 s"),
        (WorkerLost(Loss.MEMORY), Status.OVERSIZE, "more memory than memory_mb = 512"),
        (WorkerLost(Loss.CRASH, "Segmentation fault"), Status.UNDECODABLE, "ended the worker.*Segmentation fault"),
        (WorkerLost(Loss.ENDED), Status.UNDECODABLE, "killed, twice"),
        (WorkerLost(Loss.NO_ANSWER, "an answer of 9 bytes"), Status.UNDECODABLE, "ended the worker"),
        (NotStarted("no room"), Status.MODEL_ERROR, "was not counted: no room"),
    ],
)
def test_every_loss_is_an_observation_with_limit_and_remedy(
    counter: JailedCounter, shelf: Shelf, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
    lost: Exception, status: Status, says: str,
) -> None:  # fmt: skip
    def fail(*_: object) -> bytes:
        raise lost

    shelf.kept["clip"] = b"clip"
    told: list[str] = []
    monkeypatch.setattr(counter, "on_lost", told.append)
    monkeypatch.setattr(counter._jail, "ask", fail)
    with caplog.at_level(logging.WARNING):
        (left, right) = counter.report(CAMERA, clip_at("clip")).observations
    assert (left.status, right.status) == (status, status)
    assert left.reason is not None
    assert re.search(says, left.reason)
    assert caplog.records, "the operator is told"
    assert told == ([lost.loss.value] if isinstance(lost, WorkerLost) else []), "and it is counted"
    result = counter.count("clip", b"clip")
    assert (result.status, result.counts) == (status, None)


def test_an_answer_that_is_no_report_of_this_clip_is_not_believed(
    counter: JailedCounter, shelf: Shelf, media: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The schema is closed, and the observations are of the zones that were asked for: nothing else is let through."""
    shelf.kept["clip"] = media
    report = counter.report(CAMERA, clip_at("clip")).model_dump_json()
    later = clip_at("clip").model_copy(update={"event_time": NOON + timedelta(minutes=5)})
    changed = clip_at("clip", content="ef" * 16)
    answers = {
        "": later, "{}": later, '{"observations": []}': later, '{"observations": [], "pixels": "AAAA"}': later,
        report: later, report.replace('"observations"', '"pixels": "AAAA", "observations"'): clip_at("clip"),
        report + " ": changed,
    }  # fmt: skip
    dismissed: list[bool] = []
    monkeypatch.setattr(counter._jail, "dismiss", lambda: dismissed.append(True))
    for answer, clip in answers.items():
        monkeypatch.setattr(counter._jail, "ask", lambda *_, answer=answer: answer.encode())
        (left, _) = counter.report(CAMERA, clip).observations
        assert left.status is Status.UNDECODABLE, answer
        assert "no report" in (left.reason or "")
    assert len(dismissed) == len(answers), "that child is not asked again"


def test_a_source_without_a_camera_is_counted(counter: JailedCounter, media: bytes) -> None:
    result = counter.count("https://feed.example.org/clip.mp4?key=1", media, NOON)
    assert (result.status, result.source) == (Status.OK, "https://feed.example.org/clip.mp4?key=1")
    assert result.event_time == NOON
    assert result.counts is not None
    assert counter.count("text.mp4", b"text" * 9).reason == (
        "text.mp4 is neither a clip (MP4, MOV, MKV, AVI, TS) nor a still (JPEG, PNG). Fetch or record it again"
    )


@pytest.mark.parametrize(
    ("setup", "error", "says"),
    [
        (WorkerSetup(model="nothing"), ModelError, "there is no model 'nothing'"),
        (WorkerSetup(model="lowres-2", jail=JailLimits(memory_mb=128)), ConfigError, "raise memory_mb of the jail to"),
    ],
)
def test_a_worker_that_cannot_start_says_why(setup: WorkerSetup, error: type[Exception], says: str) -> None:
    counter = JailedCounter(setup, FileReader(1000), FixedClock())
    with pytest.raises(error) as caught:
        counter.model  # noqa: B018
    assert says in str(caught.value)


def greeting_of(model: str) -> bytes:
    return Ready(model=model, jail="a jail").model_dump_json().encode()


@pytest.mark.parametrize(
    ("greeting", "says"),
    [
        (greeting_of("lowres-2@ffffffffffff"), "became lowres-2@ffffffffffff"),
        (Failed(error="ModelError", message="it is damaged", remedy="").model_dump_json().encode(), "it is damaged"),
    ],
)
def test_a_successor_with_another_model_is_no_fault_of_the_clips(
    counter: JailedCounter, shelf: Shelf, media: bytes, monkeypatch: pytest.MonkeyPatch, greeting: bytes, says: str
) -> None:
    """As where the model's file was changed in place: the child that was there goes on, the next one does not count."""
    shelf.kept["clip"] = media
    assert counter.report(CAMERA, clip_at("clip")).observations[0].status is Status.OK
    with monkeypatch.context() as changed:
        changed.setattr(counter._jail, "greeting", lambda: greeting)
        for one in counter.report(CAMERA, clip_at("clip")).observations:
            assert (one.status, one.present) == (Status.MODEL_ERROR, None)
            assert one.reason is not None
            assert "the model's file changed since the start: restart" in one.reason
            assert says in one.reason
            assert one.model == counter.model, "stored as the one that is there"
    assert counter.report(CAMERA, clip_at("clip")).observations[0].status is Status.OK


def test_a_successor_that_the_machine_does_not_start_is_no_fault_of_the_clips(
    counter: JailedCounter, shelf: Shelf, media: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    shelf.kept["clip"] = media
    counter.report(CAMERA, clip_at("clip"))
    assert counter.pid is not None
    os.kill(counter.pid, signal.SIGKILL)
    with monkeypatch.context() as machine:
        machine.setattr("ingest.jail.process.subprocess.Popen", refuse)
        (left, _) = counter.report(CAMERA, clip_at("clip")).observations
        assert left.status is Status.MODEL_ERROR
        assert "Cannot allocate memory. See whether this machine is short of memory" in (left.reason or "")
    assert counter.report(CAMERA, clip_at("clip")).observations[0].status is Status.OK


def test_a_clip_that_is_in_hand_when_the_counter_is_closed_is_observed_by_nobody(shelf: Shelf, media: bytes) -> None:
    """Stopped hard, an installation stores nothing of a clip that it did not finish: the next start counts it."""
    shelf.kept["clip"] = media
    counter = JailedCounter(WorkerSetup(model="lowres-2", frames_per_clip=4), shelf, FixedClock())
    counter.report(CAMERA, clip_at("clip"))
    assert counter.pid is not None
    os.kill(counter.pid, signal.SIGSTOP)  # it takes long over the next one
    with ThreadPoolExecutor(1) as pool:
        counting = pool.submit(counter.report, CAMERA, clip_at("clip"))
        with pytest.raises(TimeoutError):
            counting.result(0.05)
        counter.close()
        with pytest.raises(CounterClosed):
            counting.result(10)
    with pytest.raises(CounterClosed):
        counter.report(CAMERA, clip_at("clip"))
    assert not issubclass(CounterClosed, BusynessError), "the pipeline reports no failure"


def test_a_counter_that_is_closed_before_its_child_is_ready_observes_nothing(shelf: Shelf) -> None:
    shelf.kept["clip"] = b"clip"
    counter = JailedCounter(WorkerSetup(model="lowres-2"), shelf, FixedClock())
    counter.close()
    with pytest.raises(CounterClosed):
        counter.report(CAMERA, clip_at("clip"))


def test_a_name_has_no_query_and_no_folder() -> None:
    assert media_name("https://a.example.org/b/06710.mp4?key=secret") == "06710.mp4"
    assert media_name("/var/clips/what?.mp4") == "what?.mp4"
    assert media_name("rtsp://a.example.org/") == "a.example.org"


def test_a_report_and_its_bytes_can_be_listened_to(
    counter: JailedCounter, shelf: Shelf, media: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the calibration desk, for backgrounds: clips that had bytes, once they are counted."""
    heard: list[tuple[str, Status, bytes]] = []
    monkeypatch.setattr(
        counter,
        "on_report",
        lambda clip, told, content: heard.append((clip.camera, told.observations[0].status, content)),
    )
    shelf.kept["heard"], shelf.kept["gone"] = media, UnusableClip(Status.UNREACHABLE, "it is gone")
    counter.report(CAMERA, clip_at("heard"))
    counter.report(CAMERA, clip_at("gone"))
    assert heard == [("00001", Status.OK, media)]
