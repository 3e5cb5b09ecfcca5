"""What DuckDB remembers of blocks that are gone is swept between two readers; nothing that is stored goes with it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from street_counts import NOON, counted

from aggregate import duckdb_engine, duckdb_eviction
from aggregate.duckdb_engine import Engine
from aggregate.duckdb_store import DuckDBStore

EVER = (NOON - timedelta(days=1), NOON + timedelta(days=1))
MEMORY_MB = 300


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DuckDBStore]:
    """Of which every commit is followed by a checkpoint and, if nobody reads, by a sweep."""
    monkeypatch.setattr(duckdb_engine, "_CHECKPOINT_EVERY_S", 0.0)
    monkeypatch.setattr(duckdb_eviction, "_DEAD", 1)
    with closing(DuckDBStore.open(tmp_path / "busyness.duckdb", memory_mb=MEMORY_MB)) as opened:
        yield opened


def put(store: DuckDBStore, minutes: range) -> None:
    for minute in minutes:
        store.upsert_observations([counted(NOON + timedelta(minutes=minute))])


def dead_blocks(store: DuckDBStore) -> int:
    rows = store._engine.read("SELECT sum(dead_nodes)::BIGINT AS dead FROM duckdb_eviction_queues()")
    return int(rows["dead"][0].as_py())


def test_blocks_that_are_gone_do_not_add_up(store: DuckDBStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten commits leave no more of them than one does; unswept they leave some ten times as many."""
    put(store, range(1))
    after_one = dead_blocks(store)
    put(store, range(1, 11))
    assert dead_blocks(store) < 2 * after_one + 100
    monkeypatch.setattr(duckdb_eviction, "_DEAD", 1_000_000)
    unswept = dead_blocks(store)
    put(store, range(11, 21))
    assert dead_blocks(store) > unswept + 500
    assert len(store.observations("tower:view", *EVER)) == 21


@pytest.mark.parametrize("in_use", [False, True])
def test_the_limit_stays_what_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_use: bool) -> None:
    """With memory in use, where DuckDB refuses so low a limit, and with none, where it takes it for a moment."""
    monkeypatch.setattr(duckdb_eviction, "_DEAD", 0)
    with closing(duckdb.connect(str(tmp_path / "any.duckdb"))) as connection:
        connection.execute("SET memory_limit = '500MiB'; CREATE TABLE numbers AS SELECT range FROM range(100000)")
        if not in_use:
            connection.execute("CHECKPOINT")
        duckdb_eviction.sweep_line(connection, MEMORY_MB)
        assert connection.execute("SELECT current_setting('memory_limit')").fetchall() == [(f"{MEMORY_MB}.0 MiB",)]
        assert connection.execute("SELECT count(DISTINCT range) FROM numbers").fetchall() == [(100000,)]


def test_nothing_is_swept_under_a_reader_and_it_is_made_up_for(
    store: DuckDBStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a reader who begins between a checkpoint and its sweep."""
    swept: list[int] = []
    reading: list[Iterator[pa.RecordBatch]] = []
    checkpoint = Engine._checkpoint

    def then_somebody_reads(engine: Engine) -> None:
        checkpoint(engine)
        reading.append(engine.batches("SELECT * FROM observations"))
        assert next(reading[0]).num_rows == 1

    monkeypatch.setattr(duckdb_engine, "sweep_line", lambda _, memory_mb: swept.append(memory_mb))
    with monkeypatch.context() as patched:
        patched.setattr(Engine, "_checkpoint", then_somebody_reads)
        put(store, range(1))
    assert swept == []
    assert list(reading[0]) == []
    monkeypatch.setattr(duckdb_engine, "_CHECKPOINT_EVERY_S", 3600.0)
    put(store, range(1, 4))
    assert swept == [MEMORY_MB], "the next commit makes up for it, and the ones after it have nothing to sweep"


def test_readers_never_meet_the_low_limit(store: DuckDBStore) -> None:
    """Three threads that read without a pause while commit after commit is swept: each read is whole, none fails."""
    put(store, range(2))
    done = threading.Event()
    wrong: list[object] = []
    reads = [0, 0, 0]

    def read(me: int) -> None:
        while not done.is_set():
            try:
                found = len(store.observations("tower:view", *EVER))
                reads[me] += 1
                if found < 2:
                    wrong.append(found)
            except Exception as error:  # whatever it is, the main thread tells it
                wrong.append(error)
                return

    threads = [threading.Thread(target=read, args=(me,)) for me in range(3)]
    for thread in threads:
        thread.start()
    put(store, range(2, 40))
    done.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert min(reads) > 0
    assert len(store.observations("tower:view", *EVER)) == 40


def test_a_store_in_memory_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is as large as what it holds; thrown out of memory it would go into a file that nobody asked for."""
    monkeypatch.setattr(duckdb_engine, "_CHECKPOINT_EVERY_S", 0.0)
    monkeypatch.setattr(duckdb_eviction, "_DEAD", 0)
    swept: list[int] = []
    monkeypatch.setattr(duckdb_engine, "sweep_line", lambda _, memory_mb: swept.append(memory_mb))
    with closing(DuckDBStore.open(None)) as store:
        put(store, range(2))
        assert swept == []


@pytest.mark.parametrize("fails", ["SELECT", "1KiB"])
def test_a_sweep_that_fails_is_left_and_the_limit_is_set_again(monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    """What was committed before it is committed: a full disk under the sweep is no error of that."""
    monkeypatch.setattr(duckdb_eviction, "_DEAD", 0)
    asked: list[str] = []

    class Failing:
        def execute(self, statement: str) -> Failing:
            asked.append(statement)
            if fails in statement:
                raise duckdb.IOException("no space left on device")
            return self

        def fetchone(self) -> tuple[int]:
            return (1,)

    duckdb_eviction.sweep_line(Failing(), MEMORY_MB)  # type: ignore[arg-type]  # has what it calls
    assert asked[-1] == f"SET memory_limit = '{MEMORY_MB}MiB'"
