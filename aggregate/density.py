"""How densely the ground is used: people or vehicles to 100 m2 with an interval, and the share of it vehicles cover.

density = 100 * mean / area, of two figures that err apart from each other: `mean`, the number present, with its 90 %
limits [low, high] (`aggregate/intervals.py`), and `area`, with the standard error e of its calibration, a share of it.
The limits of such a ratio are those of Fieller (1954, Journal of the Royal Statistical Society B 16, 175-185), here as
MOVER-R (Donner & Zou 2012, Statistical Methods in Medical Research 21, 347-359), which takes limits that reach
unequally far below and above, as those of counts do. With z the normal quantile and g = (z e)^2 they come down to

    below  = sqrt((mean - low)^2  (1 - g) + mean^2 g)        low  = 100 / area * (mean - below) / (1 - g)
    above  = sqrt((high - mean)^2 (1 - g) + mean^2 g)        high = 100 / area * (mean + above) / (1 - g)

So for a small e the shares by which the mean and the area may be off are added as standard errors are; a lower limit is
never below zero; and where nobody was counted, the upper one is that of the count, on the smallest area there may be.
A logarithmic scale would have no place for a low of zero, and the delta method no room for the skewness of 1 / area.

The area's error is the same in every reading of a calibration: it does not average out over windows, and two readings
of one zone can be compared closer than their densities' intervals say. Simulated coverage is 90 % where the count has
exact limits, and 90 to 95 % with those of `aggregate/intervals.py`, for clips of variance/mean 1.4, means of 2 to 20
and an e of 0.02 to 0.2 (tests/aggregate/test_density.py).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from aggregate.tables import Numbers
from core.figures import VEHICLES
from core.records import INTERVAL_LEVEL, ZoneKind

MOST_AREA_ERROR = 0.5
"""An area that is less well known than this (standard error as a share of it) gives no density: from 0.6 on there is no
upper limit to one."""

FOOTPRINT_M2 = {"motorcycle": 1.7, "car": 7.9, "van": 10.6, "truck": 21.0, "bus": 28.0}
"""What a vehicle of a class covers, length times width without mirrors, as is typical of British streets: motorcycle
2.1 x 0.8 m; car 4.4 x 1.8 m (of the size of a Ford Focus or VW Golf); van 5.3 x 2.0 m (between a Ford Transit Custom
and a Transit); truck 8.5 x 2.5 m (a rigid one of two axles, well below the 12 x 2.55 m that regulations 7 and 8 of the
Road Vehicles (Construction and Use) Regulations 1986 allow); bus 11.2 x 2.5 m (the New Routemaster). A single vehicle
may differ by a third, most of all trucks; a mixture of them by much less."""

DRIVEN_ON = (ZoneKind.CARRIAGEWAY, ZoneKind.CROSSING)
"""The kinds of zone that have an occupancy: what vehicles cover of a pavement or of a whole view is no traffic."""

_Z = float(ndtri((1 + INTERVAL_LEVEL) / 2))


def density_per_100m2(
    mean: ArrayLike, low: ArrayLike, high: ArrayLike, area_m2: ArrayLike, area_error: ArrayLike
) -> tuple[Numbers, Numbers, Numbers]:
    """(density, low, high) per 100 m2, with its 90 % interval; arrays of one shape, 0 <= low <= density <= high.

    [`low`, `high`] is the 90 % interval of `mean`, `area_error` the standard error of `area_m2` as a share of it. NaN
    where one of them is, and where the area is known no better than `MOST_AREA_ERROR`.
    """
    center, lowest, highest, area, error = (
        np.asarray(values, dtype=np.float64) for values in (mean, low, high, area_m2, area_error)
    )
    to_100 = np.where(error <= MOST_AREA_ERROR, 100.0 / area, np.nan)
    g = np.minimum(_Z * error, 0.999) ** 2
    below = np.sqrt((center - lowest) ** 2 * (1 - g) + center**2 * g)
    above = np.sqrt((highest - center) ** 2 * (1 - g) + center**2 * g)
    # A rounding must not make it narrower than the count alone has it, or reach below zero.
    least = np.clip((center - below) / (1 - g), 0.0, lowest)
    most = np.maximum((center + above) / (1 - g), highest)
    return to_100 * center, to_100 * least, to_100 * most


def covered_m2(series: tuple[str, ...], mean: Numbers) -> Numbers:
    """What the vehicles present cover of the ground, by their classes' footprints: [row, series] to [row], in m2.

    `series` names the columns of `mean`, among them every class of vehicle. NaN where a mean is.
    """
    columns = [series.index(vehicle) for vehicle in VEHICLES]
    covered: Numbers = mean[:, columns] @ np.array([FOOTPRINT_M2[vehicle] for vehicle in VEHICLES])
    return covered


def share_covered(covered: ArrayLike, area_m2: ArrayLike) -> Numbers:
    """`covered` m2 as a share of an area, at most 1: a vehicle may stand out of its zone. Arrays of one shape."""
    return np.minimum(np.asarray(covered, dtype=np.float64) / np.asarray(area_m2, dtype=np.float64), 1.0)
