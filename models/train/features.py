r"""Training frames as trunk and teacher see them, made once and kept on the disk: every fold learns from the same.

    python models/train/features.py --data ../shared/data --out /somewhere/features \
        --synthetic FILE --backgrounds FILE

While the trunk is not trained, a frame need go through it once only; the decoder learns from what came out, many times
faster than from frames. The teacher (teachers.py) looks at every frame as it was put together, for it sees what labels
are silent about, and what it makes of many cut, mixed and darkened pictures is what can be learnt from it. 9,600 frames
are 13 GB. Stopped, the same command goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # the work is shared out among processes

import cv2
import numpy as np
import torch
from backgrounds import load_backgrounds
from compose import draw
from contract import GRID, HEIGHT_PX, WIDTH_PX
from dataset import Mixture, Sample, census
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from rich.progress import track
from sources import KINDS, Picture, load_training, load_unlabelled
from synthetic_source import load_synthetic
from teachers import VEHICLE, Seen, Teacher
from torch import Tensor
from trunk import Features, load_trunk

CHUNK = 80  # frames that are made, and written, together
HALF = (GRID[0] // 2, GRID[1] // 2)
# Features with the channel last; what is learnt per cell is rounded to a thousandth or so.
FIELDS = {
    "frames": (HEIGHT_PX, WIDTH_PX, 3),
    "at_4": (*GRID, 32), "at_8": (*HALF, 128), "at_16": (18, 22, 128), "at_32": (9, 11, 128),
    "groups": (2, *GRID), "kinds": (len(KINDS), *HALF), "known": (2, *GRID), "empty": (2, *GRID), "taught": (2, *GRID),
}  # fmt: skip
TRUTH = ("groups", "kinds", "known", "empty", "taught")
Fields = dict[str, NDArray]  # float16, but for `frames`: uint8


@dataclass(frozen=True)
class Batch:
    """One step's features and truth; axes as in `compose.Truth`, with the frame first."""

    features: Features | None
    frames: Tensor | None  # [n, 3, 288, 352] RGB 0..1
    groups: Tensor  # [n, 2, 72, 88] people and vehicles
    kinds: Tensor  # [n, 10, 36, 44] of cells twice as large, only where it is known
    known: Tensor  # [n, 2, 72, 88]
    empty: Tensor  # [n, 2, 72, 88]
    taught: Tensor  # [n, 2, 72, 88] people and vehicles as the teacher sees them
    totals: Tensor  # [n, 2, 2]


class Store:
    """What `main` wrote. Raises `FileNotFoundError` where it did not end."""

    def __init__(self, folder: Path) -> None:
        chunks = [json.loads(path.read_text()) for path in sorted(folder.glob("chunk_*.json"))]
        self.cameras = np.array([camera for chunk in chunks for camera in chunk["cameras"]])
        self.totals = np.array([totals for chunk in chunks for totals in chunk["totals"]], np.float32)
        self.fields: Fields = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in FIELDS}
        if len(self.cameras) != len(self.fields["groups"]):
            raise FileNotFoundError(
                f"{folder} holds {len(self.cameras)} of {len(self.fields['groups'])} frames: make the rest"
            )

    def without(self, held_out: tuple[str, ...]) -> NDArray[np.int64]:
        """Rows of the frames that none of these cameras is in."""
        return np.flatnonzero(~np.isin(self.cameras, held_out))

    def batch(self, rows: NDArray[np.int64], *, frames: bool = False) -> Batch:
        """These rows: what the trunk saw of them, or the frames themselves."""
        rows = np.sort(rows)  # in the order in which they lie on the disk
        truth = {name: torch.from_numpy(self.fields[name][rows]).float() for name in TRUTH}
        truth["totals"] = torch.from_numpy(self.totals[rows])
        if frames:
            pixels = torch.from_numpy(self.fields["frames"][rows]).permute(0, 3, 1, 2).float().div_(255)
            return Batch(None, pixels, **truth)
        seen = (torch.from_numpy(self.fields[name][rows]).float().permute(0, 3, 1, 2) for name in Features._fields)
        return Batch(Features(*seen), None, **truth)


def pooled(kinds: NDArray[np.float32]) -> NDArray[np.float32]:
    """[10, 72, 88] -> [10, 36, 44], sums."""
    return kinds.reshape(len(kinds), HALF[0], 2, HALF[1], 2).sum(axis=(2, 4))


def drawn(seen: list[Seen]) -> NDArray[np.float32]:
    """[2, 72, 88] density of people and vehicles that the teacher sees in a frame of 352 x 288 px."""
    planes = np.zeros((2, *GRID), np.float32)
    for thing in seen:
        centre = thing.left + thing.width / 2, thing.top + thing.height / 2
        draw(planes[int(thing.name == VEHICLE)], np.array([*centre, thing.width, thing.height], np.float32), thing.mass)
    return planes


def rows_of(samples: list[Sample], seen: Features) -> Iterator[tuple[str, NDArray]]:
    for name, feature in seen._asdict().items():
        yield name, feature.permute(0, 2, 3, 1).numpy()
    kinds = np.stack([sample.truth.kinds for sample in samples])
    known = np.stack([sample.truth.known for sample in samples])
    yield "groups", np.stack((kinds[:, :2].sum(axis=1), kinds[:, 2:].sum(axis=1)), axis=1)
    masked = [k * np.repeat(known_of, (2, len(KINDS) - 2), axis=0) for k, known_of in zip(kinds, known, strict=True)]
    yield "kinds", np.stack([pooled(k) for k in masked])
    yield "known", known
    yield "empty", np.stack([sample.truth.empty for sample in samples])
    yield "frames", np.stack([sample.frame for sample in samples])


class Worker:
    """One process: it has the pictures and the trunk, and writes its chunks into the fields."""

    here: Worker

    def __init__(self, args: argparse.Namespace) -> None:
        torch.set_num_threads(1)
        cv2.setNumThreads(1)
        self.out, self.seed = args.out, args.seed
        self.mixture = Mixture(pictures_of(args))
        self.trunk = load_trunk(args.data / "weights" / "yolox_nano.onnx").to(memory_format=torch.channels_last)
        self.teacher = Teacher(args.data / "weights")
        self.fields: Fields = {name: np.load(args.out / f"{name}.npy", mmap_mode="r+") for name in FIELDS}

    @torch.no_grad()
    def write(self, chunk: int) -> None:
        random = np.random.default_rng((self.seed, chunk))
        samples = [self.mixture.sample(random) for _ in range(CHUNK)]
        for at in range(0, CHUNK, 8):
            some = samples[at : at + 8]
            frames = torch.from_numpy(np.stack([sample.frame for sample in some])).permute(0, 3, 1, 2).float().div_(255)
            start = chunk * CHUNK + at
            for name, rows in rows_of(some, self.trunk(frames)):
                self.fields[name][start : start + len(some)] = rows
            self.fields["taught"][start : start + len(some)] = [
                drawn(self.teacher.look(sample.frame)) for sample in some
            ]
        told = {
            "cameras": [sample.camera for sample in samples],
            "totals": [sample.truth.totals.tolist() for sample in samples],
        }
        fresh = self.out / f"new_{chunk:04d}.json"
        fresh.write_text(json.dumps(told))
        fresh.replace(self.out / f"chunk_{chunk:04d}.json")


def start(args: argparse.Namespace) -> None:
    Worker.here = Worker(args)


def write(chunk: int) -> None:
    Worker.here.write(chunk)


def pictures_of(args: argparse.Namespace) -> dict[str, list[Picture]]:
    pictures = load_training(args.data, ())
    pictures["unlabelled"] = list(load_unlabelled(args.data, ()))
    if args.synthetic:
        pictures["synthetic"] = load_synthetic(args.synthetic)
    if args.backgrounds:
        pictures["background"] = load_backgrounds(args.backgrounds, ())
    return pictures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, required=True, help="a folder outside the repository")
    parser.add_argument("--synthetic", type=Path, help="synthetic.npz from synthetic_source.py")
    parser.add_argument("--backgrounds", type=Path, help="backgrounds.npz from backgrounds.py")
    parser.add_argument("--frames", type=int, default=9600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    chunks = args.frames // CHUNK
    for name, shape in FIELDS.items():
        path = args.out / f"{name}.npy"
        if not path.exists() or len(np.load(path, mmap_mode="r")) != chunks * CHUNK:
            for stale in args.out.glob("chunk_*.json"):
                stale.unlink()
            open_memmap(path, "w+", np.uint8 if name == "frames" else np.float16, (chunks * CHUNK, *shape))
    left = [chunk for chunk in range(chunks) if not (args.out / f"chunk_{chunk:04d}.json").exists()]
    if left:
        print(census(pictures_of(args)))
        context = multiprocessing.get_context("spawn")
        with context.Pool(min(args.workers, len(left)), start, (args,)) as pool:
            for _ in track(pool.imap_unordered(write, left), "features", total=len(left)):
                pass
    print(f"{chunks * CHUNK} frames: {args.out}")


if __name__ == "__main__":
    main()
