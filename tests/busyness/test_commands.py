"""The command as its user types it: JSON lines on stdout, clear errors, exit codes that mean something."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import pytest

from busyness.command import main
from core.figures import CLASSES
from ingest.rendering import RenderedStreet
from ingest.synthetic import SyntheticConfig


class Done(NamedTuple):
    """What a command printed."""

    stdout: str
    stderr: str


Command = Callable[..., Done]


@pytest.fixture
def busyness(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs the command as its entry point does; stdout and stderr are no terminal."""

    def run(*words: str | Path, code: int = 0) -> Done:
        monkeypatch.setattr(sys, "argv", ["busyness", *map(str, words)])
        try:
            main()
            ended = 0
        except SystemExit as end:
            ended = int(end.code or 0)
        done = Done(*capfd.readouterr())
        assert ended == code, done
        assert "Traceback" not in done.stderr
        return done

    return run


def write_clip(path: Path, size: tuple[int, int] = (352, 288), frames: int = 10) -> None:
    """A clip of a synthetic street."""
    street = RenderedStreet(SyntheticConfig(kind="synthetic", cameras=1), None)
    clip = street.open(next(iter(street.clips())), frames)
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 5.0, size)
    for frame in clip.frames:
        writer.write(cv2.cvtColor(cv2.resize(np.array(frame.pixels, subok=False), size), cv2.COLOR_RGB2BGR))
    writer.release()


CONFIG = """\
name: two streets
sources: [{{kind: folder, path: .}}]
cameras:
  - {{id: "00001", name: one, lat: 51.5, lon: -0.1, cadence_s: 600}}
  - {{id: "00002", name: two, lat: 51.5, lon: -0.1, cadence_s: 600}}
store: {{path: {store}}}
"""


def test_count_says_of_every_source_what_it_saw_or_why_not(busyness: Command, tmp_path: Path) -> None:
    write_clip(tmp_path / "street.mp4")
    (tmp_path / "text.mp4").write_text("this is no clip")
    cut = (tmp_path / "street.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(cut[: len(cut) // 3])
    (tmp_path / "empty.jpg").write_bytes(b"")
    lines = [json.loads(line) for line in busyness("count", tmp_path, "--json").stdout.splitlines()]
    by_name: dict[str, dict[str, Any]] = {Path(line["source"]).name: line for line in lines}
    assert set(by_name) == {"street.mp4", "text.mp4", "cut.mp4", "empty.jpg"}
    street = by_name["street.mp4"]
    assert set(street) == {
        "source", "status", "reason", "event_time", "frames", "counts", "people", "vehicles", "stationary", "low",
        "high", "lighting", "model", "elapsed_ms",
    }  # fmt: skip
    assert street["status"] == "ok"
    assert set(street["counts"]) == set(CLASSES)
    assert street["people"] == pytest.approx(street["counts"]["pedestrian"] + street["counts"]["cyclist"], abs=0.01)
    for name in ("text.mp4", "cut.mp4", "empty.jpg"):
        bad = by_name[name]
        assert bad["status"] == "undecodable"
        assert bad["counts"] is bad["people"] is bad["vehicles"] is bad["stationary"] is None
        assert name in bad["reason"]


def test_count_without_a_path_is_bad_usage(busyness: Command) -> None:
    assert "PATH" in busyness("count", code=2).stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "nowhere.yaml"), "there is no configuration file nowhere.yaml"),
        (("count", ".", "--model", "nothing"), "there is no model 'nothing'"),
        (("evaluate", "nowhere"), "nowhere"),
    ],
)
def test_a_wrong_word_is_one_clear_message(
    busyness: Command, words: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    done = busyness(*words, code=2)
    assert message in done.stderr


def test_replay_accounts_for_every_clip_and_file(busyness: Command, tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    write_clip(clips / "00001" / "08_1489046400000.mp4")
    write_clip(clips / "00001" / "08_1489047000000.mp4", size=(320, 240))
    (clips / "00002").mkdir()
    (clips / "00002" / "08_1489046400000.mp4").write_text("this is no clip")
    write_clip(clips / "00003" / "08_1489046400000.mp4")
    (clips / "notes.txt").write_text("hello")
    config = tmp_path / "town.yaml"
    config.write_text(CONFIG.format(store=tmp_path / "var" / "counts.duckdb"))

    done = busyness("replay", clips, "--config", config)

    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in done.stdout.splitlines() if "│" in line]
    assert rows == [["00001", "1", "1", "", "2"], ["00002", "", "", "1", "1"], ["all", "1", "1", "1", "3"]]
    left_out = done.stdout.replace("\n", " ").split("left out: ")[1:]
    assert len(left_out) == 2
    assert "00003" in left_out[0]
    assert "notes.txt" in left_out[1]


def test_replay_of_an_empty_folder_names_it(busyness: Command, tmp_path: Path) -> None:
    config = tmp_path / "town.yaml"
    config.write_text(CONFIG.format(store=tmp_path / "counts.duckdb"))
    (tmp_path / "empty").mkdir()
    assert "empty" in busyness("replay", tmp_path / "empty", "--config", config, code=2).stderr


def test_what_cannot_be_stored_or_served_is_one_clear_message(busyness: Command, tmp_path: Path) -> None:
    config = tmp_path / "town.yaml"
    (tmp_path / "file").write_text("in the way")
    config.write_text(CONFIG.format(store=tmp_path / "file" / "deeper" / "counts.duckdb"))
    write_clip(tmp_path / "clips" / "00001" / "08_1489046400000.mp4", frames=2)
    assert "file" in busyness("replay", tmp_path / "clips", "--config", config, code=1).stderr
    assert "does not exist" in busyness("serve", config, code=1).stderr
    config.write_text(CONFIG.format(store=tmp_path / "counts.duckdb") + "api: {host: no.such.host.invalid}\n")
    assert "there is no host 'no.such.host.invalid'" in busyness("serve", config, code=2).stderr


def test_readings_are_rebuilt_after_a_change_of_policy(busyness: Command, tmp_path: Path) -> None:
    write_clip(tmp_path / "clips" / "00001" / "08_1489046400000.mp4")
    config = tmp_path / "town.yaml"
    config.write_text(CONFIG.format(store=tmp_path / "counts.duckdb"))
    busyness("replay", tmp_path / "clips", "--config", config)
    assert busyness("rebuild", config).stdout.startswith("0 readings changed")
    config.write_text(config.read_text() + "aggregate: {observed_coverage: 0.001}\n")
    assert not busyness("rebuild", config).stdout.startswith("0 readings changed")


def test_cameras_are_listed(busyness: Command, tmp_path: Path) -> None:
    config = tmp_path / "town.yaml"
    config.write_text(CONFIG.format(store=tmp_path / "counts.duckdb"))
    lines = busyness("cameras", config, "--json").stdout.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["00001", "00002"]


def test_the_installed_command_is_this_one() -> None:
    (command,) = entry_points(group="console_scripts", name="busyness")
    assert command.load() is main


def test_the_list_of_cameras_shows_no_password_of_theirs(busyness: Command, tmp_path: Path) -> None:
    """Of an address the query is left out: a camera's snapshot may be had by ?usr=admin&pwd=..."""
    config = tmp_path / "town.yaml"
    config.write_text(
        """
name: a town
sources:
  - kind: http
    name: own
    cameras: [{id: gate, name: Gate, lat: 51, lon: 0, url: "https://cams.example.org/snap.jpg?usr=admin&pwd=CANARY"}]
""",
        encoding="utf-8",
    )
    told = busyness("cameras", config, "--json").stdout
    assert json.loads(told)["location"] == "https://cams.example.org/snap.jpg?..."
