"""Comfort grades are those of the tables that they are taken from, and are given only where a width was measured."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from aggregate.comfort import CAPACITY_PER_M2, clear_share, fruin_grade, tfl_grade, walking_flow, walking_speed
from core.ground import ZoneGround
from core.records import Zone, ZoneKind


@pytest.mark.parametrize(
    ("area_m2", "grade"),
    [
        # Fruin (1971), walkways, by m2 to a person as it is usually rounded
        (100, "A"), (3.26, "A"), (3.24, "B"), (2.33, "B"), (2.31, "C"), (1.40, "C"), (1.38, "D"), (0.94, "D"),
        (0.92, "E"), (0.47, "E"), (0.46, "F"), (0.2, "F"),
    ],
)  # fmt: skip
def test_fruin_grades_by_the_area_to_a_person(area_m2: float, grade: str) -> None:
    assert fruin_grade([1 / area_m2]).tolist() == [grade]


def test_the_edges_of_fruins_grades_are_whole_square_feet() -> None:
    """35 sq ft to a person is an A still; and an empty walkway is one."""
    edges = np.array([35, 25, 15, 10, 5]) * 0.09290304
    assert fruin_grade(1 / (edges * (1 + 1e-12))).tolist() == ["A", "B", "C", "D", "E"]
    assert fruin_grade(1 / (edges * (1 - 1e-12))).tolist() == ["B", "C", "D", "E", "F"]
    assert fruin_grade([0.0]).tolist() == ["A"]


@pytest.mark.parametrize(
    ("flow", "grade"),
    [
        (0, "A+"), (2.9, "A+"), (3, "A"), (5.9, "A"), (6, "A-"), (9, "B+"), (12, "B"), (15, "B-"), (17.9, "B-"),
        (18, "C+"), (21, "C"), (24, "C-"), (26.9, "C-"), (27, "D"), (34.99, "D"), (35.01, "E"), (70, "E"),
    ],
)  # fmt: skip
def test_tfl_grades_by_the_people_that_pass_to_a_metre_and_minute(flow: float, grade: str) -> None:
    densities = np.linspace(0, CAPACITY_PER_M2, 200_001)
    per_m2 = densities[np.searchsorted(walking_flow(densities), flow)]
    assert tfl_grade([per_m2]).tolist() == [grade]


def test_people_walk_as_weidmann_found() -> None:
    """1.34 m/s alone, about 1 m/s at one to a square metre, standing at 5.4; most pass at 1.75: 1.22 a second."""
    assert walking_speed([0.0, 0.1]) == pytest.approx([1.34, 1.34], abs=1e-4)
    assert walking_speed(1.0) == pytest.approx(1.34 * (1 - np.exp(-1.913 * (1 - 1 / 5.4))), rel=1e-12)
    assert walking_speed(1.0) == pytest.approx(1.06, abs=0.005)
    assert walking_speed([5.4, 8.0]).tolist() == [0, 0]
    densities = np.linspace(0, 5.4, 5401)
    flow = walking_flow(densities)
    assert densities[flow.argmax()] == pytest.approx(CAPACITY_PER_M2, abs=0.01)
    assert flow.max() / 60 == pytest.approx(1.22, abs=0.01)


def test_a_crowd_in_which_hardly_anyone_moves_is_no_comfort() -> None:
    """Beyond the greatest flow fewer pass the more there are, down to none: both grades stay at their worst."""
    crowd = [2.5, 4.0, 5.3, 5.4, 9.0]
    assert set(tfl_grade(crowd)) == {"E"}
    assert set(fruin_grade(crowd)) == {"F"}


def zone(kind: ZoneKind = ZoneKind.PAVEMENT, width_m: float | None = 2.0, **more: Any) -> Zone:
    ground = ZoneGround(
        plane="a/0123abcd",
        area_m2=120.0,
        area_error=0.03,
        length_m=40.0,
        outline=((0, 0), (1e-4, 0), (0, 1e-4)),
        most_px_per_m=30,
        least_px_per_m=8,
    )
    return Zone(id="a:p", name="p", kind=kind, effective_width_m=width_m, **({"ground": ground} | more))


def test_the_clear_share_is_length_times_clear_width_and_never_more_than_the_zone() -> None:
    assert clear_share(zone()) == pytest.approx(40 * 2 / 120)
    assert clear_share(zone(width_m=5)) == 1


@pytest.mark.parametrize("kind", [ZoneKind.VIEW, ZoneKind.CARRIAGEWAY, ZoneKind.BUS_STOP, ZoneKind.CYCLE_LANE])
def test_what_is_not_walked_along_has_none(kind: ZoneKind) -> None:
    assert np.isnan(clear_share(zone(kind)))


def test_nor_has_a_pavement_without_a_measured_width_or_without_a_ground() -> None:
    assert np.isnan(clear_share(zone(width_m=None)))
    assert np.isnan(clear_share(zone(ground=None)))
    assert clear_share(zone(ZoneKind.CROSSING)) > 0
