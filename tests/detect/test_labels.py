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
    folder.mkdir(exist_ok=True, parents=True)
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


def test_malformed_labels_name_the_field(tmp_path: Path) -> None:
    write_label(tmp_path, objects=[CAR, CAR | {"class": "horse"}], smell="petrol")
    with pytest.raises(SourceError, match=r"one\.json are malformed at objects\.1\.class: Input .* \(and 1 more\)"):
        read_labels(tmp_path)


def test_labels_that_are_no_json_name_the_file(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text("{")
    with pytest.raises(SourceError, match=r"one\.json are malformed: Invalid JSON"):
        read_labels(tmp_path)


def test_labels_under_another_name_than_their_own(tmp_path: Path) -> None:
    """A copy would count twice, or be given the picture of another."""
    write_label(tmp_path).rename(tmp_path / "two.json")
    with pytest.raises(SourceError, match=r"two\.json are of another frame at id: 'one'"):
        read_labels(tmp_path)


def test_footage_lies_where_it_is_said_to(tmp_path: Path) -> None:
    """Labels in one place, clips in another; without it the error says what to do."""
    write_label(tmp_path / "mine" / "labels", source="stills/a.png")
    (tmp_path / "footage" / "stills").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "footage" / "stills" / "a.png"), np.full((24, 32, 3), 90, dtype=np.uint8))
    (label,) = read_labels(tmp_path / "mine" / "labels")

    assert int(picture_of(label, tmp_path / "mine" / "labels", tmp_path / "footage").pixels[0, 0, 0]) == 90
    with pytest.raises(SourceError, match=r"say --footage and the folder that holds stills/a\.png"):
        picture_of(label, tmp_path / "mine" / "labels")


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


def write_clip(path: Path, frames: int = 20) -> None:
    """A clip whose frame k is red with level 10 k."""
    path.parent.mkdir(exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (32, 24))
    for index in range(frames):
        writer.write(np.full((24, 32, 3), (0, 0, 10 * index), dtype=np.uint8))
    writer.release()


def test_a_picture_from_a_clip_is_the_frame_of_the_index(tmp_path: Path) -> None:
    write_label(tmp_path / "labels", source="clips/a.avi", frame_index=7)
    write_clip(tmp_path / "clips" / "a.avi")
    (label,) = read_labels(tmp_path / "labels")

    assert int(picture_of(label, tmp_path / "labels").pixels[12, 16, 0]) == pytest.approx(70, abs=6)


def test_a_picture_from_a_still_is_the_still(tmp_path: Path) -> None:
    write_label(tmp_path / "labels", source="stills/a.jpg")
    (tmp_path / "stills").mkdir()
    cv2.imwrite(str(tmp_path / "stills" / "a.jpg"), np.full((24, 32, 3), 90, dtype=np.uint8))
    (label,) = read_labels(tmp_path / "labels")

    assert int(picture_of(label, tmp_path / "labels").pixels[12, 16, 0]) == pytest.approx(90, abs=3)


def test_a_source_is_decoded_as_carefully_as_any_clip(tmp_path: Path) -> None:
    """A playlist in the place of a clip leads nowhere, and neither does a file of another kind."""
    write_label(tmp_path / "labels", source="clips/a.mp4")
    write_clip(tmp_path / "clips" / "b.avi")
    (tmp_path / "clips" / "a.mp4").write_text("#EXTM3U\n#EXTINF:10,\nb.avi\n#EXT-X-ENDLIST\n")
    (label,) = read_labels(tmp_path / "labels")

    with pytest.raises(SourceError, match=r"picture of one cannot be had from .*a\.mp4: a\.mp4 is neither a clip"):
        picture_of(label, tmp_path / "labels")


def test_a_frame_beyond_the_end(tmp_path: Path) -> None:
    write_label(tmp_path / "labels", source="clips/a.avi", frame_index=20)
    write_clip(tmp_path / "clips" / "a.avi")
    (label,) = read_labels(tmp_path / "labels")

    with pytest.raises(SourceError, match="has no frame 20"):
        picture_of(label, tmp_path / "labels")


def test_a_damaged_picture_names_its_label(tmp_path: Path) -> None:
    write_label(tmp_path)
    (tmp_path / "one.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (label,) = read_labels(tmp_path)

    with pytest.raises(SourceError, match="picture of one cannot be had from"):
        picture_of(label, tmp_path)


def test_the_frame_of_a_clip_is_the_one_that_was_labelled(shared_data: Path) -> None:
    """Labels with a picture and a source: decoding frame `frame_index` gives the picture kept beside them."""
    folder = shared_data / "labels"
    label = next(found for found in read_labels(folder) if (found.source or "").endswith(".mp4"))
    kept = picture_of(label, folder).pixels
    decoded = picture_of(label, shared_data / "labels_train").pixels  # the same source, no picture beside it

    np.testing.assert_allclose(decoded, kept, atol=8)
