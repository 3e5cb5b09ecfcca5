"""Small parts of the workers: what they know of cameras and sources, and what one of them does for all."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from busy_street import CAMERAS, START
from hand_clock import HandClock
from prometheus_client import CollectorRegistry

from busyness.cluster import duties as duties_module
from busyness.cluster.duties import Alarms
from busyness.cluster.fresh_calibrations import FreshCalibrations
from busyness.cluster.known_cameras import FRESH_S, KnownCameras
from busyness.cluster.opening import bus_of
from busyness.cluster.source_names import SourceNames
from busyness.cluster.worker import Worker
from busyness.command import main
from busyness.config import Config, WorkerConfig, load_config
from busyness.nightly_baselines import NightlyBaselines
from busyness.validation.calibrations import Calibrations
from busyness.wiring import install
from core.clock import SystemClock
from core.errors import ConfigError, StoreError
from core.records import Camera
from core.shelf_memory import MemoryShelf

KAFKA = "bus: {kind: kafka, servers: [127.0.0.1:9]}\n"
STREET = "name: A street\nsources: [{kind: synthetic, cameras: 1}]\n"


@pytest.fixture
def worker() -> Worker:
    return Worker("test", WorkerConfig(port=None), CollectorRegistry())


def test_cameras_are_asked_for_now_and_then_and_at_once_for_a_new_one() -> None:
    stored, asked, now = [CAMERAS[0]], [], [0.0]

    def cameras() -> Sequence[Camera]:
        asked.append(now[0])
        return stored

    known = KnownCameras(cameras, monotonic=lambda: now[0])
    assert known.find("a") == known.find("a") == CAMERAS[0]
    assert asked == [0.0]
    stored.append(CAMERAS[1])
    assert known.find("b") == CAMERAS[1]
    assert asked == [0.0, 0.0]
    now[0] = FRESH_S
    assert known.find("a") == CAMERAS[0]
    assert asked == [0.0, 0.0, FRESH_S]


def test_who_saves_the_cameras_tells_the_others_their_sources() -> None:
    shelf, now = MemoryShelf(), [0.0]
    writes, reads = SourceNames(shelf), SourceNames(shelf, monotonic=lambda: now[0])
    assert reads.of("06710") is None
    writes.keep({"06710": "tfl"})
    assert reads.of("06710") is None, "of a while ago"
    now[0] = 60.0
    assert reads.of("06710") == "tfl"
    assert reads.by_camera() == {"06710": "tfl"}


def test_calibrations_are_looked_up_when_they_are_asked_for_and_again_after_a_while(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked, now, away = [], [0.0], [True]
    ours = object()

    class Kept(Calibrations):
        def current(self, camera: str, model: str) -> Any:
            asked.append((camera, model))
            if away[0]:
                raise StoreError("the database is away")
            return ours if camera == "a" else None

    found = FreshCalibrations(Kept(MemoryShelf()), "street@1", monotonic=lambda: now[0])
    with pytest.raises(StoreError):
        found.get("a")
    away[0] = False
    assert (found.get("a"), found.get("b"), found.get("a"), found.get("b")) == (ours, None, ours, None)
    assert asked[1:] == [("a", "street@1"), ("b", "street@1")]
    assert list(found) == ["a"]
    now[0], away[0] = 60.0, True
    assert found.get("a") is ours
    assert "that of before goes on" in caplog.text
    assert len(asked) == 4


class Turns:
    """A turn that goes from one to the other."""

    def __init__(self, *whose: bool) -> None:
        self._whose = iter(whose)
        self.closed = False

    def mine(self) -> bool:
        return next(self._whose, False)

    def close(self) -> None:
        self.closed = True


class Told:
    """An alarm that remembers.

    What it asks, whoever has the turn, is in `tests/busyness/test_alarm.py`.
    """

    def __init__(self) -> None:
        self.begun, self.ended = 0, 0

    def start(self) -> None:
        self.begun += 1

    def stop(self) -> None:
        self.ended += 1


def test_losses_are_told_by_the_one_whose_turn_it_is(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duties_module, "LOOK_S", 0.001)
    told, turn = Told(), Turns(False, True, True, True, False, False)
    alarms = Alarms(worker, turn, lambda: told)  # type: ignore[arg-type, return-value]
    worker.loop("alarms", alarms)

    def until_over() -> None:
        while not told.ended:
            threading.Event().wait(0.005)

    worker.run_until_stopped(until_over)
    assert (told.begun, told.ended) == (1, 1)
    assert turn.closed


def test_baselines_are_built_by_the_one_whose_turn_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("busyness.nightly_baselines.LOOK_S", 0.001)
    planned, turn = threading.Event(), Turns(False, False, True)
    asked: list[bool] = []

    class Builder:
        def plan(self, now):  # type: ignore[no-untyped-def]
            planned.set()
            return []

    def ours() -> bool:
        asked.append(turn.mine())
        return asked[-1]

    clock = HandClock(START + timedelta(days=1))
    nightly = NightlyBaselines(Builder(), clock.now, clock, ours=ours)  # type: ignore[arg-type]
    nightly.start()
    assert planned.wait(5)
    nightly.stop()
    assert asked[:3] == [False, False, True]


def configured(folder: Path, more: str) -> Config:
    path = folder / "config.yaml"
    path.write_text(STREET + more)
    return load_config(path)


def test_one_process_refuses_a_cluster_and_says_what_to_start(tmp_path: Path) -> None:
    config = configured(tmp_path, KAFKA)
    with pytest.raises(ConfigError, match="busyness ingest, detect, aggregate and serve") as refused:
        install(config, SystemClock())
    assert "or remove bus:" in str(refused.value)


@pytest.mark.parametrize(
    ("more", "said"),
    [("", "set bus: {kind: kafka"), (KAFKA, "set store: {kind: postgres")],
)
def test_a_stage_of_its_own_needs_a_broker_and_a_database(tmp_path: Path, more: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        bus_of(configured(tmp_path, more))


@pytest.mark.parametrize("stage", ["detect", "aggregate"])
def test_the_commands_say_so(
    stage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configured(tmp_path, "")
    monkeypatch.setattr("sys.argv", ["busyness", stage, str(tmp_path / "config.yaml")])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "kafka" in capsys.readouterr().err
