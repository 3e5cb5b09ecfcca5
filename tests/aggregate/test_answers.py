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
from core.records import Camera, CountObservation, Status, Window, Zone

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


def test_a_window_narrower_than_the_cadence_blames_no_camera(answers: Answers) -> None:
    """
    12:00       12:05       12:10       12:15       12:20     park: one clip every 10 minutes
      1           none due    1           none due
    """
    query = ReadingQuery(
        zones=("park:road",), series=("vehicles",), window=Window.FIVE_MINUTES, start=at(0), end=at(20)
    )
    none_due = (None, "missing", "no clip in this window: the camera gives one every 10 min")
    seen = (1, "observed", None)
    assert [row[1:] for row in brief(answers.readings(query))] == [seen, none_due, seen, none_due]


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
    assert set(answers.readings(query)["reason"]) == {"no clip in this window: the camera gives one every 5 min"}
    last = answers.readings(ReadingQuery(**{**vars(query), "offset": expected - 1}))
    assert last["start"].tolist() == [pd.Timestamp(at(45))]


def test_the_box_selects_by_position(answers: Answers) -> None:
    assert [camera.id for camera in answers.cameras((-0.2, 51.4, 0, 51.6))] == ["park", "tower"]
    assert [camera.id for camera in answers.cameras((-0.15, 51.51, -0.15, 51.51))] == ["park"]
    frame = answers.readings(ReadingQuery(bbox=(24, 60, 25, 61)))
    assert set(frame["camera"]) == {"esplanadi"}
    assert len(answers.readings(ReadingQuery(bbox=(0, 0, 1, 1)))) == 0


def test_as_of_answers_what_was_known(store: DuckDBStore, answers: Answers) -> None:
    known = answers.readings(ReadingQuery(zones=("tower:view",), as_of=CLOCK.now()))
    assert (known["revision"] > 0).any()
    before = answers.readings(ReadingQuery(zones=("tower:view",), as_of=CLOCK.now() - timedelta(days=1)))
    assert len(before) == 0, "nothing was stored then, so nothing had begun"


def recounted(minutes: float, number: float, hours: float = 0) -> CountObservation:
    """Counted `hours` after 12:30, whenever the clip was."""
    return counted(at(minutes), figures(car=number), counted_at=at(30) + timedelta(hours=hours))


def test_replaying_the_same_counts_leaves_what_was_known_before() -> None:
    """
    processing time   1st replay        as_of        2nd replay: newer counts, the same figures
                      0 h               0.5 h        1 h          (and a 3rd after 2 h)
    """
    store, clock = DuckDBStore.open(None), StoppedClock()
    store.save_cameras([TOWER])
    aggregator, answers = Aggregator(store, AggregatePolicy(), clock), Answers(store, clock)
    between = clock.now() + timedelta(hours=0.5)
    query = ReadingQuery(window=Window.FIVE_MINUTES, as_of=between)
    for hours in range(3):
        aggregator.accept([recounted(minutes, 2, hours) for minutes in range(0, 60, 5)])
        known = answers.readings(query)
        assert known["mean"].notna().sum() == 2 * 12
        assert len(known) == 2 * 12
        if hours == 0:
            first = known
        pd.testing.assert_frame_equal(known, first)
        clock.sleep(3600)
    store.close()


def test_as_of_an_open_window_the_provisional_reading_is_said_to_be_gone() -> None:
    """
    event time   12:00   12:05 | as_of |  12:10     12:15 .. 13:00: closes the quarter, then 12:10 is recounted
    quarter        r1      r1  |       |   r1 replaced in place          r2
    """
    store, clock = DuckDBStore.open(None), StoppedClock()
    store.save_cameras([TOWER])
    aggregator, answers = Aggregator(store, AggregatePolicy(), clock), Answers(store, clock)

    def quarter(as_of: datetime) -> tuple[str, Any, str, str | None]:
        query = ReadingQuery(series=("vehicles",), start=at(0), end=at(15), as_of=as_of)
        (row,) = brief(answers.readings(query))
        return row

    aggregator.accept([recounted(0, 2), recounted(5, 2)])
    open_then = clock.now()
    assert quarter(open_then) == ("12:00", 2, "partial", "window still open: 2 of 3 clips so far")
    clock.sleep(600)
    aggregator.accept([recounted(10, 5)])
    aggregator.accept([recounted(60, 0)])
    closed_then = clock.now()
    clock.sleep(600)
    aggregator.accept([recounted(10, 8, hours=1)])
    assert quarter(open_then) == (
        "12:00",
        None,
        "missing",
        "no reading from 2026-01-01T00:00:00Z or before is kept: if there was one, it was provisional and has been "
        "replaced since",
    )
    assert quarter(closed_then) == ("12:00", 3, "observed", None)
    assert quarter(clock.now()) == ("12:00", 4, "observed", None)
    unseen = answers.readings(ReadingQuery(start=at(30), end=at(45), as_of=closed_then))
    assert set(unseen["reason"]) == {"no reading from 2026-01-01T00:10:00Z or before"}
    store.close()


def test_a_zone_given_to_another_camera_does_not_answer_with_the_figures_of_the_old_one() -> None:
    """The old camera is no longer configured; its pavement has the same name at the new one."""
    pavement = (Zone(id="pavement", name="Pavement"),)
    old, new = (TOWER.model_copy(update={"id": name, "zones": pavement}) for name in ("old", "new"))
    store = DuckDBStore.open(None)
    aggregator, answers = Aggregator(store, AggregatePolicy(), CLOCK), Answers(store, CLOCK)
    query = ReadingQuery(window=Window.FIVE_MINUTES, series=("vehicles",))
    store.save_cameras([old])
    aggregator.accept([counted(at(0), figures(car=2), camera="old", zone="pavement")])
    store.save_cameras([new])
    assert answers.cameras() == [new]
    assert len(answers.readings(query)) == 0
    aggregator.accept([counted(at(5), figures(car=4), camera="new", zone="pavement")])
    assert aggregator.rebuild(at(0), at(5)) == 0
    assert brief(answers.readings(ReadingQuery(series=("vehicles",))))[0][1] == 4
    found = answers.readings(ReadingQuery(window=Window.FIVE_MINUTES, series=("vehicles",), start=at(0)))
    assert found["mean"].isna().tolist() == [True, False]
    store.save_cameras([old])
    assert brief(answers.readings(query)) == [("12:00", 2, "observed", None)]
    store.close()


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
        (ReadingQuery(bbox=(0, 52, 1, 51)), "south beyond its north. corners are swapped? give west,south,east,north"),
        (ReadingQuery(bbox=(170, -90, -0.1, 90)), "west beyond its east. corners are swapped?"),
        (ReadingQuery(bbox=(-200, 51, 1, 52)), "not in degrees"),
        (ReadingQuery(bbox=(float("nan"), 51, 1, 52)), "not in degrees"),
    ],
)
def test_a_malformed_question_is_refused_with_a_remedy(answers: Answers, query: ReadingQuery, said: str) -> None:
    with pytest.raises(QueryError) as refused:
        answers.readings(query)
    assert said in str(refused.value)
    assert refused.value.remedy


def test_cameras_that_were_saved_anew_answer_at_once() -> None:
    """The zones of all cameras are kept between two questions, and no longer than the cameras are the same."""
    store = DuckDBStore.open(None)
    store.save_cameras([TOWER, PARK])
    answers = Answers(store, StoppedClock(NOON), live=True)
    before = answers.zones(ReadingQuery())
    assert answers.zones(ReadingQuery()) is before
    changed = TOWER.model_copy(update={"cadence_s": 60.0, "zones": (Zone(id="tower:new", name="new"),)})
    store.save_cameras([changed])
    assert [(one.zone, one.camera) for one in answers.zones(ReadingQuery())] == [(changed.zones[0], changed)]
    latest = answers.latest(series=("people",))
    assert latest[["zone", "clips_expected"]].to_numpy().tolist() == [["tower:new", 15]]
    store.close()


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
