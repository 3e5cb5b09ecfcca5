"""The command that fits an error model: from labelled frames to the manifest, bound to the weights."""

from __future__ import annotations

import importlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import SourceError
from detect.error_model import errors_of
from detect.registry import MANIFEST, MODELS, open_model

SCRIPTS = Path(__file__).resolve().parents[2] / "models" / "train"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return importlib.import_module("error_model")


def lines(cameras: int = 6, frames: int = 10) -> str:
    """Counts of 0.8 of what stood there, off by a little."""
    rng = np.random.default_rng(5)
    rows = []
    for camera in range(cameras):
        for frame in range(frames):
            people, vehicles = (int(number) for number in rng.poisson(12, 2))
            rows.append(
                {
                    "id": f"{camera}-{frame}", "camera": f"c{camera}", "lighting": "night" if frame % 2 else "day",
                    "people": max(0.0, 0.8 * people + float(rng.normal(0, 0.5))),
                    "vehicles": max(0.0, 0.8 * vehicles + float(rng.normal(0, 0.5))),
                    "labelled_people": people, "uncertain_people": 0,
                    "labelled_vehicles": vehicles, "uncertain_vehicles": 1,
                }
            )  # fmt: skip
    return "".join(json.dumps(row) + "\n" for row in rows)


def run(script: Any, monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> None:
    monkeypatch.setattr(sys, "argv", ["error_model.py", *map(str, words)])
    script.main()


def test_what_was_fitted_is_in_the_manifest_and_comes_with_the_model(
    script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(MODELS / MANIFEST, tmp_path)
    shutil.copy(MODELS / "lowres-2.onnx", tmp_path)
    (tmp_path / "counts.jsonl").write_text(lines())
    before = (tmp_path / MANIFEST).read_text()
    asked = ("fit", tmp_path / "counts.jsonl", "--name", "lowres-2", "--manifest", tmp_path / MANIFEST)
    run(script, monkeypatch, *asked, "--dry-run")
    assert (tmp_path / MANIFEST).read_text() == before
    run(script, monkeypatch, *asked)
    said = capsys.readouterr().out
    assert "60 frames of 6 cameras" in said
    assert "% of 120" in said
    errors = errors_of(open_model(str(tmp_path / "lowres-2.onnx")))
    assert errors is not None
    assert errors.day is not None
    assert errors.day.people is not None
    assert errors.day.people.gain == pytest.approx(1.25, abs=0.06)
    assert errors.day.people.frames == 30


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda text: text + "{}\n", r"line 61: id: Field required"),
        (lambda text: text + text.splitlines()[0] + "\n", r"line 61: 0-0 stands in line 1 too"),
        (lambda text: text.replace('"day"', '"dusk"', 1), r"line 1: lighting"),
    ],
)
def test_a_line_that_is_no_count_is_named(script: Any, tmp_path: Path, spoil: Any, message: str) -> None:
    path = tmp_path / "counts.jsonl"
    path.write_text(spoil(lines()))
    with pytest.raises(SourceError, match=message):
        script.read_counts(path)


def test_nothing_is_written_from_too_few_counts_or_for_an_unknown_model(script: Any, tmp_path: Path) -> None:
    shutil.copy(MODELS / MANIFEST, tmp_path)
    path = tmp_path / "counts.jsonl"
    path.write_text(lines(cameras=1))
    with pytest.raises(SourceError, match="too few"):
        script.write_errors(tmp_path / MANIFEST, "lowres-2", script.read_counts(path))
    with pytest.raises(SourceError, match="has no model 'lowres-9'"):
        script.write_errors(tmp_path / MANIFEST, "lowres-9", script.read_counts(path))
    assert (tmp_path / MANIFEST).read_text() == (MODELS / MANIFEST).read_text()


def test_labelled_frames_are_counted_and_cameras_of_the_training_refused(script: Any, shared_data: Path) -> None:
    labels = shared_data / "labels"
    counts = script.count_labels("lowres-2-first", labels, shared_data, ["08750"], threads=1)
    assert {count.camera for count in counts} == {"08750"}
    assert all(count.lighting == "day" and count.vehicles > 0 for count in counts)
    with pytest.raises(SourceError, match="was trained on camera 04254"):
        script.count_labels("lowres-2-first", labels, shared_data, ["04254", "08750"])
