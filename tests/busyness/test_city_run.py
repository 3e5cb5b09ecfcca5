"""A city of doubled TfL cameras through every stage: fetched over loopback, counted in the jail, stored, resumed."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from feed_double.config import DoubleConfig, Fleet, SharedClock
from feed_double.double import FeedDouble
from feed_double.faults import Fault, FaultKind
from feed_double.media import Album

from aggregate.duckdb_store import DuckDBStore
from busyness.command import main
from busyness.config import load_config
from busyness.wiring import install, open_clock
from core.health import CameraState
from core.records import CountObservation, Status
from ingest.city.watch import UNWATCHED
from ingest.rendering import RenderedStreet
from ingest.synthetic import SyntheticConfig

SPEEDUP = 40.0
START = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)
PATIENCE_S = 30.0
UNWATCHED_S = 240.0
"""Of feed time, four cadences, in which nothing runs."""


def album(camera: int) -> Album:
    """Stills of a rendered street, as JPEG."""
    street = RenderedStreet(SyntheticConfig(cameras=8, seed=3, start=START))
    clips = [clip for clip in street.clips() if clip.camera == street.cameras[camera].id][:4]
    pictures = (np.array(street.open(clip, 1).frames[0].pixels, subok=False) for clip in clips)
    return Album(tuple(cv2.imencode(".jpg", picture[..., ::-1])[1].tobytes() for picture in pictures))


@pytest.fixture(scope="module")
def double() -> Iterator[FeedDouble]:
    """Four cameras with a still a minute, of which the third is switched off and the fourth freezes."""
    clock = SharedClock(START, SPEEDUP, datetime.now(UTC))
    faults = (
        Fault(FaultKind.SWITCHED_OFF, share=0.25),
        Fault(FaultKind.FROZEN_TOUCHED, share=0.25, from_s=90),
        Fault(FaultKind.SERVER_ERROR, share=0.25, from_s=120, parameters={"every_s": 1e9, "for_s": 1e9}),
    )
    fleet = Fleet("tfl", 4, cadence_s=60.0, jitter_s=3.0, stills=(album(0), album(1)))
    config = DoubleConfig((fleet,), faults, seed=5, clock=clock, limits={})
    with FeedDouble(config, config.open_clock()) as running:
        yield running


@pytest.fixture(scope="module")
def town(double: FeedDouble, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("town") / "town.yaml"
    shared = double.config.clock
    assert shared is not None
    bucket = double.addresses["tfl_bucket"]
    path.write_text(
        f"""name: a doubled town
sources:
  - kind: tfl_jamcam
    media: still
    cadence_s: 60
    api: {double.addresses["tfl_api"]}
    api_requests_per_minute: 600
    bucket: {bucket}/jamcams.tfl.gov.uk/
    web:
      hosts: ["{bucket.removeprefix("http://")}"]
      private_networks: ["127.0.0.1/32"]
      requests_per_minute: 6000
cameras: [{{id: "4711", name: nowhere, lat: 51.5, lon: -0.1}}]
clock: {{speedup: {SPEEDUP}, start: {START.isoformat()}, origin: {shared.origin.isoformat()}}}
ingest: {{list_every_s: 60, newest_every_s: 10, least_visit_s: 5, stale_after: 1}}
detect: {{workers: 1, frames_per_clip: 1}}
store: {{path: town.duckdb}}
""",
        encoding="utf-8",
    )
    return path


def run_until(town: Path, enough: Callable[[list[CountObservation]], bool]) -> None:
    """The whole pipeline, until what it stored is enough; then it is stopped as by an operator."""
    config = load_config(town)
    seen: list[CountObservation] = []
    with closing(install(config, open_clock(config))) as installation:
        installation.pipeline.on_stored = seen.extend
        installation.pipeline.start()
        deadline = time.monotonic() + PATIENCE_S
        while not enough(seen) and time.monotonic() < deadline:
            time.sleep(0.02)
    assert enough(seen), Counter((one.camera, one.status) for one in seen)


def stored(town: Path) -> list[CountObservation]:
    with closing(DuckDBStore.open(town.with_suffix(".duckdb"), read_only=True)) as store:
        zones = [zone.id for camera in store.cameras() for zone in camera.counted_zones]
        return [one for zone in zones for one in store.observations(zone, START.replace(year=2025), datetime.now(UTC))]


def test_a_city_is_counted_once_through_a_restart_and_says_what_is_wrong(
    double: FeedDouble, town: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def counted(seen: list[CountObservation]) -> int:
        return sum(one.status is Status.OK for one in seen)

    run_until(town, lambda seen: counted(seen) >= 4)
    assert caplog.text.count("under cameras:, and listed by no publisher: 4711") == 1
    first = stored(town)
    before = {one.content for one in first if one.status is Status.OK}
    time.sleep(UNWATCHED_S / SPEEDUP)
    run_until(
        town,
        lambda seen: (
            counted(seen) >= 3 and {one.status for one in seen} >= {Status.WITHDRAWN, Status.FROZEN, Status.UNREACHABLE}
        ),
    )
    kept = stored(town)
    contents = [one.content for one in kept if one.content is not None]
    assert len(contents) == len(set(contents)), "every picture once, through a restart"
    assert before < set(contents)
    unwatched = [one for one in kept if one.reason == UNWATCHED.reason]
    frozen = {one.camera for one in kept if one.status is Status.FROZEN}  # of which the answer says that nothing came
    assert {one.camera for one in unwatched} == {one.camera for one in first if one.content} - frozen
    assert len(unwatched) > len(frozen) == 1
    assert all(
        one.status is Status.SKIPPED
        and one.event_time > max(rest.event_time for rest in first if rest.camera == one.camera)
        for one in unwatched
    )
    published = {(version.content, version.modified) for version in double.ledger.versions}
    assert {(one.content, one.event_time) for one in kept if one.content} <= published, "event time is the publisher's"
    with closing(DuckDBStore.open(town.with_suffix(".duckdb"), read_only=True)) as store:
        states = {event.state for event in store.health_now()}
    assert {CameraState.WITHDRAWN, CameraState.STALE} <= states
    assert sum(double.ledger.forbidden.values()) == 0


def test_cameras_are_checked_and_their_health_is_shown(
    town: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def shown(*words: str, code: int = 0, err: bool = False) -> str:
        monkeypatch.setattr(sys, "argv", ["busyness", *words])
        monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit, match=f"^{code}$"):
            main()
        said = capsys.readouterr()
        return said.err if err else said.out

    def busyness(*words: str, code: int = 0) -> str:
        return shown(*words, code=code, err=code != 0)

    listed = busyness("cameras", str(town))
    assert "4 cameras" in listed
    assert "switched this camera off" in listed
    checked = shown("cameras", str(town), "--check", code=1)
    for words in ("withdrawn", "unreachable", "people", "min"):
        assert words in checked
    assert '"status":"ok"' in shown("cameras", str(town), "--check", "--json", code=1)
    assert "withdrawn" in busyness("cameras", str(town), "--health")
    assert "lasting views" in busyness("cameras", str(town), "--views")
    assert "has no view 3" in busyness(
        "cameras", str(town), "00009.00000", "--confirm-view", "3", "--by", "Ada", code=1
    )
    assert "there is no camera '4712'" in busyness("cameras", str(town), "4712", "--check", code=1)
    assert "say who says so" in busyness("cameras", str(town), "00009.00000", "--confirm-view", "1", code=2)
