"""Choose from how much mass on something counts, by day and by night (`network.Sure`).

    python models/train/sure.py --data ../shared/data --out sure.json first=RUN1/last.pt second=RUN2/last.pt ...

Every frame labelled by eye is counted by the network of the fold that did not see its camera, those of `labels/` and
those that the other folds learn from. What is chosen for a fold is chosen on the frames of the other folds alone, so
its error is that of cameras which neither the network nor this choice ever saw; what is chosen on all frames goes into
the network that saw all cameras.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from contract import PEOPLE, VEHICLES
from network import CountingNetwork, Decoder, Doubt, Sure
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sources import FOLDS, VALIDATION, Picture, load_validation
from trunk import Trunk
from validate import by_part, count_all, interval, off, score, weights

LEAST = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
GROUPS = (PEOPLE, VEHICLES)
Counts = dict[float, NDArray[np.float32]]  # by least mass: [frame, 7]


def trained(checkpoint: Path, doubt: Doubt) -> CountingNetwork:
    network = CountingNetwork(Trunk(), Decoder(), doubt)
    network.load_state_dict(torch.load(checkpoint, weights_only=True, map_location="cpu")["average"])
    return network.eval()


def read_doubt(chosen: Path | None, fold: str) -> Doubt:
    """What was chosen for the network of a fold; nothing where no file is given."""
    if chosen is None:
        return Doubt()
    return Doubt(**{name: tuple(values) for name, values in json.loads(chosen.read_text())[fold].items()})


@torch.no_grad()
def counted(network: CountingNetwork, pictures: list[Picture]) -> NDArray[np.float32]:
    """[frame, 7], on the device where the network is."""
    device = next(network.parameters()).device
    return count_all(
        pictures, lambda frames: network(torch.from_numpy(frames).to(device)).sum(dim=(2, 3)).cpu().numpy()
    )


@torch.no_grad()
def counted_by_least(network: CountingNetwork, pictures: list[Picture]) -> Counts:
    """What a network without doubts of its own counts where less than so much mass is nothing, day and night."""
    sures = [Sure(Doubt((least, least), (least, least))) for least in LEAST]

    def count(frames: NDArray[np.float32]) -> NDArray[np.float32]:
        seen = torch.from_numpy(frames)
        density = network(seen)
        groups = torch.stack([density[:, classes].sum(dim=1) for classes in GROUPS], dim=1)
        sums = []
        for sure in sures:
            kept = sure(groups, seen) / groups.clamp(min=1e-9)
            parts = [(density[:, classes] * kept[:, g : g + 1]).sum(dim=(2, 3)) for g, classes in enumerate(GROUPS)]
            sums.append(torch.cat(parts, dim=1))
        return torch.cat(sums, dim=1).numpy()

    return dict(zip(LEAST, np.split(count_all(pictures, count), len(LEAST), axis=1), strict=True))


def best_of(
    sums: dict[float, NDArray], low: NDArray, high: NDArray, night: NDArray, weight: NDArray
) -> tuple[float, float]:
    """Least mass by day and by night of one group: `sums` [frame] by least mass; `night`, `weight` [frame]."""
    errors = {least: abs(off(mine, low, high)) * weight for least, mine in sums.items()}
    day, dark = (min((float(errors[least][rows].sum()), least) for least in LEAST)[1] for rows in (~night, night))
    return day, dark


def choose(pictures: list[Picture], counts: Counts) -> Doubt:
    """The least masses by day and by night with the smallest error on these frames.

    No gain after them: with one, what suits the cameras here suits no other (record 63).
    """
    night = np.array([picture.visibility == "night" for picture in pictures])
    best = []
    for group, classes in enumerate(GROUPS):
        sums = {least: count[:, classes].sum(axis=1) for least, count in counts.items()}
        best.append(best_of(sums, *interval(pictures, group), night, weights(pictures)))
    return Doubt(*zip(*best, strict=True))


def with_doubt(pictures: list[Picture], counts: Counts, doubt: Doubt) -> NDArray[np.float32]:
    """[frame, 7] as the network with this doubt gives them; night is told by the label here, by the lamps in use."""
    chosen = []
    for row, picture in enumerate(pictures):
        least = doubt.night if picture.visibility == "night" else doubt.day
        chosen.append(np.concatenate([counts[least[g]][row, GROUPS[g]] for g in (0, 1)]))
    return np.stack(chosen)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, required=True, help="JSON: what is chosen for each fold, and for none")
    parser.add_argument("checkpoints", nargs="+", metavar="FOLD=FILE", help="the last.pt of each fold")
    args = parser.parse_args()
    checkpoints = {fold: Path(path) for fold, _, path in (item.partition("=") for item in args.checkpoints)}
    torch.set_num_threads(1)
    pictures = {fold: load_validation(args.data, FOLDS[fold], everything=True) for fold in checkpoints}
    counts = {
        fold: counted_by_least(trained(path, Doubt()), pictures[fold])
        for fold, path in track(checkpoints.items(), "counting")
    }

    def together(folds: list[str]) -> tuple[list[Picture], Counts]:
        stacked = {least: np.concatenate([counts[fold][least] for fold in folds]) for least in LEAST}
        return [picture for fold in folds for picture in pictures[fold]], stacked

    folds = list(checkpoints)
    doubts = {fold: choose(*together([other for other in folds if other != fold])) for fold in folds}
    doubts["none"] = choose(*together(folds))
    args.out.write_text(json.dumps({fold: asdict(doubt) for fold, doubt in doubts.items()}, indent=1) + "\n")

    everything, raw = together(folds)
    unseen = np.concatenate([with_doubt(pictures[fold], counts[fold], doubts[fold]) for fold in folds])
    given = [row for row, picture in enumerate(everything) if picture.origin == VALIDATION]
    for title, rows in (("all labelled frames", list(range(len(everything)))), ("of these, labels/", given)):
        mine = [everything[row] for row in rows]
        table = Table(
            "frames", "n", "people error (bias)", "vehicles error (bias)", title=f"{title}, chosen without the fold"
        )
        told = by_part(mine, unseen[rows])
        told["every doubt counts"] = score(mine, raw[0.0][rows])
        told["chosen on all"] = score(mine, with_doubt(everything, raw, doubts["none"])[rows])
        for name, part in told.items():
            people = f"{part.people_error:.2f} ({part.people_bias:+.0%})"
            table.add_row(name, str(part.frames), people, f"{part.vehicles_error:.2f} ({part.vehicles_bias:+.0%})")
        Console().print(table)
    print(json.dumps({fold: asdict(doubt) for fold, doubt in doubts.items()}))


if __name__ == "__main__":
    main()
