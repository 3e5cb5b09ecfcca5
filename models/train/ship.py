r"""From the data folder to the shipped files: every stage in turn, each left out where its output is there.

    python models/train/ship.py --data ../shared/data --work /somewhere --name lowres-2

    pseudo.jsonl, synthetic.npz, backgrounds.npz      what nobody labelled, what nobody filmed, what holds nobody
    first/, second/                                   networks that did not see the cameras of their fold
    all/                                              the network that saw all cameras: the one to count with
    first-classes/, second-classes/, all-classes/     the same, with their branch of classes trained at last
    models/NAME*.onnx, manifest.json                  all three, with the errors that the two folds measured

Stopped, it goes on where it was. `SURE` was chosen with sure.py, from the two folds.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from sources import FOLDS

HERE = Path(__file__).resolve().parent
MODELS = HERE.parent
RUNS = {"first": "first", "second": "second", "none": "all"}
CLASSES = ("--steps", 1350, "--batch", 16, "--rate", 3e-3)
SURE = ("--day", 0.1, 0, "--night", 0.7, 0.1, "--gain", 1.15, 1.1)


def stage(script: str, *options: object) -> None:
    """Run one command of this folder; ends here if it fails."""
    print(f"-- {script} {' '.join(map(str, options))}", flush=True)
    done = subprocess.run([sys.executable, HERE / script, *map(str, options)], cwd=MODELS.parent, check=False)
    if done.returncode:
        sys.exit(f"{script} failed: put right what it says above, and run the same command again")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--work", type=Path, required=True, help="caches and checkpoints, outside the repository")
    parser.add_argument("--name", default="lowres-2")
    parser.add_argument("--steps", type=int, default=1400, help="of a fold's network; the last gets half as many again")
    args = parser.parse_args()
    data, work = args.data.resolve(), args.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    pseudo, synthetic, backgrounds = work / "pseudo.jsonl", work / "synthetic.npz", work / "backgrounds.npz"
    stage("pseudo_label.py", "--data", data, "--out", pseudo)
    if not synthetic.exists():
        stage("synthetic_source.py", "--out", synthetic, "--frames", 300)
    if not backgrounds.exists():
        stage("backgrounds.py", "--data", data, "--out", backgrounds)
    more = ("--pseudo", pseudo, "--synthetic", synthetic, "--backgrounds", backgrounds)
    for fold, folder in RUNS.items():
        steps = args.steps if FOLDS[fold] else args.steps * 3 // 2
        stage("train.py", "--data", data, "--out", work / folder, "--fold", fold, "--steps", steps, *more)
        density = ("--classes-of", work / folder / "last.pt")
        stage(
            "train.py", "--data", data, "--out", work / f"{folder}-classes", "--fold", fold, *density, *CLASSES, *more
        )
    counts = work / "counts.jsonl"
    counts.unlink(missing_ok=True)
    for fold, folder in RUNS.items():
        name = args.name if not FOLDS[fold] else f"{args.name}-{fold}"
        stage(
            "export.py", "--checkpoint", work / f"{folder}-classes" / "last.pt", "--name", name, "--fold", fold, *SURE
        )
        if FOLDS[fold]:
            of_fold = ("--cameras", *FOLDS[fold])
            stage("error_model.py", "count", "--model", name, "--labels", data / "labels", *of_fold, "--out", counts)
    for fold in RUNS:
        name = args.name if not FOLDS[fold] else f"{args.name}-{fold}"
        stage("error_model.py", "fit", counts, "--name", name)


if __name__ == "__main__":
    main()
