"""The past of the synthetic street is as its clips are: the same cameras, levels, hours, waves and faults."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from core.records import CountObservation, Status
from ingest.street.past import MODEL, measured
from ingest.synthetic import SceneFault, SyntheticConfig, SyntheticStreet

START = datetime(2026, 3, 12, 6, tzinfo=UTC)
LOST = SceneFault.model_validate({
    "camera": "synthetic-02", "kind": "offline", "from": "2026-03-10T08:00:00Z", "to": "2026-03-10T12:00:00Z",
})  # fmt: skip


def config(**more: object) -> SyntheticConfig:
    return SyntheticConfig.model_validate({
        "cameras": 2, "seed": 7, "start": START, "cadence_s": 1800, "past_weeks": 1, "faults": (LOST,), **more,
    })  # fmt: skip


@pytest.fixture(scope="module")
def past() -> list[CountObservation]:
    return [one for day in SyntheticStreet(config()).past() for one in day]


def test_every_clip_of_the_weeks_before_is_there_once_for_each_zone(past: list[CountObservation]) -> None:
    street = SyntheticStreet(config())
    times = Counter((one.zone, one.event_time) for one in past)
    assert set(times.values()) == {1}
    zones = sum(len(camera.counted_zones) for camera in street.cameras)
    assert len(past) == 7 * 48 * zones
    assert {one.model for one in past} == {MODEL}
    assert min(one.event_time for one in past) == START - timedelta(weeks=1)
    # The clips go on where the past ends.
    after = {clip.camera: clip.event_time for clip in [*SyntheticStreet(config(days=0.02)).clips()]}
    for camera in street.cameras:
        last = max(one.event_time for one in past if one.camera == camera.id)
        assert after[camera.id] - last == timedelta(seconds=1800)


def test_days_are_in_order_and_of_all_cameras() -> None:
    days = list(SyntheticStreet(config()).past())
    assert len(days) == 7
    assert all({one.camera for one in day} == {"synthetic-01", "synthetic-02"} for day in days)
    assert all(max(a.event_time for a in one) < min(b.event_time for b in two) + timedelta(days=1)
               for one, two in pairwise(days))  # fmt: skip


def test_it_follows_from_the_seed(past: list[CountObservation]) -> None:
    assert [one for day in SyntheticStreet(config()).past() for one in day] == past
    other = [one for day in SyntheticStreet(config(seed=8)).past() for one in day]
    assert [one.present for one in other[:50]] != [one.present for one in past[:50]]


def test_faults_have_their_status_and_reason_and_no_figures(past: list[CountObservation]) -> None:
    lost = [one for one in past if one.camera == LOST.camera and LOST.start <= one.event_time < LOST.end]
    assert {one.status for one in lost} == {Status.OFFLINE}
    assert all(one.present is None and one.reason for one in lost)
    assert len(lost) == 8


def test_nights_are_quiet_and_counts_come_in_waves(past: list[CountObservation]) -> None:
    of = pd.DataFrame(
        {"hour": one.event_time.hour, "people": one.present.people}
        for one in past
        if one.present is not None and one.zone == "synthetic-02:view"
    )
    by_hour = of.groupby("hour")["people"].mean()
    assert by_hour.loc[2:4].mean() < 0.3 * by_hour.loc[16:18].mean()
    noon = of[of["hour"].between(10, 15)]["people"]
    assert noon.var() > 1.5 * noon.mean(), "more spread than Poisson's"


def test_what_a_zone_shows_grows_with_what_the_hour_expects() -> None:
    street = SyntheticStreet(config())
    camera, place = street.cameras[0], street._streets[0]
    rates = measured(camera, place, (7, 0))
    kinds = {zone.id.partition(":")[2]: row for row, zone in enumerate(camera.counted_zones)}
    pedestrian, car = rates.moving[:, 0], rates.moving[:, 3]
    assert pedestrian[kinds["pavement-left"]] > 5 * pedestrian[kinds["carriageway"]]
    assert car[kinds["carriageway"]] > 0
    assert car[kinds["pavement-left"]] == 0
    assert (rates.parked >= 0).all()
    assert np.isfinite(rates.moving).all()


def test_a_street_without_a_past_has_none() -> None:
    assert list(SyntheticStreet(SyntheticConfig()).past()) == []
