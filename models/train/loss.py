"""Poisson likelihood of counts, on cells, on blocks of cells and on the whole frame.

Squared error and absolute error of a rare count both have their best answer near zero, and people are rare per cell:
networks trained with them learn to see nobody. The Poisson likelihood's best answer is the mean, so sums stay right.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from contract import CLASSES, PEOPLE, VEHICLES
from features import Batch
from network import Outputs
from sources import KINDS
from torch import Tensor
from torch.nn import functional as F

BLOCKS = (1, 4, 8)  # side of a block, in cells: 4, 16 and 32 px
BLOCK_WEIGHTS = (1.0, 0.5, 0.5)
WHOLE_WEIGHT = 0.5
GROUP_WEIGHTS = (1.5, 1.0)  # people are fewer and smaller
KIND_WEIGHTS = (1.0, 1.5, 1.0, 1.0, 1.0, 1.5, 3.0, 1.0, 1.0, 0.0)  # as in KINDS; buses are few, and large
TAUGHT_WEIGHT = 0.5  # of a cell about whose people only the teacher says anything
SCALE = 0.1  # about one over the number of objects in a frame


@dataclass(frozen=True)
class Loss:
    total: Tensor
    people: float
    vehicles: float
    classes: float


def block_sum(x: Tensor, side: int) -> Tensor:
    return x if side == 1 else F.avg_pool2d(x, side) * (side * side)


def count_loss(predicted: Tensor, truth: Tensor, known: Tensor, empty: Tensor, totals: Tensor) -> Tensor:
    """[n, 72, 88] maps of one group -> [n]. Deviance, so a perfect answer costs about nothing at the block scales."""
    truth = truth * known
    loss = torch.zeros(len(predicted), device=predicted.device)
    for side, weight in zip(BLOCKS, BLOCK_WEIGHTS, strict=True):
        expected = block_sum((predicted * known)[:, None], side)
        charged = block_sum((predicted * empty)[:, None], side)
        there = block_sum(truth[:, None], side)
        terms = charged - there * torch.log(expected + 1e-4) - there + there * torch.log(there + 1e-4)
        loss = loss + weight * terms.sum(dim=(1, 2, 3))
    total = predicted.sum(dim=(1, 2)) + 1e-3
    low, high = totals[:, 0], totals[:, 1]
    aim = torch.minimum(torch.maximum(total.detach(), low), high.clamp(min=0))
    whole = (total - aim * torch.log(total)) - (aim - aim * torch.log(aim + 1e-3))
    return loss + WHOLE_WEIGHT * torch.where(high >= 0, whole, torch.zeros_like(whole))


def class_loss(logits: Tensor, kinds: Tensor) -> Tensor:
    """[n, 7, y, x] and the truth where it is known [n, 10, y, x] -> [n]: how badly the shares fit, where there is mass.

    A loose label is met by any of its classes.
    """
    log_shares = torch.cat((logits[:, PEOPLE].log_softmax(dim=1), logits[:, VEHICLES].log_softmax(dim=1)), dim=1)
    loss = torch.zeros(len(logits), device=logits.device)
    for index, (names, weight) in enumerate(zip(KINDS, KIND_WEIGHTS, strict=True)):
        if weight == 0:
            continue
        members = log_shares[:, [CLASSES.index(name) for name in names]]
        fit = members[:, 0] if len(names) == 1 else members.logsumexp(dim=1)
        loss = loss - weight * (kinds[:, index] * fit).sum(dim=(1, 2))
    return loss


@dataclass(frozen=True)
class Aim:
    """What one group's map is to be: the arguments of `count_loss`."""

    truth: Tensor
    known: Tensor
    empty: Tensor
    totals: Tensor


def people_aim(batch: Batch) -> Aim:
    """What labels say where they speak; elsewhere, at half the weight, what the teacher sees."""
    known, silent = batch.known[:, 0], TAUGHT_WEIGHT * (1 - batch.known[:, 0])
    truth = torch.where(known > 0, batch.groups[:, 0], batch.taught[:, 0])
    return Aim(truth, known + silent, batch.empty[:, 0] + silent, batch.totals[:, 0])


def vehicles_aim(batch: Batch, believed: float) -> Aim:
    """What the teacher sees; where labels speak, `believed` is their share in it (0..1).

    Labels are of few cameras, and a network that hears only them learns those by heart (record 64).
    """
    taught, share = batch.taught[:, 1], believed * batch.known[:, 1]
    truth = share * batch.groups[:, 1] + (1 - share) * taught
    empty = share * batch.empty[:, 1] + (1 - share)
    sums, labelled = taught.sum(dim=(1, 2))[:, None], batch.totals[:, 1]
    told = (labelled[:, 1:] >= 0) | (believed == 0)  # else how many there are is not known
    totals = torch.where(told, believed * labelled + (1 - believed) * sums, torch.full_like(labelled, -1.0))
    return Aim(truth, torch.ones_like(taught), empty, totals)


def counting_loss(out: Outputs, truth: Batch, believed: float = 0.0) -> Loss:
    """`believed` is the share of labels in what vehicles are learnt from, where labels speak."""
    groups = []
    aims = people_aim(truth), vehicles_aim(truth, believed)
    for group, (aim, weight) in enumerate(zip(aims, GROUP_WEIGHTS, strict=True)):
        losses = count_loss(out.groups[:, group], aim.truth, aim.known, aim.empty, aim.totals)
        groups.append(losses.mean() * SCALE * weight)
    classes = class_loss(out.class_logits, truth.kinds).mean() * SCALE
    return Loss(
        groups[0] + groups[1] + classes,
        float(groups[0].detach()), float(groups[1].detach()), float(classes.detach()),
    )  # fmt: skip
