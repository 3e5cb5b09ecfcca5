r"""Train the counting network on the frames of `features.py`, on a GPU where there is one.

    python models/train/train.py --data ../shared/data --features DIR --out /somewhere --fold first

First the decoder learns alone, from what the trunk saw of the frames; then the two learn together from the frames, the
trunk at a part of the decoder's rate; vehicles from the teacher alone. What comes out of either is the moving average
of the weights. Last the two hear labels about vehicles too, and what comes out is the mean of all steps of that stage,
part of the way back to before it (WiSE-FT: Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022): steps
differ in how many they count, their mean differs less.

Stopping it loses at most `--save-every` steps: the same command goes on from `OUT/last.pt`. Validation is printed on
the way and chooses nothing. One thread is faster than two that wait for each other on a machine that does anything
else: train several folds at a time instead (`ship.py` does).
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # else waiting threads starve the reader on a small machine

import numpy as np
import torch
from features import Batch, Store
from loss import counting_loss
from network import CountingNetwork, Decoder
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sources import FOLDS, Picture, load_validation
from sure import counted
from torch import Tensor
from trunk import Features, load_trunk
from validate import by_part

MEASURED = 64  # frames from which the spread of the trunk's channels is taken


@dataclass(frozen=True)
class Stage:
    name: str
    steps: int
    batch: int
    rate: float  # peak, of the decoder
    trunk_rate: float  # of the decoder's; 0: the trunk is left alone, and need not be run
    believed: float = 0.0  # share of labels in what vehicles are learnt from, where labels speak
    kept: float | None = None  # share of the weights from before this stage in the mean of all its steps; None: no mean

    def at(self, step: int) -> float:
        """Warm-up over 100 steps, then a cosine to 1 % of the peak."""
        return (
            self.rate * min(1.0, (step + 1) / 100) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / self.steps)))
        )


def newest(step: int, *, mean: bool) -> float:
    """Share of the newest weights in the average: of all steps so far, or, moving, of the last twentieth of them."""
    return 1 / (step + 1) if mean else max(0.002, 19 / (step + 20))


@torch.no_grad()
def move(network: CountingNetwork, towards: dict[str, Tensor], share: float) -> None:
    """Move the weights this far towards others."""
    for mine, theirs in zip(network.state_dict().values(), towards.values(), strict=True):
        mine.lerp_(theirs, share)


def validation_line(average: CountingNetwork, pictures: list[Picture]) -> dict[str, dict]:
    counts = counted(average.eval(), pictures)
    return {name: asdict(part) for name, part in by_part(pictures, counts).items() if not name.startswith("camera")}


def orders(rows: NDArray[np.int64], batch: int, seed: tuple[int, ...]) -> Iterator[NDArray[np.int64]]:
    """The rows of each step, without end: every pass over all has an order of its own."""
    random = np.random.default_rng(seed)
    while True:
        order = random.permutation(rows)
        yield from (order[at : at + batch] for at in range(0, len(order) - batch + 1, batch))


def on(device: torch.device, batch: Batch) -> Batch:
    """The same batch on a device."""
    moved = {name: value.to(device) for name, value in vars(batch).items() if isinstance(value, torch.Tensor)}
    seen = None if batch.features is None else Features(*(feature.to(device) for feature in batch.features))
    return Batch(**{"frames": None, **moved, "features": seen})


class Training:
    """The network, its average, and where training stands."""

    def __init__(self, args: argparse.Namespace, stages: tuple[Stage, ...]) -> None:
        self.args, self.stages = args, stages
        self.console, self.log = Console(), args.out / "log.jsonl"
        self.store = Store(args.features)
        self.rows = self.store.without(FOLDS[args.fold])
        self.cameras = sorted({str(camera) for camera in self.store.cameras[self.rows]} - {""})
        self.validation = load_validation(args.data, FOLDS[args.fold], everything=True) if FOLDS[args.fold] else []
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network = self.fresh()
        self.average = copy.deepcopy(self.network)
        self.seconds = 0.0

    def fresh(self) -> CountingNetwork:
        network = CountingNetwork(load_trunk(self.args.data / "weights" / "yolox_nano.onnx"), Decoder())
        network = network.to(self.device, memory_format=torch.channels_last)
        some = self.rows[:: max(1, len(self.rows) // MEASURED)]
        network.decoder.measure(on(self.device, self.store.batch(some)).features)
        return network

    def optimiser(self, stage: Stage) -> torch.optim.AdamW:
        groups: list[dict[str, Any]] = [{"params": list(self.network.decoder.parameters()), "share": 1.0}]
        self.network.trunk.requires_grad_(stage.trunk_rate > 0)
        if stage.trunk_rate:
            groups.append({"params": list(self.network.trunk.parameters()), "share": stage.trunk_rate})
        return torch.optim.AdamW(groups, lr=stage.rate, weight_decay=1e-2)

    def run(self) -> None:
        told = f"{len(self.rows)} of {len(self.store.cameras)} frames, with {len(self.cameras)} cameras: "
        self.console.print(told + ", ".join(self.cameras))
        last = self.args.out / "last.pt"
        saved = torch.load(last, weights_only=True, map_location=self.device) if last.exists() else None
        for index, stage in enumerate(self.stages):
            if saved is None or saved["stage"] < index:
                self.stage(index, stage, None)
            elif saved["stage"] == index:
                self.stage(index, stage, saved)

    def stage(self, index: int, stage: Stage, saved: dict[str, Any] | None) -> None:
        step, optimiser = 0, self.optimiser(stage)
        self.network.load_state_dict(self.average.state_dict())
        before = {name: value.clone() for name, value in self.average.state_dict().items()}
        if saved is not None:
            self.network.load_state_dict(saved["network"])
            self.average.load_state_dict(saved["average"])
            optimiser.load_state_dict(saved["optimiser"])
            before, step, self.seconds = saved["before"], saved["step"], saved["seconds"]
        bar = Progress(
            TextColumn(f"{self.args.fold}: {stage.name}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
            TextColumn("{task.fields[loss]}"), console=self.console,
        )  # fmt: skip
        losses: list[tuple[float, float, float]] = []
        started, earlier = time.monotonic(), self.seconds
        order = orders(self.rows, stage.batch, (self.args.seed, index, step))
        whole = stage.trunk_rate > 0
        with bar, ThreadPoolExecutor(1) as reader:
            task = bar.add_task("", total=stage.steps, completed=step, loss="")
            upcoming = reader.submit(self.store.batch, next(order), frames=whole)
            while step < stage.steps:
                batch = on(self.device, upcoming.result())
                upcoming = reader.submit(self.store.batch, next(order), frames=whole)
                for group in optimiser.param_groups:
                    group["lr"] = group["share"] * stage.at(step)
                self.network.train()
                seen = self.network.trunk(batch.frames) if whole else batch.features
                loss = counting_loss(self.network.decoder.outputs(seen), batch, stage.believed)
                optimiser.zero_grad()
                loss.total.backward()
                torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
                optimiser.step()
                share = newest(step, mean=stage.kept is not None)
                move(self.average, self.network.state_dict(), share)
                losses.append((loss.people, loss.vehicles, loss.classes))
                step += 1
                if step % 10 == 0:
                    bar.update(task, completed=step, loss=f"loss {np.sum(losses[-100:]) / len(losses[-100:]):.2f}")
                if step % self.args.save_every == 0 or step == stage.steps:
                    self.seconds = earlier + time.monotonic() - started
                    if step == stage.steps and stage.kept is not None:
                        move(self.average, before, stage.kept)
                    self.tell(stage, step, np.mean(losses, axis=0))
                    losses.clear()
                    self.save(index, step, optimiser, before)

    def tell(self, stage: Stage, step: int, loss: NDArray[np.float64]) -> None:
        line: dict[str, Any] = {"stage": stage.name, "step": step, "seconds": round(self.seconds)}
        line["loss"] = loss.round(3).tolist()
        if self.validation:
            line["validation"] = validation_line(self.average, self.validation)
        self.console.print(json.dumps(line))
        with self.log.open("a") as log:
            log.write(json.dumps(line) + "\n")

    def save(self, index: int, step: int, optimiser: torch.optim.AdamW, before: dict[str, Tensor]) -> None:
        state = {
            "network": self.network.state_dict(), "average": self.average.state_dict(),
            "optimiser": optimiser.state_dict(), "stage": index, "step": step, "cameras": self.cameras,
            "seconds": self.seconds, "before": before,
        }  # fmt: skip
        fresh = self.args.out / "new.pt"
        torch.save(state, fresh)
        fresh.replace(self.args.out / "last.pt")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--features", type=Path, required=True, help="what features.py made")
    parser.add_argument("--out", type=Path, required=True, help="checkpoints and log; keep it outside the repository")
    parser.add_argument("--fold", choices=FOLDS, default="first", help="which cameras are held out")
    parser.add_argument("--steps", type=int, default=400, help="of the decoder alone, 16 frames each")
    parser.add_argument("--whole-steps", type=int, default=900, help="of decoder and trunk together, 8 frames each")
    parser.add_argument("--rate", type=float, default=4e-3, help="peak learning rate of the decoder alone")
    parser.add_argument(
        "--whole-rate", type=float, default=1e-3, help="peak learning rate of the decoder with the trunk"
    )
    parser.add_argument("--trunk-rate", type=float, default=0.3, help="learning rate of the trunk, of the decoder's")
    parser.add_argument(
        "--last-steps", type=int, default=300, help="of both, with labels about vehicles; 8 frames each"
    )
    parser.add_argument("--believed", type=float, default=0.5, help="share of labels about vehicles in those steps")
    parser.add_argument("--kept", type=float, default=0.4, help="share of the weights from before them in the mean")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--save-every", type=int, default=200)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    stages = (
        Stage("decoder", args.steps, 16, args.rate, 0.0),
        Stage("whole", args.whole_steps, 8, args.whole_rate, args.trunk_rate),
        Stage("last", args.last_steps, 8, args.whole_rate / 2, args.trunk_rate * 2 / 3, args.believed, args.kept),
    )
    Training(args, stages).run()


if __name__ == "__main__":
    main()
