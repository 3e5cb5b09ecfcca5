"""Synthetic control where the answer is known exactly."""

from __future__ import annotations

import numpy as np
import pytest

from aggregate.effects.synthetic_control import synthetic_control


def donors(seed=2):
    return np.random.default_rng(seed).normal(size=(4, 14))


AFTER = np.arange(14) >= 9


def test_a_place_that_is_a_mixture_gives_the_mixture_back_and_the_effect_exactly():
    level = donors()
    treated = 0.3 * level[0] + 0.7 * level[2] + 5.0 - 0.2 * AFTER
    found = synthetic_control(treated, level, AFTER)
    assert found is not None
    assert found.weights == pytest.approx([0.3, 0, 0.7, 0], abs=1e-6)
    assert found.change == pytest.approx(-0.2, abs=1e-6)
    assert found.fit_error == pytest.approx(0, abs=1e-6)
    assert found.path[AFTER] == pytest.approx(treated[AFTER] + 0.2, abs=1e-6)


def test_weights_are_a_mixture_whatever_the_place():
    found = synthetic_control(np.random.default_rng(9).normal(size=14) * 7, donors(), AFTER)
    assert found is not None
    assert found.weights.min() >= 0
    assert found.weights.sum() == pytest.approx(1)


def test_a_control_with_an_unknown_week_takes_no_part_and_too_few_are_none():
    level = donors()
    level[2, 3] = np.nan
    found = synthetic_control(level[0], level, AFTER)
    assert found is not None
    assert found.weights == pytest.approx([1, 0, 0, 0], abs=1e-6)
    level[1:, 3] = np.nan
    assert synthetic_control(level[0], level, AFTER) is None
    assert synthetic_control(donors()[0], donors(), np.arange(14) >= 2) is None
