"""How many people-hours above the usual range chance alone gives: learnt from places and hours that nobody asks about.

With y = sqrt(expected + 3/8), spread s and z, the observed number is (y + s z)^2 - 3/8, so an hour has by chance the
mean excess over z > c

    2 y s m1 + s^2 m2,    m1 = E[z 1(z > c)],  m2 = E[z^2 1(z > c)]

Of a normal z, m1 = phi(c) and m2 = c phi(c) + Q(c), with its density and upper tail; real streets stray further, and
the further the less is known of them. How far, the other side tells: by as much as hours fall short of usual, they
exceed it by chance. So m1 and m2 are those of -z, week by week, over all places whose level leaves room to fall; the
normal ones where those are larger or there are fewer than `LEAST_MIRRORED` such hours. Places that fall short
`EXTRAORDINARY` times as much as the others do, a street that was closed, say nothing of chance and have no part in it.

Some places stray further than others. By how much a place does is told by how far it falls short, as a multiple f of
what the others do, in which `PRIOR_HOURS` hours beyond c count for f = 1 beside its own n: w = n / (n + prior); f is
kept between 1 and `EXTRAORDINARY`, for a closed street has not been a crowded one.

The hours of a day are alike, so the error of a sum is told by days: with u^2 = sum of (2 y s)^2 over a day's hours the
variance of its excess is v f^2 u^2, and v, week by week, is the mean over places and days of (mirrored excess - its
mean)^2, as a share of that of u^2. That f errs as much, as far as it is the place's own, makes it (1 + w^2) times that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from aggregate.tables import Integers, Mask, Numbers
from aggregate.unusual.place_field import PlaceField
from core.records import INTERVAL_LEVEL
from core.root_scale import OFFSET, stabilised

BEYOND = float(ndtri((1 + INTERVAL_LEVEL) / 2))
"""c: how many spreads above usual an hour is above the usual range."""

LEAST_MIRRORED = 500
"""Fewer hours of a week say nothing of how far they stray."""

EXTRAORDINARY = 3.0

PRIOR_HOURS = 30.0

_NORMAL = (
    float(np.exp(-(BEYOND**2) / 2) / np.sqrt(2 * np.pi)),
    float(BEYOND * np.exp(-(BEYOND**2) / 2) / np.sqrt(2 * np.pi) + 1 - ndtr(BEYOND)),
)
_ROOM = 4.0  # in spreads, from a level down to nobody
_ALIKE = 2.0  # how many times the variance of a sum is that of hours apart from each other, where nothing tells
_WEEK = 7


@dataclass(frozen=True, eq=False)
class ByChance:
    """What usual times give: the `mean` excess of each hour [zone, hour], 0 where it is not known, and the standard
    `error` of the sum of all of them [zone]."""

    mean: Numbers
    error: Numbers


@dataclass(frozen=True)
class Side:
    """m1, m2 and v of the module."""

    m1: float
    m2: float
    v: float


def by_chance(field: PlaceField, day: Integers) -> ByChance:
    """The excess that chance alone gives in hours, each in a `day` [hour] from 0 on."""
    z, level = field.exceedance(), stabilised(field.expected)
    linear, square = np.nan_to_num(2 * level * field.spread), np.nan_to_num(np.square(field.spread))
    fallen = np.where(level - OFFSET**0.5 > _ROOM * field.spread, -z, np.nan)
    mean, variance = np.zeros_like(z), np.zeros(len(z))
    for first in range(0, int(day[-1]) + 1 if len(day) else 0, _WEEK):
        hours = slice(*np.searchsorted(day, [first, first + _WEEK]))
        scale = linear[:, hours], square[:, hours]
        below = side(fallen[:, hours], *scale, day[hours] - first)
        mean[:, hours] = scale[0] * below.m1 + scale[1] * below.m2
        variance += below.v * (scale[0] ** 2).sum(axis=1)
    further, weight = _further(fallen, linear, square, mean)
    return ByChance(mean * further[:, np.newaxis], np.sqrt(variance * (1 + weight**2)) * further)


def _further(fallen: Numbers, linear: Numbers, square: Numbers, mean: Numbers) -> tuple[Numbers, Numbers]:
    """f and w of the module, [zone]."""
    beyond = fallen > BEYOND
    own = np.where(beyond, linear * fallen + square * fallen**2, 0.0).sum(axis=1)
    others = np.where(np.isfinite(fallen), mean, 0.0).sum(axis=1)
    weight = beyond.sum(axis=1) / (beyond.sum(axis=1) + PRIOR_HOURS)
    ratio = np.divide(own, others, out=np.ones_like(own), where=others > 0)
    return np.clip(1 + weight * (ratio - 1), 1.0, EXTRAORDINARY), weight


def side(z: Numbers, linear: Numbers, square: Numbers, day: Integers) -> Side:
    """What is learnt from `z` [zone, hour], NaN where nothing is, of hours with these 2 y s and s^2."""
    kept = ordinary(z)
    z, linear, square = z[kept], linear[kept], square[kept]
    known = np.isfinite(z)
    m1, m2 = strays(z)
    if known.sum() < LEAST_MIRRORED:
        return Side(m1, m2, _ALIKE * (m2 - m1**2))
    excess = np.where(z > BEYOND, linear * z + square * z**2, 0.0)
    apart = by_day(np.where(known, excess - linear * m1 - square * m2, 0.0), day)
    return Side(m1, m2, float((apart**2).sum() / np.where(known, linear**2, 0.0).sum()))


def ordinary(z: Numbers) -> Mask:
    """Which zones do not stray far beyond the others above c, of `z` [zone, hour], NaN where it is not known."""
    known = np.isfinite(z).sum(axis=1)
    beyond = np.where(z > BEYOND, z, 0.0).sum(axis=1) / np.maximum(known, 1)
    typical = float(np.median(beyond[known > 0])) if known.any() else 0.0
    kept: Mask = beyond <= EXTRAORDINARY * max(typical, _NORMAL[0])
    return kept


def strays(z: Numbers) -> tuple[float, float]:
    """m1 and m2 of the module, of hours with these `z`, any shape; NaN is none of them."""
    known = z[np.isfinite(z)]
    if len(known) < LEAST_MIRRORED:
        return _NORMAL
    beyond = known[known > BEYOND]
    return max(_NORMAL[0], float(beyond.sum()) / len(known)), max(_NORMAL[1], float((beyond**2).sum()) / len(known))


def by_day(values: Numbers, day: Integers) -> Numbers:
    """[zone, hour] summed to [zone, day] for the days 0, 1, ..., each with an hour; what is not known adds nothing."""
    if len(day) == 0:
        return np.zeros((len(values), 0))
    return np.add.reduceat(np.nan_to_num(values), np.searchsorted(day, np.arange(day[-1] + 1)), axis=1)
