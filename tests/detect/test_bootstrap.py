"""The paired bootstrap by camera: exact in small cases, honest about few cameras, and it covers what it says."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from detect.evaluation.bootstrap import USUAL, PairedInterval, Resample, draw_weights, paired_interval, remark
from detect.evaluation.figures import Verdict


def test_every_draw_has_as_many_frames_as_its_cameras() -> None:
    weights = draw_weights(["a", "a", "a", "b"], Resample(draws=500))

    assert weights.shape == (500, 4)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    # Drawn were two cameras a (6 frames), one of each (4), or two b (2): what is left is of a or of b.
    assert set(np.round(weights[:, 3], 6)) == {0.0, 0.25, 1.0}


def test_one_frame_a_camera_is_the_plain_bootstrap() -> None:
    """Three cameras of one frame: all 27 draws are equally likely, which gives the share of each mean exactly."""
    differences = np.array([0.0, 1.0, 5.0])
    means = draw_weights(["a", "b", "c"], Resample(draws=40_000)) @ differences

    expected = [np.mean(draw) for draw in product(differences, repeat=3)]
    for value in set(np.round(expected, 6)):
        share = np.mean(np.isclose(expected, value))
        assert np.mean(np.isclose(means, value)) == pytest.approx(share, abs=0.01)


def test_cameras_are_drawn_whole() -> None:
    """Two cameras that disagree, of 50 like frames each: a draw is one of them, the other, or both."""
    cameras = ["a"] * 50 + ["b"] * 50
    means = draw_weights(cameras, USUAL) @ np.repeat([-1.0, 1.0], 50)

    assert set(np.round(means, 9)) == {-1.0, 0.0, 1.0}
    assert np.mean(np.abs(means) < 1e-9) == pytest.approx(0.5, abs=0.03)


def test_equal_differences_leave_no_doubt() -> None:
    interval = paired_interval(np.full(20, -0.5), draw_weights([f"camera{at % 6}" for at in range(20)], USUAL))

    assert (interval.difference, interval.low, interval.high) == pytest.approx((-0.5, -0.5, -0.5))
    assert interval.verdict(6) == "better"


@pytest.mark.parametrize(
    ("low", "high", "cameras", "verdict"),
    [
        (-2.0, -0.1, 12, "better"),
        (0.1, 2.0, 12, "worse"),
        (-0.1, 2.0, 12, "cannot tell"),
        (0.0, 0.0, 12, "cannot tell"),
        (0.1, 2.0, 5, "worse"),
        (0.1, 2.0, 4, "cannot tell"),
        (0.1, 2.0, 1, "cannot tell"),
    ],
)
def test_a_verdict_takes_a_whole_interval_and_five_cameras(
    low: float, high: float, cameras: int, verdict: Verdict
) -> None:
    assert PairedInterval((low + high) / 2, low, high).verdict(cameras) == verdict


def test_the_same_seed_gives_the_same_interval() -> None:
    cameras = ["a", "b", "b", "c"] * 5
    first, again, other = (draw_weights(cameras, Resample(draws=50, seed=seed)) for seed in (7, 7, 8))

    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_few_cameras_are_said_to_be_few() -> None:
    assert "one camera" in str(remark(1))
    assert "too few to tell" in str(remark(4))
    assert "only 9 cameras" in str(remark(9))
    assert "12 cameras are few" in str(remark(12))
    assert remark(30) is None


def simulated(random: np.random.Generator, cameras: int, frames: int) -> NDArray[np.float64]:
    """Differences of a true mean of 0: cameras differ by 1, frames of a camera by 1. [camera x frame]."""
    return np.repeat(random.normal(size=cameras), frames) + random.normal(size=cameras * frames)


def test_the_interval_covers_nine_times_of_ten() -> None:
    """300 worlds of 40 cameras of 6 frames. Taking frames for independent would cover the truth in 3 of 5 of them."""
    random = np.random.default_rng(20170309)
    names = [f"camera{at // 6}" for at in range(240)]
    weights = draw_weights(names, Resample(draws=400))
    covered = []
    for _ in range(300):
        interval = paired_interval(simulated(random, 40, 6), weights)
        covered.append(interval.low <= 0 <= interval.high)

    assert 0.85 <= np.mean(covered) <= 0.96


def test_nothing_to_draw_from_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one frame"):
        draw_weights([], USUAL)
