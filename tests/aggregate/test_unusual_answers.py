"""Hotspots, anomalies, priorities and changes of a city in which it is known what happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from unusual_city import CLOSED, DIRTY, EVENT, GONE, LEVEL, NEW, NOW, SATURDAYS, city, one_level

from aggregate import usual_answers
from aggregate.anomaly_answers import ANOMALY_COLUMNS
from aggregate.change_answers import CHANGE_COLUMNS
from aggregate.hotspot_answers import HOTSPOT_COLUMNS
from aggregate.priority_answers import PRIORITY_COLUMNS
from aggregate.unusual.verdicts import Places
from aggregate.unusual_answers import UnusualAnswers
from aggregate.usual.calendar import Calendar
from aggregate.usual_answers import UsualAnswers
from core.errors import QueryError
from core.health import CameraState, HealthEvent
from core.records import Window

PEOPLE = ("people",)


@pytest.fixture(scope="module")
def asked():
    """(answers, zones) of the city; what is usual is one level, so that the fit is not what is tested."""
    store, zones = city()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(usual_answers, "expect", one_level)
        yield UnusualAnswers(store, UsualAnswers(store, Calendar.plain()), lambda: NOW), zones


def by_camera(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.set_index("camera")


@pytest.fixture(scope="module")
def hotspots(asked):
    answers, zones = asked
    return answers.hotspots(zones, PEOPLE, window=Window.HOUR)


def test_the_newest_window_that_is_over_is_answered_with_every_place_in_it(hotspots):
    assert (hotspots.start, hotspots.end) == (NOW.replace(hour=17, second=0), NOW.replace(second=0))
    assert tuple(hotspots.frame.columns) == HOTSPOT_COLUMNS
    assert len(hotspots.frame) == 12
    assert hotspots.frame["q_value"].dropna().is_monotonic_increasing


def test_the_event_is_found_where_it_is_and_since_when(hotspots):
    row = by_camera(hotspots.frame).loc[EVENT]
    assert row["verdict"] == "too_busy"
    assert row["confidence"] >= 0.9
    assert row["since"] == pd.Timestamp("2017-04-21T15:00Z")
    assert row["windows"] == 3
    assert 1.5 < row["index_low"] < row["index"] < row["index_high"] < 4
    assert row["baseline"] == LEVEL
    assert set(hotspots.frame.query("verdict == 'too_busy'")["camera"]) <= {"c1", "c5", "c6", "c9"}


def test_what_cannot_be_judged_is_unknown_with_the_reason_and_comes_last(hotspots):
    rows = by_camera(hotspots.frame)
    assert set(hotspots.frame["camera"].iloc[-2:]) == {GONE, NEW}
    assert rows.loc[GONE, ["verdict", "state", "reason"]].tolist() == ["unknown", "missing", "no clip received"]
    assert rows.loc[NEW, "state"] == "insufficient_history"
    assert rows.loc[NEW, "reason"] == "16 hours of its own past, 3 weeks are needed"
    assert np.isfinite(rows.loc[NEW, "mean"])
    unknown = rows.loc[[GONE, NEW], ["index", "exceedance", "gi_z", "p_value", "q_value", "confidence", "since"]]
    assert unknown.isna().all(axis=None)


def test_how_much_was_looked_at_is_said(hotspots):
    (looked,) = hotspots.looked
    assert (looked["places"], looked["known"], looked["too_quiet"]) == (12, 10, 0)
    assert "2 more cannot be judged" in looked["words"]
    assert looked["index_low"] < looked["index"] < looked["index_high"]


def test_hexagons_hold_the_sum_of_their_zones_and_an_outline(asked):
    answers, zones = asked
    found = answers.hotspots(zones, PEOPLE, window=Window.HOUR, places=Places.CELLS, resolution=7)
    known = found.frame[found.frame["exceedance"].notna()]
    assert set(found.frame["cell"]) == set(found.outlines)
    assert found.frame["zone"].isna().all()
    each = answers.hotspots(zones, PEOPLE, window=Window.HOUR).frame.set_index("zone")
    for row in known.itertuples():
        assert row.mean == pytest.approx(each.loc[row.zones, "mean"].sum())
        assert row.baseline == pytest.approx(LEVEL * len(row.zones), rel=0.02)
    assert known["zones"].map(len).max() > 1
    partly = found.frame[found.frame["reason"].fillna("").str.contains("not in it")]
    assert partly["reason"].str.contains("no clip received|of its own past").all()


def test_a_window_of_the_past_is_answered_as_it_was(asked):
    answers, zones = asked
    at = datetime(2017, 4, 20, 3, 20, tzinfo=UTC)
    found = answers.hotspots(zones, PEOPLE, at=at)
    assert (found.start, found.end) == (at.replace(minute=15), at.replace(minute=30))
    assert found.frame["coverage"].max() == 1.0
    assert (found.frame["verdict"] == "usual").sum() >= 9


def test_several_classes_are_rows_of_their_own(asked):
    answers, zones = asked
    found = answers.hotspots(zones, ("people", "vehicles"), window=Window.HOUR)
    assert found.frame["class"].value_counts().to_dict() == {"people": 12, "vehicles": 12}
    assert [one["class"] for one in found.looked] == ["people", "vehicles"]


@pytest.mark.parametrize("places", Places)
def test_no_zones_are_no_rows(asked, places):
    answers, _ = asked
    found = answers.hotspots([], PEOPLE, places=places)
    assert found.frame.empty
    assert tuple(found.frame.columns) == HOTSPOT_COLUMNS
    assert found.looked[0]["known"] == 0
    assert answers.priorities([], PEOPLE).frame.empty
    assert answers.changes([], PEOPLE).frame.empty
    assert answers.anomalies([], PEOPLE).frame["state"].tolist() == ["none"]


def test_what_has_not_begun_and_other_widths_are_refused(asked):
    answers, zones = asked
    with pytest.raises(QueryError, match="after the present"):
        answers.hotspots(zones, PEOPLE, at=NOW + timedelta(minutes=1))
    with pytest.raises(QueryError, match="windows of 1d"):
        answers.hotspots(zones, PEOPLE, window=Window.DAY)
    with pytest.raises(QueryError, match="hours is 13"):
        answers.anomalies(zones, PEOPLE, hours=13)
    with pytest.raises(QueryError, match="more than 92 days"):
        answers.priorities(zones, PEOPLE, start=NOW - timedelta(days=93))


@pytest.fixture(scope="module")
def anomalies(asked):
    answers, zones = asked
    return answers.anomalies(zones, PEOPLE, hours=3)


def test_the_region_of_the_event_is_found_since_when_how_much_and_how_surely(anomalies):
    assert tuple(anomalies.frame.columns) == ANOMALY_COLUMNS
    first = anomalies.frame.iloc[0]
    assert first["direction"] == "too_busy"
    assert f"{EVENT}:pavement" in first["zones"]
    assert abs(first["since"] - pd.Timestamp("2017-04-21T15:00Z")) <= pd.Timedelta(minutes=30)
    assert first["p_value"] < 0.01
    assert first["ratio_low"] < first["ratio"] < first["ratio_high"]
    assert first["ratio"] == pytest.approx(first["observed"] / first["expected"])
    assert first["observed"] < 30 * len(first["zones"])
    assert "Fri 21 Apr 2017" in first["words"]  # by the clocks of the street
    assert set(anomalies.outlines) == set(anomalies.frame["id"])


def test_only_regions_that_reach_there_are_told(asked):
    answers, zones = asked
    assert answers.anomalies(zones, PEOPLE, touching={f"{EVENT}:pavement"}).frame["id"].notna().any()
    assert answers.anomalies(zones, PEOPLE, touching={"c4:pavement"}).frame.empty


def test_where_nothing_can_be_scanned_a_row_says_why(asked):
    answers, zones = asked
    found = answers.anomalies([one for one in zones if one.camera.id == NEW], PEOPLE)
    (row,) = found.frame.to_dict("records")
    assert (row["direction"], row["state"]) == ("unknown", "insufficient_history")
    assert "of its own past" in row["words"]
    few = answers.anomalies(zones[:2], PEOPLE).frame.iloc[0]
    assert few["state"] == "too_few_places"


@pytest.fixture(scope="module")
def priorities(asked):
    answers, zones = asked
    return answers.priorities(zones, PEOPLE)


def test_the_place_that_is_too_full_on_saturdays_leads_the_list(priorities):
    assert tuple(priorities.frame.columns) == PRIORITY_COLUMNS
    first = priorities.frame.iloc[0]
    assert (first["rank"], first["camera"]) == (1, SATURDAYS)
    assert "on Saturdays" in first["words"]
    assert first["worst"].day_of_week == 5
    assert first["people_hours_low"] < first["people_hours"] < first["people_hours_high"]
    assert first["people_hours"] == pytest.approx(4 * 5 * LEVEL, rel=0.4)
    assert first["density_per_100m2"] == pytest.approx(100 * 2 * LEVEL / 80, rel=0.3)
    assert priorities.frame["rank"].dropna().tolist() == list(range(1, priorities.looked[0]["ranked"] + 1))


def test_a_place_that_cannot_be_ranked_is_there_without_a_rank(priorities):
    row = by_camera(priorities.frame).loc[NEW]
    assert pd.isna(row["rank"])
    assert row["state"] == "insufficient_history"
    assert row["words"].startswith("It cannot be said whether it is too busy: 16 hours")
    assert row["trend"] == "unknown"
    assert priorities.looked[0]["known"] == 11


def test_a_limit_keeps_the_first(asked, priorities):
    answers, zones = asked
    cut = answers.priorities(zones, PEOPLE, limit=1)
    assert cut.frame["camera"].tolist() == [SATURDAYS]
    assert cut.looked == priorities.looked


def test_a_period_in_which_nothing_is_stored_says_so(asked):
    answers, zones = asked
    start = datetime(2016, 1, 4, tzinfo=UTC)
    found = answers.priorities(zones, PEOPLE, start=start, end=start + timedelta(days=7))
    assert set(found.frame["state"]) == {"missing"}
    assert found.frame["coverage"].max() == 0


@pytest.fixture(scope="module")
def changes(asked):
    answers, zones = asked
    return answers.changes(zones, ("people", "vehicles"))


def test_a_street_that_changed_and_a_camera_that_drifted_are_told_apart(changes):
    assert tuple(changes.frame.columns) == CHANGE_COLUMNS
    people = by_camera(changes.frame[changes.frame["class"] == "people"])
    street, camera = people.loc[CLOSED], people.loc[DIRTY]
    assert abs(street["at"] - pd.Timestamp("2017-03-26T00:00Z")) <= pd.Timedelta(days=1)
    assert (street["kind"], camera["kind"]) == ("street_change", "camera_drift")
    assert street["ratio_low"] < 0.6 < street["ratio_high"]
    assert street["before"] == pytest.approx(LEVEL, rel=0.1)
    assert "its vehicles changed alike" in camera["evidence"]
    assert set(people[people["state"] == "ok"].index) == {CLOSED, DIRTY}


def test_a_zone_with_too_few_days_cannot_be_said_to_have_changed(changes):
    row = by_camera(changes.frame[changes.frame["class"] == "vehicles"]).loc[NEW]
    assert row["state"] == "insufficient_history"
    assert pd.isna(row["at"])
    assert "1 day has enough figures; a change needs 28 to be seen" in row["words"]
    assert [one["changed"] for one in changes.looked] == [2, 1]


def test_a_camera_that_was_moved_at_the_time_did_not_see_the_street_change(asked):
    answers, zones = asked
    moved = HealthEvent(
        camera=CLOSED, since=datetime(2017, 3, 26, 9, tzinfo=UTC), state=CameraState.MOVED, reason="another view"
    )
    answers._store.save_health([moved])
    row = by_camera(answers.changes(zones, PEOPLE).frame).loc[CLOSED]
    assert (row["kind"], row["evidence"]) == ("camera_drift", "its view moved")
