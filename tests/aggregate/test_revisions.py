"""What is written of a table of readings, column by column, are the records that would be built of its rows."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from announced import announced
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregate.revisions import revisions_of
from aggregate.tables import ReadingTable, no_readings, text
from core.bus import REVISIONS
from core.figures import SERIES
from core.records import REASON_LENGTH, TrustState, Window
from core.revisions import ReadingRevision

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,20}", fullmatch=True)
FIGURE = st.floats(0, allow_infinity=False) | st.integers(0, 2**60).map(float)
SHARE = st.floats(0, 1) | st.just(float("nan"))
REASON = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=REASON_LENGTH)
TIME = st.datetimes().map(lambda time: np.datetime64(time, "us")) | st.integers(0, 60_000_000).map(
    lambda minute: np.datetime64(minute, "m").astype("datetime64[us]")
)


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    """A sound reading of all series."""
    state = draw(st.sampled_from(TrustState))
    known = state is not TrustState.MISSING
    count = len(SERIES)
    figures = [draw(st.lists(FIGURE if known else st.just(np.nan), min_size=count, max_size=count)) for _ in range(3)]
    start, end = sorted(draw(st.lists(TIME, min_size=2, max_size=2, unique=True)))
    area, error, vehicles = (draw(FIGURE.map(lambda size: size + 0.1) | st.just(np.nan)) for _ in range(3))
    return {
        "zone": draw(NAMES),
        "camera": draw(NAMES),
        "window": draw(st.sampled_from(Window)).value,
        "start": start,
        "end": end,
        **dict(zip(("mean", "low", "high"), figures, strict=True)),
        "peak": draw(st.lists(FIGURE | st.just(np.nan), min_size=count, max_size=count)),
        "stationary_share": draw(st.lists(SHARE, min_size=count, max_size=count)),
        "area_m2": area,
        "calibration_error": error,
        "vehicles_m2": vehicles,
        "crowded_share": draw(SHARE),
        "coverage": draw(st.floats(0, 1)),
        "clips_counted": draw(st.integers(0, 1500)),
        "clips_expected": draw(st.integers(1, 1500)),
        "state": state.value,
        "reason": draw(REASON if state is not TrustState.OBSERVED else REASON | st.none()),
        "revision": draw(st.integers(1, 2**40)),
        "derived_at": draw(TIME),
    }


def table(rows: list[dict[str, Any]]) -> ReadingTable:
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in rows[0]}
    for name in ("zone", "camera", "window", "state", "reason"):
        columns[name] = text(columns[name])
    for name in ("start", "end", "derived_at"):
        columns[name] = np.array(columns[name], dtype="datetime64[us]")
    return ReadingTable(
        SERIES, **{name: one if isinstance(one, np.ndarray) else np.array(one) for name, one in columns.items()}
    )


def one_by_one(readings: ReadingTable) -> list[ReadingRevision]:
    """Of a `Reading` for each row and series, each examined."""
    found = readings.records()
    return [ReadingRevision.of(tuple(found[row : row + len(SERIES)])) for row in range(0, len(found), len(SERIES))]


@settings(max_examples=60, deadline=None)
@given(st.lists(rows(), min_size=1, max_size=5).map(table))
def test_a_table_is_written_as_its_records_are(readings: ReadingTable) -> None:
    """Key, identity and document; and whoever reads it has the same record, to the last bit of each figure."""
    slowly = one_by_one(readings)
    written = revisions_of(readings)
    assert announced(readings) == slowly
    for one, record in zip(written, slowly, strict=True):
        by_itself = REVISIONS.written(record)
        assert (one.key, one.identity) == (by_itself.key, by_itself.identity)
        assert json.loads(one.payload) == json.loads(by_itself.payload)
        assert list(json.loads(one.payload)) == list(json.loads(by_itself.payload))


def test_no_rows_are_no_revisions() -> None:
    assert revisions_of(no_readings(SERIES)) == []


def test_a_table_of_some_series_is_refused() -> None:
    with pytest.raises(ValueError, match="a revision has all series: pedestrian"):
        revisions_of(no_readings(SERIES).select(("people",)))
