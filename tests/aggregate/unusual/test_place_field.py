"""What was counted beside what is usual, of zones and of cells."""

from __future__ import annotations

import numpy as np
import pytest

from aggregate.history import History
from aggregate.unusual.cells import Cells
from aggregate.unusual.place_field import PlaceField, of_cells, of_zones
from aggregate.usual.baselines import Expectation
from aggregate.usual_answers import Field, Usual

NAN = np.nan


def field(value, clips, expected=4.0, spread=0.4, error=0.3):
    value, clips = np.array(value, dtype=np.float32), np.array(clips, dtype=np.uint8)
    zones, steps = value.shape
    start = np.datetime64("2017-03-09T08:00:00", "us")
    history = History("people", tuple("abcdef"[:zones]), "UTC", start, 900, value, clips)
    expected = np.broadcast_to(np.asarray(expected, dtype=float), value.shape).copy()
    told = Expectation(expected, np.full_like(expected, error), expected, expected, np.full_like(expected, spread))
    words = np.full((zones, 1), "ok", dtype=object)
    return Field(history, Usual(history.starts, told, np.zeros(steps, dtype=np.int64), words, words))


def test_the_exceedance_is_on_the_root_scale_and_nan_where_either_is_missing():
    told = field([[8.625, NAN, 0.0]], [[3, 0, 3]], expected=[[3.625, 3.625, NAN]], spread=0.5)
    z = of_zones(told).exceedance()
    assert z[0, 0] == pytest.approx((3 - 2) / 0.5)
    assert np.isnan(z[0, 1:]).all()
    assert of_zones(told).known.tolist() == [[True, False, False]]
    assert of_zones(told).mean_expected()[0, 0] == pytest.approx(3.625 + 0.25)


def test_a_window_of_fewer_clips_may_stray_further():
    """One clip instead of the usual three: phi / 4 (1 - 1 / 3) is added to the variance, with phi = 1.4."""
    told = of_zones(field([[5.0, 5.0, 5.0, 5.0]], [[3, 3, 3, 1]], spread=0.4))
    assert told.spread[0, :3] == pytest.approx(0.4)
    assert told.spread[0, 3] == pytest.approx(np.sqrt(0.16 + 1.4 / 4 * (1 - 1 / 3)))


def test_a_counter_that_always_has_one_clip_is_as_usual():
    assert of_zones(field([[5.0, 5.0]], [[1, 1]], spread=0.4)).spread == pytest.approx(0.4)


def test_a_zone_of_which_nothing_is_there_is_unknown_and_no_warning():
    told = of_zones(field([[NAN, NAN]], [[0, 0]]))
    assert not told.known.any()
    assert np.isnan(told.spread).all()


def test_a_cell_is_the_sum_of_the_zones_that_are_known_in_both():
    zones = PlaceField(*(np.array(part) for part in (
        [[6.0], [NAN], [3.0]], [[4.0], [NAN], [2.0]], [[0.3], [NAN], [0.4]], [[0.5], [NAN], [0.5]],
    )))  # fmt: skip
    cells = Cells(8, np.array(["x", "y"], dtype=object), np.zeros(2), np.zeros(2), np.array([0, 0, 0]))
    told = of_cells(cells, zones)
    assert told.observed[:, 0] == pytest.approx([9.0, NAN], nan_ok=True)
    assert told.expected[:, 0] == pytest.approx([6.2406, NAN], abs=1e-4, nan_ok=True)  # the middle of the sum
    assert told.error[0, 0] == pytest.approx(0.5)
    assert np.isnan(told.exceedance()[1, 0])
