"""Standing still is found from what stays in the density map, without following anyone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.figures import CLASSES
from detect.stationary import LEAST_SPAN_S, stationary_density

PEDESTRIAN, CAR, VAN = (CLASSES.index(name) for name in ("pedestrian", "car", "van"))
ROWS, COLUMNS = 72, 88
SPAN_S = 9.0


def maps(frames: int) -> np.ndarray:
    return np.zeros((frames, len(CLASSES), ROWS, COLUMNS), dtype=np.float32)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(2, 12))
def test_a_map_that_does_not_change_is_all_stationary(seed: int, frames: int) -> None:
    """Cell by cell, so also in any zone."""
    still = np.random.default_rng(seed).random((len(CLASSES), ROWS, COLUMNS), dtype=np.float32)
    found = stationary_density(np.repeat(still[np.newaxis], frames, axis=0), SPAN_S)

    np.testing.assert_allclose(found, still, rtol=1e-4)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(2, 12))
def test_never_more_stands_than_is_present(seed: int, frames: int) -> None:
    density = np.random.default_rng(seed).exponential(0.01, (frames, len(CLASSES), ROWS, COLUMNS)).astype(np.float32)
    found = stationary_density(density, SPAN_S)

    assert found is not None
    assert (found >= 0).all()
    assert (found <= density.mean(axis=0)).all()


@pytest.mark.parametrize("frames", [2, 4, 8, 12])
def test_what_moves_does_not_stand(frames: int) -> None:
    """A walker who crosses six cells (24 px) between frames leaves nothing behind."""
    density = maps(frames)
    for frame in range(frames):
        density[frame, PEDESTRIAN, 40, 5 + 6 * frame] = 1
    found = stationary_density(density, SPAN_S)

    assert found is not None
    assert found.sum() < 0.05


def test_a_parked_car_stands_beside_one_that_passes() -> None:
    density = maps(8)
    density[:, CAR, 20, 20] = 1
    for frame in range(8):
        density[frame, CAR, 50, 4 + 10 * frame] = 1
    found = stationary_density(density, SPAN_S)

    assert found is not None
    assert found[CAR].sum() == pytest.approx(1, abs=0.05)


def test_jitter_of_a_cell_is_hardly_movement() -> None:
    """As wide as a network draws a car, two cells by two, now a cell further, now not."""
    density = maps(8)
    rng = np.random.default_rng(7)
    for frame in range(8):
        row, column = 30 + rng.integers(0, 2), 40 + rng.integers(0, 2)
        density[frame, CAR, row : row + 2, column : column + 2] = 0.25
    found = stationary_density(density, SPAN_S)

    assert found is not None
    assert found.sum() > 0.7


def test_a_car_missed_in_one_frame_of_eight_stands_for_the_most_part() -> None:
    density = maps(8)
    density[:, CAR, 30, 40] = 1
    density[3] = 0
    found = stationary_density(density, SPAN_S)

    assert found is not None
    assert found.sum() > 0.5 * density.mean(axis=0).sum()


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(2, 12))
def test_time_may_run_backwards(seed: int, frames: int) -> None:
    """Who stood still stood still, whichever end the clip is watched from."""
    density = np.random.default_rng(seed).exponential(0.01, (frames, len(CLASSES), ROWS, COLUMNS)).astype(np.float32)

    np.testing.assert_allclose(
        stationary_density(density, SPAN_S), stationary_density(density[::-1], SPAN_S), rtol=1e-4, atol=1e-7
    )


def test_a_pavement_of_walkers_is_not_a_crowd_that_stands() -> None:
    """Forty walk in a strip of eight rows: where one left, another comes, yet few places are taken in every frame."""
    rng = np.random.default_rng(11)
    walking, standing = maps(6), maps(6)
    for frame in range(6):
        for row, column in zip(rng.integers(30, 38, 40), rng.integers(0, COLUMNS, 40), strict=True):
            walking[frame, PEDESTRIAN, row, column] += 1
    standing[:] = walking[0]
    found, all_of_them = stationary_density(walking, SPAN_S), stationary_density(standing, SPAN_S)

    assert found is not None
    assert all_of_them is not None
    assert found.sum() < 0.1 * 40
    assert all_of_them.sum() == pytest.approx(40, rel=1e-4)


def test_a_queue_that_creeps_stands_less_than_one_that_waits() -> None:
    """Eight cars, five cells from bumper to bumper, that move up by one and a half lengths within the clip."""
    creeping = maps(6)
    for frame in range(6):
        for car in range(8):
            creeping[frame, CAR, 30:32, 5 * car + frame : 5 * car + frame + 3] += 1 / 6
    found = stationary_density(creeping, SPAN_S)

    assert found is not None
    assert found.sum() < 0.5 * creeping[0].sum()


def test_a_change_of_class_within_vehicles_is_not_movement() -> None:
    """Every second frame calls the same vehicle a van: half a car and half a van stand there."""
    density = maps(8)
    density[::2, CAR, 30, 40] = 1
    density[1::2, VAN, 30, 40] = 1
    found = stationary_density(density, SPAN_S)

    assert found is not None
    assert (found[CAR].sum(), found[VAN].sum()) == (pytest.approx(0.5), pytest.approx(0.5))


def test_a_person_taking_a_cars_place_does_not_make_it_stand() -> None:
    density = maps(2)
    density[0, CAR, 30, 40] = 1
    density[1, PEDESTRIAN, 30, 40] = 1
    found = stationary_density(density, SPAN_S)

    assert found is not None
    assert found.sum() == 0


def test_an_empty_street_has_nobody_standing() -> None:
    found = stationary_density(maps(4), SPAN_S)

    assert found is not None
    assert found.sum() == 0


@pytest.mark.parametrize(("frames", "span_s"), [(1, 0.0), (8, LEAST_SPAN_S / 2)])
def test_a_still_or_a_moment_cannot_tell(frames: int, span_s: float) -> None:
    assert stationary_density(maps(frames), span_s) is None
