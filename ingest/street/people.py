"""The people of the synthetic street: jointed limbs that walk, stand and ride."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.street.layout import Floats
from ingest.street.light import reflectance

CLOTHES = reflectance([
    (24, 25, 30), (30, 32, 42), (42, 44, 50), (22, 22, 24), (58, 62, 72), (90, 92, 96), (150, 150, 150),
    (214, 212, 208), (36, 52, 92), (64, 92, 140), (128, 30, 34), (176, 44, 40), (60, 76, 54), (122, 100, 74),
    (170, 146, 110), (196, 172, 60), (90, 50, 90), (210, 110, 130),
])  # fmt: skip
TROUSERS = reflectance([(22, 23, 28), (30, 34, 46), (40, 50, 78), (60, 74, 104), (24, 24, 24), (96, 90, 80),
                     (130, 120, 104), (54, 52, 50)])  # fmt: skip
SKINS = reflectance([(206, 164, 140), (188, 140, 112), (142, 98, 74), (92, 62, 46), (222, 184, 160)])
HAIRS = reflectance([(30, 24, 20), (18, 16, 15), (70, 48, 30), (150, 118, 70), (120, 116, 112)])
HI_VIS = reflectance((214, 232, 52))

WALKING, STANDING, CYCLING, RIDING = 0, 1, 2, 3


@dataclass(frozen=True)
class Figures:
    """People, one row each: how tall, in which pose, in which colours."""

    height_m: Floats
    pose: NDArray[np.int8]
    phase: Floats
    colours: Floats
    """[people, LIMBS, 3] RGB"""
    girth: Floats

    def of(self, rows: NDArray[np.int64]) -> Figures:
        """Some of them."""
        return Figures(self.height_m[rows], self.pose[rows], self.phase[rows], self.colours[rows], self.girth[rows])


LIMBS = 9
"""Thigh and shin of both legs, two arms, torso, head, bag."""


def dress(random: np.random.Generator, poses: NDArray[np.int8]) -> Figures:
    """Random people in these poses."""
    count = len(poses)
    child = random.random(count) < 0.05
    height = np.where(child, random.uniform(1.1, 1.4, count), np.clip(random.normal(1.70, 0.09, count), 1.45, 1.98))
    top = CLOTHES[random.integers(len(CLOTHES), size=count)] * random.uniform(0.85, 1.15, (count, 1))
    vivid = (poses == CYCLING) & (random.random(count) < 0.3)
    top[vivid] = HI_VIS
    legs = TROUSERS[random.integers(len(TROUSERS), size=count)]
    skin = SKINS[random.integers(len(SKINS), size=count)]
    head = np.where(random.random((count, 1)) < 0.55, HAIRS[random.integers(len(HAIRS), size=count)], skin)
    helmet = poses >= CYCLING
    head[helmet] = CLOTHES[random.integers(len(CLOTHES), size=int(helmet.sum()))]
    bag = np.where(random.random((count, 1)) < 0.35, CLOTHES[random.integers(len(CLOTHES), size=count)], top)
    colours = np.stack((legs, legs, legs * 0.9, legs * 0.9, top * 0.85, top * 0.92, top, head, bag), axis=1)
    return Figures(
        height, poses, random.uniform(0, 2 * np.pi, count), np.clip(colours, 0, 1), random.uniform(0.85, 1.25, count)
    )


def limbs(figures: Figures, swing: Floats) -> tuple[Floats, Floats]:
    """Both ends [people, LIMBS, 2, 3] in the walker's own frame and widths [people, LIMBS, 2], in metres.

    `swing` is how far each has walked in radians of its gait; people who ride or stand do not swing.
    """
    h, walking = figures.height_m, figures.pose == WALKING
    riding, motor = figures.pose >= CYCLING, figures.pose == RIDING
    beat = figures.phase + swing
    ends = np.zeros((len(h), LIMBS, 2, 3))
    base = np.where(riding, np.where(motor, 0.78, 0.92) - 0.5 * h, 0.0)
    stride = np.where(walking, 0.20, 0.03) * h
    for index, sign in ((0, 1.0), (2, -1.0)):
        move = np.sin(beat) * sign
        pedal = np.where(riding, np.cos(beat) * sign, 0.0)
        hip, side = 0.52 * h + base, sign * 0.055 * h
        foot_f = np.where(riding, np.where(motor, 0.1, 0.16 + 0.16 * np.sin(beat) * sign), stride * move)
        foot_z = np.where(
            riding, np.where(motor, 0.3, 0.32 + 0.16 * pedal), np.maximum(0, np.cos(beat) * sign) * 0.05 * h * walking
        )
        knee_f = np.where(riding, 0.32, 0.5 * foot_f + 0.05 * h * walking * np.maximum(0, np.cos(beat) * sign) + 0.01)
        knee_z = np.where(riding, 0.5 * (hip + foot_z) + 0.12, 0.27 * h)
        ends[:, index, 0] = np.stack((np.where(riding, -0.12, 0.0), side, hip), axis=1)
        ends[:, index, 1] = ends[:, index + 1, 0] = np.stack((knee_f, side, knee_z), axis=1)
        ends[:, index + 1, 1] = np.stack((foot_f, side, foot_z), axis=1)
    lean = np.where(riding, np.where(motor, 0.12, 0.28), 0.015 * h)
    shoulder = 0.82 * h + base
    for index, sign in ((4, 1.0), (5, -1.0)):
        hand_f = np.where(riding, 0.42, -0.7 * stride * np.sin(beat) * sign)
        hand_z = np.where(riding, 1.02, 0.47 * h)
        side = sign * 0.12 * h * figures.girth
        ends[:, index, 0] = np.stack((lean, side, shoulder - 0.01 * h), axis=1)
        ends[:, index, 1] = np.stack((hand_f, side, hand_z), axis=1)
    middle = np.zeros_like(h)
    ends[:, 6, 0] = np.stack((np.where(riding, -0.12, 0.0), middle, 0.48 * h + base), axis=1)
    ends[:, 6, 1] = np.stack((lean, middle, shoulder + 0.02 * h), axis=1)
    ends[:, 7, 0] = np.stack((lean + 0.01 * h, middle, 0.865 * h + base), axis=1)
    ends[:, 7, 1] = np.stack((lean + 0.02 * h, middle, 0.995 * h + base), axis=1)
    ends[:, 8, 0] = np.stack((lean - 0.1 * h, middle, 0.58 * h + base), axis=1)
    ends[:, 8, 1] = np.stack((lean - 0.09 * h, middle, 0.78 * h + base), axis=1)
    widths = np.array([(0.10, 0.075), (0.075, 0.055), (0.10, 0.075), (0.075, 0.055), (0.06, 0.045), (0.06, 0.045),
                       (0.19, 0.235), (0.12, 0.11), (0.14, 0.13)])  # fmt: skip
    thick = widths[None] * h[:, None, None]
    thick[:, 6] *= figures.girth[:, None]
    return ends, thick
