"""Interrupted time series: where nothing can be compared with, the place is compared with its own past.

    level[week] = a + b * week + change * after + e

by least squares on the weeks (Wagner, Soumerai, Zhang & Ross-Degnan 2002, Journal of Clinical Pharmacy and
Therapeutics 27, 299-309; Bernal, Cummins & Gasparrini 2017, International Journal of Epidemiology 46, 348-355), errors
after Newey & West (1987, Econometrica 55, 703-708), whose lag is the usual 4 (n/100)^(2/9), by statsmodels, never
below those of independent weeks. It takes for the intervention whatever else happened in the city from that week on:
weather, holidays, a new timetable. It is weaker than a comparison, and its answer says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np

from aggregate.tables import Integers, Mask, Numbers

LEAST_BEFORE, LEAST_AFTER = 8, 3
"""Weeks: a trend has to be told from a step."""


@dataclass(frozen=True, eq=False)
class Interruption:
    """`change` is the step, a logarithm, with its standard error and its degrees of freedom; `slope` a week;
    `expected` [week] is the level without the step.
    """

    change: float
    error: float
    freedom: int
    slope: float
    expected: Numbers


def interruption(level: Numbers, number: Integers, after: Mask) -> Interruption | None:
    """Of levels [week], NaN where unknown, in the weeks of these numbers; None where weeks are too few."""
    # Loaded when it is asked for: it takes longer than all the rest of the service.
    from statsmodels.regression.linear_model import OLS  # noqa: PLC0415 - see above

    known = ~np.isnan(level)
    if (known & ~after).sum() < LEAST_BEFORE or (known & after).sum() < LEAST_AFTER:
        return None
    design = np.column_stack([np.ones(len(level)), number.astype(np.float64), after.astype(np.float64)])
    fit = OLS(level[known], design[known]).fit()
    lag = ceil(4 * (known.sum() / 100) ** (2 / 9))
    robust = fit.get_robustcov_results("HAC", maxlags=lag, use_correction=True)
    without = design.copy()
    without[:, 2] = 0.0
    return Interruption(
        change=float(fit.params[2]),
        error=max(float(robust.bse[2]), float(fit.bse[2])),
        freedom=int(fit.df_resid),
        slope=float(fit.params[1]),
        expected=without @ fit.params,
    )
