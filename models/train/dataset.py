"""Training frames without end, mixed by origin and repeatable by seed; each holds one of our cameras at most.

A frame that shows, or has people pasted from, one camera with labels names it: so one set of frames serves every fold,
which leaves out what names its cameras.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from compose import Truth, blank_truth, place, random_placement, random_rects
from contract import HEIGHT_PX, WIDTH_PX
from light import by_night
from numpy.typing import NDArray
from paste import Cutout, paste, people_of
from photometric import photometric
from sources import ANNOTATED, FEED, Picture

# How often an origin is drawn. Frames labelled by eye match the feed, so they lead; the rest brings other cameras
# and nights.
SHARES = {
    "eye": 0.45, "dssg_jamcam": 0.04, "manaus_traffic": 0.18, "topview_vehicles": 0.08, "atl_v2": 0.09,
    "rf100_vehicles": 0.05, "unlabelled": 0.32, "synthetic": 0.10, "background": 0.12,
}  # fmt: skip
# How often people are pasted into a picture of that origin (paste.py).
PASTED = {
    "eye": 0.25, "dssg_jamcam": 0.5, "manaus_traffic": 0.2, "topview_vehicles": 0.4, "atl_v2": 0.4,
    "rf100_vehicles": 0.3, "unlabelled": 0.3, "background": 0.6,
}  # fmt: skip
PASTED_BY_NIGHT = 0.4  # of that: streets are emptier
SPLIT, SPLIT_FOREIGN = 0.4, 0.55  # how often a frame is made of several pictures
CROWD = 6  # more people than this pasted are a crowd: no night is made of it, where crowds are rare and posts are many
EVENNESS = 0.45  # a camera is drawn as often as its number of pictures, to this power


@dataclass(frozen=True)
class Sample:
    frame: NDArray[np.uint8]  # [288, 352, 3] RGB
    truth: Truth
    camera: str  # the one of ours that is in it; '' where it is of none


class Mixture:
    def __init__(self, pictures: dict[str, list[Picture]]) -> None:
        self.origins = [name for name in pictures if SHARES.get(name, 0) > 0]
        shares = np.array([SHARES[name] for name in self.origins])
        self.chances = shares / shares.sum()
        self.by_camera: dict[str, dict[str, list[Picture]]] = {}
        for origin in self.origins:
            cameras = self.by_camera[origin] = defaultdict(list)
            for picture in pictures[origin]:
                cameras[picture.camera].append(picture)
        self.homes = sorted({picture.camera for picture in pictures["eye"]})
        own = {home: self.of_home(home, pictures["eye"]) for home in self.homes}
        foreign = people_of(pictures["manaus_traffic"])
        self.people: dict[str, list[Cutout]] = {home: people_of(own[home]) + foreign for home in self.homes}
        # What nobody is cut from: pictures in which all people are known.
        self.unpeopled = {home: own[home] + self.of_home(home, pictures.get("background", [])) for home in self.homes}

    @staticmethod
    def of_home(home: str, pictures: list[Picture]) -> list[Picture]:
        return [picture for picture in pictures if picture.camera == home]

    def draw(self, home: str, random: np.random.Generator) -> Picture:
        """A picture of any origin that is of this camera or of none of ours; of any where `home` is ''."""
        while True:
            cameras = self.by_camera[self.origins[random.choice(len(self.origins), p=self.chances)]]
            names = list(cameras)
            weights = np.array([len(cameras[name]) for name in names], float) ** EVENNESS
            name = names[random.choice(len(names), p=weights / weights.sum())]
            if home in ("", name) or name not in self.homes:
                return cameras[name][random.integers(len(cameras[name]))]

    def sample(self, random: np.random.Generator) -> Sample:
        frame, truth = np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.uint8), blank_truth()
        first = self.draw("", random)
        home = first.camera if first.camera in self.homes else self.homes[random.integers(len(self.homes))]
        at_home = first.camera == home
        synthetic = first.origin == "synthetic"
        foreign = first.origin in ANNOTATED and first.origin not in FEED
        rects = random_rects(random, 0.0 if synthetic else SPLIT_FOREIGN if foreign else SPLIT)
        boxes, feed = [], True
        for rect in rects:
            picture = first if rect is rects[0] else self.draw(home, random)
            if synthetic and random.random() < 0.6:  # the synthetic street is shown as it is served
                placement = np.array([[1.0, 0, 0], [0, 1.0, 0]])
            else:
                placement = random_placement(picture, rect, random)
            boxes.append(place(picture, rect, placement, frame, truth, random))
            feed, at_home = feed and picture.origin in FEED, at_home or picture.camera == home
        seen = labelled = np.concatenate(boxes)
        dark = by_night(frame)
        if random.random() < PASTED.get(first.origin, 0) * (PASTED_BY_NIGHT if dark else 1):
            seen = paste(frame, truth, seen, self.people[home], self.unpeopled[home], random, dark=dark)
            at_home = True
        if not synthetic or random.random() < 0.5:
            crowded = len(seen) > len(labelled) + CROWD
            frame = photometric(frame, seen, random, feed, may_be_night=not crowded)
        return Sample(frame, truth, home if at_home else "")


def census(pictures: dict[str, list[Picture]]) -> str:
    """One line an origin: pictures, objects, cameras."""
    lines = []
    for name, group in pictures.items():
        objects, cameras = sum(len(picture.kinds) for picture in group), len({picture.camera for picture in group})
        lines.append(f"{name:18}{len(group):6} pictures {objects:6} objects {cameras:4} cameras")
    return "\n".join(lines)
