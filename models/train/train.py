r"""Train the counting network, on a GPU where there is one.

    python models/train/train.py --data ../shared/data --out /somewhere --fold first \
        --pseudo FILE --synthetic FILE --backgrounds FILE

Stopping it loses at most `--save-every` steps: the same command goes on from `OUT/last.pt`. The weights that count are
the moving average at the last step of the schedule; validation is printed on the way and chooses nothing.

The trunk keeps close to what YOLOX learnt from many cities: it learns at a small part of the decoder's rate. At the
full rate it learns our few cameras by heart (the ladder in the model's card).
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from dataclasses import asdict
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # else waiting threads starve the loader on a small machine

import numpy as np
import torch
from backgrounds import load_backgrounds
from dataset import Mixture, census
from loss import counting_loss
from network import CountingNetwork, start_from
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sources import ANNOTATED, FOLDS, Picture, load_training, load_validation
from synthetic_source import load_synthetic
from torch import Tensor
from torch.utils.data import DataLoader
from validate import by_part, count_all

UNCLASSED = ("pseudo", "background")  # origins that say nothing about classes


def learning_rate(step: int, spent: float, peak: float) -> float:
    """Warm-up over 100 steps, then a cosine to 1 % of the peak; `spent` is the share of the schedule, 0..1."""
    return peak * min(1.0, (step + 1) / 100) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, spent))))


class ThreadChoice:
    """On a shared machine a second thread helps or hurts by the minute: time both now and then, keep the faster."""

    TRIAL, EVERY = 5, 150

    def __init__(self, fixed: int) -> None:
        self.fixed, self.times, self.since = fixed, {1: 0.0, 2: 0.0}, time.monotonic()
        torch.set_num_threads(fixed or 1)

    def before(self, step: int) -> None:
        phase = step % self.EVERY
        if self.fixed or phase > 2 * self.TRIAL:
            return
        if phase in (0, self.TRIAL, 2 * self.TRIAL):
            now = time.monotonic()
            if phase:
                self.times[phase // self.TRIAL] = now - self.since
            self.since = now
            torch.set_num_threads((1, 2, min(self.times, key=self.times.__getitem__))[phase // self.TRIAL])


def as_input(frames: Tensor, device: torch.device) -> Tensor:
    """uint8 [n, 288, 352, 3] -> float32 [n, 3, 288, 352] in 0..1, channels last in memory."""
    return frames.to(device).permute(0, 3, 1, 2).float().div_(255)


@torch.no_grad()
def follow(average: CountingNetwork, network: CountingNetwork, step: int) -> None:
    """Exponential moving average of the weights."""
    keep = min(0.998, (step + 1) / (step + 20))
    for mine, theirs in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if mine.dtype.is_floating_point:
            mine.lerp_(theirs, 1 - keep)
        else:
            mine.copy_(theirs)


@torch.no_grad()
def torch_counter(network: CountingNetwork, frames: NDArray[np.float32]) -> NDArray[np.float32]:
    device = next(network.parameters()).device
    return network(torch.from_numpy(frames).to(device)).sum(dim=(2, 3)).cpu().numpy()


def validation_line(average: CountingNetwork, pictures: list[Picture]) -> dict[str, dict]:
    average.eval()
    counts = count_all(pictures, lambda frames: torch_counter(average, frames))
    return {name: asdict(part) for name, part in by_part(pictures, counts).items() if not name.startswith("camera")}


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, required=True, help="checkpoints and log; keep it outside the repository")
    parser.add_argument("--pseudo", type=Path, help="index.jsonl from pseudo_label.py")
    parser.add_argument("--synthetic", type=Path, help="synthetic.npz from synthetic_source.py")
    parser.add_argument("--backgrounds", type=Path, help="backgrounds.npz from backgrounds.py")
    parser.add_argument("--fold", choices=FOLDS, default="first", help="which cameras are held out")
    parser.add_argument("--classes-of", type=Path, help="keep this checkpoint's density, and train its classes alone")
    parser.add_argument("--steps", type=int, default=2400)
    parser.add_argument("--minutes", type=float, default=math.inf, help="end the schedule by this time if steps do not")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=1.2e-3, help="peak learning rate of the decoder")
    parser.add_argument("--trunk-rate", type=float, default=0.03, help="learning rate of the trunk, of the decoder's")
    parser.add_argument("--threads", type=int, default=0, help="0: whichever of one and two is faster just now")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--save-every", type=int, default=250)
    return parser.parse_args()


def main() -> None:
    args = options()
    args.out.mkdir(parents=True, exist_ok=True)
    threads = ThreadChoice(args.threads)
    torch.manual_seed(args.seed)
    console, log = Console(), (args.out / "log.jsonl").open("a")
    held_out = FOLDS[args.fold]
    pictures = load_training(args.data, args.pseudo, held_out)
    if args.synthetic:
        pictures["synthetic"] = load_synthetic(args.synthetic)
    if args.backgrounds:
        pictures["background"] = load_backgrounds(args.backgrounds, held_out)
    validation = load_validation(args.data, held_out) if held_out else []
    console.print(census(pictures))
    cameras = sorted(
        {
            p.camera
            for group in pictures.values()
            for p in group
            if p.origin in ("eye", "dssg_jamcam", "pseudo", "background") and p.camera not in ANNOTATED
        }
    )

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network, average = (CountingNetwork().to(device, memory_format=torch.channels_last) for _ in range(2))
    start_from(network.trunk, args.data / "weights" / "yolox_nano.onnx")
    if args.classes_of:
        saved = torch.load(args.classes_of, weights_only=True, map_location=device)
        network.load_state_dict(saved["average"])
        network.requires_grad_(False)
        network.classes.requires_grad_(True)
        for origin in UNCLASSED:
            pictures.pop(origin, None)
    average.load_state_dict(network.state_dict())
    trunk = set(network.trunk.parameters())
    groups = [
        {"params": list(network.trunk.parameters()), "share": args.trunk_rate},
        {"params": [p for p in network.parameters() if p not in trunk], "share": 1.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=args.rate, weight_decay=1e-2)
    first_step, before_s, last = 0, 0.0, args.out / "last.pt"
    if last.exists():
        saved = torch.load(last, weights_only=True, map_location=device)
        network.load_state_dict(saved["network"])
        average.load_state_dict(saved["average"])
        optimiser.load_state_dict(saved["optimiser"])
        first_step, before_s = saved["step"], saved["seconds"]

    mixture = Mixture(pictures, args.batch, seed=args.seed * 1_000_000 + first_step)
    batches = iter(DataLoader(mixture, batch_size=None, num_workers=1, prefetch_factor=6))
    bar = Progress(
        TextColumn("training"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[loss]}"),
        console=console,
    )
    sums, started = np.zeros(4), time.monotonic()
    with bar:
        task = bar.add_task("", total=args.steps, completed=first_step, loss="")
        for step in range(first_step, args.steps):
            seconds = before_s + time.monotonic() - started
            spent = max(step / args.steps, seconds / 60 / args.minutes)
            threads.before(step)
            frames, *truth = next(batches)
            for group in optimiser.param_groups:
                group["lr"] = group["share"] * learning_rate(step, spent, args.rate)
            network.train()
            out = network.outputs(as_input(frames, device))
            loss = counting_loss(out, *(part.to(device) for part in truth))
            optimiser.zero_grad()
            (loss.of_classes if args.classes_of else loss.total).backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimiser.step()
            follow(average, network, step)
            sums += (float(loss.total.detach()), loss.people, loss.vehicles, loss.classes)
            done = step + 1
            if done % 20 == 0:
                bar.update(task, completed=done, loss=f"loss {sums[0] / ((done - 1) % args.save_every + 1):.2f}")
            last_step = done == args.steps or spent >= 1
            if done % args.save_every == 0 or last_step:
                mean = sums / ((done - 1) % args.save_every + 1)
                line = {
                    "step": done,
                    "seconds": round(seconds),
                    "threads": torch.get_num_threads(),
                    "loss": [round(float(x), 3) for x in mean],
                }
                if validation:
                    line["validation"] = validation_line(average, validation)
                console.print(json.dumps(line))
                log.write(json.dumps(line) + "\n")
                log.flush()
                sums[:] = 0
                state = {
                    "network": network.state_dict(),
                    "average": average.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "step": done,
                    "cameras": cameras,
                    "seconds": seconds,
                }
                torch.save(state, args.out / "new.pt")
                (args.out / "new.pt").replace(last)
            if last_step:
                break


if __name__ == "__main__":
    main()
