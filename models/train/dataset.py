"""An endless stream of training batches, mixed by origin and repeatable by seed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from compose import blank_truth, place, random_placement, random_rects
from contract import HEIGHT_PX, WIDTH_PX
from paste import paste, people_of
from photometric import photometric
from sources import FEED, Picture
from torch import Tensor
from torch.utils.data import IterableDataset

# How often an origin is drawn. Frames labelled by eye match the feed, so they lead; the rest brings other cameras
# and nights.
SHARES = {
    "eye": 0.36, "dssg_jamcam": 0.06, "manaus_traffic": 0.13, "topview_vehicles": 0.04, "atl_v2": 0.05,
    "rf100_vehicles": 0.03, "pseudo": 0.40, "synthetic": 0.10, "background": 0.15,
}  # fmt: skip
# How often people are pasted into a picture of that origin (paste.py).
PASTED = {
    "eye": 0.25, "dssg_jamcam": 0.5, "manaus_traffic": 0.2, "topview_vehicles": 0.4, "atl_v2": 0.4,
    "rf100_vehicles": 0.3, "pseudo": 0.3, "background": 0.6,
}  # fmt: skip
CROWD = 6  # more people than this pasted are a crowd: no night is made of it, where crowds are rare and posts are many


@dataclass(frozen=True)
class Batch:
    """One step's frames and truth; axes as in `compose.Truth`, with the frame first."""

    frames: Tensor  # uint8 [n, 288, 352, 3] RGB
    kinds: Tensor  # float32 [n, 10, 72, 88]
    known: Tensor  # float32 [n, 2, 72, 88]
    empty: Tensor  # float32 [n, 2, 72, 88]
    totals: Tensor  # float32 [n, 2, 2]


class Mixture(IterableDataset[tuple[Tensor, ...]]):
    """Yields the fields of `Batch` as a plain tuple: worker processes send tensors, not objects."""

    def __init__(
        self, pictures: dict[str, list[Picture]], batch_size: int, seed: int, split_share: float = 0.4
    ) -> None:
        self.pictures, self.batch_size, self.seed, self.split_share = pictures, batch_size, seed, split_share
        self.origins = [name for name in pictures if SHARES.get(name, 0) > 0]
        shares = np.array([SHARES[name] for name in self.origins])
        self.chances = shares / shares.sum()
        self.people = people_of(pictures["eye"] + pictures["manaus_traffic"])
        self.unpeopled = [*pictures["eye"], *pictures.get("background", [])]  # what to cut nobody from: all labelled

    def draw(self, random: np.random.Generator) -> Picture:
        group = self.pictures[self.origins[random.choice(len(self.origins), p=self.chances)]]
        return group[random.integers(len(group))]

    def sample(self, random: np.random.Generator) -> tuple[np.ndarray, ...]:
        frame, truth = np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.uint8), blank_truth()
        first = self.draw(random)
        synthetic = first.origin == "synthetic"
        split_share = 0.0 if synthetic else self.split_share
        if first.origin in ("atl_v2", "manaus_traffic", "topview_vehicles", "rf100_vehicles"):
            split_share = 0.55
        rects = random_rects(random, split_share)
        boxes, feed = [], True
        for rect in rects:
            picture = first if rect is rects[0] else self.draw(random)
            if synthetic and random.random() < 0.6:  # the synthetic street is shown as it is served
                placement = np.array([[1.0, 0, 0], [0, 1.0, 0]])
            else:
                placement = random_placement(picture, rect, random)
            boxes.append(place(picture, rect, placement, frame, truth, random))
            feed = feed and picture.origin in FEED
        seen = labelled = np.concatenate(boxes)
        if random.random() < PASTED.get(first.origin, 0):
            seen = paste(frame, truth, seen, self.people, self.unpeopled, random)
        if not synthetic or random.random() < 0.5:
            crowded = len(seen) > len(labelled) + CROWD
            frame = photometric(frame, seen, random, feed, may_be_night=not crowded)
        return frame, truth.kinds, truth.known, truth.empty, truth.totals

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        worker = torch.utils.data.get_worker_info()
        random = np.random.default_rng((self.seed, worker.id if worker else 0))
        while True:
            columns = zip(*(self.sample(random) for _ in range(self.batch_size)), strict=True)
            yield tuple(torch.from_numpy(np.stack(column)) for column in columns)


def census(pictures: dict[str, list[Picture]]) -> str:
    """What training sees, by origin, as JSON: it goes into the log and the model card."""
    rows = {}
    for name, group in pictures.items():
        cameras, objects = sorted({p.camera for p in group}), sum(len(p.kinds) for p in group)
        rows[name] = {"pictures": len(group), "objects": objects, "cameras": cameras}
    return json.dumps(rows)
