"""What training is shown: truth and picture say the same, whatever is cut, moved, pasted or voted on."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

TRAIN = Path(__file__).resolve().parents[2] / "models" / "train"


@pytest.fixture(scope="module")
def train() -> dict[str, ModuleType]:
    """The scripts of models/train that need no PyTorch, imported as they import each other."""
    names = ("sources", "compose", "paste", "backgrounds", "teachers", "contract")
    sys.path.insert(0, str(TRAIN))
    try:
        return {name: __import__(name) for name in names}
    finally:
        sys.path.remove(str(TRAIN))


def street(train: dict[str, ModuleType], seed: int, masses: float | None = None) -> object:
    """A picture of noise with five people and four cars in it, all labelled."""
    random = np.random.default_rng(seed)
    sources = train["sources"]
    boxes = np.stack(
        [random.uniform(40, 300, 9), random.uniform(60, 240, 9), random.uniform(6, 30, 9), random.uniform(12, 40, 9)], 1
    ).astype(np.float32)
    given_masses = None if masses is None else np.full(9, masses, np.float32)
    return sources.Picture(
        (random.integers(0, 255, (288, 352, 3), dtype=np.uint8),), boxes, np.array([0] * 5 + [3] * 4),
        sources.Known.ALL, sources.Known.ALL, 0, 0, "eye", "06710", masses_given=given_masses,
    )  # fmt: skip


@given(seed=st.integers(0, 10_000), masses=st.sampled_from([None, 0.25]))
@settings(max_examples=30, deadline=None)
def test_the_truth_holds_every_object_that_is_seen_once(
    train: dict[str, ModuleType], seed: int, masses: float | None
) -> None:
    """Cropped, scaled, turned and flipped: what the placed boxes count, the density sums to."""
    compose, random = train["compose"], np.random.default_rng(seed)
    frame, truth = np.zeros((288, 352, 3), np.uint8), compose.blank_truth()
    picture = street(train, seed, masses)
    (rect, *_) = compose.random_rects(random, 0.0)
    seen = compose.place(picture, rect, compose.random_placement(picture, rect, random), frame, truth, random)
    each = masses or 1.0
    # A Gaussian whose centre lies beyond the frame's lower edge is drawn with what is left of it, or not at all.
    below = sum(y + 0.3 * height > 288 for _, y, _, height, _ in seen)
    assert len(seen) * each - below * each - 1e-3 <= truth.kinds.sum() <= len(seen) * each + 1e-3
    assert truth.totals[0, 0] == pytest.approx(each * sum(kind == 0 for *_, kind in seen))
    assert (truth.empty <= truth.known + 1e-6).all()


@pytest.mark.parametrize("crowds", [0.0, 1.0])
def test_pasted_people_are_in_the_truth_and_pasted_pieces_of_nobody_are_not(
    train: dict[str, ModuleType], crowds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small groups and crowds; those who find no room are not pasted, and then not counted either."""
    compose, paste = train["compose"], train["paste"]
    monkeypatch.setattr(paste, "CROWDS", crowds)
    bank = paste.people_of([street(train, other) for other in range(20)])
    pasted = []
    for seed in range(12):
        frame, truth = np.full((288, 352, 3), 128, np.uint8), compose.blank_truth()
        truth.known[:] = 1
        none, random = np.zeros((0, 5), np.float32), np.random.default_rng(seed)
        boxes = paste.paste(frame, truth, none, bank, [street(train, seed)], random)
        assert truth.kinds[2:].sum() == 0
        assert truth.totals[0].tolist() == [len(boxes), len(boxes)]
        low = sum(y + 0.3 * height <= 286 for _, y, _, height, _ in boxes)
        assert low - 0.01 <= truth.kinds[:2].sum() <= len(boxes) + 0.01
        assert (frame != 128).any() or not len(boxes)
        pasted.append(len(boxes))
    assert sorted(pasted)[6] >= (5 if crowds else 1)


def test_a_person_close_to_another_is_not_cut_out(train: dict[str, ModuleType]) -> None:
    sources, paste = train["sources"], train["paste"]
    boxes = np.array([[100, 100, 10, 24], [104, 100, 10, 24], [250, 150, 10, 24]], np.float32)
    picture = sources.Picture(
        (np.zeros((288, 352, 3), np.uint8),), boxes, np.zeros(3, np.int64), sources.Known.ALL, sources.Known.ALL,
        0, 0, "eye", "06710",
    )  # fmt: skip
    (alone,) = paste.people_of([picture])
    assert (alone.width_px, alone.height_px) == (10, 24)


def test_a_view_is_the_same_in_other_light_and_another_when_it_swings(train: dict[str, ModuleType]) -> None:
    backgrounds = train["backgrounds"]
    view = np.kron(np.random.default_rng(1).integers(20, 200, (9, 11, 1)), np.ones((32, 32, 3))).astype(np.uint8)
    brighter, swung = np.clip(view.astype(int) + 25, 0, 255).astype(np.uint8), np.roll(view, 100, axis=1)
    assert backgrounds.differs(view, brighter) < backgrounds.LARGEST_DIFFERENCE < backgrounds.differs(view, swung)


def test_of_two_boxes_on_one_thing_the_surer_stays(train: dict[str, ModuleType]) -> None:
    corners = np.array([[0.1, 0.1, 0.3, 0.3], [0.11, 0.1, 0.31, 0.3], [0.6, 0.6, 0.7, 0.7]])
    score, kept = np.array([0.4, 0.9, 0.2], np.float32), train["teachers"].without_doubles
    assert kept(corners, score, ["vehicle"] * 3) == [1, 2]
    assert kept(corners, score, ["vehicle", "pedestrian", "vehicle"]) == [1, 0, 2], "things of two kinds may overlap"


@pytest.mark.parametrize(
    ("path", "camera"),
    [
        ("jamcam/days/06710/00_1489017728620.mp4", "06710"),
        ("jamcam/clips/2019-06-28_13-02-35.503167_00001.03601.mp4", "03601"),
        ("jamcam/clips/clip_6.mp4", "07450"),
        ("jamcam/clips/unknown.mp4", ""),
    ],
)
def test_the_camera_of_a_clip_is_known_from_its_name(train: dict[str, ModuleType], path: str, camera: str) -> None:
    """A held-out camera is only left out if every name of its clips is recognised."""
    assert train["sources"].camera_of(path) == camera


def test_no_label_of_a_held_out_camera_gets_into_training(train: dict[str, ModuleType], shared_data: Path) -> None:
    sources = train["sources"]
    for fold in ("first", "second"):
        held_out = sources.FOLDS[fold]
        left = [
            label["camera"]
            for _, label in sources.eye_labels(shared_data)
            if label["camera"] not in held_out and sources.camera_of(label["source"] or "") not in held_out
        ]
        assert left
        assert not set(left) & set(held_out)
    both = set(sources.FOLDS["first"]) | set(sources.FOLDS["second"])
    measured = {p.camera for p in sources.load_validation(shared_data, tuple(both))}
    assert measured == both, "every camera of labels/ is held out once"


def test_our_own_labels_name_frames_that_are_there(train: dict[str, ModuleType], shared_data: Path) -> None:
    """They copy no picture, so the clip that they name must have the frame."""
    own = train["sources"].OWN_LABELS
    labels = [(path, label) for path, label in train["sources"].eye_labels(shared_data) if path.parent == own]
    assert len(labels) > 40
    for _path, label in labels:
        assert (shared_data / label["source"]).is_file()
        assert not label["source"].startswith("jamcam/highways"), "that footage states no licence: measure only"
    assert not list(own.rglob("*.png")), "labels copy no picture"
