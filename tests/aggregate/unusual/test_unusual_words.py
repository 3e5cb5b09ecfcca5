"""What planners read: plain sentences, each figure with its interval."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from aggregate.unusual import words
from aggregate.unusual.verdicts import ChangeKind, Trend
from core.figures import SERIES


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        ((1.31, 1.12, 1.55), "31 % more people than usual (90 % interval 12 to 55 % more)"),
        ((0.88, 0.81, 0.96), "12 % fewer people than usual (90 % interval 4 to 19 % fewer)"),
        ((1.05, 0.92, 1.2), "5 % more people than usual (90 % interval 8 % fewer to 20 % more)"),
        ((1.001, 0.92, 1.2), "about as many people as usual (90 % interval 8 % fewer to 20 % more)"),
        ((2.31, 1.8, 2.9), "2.3 times as many people as usual (90 % interval 1.8 to 2.9 times)"),
        ((0.0, 0.0, 0.4), "100 % fewer people than usual (90 % interval 60 to 100 % fewer)"),
    ],
)
def test_a_share_is_said_with_its_interval_from_the_smaller_figure_to_the_larger(ratio, said):
    assert words.compared(*ratio, "people") == said


def test_a_change_is_compared_with_before():
    assert words.changed(0.74, 0.68, 0.81, "vehicles") == (
        "26 % fewer vehicles than before (90 % interval 19 to 32 % fewer)"
    )
    assert words.changed(2.2, 2.0, 2.4, "bus").startswith("2.2 times as many buses as before")


def test_every_series_has_a_noun():
    assert set(words.NOUNS) == set(SERIES)


@pytest.mark.parametrize(
    ("value", "said"), [(0.42, "0.4"), (7.25, "7.2"), (9.96, "10.0"), (48.4, "48"), (1240.2, "1,240")]
)
def test_figures_have_no_more_digits_than_they_mean(value, said):
    assert words.figure(value) == said


def test_times_are_those_of_the_street():
    at = datetime(2026, 7, 4, 16, 15, tzinfo=UTC)
    assert words.local(at, "Europe/London") == "Sat 4 Jul 2026 17:15"
    assert words.day(at, "Europe/London") == "4 July 2026"


def week(*busy):
    """An excess in these (weekday, hour)."""
    weekday, hour = np.repeat(np.arange(7), 24), np.tile(np.arange(24), 7)
    excess = np.zeros(168)
    for day, at in busy:
        excess[day * 24 + at] += 1.0
    return words.when_mostly(excess, weekday, hour)


def test_when_it_is_mostly_is_said_where_it_is_so():
    assert week((5, 16), (5, 17), (5, 18)) == "mostly 16:00 to 18:00 on Saturdays"
    assert week((4, 23), (5, 23), (4, 0), (5, 0)) == "mostly 23:00 to 01:00"
    assert week(*((day, 8) for day in range(5))) == "mostly 08:00 to 09:00 on weekdays"
    assert week(*((day, hour) for day in (5, 6) for hour in range(24))) == "mostly on weekends"
    assert week(*((day, hour) for day in range(7) for hour in range(24))) is None
    assert week() is None


@pytest.mark.parametrize(
    ("which", "said"),
    [
        (Trend.WORSE, "Getting busier against usual by 6 % a week (90 % interval 2 to 10 % more)."),
        (Trend.NEITHER, "Getting neither clearly busier nor quieter (90 % interval 2 to 10 % more a week)."),
        (Trend.UNKNOWN, "Too few days to say which way it is going."),
    ],
)
def test_which_way_it_is_going(which, said):
    assert words.trend(which, 0.06, 0.02, 0.10) == said


def test_what_was_found_never_hides_what_is_not_known():
    assert words.looked_at(37, 40, ["3 busier than usual"], "place", "places") == (
        "3 busier than usual among 37 places; 3 more cannot be judged."
    )
    assert words.looked_at(1, 1, [], "place", "places") == "Nothing stands out among 1 place."
    assert words.looked_at(0, 0, [], "place", "places") == "No places are counted there."
    assert "40 cannot be judged" in words.looked_at(0, 40, [], "place", "places")
    assert words.regions(20, 22, []) == "No region is unusual among 20 hexagons; 2 more cannot be judged."
    assert words.regions(20, 20, ["1 busier than usual", "2 quieter than usual"]) == (
        "1 region busier than usual and 2 quieter than usual among 20 hexagons."
    )


def test_the_reasons_of_a_place_on_the_list():
    said = words.reasons(
        "people", hours=62, known=640, people_hours=(310.4, 220.0, 1400.0), mostly="mostly on Saturdays",
        worst=("Sat 4 Mar 2017 17:00", 34.0, 12.1), trend="It goes on.", coverage=0.5,
    )  # fmt: skip
    assert said == (
        "Above its usual range in 62 of 640 hours counted (10 %), mostly on Saturdays. That is about 310 "
        "person-hours more than usual, chance taken off (90 % interval 220 to 1,400). Worst on Sat 4 Mar 2017 17:00: "
        "34 people where 12 are usual. It goes on. Only 50 % of the hours were counted: there may have been more."
    )


def test_a_change_says_what_it_looks_like():
    said = words.change(
        "26 % fewer people than before (90 % interval 19 to 32 % fewer)", "20 February 2017", "people",
        before=6.2, after=4.6, kind=ChangeKind.CAMERA_DRIFT, evidence="its view became another",
    )  # fmt: skip
    assert said == (
        "26 % fewer people than before (90 % interval 19 to 32 % fewer) from about 20 February 2017 on: 6.2 people "
        "present on average before, 4.6 after. It looks like the camera: its view became another."
    )


def test_names_are_listed_and_counted():
    assert words.listed(["A"], 2) == "A"
    assert words.listed(["A", "B"], 2) == "A and B"
    assert words.listed(["A", "B", "C"], 3) == "A, B and C"
    assert words.listed(["A", "B", "C", "D"], 2) == "A, B and 2 more"
    assert words.none_of(1, "zone", "zones") == "its zone has no figure"
    assert words.likelihood(0.004) == "chance alone does so about once in 250 times"
    assert words.likelihood(0.0001) == "chance alone does so less than once in 1,000 times"
