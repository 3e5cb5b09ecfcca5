"""Figures as wide as this city's are, whatever its baselines believe of them.

An exceedance is measured in spreads, and a baseline's spread errs in ways that many places share: that of an hour is
made of few weeks and drawn towards the place's own all over, which makes it too narrow (or too wide) at the place's
busiest hours and the other way round in its quietest; and of places of one level, those whose spread was found wide
are in truth less wide, those found narrow wider. A scan that believes it finds figures calm at night and wild at noon.
So figures are centred and scaled among their likes, first among those whose level stands alike to the place's own
(`relative`), then among those of the same level in places of a like spread (`alike`). What is scaled keeps its gain
beside it: a figure half as large moves half as much by a change.
"""

from __future__ import annotations

import numpy as np

from aggregate.tables import Integers, Numbers
from aggregate.unusual.normal_scores import strata
from core.root_scale import stabilised

WILDEST = 5.0
"""A figure further off than this, in standard deviations, counts as this. Of what a doubling says, three would cut
off a quarter."""

LIKE_SPREADS = 4
LEAST_ALIKE = 100
"""Figures of one level are parted into up to so many kinds of places, of at least so many figures."""


def relative(expected: Numbers) -> Integers:
    """Which figures [place, window] stand alike to their place's own level, by `strata`; -1 where `expected` is NaN."""
    root = stabilised(expected)
    return strata(root / _mean(root))


def alike(expected: Numbers, spread: Numbers, levels: Integers) -> Integers:
    """Which figures [place, window] are of the same number in `levels` and in places of a like spread; -1 where
    `levels` is.

    The spread of a place is its mean square over its windows, as a share of that of the roots of its levels.
    """
    wideness = _mean(np.square(spread)) / np.maximum(_mean(np.square(stabilised(expected))), 1e-12)
    wide = np.broadcast_to(wideness, levels.shape)
    parts = np.full(levels.shape, -1)
    for number in range(int(levels.max(initial=-1)) + 1):
        those = levels == number
        many = int(np.clip(those.sum() // LEAST_ALIKE, 1, LIKE_SPREADS))
        edges = np.quantile(wide[those], np.arange(1, many) / many) if many > 1 else np.empty(0)
        parts[those] = number * LIKE_SPREADS + np.searchsorted(edges, wide[those])
    return parts


def levelled(figures: Numbers, gain: Numbers, among: Integers) -> tuple[Numbers, Numbers]:
    """`figures` with the mean 0 and the standard deviation 1 among those of the same number in `among`, and their
    `gain` as much smaller or larger; any shape, NaN stays NaN.

    No figure further off than `WILDEST` has a say in mean and width that is larger than that one's.
    """
    figures, gain = figures.copy(), gain.copy()
    for number in np.unique(among[among >= 0]):
        those = (among == number) & np.isfinite(figures)
        cut = np.clip(figures[those], -WILDEST, WILDEST)
        width = float(cut.std()) if cut.size else 0.0
        figures[those] = (figures[those] - cut.mean()) / width if width > 0 else 0.0
        gain[those] = gain[those] / width if width > 0 else 0.0
    return figures, gain


def centred(figures: Numbers, among: Integers) -> Numbers:
    """`figures` less the median of those of the same number in `among`; any shape, NaN stays NaN."""
    figures = figures.copy()
    for number in np.unique(among[among >= 0]):
        those = (among == number) & np.isfinite(figures)
        if those.any():
            figures[those] -= np.median(figures[those])
    return figures


def _mean(values: Numbers) -> Numbers:
    """The mean of each place's known windows, [place, 1]; NaN where none is."""
    known = np.isfinite(values)
    many = known.sum(axis=1, keepdims=True)
    total: Numbers = np.where(known, values, 0.0).sum(axis=1, keepdims=True)
    return np.where(many > 0, total / np.maximum(many, 1), np.nan)
