"""Places through time: what was counted there beside what is usual there.

The usual spread is that of windows as they mostly are. A window of fewer clips varies more: the mean of n clips of an
overdispersed Poisson count of dispersion phi has on the root scale the variance phi / (4 n) (Anscombe 1948, Biometrika
35, 246-254), so

    spread_n^2 = spread^2 + phi / 4 * max(0, 1 / n - 1 / n_usual),    phi: `aggregate.intervals.PRIOR_DISPERSION`
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aggregate.intervals import PRIOR_DISPERSION
from aggregate.tables import Mask, Numbers, Rows
from aggregate.unusual.cells import Cells, pooled
from aggregate.unusual.exceedance import exceedance
from aggregate.usual_answers import Field


@dataclass(frozen=True, eq=False)
class PlaceField(Rows):
    """Arrays [place, window] in numbers present, `spread` on the root scale: NaN in all of them where there is no
    figure or nothing to compare it with. `error` is the standard error of `expected`."""

    observed: Numbers
    expected: Numbers
    error: Numbers
    spread: Numbers

    @property
    def known(self) -> Mask:
        """Where there is both a figure and something to compare it with."""
        known: Mask = np.isfinite(self.observed)
        return known

    def mean_expected(self) -> Numbers:
        """The mean of usual windows, which adds up over windows and places; see `Expectation.mean`."""
        return self.expected + np.square(self.spread)

    def exceedance(self) -> Numbers:
        """How far from usual, [place, window]; see `exceedance.py`."""
        return exceedance(self.observed, self.expected, self.spread)


def of_zones(field: Field) -> PlaceField:
    """The zones of a field, each a place."""
    expectation = field.usual.expectation
    level = field.history.value.astype(np.float64)
    known = np.isfinite(level) & np.isfinite(expectation.expected) & (expectation.spread > 0)
    wider = np.sqrt(np.square(expectation.spread) + _of_fewer_clips(field.history.clips))
    figures = (level, expectation.expected, expectation.error, wider)
    return PlaceField(*(np.where(known, values, np.nan) for values in figures))


def of_cells(cells: Cells, zones: PlaceField) -> PlaceField:
    """Cells, each the sum of its zones that are known in a window (`cells.pooled`).

    The errors of their baselines, of which the most is that of single hours of the week, are added as variances.
    """
    sums = pooled(cells, zones.observed, zones.expected, zones.spread)
    error = np.zeros_like(sums.expected)
    np.add.at(error, cells.of, np.square(np.nan_to_num(zones.error)))
    known = np.isfinite(sums.observed)
    return PlaceField(sums.observed, sums.expected, np.where(known, np.sqrt(error), np.nan), sums.spread)


def _of_fewer_clips(clips: NDArray[np.uint8]) -> Numbers:
    """What the variance of windows is larger by where they have fewer clips than the zone's windows mostly have."""
    count = np.where(clips > 0, clips, np.nan).astype(np.float64)
    # The median of what is there, by sorting: a zone of which nothing is there has none, and needs none.
    ordered = np.sort(count, axis=1)
    there = np.isfinite(count).sum(axis=1)
    middle = ordered[np.arange(len(ordered)), np.maximum(there - 1, 0) // 2]
    more: Numbers = np.nan_to_num(PRIOR_DISPERSION / 4 * np.maximum(0.0, 1 / count - 1 / middle[:, np.newaxis]))
    return more
