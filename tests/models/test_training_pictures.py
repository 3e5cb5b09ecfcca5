"""What training is shown: truth and picture say the same, whatever is cut, moved, pasted or voted on."""

from __future__ import annotations

import json
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
    names = ("sources", "compose", "paste", "backgrounds", "teachers", "contract", "dataset", "light", "worth")
    sys.path.insert(0, str(TRAIN))
    try:
        return {name: __import__(name) for name in names}
    finally:
        sys.path.remove(str(TRAIN))


def street(train: dict[str, ModuleType], seed: int) -> object:
    """A picture of noise with five people and four cars in it, all labelled."""
    random = np.random.default_rng(seed)
    sources = train["sources"]
    boxes = np.stack(
        [random.uniform(40, 300, 9), random.uniform(60, 240, 9), random.uniform(6, 30, 9), random.uniform(12, 40, 9)], 1
    ).astype(np.float32)
    return sources.Picture(
        (random.integers(0, 255, (288, 352, 3), dtype=np.uint8),), boxes, np.array([0] * 5 + [3] * 4),
        sources.Known.ALL, sources.Known.ALL, 0, 0, "eye", "06710",
    )  # fmt: skip


@given(seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_the_truth_holds_every_object_that_is_seen_once(train: dict[str, ModuleType], seed: int) -> None:
    """Cropped, scaled, turned and flipped: what the placed boxes count, the density sums to."""
    compose, random = train["compose"], np.random.default_rng(seed)
    frame, truth = np.zeros((288, 352, 3), np.uint8), compose.blank_truth()
    picture = street(train, seed)
    (rect, *_) = compose.random_rects(random, 0.0)
    seen = compose.place(picture, rect, compose.random_placement(picture, rect, random), frame, truth, random)
    # A Gaussian whose centre lies beyond the frame's lower edge is drawn with what is left of it, or not at all.
    below = sum(y + 0.3 * height > 288 for _, y, _, height, _ in seen)
    assert len(seen) - below - 1e-3 <= truth.kinds.sum() <= len(seen) + 1e-3
    assert truth.totals[0, 0] == pytest.approx(sum(kind == 0 for *_, kind in seen))
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
        boxes = paste.paste(frame, truth, none, bank, [street(train, seed)], random, dark=False)
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


def test_what_several_detectors_see_is_one_thing(train: dict[str, ModuleType]) -> None:
    """Boxes that overlap are one thing, worth the more the more detectors see it; twice by one is still one vote."""
    teachers = train["teachers"]
    agreed = teachers.agreed

    def worth(name: str, detectors: int, height: int) -> float:
        return teachers.LABELLED[name][detectors][height] * teachers.FOR_EACH_SEEN[name][height]

    def vote(detector: int, score: float, *corners: float) -> object:
        return teachers.Vote(detector, score, np.array(corners, float))

    bus = [vote(d, 0.9 - d / 10, 100 + d, 100, 200, 160) for d in range(3)]
    again, far = vote(0, 0.3, 102, 100, 199, 158), vote(2, 0.2, 20, 40, 30, 50)
    first, second = agreed(teachers.VEHICLE, [far, *bus, again], 1.0)
    assert (first.mass, second.mass) == (worth(teachers.VEHICLE, 3, -1), worth(teachers.VEHICLE, 1, 1))
    assert (first.left, first.width) == (pytest.approx(101.25), pytest.approx(98.5)), "the mean of its boxes"
    (twice,) = agreed(teachers.VEHICLE, [bus[0], again], 1.0)
    assert twice.mass == worth(teachers.VEHICLE, 1, -1)
    (person,) = agreed(teachers.PEDESTRIAN, bus[:2], 0.25)
    assert person.mass == worth(teachers.PEDESTRIAN, 2, 2), "its height is told in a frame of 352 px"
    assert agreed(teachers.VEHICLE, [], 1.0) == []


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
    folds = {name: cameras for name, cameras in sources.FOLDS.items() if cameras}
    for held_out in folds.values():
        left = [
            label["camera"]
            for _, label in sources.eye_labels(shared_data)
            if label["camera"] not in held_out and sources.camera_of(label["source"] or "") not in held_out
        ]
        assert left
        assert not set(left) & set(held_out)
    every = [camera for cameras in folds.values() for camera in cameras]
    assert len(every) == len(set(every)), "a camera is held out once"
    measured = {picture.camera for picture in sources.load_validation(shared_data, tuple(every))}
    assert measured == set(every), "every camera of labels/ is held out"


def test_a_label_makes_one_thing_right_and_the_one_that_most_see(train: dict[str, ModuleType]) -> None:
    """Two things on one labelled car, one car that nobody sees, one thing on nothing."""
    teachers, worth = train["teachers"], train["worth"]

    def thing(detectors: int, *corners: float) -> object:
        return teachers.Thing(tuple(teachers.Vote(d, 0.5, np.array(corners, float)) for d in range(detectors)))

    found = [thing(1, 90, 80, 130, 100), thing(3, 100, 80, 140, 100), thing(2, 200, 200, 210, 209)]
    boxes = np.array([[120, 90, 40, 20], [300, 90, 40, 20]], np.float32)
    table = worth.labelled(found, boxes)
    assert table[2, 3].tolist() == [1, 1], "of three detectors, 20 px high"
    assert table[0, 3].tolist() == [1, 0], "the label is taken"
    assert table[1, 1].tolist() == [1, 0]
    assert table.sum(axis=(0, 1)).tolist() == [3, 1]
    assert worth.labelled(found, boxes[:0]).sum(axis=(0, 1)).tolist() == [3, 0]
    share = worth.shares(np.stack([table] * 1000).astype(float))
    assert (share[2, 3], share[0, 3]) == (pytest.approx(1, abs=1e-3), pytest.approx(0, abs=1e-3))
    assert share[2, 0] == worth.BEFORE[0], "nothing seen"


def test_what_nobody_labelled_says_nothing_and_is_of_known_cameras(
    train: dict[str, ModuleType], shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENCV_FFMPEG_CAPTURE_OPTIONS", raising=False)  # ingest.decode lets nothing be opened by name
    sources = train["sources"]
    monkeypatch.setattr(sources, "UNLABELLED", {"clips": (20, 60)})
    silent = sources.Known.NONE
    cameras = []
    for picture in sources.load_unlabelled(shared_data, ("07450",)):
        assert (len(picture.boxes_px), picture.people, picture.vehicles) == (0, silent, silent)
        cameras.append(picture.camera)
    assert len(set(cameras)) > 3
    assert not {"", "07450"} & set(cameras)


def test_a_frame_names_the_one_camera_that_is_in_it(train: dict[str, ModuleType]) -> None:
    """Each camera's pictures have a colour of their own: no frame shows, or has people pasted from, two of ours."""
    sources, dataset = train["sources"], train["dataset"]
    colours = {"06710": 0, "04254": 1, "09800": 2}  # the channel that is bright

    def flat(camera: str, origin: str) -> object:
        drawn, frame = street(train, 3), np.full((288, 352, 3), 120, np.uint8)
        if camera in colours:
            frame[..., colours[camera]] = 220
        known = sources.Known.ALL
        return sources.Picture((frame,), drawn.boxes_px, drawn.kinds, known, known, 0, 0, origin, camera)

    pictures = {origin: [flat(camera, origin) for camera in colours] for origin in ("eye", "unlabelled")}
    pictures["manaus_traffic"] = [flat("manaus_traffic", "manaus_traffic")]
    mixture, unchanged = dataset.Mixture(pictures), lambda frame, *_, **__: frame
    held, dataset.photometric = dataset.photometric, unchanged
    try:
        samples = [mixture.sample(np.random.default_rng(seed)) for seed in range(60)]
    finally:
        dataset.photometric = held
    for sample in samples:
        grey = np.median(sample.frame.astype(int), axis=2)
        shown = {c for c, channel in colours.items() if (sample.frame[..., channel] - grey > 30).sum() > 10}
        assert shown <= {sample.camera}
    named = [sample.camera for sample in samples]
    assert set(named) == {"", *colours}, "and those of none of ours serve every fold"


def test_pictures_labelled_again_say_everything_and_the_others_no_more_than_their_boxes(
    train: dict[str, ModuleType], shared_data: Path
) -> None:
    """Half of a queue is unlabelled in the set as it came: there its silence is no evidence."""
    sources = train["sources"]
    again = sources.labelled_again("manaus_traffic")
    rows = [
        json.loads(line) for line in (shared_data / "annotated/manaus_traffic/index.jsonl").read_text().splitlines()
    ]
    assert set(again) <= {row["image"] for row in rows}
    known = [(p.people, p.vehicles) for p in sources.load_annotated(shared_data, "manaus_traffic", ())]
    assert known.count((sources.Known.ALL, sources.Known.ALL)) == len(again) >= 100
    assert (sources.Known.ALL, sources.Known.BOXES) not in known
    before = sum(len(row["objects"]) for row in rows if row["image"] in again)
    assert sum(len(row["objects"]) for row in again.values()) > 1.4 * before


def test_a_night_of_the_feed_is_told_by_its_lamps_and_not_by_its_brightness(
    train: dict[str, ModuleType], shared_data: Path
) -> None:
    by_night = train["light"].by_night
    lit = {"night": [], "day": []}
    for picture in train["sources"].load_validation(shared_data, ("06710", "04254")):
        lit[picture.visibility].append((by_night(picture.frames[0]), float(picture.frames[0].mean())))
    for light, told in lit.items():
        assert len(told) > 10
        assert np.mean([night == (light == "night") for night, _ in told]) > 0.85
    assert min(grey for _, grey in lit["night"]) > train["light"].DARK, "the gain is turned up"
    street = np.full((288, 352, 3), 128, np.uint8)
    assert not by_night(street)
    assert by_night(street // 4), "dark, whatever its colour"


def test_a_fold_is_held_against_every_frame_labelled_by_eye(
    train: dict[str, ModuleType], shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENCV_FFMPEG_CAPTURE_OPTIONS", raising=False)  # ingest.decode lets nothing be opened by name
    sources = train["sources"]
    cameras = sources.FOLDS["first"]
    given = sources.load_validation(shared_data, cameras)
    every = sources.load_validation(shared_data, cameras, everything=True)
    assert {picture.origin for picture in given} == {sources.VALIDATION}
    assert len([picture for picture in every if picture.origin == sources.VALIDATION]) == len(given) < len(every)
    assert {picture.camera for picture in every} == set(cameras)


def test_our_own_labels_name_frames_that_are_there(train: dict[str, ModuleType], shared_data: Path) -> None:
    """They copy no picture, so the clip that they name must have the frame."""
    own = train["sources"].OWN_LABELS
    labels = [(path, label) for path, label in train["sources"].eye_labels(shared_data) if path.parent == own]
    assert len(labels) > 40
    for _path, label in labels:
        assert (shared_data / label["source"]).is_file()
        assert not label["source"].startswith("jamcam/highways"), "that footage states no licence: measure only"
    assert not list(own.rglob("*.png")), "labels copy no picture"
