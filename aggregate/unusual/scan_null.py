"""How high the best cluster of a city scores by chance, where nothing is unusual.

A scan looks at tens of thousands of overlapping regions and durations, and its best score has no distribution in closed
form. No model's counts are drawn, either: streets are wilder than models. What chance does here the city's own evidence
tells, of now and of each earlier stretch of the day: it is dealt out anew over the places, so that what stands next to
what is chance, and nothing else is changed (a permutation test of whether what is unusual is close together, as in
Kulldorff, Heffernan, Hartman, Assuncao & Mostashari 2005, PLoS Medicine 2, e59).

    evidence of a stretch    .3  -1.9   .8  2.4  -.2      one stretch of all, at random,
                              \\    |    X    |   /        each place draws one of its evidences
    dealt to the places     -.2   .3  2.4   .8  .3        among those that knew about as much

So skewed figures, heavy tails, stretches that vary more than others and a city's dispersion are in it as they are. To
the best scores of `REPLICATES` deals a Gumbel distribution is fitted by moments (Abrams, Kulldorff & Kleinman 2010,
International Journal of Health Geographics 9, 61), whose tail gives p-values that no count of replicates could:

    p = 1 - exp(-exp(-(score - location) / scale))

That this holds for counts that are overdispersed, skewed, correlated and partly missing, around expectations that err,
is not proven here but measured: `benchmarks/scan_null.py`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from aggregate.tables import Integers, Numbers
from aggregate.unusual.evidence import Evidence
from aggregate.unusual.growth import Growth

REPLICATES = 199
AT_ONCE = 20
"""Replicates that are summed together: as many as stay in a processor's cache."""

FUTILE = 6
"""A city whose best score is reached by so many of the first replicates has no cluster, so the others are not drawn
(Besag & Clifford 1991, Biometrika 78, 301-304): one whose p-value is 5 % is given up 3 times in 10,000."""

ALIKE = 100
MOST_ALIKE = 8
"""Evidence is dealt among about so many counters, in at most so many groups by how much they know: the figures of a
quiet street are more skewed than those of a square."""

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
        if self.scale == 0:
            return float(score <= self.location)
        return float(-np.expm1(-np.exp(-(score - self.location) / self.scale)))

    def score(self, p: float) -> float:
        """The best score that is reached with probability `p`."""
        return float(self.location - self.scale * np.log(-np.log1p(-p)))


class Deal:
    """Deals the evidence of `stretches` of one city, now first, each [counter, duration], to the counters that know
    anything now, and gathers it by the place a counter is `of` (one of `places`)."""

    def __init__(self, stretches: Sequence[Evidence], of: Integers, places: int) -> None:
        now = stretches[0].information
        self.places = places
        told = np.flatnonzero((now > 0).any(axis=1))
        groups = int(np.clip(len(told) // ALIKE, 1, MOST_ALIKE))
        hands = [_hand(one) for one in stretches]
        self.hands = [np.array_split(hand, groups) for hand in hands if len(hand) >= groups]
        self.group = np.array_split(_by_knowledge(now, told), groups)
        self.root = np.sqrt(now).astype(np.float32)
        # Sorted by place, so that places are summed as runs of rows.
        self.told = told[np.argsort(of[told], kind="stable")]
        self.of, self.first = np.unique(of[self.told], return_index=True)

    def dealt(self, random: np.random.Generator, many: int) -> NDArray[np.float32]:
        """Evidence [place, replicate, duration] by chance, of so many replicates."""
        drawn = np.zeros((len(self.root), many, self.root.shape[1]), dtype=np.float32)
        for replicate in range(many):
            hand = self.hands[random.integers(len(self.hands))]
            for those, cards in zip(self.group, hand, strict=True):
                # Each once, as far as they go round.
                drawn[those, replicate] = cards[np.resize(random.permutation(len(cards)), len(those))]
        drawn *= self.root[:, None, :]
        gathered = np.zeros((self.places, *drawn.shape[1:]), dtype=np.float32)
        gathered[self.of] = np.add.reduceat(drawn[self.told], self.first, axis=0)
        return gathered


def _hand(evidence: Evidence) -> NDArray[np.float32]:
    """The evidence of counters that know something of every duration, [counter, duration], each in its standard
    deviation, those that know least first."""
    those = _by_knowledge(evidence.information, np.flatnonzero((evidence.information > 0).all(axis=1)))
    return (evidence.for_change[those] / np.sqrt(evidence.information[those])).astype(np.float32)


def _by_knowledge(information: Numbers, those: Integers) -> Integers:
    """Rows of counters, those that know least first."""
    return those[np.argsort(information[those].sum(axis=1), kind="stable")]


def best_by_chance(
    growth: Growth,
    stretches: Sequence[Evidence],
    of: Integers,
    prior: float,
    *,
    replicates: int,
    seed: int,
    highest: float = np.inf,
) -> Numbers:
    """The best score of each replicate, [replicate], of the regions of `growth` and the durations of the evidence of
    counters, each `of` a place, in `stretches`, now first.

    Only those of the first few where `FUTILE` of them are at least `highest`; none where there is nothing to deal.
    """
    random = np.random.default_rng(seed)
    deal = Deal(stretches, of, growth.places)
    if not deal.hands:
        return np.empty(0)
    scaled = growth.scaled(stretches[0].gathered(of, growth.places).information.astype(np.float32), prior)
    best: list[Numbers] = []
    for begin in range(0, replicates, AT_ONCE):
        drawn = deal.dealt(random, min(AT_ONCE, replicates - begin))
        best.append(growth.highest(drawn, scaled).astype(np.float64) ** 2 / 2.0)
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

    def of(
        self, growth: Growth, stretches: Sequence[Evidence], of: Integers, prior: float, *, highest: float
    ) -> ScanNull | None:
        """The null of a scan of these regions that has this evidence, the same whenever it is asked for; None where
        `highest`, its best score, is no more than chance makes of it in every third city or so."""
        told = sha256(growth.rows.tobytes() + of.tobytes())
        for one in stretches:
            told.update(one.for_change.tobytes() + one.information.tobytes())
        key = told.digest()
        with self._changing:
            if key in self._known:
                return self._known[key]
        best = best_by_chance(growth, stretches, of, prior, replicates=self.replicates, seed=self.seed, highest=highest)
        null = ScanNull.of(best) if len(best) == self.replicates else None
        with self._changing:
            self._known[key] = null
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        return null
