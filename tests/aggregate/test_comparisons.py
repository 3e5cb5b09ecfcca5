"""Levels against a reference, by parts of the local week, with words, and a reason where nothing can be said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from usual_city import MONDAY, camera, places

from aggregate.comparisons import COMPARISON_COLUMNS, MOST_ROWS, Comparison, Grain, compare
from aggregate.history import History
from aggregate.local_time import clock_hours
from aggregate.tables import moment, text
from aggregate.usual.baselines import Expectation
from aggregate.usual_answers import Field, Usual
from core.errors import NotFound, QueryError
from core.records import Window, ZoneKind

PARK = camera("park", ZoneKind.PAVEMENT, timezone="UTC")
TOWER = camera("tower", ZoneKind.PAVEMENT, timezone="UTC")
WEEKS = Comparison(series=("people",), start=MONDAY, end=MONDAY + timedelta(weeks=4))


class City:
    """Counts `share` of the ten that are usual, give or take one; `lost` says from which hour on a zone is; `spread` is
    that of usual hours on the root scale."""

    def __init__(self, share: float = 0.7, lost: int | None = None, state: str = "ok", spread: float = 0.0) -> None:
        self.share, self.lost, self.state, self.spread = share, lost, state, spread

    def expect_reference(self, reference: str) -> None:
        if reference not in ("usual", "before lockdown"):
            raise NotFound(f"there is no reference {reference!r}")

    def field(self, zones, series, window, start, end, *, reference):
        assert window is Window.HOUR
        steps = int((end - start) / timedelta(hours=1))
        counted = 10 * self.share + np.where(np.arange(steps) // 24 % 2, 1.0, -1.0) * np.ones((len(zones), 1))
        counted[-1, steps if self.lost is None else self.lost :] = np.nan
        ids = tuple(one.zone.id for one in zones)
        clips = np.ones(counted.shape, dtype=np.uint8)
        history = History(series, ids, zones[0].camera.timezone, moment(start), 3600, counted.astype(np.float32), clips)
        level = np.full(counted.shape, 10.0 if self.state in ("ok", "borrowed") else np.nan)
        expectation = Expectation(level, level / 100, level, level, np.full(level.shape, self.spread))
        states = text([self.state] * len(ids))[:, None]
        reasons = text([None if self.state == "ok" else "a reason"] * len(ids))[:, None]
        segment = np.zeros(steps, dtype=np.int64)
        return Field(history, Usual(history.starts, expectation, segment, states, reasons))


def test_a_zone_that_lost_a_third_of_its_people_says_so_in_figures_and_words():
    frame = compare(City(), places(TOWER), WEEKS)
    assert tuple(frame.columns) == COMPARISON_COLUMNS
    (row,) = frame.to_dict("records")
    assert (row["zone"], row["class"], row["reference"]) == ("tower:pavement", "people", "usual")
    assert (row["mean"], row["baseline"], row["index"]) == (7, 10, 0.7)
    assert (row["days"], row["hours"], row["hours_due"], row["state"]) == (28, 672, 672, "ok")
    assert row["index_low"] < 0.7 < row["index_high"]
    least, most = round(100 * (1 - row["index_high"])), round(100 * (1 - row["index_low"]))
    assert row["words"] == f"30 % fewer people than usual (90 % interval {least} to {most} % fewer)"
    assert 25 < least < 30 < most < 35


def test_sums_are_held_against_sums_and_not_against_the_middles_of_usual_hours():
    """Hours of a middle of 10 and a spread of 1 on the root scale have a mean of 11: eleven are as usual."""
    (row,) = compare(City(1.1, spread=1.0), places(TOWER), WEEKS).to_dict("records")
    assert (row["mean"], row["baseline"], row["index"]) == (11, 11, 1)


def test_words_name_the_period_and_do_not_claim_what_may_be_chance():
    asked = Comparison(series=("bus",), start=MONDAY, end=MONDAY + timedelta(weeks=4), reference="before lockdown")
    (more,) = compare(City(1.2), places(TOWER), asked)["words"]
    assert more.startswith("20 % more buses than in the period 'before lockdown' (90 % interval ")
    (same,) = compare(City(1.005), places(TOWER), asked)["words"]
    assert same.startswith("about as many buses as in the period 'before lockdown': ")
    assert ", 90 % interval -" in same


@pytest.mark.parametrize(("grain", "rows"), [("week", 1), ("weekday", 7), ("hour", 24), ("hour_of_week", 168)])
def test_parts_of_the_week_are_those_of_the_local_clock(grain, rows):
    asked = Comparison(series=("people", "vehicles"), start=MONDAY, end=MONDAY + timedelta(weeks=4), grain=Grain(grain))
    frame = compare(City(), places(TOWER, PARK), asked)
    assert len(frame) == 2 * 2 * rows
    keys = list(zip(frame["zone"], frame["class"], strict=True))[::rows]
    assert keys == [(f"{name}:pavement", one) for name in ("tower", "park") for one in ("people", "vehicles")]
    assert frame["hours_due"].sum() == 2 * 2 * 672
    first = frame.iloc[0]
    assert first["weekday"] == ("Monday" if "week" in grain and grain != "week" else None)
    assert pd.isna(first["hour"]) if "hour" not in grain else first["hour"] == 0


def test_cells_follow_the_change_of_the_clocks():
    """In London the clocks went forward on 26 March 2017: 08:00 UTC was 8 o'clock before, and 9 o'clock after."""
    starts = np.array([moment(datetime(2017, 3, day, 8, tzinfo=UTC)) for day in (24, 27)])  # a Friday, a Monday
    local = clock_hours(starts, "Europe/London")
    assert Grain.HOUR_OF_WEEK.cell_of(local).tolist() == [4 * 24 + 8, 9]
    assert Grain.WEEKDAY.cell_of(local).tolist() == [4, 0]
    assert Grain.HOUR.cell_of(local).tolist() == [8, 9]


def test_a_zone_that_was_counted_on_few_days_is_refused_with_the_reason():
    frame = compare(City(lost=24 * 5), places(TOWER, PARK), WEEKS)
    tower, park = frame.to_dict("records")
    assert tower["state"] == "ok"
    assert (park["state"], park["words"]) == ("insufficient_history", None)
    assert park["reason"] == "5 days were counted in this period, and at least 7 are needed to compare"
    assert np.isnan(park["index"])
    assert (park["mean"], park["hours"], park["hours_due"]) == (pytest.approx(6.8), 120, 672)


def test_a_zone_with_nothing_to_compare_with_says_what_its_baseline_does():
    (row,) = compare(City(state="insufficient_history"), places(TOWER), WEEKS).to_dict("records")
    assert (row["state"], row["reason"], row["words"]) == ("insufficient_history", "a reason", None)
    assert np.isnan(row["baseline"])


def test_what_cannot_be_answered_is_refused_with_a_remedy():
    with pytest.raises(NotFound):
        compare(City(), places(TOWER), Comparison(series=("people",), start=MONDAY, end=MONDAY, reference="x"))
    with pytest.raises(QueryError, match="no whole hour"):
        compare(City(), places(TOWER), Comparison(series=("people",), start=MONDAY, end=MONDAY))
    with pytest.raises(QueryError, match="366 days"):
        compare(City(), places(TOWER), Comparison(series=("people",), start=MONDAY, end=MONDAY + timedelta(days=400)))
    many = places(TOWER) * (MOST_ROWS // 168 + 1)
    with pytest.raises(QueryError, match="at most 200000"):
        compare(City(), many, Comparison(series=("people",), start=MONDAY, end=MONDAY, grain=Grain.HOUR_OF_WEEK))
    assert tuple(compare(City(), [], WEEKS).columns) == COMPARISON_COLUMNS
