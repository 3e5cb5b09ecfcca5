"""The store of a cluster: several processes at once, a server that goes away, what is kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import timedelta

import numpy as np
import pytest
from postgres_street import EVER, MINUTE, aggregator, clips_of, current, run_together
from services.postgres_server import PostgresServer
from street_counts import NOON, PARK, TOWER, counted, figures

from aggregate.contents import Kept
from aggregate.duckdb_store import DuckDBStore
from aggregate.postgres_config import PostgresConfig
from aggregate.postgres_store import PostgresStore
from core.errors import StoreError
from core.figures import SERIES
from core.health import CameraState, HealthEvent
from core.records import CountObservation, Status, Window

pytestmark = pytest.mark.service


@pytest.fixture
def config(postgres_server: PostgresServer) -> Iterator[PostgresConfig]:
    made = postgres_server.config()
    yield made
    postgres_server.drop(made)


@pytest.fixture
def store(config: PostgresConfig) -> Iterator[PostgresStore]:
    with closing(PostgresStore.open(config)) as opened:
        yield opened


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """For tests that stop it."""
    with closing(PostgresServer.started()) as server:
        yield server


# -- several processes ----------------------------------------------------------------------------------------------


def test_two_processes_that_write_of_one_camera_miss_nothing_of_each_other(
    store: PostgresStore, config: PostgresConfig
) -> None:
    """A worker that has lost its partition without knowing: every window holds the clips of both in the end."""
    with closing(PostgresStore.open(config)) as other, closing(DuckDBStore.open(None)) as alone:
        for one in (store, alone):
            one.save_cameras([TOWER, PARK])
        given = [one for step in range(0, 24, 2) for one in clips_of("tower", first=step, number=2)]
        halves = given[::2], given[1::2]

        def write(into: PostgresStore, half: Sequence[CountObservation]) -> None:
            for one in half:
                aggregator(into).accept([one])

        assert run_together(lambda: write(store, halves[0]), lambda: write(other, halves[1][::-1])) == []
        aggregator(alone).accept(given)
        for window in Window:
            assert current(store, window) == current(alone, window)


def test_what_two_processes_note_of_a_day_holds_the_clips_of_both(store: PostgresStore, config: PostgresConfig) -> None:
    """Each brings clips of hours of which the other may just have noted what they add up to."""
    with closing(PostgresStore.open(config)) as other, closing(DuckDBStore.open(None)) as alone:
        for one in (store, alone):
            one.save_cameras([TOWER])
        given = [counted(NOON + 15 * step * MINUTE, figures(car=step)) for step in range(32)]
        order = np.random.default_rng(7).permutation(len(given)).tolist()

        def write(into: PostgresStore, rows: Sequence[int]) -> None:
            for row in rows:
                aggregator(into).accept([given[row]])

        assert run_together(lambda: write(store, order[::2]), lambda: write(other, order[1::2])) == []
        assert len(store.days_so_far(["tower:view"])) == 1, "something was noted"
        last = counted(NOON + 480 * MINUTE, figures(car=99))
        aggregator(store).accept([last])
        aggregator(alone).accept([*given, last])
        for window in Window:
            assert current(store, window) == current(alone, window)


def test_the_same_observations_from_two_processes_at_once_are_stored_once(
    store: PostgresStore, config: PostgresConfig
) -> None:
    with closing(PostgresStore.open(config)) as other:
        store.save_cameras([TOWER, PARK])
        given = clips_of("tower", "park", number=12)

        def write(into: PostgresStore, order: Sequence[CountObservation]) -> None:
            for first in range(0, len(order), 4):
                aggregator(into).accept(order[first : first + 4])

        assert run_together(lambda: write(store, given), lambda: write(other, given[::-1])) == []
        assert len(store.observed(*EVER)) == len(given)
        assert len(current(store, Window.MINUTE)) == len(given)
        table = store.readings(window=Window.QUARTER, series=("car",), start=EVER[0], end=EVER[1])
        assert table.clips_counted.tolist() == [12, 12]


def test_who_writes_of_another_camera_does_not_wait(store: PostgresStore, config: PostgresConfig) -> None:
    with closing(PostgresStore.open(config)) as other, store.transaction():
        store.upsert_observations(clips_of("tower"))
        other.upsert_observations(clips_of("park"))
        other.save_health([HealthEvent(camera="park", since=NOON, state=CameraState.LIVE)])
        assert len(other.observed(*EVER)) == 6, "what is not committed is not seen"
    assert len(store.observed(*EVER)) == 12


def test_many_writers_of_the_same_cameras_never_wait_for_one_another_in_a_circle(
    store: PostgresStore, config: PostgresConfig
) -> None:
    names = [f"c{number}" for number in range(12)]
    with closing(PostgresStore.open(config)) as other:

        def write(into: PostgresStore, seed: int) -> None:
            random = np.random.default_rng(seed)
            for step in range(8):
                some = random.choice(names, 6, replace=False).tolist()
                into.upsert_observations(clips_of(*some, first=step, number=1))

        assert run_together(*(lambda at=at: write((store, other)[at % 2], at) for at in range(4))) == []


def test_cameras_that_another_process_saves_are_seen_at_once(store: PostgresStore, config: PostgresConfig) -> None:
    with closing(PostgresStore.open(config)) as other:
        other.save_cameras([TOWER])
        assert store.cameras() == [TOWER]
        other.save_cameras([TOWER, PARK])
        assert store.cameras() == [PARK, TOWER]
        ((before,),) = store._engine.select("SELECT version FROM versions WHERE what = 'cameras'")
        store.save_cameras([PARK, TOWER])
        assert store._engine.select("SELECT version FROM versions WHERE what = 'cameras'") == [(before,)]


def test_more_threads_than_connections_wait_their_turn(postgres_server: PostgresServer) -> None:
    config = postgres_server.config(connections=1)
    with closing(PostgresStore.open(config, patience_s=20)) as store:
        works = [lambda name=name: store.upsert_observations(clips_of(name)) for name in ("a", "b", "c", "d")]
        assert run_together(*works) == []
        assert len(store.observed(*EVER)) == 24
    with closing(PostgresStore.open(config, patience_s=0.1)) as store, store.transaction():
        (problem,) = run_together(lambda: store.observed(*EVER))
        assert "all 1 connections" in str(problem)
        assert "store.connections" in str(problem)
    postgres_server.drop(config)


def test_a_transaction_in_which_something_failed_is_not_taken_for_stored(store: PostgresStore) -> None:
    """PostgreSQL answers its COMMIT without an error, and has undone it."""

    def go_on() -> None:
        with store.transaction():
            store.upsert_observations(clips_of("tower"))
            with pytest.raises(StoreError, match="division by zero"):
                store._engine.select("SELECT 1 / 0")

    with pytest.raises(StoreError, match=r"has stored nothing.*do all of it again"):
        go_on()
    assert store.observed(*EVER) == []
    store.upsert_observations(clips_of("tower"))
    assert len(store.observed(*EVER)) == 6


def test_watermarks_are_asked_for_by_any_sequence(store: PostgresStore) -> None:
    store.upsert_observations(clips_of("tower", "park", number=1))
    assert store.watermarks(("tower", "none")) == {"tower": NOON}


# -- a server that goes away ----------------------------------------------------------------------------------------


def test_what_was_stored_survives_a_kill_and_the_same_store_goes_on(own_server: PostgresServer) -> None:
    with closing(PostgresStore.open(own_server.config())) as store:
        store.save_cameras([TOWER])
        aggregator(store).accept(clips_of("tower"))
        own_server.kill()
        own_server.start()
        assert len(store.observed(*EVER)) == 6
        own_server.stop()
        own_server.start()
        with store.transaction():
            store.upsert_observations(clips_of("tower", first=6))
        assert len(store.observed(*EVER)) == 12


def test_a_server_that_is_away_is_waited_for_and_then_named(own_server: PostgresServer) -> None:
    config = own_server.config()
    with closing(PostgresStore.open(config, patience_s=20)) as patient:
        own_server.stop()
        threading.Timer(0.5, own_server.start).start()
        assert patient.observed(*EVER) == []
    with closing(PostgresStore.open(config, patience_s=0.2)) as hasty:
        own_server.stop()
        with pytest.raises(StoreError, match=r"the store postgresql://.* cannot be reached.*see that PostgreSQL runs"):
            hasty.observed(*EVER)
        with pytest.raises(StoreError, match="cannot be reached"), hasty.transaction():
            raise AssertionError("not without a server")
        with pytest.raises(StoreError, match="cannot be reached"):
            PostgresStore.open(config, patience_s=0.2)
        own_server.start()
        assert hasty.observed(*EVER) == []


def test_a_transaction_whose_server_dies_leaves_nothing_and_may_be_tried_again(own_server: PostgresServer) -> None:
    with closing(PostgresStore.open(own_server.config())) as store:

        def lose_it() -> None:
            with store.transaction():
                store.upsert_observations(clips_of("tower"))
                own_server.kill()
                own_server.start()
                store.upsert_observations(clips_of("park"))

        with pytest.raises(StoreError, match="what was committed is safe"):
            lose_it()
        assert store.observed(*EVER) == []
        store.upsert_observations(clips_of("tower"))
        assert len(store.observed(*EVER)) == 6


def test_a_closed_store_says_so(config: PostgresConfig) -> None:
    store = PostgresStore.open(config)
    store.close()
    with pytest.raises(StoreError, match="is closed"):
        store.cameras()
    store.close()


# -- what is kept ---------------------------------------------------------------------------------------------------


def test_a_nul_in_a_text_is_shown_for_postgresql_has_none(store: PostgresStore) -> None:
    smeared = counted(NOON, status=Status.SMEARED).model_copy(update={"reason": "a\0b"})
    assert store.upsert_observations([smeared]) == [smeared]
    assert store.upsert_observations([smeared]) == [], "and it is the same when it comes again"
    assert [one.reason for one in store.observed(*EVER)] == ["a\u2400b"]
    assert store.camera_states()["last_reason"].tolist() == ["a\u2400b"]


def test_names_of_all_kinds_are_asked_for_as_they_are(store: PostgresStore) -> None:
    """A zone may be called NULL, and what is asked for may be anything."""
    store.upsert_observations([counted(NOON, camera="NULL", zone="NULL")])
    assert store.zones_between(*EVER) == {"NULL": "NULL"}
    table = store.readings(window=Window.DAY, series=SERIES, start=EVER[0], end=EVER[1], zones=['a"b\\', "{}", "%s"])
    assert len(table) == 0


def test_rows_are_one_statement_away_from_people(store: PostgresStore) -> None:
    """The eighth of each list is of people: an analyst reads the tables with SQL."""
    store.save_cameras([TOWER])
    aggregator(store).accept(
        [counted(NOON, figures(pedestrian=3, cyclist=1)), counted(NOON + MINUTE, status=Status.DARK)]
    )
    assert SERIES[7] == "people"
    rows = store._engine.select("SELECT mean[8], low IS NULL, reason FROM readings_1m ORDER BY starts")
    assert rows == [(4.0, False, None), (None, True, "dark (1 of 1 clips)")]


def test_a_day_of_kept_rows_is_counted(store: PostgresStore) -> None:
    store.save_cameras([TOWER])
    aggregator(store).accept([counted(NOON), counted(NOON + timedelta(days=1))])
    assert store.days(Kept.OBSERVATIONS) == {NOON.date(): 1, (NOON + timedelta(days=1)).date(): 1}


def test_waiting_for_a_writer_that_hangs_has_an_end(
    store: PostgresStore, config: PostgresConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its successor says so, and tries again; the server ends what hangs."""
    monkeypatch.setattr("aggregate.postgres_connections._SET_UP", "SELECT set_config('lock_timeout', '100ms', false)")
    with closing(PostgresStore.open(config)) as other, store.transaction():
        store.upsert_observations(clips_of("tower"))
        began = time.monotonic()
        with pytest.raises(StoreError, match="another process writes the same"):
            other.upsert_observations(clips_of("tower"))
        assert time.monotonic() - began < 5
