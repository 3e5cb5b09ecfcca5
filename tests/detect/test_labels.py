"""Labelled frames: read as they are, with their picture from beside them or from the clip they came from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from core.errors import SourceError
from detect.labels import picture_of, read_labels

CAR = {"class": "car", "x": 10.0, "y": 10.0, "w": 8.0, "h": 6.0}


def write_label(folder: Path, **changed: Any) -> Path:
    folder.mkdir(exist_ok=True)
    label = {
        "id": "one",
        "camera": "06710",
        "source": None,
        "frame_index": 0,
        "width": 32,
        "height": 24,
        "visibility": "day",
        "objects": [CAR, CAR],
        "uncertain_pedestrians": 1,
        "uncertain_vehicles": 0,
        "note": "",
    } | changed
    path = folder / f"{label['id']}.json"
    path.write_text(json.dumps(label))
    return path


def test_counts_are_by_class(tmp_path: Path) -> None:
    write_label(tmp_path / "labels", objects=[CAR, CAR, CAR | {"class": "pedestrian"}])
    (label,) = read_labels(tmp_path / "labels")

    assert label.counts() == (1, 0, 0, 2, 0, 0, 0)


def test_a_picture_beside_its_labels_is_rgb(tmp_path: Path) -> None:
    write_label(tmp_path)
    red = np.zeros((24, 32, 3), dtype=np.uint8)
    red[..., 2] = 255  # OpenCV writes BGR
    cv2.imwrite(str(tmp_path / "one.png"), red)
    (label,) = read_labels(tmp_path)

    np.testing.assert_array_equal(np.asarray(picture_of(label, tmp_path).pixels[0, 0]), [255, 0, 0])


@pytest.mark.parametrize("changed", [{"objects": [CAR | {"class": "horse"}]}, {"width": 0}, {"smell": "petrol"}])
def test_malformed_labels_name_the_file(tmp_path: Path, changed: dict[str, Any]) -> None:
    path = write_label(tmp_path, **changed)
    with pytest.raises(SourceError, match=str(path)):
        read_labels(tmp_path)


def test_a_folder_without_labels(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no labels"):
        read_labels(tmp_path)


@pytest.mark.parametrize(
    ("source", "complaint"),
    [(None, "neither one.png in .* nor a source"), ("clips/gone.mp4", "gone.mp4 of one does not")],
)
def test_a_picture_that_is_nowhere(tmp_path: Path, source: str | None, complaint: str) -> None:
    write_label(tmp_path / "labels", source=source)
    (label,) = read_labels(tmp_path / "labels")

    with pytest.raises(SourceError, match=complaint):
        picture_of(label, tmp_path / "labels")


def test_a_picture_of_another_size_than_was_labelled(tmp_path: Path) -> None:
    write_label(tmp_path)
    cv2.imwrite(str(tmp_path / "one.png"), np.zeros((48, 64, 3), dtype=np.uint8))
    (label,) = read_labels(tmp_path)

    with pytest.raises(SourceError, match="is 64x48, its labels are of 32x24"):
        picture_of(label, tmp_path)


def test_a_frame_beyond_the_clips_end(shared_data: Path) -> None:
    label = read_labels(shared_data / "labels_train")[0].model_copy(update={"frame_index": 100_000})
    with pytest.raises(SourceError, match="has no frame 100000"):
        picture_of(label, shared_data / "labels_train")


def test_the_frame_of_a_clip_is_the_one_that_was_labelled(shared_data: Path) -> None:
    """Labels with a picture and a source: decoding frame `frame_index` gives the picture kept beside them."""
    folder = shared_data / "labels"
    label = next(found for found in read_labels(folder) if (found.source or "").endswith(".mp4"))
    kept = picture_of(label, folder).pixels
    decoded = picture_of(label, shared_data / "labels_train").pixels  # the same source, no picture beside it

    np.testing.assert_allclose(decoded, kept, atol=8)
