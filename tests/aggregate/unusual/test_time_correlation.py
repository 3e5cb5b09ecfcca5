"""The correlation of a place's windows is found from all places, what lasts by kind; a handful says little."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from aggregate.unusual.time_correlation import PRIOR, TimeCorrelation, matrices, time_correlation, what_lasts


def drawn(truth: TimeCorrelation, places: int, windows: int, seed: int = 4) -> NDArray[np.float64]:
    root = np.linalg.cholesky(matrices(np.full((1, windows), np.sqrt(truth.share)), truth)[0])
    return np.random.default_rng(seed).standard_normal((places, windows)) @ root.T


@pytest.mark.parametrize(
    "truth",
    [
        TimeCorrelation(0.0, 0.7, 0.0),
        TimeCorrelation(0.5, 0.8, 0.0),
        TimeCorrelation(0.3, 0.5, 0.2),
        TimeCorrelation(0.0, 0.7, 0.4),
    ],
)
def test_what_figures_were_drawn_with_is_found(truth: TimeCorrelation) -> None:
    scores = drawn(truth, 900, 96)
    scores[::7, 10:30] = np.nan
    lags = np.arange(1.0, 12.0)
    assert time_correlation(scores).at(lags) == pytest.approx(truth.at(lags), abs=0.025)


def test_any_parameters_make_a_correlation() -> None:
    for passing, lasting in ((0.0, 0.95), (0.95, 0.0), (0.4, 0.55)):
        for decay in (0.0, 0.5, 1.0):
            one = TimeCorrelation(passing, decay, lasting)
            matrix = matrices(np.full((1, 24), np.sqrt(one.share)), one)[0]
            assert np.linalg.eigvalsh(matrix).min() >= 0.049
            assert (np.diag(matrix) == 1).all()


def test_few_figures_say_little() -> None:
    few = time_correlation(drawn(TimeCorrelation(0.0, 0.7, 0.0), 3, 6))
    assert few.at(np.array([1.0]))[0] == pytest.approx(PRIOR.at(np.array([1.0]))[0], abs=0.1)
    assert time_correlation(np.full((3, 4), np.nan)) == PRIOR
    assert time_correlation(np.zeros((3, 1))) == PRIOR


def test_what_lasts_is_told_apart_by_kind() -> None:
    """Of a slow factor (0.85 from window to window) two kinds of figures have 80 % and 20 %, half a day each."""
    truth = TimeCorrelation(0.5, 0.85, 0.0)
    random = np.random.default_rng(8)
    slow = np.linalg.cholesky(matrices(np.ones((1, 96)), truth)[0] + 1e-9 * np.eye(96))
    kinds = np.tile(np.repeat([0, 1], 48), (400, 1))
    share = np.where(kinds == 0, 0.8, 0.2)
    figures = np.sqrt(share) * (random.standard_normal((400, 96)) @ slow.T)
    figures += np.sqrt(1 - share) * random.standard_normal((400, 96))
    figures[::9, 20:60] = np.nan
    lasts = what_lasts(figures, kinds, time_correlation(figures))
    assert np.square(lasts[:, :48]).max() == pytest.approx(0.8, abs=0.05)
    assert np.square(lasts[:, 48:]).max() == pytest.approx(0.2, abs=0.05)
    assert not lasts[np.isnan(figures)].any()
    few = what_lasts(figures[1:2, :4], kinds[1:2, :4], truth)
    assert np.square(few[0, 0]) == pytest.approx(0.5, abs=0.2)


def test_the_correlation_of_two_windows_is_that_of_what_lasts_in_both() -> None:
    matrix = matrices(np.array([[0.9, 0.5]]), TimeCorrelation(0.4, 0.5, 0.1))[0]
    assert matrix == pytest.approx(np.array([[1.0, 0.9 * 0.5 * 0.6], [0.9 * 0.5 * 0.6, 1.0]]))
