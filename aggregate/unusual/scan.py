"""Clusters: neighbouring places that have been too busy, or too quiet, together and for a while.

The expectation-based scan statistic (Neill, Moore, Sabhnani & Daniel 2005, KDD, 218-227; Neill 2009, International
Journal of Forecasting 25, 498-517) over space and time (Kulldorff 2001, Journal of the Royal Statistical Society A 164,
61-72): of all regions of neighbouring places (`growth.py`) and all durations up to now, which fits best to "from then
on, here, q times what is usual", against "as usual"?

    window   t-11 ... t-2  t-1   t          z: exceedance (exceedance.py)
    a          .1      1.4  1.9  1.2   <-- a region grows over neighbouring places ...
    b         -.3      1.1  2.2  1.7   <--
    c          .8      -.2   .4  -.7
                       |<-- lasts --->|     ... and lasts from `since` to the newest window

Its Poisson form takes counts for less variable than streets are, and cries wolf most of the time. Here

1. what all places share in a window, a wet morning, is taken out, as one factor (`LEAST_SHARED` places or more): a
   cluster differs from its city; so is what is left of it in the evidence of a duration;
2. exceedances are centred and scaled among their likes (`levelling.py`), so that their width is what it is in this
   city, not what a model says, and none counts for more than `levelling.WILDEST`;
3. windows of a counter are correlated, R, as figures like its are (`time_correlation.py`);
4. the evidence of a counter counts for no more than `evidence.MOST_EVIDENCE`, and what is still wrong with R shows in
   the stretches of the day, by which the evidence is scaled (`evidence.dispersion`) and chance is dealt
   (`scan_null.py`).

A change by the factor q moves the figure of a counter by about log(q) g, g = expected / (2 sqrt(expected + 3/8)
spread). By generalised least squares over the windows, with a the g of those in the duration and 0 before, u the
figures, and counters independent,

    B = sum over counters of a' R^-1 u,   C = sum over counters of a' R^-1 a,   score = B^2 / (2 (C + 1))

A place may hold several counters, a hexagon several cameras. Their evidence is added, not their people: in a sum the
busiest street's chance figures would drown what the others say.

C = B / log(q) says how much the data know of q, B^2 / (2 C) is the logarithm of the likelihood ratio of the best q
against 1 (Neill's expectation-based Gaussian statistic, on the root scale), and the term beside C is what a normal
prior of log q, of standard deviation 1, adds to the likelihood (as in the Bayesian scan statistic of
Neill, Moore & Cooper 2006, Advances in Neural Information Processing Systems 18, 1003-1010): an alley that nobody walks
in at night says next to nothing of q, and its chance figures are not what is looked for. Windows before it
have a say too: what a place always deviates by, for its expectation errs, is no news. Missing windows are left out of
a, u and R. The p-value is that of the best score of this city, now, if nothing is unusual (`scan_null.py`), for both
directions together; further clusters do not overlap better ones, and theirs is held against the same best score, which
is on the safe side (Kulldorff 1997, section 5).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from aggregate.tables import Integers, Mask, Numbers
from aggregate.unusual.evidence import LEAST_SHARED, Evidence, dispersion, evidence_of, weighted_median
from aggregate.unusual.exceedance import exceedance
from aggregate.unusual.growth import Growth
from aggregate.unusual.levelling import WILDEST, alike, centred, levelled, relative
from aggregate.unusual.normal_scores import strata
from aggregate.unusual.scan_null import ScanNull, ScanNulls
from aggregate.unusual.time_correlation import matrices, time_correlation, what_lasts
from core.records import INTERVAL_LEVEL
from core.root_scale import stabilised

LAST = 12
DURATIONS = (1, 2, 4, 8, LAST)
"""In windows: up to three hours of quarters. Every further one is a further chance to be wrong."""

PRIOR_INFORMATION = 1.0
"""Of the normal prior of log(q), whose standard deviation is 1: a factor of two or three either way is ordinary."""

REGION_M = 3000.0
REGION_PLACES = 24
"""Regions of a city reach as far, and hold as many places, as this: a district, not half of the city."""

LEAST_IN_REGION = 2
"""One place alone is no region: that it is unusual is said of itself (`hotspots.py`), and a single counter's chance
figures are wilder than sums are."""

LARGEST_SHARE = 1 / 3
"""A region holds at most this share of the places, or it would be the city."""

LEAST_PLACES = 4
LEAST_FIGURES = 40
"""With fewer places, or fewer figures in all, there is nothing to calibrate by, and nothing is called a cluster."""

MOST_CLUSTERS = 20

_Z = float(ndtri((1 + INTERVAL_LEVEL) / 2))


@dataclass(frozen=True)
class Cluster:
    """Places, rows of what was scanned, that are too busy (`direction` 1) or too quiet (-1) together since the window
    `since` (a column) up to the last one.

    The first of `places` is the one it grew from. `observed` and `expected` are sums over the places and windows of
    which both are known, in the unit of the readings, `expected` of means, which add up (`cells.pooled`). `ratio_low`
    to `ratio_high` is the 90 % interval of what is changed, as a factor (of the best of many regions, the ratio
    flatters). `score` is the logarithm of the likelihood ratio; `p` says how often a city in which nothing is unusual
    has a best cluster that scores as high.
    """

    places: tuple[int, ...]
    since: int
    direction: int
    observed: float
    expected: float
    ratio_low: float
    ratio_high: float
    score: float
    p: float

    @property
    def ratio(self) -> float:
        """Observed / expected."""
        return self.observed / self.expected


def scan(
    observed: Numbers,
    expected: Numbers,
    spread: Numbers,
    neighbours: Integers,
    *,
    nulls: ScanNulls,
    of: Integers | None = None,
    last: int = LAST,
    level: float = 0.05,
) -> tuple[Cluster, ...]:
    """The clusters that end with the last window and whose p-value is at most `level`, the strongest first.

    `observed`, `expected`, `spread` [counter, window], windows of one width in the order of time, NaN where nothing is
    known. Durations are those of `DURATIONS` up to `last` windows; windows before these only calibrate, and a day of
    quarters in all is right. `of` [counter] is the place that a counter is in (None: each its own), `neighbours`
    [place, rank] as `cells.neighbours` gives them. None is found, for none could be, with fewer than `LEAST_PLACES`
    places or `LEAST_FIGURES` figures.
    """
    of = np.arange(len(observed)) if of is None else of
    deviation = exceedance(observed, expected, spread)
    known = np.isfinite(deviation)
    told = len(np.unique(of[known.any(axis=1)]))
    if told < LEAST_PLACES or known.sum() < LEAST_FIGURES:
        return ()
    gain = np.where(known, expected / (2.0 * stabilised(expected) * spread), 0.0)
    figures, gain, kinds = _standardised(deviation, gain, np.where(known, expected, np.nan), spread)
    windows = min(observed.shape[1], last, LAST)
    durations = tuple(duration for duration in DURATIONS if duration <= windows)
    growth = Growth(neighbours[:, : max(LEAST_IN_REGION, int(LARGEST_SHARE * told))], LEAST_IN_REGION)
    stretches = _stretches(figures, gain, kinds, windows, durations)
    evidence = stretches[0].gathered(of, growth.places)
    rooted = growth.sums(evidence.for_change) * growth.scaled(evidence.information, PRIOR_INFORMATION)
    null = nulls.of(growth, stretches, of, PRIOR_INFORMATION, highest=float(np.square(rooted).max()) / 2.0)
    if null is None:
        return ()
    mean = expected + np.square(spread)
    return tuple(
        _cluster(growth.members(place, rank), column, durations[column], evidence, of, observed, mean, null, height)
        for place, rank, column, height in _apart(rooted, growth, null.score(level))
    )


def _standardised(
    deviation: Numbers, gain: Numbers, expected: Numbers, spread: Numbers
) -> tuple[Numbers, Numbers, Integers]:
    """(figures without what all share, as wide as their likes are; their gain; which are alike), [counter, window]."""
    levels = strata(expected)
    own = deviation - gain * shared_change(centred(deviation, levels), gain)
    kinds = alike(expected, np.where(np.isfinite(expected), spread, np.nan), levels)
    figures, gain = levelled(*levelled(own, gain, relative(expected)), kinds)
    return np.clip(figures, -WILDEST, WILDEST), gain, kinds


def _stretches(
    figures: Numbers, gain: Numbers, kinds: Integers, windows: int, durations: tuple[int, ...]
) -> list[Evidence]:
    """What the last windows say, and what each stretch of as many before them said, as widely as they vary."""
    city = time_correlation(figures)
    lasts = what_lasts(figures, kinds, city)
    said = []
    for end in range(figures.shape[1], windows - 1, -windows):
        stretch = (slice(None), slice(end - windows, end))
        correlation = matrices(lasts[stretch], city)
        said.append(evidence_of(figures[stretch], gain[stretch], correlation, durations).of_its_own())
    times = dispersion(said)
    return [one.wider(times) for one in said]


def _cluster(  # noqa: PLR0917 - of one scan alone, in the order of its steps
    members: Integers,
    column: int,
    duration: int,
    evidence: Evidence,
    of: Integers,
    observed: Numbers,
    mean: Numbers,
    null: ScanNull,
    height: float,
) -> Cluster:
    """The record of a region with evidence of that duration; `height` is the signed root of twice its score."""
    members = members[evidence.information[members, column] > 0]
    counters = np.isin(of, members)
    seen, usual = observed[counters, -duration:], mean[counters, -duration:]
    both = np.isfinite(seen) & np.isfinite(usual)
    ratio = float(seen[both].sum() / usual[both].sum())
    reach = float(np.exp(_Z / np.sqrt(evidence.information[members, column].sum())))
    return Cluster(
        places=tuple(int(member) for member in members),
        since=observed.shape[1] - duration,
        direction=1 if height > 0 else -1,
        observed=float(seen[both].sum()),
        expected=float(usual[both].sum()),
        ratio_low=ratio / reach,
        ratio_high=ratio * reach,
        score=height**2 / 2.0,
        p=null.p(height**2 / 2.0),
    )


def shared_change(figures: Numbers, gain: Numbers) -> Numbers:
    """By how much all places deviate together in each window, [window], as the logarithm of a factor: least absolute
    deviations of `figures` from `gain` [place, window] times it. 0 where fewer than `LEAST_SHARED` places are known."""
    shared = np.zeros(figures.shape[1])
    for window in range(figures.shape[1]):
        told = np.isfinite(figures[:, window]) & (gain[:, window] > 0)
        if told.sum() < LEAST_SHARED:
            continue
        weight = gain[told, window]
        shared[window] = weighted_median(figures[told, window] / weight, weight)
    return shared


def _apart(rooted: Numbers, growth: Growth, least: float) -> list[tuple[int, int, int, float]]:
    """(place, rank, column of the duration, signed root of twice the score) of the regions [place, rank, duration] that
    score at least `least`, best first, none overlapping a better one."""
    height = np.abs(rooted).ravel()
    candidates = np.flatnonzero(height >= np.sqrt(2.0 * max(least, 0.0)))
    candidates = candidates[np.argsort(-height[candidates], kind="stable")]
    taken: Mask = np.zeros(growth.places, dtype=bool)
    found: list[tuple[int, int, int, float]] = []
    for candidate in candidates:
        place, rank, column = (int(at) for at in np.unravel_index(candidate, rooted.shape))
        members = growth.members(place, rank)
        if taken[members].any():
            continue
        taken[members] = True
        found.append((place, rank, column, float(rooted[place, rank, column])))
        if len(found) == MOST_CLUSTERS:
            break
    return found
