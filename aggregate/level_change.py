"""How far the level of some weeks is from another: what was counted over what was expected, with its interval.

Over hours i of days d in which both are known, counted o and expected e with standard error u:

    ratio    R = sum o / sum e
    days     r_d = sum over the hours of d of (o - R e)
    error    s^2 = G / (G - 1) * sum r_d^2 / (sum e)^2  +  R^2 (m^2 + sum over levels l of w_l^2 / (sum e)^2)

The ratio estimator with days as clusters (Cochran 1977, Sampling Techniques, 3rd ed., chapters 6 and 9A): hours of one
day rise and fall together, days much less, so that the G days are what there is evidence of. To it comes the error of
what is expected, which does not average out over the days: that of one level (Monday at eight) is the same in every
hour that is held against it, w_l = sum over its hours of sqrt(u^2 - m^2 e^2), and those of two levels err apart from
each other, but for what all of them share. That can be no more than the least share u / e of any, m, and is taken to be
as much. The limits are those of Student's t with G - 1 degrees of freedom, 90 %, and never below zero. Hours of which
one side is not known are in neither sum: a camera that was lost does not look like a quiet street.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import stdtrit

from aggregate.tables import Integers, Numbers
from core.records import INTERVAL_LEVEL


@dataclass(frozen=True, eq=False)
class LevelChange:
    """Of each zone and cell, arrays [zone, cell]: NaN (of counts: 0) where there is nothing to compare.

    `counted` and `expected` are means over the same `hours`, which lie on `days` days; [`low`, `high`] is the 90 %
    interval of `ratio`.
    """

    counted: Numbers
    expected: Numbers
    ratio: Numbers
    low: Numbers
    high: Numbers
    hours: Integers
    days: Integers


def level_change(
    counted: Numbers, expected: Numbers, error: Numbers, *, day: Integers, level: Integers, cell: Integers, cells: int
) -> LevelChange:
    """The change of level in each of `cells`: arrays [zone, hour], NaN for unknown.

    `day`, `level` and `cell` [hour] say which day an hour is of, which level it is held against, and in which cell it
    is, from 0 up; `error` is the standard error of `expected`, in its unit.
    """
    known = ~np.isnan(counted) & ~np.isnan(expected)
    by_day, by_level = _Groups.of(cell, day, cells), _Groups.of(cell, level, cells)

    def total(values: Numbers) -> Numbers:
        return by_day.by_cell(by_day.sums(np.where(known, values, 0.0)))

    with np.errstate(divide="ignore", invalid="ignore"):
        hours, here, usual = (
            by_day.sums(np.where(known, values, 0.0)) for values in (np.ones_like(counted), counted, expected)
        )
        n, days, whole = total(np.ones_like(counted)), by_day.by_cell((hours > 0).astype(np.float64)), total(expected)
        ratio = np.where(whole > 0, total(counted) / whole, np.nan)
        residual = here - np.where(np.isnan(ratio), 0.0, ratio)[:, by_day.cell] * usual
        between = days / (days - 1) * by_day.by_cell(np.square(residual)) / np.square(whole)

        shared = by_day.least(np.where(known & (expected > 0), error / expected, np.inf))
        own = np.square(error) - np.square(np.where(np.isinf(shared), 0.0, shared)[:, cell] * expected)
        of_level = by_level.sums(np.where(known, np.sqrt(np.maximum(own, 0.0)), 0.0))
        expecting = np.square(shared) + by_level.by_cell(np.square(of_level)) / np.square(whole)

        reach = np.where(days > 1, stdtrit(np.maximum(days - 1, 1), (1 + INTERVAL_LEVEL) / 2), np.nan)
        reach = reach * np.sqrt(between + np.square(ratio) * expecting)
        return LevelChange(
            counted=np.where(n > 0, total(counted) / n, np.nan),
            expected=np.where(n > 0, whole / n, np.nan),
            ratio=ratio,
            low=np.maximum(ratio - reach, 0.0),
            high=ratio + reach,
            hours=n.astype(np.int64),
            days=days.astype(np.int64),
        )


@dataclass(frozen=True, eq=False)
class _Groups:
    """Hours in groups, groups in cells: `order` [hour] sorts them so, `begins` [group] and `cells_begin` are where each
    of them does, `cell` [group] is where a group lies."""

    order: Integers
    begins: Integers
    cell: Integers
    cells_begin: Integers
    cells: int

    @classmethod
    def of(cls, cell: Integers, key: Integers, cells: int) -> Self:
        order = np.lexsort((key, cell))
        begins = _runs(np.stack([cell[order], key[order]]))
        return cls(order, begins, cell[order][begins], _runs(cell[order][begins][None]), cells)

    def sums(self, values: Numbers) -> Numbers:
        """[zone, hour] to [zone, group]."""
        return _reduced(np.add, values[:, self.order], self.begins)

    def by_cell(self, values: Numbers) -> Numbers:
        """The sums of groups: [zone, group] to [zone, cell], 0 where a cell has none."""
        total = np.zeros((len(values), self.cells))
        total[:, self.cell[self.cells_begin]] = _reduced(np.add, values, self.cells_begin)
        return total

    def least(self, values: Numbers) -> Numbers:
        """The least of the hours of a cell: [zone, hour] to [zone, cell], infinite where it has none."""
        least = np.full((len(values), self.cells), np.inf)
        of_group = _reduced(np.minimum, values[:, self.order], self.begins)
        least[:, self.cell[self.cells_begin]] = _reduced(np.minimum, of_group, self.cells_begin)
        return least


def _runs(keys: Integers) -> Integers:
    """Where each run of equal columns of `keys` [key, column] begins."""
    if keys.shape[1] == 0:
        return np.empty(0, dtype=np.int64)
    return np.flatnonzero(np.append(True, (keys[:, 1:] != keys[:, :-1]).any(axis=0)))


def _reduced(how: np.ufunc, values: Numbers, begins: Integers) -> Numbers:
    """The runs of columns that begin there, each reduced to one: [row, column] to [row, run]."""
    if len(begins) == 0:
        return np.zeros((len(values), 0))
    reduced: Numbers = how.reduceat(values, begins, axis=1)
    return reduced
