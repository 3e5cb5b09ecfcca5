"""Error on labelled frames: the distance of a count to [labelled, labelled + uncertain], for people and for vehicles.

What training prints of a network on its way; an exported file is measured by `busyness evaluate`.
"""

from __future__ import annotations

import collections
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from contract import PEOPLE, VEHICLES
from numpy.typing import NDArray
from sources import Picture

Counter = Callable[[NDArray[np.float32]], NDArray[np.float32]]  # [n, 3, 288, 352] -> [n, 7] objects


@dataclass(frozen=True)
class Score:
    frames: int
    people_error: float
    people_bias: float  # sum of signed distances / sum of labelled
    vehicles_error: float
    vehicles_bias: float


def off(counts: NDArray, low: NDArray, high: NDArray) -> NDArray:
    """Signed distance of counts to [low, high]: 0 inside."""
    return np.maximum(counts - high, 0) - np.maximum(low - counts, 0)


def weights(pictures: list[Picture]) -> NDArray[np.float64]:
    """[frame] so that a camera with four times the frames weighs twice as much: frames of one camera err alike."""
    frames = collections.Counter(picture.camera for picture in pictures)
    return np.array([frames[picture.camera] ** -0.5 for picture in pictures])


def count_all(pictures: list[Picture], count: Counter) -> NDArray[np.float32]:
    """[frames, 7] objects per class."""
    counts = []
    for at in range(0, len(pictures), 8):
        frames = np.stack([p.frames[0] for p in pictures[at : at + 8]]).astype(np.float32) / 255
        counts.append(count(np.ascontiguousarray(frames.transpose(0, 3, 1, 2))))
    return np.concatenate(counts)


def interval(pictures: list[Picture], group: int) -> tuple[NDArray, NDArray]:
    """[frame] labelled, and labelled + uncertain, of people (0) or vehicles (1)."""
    low = np.array([sum((int(kind) < PEOPLE.stop) == (group == 0) for kind in p.kinds) for p in pictures], float)
    return low, low + [(p.uncertain_people, p.uncertain_vehicles)[group] for p in pictures]


def score(pictures: list[Picture], counts: NDArray[np.float32]) -> Score:
    figures = []
    for group, classes in enumerate((PEOPLE, VEHICLES)):
        low, high = interval(pictures, group)
        signed = off(counts[:, classes].sum(axis=1), low, high)
        figures += [float(abs(signed).mean()), float(signed.sum() / max(low.sum(), 1))]
    return Score(len(pictures), *(round(f, 3) for f in figures))


def by_part(pictures: list[Picture], counts: NDArray[np.float32]) -> dict[str, Score]:
    """All frames, then by lighting, then by camera."""
    parts: dict[str, list[int]] = {"all": list(range(len(pictures)))}
    for index, picture in enumerate(pictures):
        parts.setdefault(picture.visibility, []).append(index)
    for index, picture in enumerate(pictures):
        parts.setdefault(f"camera {picture.camera}", []).append(index)
    return {name: score([pictures[i] for i in rows], counts[rows]) for name, rows in parts.items()}
