"""Live, replay and backfill give the same readings; late data revises; nothing is counted twice."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from street_counts import NOON, PARK, TOWER, StoppedClock, counted, figures

from aggregate import aggregator as aggregator_module
from aggregate.aggregator import Aggregator
from aggregate.answers import Answers, ReadingQuery
from aggregate.duckdb_store import DuckDBStore
from aggregate.policy import FUTURE_TOLERANCE, AggregatePolicy
from aggregate.tables import Clips, Spans
from core.records import Camera, CountObservation, Reading, Status, Window

DAY = (NOON - timedelta(days=2), NOON + timedelta(days=2))


class Street:
    """A store in memory, its aggregator and a clock that moves one second per accepted batch."""

    def __init__(self, policy: AggregatePolicy | None = None, cameras: tuple[Camera, ...] = (TOWER, PARK)) -> None:
        self.store = DuckDBStore.open(None)
        self.store.save_cameras(cameras)
        self.clock = StoppedClock()
        self.aggregator = Aggregator(self.store, policy or AggregatePolicy(), self.clock)

    def accept(self, *observations: CountObservation) -> list[Reading]:
        self.clock.sleep(1)
        return self.aggregator.accept(observations)

    def quarter(self, as_of: datetime | None = None) -> tuple[float | None, int]:
        """Mean number of vehicles from 12:00 to 12:15 at the tower, and its revision."""
        table = self.store.readings(
            window=Window.QUARTER,
            series=("vehicles",),
            start=NOON,
            end=NOON + timedelta(minutes=1),
            zones=["tower:view"],
            as_of=as_of,
        )
        return (None, 0) if len(table) == 0 else (float(table.mean[0, 0]), int(table.revision[0]))

    def rows(self, start: datetime, end: datetime) -> set[Reading]:
        """The current readings of [start, end), made alike in revision and time of derivation."""
        found: set[Reading] = set()
        for window in Window:
            table = self.store.readings(window=window, series=("people", "vehicles"), start=start, end=end)
            found.update(reading.model_copy(update={"revision": 1, "derived_at": NOON}) for reading in table.records())
        return found


@pytest.fixture
def street() -> Iterator[Street]:
    street = Street()
    yield street
    street.store.close()


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def cars(minutes: float, number: float, **more: object) -> CountObservation:
    return counted(at(minutes), figures(car=number), **more)  # type: ignore[arg-type]


def test_an_open_window_is_replaced_in_place(street: Street) -> None:
    """
    event time  12:00     12:05     12:10     12:15
                  2         4         6         |
    mean          2         3         4
    revision      1         1         1
    """
    for minutes, number, mean in ((0, 2, 2), (5, 4, 3), (10, 6, 4)):
        street.accept(cars(minutes, number))
        assert street.quarter() == (mean, 1)


def test_many_zones_are_derived_some_at_a_time(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each needs the clips of its day: those of all zones of a city have no room in a worker that is behind."""
    counts = [cars(minutes, minutes + 1, camera=camera) for minutes in (0, 5) for camera in ("tower", "park")]
    together = street.accept(*counts)
    apart, asked = Street(), []
    clips = apart.store.clips

    def watched(spans: Spans) -> Clips:
        asked.append(set(spans.zone.tolist()))
        return clips(spans)

    monkeypatch.setattr(apart.store, "clips", watched)
    monkeypatch.setattr(aggregator_module, "_ZONES_AT_ONCE", 1)
    assert set(apart.accept(*counts)) == set(together)
    assert asked == [{"tower:view"}, {"park:view"}]
    assert apart.rows(*DAY) == street.rows(*DAY)
    apart.store.close()


def test_a_late_count_is_a_new_revision_and_the_older_one_stays_for_as_of(street: Street) -> None:
    """
    allowed lateness 15 minutes

    12:00  12:05  12:10  12:15             12:30
      2      4      x      |----- open -----|  closed
                                            ^ watermark
                    9   comes now: revision 2
    """
    street.accept(cars(0, 2))
    street.accept(cars(5, 4))
    street.accept(cars(30, 0))
    before = street.clock.time
    changed = street.accept(cars(10, 9))
    assert street.quarter() == (5, 2)
    assert {reading.revision for reading in changed if reading.window == Window.QUARTER} == {2}
    assert street.quarter(as_of=before) == (3, 1)
    assert street.quarter(as_of=before - timedelta(days=1)) == (None, 0)
    street.accept(cars(12, 1))
    assert street.quarter() == (4, 3)
    assert street.quarter(as_of=before + timedelta(seconds=1)) == (5, 2)


@pytest.mark.parametrize(("watermark_s", "revision"), [(29 * 60 + 59.999999, 1), (30 * 60, 2)])
def test_a_window_closes_exactly_when_the_watermark_reaches_end_plus_lateness(
    street: Street, watermark_s: float, revision: int
) -> None:
    street.accept(cars(0, 2))
    street.accept(counted(NOON + timedelta(seconds=watermark_s), figures(car=0)))
    street.accept(cars(5, 4))
    assert street.quarter() == (3, revision)


def test_lateness_is_judged_before_the_batch(street: Street) -> None:
    """A recorded day in one batch is on time, however its clips are shuffled."""
    street.accept(cars(0, 2))
    street.accept(cars(120, 0), cars(5, 4))
    assert street.quarter() == (3, 1)


def test_another_camera_does_not_close_the_windows_of_this_one(street: Street) -> None:
    street.accept(cars(0, 2))
    street.accept(counted(at(600), camera="park", zone="park:road"))
    street.accept(cars(5, 4))
    assert street.quarter() == (3, 1)


def test_redelivery_leaves_no_trace(street: Street) -> None:
    batch = [cars(0, 2), cars(5, 4), cars(60, 1)]
    street.accept(*batch)
    assert street.accept(*batch) == []
    assert street.accept(*reversed(batch), *batch) == []
    # Counted anew after a crash, with the same result: another time of counting, the same figures.
    again = [one.model_copy(update={"counted_at": one.counted_at + timedelta(hours=1)}) for one in batch]
    assert street.accept(*again) == []
    assert street.quarter() == (3, 1)


def test_a_recount_with_another_result_revises_a_closed_window(street: Street) -> None:
    street.accept(cars(0, 2), cars(5, 4), cars(60, 1))
    street.accept(cars(5, 8, counted_at=at(100)))
    assert street.quarter() == (5, 2)
    # The older count, delivered once more, does not win back its place.
    assert street.accept(cars(5, 4)) == []


def test_two_models_never_count_twice(street: Street) -> None:
    street.accept(cars(0, 2, model="a@1"), cars(0, 6, model="b@1", counted_at=at(10)))
    assert street.quarter() == (6, 1)
    street.accept(cars(0, 3, model="c@1", counted_at=at(5)))
    assert street.quarter() == (6, 1)


def test_what_a_crash_left_underived_is_derived_on_redelivery(street: Street) -> None:
    street.store.upsert_observations([cars(0, 2)])
    assert street.quarter() == (None, 0)
    assert street.accept(cars(0, 2))
    assert street.quarter() == (2, 1)


def test_an_error_on_the_way_undoes_the_whole_batch(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(DuckDBStore, "save_readings", broken)
    with pytest.raises(OSError, match="disk full"):
        street.accept(cars(0, 2))
    assert street.store.watermark("tower") is None
    assert street.store.observations("tower:view", *DAY) == []


def test_counts_of_an_unknown_camera_are_kept_and_told(caplog: pytest.LogCaptureFixture) -> None:
    """The rest of the batch goes on; once the camera is known its time can be rebuilt."""
    street = Street(cameras=(PARK,))
    with caplog.at_level(logging.WARNING):
        changed = street.accept(cars(0, 2), counted(at(0), camera="park", zone="park:road"))
    assert {reading.camera for reading in changed} == {"park"}
    assert "camera tower is not in the store" in caplog.text
    assert "run busyness rebuild CONFIG" in caplog.text
    street.store.save_cameras([TOWER, PARK])
    assert street.aggregator.rebuild(*DAY) > 0
    assert street.quarter() == (2, 1)


def test_rebuilding_the_extent_is_everything(street: Street) -> None:
    """Both ends are included: a store that was filled without an aggregator gives what a live one gave."""
    batch = [cars(-1441, 3), cars(0, 2), cars(5, 4), cars(60, 1)]
    street.accept(*batch)
    bare = Street()
    bare.store.upsert_observations(batch)
    extent = bare.store.extent()
    assert extent == (at(-1441), at(60))
    assert bare.aggregator.rebuild(*extent) > 0
    assert bare.rows(*DAY) == street.rows(*DAY)
    assert bare.aggregator.rebuild(*extent) == 0
    bare.store.close()


def test_a_clip_from_the_future_is_refused_and_told(street: Street, caplog: pytest.LogCaptureFixture) -> None:
    """It would close every window of its camera and move the present of every answer, for good."""
    stamped_2099 = counted(datetime(2099, 1, 1, tzinfo=UTC))
    with caplog.at_level(logging.WARNING):
        changed = street.accept(cars(0, 2), stamped_2099)
    assert {reading.start.year for reading in changed} == {2017}
    assert "camera tower: the clip of 2099-01-01T00:00:00+00:00 is from the future" in caplog.text
    assert street.aggregator.refused == 1
    assert street.store.extent() == (at(0), at(0))
    assert street.store.watermark("tower") == at(0)
    assert street.accept(stamped_2099) == []
    assert street.aggregator.refused == 2
    street.accept(cars(5, 4))
    assert street.quarter() == (3, 1), "the window is still open: nothing was revised"


@pytest.mark.parametrize(("ahead", "refused"), [(FUTURE_TOLERANCE, 0), (FUTURE_TOLERANCE + timedelta(seconds=1), 1)])
def test_a_clock_that_is_a_little_behind_refuses_nothing(street: Street, ahead: timedelta, refused: int) -> None:
    street.aggregator.accept([counted(street.clock.now() + ahead)])
    assert street.aggregator.refused == refused
    assert (street.store.extent() is None) == bool(refused)


def test_a_clock_set_back_does_not_reorder_revisions(street: Street) -> None:
    street.accept(cars(0, 2), cars(60, 0))
    derived = street.clock.time
    street.clock.time = derived - timedelta(days=1)
    street.accept(cars(5, 4))
    assert street.quarter() == (3, 2)
    assert street.quarter(as_of=derived) == (3, 2)


def test_what_is_announced_is_what_is_answered(street: Street) -> None:
    """The live feed and the API say the same of a window that goes on, reason included."""
    changed = street.accept(cars(0, 2), cars(5, 0, status=Status.DARK))
    said = {(one.window, one.start): (one.mean, one.reason) for one in changed if one.series == "vehicles"}
    answers = Answers(street.store, street.clock)
    for window in Window:
        rows = answers.readings(ReadingQuery(window=window, series=("vehicles",), zones=("tower:view",)))
        for row in rows[rows["revision"] > 0].to_dict("records"):
            mean = None if row["state"] == "missing" else row["mean"]
            assert (mean, row["reason"]) == said.pop((window, row["start"].to_pydatetime()))
    assert said == {}
    (quarter,) = [one for one in changed if one.window is Window.QUARTER and one.series == "vehicles"]
    assert (quarter.mean, quarter.reason) == (2, "window still open: 1 of 3 clips so far; 1 dark")


def test_no_observations_no_readings(street: Street) -> None:
    assert street.accept() == []
    assert street.aggregator.rebuild(*DAY) == 0


def _counts() -> st.SearchStrategy[CountObservation]:
    def build(zone: str, minutes: int, number: float, model: str, counted_minutes: int, bad: bool) -> CountObservation:
        return counted(
            at(minutes),
            figures(pedestrian=number, car=2 * number),
            camera=zone.split(":", maxsplit=1)[0],
            zone=zone,
            status=Status.SMEARED if bad else Status.OK,
            model=model,
            counted_at=at(2000 + counted_minutes),
        )

    return st.builds(
        build,
        zone=st.sampled_from(["tower:view", "park:road", "park:pavement"]),
        # Around midnight, noon, and the ends of windows.
        minutes=st.sampled_from([-721, -720, -1, 0, 1, 5, 14, 15, 30, 60, 719, 720]),
        number=st.sampled_from([0.0, 0.1, 0.7, 3.3, 12.0]),
        model=st.sampled_from(["a@1", "b@1"]),
        counted_minutes=st.integers(0, 2),
        bad=st.booleans(),
    )


def _another_week(observations: list[CountObservation], weeks: int) -> list[CountObservation]:
    """The same counts `weeks` later, so that a store can serve many examples."""
    ahead = timedelta(weeks=weeks)
    return [
        counted(
            one.event_time + ahead,
            one.present,
            camera=one.camera,
            zone=one.zone,
            status=one.status,
            model=one.model,
            counted_at=one.counted_at + ahead,
        )
        for one in observations
    ]


@pytest.fixture(scope="module")
def streets() -> Iterator[tuple[Street, Street, Street]]:
    three = Street(), Street(), Street()
    yield three
    for street in three:
        street.store.close()


weeks = itertools.count()


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), observations=st.lists(_counts(), min_size=1, max_size=10))
def test_any_order_batching_repetition_and_rebuild_give_the_same_rows(
    streets: tuple[Street, Street, Street], data: st.DataObject, observations: list[CountObservation]
) -> None:
    """Live (in order of event time), replay (shuffled batches with repeats) and backfill (stored, then rebuilt)."""
    live, replay, backfill = streets
    week = next(weeks)
    between = (DAY[0] + timedelta(weeks=week), DAY[1] + timedelta(weeks=week))
    observations = _another_week(observations, week)
    in_order = sorted(observations, key=lambda one: one.event_time)
    for _, together in itertools.groupby(in_order, key=lambda one: one.event_time):
        live.accept(*together)
    repeats = data.draw(st.lists(st.integers(0, len(observations) - 1), max_size=5))
    order = data.draw(st.permutations([*range(len(observations)), *repeats]))
    shuffled = [observations[position] for position in order]
    size = data.draw(st.integers(3, 10))
    for first in range(0, len(shuffled), size):
        replay.accept(*shuffled[first : first + size])
    part = data.draw(st.integers(0, len(shuffled)))
    backfill.store.upsert_observations(shuffled[part:])
    backfill.accept(*shuffled[:part])
    backfill.aggregator.rebuild(*between)
    assert replay.rows(*between) == live.rows(*between)
    assert backfill.rows(*between) == live.rows(*between)


def test_a_day_across_the_change_of_clocks_is_one_reading() -> None:
    """26 March 2017 in London has 23 hours, so 276 clips every 5 minutes are all of them."""
    street = Street()
    midnight = datetime(2017, 3, 26, tzinfo=UTC)
    street.accept(*(counted(midnight + timedelta(minutes=5 * n)) for n in range(276)))
    table = street.store.readings(
        window=Window.DAY, series=("people",), start=midnight, end=midnight + timedelta(hours=30)
    )
    assert (table.clips_counted.tolist(), table.clips_expected.tolist()) == ([276], [276])
    street.store.close()
