"""Choose how faint a cell may be before it counts as empty.

    python models/train/faint.py --checkpoint /somewhere/last.pt --data ../shared/data

On a street that training never saw, the network spreads small doubts over lamp posts and railings. Each is a few
hundredths of a person, together they are several. This table shows the error on frames of `labels/` when cells up to a
floor are emptied. It looks at cameras whose other frames were trained on, never at the held-out ones: those only
measure the choice.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from network import CountingNetwork
from sources import FIRST_FOLD, load_validation
from validate import count_all, score

FLOORS = (0.0, 0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    args = parser.parse_args()
    pictures = load_validation(args.data, None, but=FIRST_FOLD)
    weights = torch.load(args.checkpoint, weights_only=True)["average"]
    print("floor   people error  bias   vehicles error  bias")
    for floor in FLOORS:
        network = CountingNetwork((floor, floor))
        network.load_state_dict(weights)
        network.eval()
        with torch.no_grad():
            counts = count_all(pictures, lambda frames: network(torch.from_numpy(frames)).sum(dim=(2, 3)).numpy())  # noqa: B023
        part = score(pictures, np.asarray(counts))
        people = f"{part.people_error:12.3f} {part.people_bias:+6.2f}"
        print(f"{floor:5.3f} {people} {part.vehicles_error:15.3f} {part.vehicles_bias:+6.2f}")


if __name__ == "__main__":
    main()
