"""An error model fitted to simulated counters of known error finds that error, and its intervals hold elsewhere too."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.records import Lighting
from core.root_scale import OFFSET
from detect.error_fit import (
    GROUPS,
    LEAST_FRAMES,
    LEAST_SQRT_ERROR,
    Sample,
    ValidationCount,
    coverage_on_unseen_cameras,
    covered,
    fit_error_model,
    fit_group,
    sample_of,
    shared_part,
    shrunk_gain,
)
from detect.error_model import LEAST_GAIN, MOST_GAIN, GroupError


def town(
    seed: int, cameras: int, frames: int, *, factor: float, of_camera: float, of_frame: float, uncertain: float = 1.0
) -> list[ValidationCount]:
    """Counts that are `factor` times the truth, off by normal errors on the square-root scale: one a camera, one a
    frame. Frames are by day and by night in turns; the truth is Poisson about a mean of the camera."""
    rng = np.random.default_rng(seed)
    counts = []
    for camera in range(cameras):
        off, busy = rng.normal(0, of_camera), rng.gamma(2, 6)
        for frame in range(frames):
            row: dict[str, float | int] = {}
            for group in GROUPS:
                truth, far = int(rng.poisson(busy)), int(rng.poisson(uncertain))
                seen = np.sqrt(truth + far / 2 + OFFSET) + off + rng.normal(0, of_frame)
                row[group] = factor * max(0.0, max(0.0, seen) ** 2 - OFFSET)
                row[f"labelled_{group}"], row[f"uncertain_{group}"] = truth, far
            light = Lighting.NIGHT if frame % 2 else Lighting.DAY
            counts.append(
                ValidationCount.model_validate(
                    {"id": f"{camera}-{frame}", "camera": f"c{camera}", "lighting": light, **row}
                )
            )
    return counts


def sample(counted: list[float], least: list[float], most: list[float], sites: str) -> Sample:
    return Sample(np.array(counted), np.array(least), np.array(most), np.array(list(sites)))


@pytest.mark.parametrize(("factor", "of_camera", "of_frame"), [(0.7, 0.0, 0.5), (1.0, 0.3, 0.4), (1.3, 0.2, 0.6)])
def test_intervals_are_right_on_cameras_left_out(factor: float, of_camera: float, of_frame: float) -> None:
    """The acceptance of this part: 85 to 95 % of frames overall, whatever the bias and however the cameras differ."""
    counts = town(7, 8, 10, factor=factor, of_camera=of_camera, of_frame=of_frame)
    found = coverage_on_unseen_cameras(counts).values()
    assert sum(part.frames for part in found) == 2 * len(counts)
    assert 0.85 <= sum(part.covered for part in found) / (2 * len(counts)) <= 0.95
    assert all(part.labelled_covered <= part.covered for part in found)


def test_a_fitted_model_is_right_in_other_towns() -> None:
    """Not on the frames it was fitted on: on 60 new cameras of the same kind."""
    like = {"factor": 0.7, "of_camera": 0.2, "of_frame": 0.5}
    errors = fit_error_model("0" * 64, town(3, 12, 12, **like))
    others = town(4, 60, 4, **like)
    inside: list[bool] = []
    for lighting in Lighting:
        for group in GROUPS:
            error: GroupError | None = getattr(errors.at(lighting), group)
            assert error is not None
            assert error.gain == pytest.approx(1 / 0.7, rel=0.15)
            assert (error.frames, error.sites) == (72, 12)
            inside += [meets for meets, _ in covered(sample_of(others, group, lighting), error)]
    assert 0.85 <= np.mean(inside) <= 0.96


def test_a_bias_that_all_cameras_share_is_corrected_and_one_of_a_single_camera_is_not() -> None:
    truth = [10.0] * 12
    shared = sample([8.0, 8.1, 7.9, 8.0] * 3, truth, truth, "aaabbbcccddd")
    assert shrunk_gain(shared) == pytest.approx(1.25, rel=0.02)
    single = sample([5.0] * 3 + [10.0, 10.4, 9.6] * 3, truth, truth, "aaabbbcccddd")
    assert 1.0 <= shrunk_gain(single) < 1.08


def test_two_cameras_cannot_tell_a_shared_bias() -> None:
    truth = [10.0] * 12
    fitted = fit_group(sample([8.0] * 12, truth, truth, "aaaaaabbbbbb"))
    assert fitted is not None
    assert fitted.gain == 1.0
    seen = (np.sqrt(10.375) - np.sqrt(8.375)) / 1.6448536
    assert fitted.sqrt_error == pytest.approx(seen * np.sqrt(1 + 1 / 2), abs=1e-3), "for a third camera"


def test_inside_labelled_and_uncertain_there_is_no_error() -> None:
    """Whatever the count says between the two, nobody knows better: no gain, and the least error that labels have."""
    fitted = fit_group(sample([6.0, 8.0, 9.5] * 4, [5.0] * 12, [10.0] * 12, "aaabbbcccddd"))
    assert fitted is not None
    assert (fitted.gain, fitted.sqrt_error) == (1.0, LEAST_SQRT_ERROR)


def test_too_few_frames_or_a_single_camera_say_nothing() -> None:
    few = LEAST_FRAMES - 1
    assert fit_group(sample([1.0] * few, [1.0] * few, [1.0] * few, "ab" * (few // 2) + "a")) is None
    assert fit_group(sample([1.0] * 20, [1.0] * 20, [1.0] * 20, "a" * 20)) is None
    by_day = [count for count in town(1, 5, 8, factor=1, of_camera=0, of_frame=0.3) if count.lighting is Lighting.DAY]
    errors = fit_error_model("0" * 64, by_day)
    assert errors.night is None
    assert errors.day is not None
    assert coverage_on_unseen_cameras(by_day)[Lighting.NIGHT, "people"].share is None


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0, 50), st.integers(0, 40), st.integers(0, 10), st.sampled_from("abcd")),
        min_size=1,
        max_size=25,
    )
)
def test_a_gain_is_sane_and_never_worsens_the_summed_error(rows: list[tuple[float, int, int, str]]) -> None:
    """For any counts: within its limits, and between no correction and a full one."""
    counted, least, more, sites = zip(*rows, strict=True)
    given_rows = sample(list(counted), list(least), [low + far for low, far in zip(least, more, strict=True)], sites)
    gain = shrunk_gain(given_rows)
    assert LEAST_GAIN <= gain <= MOST_GAIN

    def bias(factor: float) -> float:
        corrected = factor * given_rows.counted
        return abs(float((corrected - np.clip(corrected, given_rows.least, given_rows.most)).sum()))

    assert bias(gain) <= bias(1.0) + 1e-6


def test_the_order_of_frames_does_not_matter() -> None:
    counts = town(5, 6, 6, factor=0.8, of_camera=0.2, of_frame=0.4)
    assert fit_error_model("0" * 64, counts[::-1]) == fit_error_model("0" * 64, counts)


@pytest.mark.parametrize(("of_camera", "of_frame", "part"), [(0.6, 0.2, 0.95), (0.4, 0.4, 0.71), (0.0, 0.6, 0.2)])
def test_what_the_frames_of_a_camera_share_is_told_from_what_each_errs_by(
    of_camera: float, of_frame: float, part: float
) -> None:
    """The root of the variance between cameras over the whole, with many cameras."""
    counts = town(3, 60, 12, factor=1.0, of_camera=of_camera, of_frame=of_frame, uncertain=0.0)
    assert shared_part(sample_of(counts, "vehicles", Lighting.DAY), 1.0) == pytest.approx(part, abs=0.08)


def test_a_gain_that_is_left_over_is_shared_by_all_frames() -> None:
    """All sites are off by the same: nothing lies between them, and it averages out nowhere."""
    off = sample([18.0, 18.1, 17.9, 18.0] * 10, [9.0] * 40, [9.0] * 40, "abcdefghij" * 4)
    assert shared_part(off, 1.0) > 0.9


def test_of_few_sites_half_is_taken_to_be_shared() -> None:
    alone = sample([4.0, 9.0, 16.0], [9.0] * 3, [9.0] * 3, "abc")
    assert shared_part(alone, 1.0) == pytest.approx(np.sqrt(0.5))
