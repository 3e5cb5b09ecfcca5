"""The regions of a scan: a place, it and its nearest neighbour, the two nearest ...

    rank      0   1   2   3
    place a   a   c   b   -      regions {a}, {a c}, {a b c}
    place b   b   c   -   -      regions {b}, {b c}

Nested like the circles of Kulldorff (1997, Communications in Statistics: Theory and Methods 26, 1481-1496), so the sums
of all regions around a place are one running sum along its row.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggregate.tables import Integers
from aggregate.unusual.cells import NOBODY

Floats = NDArray[np.floating[Any]]
"""Of either precision: sums keep that of what they add."""


class Growth:
    """The regions [place, rank] that grow over `neighbours` [place, rank], as `cells.neighbours` gives them. Those of
    fewer than `least` places do not count."""

    def __init__(self, neighbours: Integers, least: int = 1) -> None:
        self.places = len(neighbours)
        # Where nobody is, the sum takes in an empty place that follows the last one.
        self.rows = np.where(neighbours == NOBODY, self.places, neighbours)
        self.counts = np.cumsum(self.rows < self.places, axis=1) >= least

    def sums(self, values: Floats) -> Floats:
        """Sums over every region, [place, rank, window], of values [place, window] without NaN."""
        padded = np.concatenate([values, np.zeros((1, values.shape[1]), dtype=values.dtype)])
        return np.cumsum(padded[self.rows], axis=1, dtype=values.dtype)

    def scaled(self, information: Floats, prior: float) -> Floats:
        """1 / sqrt(`prior` + the summed information [place, window]) of every region, 0 of those that do not count;
        `prior` > 0."""
        return self.counts[:, :, None] / np.sqrt(self.sums(information) + information.dtype.type(prior))

    def highest(self, values: Floats, scaled: Floats) -> Floats:
        """The largest |sum| times `scaled` [place, rank, window] over all regions and windows, for each of many draws
        at once: [draw] of values [place, draw, window]."""
        padded = np.concatenate([values, np.zeros((1, *values.shape[1:]), dtype=values.dtype)])
        running = np.zeros_like(values)
        best = np.zeros(values.shape[1], dtype=values.dtype)
        for rank in range(self.rows.shape[1]):
            running += padded[self.rows[:, rank]]
            np.maximum(best, np.abs(running * scaled[:, rank, None, :]).max(axis=0).max(axis=1), out=best)
        return best

    def members(self, place: int, rank: int) -> Integers:
        """The places of a region, the one it grew from first."""
        row = self.rows[place, : rank + 1]
        return row[row < self.places]
