"""What is usual over a real store and the real model: readings, comparisons, forecasts, references, the live rows."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from aggregate.answers import Answers
from aggregate.baseline_builder import BaselineBuilder
from aggregate.duckdb_store import DuckDBStore
from aggregate.tables import FIGURES, GROUND, ReadingTable, moment, text
from aggregate.usual.calendar import Calendar
from aggregate.usual.policy import Period, UsualPolicy
from aggregate.usual_answers import UsualAnswers
from api.rows import reading_rows
from api.usual_rows import (
    COMPARISONS_SCHEMA,
    FORECASTS_SCHEMA,
    ComparisonRow,
    ComparisonsAnswer,
    ForecastRow,
    ForecastsAnswer,
    ReferencesAnswer,
)
from core.figures import SERIES, Figures
from core.records import Camera, CountObservation, Reading, Status, TrustState, Window, Zone, ZoneKind, observation_id

MONDAY = datetime(2017, 5, 1, tzinfo=UTC)
WEEKS = 6
NOW = MONDAY + timedelta(weeks=WEEKS, hours=14, minutes=5)
SQUARE = Camera(
    id="square",
    name="Square",
    lat=51.5,
    lon=-0.1,
    zones=(
        Zone(id="square:pavement", name="Pavement", kind=ZoneKind.PAVEMENT),
        Zone(id="square:crossing", name="Crossing", kind=ZoneKind.CROSSING),
    ),
)
NEW = Camera(id="new", name="New Street", lat=51.51, lon=-0.12, cadence_s=300)
BEFORE = Period(name="before the works", start=date(2017, 5, 1), end=date(2017, 5, 28))


class Clock:
    def now(self) -> datetime:
        return NOW

    def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing here waits")


def level(hours: np.ndarray) -> np.ndarray:
    """People in the square: most at noon, a third fewer from the sixth week on, when the works begin."""
    of_day = 2 + 8 * np.exp(-((hours % 24 - 12) ** 2) / 18)
    return of_day * np.where(hours >= 5 * 168, 0.67, 1)


def table(zone: Zone, camera: Camera, window: Window, width: timedelta, since: datetime) -> ReadingTable:
    """Readings of a zone by the level above, with noise of its own."""
    rng = np.random.default_rng([len(zone.id), int(width.total_seconds())])
    rows = int((NOW.replace(minute=0) - since) / width)
    ahead = np.arange(rows) * (width / timedelta(hours=1))
    hours = ahead + (since - MONDAY) / timedelta(hours=1)
    people = rng.poisson(level(hours) * 12) / 12
    share = np.array([1.0 if name in ("pedestrian", "people") else 0.0 for name in SERIES])
    mean = people[:, None] * share
    figures = dict.fromkeys(FIGURES, mean) | {"low": mean * 0.8, "high": mean * 1.2 + 0.1}
    starts = moment(since) + np.arange(rows) * np.timedelta64(int(width.total_seconds()), "s")
    ends = starts + np.timedelta64(int(width.total_seconds()), "s")
    plain: dict[str, Any] = {name: np.full(rows, np.nan) for name in GROUND}
    return ReadingTable(
        series=SERIES,
        zone=text([zone.id] * rows),
        camera=text([camera.id] * rows),
        window=text([window.value] * rows),
        start=starts,
        end=ends,
        **figures,
        **plain,
        coverage=np.ones(rows),
        clips_counted=np.full(rows, 12),
        clips_expected=np.full(rows, 12),
        state=text([TrustState.OBSERVED.value] * rows),
        reason=text([None] * rows),
        revision=np.ones(rows, dtype=np.int64),
        derived_at=ends,
    )


def clip(camera: Camera, at: datetime) -> CountObservation:
    figures = Figures.of([0.0] * len(SERIES))
    zone = camera.counted_zones[0].id
    return CountObservation(
        id=observation_id(camera.id, zone, at, "m"), camera=camera.id, zone=zone, event_time=at, duration_s=10,
        status=Status.OK, frames=8, present=figures, peak=figures, spread=figures, stationary=figures, model="m",
        counted_at=at,
    )  # fmt: skip


@pytest.fixture(scope="module")
def answers() -> Iterator[Answers]:
    """Six weeks of a square, nine hours of a new camera, and the baselines of both."""
    store = DuckDBStore.open(None)
    store.save_cameras([SQUARE, NEW])
    store.upsert_observations([clip(one, at) for one in (SQUARE, NEW) for at in (MONDAY, NOW)])
    for camera, since in ((SQUARE, MONDAY), (NEW, NOW.replace(minute=0) - timedelta(hours=23))):
        for zone in camera.counted_zones:
            for window, width in ((Window.QUARTER, timedelta(minutes=15)), (Window.HOUR, timedelta(hours=1))):
                store.save_readings(table(zone, camera, window, width, since))
    builder = BaselineBuilder(store, Calendar.plain(), UsualPolicy(classes=("people",)), [BEFORE])
    builder.build(builder.plan(NOW), NOW)
    yield Answers(store, Clock(), live=True, usual=UsualAnswers(store, Calendar.plain(), [BEFORE]))
    store.close()


@pytest.fixture(scope="module")
def square(answers: Answers, make_street: Callable[..., Any]) -> Any:
    return make_street(answers=answers)


def test_a_reading_is_held_against_what_is_usual_at_its_hour(square):
    hours = "from=2017-05-31T00:00:00Z&to=2017-06-01T00:00:00Z&window=60m&class=people&zone=square:pavement"
    rows = square.get(f"/v1/readings?{hours}").json()["readings"]
    assert {row["baseline_state"] for row in rows} == {"ok"}
    for row, expected in zip(rows, level(np.arange(24)), strict=True):
        assert row["baseline_low"] < row["baseline"] < row["baseline_high"]
        assert row["baseline"] == pytest.approx(expected, rel=0.25)
        assert row["index"] == pytest.approx(row["mean"] / row["baseline"], rel=1e-4)
        assert row["index_low"] < row["index"] < row["index_high"]


def test_the_past_is_not_judged_by_what_was_learnt_later(square, answers):
    """The first night of the sixth week knows five weeks; the works are no part of what it calls usual."""
    hour = "window=60m&class=people&zone=square:pavement&from=2017-06-05T12:00:00Z&to=2017-06-05T13:00:00Z"
    (row,) = square.get(f"/v1/readings?{hour}").json()["readings"]
    assert row["baseline"] == pytest.approx(10, rel=0.1)
    assert row["index_high"] < 0.9


@pytest.mark.parametrize("window", ["15m", "60m", "1d"])
def test_the_newest_windows_have_an_index_and_a_new_camera_the_reason_why_not(square, window):
    rows = square.get(f"/v1/latest?class=people,vehicles&window={window}").json()["readings"]
    told = {(row["zone"], row["class"]): (row["baseline_state"], row["baseline_reason"]) for row in rows}
    assert told["square:pavement", "people"] == ("ok", None)
    assert told["square:pavement", "vehicles"][0] == "none"
    state, reason = told["new:view", "people"]
    assert state == "insufficient_history"
    assert reason.startswith("8 hours of its own past")  # to midnight


def test_a_day_that_goes_on_is_not_held_against_a_whole_one(square):
    """The store has no readings of days: made here from what it would have of the morning, and of the whole day."""
    (row,) = square.get("/v1/latest?class=people&window=1d&camera=square").json()["readings"][1:]
    assert row["baseline"] is not None
    day = Reading(
        zone=row["zone"], camera="square", series="people", window=Window.DAY,
        start=datetime.fromisoformat(row["start"]), end=datetime.fromisoformat(row["end"]), mean=4, low=3, high=5,
        peak=9, stationary_share=None, coverage=0.5, clips_counted=144, clips_expected=288,
        state=TrustState.PARTIAL, reason="open", revision=1, derived_at=NOW,
    )  # fmt: skip
    whole = day.model_copy(update={"coverage": 0.9})
    answers = square.answers
    zones = {one.zone.id: one for one in answers.zones(_everything())}
    morning, evening = reading_rows([day, whole], zones, answers.usual)
    assert (morning["index"], morning["baseline"]) == (None, row["baseline"])
    assert morning["baseline_reason"].startswith("too little of the day was counted")
    assert evening["index"] == pytest.approx(4 / row["baseline"], abs=1e-6)
    assert evening["baseline_reason"] is None


@pytest.mark.parametrize("window", ["1m", "5m"])
def test_minutes_are_neither_usual_nor_not(square, window):
    row = square.get(f"/v1/latest?class=people&window={window}").json()["readings"][0]
    assert (row["baseline"], row["index"], row["baseline_state"]) == (None, None, "none")
    assert "too short" in row["baseline_reason"]


def test_live_rows_have_the_same_usual_as_those_of_latest(square, answers):
    (row,) = square.get("/v1/latest?class=people&window=60m&camera=square").json()["readings"][1:]
    start = datetime.fromisoformat(row["start"])
    reading = Reading(
        zone=row["zone"], camera="square", series="people", window=Window.HOUR, start=start,
        end=start + timedelta(hours=1), mean=5, low=4, high=6, peak=5, stationary_share=None, coverage=1,
        clips_counted=12, clips_expected=12, state=TrustState.OBSERVED, reason=None, revision=1, derived_at=NOW,
    )  # fmt: skip
    stranger = reading.model_copy(update={"zone": "gone:view"})
    zones = {one.zone.id: one for one in answers.zones(_everything())}
    live, gone = reading_rows([reading, stranger], zones, answers.usual)
    names = ("baseline", "baseline_low", "baseline_high", "baseline_state", "baseline_reason")
    assert {name: live[name] for name in names} == {name: row[name] for name in names}
    assert live["index"] == pytest.approx(5 / row["baseline"], abs=1e-6)
    assert (gone["baseline"], gone["baseline_state"]) == (None, "none")
    json.dumps([live, gone], allow_nan=False)


def _everything() -> Any:
    from aggregate.query import ReadingQuery

    return ReadingQuery()


def test_a_named_period_is_compared_with_by_hour_and_in_words(square):
    asked = "reference=before the works&class=people&zone=square:pavement&from=2017-06-05T00:00:00Z"
    answer = ComparisonsAnswer.model_validate_json(square.get(f"/v1/comparisons?{asked}").content)
    (row,) = answer.comparisons
    assert (row.reference, row.state, row.weekday, row.hour) == ("before the works", "ok", None, None)
    assert row.index == pytest.approx(0.67, abs=0.05)
    assert row.index_low is not None
    assert row.index_low < 0.67 < (row.index_high or 0)
    assert (row.words or "").endswith("% fewer)")
    assert "fewer people than in the period 'before the works' (90 % interval" in (row.words or "")
    hours = square.get(f"/v1/comparisons?{asked}&by=hour").json()["comparisons"]
    assert [one["hour"] for one in hours] == list(range(24))


def test_comparisons_of_four_weeks_come_in_every_dialect(square):
    frame = pd.read_csv(io.BytesIO(square.get("/v1/comparisons?class=people&format=csv").content))
    assert list(frame.columns) == COMPARISONS_SCHEMA.names
    assert frame["zone"].tolist() == ["new:view", "square:crossing", "square:pavement"]
    assert frame["state"].tolist() == ["insufficient_history", "ok", "ok"]
    parquet = pq.read_table(io.BytesIO(square.get("/v1/comparisons?by=hour&format=parquet").content))
    assert parquet.schema.remove_metadata() == COMPARISONS_SCHEMA
    places = square.get("/v1/comparisons?class=people&format=geojson").json()["features"]
    assert places[0]["geometry"]["coordinates"] == [-0.12, 51.51]
    for row in square.get("/v1/comparisons").json()["comparisons"]:
        ComparisonRow.model_validate_json(json.dumps(row))


def test_the_hours_to_come_have_an_interval_and_a_new_camera_has_what_is_known(square):
    answer = ForecastsAnswer.model_validate_json(square.get("/v1/forecasts?class=people&hours=6").content)
    rows = [row for row in answer.forecasts if row.zone == "square:pavement"]
    assert [row.ahead_h for row in rows] == [1, 2, 3, 4, 5, 6]
    assert rows[0].start == NOW.replace(minute=0) == rows[0].last_counted
    for row, hour in zip(rows, range(14, 20), strict=True):
        assert row.state == "ok"
        assert row.low <= row.mean <= row.high
        assert row.mean == pytest.approx(0.67 * level(np.array([hour]))[0], rel=0.4)
    (new, *_) = [row for row in answer.forecasts if row.zone == "new:view"]
    assert new.mean is not None or (new.state, new.reason) == (
        "insufficient_history", "too little of its past is known to say what comes",
    )  # fmt: skip
    csv = pd.read_csv(io.BytesIO(square.get("/v1/forecasts?class=people&zone=square:pavement&format=csv").content))
    assert list(csv.columns) == FORECASTS_SCHEMA.names
    assert len(csv) == 24
    nothing = square.get("/v1/forecasts?class=bus&zone=new:view&hours=2").json()["forecasts"]
    assert len(nothing) == 2


def test_what_can_be_compared_with_is_listed_with_its_zones(square):
    answer = ReferencesAnswer.model_validate_json(square.get("/v1/references?class=people").content)
    usual, before = answer.references
    assert (usual.reference, usual.ok, usual.insufficient_history) == ("usual", 2, 1)
    assert usual.until == datetime(2017, 6, 11, 23, tzinfo=UTC)  # midnight in London
    assert usual.built_at == NOW
    assert (before.reference, before.first_day, before.last_day) == (BEFORE.name, BEFORE.start, BEFORE.end)
    assert before.ok == 2


@pytest.mark.parametrize(
    ("status", "ask"),
    [
        (404, "/v1/readings?reference=befor the works"),
        (404, "/v1/latest?reference=none"),
        (404, "/v1/comparisons?reference=none"),
        (404, "/v1/comparisons?zone=none"),
        (404, "/v1/forecasts?zone=none"),
        (422, "/v1/comparisons?by=minute"),
        (422, "/v1/comparisons?from=2011-01-01T00:00:00Z"),
        (422, "/v1/comparisons?from=2100-01-01T00:00:00Z"),
        (422, "/v1/comparisons?from=2017-01-01T00:10Z&to=2017-01-01T00:50Z"),
        (422, "/v1/comparisons?by=week&by=hour"),
        (422, "/v1/forecasts?hours=49"),
        (422, "/v1/references?class=peple"),
        (422, "/v1/readings?reference="),
        (422, "/v1/latest?reference=usual&reference=usual"),
    ],
)
def test_what_cannot_be_answered_is_a_problem_with_its_remedy(square, assert_problem, status, ask):
    assert assert_problem(square.get(ask), status)["remedy"]


def test_schemas_records_and_frames_have_the_same_columns():
    for schema, record in ((COMPARISONS_SCHEMA, ComparisonRow), (FORECASTS_SCHEMA, ForecastRow)):
        assert [info.alias or name for name, info in record.model_fields.items()] == schema.names
    assert set(ForecastsAnswer.model_fields) == {"forecasts"}
