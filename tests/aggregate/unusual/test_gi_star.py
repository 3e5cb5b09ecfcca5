"""Gi* is that of esda, its p-values hold under skew, and a gap is no neighbour."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from aggregate.unusual.cells import neighbours
from aggregate.unusual.gi_star import getis_ord, gi_star


def grid(side: int) -> NDArray[np.int64]:
    """Neighbourhoods of a `side` x `side` grid of places 100 m apart: the place and the four beside it."""
    north, east = np.divmod(np.arange(side * side), side)
    return neighbours(51.5 + north * 0.0009, -0.1 + east * 0.00144, within_m=110.0, most=5)


def test_the_statistic_is_that_of_esda() -> None:
    """esda.G_Local (binary weights, star) on a skewed figure over a grid."""
    libpysal = pytest.importorskip("libpysal.weights")
    from esda.getisord import G_Local

    figures = np.random.default_rng(3).gamma(0.7, size=49)
    rows = grid(7)
    around = {i: [int(j) for j in row[1:] if j >= 0] for i, row in enumerate(rows)}
    theirs = G_Local(figures, libpysal.W(around), transform="B", permutations=0, star=True)
    assert getis_ord(figures, rows) == pytest.approx(theirs.Zs, rel=1e-10)


def test_the_six_points_of_esdas_manual() -> None:
    """The example in the documentation of esda.G_Local: points within 15 of each other, star."""
    figures = np.array([2, 3, 3.2, 5, 8, 7])
    around = [[0, 1, 3], [1, 0, 3, 4], [2, 4], [3, 0, 1, 4], [4, 1, 2, 3, 5], [5, 4]]
    rows = np.array([row + [-1] * (5 - len(row)) for row in around])
    theirs = [-1.39727626, -0.28917762, 0.65064964, -0.28917762, 1.23452088, 2.02424331]
    assert getis_ord(figures, rows) == pytest.approx(theirs, abs=1e-8)


def test_sums_of_few_skewed_figures_are_not_taken_for_hotspots() -> None:
    """Exponential figures with nothing in them: 1 place in 1,000 has p <= 1 in 1,000, where the plain statistic of
    such figures has several."""
    random = np.random.default_rng(5)
    rows = grid(30)
    scored, plain = [], []
    for _ in range(60):
        figures = random.exponential(size=900)
        scored.append((gi_star(figures, rows).p <= 0.001).mean())
        plain.append((np.abs(getis_ord(figures, rows)) >= 3.2905).mean())
    assert np.mean(scored) == pytest.approx(0.001, abs=0.0004)
    assert np.mean(plain) > 0.003


def test_a_district_that_is_busier_is_found_and_a_single_wild_place_does_not_paint_its_neighbours() -> None:
    figures = np.random.default_rng(1).standard_normal(400)
    rows = grid(20)
    district = [a * 20 + b for a in range(8, 12) for b in range(8, 12)]
    figures[district] += 2.5
    figures[25] = 1000.0
    found = gi_star(figures, rows)
    assert (found.q[[189, 190, 209, 210]] < 0.01).all()
    assert (found.z[district] > 0).all()
    assert found.q[24] > 0.05
    quiet = gi_star(-figures, rows)
    assert quiet.z == pytest.approx(-found.z)
    assert quiet.q == pytest.approx(found.q)


def test_a_place_without_a_figure_is_nobodys_neighbour() -> None:
    figures = np.random.default_rng(2).standard_normal(100)
    rows = grid(10)
    figures[55] = np.nan
    found = gi_star(figures, rows)
    assert np.isnan(found.z[55])
    assert np.isnan(found.q[55])
    without = np.where(rows == 55, -1, rows)
    assert np.array_equal(gi_star(figures, without).z, found.z, equal_nan=True)


def test_a_handful_of_places_is_no_city() -> None:
    found = gi_star(np.array([1.0, 2.0, 3.0, np.nan, np.nan, np.nan, np.nan, np.nan, np.nan]), grid(3))
    assert np.isnan(found.z).all()
    assert np.isnan(found.p).all()
    assert np.isnan(gi_star(np.zeros(100), grid(10)).z).all()
