r"""From the data folder to the shipped files: every stage in turn, each left out where its output is there.

    python models/train/ship.py --data ../shared/data --work /somewhere --name lowres-3

    synthetic.npz, backgrounds.npz                    what nobody filmed, and what holds nobody
    features/                                         training frames, what trunk and teacher see of them
    first/, second/                                   networks that did not see the cameras of their fold
    none/                                             the network that saw all cameras: the one to count with
    sure.json                                         how sure each must be, by the frames of the other fold
    models/NAME*.onnx, manifest.json                  all three, with the errors that the two folds measured

Stopped, it goes on where it was.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from sources import FOLDS

HERE = Path(__file__).resolve().parent
MODELS = HERE.parent
KEPT_BACK = [fold for fold, cameras in FOLDS.items() if cameras]


def stage(script: str, *options: object) -> None:
    """Run one command of this folder; ends here if it fails."""
    print(f"-- {script} {' '.join(map(str, options))}", flush=True)
    done = subprocess.run([sys.executable, HERE / script, *map(str, options)], cwd=MODELS.parent, check=False)
    if done.returncode:
        sys.exit(f"{script} failed: put right what it says above, and run the same command again")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument(
        "--work", type=Path, required=True, help="13 GB of caches, and checkpoints; outside the repository"
    )
    parser.add_argument("--name", default="lowres-3")
    parser.add_argument("--seed", type=int, default=1)
    at_once = 1 if torch.cuda.is_available() else os.cpu_count() or 1
    parser.add_argument("--at-once", type=int, default=min(at_once, len(FOLDS)), help="networks trained side by side")
    args = parser.parse_args()
    data, work = args.data.resolve(), args.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    synthetic, backgrounds = work / "synthetic.npz", work / "backgrounds.npz"
    if not synthetic.exists():
        stage("synthetic_source.py", "--out", synthetic, "--frames", 300)
    if not backgrounds.exists():
        stage("backgrounds.py", "--data", data, "--out", backgrounds)
    shown = ("--synthetic", synthetic, "--backgrounds", backgrounds, "--seed", args.seed)
    stage("features.py", "--data", data, "--out", work / "features", *shown)

    def train(fold: str) -> None:
        where = ("--data", data, "--features", work / "features", "--out", work / fold)
        stage("train.py", *where, "--fold", fold, "--seed", args.seed)

    with ThreadPoolExecutor(args.at_once) as side_by_side:
        list(side_by_side.map(train, FOLDS))
    checkpoints = [f"{fold}={work / fold / 'last.pt'}" for fold in KEPT_BACK]
    stage("sure.py", "--data", data, "--out", work / "sure.json", *checkpoints)
    counts = work / "counts.jsonl"
    counts.unlink(missing_ok=True)
    names = {fold: f"{args.name}-{fold}" if FOLDS[fold] else args.name for fold in FOLDS}
    for fold, name in names.items():
        checkpoint = work / fold / "last.pt"
        stage("export.py", "--checkpoint", checkpoint, "--name", name, "--fold", fold, "--sure", work / "sure.json")
        if FOLDS[fold]:
            of_fold = ("--cameras", *FOLDS[fold])
            stage("error_model.py", "count", "--model", name, "--labels", data / "labels", *of_fold, "--out", counts)
    for name in names.values():
        stage("error_model.py", "fit", counts, "--name", name)


if __name__ == "__main__":
    main()
