"""Figures are as wide as their likes are, and what is scaled keeps its gain."""

from __future__ import annotations

import numpy as np
import pytest

from aggregate.unusual.levelling import LIKE_SPREADS, WILDEST, alike, centred, levelled, relative
from aggregate.unusual.normal_scores import strata


def test_figures_are_scaled_among_their_likes_and_gains_with_them() -> None:
    figures = np.array([[1.0, 3.0, np.nan], [10.0, 30.0, 50.0]])
    among = np.array([[0, 0, -1], [1, 1, 1]])
    scaled, gain = levelled(figures, np.full((2, 3), 4.0), among)
    assert scaled[0, :2].tolist() == [-1, 1]
    assert np.isnan(scaled[0, 2])
    assert gain[0].tolist() == [4, 4, 4]
    assert scaled[1].std() == 0, "all of them are further off than the wildest: nothing is known of their width"
    assert not gain[1].any()


def test_the_wildest_figure_has_no_more_say_than_another() -> None:
    random = np.random.default_rng(1).standard_normal((1, 999))
    wild = np.append(random, [[1e6]], axis=1)
    scaled, _ = levelled(wild, np.ones((1, 1000)), np.zeros((1, 1000), dtype=np.int64))
    assert scaled[0, :-1].std() == pytest.approx(1.0, abs=0.03)
    assert scaled[0, -1] > WILDEST


def test_likes_are_of_one_level_beside_their_own() -> None:
    """Two streets, one ten times the other, with the same course of the day: alike at the same hours."""
    course = np.repeat(np.array([[1.0, 2.0, 4.0, 8.0]]), 200, axis=1)
    of_level = relative(np.concatenate([course, 40.0 * course]) * 100.0)
    assert (of_level[0] == of_level[1]).mean() > 0.99
    assert len(np.unique(of_level)) == 4
    assert relative(np.array([[np.nan, 1.0], [np.nan, np.nan]])).tolist() == [[-1, 0], [-1, -1]]


def test_places_of_one_level_are_parted_by_their_spread() -> None:
    expected = np.full((8, 60), 4.0)
    expected[0, :5] = np.nan
    spread = np.linspace(0.5, 1.2, 8)[:, None] * np.ones((8, 60))
    kinds = alike(expected, spread, strata(expected))
    assert (kinds[0, :5] == -1).all()
    assert (kinds[0, -1], kinds[-1, -1]) == (0, 3)
    assert (np.diff(kinds[:, -1]) >= 0).all()
    few = alike(expected[:, :9], spread[:, :9], strata(expected[:, :9]))
    assert set(few.ravel().tolist()) == {-1, 0}
    assert LIKE_SPREADS == 4


def test_medians_are_taken_among_likes() -> None:
    figures = centred(np.array([[1.0, 2.0, 6.0, np.nan, 9.0]]), np.array([[0, 0, 0, -1, 1]]))
    assert figures[0, [0, 1, 2, 4]].tolist() == [-1, 0, 4, 0]
