"""Error on labelled frames: the distance of a count to [labelled, labelled + uncertain], for people and for vehicles.

python validate.py --data ../shared/data [--model models/lowres-2.onnx] [--cameras 06710,...]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from contract import CLASSES
from numpy.typing import NDArray
from sources import FIRST_FOLD, Picture, load_validation

Counter = Callable[[NDArray[np.float32]], NDArray[np.float32]]  # [n, 3, 288, 352] -> [n, 7] objects


@dataclass(frozen=True)
class Score:
    frames: int
    people_error: float
    people_bias: float  # sum of signed distances / sum of labelled
    vehicles_error: float
    vehicles_bias: float


def off(counts: NDArray, low: NDArray, high: NDArray) -> NDArray:
    """Signed distance of counts to [low, high]: 0 inside."""
    return np.maximum(counts - high, 0) - np.maximum(low - counts, 0)


def count_all(pictures: list[Picture], count: Counter) -> NDArray[np.float32]:
    """[frames, 7] objects per class."""
    counts = []
    for at in range(0, len(pictures), 8):
        frames = np.stack([p.frames[0] for p in pictures[at : at + 8]]).astype(np.float32) / 255
        counts.append(count(np.ascontiguousarray(frames.transpose(0, 3, 1, 2))))
    return np.concatenate(counts)


def score(pictures: list[Picture], counts: NDArray[np.float32]) -> Score:
    figures = []
    for classes, uncertain in ((slice(0, 2), "uncertain_people"), (slice(2, 7), "uncertain_vehicles")):
        members = range(len(CLASSES))[classes]
        low = np.array([sum(int(k) in members for k in p.kinds) for p in pictures], float)
        high = low + np.array([getattr(p, uncertain) for p in pictures])
        mine = counts[:, classes].sum(axis=1)
        signed = off(mine, low, high)
        figures += [float(abs(signed).mean()), float(signed.sum() / max(low.sum(), 1))]
    return Score(len(pictures), *(round(f, 3) for f in figures))


def by_part(pictures: list[Picture], counts: NDArray[np.float32]) -> dict[str, Score]:
    """All frames, then by lighting, then by camera."""
    parts: dict[str, list[int]] = {"all": list(range(len(pictures)))}
    for index, picture in enumerate(pictures):
        parts.setdefault(picture.visibility, []).append(index)
    for index, picture in enumerate(pictures):
        parts.setdefault(f"camera {picture.camera}", []).append(index)
    return {name: score([pictures[i] for i in rows], counts[rows]) for name, rows in parts.items()}


def onnx_counter(path: Path) -> Counter:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda frames: session.run(["density"], {"frames": frames})[0].sum(axis=(2, 3))


def class_table(pictures: list[Picture], counts: NDArray[np.float32]) -> dict[str, tuple[int, float, float]]:
    """By class: labelled, counted, mean absolute difference per frame."""
    truth = np.array([[(p.kinds == c).sum() for c in range(len(CLASSES))] for p in pictures], float)
    return {
        name: (
            int(truth[:, c].sum()),
            round(float(counts[:, c].sum()), 1),
            round(float(abs(counts - truth)[:, c].mean()), 2),
        )
        for c, name in enumerate(CLASSES)
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--model", type=Path, default=Path(__file__).parents[1] / "lowres-2.onnx")
    parser.add_argument("--cameras", default=",".join(FIRST_FOLD))
    args = parser.parse_args()
    pictures = load_validation(args.data, tuple(args.cameras.split(",")))
    counts = count_all(pictures, onnx_counter(args.model))
    for name, part in by_part(pictures, counts).items():
        print(f"{name:14} {json.dumps(asdict(part))}")
    for name, row in class_table(pictures, counts).items():
        print(f"{name:14} labelled {row[0]:4}  counted {row[1]:7}  mean |difference| a frame {row[2]}")


if __name__ == "__main__":
    main()
