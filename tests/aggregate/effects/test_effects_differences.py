"""Difference in differences against hand-computed figures and against statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.regression.linear_model import OLS
from statsmodels.tools.tools import add_constant

from aggregate.effects.differences import differences, of_controls, regression


def test_the_two_by_two():
    """By hand (as Card & Krueger 1994, table 3): treated 20 to 21, control 23 to 21, so the difference is 3."""
    level = np.array([[20.0, 20.0, 21.0, 21.0]])
    controls = np.array([[23.0, 23.0, 21.0, 21.0]])
    found = differences(level, controls, np.array([False, False, True, True]))
    assert found.change == pytest.approx([3.0])
    assert found.noise == pytest.approx([0.0])


def test_noise_is_that_around_the_means_before_and_after():
    """By hand: paths 1, 3 | 4, 8, 6: means 2 and 6, squares 2 and 8, so sqrt(10 / 3); reach sqrt(1/2 + 1/3)."""
    path = np.array([[1.0, 3.0, 4.0, 8.0, 6.0]])
    found = differences(path, np.zeros_like(path), np.array([False, False, True, True, True]))
    assert found.change == pytest.approx([4.0])
    assert found.noise == pytest.approx([np.sqrt(10 / 3)])
    assert found.ratio == pytest.approx([4 / (np.sqrt(10 / 3) * np.sqrt(5 / 6))])


def test_an_unknown_week_is_left_out_and_too_few_are_no_answer():
    path = np.array([[1.0, np.nan, 3.0, 4.0, 8.0, 6.0], [1.0, np.nan, np.nan, 4.0, 8.0, 6.0]])
    found = differences(path, np.zeros_like(path), np.arange(6) >= 3)
    assert found.change[0] == pytest.approx(4.0)
    assert np.isnan(found.change[1])
    assert np.isnan(found.ratio[1])


def test_controls_are_weighed_among_those_that_are_known():
    level = np.array([[1.0, 1.0, np.nan], [3.0, np.nan, np.nan], [9.0, 9.0, 9.0]])
    mean = of_controls(level, np.array([[0.5, 0.5, 0.0]]))
    assert mean[0, :2] == pytest.approx([2.0, 1.0])
    assert np.isnan(mean[0, 2])


def test_the_regression_is_the_two_by_two_where_nothing_is_missing():
    rng = np.random.default_rng(3)
    level = rng.normal(size=(9, 12))
    treated, after = np.arange(9) < 2, np.arange(12) >= 7
    fitted = regression(level, treated, after)
    by_hand = (level[:2, 7:].mean() - level[:2, :7].mean()) - (level[2:, 7:].mean() - level[2:, :7].mean())
    assert fitted is not None
    assert fitted.change == pytest.approx(by_hand)


@pytest.mark.parametrize("missing", [0.0, 0.15])
def test_errors_clustered_by_zone_by_week_and_by_both_are_those_of_statsmodels(missing):
    rng = np.random.default_rng(5)
    level = rng.normal(size=(14, 20)) + rng.normal(size=(14, 1)) + rng.normal(size=20)
    level[rng.random(level.shape) < missing] = np.nan
    treated, after = np.arange(14) < 4, np.arange(20) >= 12
    fitted = regression(level, treated, after)
    zone, week = np.nonzero(~np.isnan(level))
    design = np.column_stack([
        (treated[zone] & after[week]).astype(float),
        *[(zone == one).astype(float) for one in range(1, 14)],
        *[(week == one).astype(float) for one in range(1, 20)],
    ])  # fmt: skip
    plain = OLS(level[zone, week], add_constant(design))
    assert fitted is not None
    for groups, error in (
        (zone, fitted.by_zone), (week, fitted.by_week), (np.column_stack([zone, week]), fitted.by_both),
    ):  # fmt: skip
        theirs = plain.fit(cov_type="cluster", cov_kwds={"groups": groups})
        assert fitted.change == pytest.approx(theirs.params[1], abs=1e-10)
        assert error == pytest.approx(np.sqrt(theirs.cov_params()[1, 1]), rel=1e-6)


def test_one_treated_zone_makes_clustered_errors_far_too_small():
    """Why the interval does not rest on them (MacKinnon & Webb 2017): with noise of 1, the error of the change is
    about sqrt(1/10 + 1/10), and clustering by zone sees a fraction of it."""
    rng = np.random.default_rng(8)
    errors, changes = [], []
    for _ in range(60):
        fitted = regression(rng.normal(size=(12, 20)), np.arange(12) == 0, np.arange(20) >= 10)
        assert fitted is not None
        errors.append(fitted.by_zone)
        changes.append(fitted.change)
    assert np.std(changes) == pytest.approx(np.sqrt(0.2 * 12 / 11), rel=0.25)
    assert np.mean(errors) < 0.4 * np.std(changes)


def test_what_cannot_be_told_is_no_coefficient():
    level = np.ones((3, 4))
    level[0, 2:] = np.nan
    assert regression(level, np.arange(3) == 0, np.arange(4) >= 2) is None
