"""Choose how much mass must lie together before it counts, and the gain after it (`network.Sure`).

    python models/train/sure.py --data ../shared/data --first RUN1/last.pt --second RUN2/last.pt

Prints the error on the frames of `labels/` for a range of both, by day and by night, every frame counted by the network
of the fold that did not see its camera. Five numbers are chosen on 82 frames of 12 cameras: a little flattery.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from network import CountingNetwork, Doubt
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from sources import FOLDS, Picture, load_validation
from validate import count_all, score

LEAST = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
GAINS = (0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4)


def loaded(checkpoint: Path, doubt: Doubt) -> CountingNetwork:
    network = CountingNetwork(doubt)
    network.load_state_dict(torch.load(checkpoint, weights_only=True, map_location="cpu")["average"])
    return network.eval()


@torch.no_grad()
def counted(network: CountingNetwork, pictures: list[Picture]) -> NDArray[np.float32]:
    """[frame, 7]."""
    return count_all(pictures, lambda frames: network(torch.from_numpy(frames)).sum(dim=(2, 3)).numpy())


def unseen(data: Path, checkpoints: dict[str, Path], doubt: Doubt) -> Iterator[tuple[Picture, NDArray[np.float32]]]:
    """Each labelled frame with its count, by the network that was not trained on its camera."""
    for fold, checkpoint in checkpoints.items():
        pictures = load_validation(data, FOLDS[fold])
        yield from zip(pictures, counted(loaded(checkpoint, doubt), pictures), strict=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--first", type=Path, required=True, help="checkpoint of the first fold")
    parser.add_argument("--second", type=Path, required=True, help="checkpoint of the second fold")
    args = parser.parse_args()
    checkpoints = {"first": args.first, "second": args.second}
    counted_at = {least: list(unseen(args.data, checkpoints, Doubt((least, least), (least, least)))) for least in LEAST}
    for light in ("day", "night"):
        table = Table(
            "least", *(f"x {gain}" for gain in GAINS), title=f"{light}: error of people / of vehicles (biases)"
        )
        for least, every in counted_at.items():
            pairs = [pair for pair in every if (pair[0].visibility == "night") == (light == "night")]
            pictures, counts = [picture for picture, _ in pairs], np.stack([count for _, count in pairs])
            parts = [score(pictures, counts * gain) for gain in GAINS]
            errors = [f"{p.people_error:.2f} / {p.vehicles_error:.2f}" for p in parts]
            biases = [f"({p.people_bias:+.2f} / {p.vehicles_bias:+.2f})" for p in parts]
            table.add_row(f"{least}", *map("\n".join, zip(errors, biases, strict=True)))
        Console(width=140).print(table)


if __name__ == "__main__":
    main()
