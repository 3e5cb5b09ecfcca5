"""The correlation of a place's windows is found from all places, and a handful says little."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from aggregate.unusual.time_correlation import PRIOR, TimeCorrelation, time_correlation, time_correlations


def drawn(truth: TimeCorrelation, places: int, windows: int, seed: int = 4) -> NDArray[np.float64]:
    root = np.linalg.cholesky(truth.matrix(windows))
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
            matrix = TimeCorrelation(passing, decay, lasting).matrix(24)
            assert np.linalg.eigvalsh(matrix).min() >= 0.049
            assert (np.diag(matrix) == 1).all()


def test_few_figures_say_little() -> None:
    few = time_correlation(drawn(TimeCorrelation(0.0, 0.7, 0.0), 3, 6))
    assert few.at(np.array([1.0]))[0] == pytest.approx(PRIOR.at(np.array([1.0]))[0], abs=0.1)
    assert time_correlation(np.full((3, 4), np.nan)) == PRIOR
    assert time_correlation(np.zeros((3, 1))) == PRIOR


def test_places_that_last_and_places_that_do_not_are_told_apart() -> None:
    lasting, passing = TimeCorrelation(0.7, 0.85, 0.0), TimeCorrelation(0.0, 0.7, 0.0)
    figures = np.concatenate([drawn(lasting, 60, 96), drawn(passing, 60, 96, seed=5)])
    part, correlations = time_correlations(figures)
    at = np.array([one.at(np.array([1.0]))[0] for one in correlations])[part]
    assert at[:60].mean() == pytest.approx(0.6, abs=0.07)
    assert at[60:].mean() == pytest.approx(0.0, abs=0.07)
    assert len(time_correlations(figures[:, :20])[1]) == 1
