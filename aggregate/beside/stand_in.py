"""A camera in the place of its loop and the other way round, for the time that one of them says nothing; marked.

By the gain of each hour (`aggregate/beside/gain.py`) a flow says how many vehicles were present, and a number present
what the flow was. How far such a figure may be off is taken from the windows in which both counted: the differences, on
the scale on which a count's error does not grow (`core/root_scale.py`), have empirical quantiles, and those of n
windows with the ranks of split conformal prediction hold the next one with at least the probability they are named by
(Vovk, Gammerman & Shafer 2005, Algorithmic Learning in a Random World, section 2.2):

    y - y' at rank ceil((n + 1)(1 - alpha / 2)) above, and at the mirrored rank below
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aggregate.beside.gain import LEAST_HOURS
from aggregate.tables import Integers, Numbers
from core.records import INTERVAL_LEVEL
from core.root_scale import OFFSET, stabilised


@dataclass(frozen=True, eq=False)
class Estimate:
    """What one says of the other, [window], with the 90 % interval of a single window; NaN where it says nothing."""

    value: Numbers
    low: Numbers
    high: Numbers


def present_of_flow(per_hour: Numbers, hour: Integers, by_hour: Numbers) -> Numbers:
    """The mean number present that a flow (vehicles an hour) says; `by_hour` [24] is the gain in seconds."""
    return np.asarray(per_hour * by_hour[hour] / 3600.0, dtype=np.float64)


def flow_of_present(present: Numbers, hour: Integers, by_hour: Numbers) -> Numbers:
    """The flow (vehicles an hour) that a mean number present says."""
    return np.asarray(present * 3600.0 / by_hour[hour], dtype=np.float64)


def estimated(says: Numbers, observed: Numbers, scale: float = 1.0) -> Estimate:
    """`says` [window] as an estimate of what was not `observed`, with the interval that windows give which have both.

    `scale` makes a count of the unit: an hour's flow is one already. Unknown throughout where less than `LEAST_HOURS`
    windows have both.
    """
    both = ~np.isnan(says) & ~np.isnan(observed)
    off = np.sort(stabilised(observed[both] * scale) - stabilised(says[both] * scale))
    nothing = np.full(len(says), np.nan)
    if len(off) < LEAST_HOURS:
        return Estimate(nothing, nothing, nothing)
    rank = min(int(np.ceil((len(off) + 1) * (1 + INTERVAL_LEVEL) / 2)), len(off))
    center = stabilised(says * scale)
    low = np.square(np.maximum(center + off[len(off) - rank], 0.0)) - OFFSET
    high = np.square(np.maximum(center + off[rank - 1], 0.0)) - OFFSET
    return Estimate(
        says,
        np.minimum(np.maximum(low, 0.0) / scale, says),
        np.maximum(np.maximum(high, 0.0) / scale, says),
    )
