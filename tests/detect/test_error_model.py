"""The interval of a count holds it, grows with it, and says nothing where nothing was measured."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from core.figures import CLASSES, SERIES, Gains
from core.records import Lighting
from core.root_scale import OFFSET
from detect.error_model import (
    Z_90,
    Calibration,
    Correction,
    ErrorModel,
    GroupError,
    LightErrors,
    ZoneErrors,
    group_counts,
    interval,
    known_errors,
)

PEOPLE = GroupError(gain=1.25, sqrt_error=0.5, frames=40, sites=5)
VEHICLES = GroupError(gain=0.8, sqrt_error=0.3, frames=40, sites=5)
MODEL = ErrorModel(sha256="0" * 64, day=LightErrors(people=PEOPLE, vehicles=VEHICLES))
OWN = GroupError(gain=1.5, sqrt_error=0.2, frames=12, sites=6)
STOP = GroupError(gain=3.0, sqrt_error=0.4, frames=12, sites=6)


def calibration(*, zones: tuple[ZoneErrors, ...] = (), **light: LightErrors) -> Calibration:
    made_at = datetime(2026, 3, 1, tzinfo=UTC)
    return Calibration(camera="06710", version=2, made_at=made_at, model="m@1", rows=12, zones=zones, **light)


@pytest.mark.parametrize("count", [0.0, 0.1, 1.0, 9.0, 100.0])
def test_known_limits(count: float) -> None:
    """Anscombe's scale, 1.645 standard errors either way."""
    low, high = interval(np.array([count]), 0.5)
    center, reach = np.sqrt(count + 3 / 8), 1.6448536 * 0.5
    assert low[0] == pytest.approx(max(0.0, max(0.0, center - reach) ** 2 - 3 / 8), abs=1e-6)
    assert high[0] == pytest.approx((center + reach) ** 2 - 3 / 8, abs=1e-6)


@given(count=st.floats(0, 1e4), more=st.floats(0, 1e3), error=st.floats(1e-3, 5))
def test_limits_hold_the_count_and_grow_with_it(count: float, more: float, error: float) -> None:
    low, high = interval(np.array([count, count + more]), error)
    assert 0 <= low[0] <= count <= high[0]
    assert low[0] <= low[1] + 1e-9
    assert high[0] <= high[1] + 1e-9


def test_the_truth_is_inside_in_nine_of_ten_whatever_the_count() -> None:
    """Errors that are normal on the square-root scale: from three objects to a crowd the same share is inside."""
    rng = np.random.default_rng(20170309)
    for truth in (3.0, 12.0, 80.0):
        counted = np.maximum(0.0, (np.sqrt(truth + OFFSET) + rng.normal(0, 0.4, 4000)) ** 2 - OFFSET)
        low, high = interval(counted, 0.4)
        assert ((low <= truth) & (truth <= high)).mean() == pytest.approx(0.90, abs=0.02)
    assert pytest.approx(1.645, abs=1e-3) == Z_90


def test_a_correction_holds_for_classes_and_sums_of_its_group() -> None:
    correction = known_errors(Lighting.DAY, MODEL, None)
    factor = dict(zip(SERIES, correction.factors().tolist(), strict=True))
    assert {factor[name] for name in ("pedestrian", "cyclist", "people")} == {1.25}
    assert {factor[name] for name in ("motorcycle", "car", "van", "truck", "bus", "vehicles")} == {0.8}
    assert correction.gain == Gains(people=1.25, vehicles=0.8)
    assert correction.calibration is None
    low, high = correction.interval(np.full((2, len(SERIES)), 9.0)) or (None, None)
    assert low is not None
    assert high is not None
    assert low.shape == (2, len(SERIES))
    assert high[0, SERIES.index("people")] > high[0, SERIES.index("vehicles")]


def test_where_nothing_was_measured_nothing_is_pretended() -> None:
    """A model without errors, and a light without errors, leave counts as they are and without interval."""
    for nothing in (known_errors(Lighting.DAY, None, None), known_errors(Lighting.NIGHT, MODEL, None)):
        assert nothing == Correction()
        assert nothing.gain is None
        assert set(nothing.factors()) == {1.0}
        assert nothing.interval(np.ones(len(SERIES))) is None
    half = known_errors(Lighting.DAY, None, calibration(day=LightErrors(people=OWN)))
    assert half.gain == Gains(people=1.5, vehicles=1.0)
    assert half.interval(np.ones(len(SERIES))) is None, "the error of vehicles is not known"


def test_a_cameras_own_calibration_speaks_before_the_model() -> None:
    """For the group and light that it speaks of; the model's errors stay for the rest. The name says whose it is."""
    by_day = known_errors(Lighting.DAY, MODEL, calibration(day=LightErrors(people=OWN)))
    assert (by_day.people, by_day.vehicles, by_day.calibration) == (OWN, VEHICLES, "06710/2")
    by_night = known_errors(Lighting.NIGHT, MODEL, calibration(day=LightErrors(people=OWN)))
    assert by_night == Correction()
    with pytest.raises(ValidationError, match="at least one group in one light"):
        calibration()


def test_what_is_said_of_a_zone_speaks_before_what_is_said_of_its_camera() -> None:
    """For the group and light that it speaks of; the camera's errors stay for its other group and for other zones."""
    shelter = ZoneErrors(zone="06710:stop", day=LightErrors(people=STOP))
    own = calibration(day=LightErrors(people=OWN, vehicles=VEHICLES), zones=(shelter,))
    at_stop, elsewhere = (known_errors(Lighting.DAY, None, own, zone) for zone in ("06710:stop", "06710:pavement"))
    assert (at_stop.people, at_stop.vehicles, at_stop.calibration) == (STOP, VEHICLES, "06710/2")
    assert (elsewhere.people, elsewhere.vehicles) == (OWN, VEHICLES)
    assert known_errors(Lighting.NIGHT, MODEL, own, "06710:stop") == Correction()


@pytest.mark.parametrize(("field", "value"), [("gain", 0.2), ("gain", 4.1), ("sqrt_error", 0.0), ("frames", 0)])
def test_an_impossible_error_is_refused(field: str, value: float) -> None:
    with pytest.raises(ValidationError, match=field):
        GroupError.model_validate(PEOPLE.model_dump() | {field: value})


def test_group_counts_are_sums_of_their_classes() -> None:
    assert group_counts(np.arange(len(CLASSES))) == (0 + 1, 2 + 3 + 4 + 5 + 6)
