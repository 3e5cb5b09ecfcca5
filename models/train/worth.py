"""What the votes of the teacher's detectors are worth, and how far the teacher is off on cameras left out of that.

    python models/train/worth.py --data ../shared/data

Counts every frame labelled by eye from what the three detectors see (teachers.py). A thing is a labelled one if its box
and a label's overlap by a fifth, one thing a label, those that most detectors see first. Prints `LABELLED` as found on
all frames, and the errors of `FOR_EACH_SEEN` with tables found without the camera that is counted: over frames, over
those of `labels/`, and as the mean of cameras, for two cameras have two thirds of the frames.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from sources import FOLDS, PEOPLE_KINDS, VALIDATION, Picture, load_validation
from teachers import FOR_EACH_SEEN, HEIGHTS_PX, PEDESTRIAN, VEHICLE, Teacher, Thing, overlap, things
from validate import interval, off, weights

OVERLAP_LABELLED = 0.2
DETECTORS, BINS = 3, len(HEIGHTS_PX) + 1
BEFORE = 0.2, 0.5  # of a cell of the table without things: this share is labelled, as if so many things were seen


def labelled(found: list[Thing], boxes: NDArray[np.float32]) -> NDArray[np.int64]:
    """[detectors, height, 2] things seen, and those of them that are labelled ones; `boxes` as in `Picture`."""
    table = np.zeros((DETECTORS, BINS, 2), np.int64)
    corners = np.concatenate((boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2), axis=1).astype(float)
    left = list(range(len(corners)))
    for thing in sorted(found, key=lambda thing: -thing.detectors):
        overlaps = [overlap(thing.corners, corners[index]) for index in left]
        hit = bool(overlaps) and max(overlaps) >= OVERLAP_LABELLED
        if hit:
            left.pop(int(np.argmax(overlaps)))
        table[thing.detectors - 1, thing.height_bin(1.0)] += (1, hit)
    return table


def shares(tables: NDArray[np.float64]) -> NDArray[np.float64]:
    """[frame, detectors, height, 2] -> [detectors, height] share of things seen that are labelled ones."""
    share, weight = BEFORE
    seen, hit = tables.sum(axis=0).transpose(2, 0, 1)
    return (hit + share * weight) / (seen + weight)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    every = tuple(camera for cameras in FOLDS.values() for camera in cameras)
    pictures: list[Picture] = load_validation(args.data, every, everything=True)
    teacher = Teacher(args.data / "weights", args.threads)
    votes = [teacher.votes(picture.frames[0]) for picture in track(pictures, "teacher")]
    camera = np.array([picture.camera for picture in pictures])
    given = np.array([picture.origin == VALIDATION for picture in pictures])
    cameras = sorted(set(camera))
    weight = weights(pictures)[:, None, None, None]
    for group, name in enumerate((PEDESTRIAN, VEHICLE)):
        tables = np.stack(
            [
                labelled(things(mine[name]), picture.boxes_px[np.isin(picture.kinds, PEOPLE_KINDS) == (group == 0)])
                for mine, picture in zip(votes, pictures, strict=True)
            ]
        )
        counts = np.zeros(len(pictures))
        for held_out in cameras:
            worth = shares((tables * weight)[camera != held_out]) * FOR_EACH_SEEN[name]
            counts[camera == held_out] = (tables[camera == held_out, :, :, 0] * worth).sum(axis=(1, 2))
        low, high = interval(pictures, group)
        error = off(counts, low, high)
        of_cameras = np.mean([abs(error[camera == one]).mean() for one in cameras])
        print(
            f"{name}: off by {abs(error).mean():.2f} a frame ({error.sum() / low.sum():+.0%}), on labels/ "
            f"{abs(error[given]).mean():.2f}, mean of {len(cameras)} cameras {of_cameras:.2f}"
        )
        for detectors, row in enumerate(shares(tables * weight), start=1):
            print(f"    {detectors}: ({', '.join(f'{share:.2f}' for share in row)}),")


if __name__ == "__main__":
    main()
