"""What a place says of a change that began some windows ago: generalised least squares over its windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aggregate.tables import Integers, Numbers

MOST_EVIDENCE = 3.5
"""A counter's evidence further off than this, in standard deviations, counts as this: one wild camera is not a
district. A doubling is some 2 to each."""

LEAST_SHARED = 8
"""From this many places on, what they share can be told from what one cluster does."""

AMONG = 200
"""Places that are asked what they share: enough that a district is a small part of them."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """B and C of `scan.py`: `for_change` and `information`, each [place, duration]. Zero where a place says nothing."""

    for_change: Numbers
    information: Numbers

    def gathered(self, of: Integers, places: int) -> Evidence:
        """That of so many places, each the sum of those it is `of`: independent ones add up."""
        for_change, information = np.zeros((2, places, self.for_change.shape[1]))
        np.add.at(for_change, of, self.for_change)
        np.add.at(information, of, self.information)
        return Evidence(for_change, information)

    def of_its_own(self) -> Evidence:
        """Less what all places share, and none beyond `MOST_EVIDENCE`.

        What is shared is a factor, log(q) of each duration: least absolute deviations of B from C log(q), as
        independent places have it, each in its standard deviation. Quiet places answer to the weather otherwise than
        busy ones, so it is found among `AMONG` or more that know about as much. None with fewer than `LEAST_SHARED`.
        """
        scale = np.sqrt(self.information)
        for_change = self.for_change.copy()
        for column in range(for_change.shape[1]):
            told = np.flatnonzero(self.information[:, column] > 0)
            if len(told) < LEAST_SHARED:
                continue
            told = told[np.argsort(scale[told, column], kind="stable")]
            for those in np.array_split(told, max(1, len(told) // AMONG)):
                weight = scale[those, column]
                shared = weighted_median(for_change[those, column] / np.square(weight), weight)
                for_change[those, column] -= np.square(weight) * shared
        return Evidence(np.clip(for_change, -MOST_EVIDENCE * scale, MOST_EVIDENCE * scale), self.information)

    def wider(self, times: Numbers) -> Evidence:
        """That of figures whose variance is so many `times` [duration] what was thought."""
        return Evidence(self.for_change / times, self.information / times)


def evidence_of(figures: Numbers, gain: Numbers, correlation: Numbers, durations: tuple[int, ...]) -> Evidence:
    """Of standardised `figures` (NaN: not known) and `gain` g [place, window], for changes that last that many windows
    up to the last one. `correlation` [place, window, window] is that of the figures of each place."""
    windows = figures.shape[1]
    known = np.isfinite(figures)
    lasts = np.arange(windows)[:, None] >= windows - np.array(durations)[None, :]
    change = np.where(known, gain, 0.0)[:, :, None] * lasts
    # A window that is missing is given a variance of its own and a figure of nothing, which leaves it out.
    both = known[:, :, None] & known[:, None, :]
    weighed = np.linalg.solve(np.where(both, correlation, np.eye(windows)), change)
    return Evidence(
        for_change=np.einsum("pwd,pw->pd", weighed, np.where(known, figures, 0.0)),
        information=np.einsum("pwd,pwd->pd", change, weighed),
    )


def dispersion(stretches: Sequence[Evidence]) -> Numbers:
    """How many times its information the evidence of these stretches varied on average, [duration].

    1 where the correlation that was fitted tells all (a Pearson dispersion: McCullagh & Nelder 1989, section 4.5), and
    where there is no evidence.
    """
    squares = np.stack([np.square(one.for_change).sum(axis=0) for one in stretches])
    information = np.stack([one.information.sum(axis=0) for one in stretches])
    told = information > 0
    each = np.where(told, squares / np.where(told, information, 1.0), 0.0)
    mean: Numbers = each.sum(axis=0) / np.maximum(told.sum(axis=0), 1)
    return np.where(mean > 0, mean, 1.0)


def weighted_median(values: Numbers, weights: Numbers) -> float:
    """The value below which half of the `weights` lie: least absolute deviations of one number."""
    order = np.argsort(values, kind="stable")
    return float(values[order][np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2.0)])
