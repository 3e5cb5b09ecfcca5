"""Rows of a frame as JSON: what is written column by column reads back as what went in, nulls and all."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.json_rows import json_list, json_rows, time_units


def read_back(frame: pd.DataFrame) -> list[dict[str, object]]:
    return [json.loads(row) for row in json_rows(frame, time_units(frame))]


def test_every_kind_of_column_reads_back() -> None:
    eight = pd.DatetimeIndex(np.array(["2017-03-09T08:00:00", "NaT"], dtype="datetime64[us]")).tz_localize("UTC")
    half = eight + pd.Timedelta(microseconds=500_000)
    frame = pd.DataFrame(
        {
            'odd "name"': pd.Series(['Süd \\ "x"\n/\u2028', None], dtype=object),
            "figure": [0.1 + 0.2, np.nan],
            "small": [1e-7, 123456789.25],
            "endless": [np.inf, -np.inf],
            "count": [3, 2**40],
            "flag": [True, False],
            "start": eight,
            "half": half,
            "zones": pd.Series([["a", "b"], None], dtype=object),
            "none": pd.Series([None, None], dtype=object),
        }
    )
    assert read_back(frame) == [
        {
            'odd "name"': 'Süd \\ "x"\n/\u2028',
            "figure": 0.3,
            "small": 1e-7,
            "endless": None,
            "count": 3,
            "flag": True,
            "start": "2017-03-09T08:00:00Z",
            "half": "2017-03-09T08:00:00.500000Z",
            "zones": ["a", "b"],
            "none": None,
        },
        {
            'odd "name"': None,
            "figure": None,
            "small": 123456789.25,
            "endless": None,
            "count": 2**40,
            "flag": False,
            "start": None,
            "half": None,
            "zones": None,
            "none": None,
        },
    ]


def test_no_rows_are_no_rows() -> None:
    assert read_back(pd.DataFrame({"name": pd.Series([], dtype=object), "figure": pd.Series([], dtype=float)})) == []


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_columns_in_which_all_rows_say_the_same_read_back(rows: int) -> None:
    at = datetime(2017, 3, 9, 8, tzinfo=UTC)
    same = {"word": "a", "figure": 0.5, "count": 7, "flag": True, "at": at, "list": ["a"], "none": None}
    frame = pd.DataFrame({name: [value] * rows for name, value in same.items()})
    frame["never"] = pd.Series([pd.NaT] * rows).dt.tz_localize("UTC")
    frame["unknown"] = np.nan
    expected = {**same, "at": "2017-03-09T08:00:00Z", "never": None, "unknown": None}
    assert read_back(frame) == [expected] * rows
    assert read_back(frame.assign(place=range(rows))) == [{**expected, "place": place} for place in range(rows)]


def test_times_of_another_time_zone_are_told_in_utc() -> None:
    at = pd.Series([datetime(2017, 7, 9, 8, tzinfo=UTC)]).dt.tz_convert("Europe/London")
    assert read_back(pd.DataFrame({"at": at})) == [{"at": "2017-07-09T08:00:00Z"}]


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.text(max_size=8)),
            st.one_of(st.none(), st.floats(-1e12, 1e12).map(lambda value: round(value, 6))),
        ),
        max_size=12,
    )
)
def test_words_and_figures_read_back(rows: list[tuple[str | None, float | None]]) -> None:
    frame = pd.DataFrame(
        {
            "word": pd.Series([word for word, _ in rows], dtype=object),
            "figure": pd.Series([figure for _, figure in rows], dtype=float),
        }
    )
    assert read_back(frame) == [{"word": word, "figure": figure} for word, figure in rows]


@settings(max_examples=60)
@given(st.lists(st.one_of(st.none(), st.text(max_size=6)), max_size=8), st.integers(0, 8))
def test_a_list_is_its_rows_with_commas(words: list[str | None], first: int) -> None:
    frame = pd.DataFrame({"word": pd.Series(words, dtype=object), "place": range(len(words))}).iloc[first:]
    assert bytes(json_list(frame, {})).decode() == ",".join(json_rows(frame, {}))
