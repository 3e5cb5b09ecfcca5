"""The file of the embedded store: durable, one owner at a time, and careful with files that are not its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from street_counts import NOON, TOWER, counted, figures

from aggregate.duckdb_schema import SCHEMA_VERSION
from aggregate.duckdb_store import DuckDBStore
from core.errors import StoreError
from core.records import Gains, Lighting

EVER = (NOON - timedelta(days=1), NOON + timedelta(days=1))
OWNER = """
import sys, time
from datetime import timedelta
from pathlib import Path
from street_counts import NOON, TOWER, counted
from aggregate.duckdb_store import DuckDBStore

store = DuckDBStore.open(Path(sys.argv[1]))
store.save_cameras([TOWER])
for minutes in range(3):
    store.upsert_observations([counted(NOON + timedelta(minutes=minutes))])
print("stored", flush=True)
time.sleep(60)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "busyness.duckdb"


def started(path: Path) -> subprocess.Popen[str]:
    """Another process that owns the store, as soon as it has stored three observations."""
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
    )
    assert owner.stdout is not None
    assert owner.stdout.readline() == "stored\n"
    return owner


def test_what_was_stored_survives_a_kill_and_the_file_has_one_owner(path: Path) -> None:
    """kill -9 right after upsert_observations has returned; before it, no one else gets in."""
    owner = started(path)
    try:
        with pytest.raises(StoreError, match=r"busyness\.duckdb is in use by another process .*stop that process"):
            DuckDBStore.open(path)
    finally:
        os.kill(owner.pid, signal.SIGKILL)
        owner.communicate()
    store = DuckDBStore.open(path)
    assert len(store.observations("tower:view", *EVER)) == 3
    assert store.watermark("tower") == NOON + timedelta(minutes=2)
    assert store.cameras() == [TOWER]
    store.close()


def test_a_closed_store_opens_again_with_all_it_had(path: Path) -> None:
    store = DuckDBStore.open(path)
    store.upsert_observations([counted(NOON)])
    store.close()
    with pytest.raises(StoreError, match="is closed"):
        store.observations("tower:view", *EVER)
    store.close()
    again = DuckDBStore.open(path)
    assert again.observations("tower:view", *EVER) == [counted(NOON)]
    again.close()


def test_a_store_opened_for_reading_refuses_to_write(path: Path) -> None:
    DuckDBStore.open(path).close()
    store = DuckDBStore.open(path, read_only=True)
    assert store.cameras() == []
    with pytest.raises(StoreError, match="open for reading only"):
        store.save_cameras([TOWER])
    store.close()


def test_a_file_that_is_not_a_database_is_refused_and_left_alone(path: Path) -> None:
    path.write_text("camera,count\n" * 1000)
    with pytest.raises(StoreError, match="is not a DuckDB file"):
        DuckDBStore.open(path)
    assert path.read_text().startswith("camera,count\n")


def test_a_database_of_others_is_refused_and_left_alone(path: Path) -> None:
    with duckdb.connect(str(path)) as other:
        other.execute("CREATE TABLE orders (id INTEGER)")
    with pytest.raises(StoreError, match="is not a busyness store"):
        DuckDBStore.open(path)
    with duckdb.connect(str(path)) as other:
        assert other.execute("SELECT table_name FROM duckdb_tables()").fetchall() == [("orders",)]


def test_another_schema_version_is_refused(path: Path) -> None:
    DuckDBStore.open(path).close()
    with duckdb.connect(str(path)) as ours:
        ours.execute("UPDATE schema_version SET version = 99")
    with pytest.raises(StoreError, match=rf"has schema version 99, this version of busyness uses {SCHEMA_VERSION}"):
        DuckDBStore.open(path)


def as_version_1(path: Path) -> None:
    """A store as the first version wrote it: its observations carry no error of the counter."""
    store = DuckDBStore.open(path)
    store.save_cameras([TOWER])
    store.upsert_observations([counted(NOON)])
    store.close()
    with duckdb.connect(str(path)) as ours:
        for column in ("low", "high", "lighting", "gain", "calibration"):
            ours.execute(f"ALTER TABLE observations DROP COLUMN {column}")
        ours.execute("UPDATE schema_version SET version = 1")


def test_a_store_of_the_first_version_is_brought_up_to_date(path: Path) -> None:
    """What was counted stays, with an error that is not known; new counts have theirs."""
    as_version_1(path)
    store = DuckDBStore.open(path)
    later = counted(NOON + timedelta(minutes=5), figures(car=4), low=figures(car=3), high=figures(car=6))
    later = later.model_copy(update={"lighting": Lighting.NIGHT, "gain": Gains(people=1.2), "calibration": "tower/2"})
    store.upsert_observations([later])
    assert store.observations("tower:view", *EVER) == [counted(NOON), later]
    store.close()
    again = DuckDBStore.open(path, read_only=True)
    assert again.observations("tower:view", *EVER) == [counted(NOON), later]
    again.close()


def test_a_store_of_the_first_version_is_not_read_before_it_is_brought_up_to_date(path: Path) -> None:
    as_version_1(path)
    with pytest.raises(StoreError, match=r"has schema version 1, .* uses 2.*busyness rebuild CONFIG"):
        DuckDBStore.open(path, read_only=True)


def test_a_store_that_cannot_be_brought_up_to_date_is_left_as_it_is(path: Path) -> None:
    as_version_1(path)
    with duckdb.connect(str(path)) as ours:
        ours.execute("ALTER TABLE observations ADD COLUMN gain INTEGER")
    with pytest.raises(StoreError, match="cannot be brought from schema version 1 to 2"):
        DuckDBStore.open(path)
    with duckdb.connect(str(path)) as ours:
        rows = ours.execute("SELECT column_name FROM duckdb_columns() WHERE table_name = 'observations'").fetchall()
        assert ours.execute("SELECT version FROM schema_version").fetchall() == [(1,)]
    assert {"low", "calibration"} & {row[0] for row in rows} == set()


def test_a_place_where_no_store_can_be_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is a folder"):
        DuckDBStore.open(tmp_path)
    with pytest.raises(StoreError, match="does not exist"):
        DuckDBStore.open(tmp_path / "none.duckdb", read_only=True)
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be made"):
        DuckDBStore.open(tmp_path / "file" / "busyness.duckdb")
    DuckDBStore.open(tmp_path / "new" / "folder" / "busyness.duckdb").close()


def test_the_same_file_twice_in_one_process_is_explained(path: Path) -> None:
    store = DuckDBStore.open(path)
    with pytest.raises(StoreError, match="already open in this process"):
        DuckDBStore.open(path, read_only=True)
    store.close()


def test_the_engine_never_goes_to_the_network_for_an_extension() -> None:
    store = DuckDBStore.open(None)
    settings = dict(
        store._connection.execute(
            "SELECT name, value FROM duckdb_settings() WHERE name LIKE 'auto%known_extensions'"
        ).fetchall()
    )
    assert settings == {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    store.close()
