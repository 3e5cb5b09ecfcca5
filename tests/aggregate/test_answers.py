"""Answers leave no gap unsaid, never pass off an old figure as current, and name what they do not know."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from street_counts import NOON, PARK, TOWER, StoppedClock, counted, figures

from aggregate.aggregator import Aggregator
from aggregate.answers import CAMERA_STATE_COLUMNS, READING_COLUMNS, Answers, ReadingQuery
from aggregate.duckdb_store import DuckDBStore
from aggregate.policy import AggregatePolicy
from core.errors import NotFound, QueryError
from core.records import Camera, Status, Window

HELSINKI = Camera(id="esplanadi", name="Esplanadi", lat=60.17, lon=24.94, timezone="Europe/Helsinki", cadence_s=300)
CLOCK = StoppedClock()


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


@pytest.fixture(scope="module")
def store() -> Iterator[DuckDBStore]:
    """
    tower     12:00 2 cars, 12:05 4, 12:10 smeared | 12:20 placeholder | 12:40 1, 12:45 3
    park      12:00 and 12:10 one on the pavement and one on the road, then nothing: quiet
    esplanadi never sent a clip
    """
    store = DuckDBStore.open(None)
    store.save_cameras([TOWER, PARK, HELSINKI])
    aggregator = Aggregator(store, AggregatePolicy(), CLOCK)
    aggregator.accept(
        [
            counted(at(0), figures(car=2)),
            counted(at(5), figures(car=4)),
            counted(at(10), status=Status.SMEARED),
            counted(at(20), status=Status.PLACEHOLDER),
            counted(at(40), figures(car=1)),
            counted(at(45), figures(car=3)),
            *(
                counted(at(minutes), figures(pedestrian=1, car=1), camera="park", zone=zone)
                for minutes in (0, 10)
                for zone in ("park:road", "park:pavement")
            ),
        ]
    )
    yield store
    store.close()


@pytest.fixture
def answers(store: DuckDBStore) -> Answers:
    return Answers(store, CLOCK)


def brief(frame: pd.DataFrame) -> list[tuple[str, Any, str, str | None]]:
    """(start, mean, state, reason) of each row."""
    return [
        (row["start"].strftime("%H:%M"), None if pd.isna(row["mean"]) else row["mean"], row["state"], row["reason"])
        for row in frame.to_dict("records")
    ]


def test_every_window_is_a_row_counted_or_not(answers: Answers) -> None:
    frame = answers.readings(ReadingQuery(zones=("tower:view",), series=("vehicles",)))
    assert tuple(frame.columns) == READING_COLUMNS
    assert brief(frame) == [
        ("12:00", 3, "partial", "2 of 3 clips counted; 1 smeared"),
        ("12:15", None, "missing", "placeholder (1 of 3 clips), 2 not received"),
        ("12:30", 1, "partial", "1 of 3 clips counted; 2 not received"),
        ("12:45", 3, "partial", "window still open: 1 of 3 clips so far"),
    ]


def test_a_window_without_any_clip_is_missing_not_zero(answers: Answers) -> None:
    row = answers.readings(ReadingQuery(zones=("park:road",), start=at(15), end=at(30))).iloc[0]
    assert (row["state"], row["reason"], row["revision"]) == ("missing", "no clip received", 0)
    assert row[["mean", "low", "high", "peak", "stationary_share", "derived_at"]].isna().all()
    assert (row["clips_counted"], row["clips_expected"], row["coverage"]) == (0, 1, 0)


def test_rows_come_by_start_zone_and_class(answers: Answers) -> None:
    frame = answers.readings(ReadingQuery(series=("vehicles", "people", "vehicles"), start=at(0), end=at(30)))
    keys = list(zip(frame["start"], frame["zone"], frame["class"], strict=True))
    zones = ["esplanadi:view", "park:pavement", "park:road", "tower:view"]
    starts = [pd.Timestamp(at(0)), pd.Timestamp(at(15))]
    assert keys == [(s, z, c) for s in starts for z in zones for c in ("vehicles", "people")]


@pytest.mark.parametrize("window", list(Window))
def test_pages_put_together_are_the_whole(answers: Answers, window: Window) -> None:
    """Of every size, also where a page ends between two classes of one zone."""
    series = ("people", "vehicles", "bus")
    whole = answers.readings(ReadingQuery(window=window, series=series))
    total = answers.row_count(ReadingQuery(window=window, series=series))
    assert len(whole) == total
    for size in (5, total) if total < 60 else (97,):
        pages = [
            answers.readings(ReadingQuery(window=window, series=series, limit=size, offset=offset))
            for offset in range(0, total, size)
        ]
        pd.testing.assert_frame_equal(pd.concat(pages, ignore_index=True), whole)
    assert len(answers.readings(ReadingQuery(window=window, series=series, offset=total))) == 0


def test_days_follow_the_clock_of_each_camera(answers: Answers) -> None:
    """The 9th begins at midnight in London and at 22:00 UTC the evening before in Helsinki."""
    frame = answers.readings(ReadingQuery(window=Window.DAY, series=("people",)))
    starts = dict(zip(frame["zone"], frame["start"], strict=True))
    assert starts["tower:view"] == pd.Timestamp(datetime(2017, 3, 9, tzinfo=UTC))
    assert starts["esplanadi:view"] == pd.Timestamp(datetime(2017, 3, 8, 22, tzinfo=UTC))
    assert len(frame) == 4


def test_a_range_may_be_far_longer_than_what_is_stored(answers: Answers) -> None:
    """Asked for ten years of minutes, a page costs no more than a page; what has not begun is no row."""
    query = ReadingQuery(
        window=Window.MINUTE,
        zones=("tower:view",),
        series=("people",),
        start=datetime(2010, 1, 1, tzinfo=UTC),
        end=datetime(2020, 1, 1, tzinfo=UTC),
        limit=3,
    )
    expected = int((at(45) - datetime(2010, 1, 1, tzinfo=UTC)) / timedelta(minutes=1)) + 1
    assert answers.row_count(query) == expected
    assert set(answers.readings(query)["reason"]) == {"no clip received"}
    last = answers.readings(ReadingQuery(**{**vars(query), "offset": expected - 1}))
    assert last["start"].tolist() == [pd.Timestamp(at(45))]


def test_the_box_selects_by_position(answers: Answers) -> None:
    assert [camera.id for camera in answers.cameras((-0.2, 51.4, 0, 51.6))] == ["park", "tower"]
    assert [camera.id for camera in answers.cameras((-0.15, 51.51, -0.15, 51.51))] == ["park"]
    across_the_date_line = (170.0, -90.0, -0.1, 90.0)
    assert [camera.id for camera in answers.cameras(across_the_date_line)] == ["park"]
    frame = answers.readings(ReadingQuery(bbox=(24, 60, 25, 61)))
    assert set(frame["camera"]) == {"esplanadi"}
    assert len(answers.readings(ReadingQuery(bbox=(0, 0, 1, 1)))) == 0


def test_as_of_answers_what_was_known(store: DuckDBStore, answers: Answers) -> None:
    known = answers.readings(ReadingQuery(zones=("tower:view",), as_of=CLOCK.now()))
    assert (known["revision"] > 0).any()
    before = answers.readings(ReadingQuery(zones=("tower:view",), start=at(0), as_of=CLOCK.now() - timedelta(days=1)))
    assert before["mean"].isna().all()
    assert set(before["reason"]) == {"no reading from 2025-12-31T00:00:00Z or before"}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (ReadingQuery(zones=("tower:veiw",)), "no zone 'tower:veiw'. did you mean tower:view?"),
        (ReadingQuery(cameras=("towr",)), "no camera 'towr'. did you mean tower?"),
        (ReadingQuery(cameras=("zzz",)), "no camera 'zzz'. the cameras are listed at /v1/cameras"),
    ],
)
def test_what_is_not_known_is_named_with_what_looks_like_it(answers: Answers, query: ReadingQuery, said: str) -> None:
    with pytest.raises(NotFound) as refused:
        answers.readings(query)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (ReadingQuery(series=("pedestrians",)), "unknown class 'pedestrians'. did you mean pedestrian?"),
        (ReadingQuery(series=()), "no class was asked for"),
        (ReadingQuery(start=at(0), end=at(0)), "is empty"),
        (ReadingQuery(start=datetime(2017, 3, 9)), "has no offset. write 2017-03-09T00:00:00Z"),  # noqa: DTZ001
        (ReadingQuery(start=datetime(1971, 1, 1, tzinfo=UTC), window=Window.DAY), "has more than 3660 days"),
        (ReadingQuery(start=datetime(1, 1, 1, tzinfo=UTC)), "out of range"),
        (ReadingQuery(as_of=datetime(9999, 12, 31, tzinfo=UTC)), "out of range"),
        (ReadingQuery(limit=0), "limit is 0, expected 1 to 1000000"),
        (ReadingQuery(limit=1_000_001), "page with offset"),
        (ReadingQuery(offset=-1), "offset is -1"),
        (ReadingQuery(bbox=(0, 52, 1, 51)), "south above its north"),
        (ReadingQuery(bbox=(-200, 51, 1, 52)), "not in degrees"),
        (ReadingQuery(bbox=(float("nan"), 51, 1, 52)), "not in degrees"),
    ],
)
def test_a_malformed_question_is_refused_with_a_remedy(answers: Answers, query: ReadingQuery, said: str) -> None:
    with pytest.raises(QueryError) as refused:
        answers.readings(query)
    assert said in str(refused.value)
    assert refused.value.remedy


def test_latest_shows_the_newest_window_and_says_who_has_gone_quiet(answers: Answers) -> None:
    frame = answers.latest(series=("vehicles",)).set_index("zone")
    assert frame.loc["tower:view", ["mean", "reason"]].tolist() == [3, "window still open: 1 of 3 clips so far"]
    for zone in ("park:road", "park:pavement"):
        row = frame.loc[zone]
        assert (row["state"], row["reason"]) == ("missing", "no clip since 2017-03-09T12:10:00Z")
        assert pd.isna(row["mean"])
        assert row["start"] == pd.Timestamp(at(45)), "the present window, not the old one"
    assert frame.loc["esplanadi:view", "reason"] == "no clip received"


def test_latest_of_a_window_that_goes_on_keeps_a_quiet_camera(answers: Answers) -> None:
    """The hour from 12:00 is not over: what the park sent in it is its figure, and not an old one."""
    frame = answers.latest(window=Window.HOUR, series=("vehicles",), cameras=("park",)).set_index("zone")
    assert frame.loc["park:road", "mean"] == 1
    assert frame.loc["park:road", "reason"] == "window still open: 2 of 6 clips so far"


def test_a_live_store_is_judged_by_the_clock(store: DuckDBStore) -> None:
    """A whole feed that stopped is quiet, though each camera is as new as the others."""
    clock = StoppedClock(at(50))
    live = Answers(store, clock, live=True)
    assert live.latest(series=("vehicles",)).set_index("zone").loc["tower:view", "mean"] == 3
    clock.time = at(120)
    frame = live.latest(series=("vehicles",)).set_index("zone")
    assert frame.loc["tower:view", "reason"] == "no clip since 2017-03-09T12:45:00Z"
    assert frame["mean"].isna().all()
    rows = live.readings(ReadingQuery(zones=("tower:view",), series=("vehicles",), start=at(90)))
    assert brief(rows) == [
        ("13:30", None, "missing", "no clip received"),
        ("13:45", None, "missing", "no clip received"),
        ("14:00", None, "missing", "window still open: 0 of 3 clips so far"),
    ]


def test_camera_states(answers: Answers) -> None:
    states = answers.camera_states()
    assert tuple(states.columns) == CAMERA_STATE_COLUMNS
    states = states.set_index("camera")
    assert states.index.tolist() == ["esplanadi", "park", "tower"]
    assert states.loc["tower", "last_event_time"] == pd.Timestamp(at(45))
    assert states.loc["tower", ["last_status", "last_reason"]].tolist() == ["ok", None]
    assert states.loc["esplanadi"].isna().all()


def test_one_camera_and_the_extent(answers: Answers) -> None:
    assert answers.camera("park") == PARK
    with pytest.raises(NotFound, match="did you mean park"):
        answers.camera("prak")
    assert answers.extent() == (at(0), at(45))


def test_a_camera_whose_clock_is_decades_off_does_not_stretch_the_answer() -> None:
    """Its one clip of 1980 is stored; without a start the answer reaches back ten years, not thirty-seven."""
    store = DuckDBStore.open(None)
    store.save_cameras([TOWER])
    store.upsert_observations([counted(datetime(1980, 1, 1, tzinfo=UTC)), counted(at(0))])
    rows = Answers(store, CLOCK).row_count(ReadingQuery(window=Window.DAY, series=("people",)))
    assert 3659 <= rows <= 3660
    store.close()


def test_an_empty_store_answers_with_no_rows() -> None:
    store = DuckDBStore.open(None)
    store.save_cameras([TOWER])
    for live in (False, True):
        answers = Answers(store, CLOCK, live=live)
        assert answers.extent() is None
        assert tuple(answers.readings(ReadingQuery()).columns) == READING_COLUMNS
        assert len(answers.readings(ReadingQuery())) == 0
        assert len(answers.latest()) == (2 if live else 0)
        assert answers.camera_states()["camera"].tolist() == ["tower"]
    store.close()
