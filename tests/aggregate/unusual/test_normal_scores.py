"""Scores are Blom's, whatever the figures look like."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregate.unusual.exceedance import exceedance
from aggregate.unusual.normal_scores import normal_scores, strata


def test_scores_of_five_figures_are_those_of_bloms_table() -> None:
    """Quantiles of the normal distribution at (rank - 3/8) / 5.25; exact expectations are 0, 0.495, 1.163."""
    scores = normal_scores(np.array([[7.0, -2.0, 1000.0], [7.5, 0.0, np.nan]]))
    assert scores[0] == pytest.approx([0.0, -1.1798, 1.1798], abs=1e-4)
    assert scores[1, :2] == pytest.approx([0.4972, -0.4972], abs=1e-4)
    assert np.isnan(scores[1, 2])


def test_equal_figures_have_equal_scores_and_each_stratum_its_own() -> None:
    scores = normal_scores(np.array([1.0, 1.0, 5.0, 6.0]), np.array([0, 0, 1, 1]))
    assert scores[0] == scores[1] == 0
    assert scores[2] == -scores[3] != 0


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40, unique=True))
def test_only_the_order_of_figures_tells(listed: list[float]) -> None:
    values = np.array(listed)
    assert np.array_equal(normal_scores(values), normal_scores(np.argsort(np.argsort(values)).astype(np.float64)))
    assert normal_scores(values).sum() == pytest.approx(0, abs=1e-9)


def test_strata_are_equally_many_figures_of_the_same_level() -> None:
    expected = np.random.default_rng(0).lognormal(size=(100, 50))
    expected[3, 4] = np.nan
    among = strata(expected)
    assert among[3, 4] == -1
    counts = np.bincount(among[among >= 0])
    assert len(counts) == 8
    assert counts.max() - counts.min() <= 1
    assert expected[among == 0].max() <= expected[among == 1].min()
    assert (strata(np.arange(30.0)) == 0).all()


def test_an_exceedance_is_in_standard_deviations_of_the_root_scale() -> None:
    """sqrt(5.625 + 3/8) ... of whole roots: 0.625 + 3/8 = 1, 3.625 + 3/8 = 4."""
    z = exceedance(np.array([3.625, 0.625, 3.0, np.nan]), np.array([0.625, 3.625, 3.0, 1.0]), np.array([0.5, 2, 1, 1]))
    assert z[:3].tolist() == [2, -0.5, 0]
    assert np.isnan(z[3])
    assert np.isnan(exceedance(np.array([1.0, 1.0]), np.array([1.0, 1.0]), np.array([0.0, np.nan]))).all()
