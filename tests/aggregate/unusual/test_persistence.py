"""Since when a place has been so, up to the last window."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from aggregate.unusual.persistence import windows_lasting

NAN = np.nan


def lasting(*z, sign=1.0):
    return int(windows_lasting(np.array([z]), np.array([sign]))[0])


def test_the_worked_example_of_the_module():
    assert lasting(0.2, 1.4, 2.8, NAN, 0.1, 1.9, 3.0) == 6


@pytest.mark.parametrize(
    ("z", "windows"),
    [
        ((0.0, 0.0, 3.0), 1),
        ((3.0, 3.0, 3.0), 3),
        ((3.0, 3.0, 0.0), 3),  # one ordinary window does not end it
        ((3.0, 3.0, 0.0, 0.0), 0),  # two do
        ((9.0, 9.0, 9.0, 0.0, 0.0, 2.0), 1),  # what was far away is not remembered longer
        ((0.0, 0.5, 0.9), 0),
        ((3.0, NAN, NAN, NAN, 3.0), 5),
        ((NAN, NAN), 0),
        ((), 0),
    ],
)
def test_how_long_it_has_lasted(z, windows):
    assert lasting(*z) == windows


def test_each_direction_is_counted_for_itself_and_nothing_where_none_is_asked():
    z = np.array([[-3.0, -3.0], [-3.0, -3.0], [3.0, 3.0], [3.0, 3.0]])
    assert windows_lasting(z, np.array([-1.0, 1.0, 0.0, NAN])).tolist() == [2, 0, 0, 0]


@given(arrays(float, (3, 12), elements=st.floats(-6, 6)))
def test_what_came_before_a_quiet_spell_does_not_matter(z):
    """Two windows far below usual end whatever there was."""
    quiet = np.full((3, 2), -2.0)
    event = np.full((3, 2), 3.0)
    sign = np.ones(3)
    assert windows_lasting(np.hstack([z, quiet, event]), sign).tolist() == [2, 2, 2]
