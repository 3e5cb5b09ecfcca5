"""Interrupted time series: a step on a line."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.regression.linear_model import OLS

from aggregate.effects.interrupted import interruption

WEEKS = np.arange(-12, 6)
AFTER = WEEKS >= 0


def test_a_step_on_a_line_is_found_exactly():
    found = interruption(1.0 + 0.02 * WEEKS - 0.2 * AFTER, WEEKS, AFTER)
    assert found is not None
    assert (found.change, found.slope) == (pytest.approx(-0.2), pytest.approx(0.02))
    assert found.expected == pytest.approx(1.0 + 0.02 * WEEKS)


def test_the_error_is_newey_and_wests_and_never_below_the_plain_one():
    level = 0.02 * WEEKS + np.random.default_rng(4).normal(0, 0.1, len(WEEKS))
    level[3] = np.nan
    found = interruption(level, WEEKS, AFTER)
    known = ~np.isnan(level)
    design = np.column_stack([np.ones(len(WEEKS)), WEEKS, AFTER])[known]
    plain = OLS(level[known], design).fit()
    robust = plain.get_robustcov_results("HAC", maxlags=3, use_correction=True)
    assert found is not None
    assert found.error == pytest.approx(max(plain.bse[2], robust.bse[2]))
    assert found.freedom == 17 - 3


def test_too_few_weeks_are_none():
    assert interruption(np.zeros(18), WEEKS, WEEKS >= -5) is None
    assert interruption(np.zeros(18), WEEKS, WEEKS >= 4) is None
