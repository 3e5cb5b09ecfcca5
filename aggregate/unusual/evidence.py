"""What a place says of a change that began some windows ago: generalised least squares over its windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aggregate.tables import Integers, Numbers

BELIEVED = 20.0


@dataclass(frozen=True, eq=False)
class Evidence:
    """B and C of `scan.py`: `for_change` [place, duration]; `covariance` [place, duration, duration], that of these B
    if nothing is unusual, whose diagonal is C. All zero where a place says nothing. `told` is how well the scale of
    `for_change` is known, in degrees of freedom."""

    for_change: Numbers
    covariance: Numbers
    told: float = np.inf

    @property
    def information(self) -> Numbers:
        """C [place, duration]."""
        return np.diagonal(self.covariance, axis1=1, axis2=2)

    def gathered(self, of: Integers, places: int) -> Evidence:
        """That of so many places, each the sum of those it is `of`: independent ones add up."""
        for_change = np.zeros((places, *self.for_change.shape[1:]))
        covariance = np.zeros((places, *self.covariance.shape[1:]))
        np.add.at(for_change, of, self.for_change)
        np.add.at(covariance, of, self.covariance)
        return Evidence(for_change, covariance, self.told)


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
        covariance=np.einsum("pwd,pwe->pde", change, weighed),
    )


def dispersion(past: Sequence[Evidence]) -> tuple[Numbers, float]:
    """(how many times its covariance the evidence of earlier stretches varied, [duration]; how well that is known of
    the next one, in degrees of freedom).

    1 where the correlation that was fitted tells all (a Pearson dispersion: McCullagh & Nelder 1989, section 4.5);
    `BELIEVED` places' evidence of a dispersion of 1 counts beside what was seen. A stretch may vary more than the one
    before it, by hour and weather: by how much they differ beyond chance is what the next may differ by as well.
    """
    squares = np.stack([np.square(one.for_change).sum(axis=0) for one in past])
    information = np.stack([one.information.sum(axis=0) for one in past])
    unevenness = np.stack([np.square(one.information).sum(axis=0) for one in past])
    # As many places of equal information as speak with the weight that these have.
    speak = np.square(information) / np.maximum(unevenness, 1e-12)
    total = speak.sum(axis=0)
    seen = squares.sum(axis=0) / np.maximum(information.sum(axis=0), 1e-12)
    error = 2.0 / (float(total.mean()) + BELIEVED)
    if len(past) > 1:
        each = (squares / np.maximum(information, 1e-12) / np.maximum(seen, 1e-12)).mean(axis=1)
        error += max(0.0, float(each.var(ddof=1)) - float((2.0 / np.maximum(speak, 1.0)).mean()))
    return (total * seen + BELIEVED) / (total + BELIEVED), 2.0 / error
