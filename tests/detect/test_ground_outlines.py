"""Cutting polygons: what is above a line is kept whole, in pieces that make simple polygons, and nothing else."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.records import Zone
from detect.ground.outlines import (
    followed,
    hull,
    longer_side,
    pieces_above,
    pieces_within,
    signed_area,
    simplified,
    without_repeats,
)
from detect.zones import coverage

COMB = np.array([(0, 0), (7, 0), (7, 9), (6, 9), (6, 3), (4, 3), (4, 8), (3, 8), (3, 3), (1, 3), (1, 6), (0, 6)], float)
"""Three teeth on a back of 3: 1 x 3, 1 x 5 and 1 x 6."""


@st.composite
def stars(draw: st.DrawFn) -> np.ndarray:
    """Polygons around (100, 100), not convex and never crossing themselves."""
    reach = np.array(draw(st.lists(st.floats(5, 90), min_size=3, max_size=14)))
    angle = np.linspace(0, 2 * math.pi, len(reach), endpoint=False)
    return 100 + np.column_stack((reach * np.cos(angle), reach * np.sin(angle)))


def test_a_comb_cut_above_its_back_falls_into_its_teeth() -> None:
    pieces = pieces_above(COMB, COMB[:, 1] - 4)
    assert sorted(abs(signed_area(piece)) for piece in pieces) == [2, 4, 5]


def test_a_comb_cut_at_its_teeth_stays_whole() -> None:
    (piece,) = pieces_above(COMB, 5 - COMB[:, 1])
    assert signed_area(piece) == pytest.approx(21 + 3 * 2)


def test_a_corner_on_the_line_makes_no_piece_of_its_own() -> None:
    (piece,) = pieces_above(COMB, 3 - COMB[:, 1])
    assert signed_area(piece) == pytest.approx(21)


def test_what_lies_on_the_line_itself_is_kept() -> None:
    (piece,) = pieces_above(COMB, np.zeros(len(COMB)))
    assert (piece == COMB).all()


def test_of_a_comb_only_what_is_in_the_rectangle_is_left() -> None:
    assert sorted(abs(signed_area(piece)) for piece in pieces_within(COMB - (2, 5), (9, 9))) == [3, 4]
    assert pieces_within(COMB + 20, (9, 9)) == []
    (whole,) = pieces_within(COMB, (7, 9))
    assert signed_area(whole) == pytest.approx(signed_area(COMB))


@given(stars(), st.floats(0, 2 * math.pi), st.floats(-80, 80))
def test_the_pieces_are_simple_and_make_up_what_is_above(corners: np.ndarray, turn: float, level: float) -> None:
    """Above and below the line together are the whole; `coverage` refuses polygons that cross themselves."""
    up = np.array((math.cos(turn), math.sin(turn)))
    height = (corners - 100) @ up - level
    above, below = pieces_above(corners, height), pieces_above(corners, -height)
    parts = [piece for piece in (*above, *below) if abs(signed_area(piece)) > 1]
    assert sum(abs(signed_area(piece)) for piece in (*above, *below)) == pytest.approx(signed_area(corners), rel=1e-6)
    for piece in above:
        assert np.all((piece - 100) @ up - level > -1e-6)
    for piece in parts:
        coverage(Zone(id="part", name="part", polygon=tuple(map(tuple, np.round(piece, 6).tolist()))), 200, 200, 1, 1)


@given(stars())
def test_followed_edges_are_the_same_outline(corners: np.ndarray) -> None:
    dense = followed(corners, 4.0)
    assert np.linalg.norm(dense - np.roll(dense, -1, axis=0), axis=1).max() <= 4.0 + 1e-9
    assert signed_area(dense) == pytest.approx(signed_area(corners))
    assert len(simplified(dense, 1e-6)) <= len(corners)
    assert signed_area(simplified(dense, 1e-6)) == pytest.approx(signed_area(corners), rel=1e-4)


@given(st.floats(1, 50), st.floats(1, 50), st.floats(0, 2 * math.pi))
def test_the_longer_side_of_a_rectangle_however_it_is_turned(width: float, height: float, turn: float) -> None:
    sides = np.array([(0, 0), (width, 0), (width, height), (width / 2, height / 2), (0, height)])
    turned = sides @ np.array(((math.cos(turn), -math.sin(turn)), (math.sin(turn), math.cos(turn))))
    assert longer_side(turned) == pytest.approx(max(width, height), rel=1e-6)


@given(stars())
def test_no_corner_lies_outside_the_hull(corners: np.ndarray) -> None:
    ring = hull(corners)
    along = np.roll(ring, -1, axis=0) - ring
    off = corners[:, None] - ring
    assert np.all(along[:, 0] * off[..., 1] - along[:, 1] * off[..., 0] > -1e-6)


def test_a_ring_that_repeats_its_first_corner_loses_the_last() -> None:
    ring = np.array([(0, 0), (1, 0), (1, 1), (1, 1), (0, 0)], float)
    assert signed_area(without_repeats(ring)) == 0.5
    assert len(without_repeats(ring)) == 3
