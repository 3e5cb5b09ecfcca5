"""`busyness validate` as its operator types it: figures, a calibration, and clips counted with it from then on."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from manual_street import MORNING, STREET, observed
from rich.console import Console

from aggregate.duckdb_store import DuckDBStore
from busyness.command import main
from busyness.config import load_config
from busyness.replaying import replay
from busyness.wiring import calibrations_of
from detect.registry import open_model

CONFIG = """\
name: a street
sources: [{{kind: folder, path: .}}]
cameras:
  - id: "00001"
    name: one
    lat: 51.5
    lon: -0.1
    cadence_s: 600
    zones: [{{id: pavement, name: Pavement}}, {{id: road, name: Road}}]
store: {{path: {store}}}
"""
HOURS = 5

Command = Callable[..., tuple[str, str]]


@pytest.fixture
def busyness(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    def run(*words: str | Path, code: int = 0) -> tuple[str, str]:
        monkeypatch.setattr(sys, "argv", ["busyness", *map(str, words)])
        monkeypatch.setenv("COLUMNS", "200")
        try:
            main()
            ended = 0
        except SystemExit as end:
            ended = int(end.code or 0)
        done = capfd.readouterr()
        assert ended == code, done
        return done.out, done.err

    return run


@pytest.fixture(scope="module")
def model() -> str:
    return open_model("lowres-2").name


@pytest.fixture
def street(tmp_path: Path, model: str) -> Path:
    """A configuration whose store holds five hours, of which the model saw 0.8 of the people."""
    path = tmp_path / "street.yaml"
    path.write_text(CONFIG.format(store=tmp_path / "counts.duckdb"))
    with closing(DuckDBStore.open(tmp_path / "counts.duckdb")) as store:
        store.save_cameras([STREET])
        store.upsert_observations(
            [observed(step * 10, model=model, pedestrian=0.8 * people(step)) for step in range(6 * HOURS)]
        )
    return path


def people(step: int) -> int:
    return 10 + step % 12


def counts(folder: Path, clips: int = 6 * HOURS) -> Path:
    path = folder / "counts.csv"
    rows = [f"{(MORNING + timedelta(minutes=10 * n)).isoformat()},pavement,people,{people(n)}" for n in range(clips)]
    path.write_text("\n".join(["time,zone,class,count", *rows, ""]))
    return path


def test_a_camera_is_measured_and_calibrated_and_the_next_counts_use_it(
    busyness: Command, street: Path, tmp_path: Path, model: str
) -> None:
    out, _ = busyness("validate", "00001", "--config", street, "--counts", counts(tmp_path), "--json")
    answer: dict[str, Any] = json.loads(out)
    assert (answer["camera"], answer["model"], answer["rows"], answer["matched"]) == ("00001", model, 30, 30)
    (figures,) = answer["figures"]
    assert (figures["zone"], figures["class"], figures["n"]) == ("pavement", "people", 30)
    assert figures["before"]["bias"] < -2
    assert abs(figures["after"]["bias"]) < 0.05
    assert answer["stored"] is True
    assert answer["calibration"]["day"]["people"]["gain"] == pytest.approx(1.25, abs=0.01)

    kept = calibrations_of(load_config(street))
    current = kept.current("00001", model)
    assert current is not None
    assert current.name == "00001/1"
    assert (tmp_path / "counts.calibrations" / "00001.json").is_file()


def test_clips_are_counted_with_the_calibration_from_the_next_start_on(
    busyness: Command, street: Path, tmp_path: Path
) -> None:
    busyness("validate", "00001", "--config", street, "--counts", counts(tmp_path))
    still = tmp_path / "00001" / f"{int((MORNING + timedelta(days=1)).timestamp() * 1000)}.png"
    still.parent.mkdir()
    noise = np.random.default_rng(7).integers(0, 256, (288, 352, 3), dtype=np.uint8)  # sharp, and bright
    cv2.imwrite(str(still), noise)
    replayed = replay(load_config(street), still.parent, Console(quiet=True))
    assert set(replayed.tally.status_of.values()) == {"ok"}
    with closing(DuckDBStore.open(tmp_path / "counts.duckdb", read_only=True)) as store:
        (found,) = store.observations("pavement", MORNING + timedelta(days=1), MORNING + timedelta(days=2))
    assert found.calibration == "00001/1"
    assert found.gain is not None
    assert found.gain.people == pytest.approx(1.25, abs=0.01)


def test_a_table_says_before_and_after_and_a_dry_run_keeps_nothing(
    busyness: Command, street: Path, tmp_path: Path
) -> None:
    out, _ = busyness("validate", "00001", "--config", street, "--counts", counts(tmp_path), "--dry-run")
    for words in ("before", "after", "30 of 30 lines matched", "dry run: nothing was kept", "1.25"):
        assert words in out
    assert busyness("validate", "00001", "--config", street, "--list")[0] == "no calibration was made yet\n"


def test_too_few_rows_give_figures_and_no_calibration(busyness: Command, street: Path, tmp_path: Path) -> None:
    out, _ = busyness("validate", "00001", "--config", street, "--counts", counts(tmp_path, 8))
    assert "before" in out
    assert "not calibrated: people by day: 8 clips in 2 hours" in out
    assert "no calibration was made" in out
    assert not (tmp_path / "counts.calibrations").exists()


def test_versions_are_listed_and_dropped(busyness: Command, street: Path, tmp_path: Path) -> None:
    for _ in range(2):
        busyness("validate", "00001", "--config", street, "--counts", counts(tmp_path))
    out, _ = busyness("validate", "00001", "--config", street, "--drop", "2")
    assert "dropped" in out
    listed = json.loads(busyness("validate", "00001", "--config", street, "--list", "--json")[0])
    assert [(one["version"], one["dropped_at"] is None) for one in listed] == [(1, True), (2, False)]
    _, err = busyness("validate", "00001", "--config", street, "--drop", "2", code=1)
    assert "camera 00001 has no calibration 2 in use" in err


def test_what_cannot_be_meant_is_one_clear_message(busyness: Command, street: Path, tmp_path: Path) -> None:
    asked = ("--config", street, "--counts", counts(tmp_path))
    assert "there is no camera '00009'" in busyness("validate", "00009", *asked, code=1)[1]
    assert "say one of --counts" in busyness("validate", "00001", "--config", street, code=2)[1]
    assert "say one of --counts" in busyness("validate", "00001", *asked, "--list", code=2)[1]
    late = tmp_path / "late.csv"
    late.write_text("time,zone,class,count\n2017-03-09T08:00:00Z,road,car,1\n2018-03-09T08:00:00Z,road,car,1\n")
    _, err = busyness("validate", "00001", "--config", street, "--counts", late, code=2)
    assert "line 3: the time is outside what is stored of camera 00001, 2017-03-09T08:00:00Z to 2017-03-09T12:50" in err


def test_without_a_store_on_disk_or_anything_in_it_there_is_nothing_to_compare(
    busyness: Command, tmp_path: Path
) -> None:
    path = tmp_path / "street.yaml"
    path.write_text(CONFIG.format(store="counts.duckdb").replace("store: {path: counts.duckdb}\n", ""))
    asked = ("validate", "00001", "--config", path, "--counts", counts(tmp_path))
    assert "set store.path" in busyness(*asked, code=2)[1]
    path.write_text(CONFIG.format(store=tmp_path / "counts.duckdb"))
    DuckDBStore.open(tmp_path / "counts.duckdb").close()
    assert "nothing is stored of camera 00001" in busyness(*asked, code=1)[1]
