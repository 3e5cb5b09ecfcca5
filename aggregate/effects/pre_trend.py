"""Whether the place and its controls went the same way before: if not, what came after cannot be told from that.

The path of the differences before the intervention has a slope; divided by what independent weeks would give it is
compared with the slopes of places where nothing was done, as the change itself is. Beside it stands the placebo in
time, which finds jumps. A test that is passed proves little where weeks are few (Roth 2022, American Economic Review:
Insights 4, 305-322), so the slope is told in words of what it would come to, with its interval. It is refused where it
is beyond chance and large enough to be taken for an effect; where it may be either, the interval is widened by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import expm1

import numpy as np

from aggregate.effects.placebo import chance_of
from aggregate.tables import Integers, Mask, Numbers

REFUSED_BELOW = 0.005
"""The p-value of a refusal, of each of the two tests: of a hundred sound interventions one is refused wrongly."""

DOUBTED_BELOW = 0.05
"""Below this p-value it is not refused yet, but its interval has to hold what would be left without the trend, too (in
the spirit of Rambachan & Roth 2023, Review of Economic Studies 90, 2555-2591)."""

LARGE = 0.05
"""A trend that would feign less than this (a logarithm: 5 %) is passed over."""


@dataclass(frozen=True)
class Trend:
    """`slope` is the logarithm a week by which the place went away from its controls before; `feigned` what that trend
    alone would make of the change, `feigned_error` its standard error (of chance), `p_value` how often chance does so.
    """

    slope: float
    feigned: float
    feigned_error: float
    p_value: float

    @property
    def feigned_change(self) -> float:
        """`feigned` as a share: 0.03 is 3 % more."""
        return expm1(self.feigned)

    @property
    def doubtful(self) -> bool:
        """Whether it may be none of chance, and is large."""
        return self.p_value < DOUBTED_BELOW and abs(self.feigned) > LARGE

    @property
    def broken(self) -> bool:
        """Whether it is beyond chance and large."""
        return self.p_value < REFUSED_BELOW and abs(self.feigned) > LARGE


def trend(path: Numbers, others: Numbers, number: Integers, after: Mask, group_size: int) -> Trend | None:
    """Of the path [week] of the treated, whose weeks are numbered [week], against those of other places [place, week].

    None where fewer than four weeks before are known, or too few places.
    """
    weeks = number[~after].astype(np.float64)
    slope, error = slopes(path[None, ~after], weeks)
    their_slope, their_error = slopes(others[:, ~after], weeks)
    chance = chance_of(their_slope / their_error, group_size)
    if chance is None or not np.isfinite(slope[0]) or error[0] <= 0:
        return None
    known = ~np.isnan(path)
    ahead = float(np.mean(number[after & known]) - np.mean(number[~after & known]))
    ratio = float(slope[0] / error[0])
    return Trend(
        slope=float(slope[0]),
        feigned=float(slope[0]) * ahead,
        feigned_error=float(error[0]) * chance.spread * ahead,
        p_value=chance.p_value(ratio),
    )


def slopes(path: Numbers, weeks: Numbers) -> tuple[Numbers, Numbers]:
    """Slope by least squares and its error for independent weeks, [unit], of paths [unit, week]; NaN below 4 weeks."""
    known = ~np.isnan(path)
    count = known.sum(axis=1)
    x = np.where(known, weeks, 0.0)
    x = np.where(known, x - (x.sum(axis=1) / np.maximum(count, 1))[:, None], 0.0)
    y = np.where(known, path, 0.0)
    y = np.where(known, y - (y.sum(axis=1) / np.maximum(count, 1))[:, None], 0.0)
    spread = (x**2).sum(axis=1)
    enough = (count >= 4) & (spread > 0)
    safe = np.where(enough, spread, 1.0)
    slope = (x * y).sum(axis=1) / safe
    rest = np.where(known, y - slope[:, None] * x, 0.0)
    error = np.sqrt((rest**2).sum(axis=1) / np.maximum(count - 2, 1) / safe)
    usable = np.where(enough & (error > 0), 1.0, np.nan)
    return slope * usable, error * usable
