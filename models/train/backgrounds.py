"""Views without people: the median over clips that lie minutes apart.

    python models/train/backgrounds.py --data ../shared/data --out backgrounds.npz

Nobody stands in one place for the better part of an hour, so what the medians of several clips agree on is street,
furniture and parked vehicles: signals, bollards, railings, lit windows and rain, by day and by night, and no person.
The network learns from them what is not a person. About vehicles they say nothing. The view must hold: clips that
differ too much from their neighbours (a camera that swings, a placeholder) make no background.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from sources import Known, Picture, read_clip

CLIPS, STEP = 5, 3  # clips a background, and clips from one background to the next
FRAMES = (10, 55, 100, 145, 190)  # of a clip of 10 s
LARGEST_DIFFERENCE = 9.0  # grey levels; mean absolute difference of a clip's median to that of its neighbours


def clip_median(path: Path) -> NDArray[np.uint8] | None:
    """The median of a clip's frames, or None where fewer than three can be read."""
    frames = list(read_clip(path, FRAMES).values())
    return None if len(frames) < 3 else np.median(np.stack(frames), axis=0).astype(np.uint8)


def differs(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Mean absolute difference in grey levels after taking out a change of overall brightness."""
    grey = [cv2.GaussianBlur(cv2.cvtColor(x, cv2.COLOR_RGB2GRAY), (0, 0), 2).astype(np.float32) for x in (a, b)]
    return float(abs((grey[0] - grey[0].mean()) - (grey[1] - grey[1].mean())).mean())


def backgrounds_of(folder: Path) -> list[NDArray[np.uint8]]:
    """Backgrounds of one camera-day, in order of time."""
    found: list[NDArray[np.uint8]] = []
    medians = [clip_median(path) for path in track(sorted(folder.glob("*.mp4")), f"backgrounds of {folder.name}")]
    for first in range(0, len(medians) - CLIPS + 1, STEP):
        group = [m for m in medians[first : first + CLIPS] if m is not None]
        if len(group) < CLIPS:
            continue
        middle = np.median(np.stack(group), axis=0).astype(np.uint8)
        flat = middle.reshape(-1, 3).std(axis=0).mean() < 12
        same = len({m.tobytes() for m in group}) < CLIPS  # a card, or a clip that was served again
        if not flat and not same and max(differs(m, middle) for m in group) < LARGEST_DIFFERENCE:
            found.append(middle)
    return found


def load_backgrounds(path: Path, held_out: tuple[str, ...]) -> list[Picture]:
    stored = np.load(path)
    nothing = np.zeros((0, 4), np.float32), np.zeros(0, np.int64)
    return [
        Picture((pixels,), *nothing, Known.ALL, Known.NONE, 0, 0, "background", str(camera))
        for pixels, camera in zip(stored["pixels"], stored["cameras"], strict=True)
        if camera not in held_out
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    pixels, cameras = [], []
    for folder in sorted((args.data / "jamcam" / "days").iterdir()):
        found = backgrounds_of(folder)
        pixels += found
        cameras += [folder.name] * len(found)
    np.savez_compressed(args.out, pixels=np.stack(pixels), cameras=np.array(cameras))
    print(f"{len(pixels)} backgrounds: {args.out}")


if __name__ == "__main__":
    main()
