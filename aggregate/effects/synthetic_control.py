"""A second opinion: the mixture of controls that went as the treated place did before, and what it did after.

Weights w >= 0 that sum to 1 and bring the mixture of the controls, each less its own mean before, nearest to the
treated place, less its own, in the weeks before (Abadie, Diamond & Hainmueller 2010, Journal of the American
Statistical Association 105, 493-505, eq. 2; without the levels, which logarithms of different streets need not share:
Ferman & Pinto 2021, Quantitative Economics 12, 1197-1221). Solved as non-negative least squares (Lawson & Hanson 1974,
chapter 23) with the sum as a heavy row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aggregate.tables import Mask, Numbers

SUM_WEIGHT = 1e3
"""How much heavier than any week the sum of the weights is."""

LEAST_WEEKS = 4


@dataclass(frozen=True, eq=False)
class SyntheticControl:
    """`weights` [control] sum to 1; `change` is how much more the place changed than its mixture, a logarithm;
    `fit_error` the root mean square difference before, in logarithms; `path` [week] the mixture's level.
    """

    weights: Numbers
    change: float
    fit_error: float
    path: Numbers


def synthetic_control(treated: Numbers, controls: Numbers, after: Mask) -> SyntheticControl | None:
    """Of levels [week] of the place and [control, week]; controls with unknown weeks take no part.

    None where fewer than two controls have all weeks that the place has, or weeks are too few.
    """
    from scipy.optimize import nnls  # noqa: PLC0415 - half a second that the start of the service can do without

    weeks = ~np.isnan(treated)
    before, later = weeks & ~after, weeks & after
    whole = np.flatnonzero(~np.isnan(controls[:, weeks]).any(axis=1))
    if len(whole) < 2 or before.sum() < LEAST_WEEKS or not later.any():
        return None
    ours = treated - treated[before].mean()
    theirs = controls[whole] - controls[whole][:, before].mean(axis=1, keepdims=True)
    heavy = SUM_WEIGHT * max(1.0, float(np.abs(theirs[:, before]).max()))
    matrix = np.vstack([theirs[:, before].T, np.full(len(whole), heavy)])
    found, _ = nnls(matrix, np.append(ours[before], heavy))
    found /= found.sum()
    mixture = found @ theirs
    weights = np.zeros(len(controls))
    weights[whole] = found
    return SyntheticControl(
        weights=weights,
        change=float(np.mean((ours - mixture)[later])),
        fit_error=float(np.sqrt(np.mean((ours - mixture)[before] ** 2))),
        path=mixture + treated[before].mean(),
    )
