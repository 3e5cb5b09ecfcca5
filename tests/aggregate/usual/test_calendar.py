"""Days of a kind of their own are known as such, from the country's holidays and the reader's own file."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregate.usual.calendar import (
    BRIDGE,
    EVE,
    PUBLIC_HOLIDAY,
    SCHOOL_HOLIDAY,
    Calendar,
    CalendarConfig,
    read_school_holidays,
    weekdays,
)
from core.errors import ConfigError


def days(first: str, last: str) -> np.ndarray:
    return np.arange(np.datetime64(first, "D"), np.datetime64(last, "D") + 1)


def england() -> Calendar:
    return Calendar.of(CalendarConfig(country="GB", subdivision="ENG"))


def test_a_plain_calendar_knows_no_days_of_their_own() -> None:
    assert not Calendar.plain().kinds(days("2016-12-01", "2017-02-01")).any()
    assert Calendar.plain().name_of(date(2016, 12, 25)) is None


def test_weekdays_count_from_monday() -> None:
    assert weekdays(days("1969-12-29", "1970-01-04")).tolist() == [0, 1, 2, 3, 4, 5, 6]


def test_easter_has_its_eves_and_no_bridges() -> None:
    """13 to 18 April 2017: Maundy Thursday, Good Friday, Saturday, Sunday, Easter Monday, Tuesday."""
    kinds = england().kinds(days("2017-04-13", "2017-04-18"))
    assert kinds.tolist() == [EVE, PUBLIC_HOLIDAY, 0, EVE, PUBLIC_HOLIDAY, 0]


def test_the_days_between_christmas_and_new_year_are_bridges() -> None:
    """23 December 2019 (a Monday) to 2 January 2020."""
    kinds = england().kinds(days("2019-12-23", "2020-01-02"))
    off = [PUBLIC_HOLIDAY, PUBLIC_HOLIDAY]
    assert kinds.tolist() == [0, EVE, *off, BRIDGE, 0, 0, BRIDGE, BRIDGE | EVE, PUBLIC_HOLIDAY, 0]


def test_a_working_day_between_a_holiday_and_a_weekend_is_a_bridge() -> None:
    """Ascension Day 2017 in France, Thursday 25 May."""
    kinds = Calendar.of(CalendarConfig(country="FR")).kinds(days("2017-05-24", "2017-05-27"))
    assert kinds.tolist() == [EVE, PUBLIC_HOLIDAY, BRIDGE, 0]


def test_names_are_english_where_the_package_has_them() -> None:
    assert england().name_of(date(2017, 4, 14)) == "Good Friday"
    assert Calendar.of(CalendarConfig(country="FR")).name_of(date(2017, 5, 25)) == "Ascension Day"
    assert england().name_of(date(2017, 4, 13)) is None


def test_what_a_day_is_does_not_depend_on_which_days_are_asked_for() -> None:
    calendar = england()
    year = days("2016-06-01", "2017-06-30")
    whole = calendar.kinds(year)
    assert [int(calendar.kinds(year[at : at + 1])[0]) for at in range(0, len(year), 3)] == whole[::3].tolist()


@given(st.permutations(range(40)))
def test_days_may_come_in_any_order_and_again(order: list[int]) -> None:
    calendar, row = Calendar(country="GB"), days("2016-12-10", "2017-01-18")
    shuffled = np.array([*order, *order])
    assert (calendar.kinds(row[shuffled]) == calendar.kinds(row)[shuffled]).all()


def test_no_days_have_no_kinds() -> None:
    assert len(england().kinds(np.empty(0, dtype="datetime64[D]"))) == 0


def test_school_holidays_are_the_readers_own(tmp_path: Path) -> None:
    path = tmp_path / "school.csv"
    path.write_text("start,end,name\n2017-04-03,2017-04-17,Easter holidays\n\n2017-02-13,2017-02-17,\n")
    calendar = Calendar.of(CalendarConfig(country="GB", subdivision="ENG", school_holidays=path))
    kinds = calendar.kinds(days("2017-04-02", "2017-04-18"))
    assert (kinds & SCHOOL_HOLIDAY > 0).tolist() == [False, *[True] * 15, False]
    assert kinds[12] == PUBLIC_HOLIDAY | SCHOOL_HOLIDAY  # Good Friday
    assert calendar.name_of(date(2017, 4, 4)) == "Easter holidays"
    assert calendar.name_of(date(2017, 4, 14)) == "Good Friday"
    assert calendar.name_of(date(2017, 2, 14)) == "school holidays"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", "line 1"),
        ("from,to\n2017-04-03,2017-04-17\n", "line 1: the columns are from, to"),
        ("start,end\n2017-04-03,2017-04-17\n03/04/2017,17/04/2017\n", "line 3"),
        ("start,end\n2017-04-17,2017-04-03\n", "line 2: 2017-04-03 is before 2017-04-17"),
        ("start,end\n2017-04-17\n", "line 2"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_by_its_line(tmp_path: Path, written: str, said: str) -> None:
    path = tmp_path / "school.csv"
    path.write_text(written)
    with pytest.raises(ConfigError, match=said) as refused:
        read_school_holidays(path)
    assert str(path) in refused.value.message
    assert "start,end" in refused.value.remedy


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.csv"):
        Calendar.of(CalendarConfig(school_holidays=tmp_path / "none.csv"))


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (CalendarConfig(country="XX"), "'XX'"),
        (CalendarConfig(country="GB", subdivision="TX"), "'TX'"),
        (CalendarConfig(subdivision="ENG"), "without a country"),
    ],
)
def test_a_country_that_is_not_known_is_refused_with_a_remedy(config: CalendarConfig, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        Calendar.of(config)
    assert refused.value.remedy
