"""Did the street change, or the camera? What else is known decides, and says so."""

from __future__ import annotations

import numpy as np
import pytest

from aggregate.unusual.drift import Beside, Step, judged, step
from aggregate.unusual.verdicts import ChangeKind

LESS = float(np.log(0.6))
SURE = 0.02


@pytest.mark.parametrize(
    ("beside", "kind", "said"),
    [
        (Beside(LESS), ChangeKind.STREET_CHANGE, "nothing is known that would speak for the camera"),
        (Beside(LESS, became=("its view became another",)), ChangeKind.CAMERA_DRIFT, "its view became another"),
        (
            Beside(LESS, other="vehicles", other_step=Step(0.01, SURE)),
            ChangeKind.STREET_CHANGE, "its vehicles did not change with it",
        ),
        (
            Beside(LESS, other="vehicles", other_step=Step(LESS * 0.9, SURE)),
            ChangeKind.CAMERA_DRIFT, "its vehicles changed alike, and nothing near it did",
        ),
        (
            Beside(LESS, other="vehicles", other_step=Step(LESS * 0.9, SURE), alike_near=2),
            ChangeKind.STREET_CHANGE, "2 other cameras near it changed alike",
        ),
        (
            Beside(LESS, loop="scoot:7", loop_step=Step(LESS * 1.1, SURE)),
            ChangeKind.STREET_CHANGE, "the loop scoot:7 beside it changed alike",
        ),
        (
            Beside(LESS, loop="scoot:7", loop_step=Step(0.0, SURE)),
            ChangeKind.CAMERA_DRIFT, "the loop scoot:7 beside it saw no such change",
        ),
        (Beside(LESS, loop="scoot:7", loop_step=Step(0.0, 1.0)), ChangeKind.STREET_CHANGE, "nothing is known"),
        (Beside(LESS, other="people", other_step=Step(-LESS, SURE)), ChangeKind.STREET_CHANGE, "did not change with"),
    ],
)  # fmt: skip
def test_what_speaks_for_the_camera_and_what_for_the_street(beside, kind, said):
    told, evidence = judged(beside)
    assert told is kind
    assert said in evidence


def test_a_step_is_the_difference_of_means_between_two_days():
    level = np.concatenate([np.tile([0.0, 0.2], 10), np.tile([1.0, 1.2], 10)])
    found = step(level, 20, 4, 36)
    assert found.size == pytest.approx(1.0)
    assert found.error == pytest.approx(np.sqrt(2 * 0.01 * 16 / 15 / 16))
    assert found.surely


def test_too_few_days_tell_no_step():
    level = np.full(40, np.nan)
    level[:20], level[20:26] = 0.0, 1.0
    assert step(level, 20, 0, 40) is None
