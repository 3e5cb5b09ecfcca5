"""Render frames of the synthetic street (`ingest/synthetic.py`) with their truth, so that the demo is counted too.

    python models/train/synthetic_source.py --out /somewhere/synthetic.npz --frames 300

Random places at random hours; the same ones for the same seed. About a second a frame.
"""

from __future__ import annotations

import argparse
import sys
from itertools import islice
from pathlib import Path

import numpy as np
from contract import CLASSES
from rich.progress import track
from sources import Known, Picture

FRAMES_PER_CAMERA = 5


def load_synthetic(path: Path) -> list[Picture]:
    stored = np.load(path)
    pictures = []
    for index, pixels in enumerate(stored["pixels"]):
        mine = stored["owner"] == index
        boxes, kinds = stored["boxes_px"][mine], stored["kinds"][mine]
        pictures.append(Picture((pixels,), boxes, kinds, Known.ALL, Known.ALL, 0, 0, "synthetic", "synthetic"))
    return pictures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    sys.path.append(str(Path(__file__).resolve().parents[2]))
    from ingest.rendering import samples

    pixels, boxes, kinds, owner = [], [], [], []
    stream = islice(samples(args.seed, frames_per_camera=FRAMES_PER_CAMERA), args.frames)
    for index, sample in enumerate(track(stream, "synthetic street", total=args.frames)):
        pixels.append(sample.pixels)
        for seen in sample.truth.objects:
            boxes.append((seen.x, seen.y, seen.w, seen.h))
            kinds.append(CLASSES.index(seen.kind))
            owner.append(index)
    np.savez_compressed(
        args.out,
        pixels=np.stack(pixels),
        boxes_px=np.array(boxes, np.float32).reshape(-1, 4),  # centre x, centre y, width, height
        kinds=np.array(kinds, np.int64),
        owner=np.array(owner, np.int64),
    )
    print(f"{len(pixels)} frames, {len(boxes)} objects: {args.out}")


if __name__ == "__main__":
    main()
