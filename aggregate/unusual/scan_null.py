"""How high the best cluster of a city scores by chance, where nothing is unusual.

A scan looks at tens of thousands of overlapping regions and durations, and its best score has no distribution in closed
form. So the same scan is made of cities in which nothing is unusual: the same places with the same windows missing, and
evidence B of each that is normal with the covariance that the city's own spread and correlation in time give it
(`evidence.py`), independent between places. To the best scores of `REPLICATES` of them a Gumbel distribution is fitted
by moments (Abrams, Kulldorff & Kleinman 2010, International Journal of Health Geographics 9, 61), whose tail gives
p-values that no count of replicates could:

    p = 1 - exp(-exp(-(score - location) / scale))

That this holds for counts that are overdispersed, skewed, correlated and partly missing, around expectations that err,
is not proven here but measured: `benchmarks/scan_null.py`.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from hashlib import sha256
from threading import Lock

import numpy as np

from aggregate.tables import Numbers
from aggregate.unusual.evidence import Evidence
from aggregate.unusual.growth import Growth

REPLICATES = 199
AT_ONCE = 20
"""Replicates that are summed together: as many as stay in a processor's cache."""

FUTILE = 6
"""A city whose best score is reached by so many of the first replicates has no cluster, so the others are not drawn
(Besag & Clifford 1991, Biometrika 78, 301-304): one whose p-value is 5 % is given up 3 times in 10,000."""

KEPT = 64
EULER = 0.5772156649015329


@dataclass(frozen=True)
class ScanNull:
    """The Gumbel distribution of the best score of a scan in usual times."""

    location: float
    scale: float

    @classmethod
    def of(cls, best: Numbers) -> ScanNull:
        """Fitted to best scores [replicate] by their mean and standard deviation."""
        scale = float(best.std(ddof=1)) * np.sqrt(6.0) / np.pi
        return cls(float(best.mean()) - EULER * scale, scale)

    def p(self, score: float) -> float:
        """The probability of a best score as high as this."""
        return float(-np.expm1(-np.exp(-(score - self.location) / self.scale)))

    def score(self, p: float) -> float:
        """The best score that is reached with probability `p`."""
        return float(self.location - self.scale * np.log(-np.log1p(-p)))


def best_by_chance(
    growth: Growth, evidence: Evidence, prior: float, *, replicates: int, seed: int, highest: float = np.inf
) -> Numbers:
    """The best score of each replicate, [replicate], of the regions of `growth` and the durations of `evidence`.

    Only those of the first few where `FUTILE` of them are at least `highest`.
    """
    random = np.random.default_rng(seed)
    places, durations = evidence.for_change.shape
    # Durations that differ by missing windows alone have the same evidence: a covariance without a root, but for this.
    slack = 1e-6 * np.eye(durations) * np.maximum(evidence.information.max(axis=1), 1e-9)[:, None, None]
    root = np.linalg.cholesky(evidence.covariance + slack).transpose(0, 2, 1).astype(np.float32)
    scaled = growth.scaled(evidence.information.astype(np.float32), prior)
    best: list[Numbers] = []
    for begin in range(0, replicates, AT_ONCE):
        many = min(AT_ONCE, replicates - begin)
        drawn = random.standard_normal((places, many, durations), dtype=np.float32) @ root
        # The city's evidence was scaled by a variance that was itself estimated: so is that of its replicates.
        wider = random.chisquare(evidence.told, many) / evidence.told if np.isfinite(evidence.told) else 1.0
        best.append(growth.highest(drawn, scaled).astype(np.float64) ** 2 / (2.0 * wider))
        if begin == 0 and (best[0] >= highest).sum() >= FUTILE:
            break
    return np.concatenate(best)


@dataclass
class ScanNulls:
    """Draws the nulls of scans, and keeps the last `KEPT`: the same question asked again is answered at once. Threads
    may share it."""

    replicates: int = REPLICATES
    seed: int = 20
    _known: OrderedDict[bytes, ScanNull | None] = field(default_factory=OrderedDict, repr=False)
    _changing: Lock = field(default_factory=Lock, repr=False, compare=False)

    def of(self, growth: Growth, evidence: Evidence, prior: float, *, highest: float) -> ScanNull | None:
        """The null of a scan of these regions that has this evidence, the same whenever it is asked for; None where
        `highest`, its best score, is no more than chance makes of it in every third city or so."""
        key = sha256(growth.rows.tobytes() + evidence.covariance.tobytes() + evidence.for_change.tobytes()).digest()
        with self._changing:
            if key in self._known:
                return self._known[key]
        best = best_by_chance(growth, evidence, prior, replicates=self.replicates, seed=self.seed, highest=highest)
        null = ScanNull.of(best) if len(best) == self.replicates else None
        with self._changing:
            self._known[key] = null
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        return null
