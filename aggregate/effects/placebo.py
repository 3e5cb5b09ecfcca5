"""What chance gives: the same question asked of places, and of times, where nothing was done.

In space: every zone that might be a control is taken for treated (with its nearest neighbours, where several zones
were), is given controls of its own in the same way, and its change is divided by its own noise, as that of the treated
is. How far these ratios spread is how far chance reaches (randomisation inference with studentised estimates:
MacKinnon & Webb 2020, Journal of Econometrics 218, 435-450; placebo residuals of the untreated: Conley & Taber 2011,
Review of Economics and Statistics 93, 113-125). Weeks that hang together, zones that drift apart for years, controls
that fit badly: all of it is in the ratios, so none of it has to be modelled. Divided by its own noise, because a quiet
zone scatters more than a busy one (Ferman & Pinto 2019, Review of Economics and Statistics 101, 452-467).

In time: the last third of the weeks before is taken for those after. Whatever is found there was not the intervention.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from aggregate.effects.differences import Differences, differences
from aggregate.effects.matching import LEAST_CONTROLS, shape_distance
from aggregate.effects.panel import Panel
from aggregate.effects.student import beyond, quantile
from aggregate.tables import Mask, Numbers, Text

MOST_PLACES = 120
"""So many zones, those most like the treated, tell enough of chance."""

LEAST_PLACES = 6
"""With fewer there is no telling."""


@dataclass(frozen=True, eq=False)
class Chance:
    """How changes spread where nothing was done: `ratios` [place], their root mean square `spread` (never below 1, what
    independent weeks give), and as how many independent places they count less one, `freedom`.
    """

    ratios: Numbers
    spread: float
    freedom: int

    def p_value(self, ratio: float) -> float:
        """How often chance gives a ratio at least this far from nothing."""
        return beyond(ratio / self.spread, self.freedom)

    def reach(self, level: float) -> float:
        """Within so many errors of the estimate the truth lies with probability `level`.

        The spread is itself known from so many places only: it is taken one standard error, 1/sqrt(2 places), higher,
        so that the level is reached in most cities and not on the average of cities alone.
        """
        return self.spread * (1 + 1 / sqrt(2 * (self.freedom + 1))) * quantile(level, self.freedom)

    def share_beyond(self, ratio: float) -> float:
        """The share of places at least as far from nothing, the treated one among them: the permutation p-value."""
        return float((1 + np.count_nonzero(np.abs(self.ratios) >= abs(ratio))) / (1 + len(self.ratios)))


def chance_of(ratios: Numbers, group_size: int) -> Chance | None:
    """Of the ratios of places of so many zones each, which share zones; None where too few of them are known."""
    known = ratios[np.isfinite(ratios)]
    if len(known) < LEAST_PLACES:
        return None
    return Chance(known, max(1.0, sqrt(float(np.mean(known**2)))), max(len(known) // group_size, 2) - 1)


def places(zones: Panel, like: Panel, pool: Mask, where: Numbers, group_size: int) -> Mask:
    """Groups [place, zone] of the `pool` [zone]: each of those most like the one unit of `like`, with its nearest.

    `where` [zone, 2] is latitude and longitude in degrees.
    """
    order = np.argsort(shape_distance(like.shape, zones.shape)[0], kind="stable")
    first = order[pool[order]][:MOST_PLACES]
    if group_size == 1:
        return np.eye(len(pool), dtype=bool)[first]
    metres = apart_m(where[first], where)
    metres[:, ~pool] = np.inf
    metres[np.arange(len(first)), first] = -1.0  # itself before others at the same place
    nearest = np.argsort(metres, axis=1, kind="stable")[:, :group_size]
    groups = np.zeros((len(first), len(pool)), dtype=bool)
    np.put_along_axis(groups, nearest, True, axis=1)
    return groups


def size_of_groups(treated: int, pool: int) -> int:
    """As many zones as were treated, where the pool has enough for groups and their controls."""
    return max(1, min(treated, pool // (LEAST_CONTROLS + 1)))


def allowed(groups: Mask, pool: Mask, camera: Text) -> Mask:
    """Which zones may be controls of which group, [place, zone]: of the pool, and of no camera that sees the group."""
    names, of_zone = np.unique(camera.astype(str), return_inverse=True)
    sees = np.zeros((len(pool), len(names)))
    sees[np.arange(len(pool)), of_zone] = 1.0
    seen = (groups.astype(np.float64) @ sees) > 0
    return pool[None, :] & ~seen[:, of_zone]


def apart_m(here: Numbers, there: Numbers) -> Numbers:
    """Metres between places [here, 2] and [there, 2] in degrees, [here, there]; as on a plane, good within a city."""
    metres_per_degree = 111_195.0
    north = (here[:, None, 0] - there[None, :, 0]) * metres_per_degree
    turned = (here[:, None, 1] - there[None, :, 1] + 180.0) % 360.0 - 180.0
    east = turned * metres_per_degree * np.cos(np.radians(here[:, None, 0]))
    return np.hypot(north, east)


def in_time(found: Differences, before: Mask) -> Differences:
    """The differences of the weeks `before` [week] alone, as if the last third of them came after."""
    weeks = np.flatnonzero(before)
    later = np.arange(len(weeks)) >= len(weeks) - max(len(weeks) // 3, 2)
    path = found.path[:, weeks]
    return differences(path, np.zeros_like(path), later)
