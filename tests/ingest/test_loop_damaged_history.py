"""Damaged rows of the raw history: what they may have been of is not known, or an undercount that says so; no zero."""

from __future__ import annotations

import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hand_clock import HandClock
from hypothesis import given, settings
from hypothesis import strategies as st

from core.loops import LoopReading
from ingest.loops.digitraffic_history import DigitrafficHistory, DigitrafficHistoryConfig

NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)
NIGHT = datetime(2026, 6, 9, 21, tzinfo=UTC)  # midnight in Helsinki
MINUTE = timedelta(minutes=1)
FIVE = timedelta(minutes=5)
HELSINKI = ZoneInfo("Europe/Helsinki")
DAMAGES = {"station": 0, "year": 1, "minute": 4, "direction": 9, "flag": 12}


def vehicle(moment: datetime, direction: int = 1, damage: str | None = None) -> str:
    local = moment.astimezone(HELSINKI)
    fields = f"101;{local:%y};{local.timetuple().tm_yday};{local.hour};{local.minute};{local.second};0"
    row = f"{fields};4.2;1;{direction};1;80;0;5;7;0".split(";")
    if damage == "cut":
        row = row[:8]
    elif damage == "garbage":
        row = ["\x00\x07", "x"]
    elif damage is not None:
        row[DAMAGES[damage]] = "X"
    return ";".join(row) + "\n"


def read(
    *rows: str, now: datetime = NOON + timedelta(days=3)
) -> tuple[dict[tuple[datetime, str], LoopReading], DigitrafficHistory]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "lamraw_101_26_161.csv").write_text("".join(rows), encoding="utf-8")
        config = DigitrafficHistoryConfig(path=Path(folder), silent_min=1440)
        feed = DigitrafficHistory(config, None, HandClock(now))
        return {(reading.start, reading.counter): reading for reading in feed.readings()}, feed


@pytest.mark.parametrize("direction", [1, 2])
def test_five_minutes_whose_vehicles_cannot_be_read_are_null_with_how_many(direction: int) -> None:
    rows = [vehicle(NOON + FIVE + index * MINUTE / 12, damage="direction") for index in range(20)]
    readings, feed = read(vehicle(NOON), *rows, vehicle(NOON + 2 * FIVE))
    lost = readings[NOON + FIVE, f"101.{direction}"]
    assert (lost.flow, lost.reason) == (None, "rows that cannot be read, up to 20, are not counted")
    assert readings[NOON + 3 * FIVE, f"101.{direction}"].flow == 0
    assert len(feed.left_out) == 20


def test_what_is_counted_beside_them_is_an_undercount_that_says_so() -> None:
    readings, _ = read(vehicle(NOON), vehicle(NOON + MINUTE, damage="flag"), vehicle(NOON + 2 * MINUTE))
    assert (readings[NOON, "101.1"].flow, readings[NOON, "101.1"].reason) == (
        2,
        "rows that cannot be read, up to 1, are not counted",
    )


def test_a_row_without_a_time_may_be_of_any_five_minutes_between_its_neighbours() -> None:
    readings, _ = read(vehicle(NOON), vehicle(NOON + 11 * MINUTE, damage="minute"), vehicle(NOON + 20 * MINUTE))
    flows = [readings[NOON + index * FIVE, "101.1"].flow for index in range(-2, 8)]
    assert flows == [0, None, 1, None, None, None, 1, None, 0, 0]


def test_a_row_that_could_be_of_either_pass_of_the_repeated_hour_is_no_zero_in_any() -> None:
    autumn = datetime(2026, 10, 24, 22, tzinfo=UTC)
    rows = [vehicle(autumn), vehicle(autumn + 190 * MINUTE), vehicle(autumn + 300 * MINUTE)]  # 03:10 came twice
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "lamraw_101_26_298.csv").write_text("".join(rows), encoding="utf-8")
        config = DigitrafficHistoryConfig(path=Path(folder), silent_min=1440)
        feed = DigitrafficHistory(config, None, HandClock(autumn + timedelta(days=9)))
        found = {reading.start: reading.flow for reading in feed.readings() if reading.counter == "101.1"}
    assert "came twice" in feed.left_out[0].reason
    assert {found[autumn + minutes * MINUTE] for minutes in (130, 190)} == {None}


rows = st.lists(
    st.tuples(
        st.integers(600, 2 * 3600),  # seconds from midnight
        st.integers(1, 2),
        st.sampled_from([None, None, None, *DAMAGES, "cut", "garbage"]),
        st.integers(-120, 120),  # seconds out of order
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(rows=rows)
def test_damage_makes_no_zero_and_no_silent_undercount_and_reaches_no_further_than_it_must(
    rows: list[tuple[int, int, str | None, int]],
) -> None:
    ends = [(0, 1, None, 0), (3 * 3600, 1, None, 0)]
    in_file = sorted([*ends, *rows], key=lambda one: one[0] + one[3])
    passed = Counter(
        (NIGHT + timedelta(seconds=second) // FIVE * FIVE, f"101.{direction}") for second, direction, *_ in in_file
    )
    readings, feed = read(
        *(vehicle(NIGHT + timedelta(seconds=second), direction, damage) for second, direction, damage, _ in in_file),
        now=NIGHT + timedelta(hours=4),
    )
    for key, reading in readings.items():
        if reading.flow is None:
            assert reading.reason
        elif reading.flow != passed[key]:
            assert 0 < reading.flow < passed[key]
            assert reading.reason
    assert len(feed.left_out) == sum(damage is not None for _, _, damage, _ in in_file)
    reach: list[tuple[float, float]] = []
    for place, (second, _, damage, _) in enumerate(in_file):
        if damage is not None:
            above = [one[0] for one in in_file[:place] if one[2] is None][-1]
            below = next(one[0] for one in in_file[place:] if one[2] is None)
            reach.append((min(above, below, second) - 600, max(above, below, second) + 600))
    for (start, counter), reading in readings.items():
        second = (start - NIGHT).total_seconds()
        if not any(first <= second <= last for first, last in reach):
            assert (reading.flow, reading.reason) == (passed[start, counter], None)
