"""Records are closed and frozen, a missing figure is null with a reason, and ids make a repeat the same row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from core.figures import CLASSES, PEOPLE, SERIES, VEHICLES, Figures, Gains
from core.records import (
    REASON_LENGTH,
    Camera,
    ClipFault,
    ClipReady,
    CountObservation,
    Reading,
    Status,
    TrustState,
    Window,
    Zone,
    observation_id,
)

TIME = datetime(2017, 3, 9, 8, tzinfo=UTC)
FIGURES = Figures.of([1.0] * len(SERIES))


def observation(**changes: Any) -> CountObservation:
    values: dict[str, Any] = {
        "id": observation_id("06710", "06710:view", TIME, "m@1"),
        "camera": "06710",
        "zone": "06710:view",
        "event_time": TIME,
        "duration_s": 10.0,
        "status": Status.OK,
        "frames": 5,
        "present": FIGURES,
        "peak": FIGURES,
        "spread": FIGURES,
        "stationary": FIGURES,
        "model": "m@1",
        "counted_at": TIME,
    }
    return CountObservation(**{**values, **changes})


def test_people_and_vehicles_share_out_the_classes() -> None:
    assert (*PEOPLE, *VEHICLES) == CLASSES


@pytest.mark.parametrize("record", [ClipReady, CountObservation, Reading, Camera, Zone, Figures])
def test_every_record_refuses_unknown_fields(record: Any) -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        record(pixels=b"\x00\x01")


def test_a_record_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        observation().frames = 9


def test_a_count_without_a_picture_is_null_with_a_reason_never_zero() -> None:
    nothing = {"present": None, "peak": None, "spread": None, "stationary": None, "frames": 0}
    with pytest.raises(ValidationError, match="needs a reason"):
        observation(status=Status.SMEARED, **nothing)
    with pytest.raises(ValidationError, match="null, never zero"):
        observation(status=Status.SMEARED, reason="rows repeat")
    with pytest.raises(ValidationError, match="carries"):
        observation(present=None)
    assert observation(status=Status.SMEARED, reason="rows repeat", **nothing).present is None


def test_an_interval_has_both_ends_and_holds_the_count() -> None:
    low, high = Figures.of([0.5] * len(SERIES)), Figures.of([2.0] * len(SERIES))
    assert observation(low=low, high=high, gain=Gains(people=1.1), calibration="06710/2").gain == Gains(people=1.1)
    with pytest.raises(ValidationError, match="both ends or none"):
        observation(low=low)
    with pytest.raises(ValidationError, match="does not hold the number present"):
        observation(low=high, high=high)
    nothing = {"present": None, "peak": None, "spread": None, "stationary": None, "reason": "rows repeat"}
    with pytest.raises(ValidationError, match="null, never zero"):
        observation(status=Status.SMEARED, **nothing, gain=Gains())


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_a_figure_is_a_finite_number_not_below_zero(value: float) -> None:
    with pytest.raises(ValidationError):
        Figures.of([value] * len(SERIES))


def test_the_id_is_the_hash_of_camera_zone_time_and_model() -> None:
    assert observation().id == observation().id
    assert observation_id("a", "b:c", TIME, "m") != observation_id("a:b", "c", TIME, "m")
    with pytest.raises(ValidationError, match="the id of an observation is the hash"):
        observation(model="other@2")


def test_times_are_utc_and_say_so() -> None:
    with pytest.raises(ValidationError, match="a time needs an offset"):
        ClipReady(camera="a", event_time=TIME.replace(tzinfo=None), location="x.mp4")
    with pytest.raises(ValidationError, match="times are kept in UTC"):
        ClipReady(camera="a", event_time=TIME.astimezone(timezone(timedelta(hours=1))), location="x.mp4")


def test_a_zone_outside_the_picture_is_named() -> None:
    zone = Zone(id="kerb", name="kerb", polygon=((0, 0), (400, 0), (0, 100)))
    with pytest.raises(ValidationError, match=r"zone 'kerb' of camera a has the point \(400, 0\) outside its 352x288"):
        Camera(id="a", name="a", lat=51.5, lon=0, zones=(zone,))


def test_a_camera_needs_a_position() -> None:
    with pytest.raises(ValidationError, match="lat"):
        Camera(id="a", name="a", lon=0)  # type: ignore[call-arg]
    with pytest.raises(ValidationError, match="unknown IANA time zone"):
        Camera(id="a", name="a", lat=51.5, lon=0, timezone="London")


def test_a_camera_without_zones_counts_its_whole_view() -> None:
    (zone,) = Camera(id="06710", name="A4", lat=51.5, lon=0).counted_zones
    assert zone.id == "06710:view"
    assert zone.polygon is None


def test_a_reading_is_missing_exactly_when_its_figures_are_null() -> None:
    values: dict[str, Any] = {
        "zone": "z",
        "camera": "a",
        "series": "people",
        "window": Window.QUARTER,
        "start": TIME,
        "end": TIME + timedelta(minutes=15),
        "mean": None,
        "low": None,
        "high": None,
        "peak": None,
        "stationary_share": None,
        "coverage": 0.0,
        "clips_counted": 0,
        "clips_expected": 3,
        "state": TrustState.MISSING,
        "reason": "no clip received",
        "revision": 1,
        "derived_at": TIME,
    }
    assert Reading(**values).mean is None
    with pytest.raises(ValidationError, match="a missing reading has null figures"):
        Reading(**{**values, "mean": 0.0, "low": 0.0, "high": 0.0})
    with pytest.raises(ValidationError, match="needs a reason"):
        Reading(**{**values, "reason": None})
    with pytest.raises(ValidationError, match="unknown series"):
        Reading(**{**values, "series": "faces"})


def test_a_reason_of_any_length_makes_a_fault_and_ok_makes_none() -> None:
    assert ClipFault.of(Status.UNREACHABLE, "x" * 10_000).reason == "x" * REASON_LENGTH
    assert ClipFault.of(Status.UNREACHABLE, "gone").reason == "gone"
    with pytest.raises(ValidationError):
        ClipFault.of(Status.OK, "well")


def test_a_count_that_no_camera_can_see_is_refused() -> None:
    with pytest.raises(ValidationError, match="less than or equal to 10000"):
        Figures.of([10_000.5, *[0.0] * 8])
    assert Figures.of([10_000, *[0.0] * 8]).pedestrian == 10_000
