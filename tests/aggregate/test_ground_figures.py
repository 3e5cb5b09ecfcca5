"""What answers say of the ground: of which rows, by which zone, and null wherever it is not known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from street_counts import NOON, StoppedClock, counted, figures, ground

from aggregate.aggregator import Aggregator
from aggregate.answers import Answers, ReadingQuery
from aggregate.comfort import tfl_grade
from aggregate.density import FOOTPRINT_M2, density_per_100m2
from aggregate.duckdb_store import DuckDBStore
from aggregate.ground_figures import GROUND_COLUMNS, ground_rows
from aggregate.policy import AggregatePolicy
from core.figures import SERIES
from core.ground import GroundMethod, GroundPlane, ZoneGround
from core.records import Camera, Reading, Window, Zone, ZoneKind

CLOCK = StoppedClock()
PLANE = GroundPlane(
    name="tower/0123abcd", method=GroundMethod.SIZES, lat=51.5, lon=-0.08, image_to_ground=(1, 0, 0, 0, -1, 0, 0, 0, 1)
)


def zone(name: str, kind: ZoneKind, area_m2: float, width_m: float | None = None) -> Zone:
    extent = ZoneGround(
        plane=PLANE.name,
        area_m2=area_m2,
        area_error=0.04,
        length_m=50,
        outline=((0, 0), (1e-4, 0), (0, 1e-4)),
        most_px_per_m=30,
        least_px_per_m=8,
    )
    return Zone(id=name, name=name, kind=kind, effective_width_m=width_m, ground=extent)


TOWER = Camera(
    id="tower",
    name="Tower Bridge Road",
    lat=51.5,
    lon=-0.08,
    plane=PLANE,
    zones=(
        zone("pavement", ZoneKind.PAVEMENT, 125, width_m=2),
        zone("road", ZoneKind.CARRIAGEWAY, 500),
        zone("stop", ZoneKind.BUS_STOP, 40, width_m=2),
    ),
)
PARK = Camera(id="park", name="Park Lane", lat=51.51, lon=-0.15)
PRESENT = figures(pedestrian=9, cyclist=1, car=4, bus=1)
HOUR = {"start": NOON, "end": NOON + timedelta(hours=1), "window": Window.QUARTER}


@pytest.fixture(scope="module")
def changed_and_answers() -> Iterator[tuple[list[Reading], Answers]]:
    """Three clips of a calibrated camera with three zones, and of one that is not; the next quarter has no ground."""
    store = DuckDBStore.open(None)
    store.save_cameras([TOWER, PARK])
    times = [NOON + timedelta(minutes=minutes) for minutes in (0, 5, 10)]
    crowded = {"pavement": 0.3, "road": None, "stop": 0.5}

    def look(at: datetime, calibrated: bool) -> list[Any]:
        zones = [
            counted(
                at,
                PRESENT,
                camera="tower",
                zone=one.id,
                ground=ground(one.ground.area_m2, 0.04, crowded[one.id]) if calibrated and one.ground else None,
            )
            for one in TOWER.zones
        ]
        return [*zones, counted(at, PRESENT, camera="park")]

    observations = [one for at in times for one in look(at, True)] + look(NOON + timedelta(minutes=15), False)
    changed = Aggregator(store, AggregatePolicy(), CLOCK).accept(observations)
    yield changed, Answers(store, CLOCK)
    store.close()


@pytest.fixture
def rows(changed_and_answers: tuple[list[Reading], Answers]) -> pd.DataFrame:
    """Readings of the two quarters, all series, by (start, zone, class)."""
    _, answers = changed_and_answers
    frame = answers.readings(ReadingQuery(series=SERIES, start=NOON, end=NOON + timedelta(minutes=30)))
    return frame.set_index(["start", "zone", "class"]).sort_index()


def first(rows: pd.DataFrame, zone: str) -> pd.DataFrame:
    """The rows of a zone in the calibrated quarter, by class."""
    return rows.loc[(pd.Timestamp(NOON), zone)]


def test_every_class_of_a_calibrated_zone_has_its_density_with_the_interval_of_both_errors(rows: pd.DataFrame) -> None:
    pavement = first(rows, "pavement")
    assert (pavement["area_m2"] == 125).all()
    assert (pavement["calibration_error"] == 0.04).all()
    assert pavement.loc["people", "density_per_100m2"] == 8
    assert pavement.loc["truck", "density_per_100m2"] == 0
    columns = (pavement[name] for name in ("mean", "low", "high", "area_m2", "calibration_error"))
    expected = density_per_100m2(*columns)
    for name, figures_ in zip(("density_per_100m2", "density_low", "density_high"), expected, strict=True):
        assert pavement[name].to_numpy() == pytest.approx(figures_, abs=1e-6)
    assert (pavement["density_high"] > pavement["high"] * 100 / 125).all()


def test_crowding_is_of_people_and_in_zones_that_are_walked_in(rows: pd.DataFrame) -> None:
    known = first(rows, "pavement")["crowded_share"].dropna()
    assert known.to_dict() == {"people": 0.3, "pedestrian": 0.3}
    assert first(rows, "road")["crowded_share"].isna().all()


def test_occupancy_is_of_vehicles_on_carriageways_and_each_class_has_its_part(rows: pd.DataFrame) -> None:
    occupancy = first(rows, "road")["occupancy_share"]
    assert occupancy["car"] == pytest.approx(4 * FOOTPRINT_M2["car"] / 500)
    assert occupancy["bus"] == pytest.approx(FOOTPRINT_M2["bus"] / 500)
    assert occupancy["vehicles"] == pytest.approx(occupancy["car"] + occupancy["bus"])
    assert occupancy["truck"] == 0
    assert set(occupancy.index[occupancy.isna()]) == {"people", "pedestrian", "cyclist"}
    assert first(rows, "pavement")["occupancy_share"].isna().all()
    assert first(rows, "stop")["occupancy_share"].isna().all()


def test_comfort_is_of_people_on_the_clear_width_of_walkways(rows: pd.DataFrame) -> None:
    """10 people on 50 m by 2 m are 0.1 to a square metre, 8 to a minute and metre; at a stop people wait."""
    pavement = first(rows, "pavement")
    assert pavement["comfort_fruin"].dropna().to_dict() == {"people": "A", "pedestrian": "A"}
    assert pavement["comfort_tfl"].dropna().to_dict() == {"people": "A-", "pedestrian": tfl_grade([0.09])[0]}
    for other in ("road", "stop"):
        assert first(rows, other)[["comfort_fruin", "comfort_tfl"]].isna().all(axis=None)


def test_nothing_is_said_of_the_ground_where_it_is_not_known(rows: pd.DataFrame) -> None:
    """Neither of a camera that is not calibrated, nor of a window whose clip was counted without."""
    later = rows.loc[pd.Timestamp(NOON + timedelta(minutes=15))]
    assert later.loc["pavement", "mean"].notna().all()
    for silent in (first(rows, "park:view"), later):
        assert silent[list(GROUND_COLUMNS)].isna().all(axis=None)
        assert {type(grade) for grade in silent["comfort_tfl"]} == {type(None)}


def test_occupancy_of_all_vehicles_needs_no_other_class_to_be_asked_for(
    changed_and_answers: tuple[list[Reading], Answers], rows: pd.DataFrame
) -> None:
    _, answers = changed_and_answers
    frame = answers.readings(ReadingQuery(series=("vehicles",), zones=("road",), start=NOON, end=HOUR["end"]))
    assert frame["occupancy_share"].iloc[0] == first(rows, "road").loc["vehicles", "occupancy_share"]


def test_records_say_the_same_as_answers(
    changed_and_answers: tuple[list[Reading], Answers], rows: pd.DataFrame
) -> None:
    """What is sent live is what is asked for: same figures, null for null."""
    changed, _ = changed_and_answers
    quarters = [one for one in changed if one.window is Window.QUARTER]
    told = ground_rows(quarters, {one.id: one for one in TOWER.zones})
    assert len(told) == len(rows)
    for one, ground_of in zip(quarters, told, strict=True):
        row = rows.loc[(pd.Timestamp(one.start), one.zone, one.series), list(GROUND_COLUMNS)]
        assert {name: None if pd.isna(value) else value for name, value in row.items()} == ground_of


def test_a_zone_that_is_gone_is_taken_for_a_whole_view(changed_and_answers: tuple[list[Reading], Answers]) -> None:
    changed, _ = changed_and_answers
    of_road = [one for one in changed if one.zone == "road" and one.area_m2 is not None]
    for told in ground_rows(of_road, {}):
        assert told["density_per_100m2"] is not None
        assert told["occupancy_share"] is told["comfort_tfl"] is None
    assert ground_rows([], {}) == []


def test_answers_of_zones_of_some_kinds(changed_and_answers: tuple[list[Reading], Answers]) -> None:
    _, answers = changed_and_answers
    kinds = (ZoneKind.PAVEMENT, ZoneKind.BUS_STOP)
    query = ReadingQuery(kinds=kinds, start=NOON, end=NOON + timedelta(minutes=15))
    assert answers.readings(query)["zone"].unique().tolist() == ["pavement", "stop"]
    assert answers.row_count(query) == 4
    assert answers.latest(kinds=(ZoneKind.VIEW,))["zone"].unique().tolist() == ["park:view"]
    nowhere = answers.latest(kinds=(ZoneKind.CYCLE_LANE,))
    assert len(nowhere) == 0
    assert set(GROUND_COLUMNS) <= set(nowhere.columns)


def test_a_zone_that_was_drawn_anew_is_graded_by_the_share_of_it_that_is_clear_now(
    changed_and_answers: tuple[list[Reading], Answers],
) -> None:
    """The reading keeps the area of then; all of a zone is clear at most."""
    changed, _ = changed_and_answers
    people = [one for one in changed if (one.zone, one.series) == ("pavement", "people") and one.area_m2 is not None]
    narrow = zone("pavement", ZoneKind.PAVEMENT, 100, width_m=0.2)
    wide = zone("pavement", ZoneKind.PAVEMENT, 100, width_m=9)
    (worse, *_), (better, *_) = (ground_rows(people, {"pavement": one}) for one in (narrow, wide))
    assert (worse["comfort_fruin"], worse["comfort_tfl"]) == ("D", "E")
    assert (better["comfort_fruin"], better["comfort_tfl"]) == ("A", "A-")
    assert worse["density_per_100m2"] == better["density_per_100m2"] == 8
    assert np.isclose(10 / (125 * 0.2 * 50 / 100), 0.8)
