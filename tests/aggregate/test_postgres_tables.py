"""The tables of a cluster's store: months that come and go, who may what, older versions, what indexes serve."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from postgres_street import EVER, MINUTE, aggregator, clips_of, current, relations, run_together
from services.postgres_server import PostgresServer
from street_counts import NOON, PARK, TOWER, counted

from aggregate import postgres_opening
from aggregate.postgres_config import PostgresConfig
from aggregate.postgres_opening import reader_role
from aggregate.postgres_schema import SCHEMA_VERSION
from aggregate.postgres_store import PostgresStore
from core.errors import StoreError
from core.loops import LoopReading
from core.records import Status, Window

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


# -- months ---------------------------------------------------------------------------------------------------------


def test_months_are_made_when_something_of_them_is_stored(
    store: PostgresStore, config: PostgresConfig, postgres_server: PostgresServer
) -> None:
    """However long ago, in any order, and in the middle of a transaction that has written another month."""
    store.save_cameras([TOWER])
    new_year = datetime(2017, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    old = datetime(1999, 5, 1, tzinfo=UTC)
    with store.transaction():
        aggregator(store).accept([counted(new_year)])
        aggregator(store).accept([counted(old), counted(new_year + timedelta(microseconds=1))])
        assert len(store.observed(datetime(1990, 1, 1, tzinfo=UTC), EVER[1])) == 3
    months = [name.removeprefix("observations_") for name in relations(postgres_server, config) if "obs" in name]
    assert months == ["1999_05", "2017_12", "2018_01"]
    assert {"readings_1d_1999_04", "readings_1m_1999_05"} < set(relations(postgres_server, config)), "local midnight"
    assert store.extent() == (old, new_year + timedelta(microseconds=1))


def test_a_month_that_two_processes_begin_at_once_is_made_once(store: PostgresStore, config: PostgresConfig) -> None:
    with closing(PostgresStore.open(config)) as other:
        works = [
            lambda into=into, name=name: into.upsert_observations(clips_of(name))
            for into, name in ((store, "a"), (other, "b"), (store, "c"), (other, "d"))
        ]
        assert run_together(*works) == []
        assert len(store.observed(*EVER)) == 24


def test_what_is_older_than_it_may_be_kept_goes_and_hours_and_days_stay(
    store: PostgresStore, config: PostgresConfig, postgres_server: PostgresServer
) -> None:
    store.save_cameras([TOWER, PARK])
    days = [datetime(2017, 1, 10, 12, tzinfo=UTC), datetime(2017, 2, 20, 12, tzinfo=UTC), NOON]
    aggregator(store).accept([counted(day) for day in days] + [counted(days[0], camera="park", zone="park:road")])
    hours = current(store, Window.HOUR)
    retained = store.retain(datetime(2017, 2, 21, tzinfo=UTC))
    assert retained.parts == 4, "January, of observations and three widths of readings"
    assert retained.rows == 4, "of February"
    assert [one.event_time for one in store.observed(*EVER)] == [NOON]
    assert {window: len(current(store, window)) for window in Window} == {"1m": 1, "5m": 1, "15m": 1, "60m": 4, "1d": 4}
    assert current(store, Window.HOUR) == hours
    assert "observations_2017_01" not in relations(postgres_server, config)
    assert store.extent() == (NOON, NOON)
    assert store.watermarks() == {"tower": NOON, "park": days[0]}, "what was counted is not counted again"
    again = [counted(day) for day in days[:1]]
    assert store.upsert_observations(again) == again, "a replay brings it back, into its month made anew"
    assert store.retain(datetime(2016, 1, 1, tzinfo=UTC)).rows == 0


def test_what_was_noted_of_a_day_goes_with_its_clips(store: PostgresStore) -> None:
    store.save_cameras([TOWER, PARK])
    ended = [counted(NOON + hours * timedelta(hours=1)) for hours in range(3)]
    goes_on = [counted(NOON + timedelta(days=1, hours=hours), camera="park", zone="park:road") for hours in range(3)]
    aggregator(store).accept(ended + goes_on)
    zones = ["tower:view", "park:road"]
    assert len(store.days_so_far(zones)) == 2
    store.retain(NOON + timedelta(minutes=90))
    assert store.days_so_far(zones).zone.tolist() == ["park:road"]


def test_a_month_that_went_is_made_again_by_who_still_knew_it(store: PostgresStore, config: PostgresConfig) -> None:
    store.upsert_observations(clips_of("tower"))
    with closing(PostgresStore.open(config)) as other:
        other.retain(NOON + timedelta(days=60))
    with pytest.raises(StoreError):
        store.upsert_observations(clips_of("park"))
    store.upsert_observations(clips_of("park"))
    assert len(store.observed(*EVER)) == 6


def test_letting_a_month_go_that_was_interrupted_is_finished(
    store: PostgresStore, config: PostgresConfig, postgres_server: PostgresServer
) -> None:
    store.upsert_observations(clips_of("tower"))
    schema = config.schema_name
    postgres_server.execute(f"ALTER TABLE {schema}.observations DETACH PARTITION {schema}.observations_2017_03")
    store.retain(EVER[0])
    assert store.observed(*EVER) == []
    assert postgres_server.execute(f"SELECT to_regclass('{schema}.observations_2017_03')") == [(None,)]


@pytest.mark.parametrize("how", ["DETACH PARTITION {0}", "DETACH PARTITION {0} CONCURRENTLY"])
def test_a_month_that_is_being_let_go_of_takes_nothing(
    store: PostgresStore, config: PostgresConfig, postgres_server: PostgresServer, how: str
) -> None:
    """Detached and not dropped yet, or by who died while it waited: what is stored there would be seen by nobody."""
    store.upsert_observations(clips_of("tower"))
    parent, month = f"{config.schema_name}.observations", f"{config.schema_name}.observations_2017_03"
    with psycopg.connect(postgres_server.url()) as reader, psycopg.connect(postgres_server.url()) as dying:
        reader.execute(f"SELECT count(*) FROM {parent}")
        dying.autocommit = True
        dying.execute("SET lock_timeout = '100ms'")
        if "CONCURRENTLY" in how:
            with pytest.raises(psycopg.errors.LockNotAvailable):
                dying.execute(f"ALTER TABLE {parent} {how.format(month)}")
        else:
            reader.rollback()
            dying.execute(f"ALTER TABLE {parent} {how.format(month)}")
    with closing(PostgresStore.open(config)) as other:
        with pytest.raises(StoreError, match=r"observations_2017_03 is being let go of.*busyness store retain"):
            other.upsert_observations(clips_of("park"))
        other.retain(EVER[0])
        other.upsert_observations(clips_of("park"))
        assert len(other.observed(*EVER)) == 6


TIMESCALE = """
CREATE SCHEMA IF NOT EXISTS timescale;
CREATE OR REPLACE FUNCTION timescale.create_hypertable(
    relation regclass, time_column_name name, chunk_time_interval interval, create_default_indexes boolean
) RETURNS TABLE (hypertable_id int, created bool) LANGUAGE sql AS 'SELECT 1, true';
CREATE OR REPLACE FUNCTION timescale.drop_chunks(relation regclass, older_than timestamptz)
RETURNS SETOF text LANGUAGE sql AS $$ SELECT 'chunk of ' || relation $$;
"""


def test_where_timescaledb_is_the_tables_that_grow_are_left_to_it(
    config: PostgresConfig, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not packaged for Debian: functions of its names and arguments stand for it, so this proves that the store
    asks them and works over the plain tables that hypertables are to it, and nothing of TimescaleDB itself."""
    postgres_server.execute(TIMESCALE)
    monkeypatch.setattr(postgres_opening, "_timescale", lambda _: "timescale")
    with closing(PostgresStore.open(config)) as store:
        store.save_cameras([TOWER])
        days = [datetime(2017, 1, 10, 12, tzinfo=UTC), NOON]
        aggregator(store).accept([counted(day) for day in days])
        assert relations(postgres_server, config) == []
        assert store._engine.select("SELECT parts FROM schema_versions") == [("hypertables",)]
        retained = store.retain(NOON - timedelta(days=1))
        assert (retained.parts, retained.rows) == (4, 4)
        assert [one.event_time for one in store.observed(*EVER)] == [NOON]
    monkeypatch.setattr(postgres_opening, "_timescale", lambda _: None)
    with pytest.raises(StoreError, match=r"was made with TimescaleDB.*store copy FROM TO"):
        PostgresStore.open(config)


# -- who may what ---------------------------------------------------------------------------------------------------


def test_the_role_of_the_api_reads_everything_and_writes_nothing(
    store: PostgresStore, config: PostgresConfig, postgres_server: PostgresServer
) -> None:
    store.save_cameras([TOWER])
    role = reader_role(config.schema_name)
    postgres_server.execute(f"CREATE ROLE api_{config.schema_name} LOGIN IN ROLE {role}")
    reading = config.model_copy(update={"url": postgres_server.url(user=f"api_{config.schema_name}")})
    with closing(PostgresStore.open(reading, read_only=True)) as reader:
        aggregator(store).accept(clips_of("tower"))  # its month is made after the reader came
        assert len(reader.observed(*EVER)) == 6
        assert reader.watermarks() == store.watermarks()
        assert current(reader) == current(store)
        with pytest.raises(StoreError, match="open for reading only"):
            reader.save_cameras([])
    denied = pytest.raises(StoreError, match=r"permission denied.*grant this user the rights")
    with closing(PostgresStore.open(reading)) as bold, denied:
        bold.upsert_observations(clips_of("park"))
    postgres_server.execute(f"DROP ROLE api_{config.schema_name}")


def test_a_store_for_reading_writes_nothing_even_where_its_user_may(
    store: PostgresStore, config: PostgresConfig
) -> None:
    refused = pytest.raises(StoreError, match="open for reading only")
    with closing(PostgresStore.open(config, read_only=True)) as reader, refused:
        reader._engine.select("INSERT INTO counters VALUES ('a', '{}') RETURNING id")


# -- tables ---------------------------------------------------------------------------------------------------------


def test_a_reader_does_not_make_the_tables(config: PostgresConfig) -> None:
    with pytest.raises(StoreError, match=r"has no tables yet.*busyness store migrate CONFIG"):
        PostgresStore.open(config, read_only=True)


def test_tables_are_made_once_by_whoever_comes_first(config: PostgresConfig) -> None:
    opened: list[PostgresStore] = []
    assert run_together(*[lambda: opened.append(PostgresStore.open(config))] * 4) == []
    for store in opened:
        store.close()
    assert len(opened) == 4


def test_the_tables_of_others_are_left_alone(config: PostgresConfig, postgres_server: PostgresServer) -> None:
    postgres_server.execute(f"CREATE SCHEMA {config.schema_name} CREATE TABLE orders (id integer)")
    with pytest.raises(StoreError, match="is not a busyness store: it has a table 'orders'"):
        PostgresStore.open(config)
    assert postgres_server.execute(f"SELECT * FROM {config.schema_name}.orders") == []


def test_a_database_that_does_not_take_every_text_is_refused(
    config: PostgresConfig, postgres_server: PostgresServer
) -> None:
    """As initdb makes them in an image without a locale."""
    for encoding in ("SQL_ASCII", "LATIN1"):
        name = encoding.lower()
        postgres_server.execute(
            f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' LOCALE_PROVIDER libc TEMPLATE template0"
        )
        there = config.model_copy(update={"url": postgres_server.url().removesuffix("postgres") + name})
        with pytest.raises(StoreError, match=f"of encoding {encoding}.*createdb --encoding UTF8"):
            PostgresStore.open(there)
        postgres_server.execute(f"DROP DATABASE {name}")


def test_what_the_environment_says_of_texts_is_passed_over(
    config: PostgresConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    dark = counted(NOON, status=Status.DARK).model_copy(update={"reason": "Länsiväylä \u4e2d"})
    with closing(PostgresStore.open(config)) as store:
        store.upsert_observations([dark])
        assert store.camera_states()["last_reason"].tolist() == [dark.reason]
    monkeypatch.delenv("PGCLIENTENCODING")
    with closing(PostgresStore.open(config)) as store:
        assert [one.reason for one in store.observed(*EVER)] == [dark.reason]


NEXT = SCHEMA_VERSION + 1


def test_a_store_of_version_1_is_brought_up_to_date(config: PostgresConfig) -> None:
    with closing(PostgresStore.open(config)) as older:
        older.upsert_observations(clips_of("tower"))
        with older.transaction():
            older._engine.write("DROP TABLE days_so_far")
            older._engine.write("UPDATE schema_versions SET version = 1")
    with closing(PostgresStore.open(config)) as store:
        assert len(store.observed(*EVER)) == 6
        assert len(store.days_so_far(["tower:view"])) == 0


@contextmanager
def newer_version(monkeypatch: pytest.MonkeyPatch, step: str) -> Iterator[None]:
    """As if the next version of busyness had this step to its tables."""
    with monkeypatch.context() as patched:
        patched.setattr(postgres_opening, "MIGRATIONS", {SCHEMA_VERSION: step})
        patched.setattr(postgres_opening, "SCHEMA_VERSION", NEXT)
        yield


def test_an_older_store_is_brought_up_to_date_once(config: PostgresConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """By one of several processes that come together; older ones that still run go on, and none comes back."""
    with closing(PostgresStore.open(config)) as older:
        older.upsert_observations(clips_of("tower"))
        with newer_version(monkeypatch, "ALTER TABLE observations ADD COLUMN weather text"):
            with pytest.raises(
                StoreError, match=rf"has schema version {SCHEMA_VERSION}, not {NEXT}.*busyness store migrate"
            ):
                PostgresStore.open(config, read_only=True)
            opened: list[PostgresStore] = []
            assert run_together(*[lambda: opened.append(PostgresStore.open(config))] * 3) == []
            assert len(opened[0].observed(*EVER)) == 6
            for store in opened:
                store.close()
        older.upsert_observations(clips_of("park"))
        assert len(older.observed(*EVER)) == 12
        assert older._engine.select("SELECT version, parts FROM schema_versions ORDER BY version") == [
            (SCHEMA_VERSION, "months"),
            (NEXT, "months"),
        ]
    with pytest.raises(StoreError, match=rf"has schema version {NEXT}, this version of busyness uses {SCHEMA_VERSION}"):
        PostgresStore.open(config)


def test_a_step_that_fails_leaves_the_store_as_it_was(config: PostgresConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    PostgresStore.open(config).close()
    step = "ALTER TABLE observations ADD COLUMN weather text; ALTER TABLE nowhere ADD COLUMN x text"
    with (
        newer_version(monkeypatch, step),
        pytest.raises(StoreError, match=f"cannot be brought from schema version {SCHEMA_VERSION} to {NEXT}"),
    ):
        PostgresStore.open(config)
    with closing(PostgresStore.open(config)) as store:
        assert store._engine.select("SELECT count(*) FROM pg_attribute WHERE attname = 'weather'") == [(0,)]


# -- questions ------------------------------------------------------------------------------------------------------


_DAY_OF_CITY = (
    "FROM generate_series(timestamptz '2017-03-09+00', '2017-03-09 23:59+00', '1 minute') t, generate_series(1, 40) z"
)
GROWN = (
    "INSERT INTO observations "
    "(id, camera, zone, event_time, duration_s, status, frames, view_epoch, model, counted_at) "
    f"SELECT gen_random_uuid(), 'c' || z, 'c' || z || ':view', t, 10, 'ok', 6, 0, 'm', t {_DAY_OF_CITY} ORDER BY t",
    "INSERT INTO readings_1m (zone, camera, starts, ends, coverage, clips_counted, clips_expected, state, revision, "
    "derived_at, superseded) "
    f"SELECT 'c' || z || ':view', 'c' || z, t, t, 1, 1, 1, 'observed', 1, t, false {_DAY_OF_CITY} ORDER BY t",
    f"INSERT INTO loops SELECT 'l' || z, 'vehicles', t, t, 1 {_DAY_OF_CITY} ORDER BY t",
)
QUESTIONS = {
    "clips of a window": (
        "SELECT * FROM observations WHERE zone = 'c7:view' AND event_time >= '2017-03-09 12:05+00' "
        "AND event_time < '2017-03-09 12:10+00'",
        "observations_2017_03_pkey",
    ),
    "windows of a zone": (
        "SELECT * FROM readings_1m WHERE zone = 'c7:view' AND starts >= '2017-03-09+00' AND starts < '2017-03-10+00' "
        "AND NOT superseded",
        "readings_1m_2017_03_pkey",
    ),
    "all zones of an hour": (
        "SELECT * FROM readings_1m WHERE starts >= '2017-03-09 14:00+00' AND starts < '2017-03-09 14:01+00'",
        "readings_1m_2017_03_starts_idx",
    ),
    "loops of an hour": (
        "SELECT * FROM loops WHERE starts >= '2017-03-09 12:00+00' AND starts < '2017-03-09 12:01+00'",
        "loops_2017_03_starts_idx",
    ),
}


LOOP_EXTENT = "SELECT min(starts), max(starts) FROM loops"


def test_the_questions_of_the_api_are_served_by_indexes(
    store: PostgresStore, config: PostgresConfig, postgres_server: PostgresServer
) -> None:
    """And look at no other month."""
    store.save_cameras([TOWER])
    for month in (NOON, NOON + timedelta(days=31)):
        aggregator(store).accept([counted(month)])
        store.save_loops([LoopReading(counter="l", series="vehicles", start=month, end=month + MINUTE, flow=1)])
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        connection.execute(f"SET search_path TO {config.schema_name}")
        for statement in GROWN:
            connection.execute(statement)
        connection.execute("VACUUM ANALYZE")
        for what, (question, index) in QUESTIONS.items():
            plan = "\n".join(row[0] for row in connection.execute(f"EXPLAIN {question}").fetchall())
            assert index in plan, f"{what}:\n{plan}"
            assert "2017_04" not in plan, f"{what}:\n{plan}"
        plan = "\n".join(row[0] for row in connection.execute(f"EXPLAIN {LOOP_EXTENT}").fetchall())
        assert "Seq Scan" not in plan, plan
        assert "loops_2017_03_starts_idx" in plan, plan
