"""Fine-tuning a YOLO on our data: what of a picture a detector may learn from, and one real epoch of Ultralytics."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.figures import CLASSES
from detect.ultralytics_boxes import UltralyticsBoxes
from ingest.frame import Frame

SCRIPTS = Path(__file__).resolve().parents[2] / "models" / "train"
HEIGHT_PX, WIDTH_PX = 96, 128


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return importlib.import_module("finetune_yolo")


@pytest.fixture
def sources(script: Any) -> Any:
    return importlib.import_module("sources")


def picture(sources: Any, seed: int, people: str = "all", vehicles: str = "all") -> Any:
    """Two bright blocks on grey: a pedestrian of 8 x 24 px and a vehicle of unknown class of 30 x 20 px."""
    rng = np.random.default_rng(seed)
    frame = np.full((HEIGHT_PX, WIDTH_PX, 3), 110, np.uint8)
    boxes = np.array([[30 + rng.integers(0, 60), 50, 8, 24], [64, 80 - rng.integers(0, 8), 30, 20]], np.float32)
    for x, y, width, height in boxes.astype(int):
        frame[y - height // 2 : y + height // 2, x - width // 2 : x + width // 2] = rng.integers(180, 255, 3)
    kinds = np.array([CLASSES.index("pedestrian"), sources.ANY_VEHICLE], np.int64)
    known = sources.Known
    return sources.Picture((frame,), boxes, kinds, known(people), known(vehicles), 0, 0, "drawn", "any")


@pytest.mark.parametrize(("people", "vehicles"), [("none", "all"), ("boxes", "all"), ("all", "none")])
def test_silence_is_never_shown_as_absence(script: Any, sources: Any, people: str, vehicles: str) -> None:
    assert script.labelled_throughout(picture(sources, 1, people, vehicles)) is None


def test_a_picture_that_labels_what_is_below_a_line_is_cut_off_there(script: Any, sources: Any) -> None:
    """The pedestrian's head is at row 38, so the picture begins there, and 58 rows are too few to learn from."""
    drawn = picture(sources, 1, vehicles="below")
    assert script.labelled_throughout(drawn) is None

    taller = sources.Picture(
        (np.vstack([drawn.frames[0]] * 2),), *[getattr(drawn, name) for name in list(vars(drawn))[1:]]
    )
    frame, boxes = script.labelled_throughout(taller)
    assert frame.shape[0] == 2 * HEIGHT_PX - 38
    np.testing.assert_array_equal(boxes[:, 1] - boxes[:, 3] / 2 >= 0, True)
    np.testing.assert_array_equal(boxes[:, 0], drawn.boxes_px[:, 0])


def test_the_data_set_says_what_the_labels_say(script: Any, sources: Any, tmp_path: Path) -> None:
    """Class, centre and size in shares; what sticks out of the picture is cut, what lies outside is dropped."""
    drawn = picture(sources, 1)
    boxes = np.array([[64, 48, 32, 24], [0, 0, 16, 16], [300, 20, 10, 10]], np.float32)
    kinds = np.array([CLASSES.index("bus"), sources.CAR_OR_VAN, 0], np.int64)
    known = sources.Known.ALL
    odd = sources.Picture(drawn.frames, boxes, kinds, known, known, 0, 0, "drawn", "any")

    described = script.write_dataset([odd], [drawn], tmp_path / "dataset")

    assert described.read_text().splitlines()[4:] == [f"  {index}: {name}" for index, name in enumerate(CLASSES)]
    (label,) = (tmp_path / "dataset" / "labels" / "train").glob("*.txt")
    assert label.read_text().splitlines() == [
        f"{CLASSES.index('bus')} 0.500000 0.500000 0.250000 0.250000",
        f"{CLASSES.index('car')} 0.031250 0.041667 0.062500 0.083333",
    ]
    assert [path.stem for path in (tmp_path / "dataset" / "images" / "train").iterdir()] == [label.stem]


@pytest.mark.skipif(importlib.util.find_spec("ultralytics") is None, reason="needs the extra ultralytics")
@pytest.mark.filterwarnings("ignore")  # of PyTorch and Ultralytics while they train
def test_one_epoch_makes_weights_that_count(script: Any, sources: Any, tmp_path: Path) -> None:
    """For real: trained from nothing, exported, and both files open as counting models of the project's classes."""
    pictures = [picture(sources, seed) for seed in range(6)]
    best = script.finetune("yolo11n.yaml", pictures[:4], pictures[4:], tmp_path / "out", 1, 64, 2)

    assert not (tmp_path / "out" / "dataset").exists()
    for weights in (best, best.with_suffix(".onnx")):
        model = UltralyticsBoxes(str(weights))
        density = model.density([Frame(pictures[0].frames[0], 0.0)])
        assert density.shape[:2] == (1, len(CLASSES))
        assert model.name.startswith("best@")
    with pytest.raises(SystemExit, match="is finished"):
        script.finetune("yolo11n.yaml", pictures[:4], pictures[4:], tmp_path / "out", 1, 64, 2)
