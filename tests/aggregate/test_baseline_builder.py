"""What is built when: nothing twice, nothing from the future, and what was interrupted is resumed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from street_counts import counted, figures
from usual_city import MONDAY, WEEK, camera, level

from aggregate import baseline_builder
from aggregate.aggregator import Aggregator
from aggregate.baseline_builder import BaselineBuilder, Task
from aggregate.duckdb_store import DuckDBStore
from aggregate.policy import AggregatePolicy
from aggregate.tables import aware, moment
from aggregate.usual.baselines import ROLLING, BaselineState
from aggregate.usual.calendar import Calendar
from aggregate.usual.policy import Period, UsualPolicy
from core.records import ZoneKind

TOWER = camera("tower", ZoneKind.PAVEMENT)
PARK = camera("park", ZoneKind.PAVEMENT)
HELSINKI = camera("esplanadi", ZoneKind.PAVEMENT, timezone="Europe/Helsinki")
NOW = MONDAY + timedelta(hours=9)
FIRST = MONDAY - 5 * WEEK
PEOPLE = UsualPolicy(classes=("people",), least_weeks=2)


class Clock:
    def now(self) -> datetime:
        return NOW

    def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing here waits")


class Fits:
    """Stands in for `fit`: remembers from what it was made; zones in `new` have too little of a past."""

    def __init__(self) -> None:
        self.made: list[tuple[str, datetime, datetime, int, list[str]]] = []
        self.new: set[str] = set()

    def __call__(self, history, calendar, policy, *, until, built_at, groups, quarters, reference):
        assert history.end == moment(until) == quarters.end
        assert len(groups) == len(history.zones)
        assert quarters.zones == history.zones
        self.made.append((reference, aware(history.start), until, quarters.steps // 96, list(history.zones)))
        table = level(*history.zones, of=1, until=until, reference=reference, since=aware(history.start))
        table.state[np.isin(history.zones, list(self.new))] = BaselineState.INSUFFICIENT_HISTORY.value
        return table


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> Fits:
    fits = Fits()
    monkeypatch.setattr(baseline_builder, "fit", fits)
    return fits


@pytest.fixture
def store() -> Iterator[DuckDBStore]:
    """Two cameras whose first clip came five weeks ago, at half past ten, and whose newest came this morning."""
    store = DuckDBStore.open(None)
    store.save_cameras([TOWER, PARK])
    moments = (FIRST + timedelta(hours=10.5), NOW)
    Aggregator(store, AggregatePolicy(), Clock()).accept(
        [
            counted(at, figures(pedestrian=2), camera=one.id, zone=one.zones[0].id)
            for at in moments
            for one in (TOWER, PARK)
        ]
    )
    yield store
    store.close()


def untils(tasks: list[Task], reference: str = ROLLING) -> list[datetime]:
    return [until for task in tasks if task.reference == reference for until in task.untils]


def test_the_first_build_makes_the_newest_first_and_then_the_weeks_before(store, fits):
    builder = BaselineBuilder(store, Calendar.plain(), PEOPLE)
    tasks = builder.plan(NOW)
    assert untils(tasks) == [MONDAY, MONDAY - WEEK, MONDAY - 2 * WEEK]  # two weeks have to lie before each
    assert builder.build(tasks, NOW) == 6
    begin = FIRST + timedelta(hours=10)
    assert [(since, until) for _, since, until, _, _ in fits.made] == [(begin, until) for until in untils(tasks)]
    assert builder.plan(NOW) == []


def test_no_baseline_knows_what_came_after_it_and_none_looks_back_further_than_the_policy(store, fits):
    builder = BaselineBuilder(store, Calendar.plain(), UsualPolicy(classes=("people",), history_weeks=4, least_weeks=2))
    builder.build(builder.plan(NOW), NOW)
    for _, since, until, quarter_days, _ in fits.made:
        assert since == max(FIRST + timedelta(hours=10), until - 4 * WEEK)
        assert quarter_days <= 56


def test_a_zone_with_a_past_waits_a_week_and_a_new_one_a_night(store, fits):
    builder = BaselineBuilder(store, Calendar.plain(), PEOPLE)
    fits.new = {"park:pavement"}
    builder.build(builder.plan(NOW), NOW)
    due = [
        {until.date(): sorted(task.due) for task in builder.plan(NOW + timedelta(days=day)) for until in task.untils}
        for day in (0, 1, 6, 7)
    ]
    sunday, next_monday = date(2017, 3, 12), date(2017, 3, 13)
    new, both = ["park:pavement"], ["park:pavement", "tower:pavement"]
    assert due == [{}, {date(2017, 3, 7): new}, {sunday: new}, {next_monday: both}]
    builder.build(builder.plan(NOW + timedelta(days=1)), NOW)
    assert fits.made[-1][-1] == both  # it borrows from the other, of which nothing new is kept
    assert store.baselines(ROLLING, zones=["tower:pavement"]).until.max() == moment(MONDAY)


def test_what_was_interrupted_is_resumed_where_it_ended(store, fits):
    builder = BaselineBuilder(store, Calendar.plain(), PEOPLE)
    builder.build(builder.plan(NOW), NOW, stopping=lambda: len(fits.made) == 2)
    assert untils(builder.plan(NOW)) == [MONDAY - 2 * WEEK]
    builder.build(builder.plan(NOW), NOW)
    assert builder.plan(NOW) == []


def test_every_class_and_time_zone_is_built_up_to_its_own_midnight(store, fits):
    store.save_cameras([TOWER, PARK, HELSINKI])
    tasks = BaselineBuilder(store, Calendar.plain(), UsualPolicy()).plan(NOW)
    newest = {(task.series, task.zones[0].camera.timezone): task.untils[0] for task in reversed(tasks)}
    in_helsinki = MONDAY - timedelta(hours=2)
    assert newest == {
        (series, timezone): midnight
        for series in ("people", "vehicles")
        for timezone, midnight in (("Europe/London", MONDAY), ("Europe/Helsinki", in_helsinki))
    }


def test_a_named_period_is_made_once_of_its_days_alone_and_anew_when_they_change(store, fits):
    period = Period(name="before the works", start=date(2017, 2, 6), end=date(2017, 2, 19))
    builder = BaselineBuilder(store, Calendar.plain(), PEOPLE, [period])
    builder.build(builder.plan(NOW), NOW)
    made = [one[:3] for one in fits.made if one[0] == period.name]
    begin, end = datetime(2017, 2, 6, tzinfo=UTC), datetime(2017, 2, 20, tzinfo=UTC)
    assert made == [(period.name, begin, end)]
    assert builder.plan(NOW + timedelta(hours=1)) == []
    longer = period.model_copy(update={"end": date(2017, 2, 26)})
    tasks = BaselineBuilder(store, Calendar.plain(), PEOPLE, [longer]).plan(NOW)
    assert untils(tasks, period.name) == [end + WEEK]


def test_a_period_that_goes_on_is_made_of_what_there_is_and_one_to_come_of_nothing(store, fits):
    on = Period(name="this spring", start=date(2017, 3, 1), end=date(2017, 5, 31))
    later = Period(name="next year", start=date(2018, 3, 1), end=date(2018, 5, 31))
    tasks = BaselineBuilder(store, Calendar.plain(), PEOPLE, [on, later]).plan(NOW)
    assert (untils(tasks, on.name), untils(tasks, later.name)) == ([MONDAY], [])


def test_anew_builds_all_of_it_again(store, fits):
    builder = BaselineBuilder(store, Calendar.plain(), PEOPLE)
    first = builder.plan(NOW)
    builder.build(first, NOW)
    assert builder.plan(NOW, anew=True) == first


def test_many_zones_are_fitted_some_at_a_time_those_of_a_kind_together(store, fits, monkeypatch):
    monkeypatch.setattr(baseline_builder, "_CHUNK", 2)
    store.save_cameras([camera(name, ZoneKind.CARRIAGEWAY, ZoneKind.PAVEMENT) for name in ("a", "b")] + [PARK])
    builder = BaselineBuilder(store, Calendar.plain(), PEOPLE)
    progress: list[int] = []
    builder.build(builder.plan(NOW), NOW, on_fit=progress.append)
    assert fits.made[0][-1] == ["a:carriageway", "b:carriageway"]
    assert fits.made[1][-1] == ["a:pavement", "b:pavement"]
    assert fits.made[2][-1] == ["park:pavement"]
    assert progress[:3] == [2, 2, 1]


def test_of_an_empty_store_and_of_a_first_day_nothing_is_built(fits):
    store = DuckDBStore.open(None)
    store.save_cameras([TOWER])
    builder = BaselineBuilder(store, Calendar.plain(), PEOPLE)
    assert builder.plan(NOW) == []
    Aggregator(store, AggregatePolicy(), Clock()).accept([counted(NOW, zone="tower:pavement")])
    assert builder.plan(NOW) == []
    store.close()
