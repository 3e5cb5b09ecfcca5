"""Every picture that training may see, decoded once and kept in memory as uint8.

A `Picture` says not only what is in it but also what its labels are silent about: a set without people labelled is no
evidence that nobody was there. Validation is by camera: a fold names its cameras, and loading fails if one of them gets
into training.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import cv2
import numpy as np
from contract import CLASSES
from numpy.typing import NDArray

# What a label can say about the class of an object: one class, or only that it is one of several. Many freely licensed
# sets call a van a car, or a van a truck; `vehicle` may be any of the five.
KINDS: tuple[tuple[str, ...], ...] = (
    *((name,) for name in CLASSES),
    ("car", "van"),
    ("van", "truck"),
    ("motorcycle", "car", "van", "truck", "bus"),
)
PEOPLE_KINDS = (0, 1)
CAR_OR_VAN, VAN_OR_TRUCK, ANY_VEHICLE = 7, 8, 9
LOOSE = {"car": CAR_OR_VAN, "truck": VAN_OR_TRUCK, "vehicle": ANY_VEHICLE}

# Origins whose pictures are as the feed serves them: 352 x 288, its lenses, its codec.
FEED = ("eye", "dssg_jamcam", "unlabelled", "synthetic", "background")

# Clips without a camera number in their name, or of a camera that a label file names otherwise.
CLIP_CAMERA = {"clip_1": "mini_1", "clip_3": "06592", "clip_5": "mini_5", "clip_6": "07450"}
# Which cameras are held out together. 03601 and 03604 look at one neighbourhood.
FOLDS: dict[str, tuple[str, ...]] = {
    "first": ("06710", "06592", "07450", "01251", "08750"),
    "second": ("04254", "09800", "03601", "03604", "06514", "mini_1", "mini_5"),
    "none": (),
}
VALIDATION = "labels"  # origin of the frames that a network is held against
OWN_LABELS = Path(__file__).resolve().parent / "labels"
UNLABELLED = {"days/*": (90,), "clips": (20, 60, 100, 140, 180, 220)}  # below jamcam/: frames of every clip
MINIMUM_SIDE_PX = 5  # smaller objects cannot be seen, so neither counting nor missing them is an error


class Known(Enum):
    """Where the labels of a group (people or vehicles) speak."""

    ALL = "all"  # everything is labelled: silence means nobody
    BOXES = "boxes"  # only the labelled objects and their near surroundings say something
    BELOW = "below"  # far objects are unlabelled: only below the highest labelled box
    NONE = "none"


# Sets of others, and what their labels say about people and about vehicles. Pictures that were labelled again by eye
# (OWN_LABELS / SET.jsonl) say everything.
ANNOTATED = {
    "dssg_jamcam": (Known.NONE, Known.BOXES),  # 21 of 31 to 42 vehicles at 03604, 20 of 25 at 03601
    "manaus_traffic": (Known.BOXES, Known.BOXES),  # half of a queue is often unlabelled, and people
    "topview_vehicles": (Known.ALL, Known.BOXES),  # motorways: nobody walks there; of queues a third is labelled
    "atl_v2": (Known.ALL, Known.BELOW),  # trunk roads, no people labelled and next to none there; far ones unlabelled
    "rf100_vehicles": (Known.ALL, Known.BELOW),  # motorways
}


@dataclass(frozen=True)
class Picture:
    frames: tuple[NDArray[np.uint8], ...]  # each [y, x, 3] RGB; neighbours in time that share these labels
    boxes_px: NDArray[np.float32]  # [n, 4] centre x, centre y, width, height
    kinds: NDArray[np.int64]  # [n] index into KINDS
    people: Known
    vehicles: Known
    uncertain_people: int
    uncertain_vehicles: int
    origin: str
    camera: str
    visibility: str = "day"


def camera_of(path: str) -> str:
    """Camera id from a clip's path; '' where it cannot be known."""
    if "days/" in path:
        return path.split("days/")[1].split("/", maxsplit=1)[0]
    stem = path.rsplit("/", maxsplit=1)[-1].removesuffix(".mp4")
    if stem in CLIP_CAMERA:
        return CLIP_CAMERA[stem]
    found = re.search(r"00001\.(\d{5})", path)
    return found.group(1) if found else ""


def read_rgb(path: Path) -> NDArray[np.uint8]:
    picture = cv2.imread(str(path))
    if picture is None:
        raise FileNotFoundError(f"cannot read the picture {path}")
    return np.ascontiguousarray(picture[:, :, ::-1])


def read_clip(path: Path, wanted: Iterable[int]) -> dict[int, NDArray[np.uint8]]:
    """The wanted frames of a clip, read in order: seeking in these clips lands on other frames than counting does."""
    indices = set(wanted)
    clip = cv2.VideoCapture(str(path))
    frames: dict[int, NDArray[np.uint8]] = {}
    for index in range(max(indices) + 1):
        if index in indices:
            ok, frame = clip.read()
            if ok:
                frames[index] = np.ascontiguousarray(frame[:, :, ::-1])
        else:
            ok = clip.grab()
        if not ok:
            break
    clip.release()
    return frames


def boxes_of(objects: list[dict], kind_of: Callable[[str], int]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Objects of either label format: centre x, y, w, h, or `bbox` with its top left corner."""
    rows, kinds = [], []
    for item in objects:
        if "bbox" in item:
            left, top, width, height = item["bbox"]
            rows.append((left + width / 2, top + height / 2, width, height))
        else:
            rows.append((item["x"], item["y"], item["w"], item["h"]))
        kinds.append(kind_of(item["class"]))
    return np.array(rows, np.float32).reshape(-1, 4), np.array(kinds, np.int64)


def exact(name: str) -> int:
    return CLASSES.index(name)


def loose(name: str) -> int:
    return LOOSE[name] if name in LOOSE else exact(name)


def eye_labels(data: Path) -> Iterator[tuple[Path, dict]]:
    """Every frame labelled by eye: `labels_train/` and `labels/` of the shared data, and our own beside this file."""
    for folder in (data / "labels_train", data / "labels", OWN_LABELS):
        for path in sorted(folder.glob("*.json")):
            yield path, json.loads(path.read_text())


def frames_of(data: Path, path: Path, label: dict) -> tuple[NDArray[np.uint8], ...]:
    """The labelled frame and, from a clip, its neighbours 40 and 80 ms away: nothing has moved by more than 2 px."""
    source, at = label["source"], label["frame_index"]
    if source is None:
        return (read_rgb(path.with_suffix(".png")),)
    if not source.endswith(".mp4"):
        return (read_rgb(data / source),)
    frames = read_clip(data / source, [index for index in range(at - 2, at + 3) if index >= 0])
    if at not in frames:
        raise FileNotFoundError(f"{path} labels frame {at} of {source}, which has fewer frames")
    return (frames.pop(at), *frames.values())


def by_eye(frames: tuple[NDArray[np.uint8], ...], label: dict, origin: str, camera: str) -> Picture:
    """A picture of which a label of ours says everything."""
    boxes, kinds = boxes_of(label["objects"], exact)
    return Picture(
        frames, boxes, kinds, Known.ALL, Known.ALL, label["uncertain_pedestrians"], label["uncertain_vehicles"],
        origin, camera, label["visibility"],
    )  # fmt: skip


def load_eye_labels(data: Path, held_out: tuple[str, ...]) -> Iterator[Picture]:
    for path, label in eye_labels(data):
        if label["camera"] in held_out or camera_of(label["source"] or "") in held_out:
            continue
        yield by_eye(frames_of(data, path, label), label, "eye", label["camera"])


def labelled_again(name: str) -> dict[str, dict]:
    """By image: what we see in pictures of a set of others, whose own labels leave too much out."""
    path = OWN_LABELS / f"{name}.jsonl"
    rows = map(json.loads, path.read_text().splitlines()) if path.exists() else ()
    return {row["image"]: row for row in rows}


def load_annotated(data: Path, name: str, held_out: tuple[str, ...]) -> Iterator[Picture]:
    folder, again = data / "annotated" / name, labelled_again(name)
    for line in (folder / "index.jsonl").read_text().splitlines():
        row = json.loads(line)
        camera = annotated_camera(name, row["image"])
        if camera in held_out:
            continue
        image, ours = read_rgb(folder / row["image"]), again.get(row["image"])
        if ours is not None:
            yield by_eye((image,), ours, name, camera)
            continue
        people, vehicles = ANNOTATED[name]
        if row.get("partial"):
            people, vehicles = Known.BOXES, Known.NONE
        boxes, kinds = boxes_of(row["objects"], loose)
        yield Picture((image,), boxes, kinds, people, vehicles, 0, 0, name, camera)


def annotated_camera(name: str, image: str) -> str:
    return camera_of(image) if name == "dssg_jamcam" else name


def load_unlabelled(data: Path, held_out: tuple[str, ...]) -> Iterator[Picture]:
    """Frames of the camera-days and of the clips whose camera is known; about them only the teacher says anything."""
    nothing = np.zeros((0, 4), np.float32), np.zeros(0, np.int64)
    for folder, indices in UNLABELLED.items():
        for path in sorted((data / "jamcam").glob(f"{folder}/*.mp4")):
            camera = camera_of(path.relative_to(data).as_posix())
            if camera in ("", *held_out):
                continue
            for frame in read_clip(path, indices).values():
                yield Picture((frame,), *nothing, Known.NONE, Known.NONE, 0, 0, "unlabelled", camera)


def load_training(data: Path, held_out: tuple[str, ...]) -> dict[str, list[Picture]]:
    """All pictures with labels, by origin. `held_out` cameras are in none of them."""
    pictures = {"eye": list(load_eye_labels(data, held_out))}
    for name in ANNOTATED:
        pictures[name] = list(load_annotated(data, name, held_out))
    for group in pictures.values():
        for picture in group:
            if picture.camera in held_out:
                raise AssertionError(f"held-out camera {picture.camera} got into training ({picture.origin})")
    return {name: group for name, group in pictures.items() if group}


def load_validation(data: Path, cameras: tuple[str, ...], *, everything: bool = False) -> list[Picture]:
    """The frames of `labels/` on these cameras; with `everything`, all frames of them that are labelled by eye."""
    pictures = []
    for path, label in eye_labels(data):
        given = path.parent == data / "labels"
        if label["camera"] not in cameras or not (given or everything):
            continue
        frame = read_rgb(path.with_suffix(".png")) if given else frames_of(data, path, label)[0]
        pictures.append(by_eye((frame,), label, VALIDATION if given else "eye", label["camera"]))
    return pictures
