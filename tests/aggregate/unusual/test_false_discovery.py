"""q-values are those of the papers, and what is not tested does not count."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from aggregate.unusual.false_discovery import benjamini_hochberg, benjamini_yekutieli

PAPER = np.array(
    [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.3240,
        0.4262,
        0.5719,
        0.6528,
        0.7590,
        1.0,
    ]
)


def test_four_of_the_fifteen_tests_of_the_paper_are_discoveries() -> None:
    """Benjamini & Hochberg (1995), section 4.1: at 5 % the first four hypotheses are rejected."""
    q = benjamini_hochberg(PAPER)
    assert (q <= 0.05).sum() == 4
    assert q[3] == pytest.approx(0.0095 * 15 / 4)


def test_any_dependence_costs_the_harmonic_sum() -> None:
    few = np.array([0.001, 0.5, 0.9])
    assert benjamini_yekutieli(few)[0] == pytest.approx(0.001 * 3 * (1 + 1 / 2 + 1 / 3))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_q_values_are_scipys_in_any_order(listed: list[float], random: object) -> None:
    p = np.array(listed)
    assert benjamini_hochberg(p) == pytest.approx(false_discovery_control(p, method="bh"), rel=1e-12, abs=1e-300)
    assert benjamini_yekutieli(p) == pytest.approx(false_discovery_control(p, method="by"), rel=1e-12, abs=1e-300)
    order = np.random.default_rng(len(p)).permutation(len(p))
    assert np.array_equal(benjamini_hochberg(p[order]), benjamini_hochberg(p)[order])


def test_what_was_not_tested_neither_counts_nor_is_discovered() -> None:
    with_gaps = np.insert(PAPER, [0, 4, 15], np.nan)
    q = benjamini_hochberg(with_gaps)
    assert np.array_equal(np.isnan(q), np.isnan(with_gaps))
    assert np.array_equal(q[~np.isnan(q)], benjamini_hochberg(PAPER))
    assert np.isnan(benjamini_hochberg(np.full(3, np.nan))).all()
    assert benjamini_hochberg(np.empty(0)).shape == (0,)
