"""Which places are unusual at a time: by themselves, or together with their neighbours, beyond chance.

Two questions are asked of each place. Gi* (`gi_star.py`) asks whether its neighbourhood stands out from the city; it
sees what is spread over several places, and is blind for a single one. The place's own exceedance asks whether it is
unusual for itself; it sees a single place, and nothing faint. Real streets stray further than a normal distribution
does, some cities more than others: hours of 40 pedestrian counters in Melbourne over two years fell short of usual by z
beyond 3.3 in 0.8 %, 4 in 0.4 % and 5 in 0.2 %, as Student's t with 5 degrees of freedom does. So an exceedance is held
against the windows before it, of all places: as a multiple of how far nine in ten of them stay, where that is further
than it should be, with the tails of Student's t of their kurtosis (degrees of freedom 4 + 6 / excess, 5 to 30; 5 where
fewer than `LEAST_BEFORE` of them can tell).

The two p-values are joined by their Cauchy combination (Liu & Xie 2020, Journal of the American Statistical Association
115, 393-402), which holds in its small values however they depend:

    p = 1/2 - arctan((tan((1/2 - p1) pi) + tan((1/2 - p2) pi)) / 2) / pi

Then the false discovery rate is held over all places (`false_discovery.py`). A place is called so only where it is
itself on that side of usual.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from aggregate.tables import Integers, Numbers, Rows, Text
from aggregate.unusual.chance import BEYOND
from aggregate.unusual.false_discovery import benjamini_hochberg
from aggregate.unusual.gi_star import gi_star
from aggregate.unusual.verdicts import Verdict
from core.records import INTERVAL_LEVEL

CONFIDENCES = (0.9, 0.95, 0.99)
"""How sure one can be of a verdict: 1 - q, at least."""

LEAST_FREEDOM, MOST_FREEDOM = 5.0, 30.0
LEAST_BEFORE = 300
"""Fewer figures say nothing of how far they stray."""


_ALMOST_SURE = 0.99  # a p-value of 1 would outweigh any other


@dataclass(frozen=True, eq=False)
class Hotspots(Rows):
    """[place]: Gi*, p and q (NaN where not known), a `Verdict`, its confidence (NaN where there is none)."""

    gi_z: Numbers
    p: Numbers
    q: Numbers
    verdict: Text
    confidence: Numbers


def hotspots(z: Numbers, neighbours: Integers) -> Hotspots:
    """The places in the last window of exceedances `z` [place, window], NaN where not known, in neighbourhoods [place,
    rank] (`cells.neighbours`). At least one window; those before it say how far places stray."""
    scale, freedom = tails(z[:, :-1])
    z = z[:, -1]
    gi = gi_star(z, neighbours)
    own: Numbers = np.asarray(2.0 * stdtr(freedom, -np.abs(z) / scale), dtype=np.float64)
    p = np.where(np.isnan(gi.p), own, _joined(own, np.nan_to_num(gi.p, nan=1.0)))
    side = np.where(gi.p < own, np.sign(gi.z), np.sign(z))
    q = benjamini_hochberg(p)
    confidence = np.full(len(z), np.nan)
    for sure in CONFIDENCES:
        confidence[(q <= 1 - sure + 1e-12) & (side == np.sign(z))] = sure
    verdict = np.full(len(z), Verdict.USUAL.value, dtype=object)
    called = np.isfinite(confidence)
    verdict[called & (side > 0)] = Verdict.TOO_BUSY.value
    verdict[called & (side < 0)] = Verdict.TOO_QUIET.value
    verdict[np.isnan(z)] = Verdict.UNKNOWN.value
    return Hotspots(gi.z, p, q, verdict, confidence)


def tails(before: Numbers) -> tuple[float, float]:
    """(scale, degrees of freedom) of how far exceedances stray, any shape, NaN where there is none."""
    known = before[np.isfinite(before)]
    if len(known) < LEAST_BEFORE:
        return 1.0, LEAST_FREEDOM
    scale = max(1.0, float(np.quantile(np.abs(known), INTERVAL_LEVEL)) / BEYOND)
    apart = known - known.mean()
    excess = float((apart**4).mean() / (apart**2).mean() ** 2) - 3.0
    freedom = 4.0 + 6.0 / excess if excess > 0 else MOST_FREEDOM
    return scale, float(np.clip(freedom, LEAST_FREEDOM, MOST_FREEDOM))


def _joined(first: Numbers, second: Numbers) -> Numbers:
    """The Cauchy combination of two p-values."""
    both = [np.tan((0.5 - np.minimum(p, _ALMOST_SURE)) * np.pi) for p in (first, second)]
    joined: Numbers = 0.5 - np.arctan((both[0] + both[1]) / 2) / np.pi
    return joined
