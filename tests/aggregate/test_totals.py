"""Sums that say what is missing: a lost camera lowers no index, and is named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from aggregate.grid import ZoneOfCamera
from aggregate.tables import text
from aggregate.totals import TOTAL_COLUMNS, Grouping, addable, totals
from aggregate.usual.baselines import Expectation
from aggregate.usual_answers import Usual
from core.records import Camera, Zone, ZoneKind

CAMERAS = (
    Camera(
        id="a", name="a", lat=51.5, lon=0,
        zones=(Zone(id="a:1", name="1", kind=ZoneKind.PAVEMENT), Zone(id="a:2", name="2", kind=ZoneKind.CROSSING)),
    ),
    Camera(id="b", name="b", lat=51.5, lon=0, zones=(Zone(id="b:1", name="1", kind=ZoneKind.PAVEMENT),)),
)  # fmt: skip
ZONES = [ZoneOfCamera(zone, camera) for camera in CAMERAS for zone in camera.zones]
START = pd.Timestamp("2026-03-02T08:00Z")


def readings(**means: float | None) -> pd.DataFrame:
    """One window of every zone: a1=..., None for missing; limits 2 below and 3 above, usually 10."""
    rows = []
    for one in ZONES:
        mean = means.get(one.zone.id.replace(":", ""), 10.0)
        figure = np.nan if mean is None else mean
        rows.append({
            "zone": one.zone.id, "camera": one.camera.id, "class": "people", "window": "60m", "start": START,
            "end": START + pd.Timedelta(hours=1), "mean": figure, "low": figure - 2, "high": figure + 3,
            "baseline": 10.0, "coverage": 0.0 if mean is None else 1.0, "clips_counted": 0 if mean is None else 15,
            "clips_expected": 15, "state": "missing" if mean is None else "observed",
            "reason": "no clip received" if mean is None else None,
        })  # fmt: skip
    return pd.DataFrame(rows)


def test_a_whole_sum_has_the_limits_of_its_parts() -> None:
    (row,) = totals(readings(), ZONES, Grouping.ALL).to_dict("records")
    assert row["counted"] == 30
    # Zones of one camera err together: (2 + 2) and 2 below, (3 + 3) and 3 above.
    assert row["counted_low"] == pytest.approx(30 - np.hypot(4, 2))
    assert row["counted_high"] == pytest.approx(30 + np.hypot(6, 3))
    assert (row["index"], row["state"], row["reason"], row["missing"]) == (1.0, "observed", None, [])
    assert np.isnan(row["baseline_missing"])


def test_a_lost_camera_does_not_look_like_a_quiet_street() -> None:
    (row,) = totals(readings(b1=None), ZONES, Grouping.ALL).to_dict("records")
    assert (row["counted"], row["index"]) == (20, 1.0)
    assert (row["zones"], row["zones_counted"], row["missing"]) == (3, 2, ["b:1"])
    assert row["baseline_missing"] == 10
    assert row["coverage"] == pytest.approx(2 / 3)
    assert (row["state"], row["reason"]) == ("partial", "1 zone missing: b:1: no clip received")


def test_where_nothing_was_counted_there_is_no_zero() -> None:
    frame = totals(readings(b1=None), ZONES, Grouping.CAMERA)
    assert tuple(frame.columns) == TOTAL_COLUMNS
    lost = frame[frame["group"] == "b"].iloc[0]
    assert np.isnan(lost["counted"])
    assert np.isnan(lost["index"])
    assert (lost["state"], lost["clips_expected"]) == ("missing", 15)


def test_kinds_are_added_up_apart() -> None:
    frame = totals(readings(a2=4.0), ZONES, Grouping.KIND).set_index("group")
    assert frame["counted"].to_dict() == {"crossing": 4.0, "pavement": 20.0}
    assert frame["index"].to_dict() == {"crossing": 0.4, "pavement": 1.0}


def test_a_zone_without_a_baseline_leaves_no_index() -> None:
    rows = readings()
    rows.loc[0, "baseline"] = np.nan
    (row,) = totals(rows, ZONES, Grouping.ALL).to_dict("records")
    assert np.isnan(row["baseline"])
    assert np.isnan(row["index"])


def test_a_part_of_the_clips_makes_the_sum_partial() -> None:
    rows = readings()
    rows.loc[1, "state"] = "partial"
    (row,) = totals(rows, ZONES, Grouping.ALL).to_dict("records")
    assert (row["state"], row["reason"]) == ("partial", "not all clips of these zones were counted: see coverage")


class Evening:
    """Half of the hours of a zone have more than 0.1; their root varies by 0.5, so that 0.35 are there on average."""

    def expectation(self, zones, series, window, starts, reference):
        level = np.full((len(zones), len(starts)), 0.1)
        states = text(["ok"] * len(zones))[:, None]
        spread = Expectation(level, level, level, level, 5 * level)
        return Usual(starts, spread, np.zeros(len(starts), dtype=np.int64), states, states)


def test_a_quiet_city_as_usual_is_as_usual() -> None:
    """The middles of what is usual add up to 0.3, of which 1.05 would be three and a half times as much."""
    rows = addable(readings(a1=0.35, a2=0.35, b1=0.35), ZONES, Evening())
    (row,) = totals(rows, ZONES, Grouping.ALL).to_dict("records")
    assert (row["baseline"], row["index"]) == pytest.approx((1.05, 1.0))


def test_a_camera_lost_at_noon_makes_no_quiet_evening() -> None:
    """The mean of its morning is not that of a day: it is named as missing."""
    rows = readings(b1=2.0).assign(window="1d")
    rows.loc[rows["zone"] == "b:1", ["coverage", "state"]] = [0.5, "partial"]
    (row,) = totals(rows, ZONES, Grouping.ALL).to_dict("records")
    assert (row["counted"], row["baseline"], row["index"]) == (20, 20, 1.0)
    assert (row["missing"], row["baseline_missing"], row["state"]) == (["b:1"], 10, "partial")
    assert row["reason"] == "1 zone missing: b:1: too little of the day was counted to stand for it"
    assert totals(rows.assign(window="60m"), ZONES, Grouping.ALL)["counted"].tolist() == [22]
