"""Counts by hand meet the clip they speak of; figures are known answers; a calibration is what they say, and kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from manual_street import MODEL, MORNING, STREET, observed

from busyness.validation.calibrations import Calibrations
from busyness.validation.figures import LEAST_HOURS, calibration, figures, fit, fit_zones, moments
from busyness.validation.manual_counts import ManualCount
from busyness.validation.matching import LeftOut, Pair, match
from core.errors import NotFound, SourceError, StoreError
from core.figures import Gains
from core.records import CountObservation, Lighting, Status
from core.shelf_folder import FolderShelf
from detect.error_fit import LEAST_FRAMES
from detect.error_model import Calibration, GroupError, LightErrors


def by_hand(
    minutes: float, count: float, series: str = "people", *, zone: str = "pavement", line: int = 2
) -> ManualCount:
    return ManualCount(line, MORNING + timedelta(minutes=minutes), zone, series, count)


def matched(
    rows: Sequence[ManualCount], observations: Sequence[CountObservation]
) -> tuple[tuple[Pair, ...], tuple[LeftOut, ...]]:
    def stored(zone: str, start: datetime, end: datetime) -> list[CountObservation]:
        return [one for one in observations if one.zone == zone and start <= one.event_time < end]

    return match(rows, STREET, stored, MODEL)


def told(left_out: Sequence[LeftOut]) -> dict[int, str]:
    return {one.line: one.reason for one in left_out}


def test_a_row_belongs_to_the_clip_that_covers_it_else_to_the_nearest() -> None:
    """
    8:00      8:10      8:20        clips of ten seconds, every ten minutes
    |  a   b  |c   d    |  e
    """
    clips = [observed(0), observed(10), observed(20)]
    rows = [
        by_hand(minutes, 1, line=line, series=series)
        for line, (minutes, series) in enumerate(
            [(4, "people"), (6, "people"), (10.1, "car"), (15.1, "bus"), (25.2, "people")], start=2
        )
    ]
    pairs, left_out = matched(rows, clips)
    assert {pair.manual.line: (pair.observation.event_time - MORNING).seconds / 60 for pair in pairs} == {
        2: 0, 3: 10, 4: 10, 5: 20,
    }  # fmt: skip
    assert told(left_out) == {6: "no clip within 300 s"}


def test_what_was_not_counted_or_by_another_model_is_left_out_with_the_reason() -> None:
    clips = [observed(0, status=Status.PLACEHOLDER), observed(10, model="old@1"), observed(20, people=0)]
    pairs, left_out = matched([by_hand(at, 1, line=2 + at // 10) for at in (0, 10, 20)], clips)
    assert [pair.manual.line for pair in pairs] == [4]
    assert told(left_out) == {
        2: "its clip was not counted: the picture is placeholder",
        3: "its clip was counted by old@1: replay it",
    }


def test_the_newest_count_of_a_clip_and_the_nearest_row_speak() -> None:
    older = observed(10, pedestrian=1, model="old@1", counted_s=999)
    (pair,), left_out = matched(
        [by_hand(6, 5, line=2), by_hand(9, 7, line=3), by_hand(14, 6, line=4)], [observed(10, pedestrian=4), older]
    )
    assert (pair.manual.count, pair.present) == (7, 4)
    assert told(left_out) == dict.fromkeys((2, 4), "another line is nearer to the same clip")


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-20, 200), st.sampled_from(["people", "car"])), unique=True, min_size=1, max_size=30)
)
def test_every_row_is_paired_once_or_left_out_with_a_reason(asked: list[tuple[int, str]]) -> None:
    """For any times: no row is lost, no clip is compared twice with one class, in whatever order they come."""
    clips = [observed(at) for at in range(0, 180, 10)]
    rows = [by_hand(minutes, 1, series, line=line) for line, (minutes, series) in enumerate(asked, start=2)]
    pairs, left_out = matched(rows, clips)
    assert sorted([pair.manual.line for pair in pairs] + [one.line for one in left_out]) == [row.line for row in rows]
    assert len({(pair.observation.id, pair.manual.series) for pair in pairs}) == len(pairs)
    again, _ = matched(rows[::-1], clips)
    assert {(pair.observation.id, pair.manual.series) for pair in again} == {
        (pair.observation.id, pair.manual.series) for pair in pairs
    }


def test_figures_are_known_answers() -> None:
    """Counted 4, 6, 8 where 5, 5, 5 stood there: off by -1, 1, 3."""
    clips = [observed(at, pedestrian=n) for at, n in ((0, 4), (10, 6), (20, 8))]
    pairs, _ = matched([by_hand(at, 5, line=2 + at) for at in (0, 10, 20)], clips)
    (found,) = figures(pairs, STREET, {})
    assert (found.zone, found.series, found.n, found.manual_mean) == ("pavement", "people", 3, 5)
    assert (found.before.mae, found.before.bias) == pytest.approx((5 / 3, 1), abs=1e-3)
    assert found.before.rmse == pytest.approx(np.sqrt(11 / 3), abs=1e-3)
    assert (found.before.with_interval, found.after) == (0, None)


def day(factor: float, hours: int = 6, **more: Gains) -> tuple[tuple[Pair, ...], list[CountObservation]]:
    """Six clips an hour with 10 to 21 people and 5 to 9 cars, of which the model sees `factor`; counted by hand."""
    clips, rows = [], []
    for step in range(6 * hours):
        people, cars = 10 + step % 12, 5 + step % 5
        clips.append(observed(step * 10, pedestrian=factor * people, car=factor * cars, **more))
        rows += [by_hand(step * 10, people, line=2 + 2 * step), by_hand(step * 10, cars, "car", line=3 + 2 * step)]
    pairs, _ = matched(rows, clips)
    return pairs, clips


def test_a_shared_bias_is_found_and_mends_the_figures() -> None:
    """The model sees 0.8 of everyone: gain 1.25; cars alone are not all vehicles, so they are measured, not fitted."""
    pairs, _ = day(0.8)
    fitted, refused = fit(moments(pairs, STREET))
    assert set(fitted) == {(Lighting.DAY, "people")}
    assert refused == {}
    assert fitted[Lighting.DAY, "people"].error.gain == pytest.approx(1.25, rel=1e-3)
    cars, people = figures(pairs, STREET, fitted)
    assert (cars.series, cars.after) == ("car", None)
    assert people.before.bias < -2
    assert people.after is not None
    assert abs(people.after.bias) < 0.01
    assert people.after.inside == people.after.with_interval == 36


def test_zones_that_are_off_in_opposite_directions_are_mended_apart() -> None:
    """Half of those on the pavement are hidden, and on the road everyone is counted twice: together 20 of 20."""
    clips, rows = [], []
    for step in range(36):
        people = 10 + step % 12
        for line, (zone, factor) in enumerate((("pavement", 0.5), ("road", 1.5)), start=2 + 2 * step):
            clips.append(observed(step * 10, zone=zone, pedestrian=factor * people))
            rows.append(by_hand(step * 10, people, zone=zone, line=line))
    pairs, _ = matched(rows, clips)
    found = moments(pairs, STREET)
    (fitted, _), of_zones = fit(found), fit_zones(found)
    assert fitted[Lighting.DAY, "people"].error.gain == pytest.approx(1, abs=0.02)
    gain = {zone: ours[Lighting.DAY, "people"].error.gain for zone, ours in of_zones.items()}
    assert gain == {"pavement": pytest.approx(2, rel=1e-3), "road": pytest.approx(1 / 1.5, rel=1e-3)}
    together, apart = (figures(pairs, STREET, fitted, zones) for zones in ({}, of_zones))
    assert all(one.after is not None and one.after.mae > 4 for one in together)
    assert all(one.after is not None and one.after.mae < 0.1 for one in apart)
    made = {"camera": "00001", "version": 1, "made_at": MORNING, "model": MODEL, "rows": 72}
    kept = calibration(fitted, of_zones, **made)  # type: ignore[arg-type]
    assert kept is not None
    assert [one.zone for one in kept.zones] == ["pavement", "road"]
    assert Calibration.model_validate_json(kept.model_dump_json()) == kept


def test_of_a_camera_with_one_zone_nothing_is_said_of_the_zone_beside_what_is_said_of_the_camera() -> None:
    assert fit_zones(moments(day(0.8)[0], STREET)) == {}
    assert fit_zones(()) == {}


def test_what_was_corrected_before_is_calibrated_anew_from_what_was_counted() -> None:
    """A second calibration does not build on the first: figures are stored with the gain they were given."""
    plain, _ = day(0.8)
    corrected, _ = day(0.8 * 1.2, gain=Gains(people=1.2, vehicles=1.2))
    first, second = (fit(moments(pairs, STREET))[0][Lighting.DAY, "people"].error for pairs in (plain, corrected))
    assert second.gain == pytest.approx(first.gain)


def test_a_group_is_its_sum_or_all_of_its_classes_and_they_agree() -> None:
    clip = [observed(0, pedestrian=4, cyclist=2)]
    classes = [by_hand(0, 5, "pedestrian", line=2), by_hand(0, 1, "cyclist", line=3)]
    (found,) = moments(matched(classes, clip)[0], STREET)
    assert (found.group, found.counted, found.manual, found.hour) == ("people", 6, 6, "2017-03-09T08")
    assert moments(matched(classes[:1], clip)[0], STREET) == ()
    whole = by_hand(0, 6, "people", line=4)
    assert moments(matched([*classes, whole], clip)[0], STREET) == (found,)
    for wrong in (by_hand(0, 5, "people", line=4), by_hand(0, 7, "people", line=4)):
        with pytest.raises(
            SourceError, match=r"line 4 of the counts: \d people, but its classes add up to 6 \(line 2, l"
        ):
            moments(matched([*classes, wrong], clip)[0], STREET)


def test_too_few_clips_or_hours_are_refused_with_what_is_needed() -> None:
    few, _ = day(0.8, hours=LEAST_HOURS - 1)
    fitted, refused = fit(moments(few, STREET))
    assert fitted == {}
    assert refused[Lighting.DAY, "people"] == (
        f"{6 * (LEAST_HOURS - 1)} clips in {LEAST_HOURS - 1} hours, needs {LEAST_FRAMES} in {LEAST_HOURS}"
    )
    made = {"camera": "00001", "version": 1, "made_at": MORNING, "model": MODEL, "rows": 1}
    assert calibration(fitted, **made) is None  # type: ignore[arg-type]


def test_clips_of_unknown_light_are_measured_and_not_fitted() -> None:
    """As they were stored before light was measured."""
    clips = [observed(0, pedestrian=4, lighting=None)]
    pairs, _ = matched([by_hand(0, 5)], clips)
    assert moments(pairs, STREET) == ()
    assert figures(pairs, STREET, {})[0].before.bias == -1


def version(number: int, model: str = MODEL, camera: str = "00001") -> Calibration:
    error = GroupError(gain=1 + number / 10, sqrt_error=0.4, frames=12, sites=4)
    return Calibration(
        camera=camera, version=number, made_at=MORNING, model=model, rows=12, day=LightErrors(people=error)
    )


def test_calibrations_are_kept_in_versions_and_the_newest_of_the_model_is_used(tmp_path: Path) -> None:
    kept = Calibrations(FolderShelf(tmp_path / "london.calibrations"))
    assert kept.versions("00001") == ()
    for one in (version(1), version(2), version(3, model="other@1")):
        kept.add(one)
    again = Calibrations(FolderShelf(tmp_path / "london.calibrations"))
    assert again.versions("00001") == (version(1), version(2), version(3, model="other@1"))
    assert again.current("00001", MODEL) == version(2)
    assert again.current("00001", "unknown@1") is None
    assert again.current_of(["00001", "00002"], "other@1") == {"00001": version(3, model="other@1")}
    assert [path.name for path in (tmp_path / "london.calibrations").glob("*.json")] == ["00001.json"]


def test_a_dropped_version_stays_on_record_and_the_one_before_is_used(tmp_path: Path) -> None:
    kept = Calibrations(FolderShelf(tmp_path))
    for one in (version(1), version(2)):
        kept.add(one)
    assert kept.drop("00001", 2, MORNING).dropped_at == MORNING
    assert kept.current("00001", MODEL) == version(1)
    assert [one.dropped_at for one in kept.versions("00001")] == [None, MORNING]
    kept.add(version(3))
    assert kept.current("00001", MODEL) == version(3), "a number is never used twice"
    for unknown in (2, 9):
        with pytest.raises(NotFound, match=rf"no calibration {unknown} in use.*1, 3"):
            kept.drop("00001", unknown, MORNING)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "malformed"),
        ('{"camera": "00001", "versions": [], "pixels": 1}', "malformed at pixels"),
        ('{"camera": "00002"}', "are those of camera 00002"),
    ],
)
def test_a_calibration_file_that_was_spoiled_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "00001.json").write_text(content)
    with pytest.raises(StoreError, match=message):
        Calibrations(FolderShelf(tmp_path)).current("00001", MODEL)


def test_a_gap_in_the_versions_is_refused(tmp_path: Path) -> None:
    Calibrations(FolderShelf(tmp_path)).add(version(1))
    path = tmp_path / "00001.json"
    path.write_text(path.read_text().replace('"version": 1', '"version": 2'))
    with pytest.raises(StoreError, match="without a gap"):
        Calibrations(FolderShelf(tmp_path)).versions("00001")
