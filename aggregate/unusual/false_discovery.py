"""How many of those called unusual are so by chance: the false discovery rate over many places tested at once.

A place's q-value is the least rate at which it is still called unusual. With the p-values in order,

    q_(i) = min over j >= i of  n c p_(j) / j

where c is 1 (Benjamini & Hochberg 1995, Journal of the Royal Statistical Society B 57, 289-300: independent tests, or
dependent ones that do not speak against each other, as those of overlapping neighbourhoods: Benjamini & Yekutieli 2001,
Annals of Statistics 29, 1165-1188, section 3), or 1 + 1/2 + ... + 1/n for tests that depend in any way (theorem 1.3
there). Where nothing is unusual anywhere, the rate is the probability of calling anything unusual at all.
"""

from __future__ import annotations

import numpy as np

from aggregate.tables import Numbers


def benjamini_hochberg(p: Numbers) -> Numbers:
    """q-values of p-values [test]; NaN stays NaN and is no test."""
    return _stepped_up(p, 1.0)


def benjamini_yekutieli(p: Numbers) -> Numbers:
    """q-values of p-values [test] that may depend in any way; NaN stays NaN and is no test."""
    tests = int(np.isfinite(p).sum())
    return _stepped_up(p, float((1.0 / np.arange(1, tests + 1)).sum()))


def _stepped_up(p: Numbers, factor: float) -> Numbers:
    q = np.full(np.shape(p), np.nan)
    tests = np.flatnonzero(np.isfinite(p))
    falling = tests[np.argsort(-p[tests], kind="stable")]
    many = len(tests)
    raised = p[falling] * factor * many / np.arange(many, 0, -1)
    q[falling] = np.minimum(np.minimum.accumulate(raised), 1.0) if many else raised
    return q
