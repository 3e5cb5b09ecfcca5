"""Which zones are most like one another before the intervention: the controls.

Two things are compared, each in units of how far zones usually are apart: the shape of the usual week (Hellinger
distance of the shares of 48 hours, working days and weekends; Hellinger 1909, Journal für die reine und angewandte
Mathematik 136, 210-271), which tells an office street from a night-life one, and the path of the weeks before (root
mean square difference of the levels, each less its own mean), which tells whether the same weather and seasons move
both (Abadie, Diamond & Hainmueller 2010, Journal of the American Statistical Association 105, 493-505, section 2.3,
match on the outcomes before for the same reason).
"""

from __future__ import annotations

import numpy as np

from aggregate.effects.division import divided
from aggregate.effects.panel import Panel
from aggregate.tables import Mask, Numbers

MOST_CONTROLS = 15
LEAST_CONTROLS = 5

FARTHEST_SHAPE = 0.35
"""Beyond this Hellinger distance two weeks have little in common (0 the same, 1 no hour in common)."""

LEAST_COMMON_WEEKS = 4


def distances(units: Panel, zones: Panel) -> Numbers:
    """How unlike each zone is to each unit before the intervention, [unit, zone]; infinite where it cannot be told."""
    shape, path = shape_distance(units.shape, zones.shape), path_distance(units, zones)
    comparable = np.isfinite(path) & (shape <= FARTHEST_SHAPE)
    apart = _scaled(shape, comparable) + _scaled(path, comparable)
    return np.where(comparable, apart, np.inf)


def controls(units: Panel, zones: Panel, allowed: Mask) -> Numbers:
    """The weights of the controls of each unit, [unit, zone]: the nearest of those `allowed` [unit, zone], all alike.

    A unit that has fewer than `LEAST_CONTROLS` has none.
    """
    apart = np.where(allowed, distances(units, zones), np.inf)
    order = np.argsort(apart, axis=1, kind="stable")[:, :MOST_CONTROLS]
    near = np.isfinite(np.take_along_axis(apart, order, axis=1))
    near &= near.sum(axis=1, keepdims=True) >= LEAST_CONTROLS
    weights = np.zeros(apart.shape)
    np.put_along_axis(weights, order, near.astype(np.float64), axis=1)
    total = weights.sum(axis=1, keepdims=True)
    return divided(weights, total, otherwise=0.0)


def shape_distance(units: Numbers, zones: Numbers) -> Numbers:
    """Hellinger distance of shares [unit, hour] and [zone, hour], 0..1; 1 where one of them is empty."""
    apart: Numbers = np.sqrt(np.clip(1.0 - np.sqrt(units) @ np.sqrt(zones).T, 0.0, 1.0))
    return apart


def path_distance(units: Panel, zones: Panel) -> Numbers:
    """Root mean square difference of the levels before it, each less its mean; infinite with too few common weeks."""
    ours, theirs = (_centred(one.level[:, ~one.after]) for one in (units, zones))
    both = (~np.isnan(ours)).astype(np.float64), (~np.isnan(theirs)).astype(np.float64)
    x, y = np.where(np.isnan(ours), 0.0, ours), np.where(np.isnan(theirs), 0.0, theirs)
    common = both[0] @ both[1].T
    squares = (x**2) @ both[1].T - 2 * x @ y.T + both[0] @ (y**2).T
    mean = divided(np.maximum(squares, 0.0), common, otherwise=np.inf, where=common >= LEAST_COMMON_WEEKS)
    apart: Numbers = np.sqrt(mean)
    return apart


def _centred(level: Numbers) -> Numbers:
    known = ~np.isnan(level)
    count = known.sum(axis=1, keepdims=True)
    total = np.where(known, level, 0.0).sum(axis=1, keepdims=True)
    return level - divided(total, count, otherwise=0.0)


def _scaled(apart: Numbers, comparable: Mask) -> Numbers:
    """In units of the median distance of each unit to what it can be compared with."""
    count = comparable.sum(axis=1)
    ordered = np.sort(np.where(comparable, apart, np.inf), axis=1)
    middle = np.take_along_axis(ordered, np.maximum(count - 1, 0)[:, None] // 2, axis=1)
    return divided(apart, middle, otherwise=0.0, where=comparable)
