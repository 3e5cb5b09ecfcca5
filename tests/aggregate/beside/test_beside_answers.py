"""A camera and its loop in a store: they agree, one drifts and is dated, each stands in for the other and is marked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from paired_street import END, HOURS, SECONDS, START, filled

from aggregate.beside.pairing import BesidePolicy, LoopPair
from aggregate.beside_answers import CHECK_COLUMNS, TRAFFIC_COLUMNS, BesideAnswers
from aggregate.duckdb_store import DuckDBStore
from core.errors import NotFound, QueryError
from core.records import Window


def asked(store: DuckDBStore, policy: BesidePolicy | None = None) -> BesideAnswers:
    return BesideAnswers(store, lambda: END, policy)


def test_a_camera_that_keeps_to_its_loop_agrees() -> None:
    frame = asked(filled()).checks()
    assert tuple(frame.columns) == CHECK_COLUMNS
    (row,) = frame.to_dict("records")
    assert row["state"] == "agrees"
    assert row["seconds_low"] <= SECONDS <= row["seconds_high"]
    assert row["agreement"] > 0.9
    assert row["counters"] == ["scoot:1"]
    assert row["drift_low"] <= 1 <= row["drift_high"]


def test_a_camera_that_loses_a_quarter_rings_and_says_since_when() -> None:
    (row,) = asked(filled(drifts_from=42)).checks().to_dict("records")
    assert row["state"] == "drifting"
    assert abs(row["drift_since"] - (START + timedelta(days=42))) <= timedelta(days=2)
    assert row["drift"] == pytest.approx(0.75, abs=0.04)
    assert "fewer vehicles to one that passes the loop than before" in row["words"]


def test_a_loop_that_is_not_listed_is_said() -> None:
    policy = BesidePolicy(pairs=(LoopPair(zone="c:view", counters=("scoot:1", "scoot:2")),))
    (row,) = asked(filled(), policy).checks().to_dict("records")
    assert row["state"] == "unknown"
    assert row["reason"].startswith("scoot:2: no such counter")
    frame = asked(filled(), policy).traffic("c:view", Window.HOUR)
    assert frame["present_from"].tolist() == ["camera"] * 24
    assert frame["flow_from"].isna().all()


def test_each_stands_in_for_the_other_and_is_marked() -> None:
    store = filled(dark=range(HOURS - 10, HOURS - 5), silent=range(HOURS - 5, HOURS))
    frame = asked(store).traffic("c:view", Window.HOUR)
    assert tuple(frame.columns) == TRAFFIC_COLUMNS
    assert len(frame) == 24
    dark, silent = frame.iloc[14:19], frame.iloc[19:24]
    assert dark["present_from"].tolist() == ["loop"] * 5
    assert (dark["present"] / (dark["flow_per_hour"] * SECONDS / 3600)).between(0.8, 1.25).all()
    assert (dark["present_low"] < dark["present"]).all()
    assert silent["flow_from"].tolist() == ["camera"] * 5
    assert (silent["flow_high"] > silent["flow_per_hour"]).all()
    assert silent["loop_coverage"].tolist() == [0.0] * 5
    assert silent["reason"].str.startswith("not all of the loops have counted").all()
    assert frame.iloc[:14]["reason"].isna().all()
    assert frame.iloc[:14]["flow_low"].isna().all()


def test_what_neither_knows_is_null_with_the_reason() -> None:
    both = range(HOURS - 3, HOURS)
    frame = asked(filled(dark=both, silent=both)).traffic("c:view", Window.HOUR).tail(3)
    assert frame[["present", "flow_per_hour"]].isna().all(axis=None)
    assert frame["reason"].tolist() == ["neither camera nor loops have counted here"] * 3


def test_questions_without_an_answer_say_what_to_do() -> None:
    answers = asked(filled())
    with pytest.raises(NotFound, match="no zone 'd:view'"):
        answers.traffic("d:view", Window.HOUR)
    with pytest.raises(QueryError, match="not by 5m"):
        answers.traffic("c:view", Window.FIVE_MINUTES)
    far = asked(filled(), BesidePolicy(reach_m=10))
    assert far.checks().empty
    with pytest.raises(NotFound, match="no loops beside it"):
        far.traffic("c:view", Window.HOUR)
