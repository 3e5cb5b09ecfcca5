"""What zones tell of each other: the shape of the week of zones alike, and how far each is drawn towards it.

Of a zone whose own past is n weeks, the level of an hour of the week is a mean of its own and of what zones like it
have there, on its level (partial pooling, as in Gelman and Hill 2007, Data Analysis Using Regression and
Multilevel/Hierarchical Models, section 12.2):

    level = (n own + k shape * size) / (n + k),    k = sigma^2 / tau^2

with sigma^2 the variance of single weeks around a zone's own level and tau^2 that of zones around the shape of their
group, both as shares of the level, measured where there is enough past. A camera of three days is nearly all shape; one
of half a year is itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aggregate.tables import Integers, Mask
from aggregate.usual.days import Roots
from aggregate.usual.quantiles import deviation, median

LEAST_ALIKE = 3
"""So many zones with enough past make a shape."""

LEAST_K, MOST_K = 0.25, 4.0


@dataclass(frozen=True, eq=False)
class Pooled:
    """`week` [zone, slot]. Of each zone: `behind`: the weeks behind an hour of it, weighted; `distance`: the standard
    deviation of zones around their shape, as a share of the level; `borrowed`: the share of its level that is not its
    own; `alike`: how many zones made its shape; `worth`: k, the weeks that the shape counts for, 0 where none does."""

    week: Roots
    behind: NDArray[np.float32]
    distance: NDArray[np.float32]
    borrowed: NDArray[np.float32]
    alike: Integers
    worth: NDArray[np.float32]


def members(groups: Sequence[str] | None, zones: int) -> tuple[Integers, ...]:
    """The rows of each group; all are one where there are none."""
    if groups is None:
        return (np.arange(zones),)
    names = np.array(groups, dtype=object)
    return tuple(np.flatnonzero(names == name) for name in dict.fromkeys(groups))


def pooled(
    week: Roots, weeks_behind: Roots, noise: NDArray[np.float32], enough: Mask, groups: tuple[Integers, ...]
) -> Pooled:
    """Weeks drawn towards those of zones alike.

    `week` [zone, slot]: own levels, NaN where there are none; `weeks_behind` [zone, slot]: how many weeks stand behind
    each; `noise` [zone]: standard deviation of single weeks as a share of the level; `enough` [zone]: whose week is
    known well enough to speak for others. A group of fewer than `LEAST_ALIKE` such takes all zones for its own.
    """
    zones = len(week)
    out = week.copy()
    distance, borrowed, worth = (np.zeros(zones, dtype=np.float32) for _ in range(3))
    alike = np.zeros(zones, dtype=np.int64)
    everybody = np.flatnonzero(enough)
    for rows in groups:
        speakers = rows[enough[rows]]
        if len(speakers) < LEAST_ALIKE:
            speakers = everybody
        if len(speakers) < LEAST_ALIKE:
            continue
        size = np.nanmean(week[speakers], axis=1)
        shape = median(week[speakers] / size[:, None], 0)
        spread = float(np.nanmedian(deviation(_distances(week[speakers], weeks_behind[speakers], shape), 0)))
        tau = max(spread, 1e-3)
        k = float(np.clip((np.nanmedian(noise[speakers]) / tau) ** 2, LEAST_K, MOST_K))
        sized = _size(week[rows], weeks_behind[rows], shape)[:, None] * shape
        known = np.isfinite(week[rows])
        behind = np.where(known, weeks_behind[rows], 0)
        drawn = (behind * np.where(known, week[rows], 0) + k * sized) / (behind + k)
        # Where zones alike have nothing either, there is only the zone's own.
        out[rows] = np.where(np.isfinite(drawn), drawn, week[rows])
        distance[rows] = tau
        borrowed[rows] = (k / (behind + k)).mean(axis=1)
        alike[rows] = len(speakers)
        worth[rows] = k
    return Pooled(out, np.median(weeks_behind, axis=1), distance, borrowed, alike, worth)


def _size(week: Roots, behind: Roots, shape: Roots) -> Roots:
    """[zone]: by least squares, how many times the shape a week is; NaN where nothing is known of it."""
    known = np.isfinite(week) & np.isfinite(shape)
    weight = np.where(known, behind, 0)
    filled, form = np.where(known, week, 0), np.where(np.isfinite(shape), shape, 0)
    over = (weight * form**2).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((weight * filled * form).sum(axis=1) / over, dtype=np.float32)


def _distances(week: Roots, behind: Roots, shape: Roots) -> Roots:
    """[zone, slot]: how far each is from its shape, as a share of it."""
    sized = _size(week, behind, shape)[:, None] * shape
    return np.asarray(week / sized - 1, dtype=np.float32)
