"""The file of the embedded store: durable, one owner at a time, and careful with files that are not its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from street_counts import NOON, TOWER, StoppedClock, counted, figures, ground

from aggregate import duckdb_engine
from aggregate.aggregator import Aggregator
from aggregate.duckdb_schema import SCHEMA_VERSION, readings_table
from aggregate.duckdb_store import DuckDBStore
from aggregate.policy import AggregatePolicy
from aggregate.tables import GROUND
from core.errors import StoreError
from core.figures import Gains
from core.health import CameraState, HealthEvent
from core.loops import LoopCounter, LoopReading
from core.records import Lighting, Status, Window

EVER = (NOON - timedelta(days=1), NOON + timedelta(days=1))
OWNER = """
import sys, time
from contextlib import closing
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


def test_readings_replaced_in_their_place_survive_a_crash_and_leave_nothing_behind(path: Path, tmp_path: Path) -> None:
    """Three clips of one hour, one after the other: what a crash leaves, file and log, has its reading once, the last.

    The quarter was closed when its second clip came: it has a revision, and the one before stays.
    """
    store = DuckDBStore.open(path)
    store.save_cameras([TOWER])
    aggregator = Aggregator(store, AggregatePolicy(), StoppedClock())
    for minutes, cars in ((0, 2), (40, 4), (5, 9)):
        aggregator.accept([counted(NOON + timedelta(minutes=minutes), figures(car=cars))])
    crashed = tmp_path / "crashed.duckdb"
    for end in ("", ".wal"):
        shutil.copy(f"{path}{end}", f"{crashed}{end}")
    store.close()
    again = DuckDBStore.open(crashed)
    asked = {"series": ("car",), "start": NOON, "end": NOON + timedelta(minutes=15)}
    (hour,) = again.readings(window=Window.HOUR, **asked).records()
    assert (hour.mean, hour.clips_counted, hour.revision) == (5, 3, 1)
    (quarter,) = again.readings(window=Window.QUARTER, **asked).records()
    assert (quarter.mean, quarter.clips_counted, quarter.revision) == (5.5, 2, 2)
    rows = again._engine.read(f"SELECT revision, superseded FROM {readings_table(Window.QUARTER)} ORDER BY ALL")
    assert rows.to_pylist() == [
        {"revision": 1, "superseded": False},
        {"revision": 1, "superseded": True},
        {"revision": 2, "superseded": False},
    ]
    again.close()


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


LATE = NOON + timedelta(minutes=2)
ADDED_IN = {
    2: {"observations": ("low", "high", "lighting", "gain", "calibration")},
    3: {"observations": ("content",), "tables": ("newest_clips", "health", "states", "counters", "loops")},
    4: {"observations": ("ground", "shared"), "readings": GROUND},
    5: {"tables": ("baselines", "baselines_version")},
    6: {"tables": ("days_so_far",)},
}
_IN_ONE_TABLE = " UNION ALL BY NAME ".join(
    f"SELECT *, '{window.value}' AS width FROM {readings_table(window)}" for window in Window
)


def as_version(version: int, path: Path) -> None:
    """A store as an older version wrote it: without what was added later."""
    store = DuckDBStore.open(path)
    store.save_cameras([TOWER])
    counts = [counted(NOON), counted(NOON - timedelta(minutes=5), status=Status.DARK)]
    Aggregator(store, AggregatePolicy(), StoppedClock()).accept(counts)
    store.upsert_observations([counted(NOON, camera="park"), counted(LATE, camera="park", status=Status.SMEARED)])
    store.close()
    with duckdb.connect(str(path)) as ours:
        if version < 5:
            ours.execute(f"CREATE TABLE readings AS {_IN_ONE_TABLE}")
            for window in Window:
                ours.execute(f"DROP TABLE {readings_table(window)}")
        for later in range(version + 1, SCHEMA_VERSION + 1):
            for table in ("observations", "readings"):
                for column in ADDED_IN[later].get(table, ()):
                    ours.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
            for table in ADDED_IN[later].get("tables", ()):
                ours.execute(f"DROP TABLE {table}")
            if later == 3:
                ours.execute("CREATE TABLE watermarks (camera VARCHAR PRIMARY KEY, newest TIMESTAMP NOT NULL)")
                ours.execute("INSERT INTO watermarks SELECT camera, max(event_time) FROM observations GROUP BY camera")
        ours.execute(f"UPDATE schema_version SET version = {version}")


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION))
def test_an_older_store_is_brought_up_to_date(path: Path, version: int) -> None:
    """What was counted stays, with an error, a content and a ground that are not known; new counts have theirs."""
    as_version(version, path)
    store = DuckDBStore.open(path)
    assert store.watermarks() == {"park": LATE, "tower": NOON}
    park, tower = store.camera_states().to_dict("records")
    assert (park["last_status"], park["last_reason"]) == ("smeared", "the picture is smeared")
    assert (tower["last_status"], pd.isna(tower["last_reason"])) == ("ok", True)
    assert park["last_counted"] == tower["last_counted"] == NOON
    later = counted(NOON + timedelta(minutes=5), figures(car=4), low=figures(car=3), high=figures(car=6))
    later = later.model_copy(
        update={
            "lighting": Lighting.NIGHT,
            "gain": Gains(people=1.2),
            "calibration": "tower/2",
            "content": "0123456789abcdef" * 2,
            "ground": ground(crowded_share=0.25),
        }
    )
    moved = HealthEvent(camera="tower", since=NOON, state=CameraState.MOVED, reason="shows a house")
    counter = LoopCounter(id="scoot:1", name="Tooley St", source="TfL SCOOT")
    passed = LoopReading(counter="scoot:1", series="vehicles", start=NOON, end=NOON + timedelta(minutes=1), flow=7)
    assert store.last_contents() == {}
    asked = {"window": Window.HOUR, "series": ("car",), "start": NOON, "end": EVER[1]}
    (older,) = store.readings(**asked).records()
    assert (older.mean, older.area_m2, older.crowded_share) == (2, None, None)
    Aggregator(store, AggregatePolicy(), StoppedClock()).accept([later])
    store.save_health([moved])
    store.save_counters([counter])
    store.save_loops([passed])
    store.close()
    again = DuckDBStore.open(path, read_only=True)
    assert again.observations("tower:view", *EVER)[1:] == [counted(NOON), later]
    assert again.baselines_version() == 0
    five_minutes = again.readings(**(asked | {"window": Window.FIVE_MINUTES, "start": later.event_time}))
    assert (five_minutes.area_m2.tolist(), five_minutes.crowded_share.tolist()) == ([250.0], [0.25])
    assert again.last_contents() == {"tower": (later.event_time, later.content)}
    assert again.health_now() == [moved]
    assert (again.counters(), again.loops(*EVER).records()) == ([counter], [passed])
    again.close()


def test_an_older_store_is_not_read_before_it_is_brought_up_to_date(path: Path) -> None:
    as_version(1, path)
    with pytest.raises(StoreError, match=rf"has schema version 1, .* uses {SCHEMA_VERSION}.*busyness rebuild CONFIG"):
        DuckDBStore.open(path, read_only=True)


def test_a_store_that_cannot_be_brought_up_to_date_is_left_as_it_is(path: Path) -> None:
    as_version(1, path)
    with duckdb.connect(str(path)) as ours:
        ours.execute("ALTER TABLE observations ADD COLUMN gain INTEGER")
    with pytest.raises(StoreError, match=f"cannot be brought from schema version 1 to {SCHEMA_VERSION}"):
        DuckDBStore.open(path)
    with duckdb.connect(str(path)) as ours:
        rows = ours.execute("SELECT column_name FROM duckdb_columns() WHERE table_name = 'observations'").fetchall()
        assert ours.execute("SELECT version FROM schema_version").fetchall() == [(1,)]
    assert {"low", "calibration"} & {row[0] for row in rows} == set()


def test_what_has_waited_in_the_log_takes_its_place(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And leaves the memory that it waited in; while somebody reads what was before, it waits on."""
    monkeypatch.setattr(duckdb_engine, "_CHECKPOINT_EVERY_S", 0.0)
    log = path.with_name(f"{path.name}.wal")
    with closing(DuckDBStore.open(path)) as store:
        store.upsert_observations([counted(NOON)])
        assert not log.exists()
        with store._engine._root.cursor() as reader:
            reader.execute("BEGIN").execute("SELECT * FROM observations").fetchall()
            store.upsert_observations([counted(LATE)])
            assert log.exists()
        monkeypatch.setattr(duckdb_engine, "_CHECKPOINT_EVERY_S", 3600.0)
        store.upsert_observations([counted(LATE + timedelta(minutes=5))])
        assert not log.exists()
        store.upsert_observations([counted(LATE + timedelta(minutes=10))])
        assert log.exists(), "not with every commit"
        assert len(store.observations("tower:view", *EVER)) == 4


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
        store._engine._connection.execute(
            "SELECT name, value FROM duckdb_settings() WHERE name LIKE 'auto%known_extensions'"
        ).fetchall()
    )
    assert settings == {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    store.close()


def test_a_file_larger_than_its_memory_limit_stays_below_it_in_memory(path: Path) -> None:
    limit_mb = 16
    DuckDBStore.open(path).close()
    with duckdb.connect(str(path)) as grown:
        grown.execute("CREATE TABLE years AS SELECT random() AS figure FROM range(4_000_000)")  # 32 MB that stay so
    store = DuckDBStore.open(path, read_only=True, memory_mb=limit_mb)
    try:
        store._engine.read("SELECT sum(figure) FROM years")
        rows = store._engine.read("SELECT sum(memory_usage_bytes)::BIGINT AS used FROM duckdb_memory()").to_pylist()
    finally:
        store.close()
    assert 0 < rows[0]["used"] <= limit_mb * 2**20
